"""Measurements: kept as often as they are delivered, folded by the hour, small, and found again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import func, select

from hookline.core.outbox.message import Message
from hookline.core.store import LazyStore, SeriesPoint, Store, StoreSink, Subject, schema
from hookline.core.store.packing import unpack
from hookline.observability.metrics import METRICS

WRITES = Subject("nightly", "prod", "file", "/lake/silver/orders")
RUNS = Subject("nightly", "prod")


def at(day: int, hour: int = 3, minute: int = 0) -> str:
    return dt.datetime(2026, 1, day, hour, minute, tzinfo=dt.timezone.utc).isoformat()


def fact(
    event_id: str, when: str, points: dict[str, Any], subject: Subject = WRITES, good: bool = True
) -> dict[str, Any]:
    run_id = event_id.partition("/")[0]
    document = {"points": points, "telemetry": {"tasks": 3}}
    return {
        "event_id": event_id,
        "run_id": run_id,
        "subject": list(subject),
        "at": when,
        "good": good,
        "document": document,
    }


def apply(store: Store, facts: Iterable[dict[str, Any]], kind: str = "measurement") -> None:
    opened = LazyStore("unused://")
    opened._store = store
    now = dt.datetime.now(dt.timezone.utc)
    StoreSink(opened).deliver([Message("x", "store", kind, payload, "x", now, 0) for payload in facts])


def fold(store: Store, before: str, forget: str = "2025-01-01") -> None:
    apply(store, [{"fold_before": before, "forget_before": forget}], "compact")


def series(store: Store, subject: Subject, **more: Any) -> tuple[SeriesPoint, ...]:
    return store.series(subject, ["rows"], **more)["rows"]


def count(store: Store, table: Any) -> int:
    with store.transaction() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar() or 0)


def test_a_measurement_is_kept_once_however_often_it_comes(store: Store) -> None:
    facts = [fact("r1/1", at(1), {"rows": 5}), fact("r1", at(1, 4), {"duration": 2.5}, RUNS)]
    apply(store, facts)
    apply(store, facts)
    found = store.measurements("r1")
    assert [(one.event_id, one.subject, one.document["points"]) for one in found] == [
        ("r1/1", WRITES, {"rows": 5}),
        ("r1", RUNS, {"duration": 2.5}),
    ]
    assert set(store.subjects()) == {WRITES, RUNS}


def test_a_series_has_what_ended_well_before_a_time(store: Store) -> None:
    apply(store, [fact(f"r{day}/1", at(day), {"rows": day}, good=day != 3) for day in range(1, 6)])
    assert [point.value for point in series(store, WRITES)] == [1, 2, 4, 5]
    assert [point.value for point in series(store, WRITES, before=at(4))] == [1, 2]
    assert [point.value for point in series(store, WRITES, limit=2)] == [4, 5]
    assert series(store, RUNS) == ()
    (last,) = store.last_measurements(WRITES, 1, before=at(4), good=True)
    assert last.run_id == "r2"


def test_a_day_that_is_past_is_folded_by_the_hour(store: Store) -> None:
    values = {at(1, 3): 1.0, at(1, 3, 10): 2.0, at(1, 3, 20): 9.0, at(1, 5): 4.0, at(2): 7.0}
    apply(store, [fact(f"r{place}/1", when, {"rows": value}) for place, (when, value) in enumerate(values.items())])
    fold(store, "2026-01-02")
    fold(store, "2026-01-02")
    points = series(store, WRITES)
    assert [(point.at, point.value, point.weight) for point in points] == [
        ("2026-01-01T03:30:00+00:00", 2.0, 3),
        ("2026-01-01T05:30:00+00:00", 4.0, 1),
        (at(2), 7.0, 1),
    ]
    assert store.measurements("r0") == ()
    assert store.spent(WRITES, "rows", "2026-01-01", at(3)) == 23.0


def test_what_comes_late_joins_its_hour(store: Store) -> None:
    apply(store, [fact(f"r{place}/1", at(1, 3, place), {"rows": 10.0}) for place in range(3)])
    fold(store, "2026-01-02")
    apply(store, [fact("late/1", at(1, 3, 30), {"rows": 50.0})])
    fold(store, "2026-01-02")
    (point,) = series(store, WRITES)
    assert (point.value, point.weight) == (10.0, 4)
    assert store.spent(WRITES, "rows", "2026-01-01", at(2)) == 80.0


def test_hours_are_forgotten_in_their_time(store: Store) -> None:
    apply(store, [fact(f"r{day}/1", at(day), {"rows": day}) for day in (1, 2, 3)])
    fold(store, "2026-01-03")
    fold(store, "2026-01-03", forget="2026-01-02")
    assert [point.value for point in series(store, WRITES)] == [2, 3]


def test_a_series_takes_less_than_a_kilobyte_a_day_when_it_is_folded(store: Store) -> None:
    """A job every five minutes, with every metric that there is."""
    points = {name: 123456.789012 * (place + 1) for place, name in enumerate(METRICS)}
    moments = [dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(minutes=5 * n) for n in range(288)]
    apply(store, [fact(f"r{n}/1", when.isoformat(), points) for n, when in enumerate(moments)])
    fold(store, "2026-01-02")
    assert count(store, schema.measurements) == 0
    assert count(store, schema.metric_days) == len(METRICS)
    with store.transaction() as connection:
        rows = connection.execute(select(schema.metric_days)).all()
    # With half as much again for the database's own pages and the key's index.
    assert max(sum(map(len, row)) + len("".join(row[:3])) for row in rows) * 1.1 <= 1024
    assert len(unpack(rows[0].hours)["hours"]) == 24


@pytest.mark.parametrize("broken", [{}, {"event_id": "r/1"}, {"subject": ["a"] * 9, "event_id": "r/1"}])
def test_a_measurement_that_is_none_is_refused_for_good(store: Store, broken: dict[str, Any]) -> None:
    from hookline.core.errors import SinkError

    with pytest.raises(SinkError) as raised:
        apply(store, [broken])
    assert not raised.value.retryable
