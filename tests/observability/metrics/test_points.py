"""From events to points: nothing but what the catalogue has, nothing that a back end can't take."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import re
from typing import Any

import pytest

from hookline.core.events import Dataset, ErrorInfo, PluginReport, Run, RunEnded, Verdict, Write, utc_now
from hookline.core.labels import DatasetLabels, LabelsConfig
from hookline.core.outbox.message import SinkStatus
from hookline.core.telemetry import CachedData, RunTelemetry, StreamProgress, Telemetry
from hookline.core.text import printable
from hookline.observability.metrics import (
    METRICS,
    CardinalityGuard,
    Point,
    metric,
    points_of_outbox,
    points_of_run,
    points_of_storage,
    points_of_write,
    tag_value,
)
from hookline.observability.metrics.points import RunCost, Stored
from hookline.testing import sample_run_ended, sample_write

AT = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
RUN = Run("00000000-0000-0000-0000-000000000001", "nightly", AT, environment="prod")
LABELS = LabelsConfig(
    owner="platform",
    tags={"team": "retail"},
    datasets=(DatasetLabels(match="*/orders", layer="silver", owner="sales", tags={"cost_center": "42"}),),
)
STREAM = StreamProgress(
    query_id="q",
    query_run_id="r",
    batch_id=3,
    input_rows=10,
    input_rows_per_s=5.0,
    processed_rows_per_s=20.0,
    trigger_s=0.5,
    lag_rows=7,
    state_rows=4,
    state_bytes=4096,
    state_dropped_rows=1,
    watermark_delay_s=10.0,
    event_time_lag_s=2.5,
)
TOLD = Telemetry(
    attribution="tag",
    jobs=2,
    stages_total=3,
    tasks=12,
    tasks_failed=1,
    executor_run_s=8.0,
    executor_cpu_s=6.0,
    gc_s=2.0,
    input_rows=100,
    shuffle_write_bytes=1_000,
    skew=1.5,
    stream=STREAM,
)
OF_RUN = RunTelemetry(
    known=True,
    cores=4,
    executors=2,
    core_s=100.0,
    busy_share=0.5,
    executor_run_s=50.0,
    peak_heap_bytes=1 << 30,
    cached=(CachedData(1, "Memory", 2, 2, 100, 10),),
)


def everything() -> tuple[Write, RunEnded]:
    """A write and a run of which all is known."""
    write = sample_write(
        batch_id=3,
        published=True,
        rows_quarantined=2,
        telemetry=TOLD,
        verdicts=(
            Verdict("ok", "error", "passed"),
            Verdict("bad", "critical", "failed", failing_rows=5),
            Verdict("far", "warn", "failed", 0.4, kind="distribution"),
            Verdict("none", "warn", "error"),
        ),
    )
    ended = sample_run_ended(
        writes=(write,), telemetry=OF_RUN, plugins=(PluginReport("lineage", 2),), finished_at=AT, overhead_s=0.1
    )
    return write, ended


def all_points() -> list[Point]:
    write, ended = everything()
    cost = RunCost(1.5, "USD", "a price", "a formula", {(write.dataset.namespace, write.dataset.name): 1.0})
    statuses = [SinkStatus("store", True, pending=3, oldest_pending_s=9.0)]
    return [
        *points_of_write(write, RUN, LABELS),
        *points_of_run(ended, RUN, LABELS, cost=cost),
        *points_of_storage(Stored(write.dataset, 3, 1024, 0.5), AT, environment="prod", labels=LABELS),
        *points_of_outbox(statuses, AT, environment="prod", labels=LABELS),
    ]


def values(points: Any) -> dict[str, float]:
    return {point.name: point.value for point in points}


def test_every_metric_of_the_catalogue_is_emitted_by_something() -> None:
    assert {point.name for point in all_points()} == set(METRICS)


def test_names_say_their_unit_and_points_have_only_the_tags_that_are_announced() -> None:
    for one in METRICS.values():
        assert re.fullmatch(r"hookline(\.[a-z][a-z0-9_]*)+", one.name)
        assert (one.unit == "seconds") == one.name.endswith("_s") or one.name.endswith("rows_per_s"), one.name
        assert (one.unit == "bytes") == one.name.endswith("bytes") or "bytes_read" in one.name, one.name
        assert one.description.endswith(".")
    for point in all_points():
        assert set(point.tags) - {"team", "cost_center"} <= set(point.metric.tags)
        assert math.isfinite(point.value)
        assert point.at.tzinfo is not None
        assert Point.from_payload(point.as_payload()) == point


def test_a_writes_points_are_its_numbers() -> None:
    write, _ = everything()
    points = points_of_write(write, RUN, LABELS)
    found = values(points)
    assert found["hookline.write.rows"] == write.rows
    assert found["hookline.spark.gc_share"] == 0.25
    assert found["hookline.quality.pass_rate"] == pytest.approx(1 / 3)
    assert found["hookline.quality.critical_violations"] == 1
    assert found["hookline.quality.drift_score"] == 0.4
    assert found["hookline.write.latency_s"] == 2.5
    tags = next(point.tags for point in points if point.name == "hookline.write.rows")
    assert tags == {
        "job": "nightly",
        "env": "prod",
        "dataset": "/data/orders",
        "layer": "silver",
        "owner": "sales",
        "operation": "append",
        "team": "retail",
        "cost_center": "42",
    }


def test_a_freshness_check_tells_the_latency_of_a_write_that_is_no_batch() -> None:
    fresh = Verdict("fresh", "warn", "passed", 42, kind="freshness")
    found = values(points_of_write(sample_write(published=True, verdicts=(fresh,)), RUN, LABELS))
    assert found["hookline.write.latency_s"] == 42
    hidden = sample_write(published=False, verdicts=(fresh,), error=ErrorInfo("E"))
    assert "hookline.write.latency_s" not in values(points_of_write(hidden, RUN, LABELS))


def test_what_is_not_known_makes_no_point() -> None:
    write = sample_write(rows=None, bytes=None, files=None, telemetry=Telemetry(missing=("away",)))
    found = values(points_of_write(write, RUN, LabelsConfig()))
    assert "hookline.write.rows" not in found
    assert not any(name.startswith(("hookline.spark", "hookline.stream", "hookline.quality.pass")) for name in found)
    ended = sample_run_ended(telemetry=RunTelemetry(missing=("away",)))
    assert "hookline.run.core_s" not in values(points_of_run(ended, RUN, LabelsConfig()))


@pytest.mark.parametrize("error", ["hookline.core.errors.WriteRefusedError", "java.lang.RuntimeException"])
def test_a_write_that_failed_has_written_nothing(error: str) -> None:
    write = sample_write(error=ErrorInfo(error), telemetry=TOLD)
    points = points_of_write(write, RUN, LABELS)
    assert "hookline.write.rows" not in values(points)
    status = next(point.tags["status"] for point in points if point.name == "hookline.write.ended")
    assert status == ("refused" if "Refused" in error else "failed")
    assert values(points)["hookline.quality.refused_writes"] == (status == "refused")


@pytest.mark.parametrize(("status", "number", "success"), [("finished", 0, 1), ("failed", 1, 0), ("abandoned", 3, 0)])
def test_a_runs_status_is_a_number(status: Any, number: int, success: int) -> None:
    found = values(points_of_run(sample_run_ended(status=status), RUN, LABELS))
    assert (found["hookline.run.status"], found["hookline.run.success"]) == (number, success)


HOSTILE = (
    "/a\nb|c,d:e#f",
    "/\u202egnp.exe",
    "/<script>alert('x')</script>",
    "/" + "long" * 2_500,
    "/\0\x1b[31m",
    "/\ud800",
    "/😀" * 300,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_become_short_and_safe_tags(name: str) -> None:
    write = sample_write(dataset=Dataset("file", name))
    run = dataclasses.replace(RUN, job=name)
    labels = LabelsConfig(datasets=(DatasetLabels(match="*", owner=printable(name, 200)),))
    for point in points_of_write(write, run, labels):
        for value in point.tags.values():
            assert len(value) <= 130
            assert not re.search(r"[\s|,#<>'\"\x00-\x1f\u202a-\u202e\ud800-\udfff]", value)


def test_long_names_that_differ_stay_different_and_moments_do_not() -> None:
    one, other = ("/" + "x" * 5_000 + end + "y" * 5_000 for end in "ab")
    assert tag_value(one) != tag_value(other)
    assert tag_value("/in/2026-01-02/run_20260102T030405Z") == tag_value("/in/2026-03-04/run_20260304T050607Z")
    assert tag_value("/in/5f0c3a52-7a2b-4b0f-9a51-1d2e3f405162") == tag_value("/in/" + str(RUN.run_id))
    assert tag_value("/v2/orders_2026") == "/v2/orders_2026"
    assert tag_value(None) == ""


def test_the_guard_keeps_tags_few() -> None:
    guard = CardinalityGuard(most=3)
    passed = {guard("dataset", f"/d{number}") for number in range(10)}
    assert passed == {"/d0", "/d1", "/d2", "(other)"}
    assert guard.replaced == 7
    assert guard("job", "/d9") == "/d9"
    points = points_of_write(sample_write(dataset=Dataset("file", "/d9")), RUN, LABELS, guard=guard)
    assert {point.tags["dataset"] for point in points if "dataset" in point.tags} == {"(other)"}


def test_nothing_outside_the_catalogue_has_a_name() -> None:
    with pytest.raises(KeyError):
        metric("hookline.made_up")
    assert utc_now().tzinfo is not None


@pytest.mark.parametrize(
    ("name", "symlinks", "layer"),
    [
        ("/lake/bronze/orders", (), "bronze"),
        ("/x", (("hive", "db.gold.orders"),), "gold"),
        ("/lake/goldfish/orders", (), None),
        ("silver.orders", (), "silver"),
    ],
)
def test_a_layer_is_what_a_name_says_unless_a_rule_does(name: str, symlinks: Any, layer: str | None) -> None:
    dataset = Dataset("file", name, symlinks=symlinks)
    assert LabelsConfig().of(dataset).layer == layer
    ruled = LabelsConfig(datasets=(DatasetLabels(match="*", layer="gold"),))
    assert ruled.of(dataset).layer == "gold"
