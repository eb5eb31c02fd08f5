"""What a stored run spent, for a person and for a program: unusual numbers, what got worse, names of any kind."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hookline.core.events import Dataset, Run
from hookline.core.labels import LabelsConfig
from hookline.core.outbox.message import Message
from hookline.core.store import LazyStore, Store, StoreSink
from hookline.core.telemetry import RunTelemetry, Telemetry
from hookline.core.text import display_width
from hookline.observability.advice import Advice, Setting
from hookline.observability.history import compare
from hookline.observability.keeping import amounts, measurement_of_run, measurement_of_write
from hookline.observability.spent import render_spent, spent_document
from hookline.testing import sample_run_ended, sample_write

HOSTILE = "/\x1b[31mred\r\n\u202etxt\u2028<b>" + "x" * 3_000
BEGIN = dt.datetime(2026, 1, 5, 3, tzinfo=dt.timezone.utc)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'store.db'}")
    yield opened
    opened.close()


def keep(
    store: Store, day: int, *, rows: int, run_s: float, name: str = "/lake/silver/orders", gc_s: float = 0.0
) -> Run:
    """A run on a day, with one write."""
    at = BEGIN + dt.timedelta(days=day)
    run = Run(f"00000000-0000-0000-0000-{day:012d}", name, at)
    telemetry = Telemetry("tag", tasks=4, executor_run_s=run_s, gc_s=gc_s, missing=("a stage was forgotten",))
    write = sample_write(
        write_id=f"{run.run_id}/1", dataset=Dataset("file", name), rows=rows, finished_at=at, telemetry=telemetry
    )
    advice = (
        [Advice("skew", f"of {name[:40]}", {"x": 1.0}, (Setting("spark.x", "more"),), name[:40])] if day > 11 else []
    )
    ended = sample_run_ended(finished_at=at, telemetry=RunTelemetry(known=True, core_s=run_s))
    facts = [
        measurement_of_write(write, run, LabelsConfig()),
        measurement_of_run(ended, run, LabelsConfig(), advice=advice),
    ]
    opened = LazyStore("unused://")
    opened._store = store
    StoreSink(opened).deliver([Message("x", "store", "measurement", fact, "x", at, 0) for fact in facts])
    return run


def history(store: Store, **last: Any) -> Run:
    """Twelve days alike, and one that is not."""
    for day in range(12):
        keep(store, day, rows=1_000 + day, run_s=10.0 + day / 10, name=last.get("name", "/lake/silver/orders"))
    return keep(store, 12, **last)


def test_what_is_unusual_and_worse_is_told(store: Store) -> None:
    run = history(store, rows=10, run_s=100.0)
    document = spent_document(store, run.run_id)
    unusual = {one["metric"] for one in document["anomalies"]}
    assert {"hookline.write.rows", "hookline.spark.executor_run_s", "hookline.run.core_s"} <= unusual
    assert {one["metric"] for one in document["regressions"]} >= {"hookline.write.rows", "hookline.run.core_s"}
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    text = render_spent(store, run.run_id)
    assert "unusual: /lake/silver/orders: write.rows is 10; by 12 earlier ones" in text.replace("\n    ", " ")
    assert "worse: " in text
    assert "missing: a stage was forgotten" in text
    assert "skew" not in text.splitlines()[1]


def test_a_usual_run_is_told_as_one(store: Store) -> None:
    run = history(store, rows=1_005, run_s=10.5)
    document = spent_document(store, run.run_id)
    assert (document["anomalies"], document["regressions"]) == ([], [])


def test_what_was_not_measured_is_empty(store: Store) -> None:
    assert spent_document(store, "nobody") == {}
    assert render_spent(store, "nobody") == ""


@pytest.mark.parametrize("width", [40, 100])
def test_any_name_is_safe_on_a_terminal(store: Store, width: int) -> None:
    run = history(store, rows=1, run_s=500.0, name=HOSTILE)
    for line in render_spent(store, run.run_id, width=width).splitlines():
        assert display_width(line) <= width
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2028]", line)


def test_amounts_of_a_runs_writes_are_added_up_and_states_are_not(store: Store) -> None:
    run = keep(store, 1, rows=100, run_s=10.0, gc_s=5.0)
    measured = store.measurements(run.run_id)
    first = next(one for one in measured if one.event_id != run.run_id)
    second = first._replace(event_id=f"{run.run_id}/2")
    found = {one.metric: one for one in compare(measured, [*measured, second], amounts()) if one.dataset is not None}
    assert (found["hookline.write.rows"].before, found["hookline.write.rows"].after) == (100, 200)
    assert found["hookline.write.rows"].change == 1.0
    assert found["hookline.spark.gc_share"].before == found["hookline.spark.gc_share"].after == 0.5
