"""Names, totals and the text format, without a server."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from typing import Any

import pytest

from hookline.observability.metrics import METRICS, Point, metric
from hookline.observability.prometheus.names import all_families, families, labels
from hookline.observability.prometheus.text import render
from hookline.observability.prometheus.totals import Totals

AT = dt.datetime(2026, 3, 2, 12, tzinfo=dt.timezone.utc)


def point(name: str, value: float, seconds: float = 0.0, **tags: str) -> Point:
    return Point(metric(f"hookline.{name}"), value, AT + dt.timedelta(seconds=seconds), tags)


@pytest.mark.parametrize(
    ("name", "main", "last"),
    [
        ("write.rows", "hookline_write_rows_total", None),
        ("write.bytes", "hookline_write_bytes_total", None),
        ("spark.executor_run_s", "hookline_spark_executor_run_seconds_total", None),
        ("spark.peak_memory_bytes", "hookline_spark_peak_memory_bytes", None),
        ("spark.gc_share", "hookline_spark_gc_share_ratio", None),
        ("stream.input_rows_per_s", "hookline_stream_input_rows_per_second", None),
        ("stream.event_time_lag_s", "hookline_stream_event_time_lag_seconds", None),
        ("run.duration_s", "hookline_run_duration_seconds", "hookline_run_last_duration_seconds"),
        ("run.ended", "hookline_run_ended_total", "hookline_run_last_ended_timestamp_seconds"),
    ],
)
def test_a_name_has_its_unit_and_its_kind(name: str, main: str, last: str | None) -> None:
    found = families(metric(f"hookline.{name}"))
    assert (found.main.name, found.last and found.last.name) == (main, last)


def test_every_name_is_one_and_follows_the_conventions() -> None:
    made = list(all_families(METRICS))
    assert len({family.name for family in made}) == len(made)
    for family in made:
        assert re.fullmatch(r"hookline(_[a-z0-9]+)+", family.name)
        assert family.name.endswith("_total") == (family.type == "counter")
        assert not family.name.endswith(("_s", "_count", "_sum", "_bucket"))


def test_totals_go_on_and_a_message_counts_once() -> None:
    totals = Totals()
    totals.add([point("write.rows", 10, dataset="a"), point("run.duration_s", 2.5)], "m1")
    totals = Totals.load(json.loads(json.dumps(totals.dump())))
    totals.add([point("write.rows", 10, dataset="a"), point("run.duration_s", 2.5)], "m1")
    totals.add([point("write.rows", 5, 60, dataset="a"), point("write.rows", 1, dataset="b")], "m2")
    totals.add([point("run.duration_s", 4, 60)], "m3")
    text = render(totals).decode()
    assert 'hookline_write_rows_total{dataset="a"} 15\n' in text
    assert 'hookline_write_rows_total{dataset="b"} 1\n' in text
    assert "hookline_run_duration_seconds_sum{} 6.5\n" in text
    assert "hookline_run_duration_seconds_count{} 2\n" in text
    assert "hookline_run_last_duration_seconds{} 4\n" in text


def test_what_comes_late_does_not_hide_what_is_newer() -> None:
    totals = Totals()
    totals.add([point("quality.pass_rate", 0.5, 60), point("run.duration_s", 9, 60), point("run.ended", 1, 60)])
    totals.add([point("quality.pass_rate", 1.0), point("run.duration_s", 1), point("run.ended", 1)])
    text = render(totals).decode()
    assert "hookline_quality_pass_rate_ratio{} 0.5\n" in text
    assert "hookline_run_last_duration_seconds{} 9\n" in text
    assert "hookline_run_ended_total{} 2\n" in text
    assert f"hookline_run_last_ended_timestamp_seconds{{}} {int(AT.timestamp()) + 60}\n" in text


def test_series_that_do_not_change_are_dropped_and_there_are_not_too_many() -> None:
    totals = Totals(most=10)
    totals.add(point("write.rows", 1, number, dataset=f"d{number}") for number in range(30))
    assert len(totals) == 10
    totals.forget(AT + dt.timedelta(seconds=25))
    assert len(totals) == 5


def test_labels_that_prometheus_keeps_for_itself_have_other_names() -> None:
    told = {"job": "nightly", "instance": "x", "quantile": "0.5", "cost.center": "a", "cost-center": "b", "9lives": "c"}
    assert labels(point("write.rows", 1, **told)) == {
        "job_name": "nightly",
        "tag_instance": "x",
        "tag_quantile": "0.5",
        "cost_center": "a",
        "_9lives": "c",
    }


def test_a_label_can_end_nothing() -> None:
    totals = Totals()
    hostile = 'a"} 1\nup{job="x"} 9\n# TYPE \\ \u202e' + "n" * 10_000
    totals.add([point("write.rows", 1, dataset=hostile)])
    lines = render(totals).decode().splitlines()
    assert next(line for line in lines if not line.startswith("#")).startswith(
        'hookline_write_rows_total{dataset="a\\"} 1\\n'
    )
    assert len(lines) == 3


def test_numbers_are_exact() -> None:
    totals = Totals()
    totals.add([point("write.rows", 2**52 + 1), point("spark.skew", 1 / 3), point("write.bytes", 1e300)])
    text = render(totals).decode()
    assert f"}} {2**52 + 1}\n" in text
    assert f"}} {1 / 3!r}\n" in text
    assert "} 1e+300\n" in text


def test_a_metric_of_another_version_is_passed_over() -> None:
    document: Any = Totals().dump()
    document["series"] = [["hookline.gone", [], [1.0, 0.0]]]
    assert render(Totals.load(document)) == b""


def test_no_server_is_loaded_before_it_is_wanted() -> None:
    heavy = {"http.server", "sqlalchemy", "http.client"}
    code = f"import sys, hookline.plugins.prometheus; assert not {heavy!r} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
