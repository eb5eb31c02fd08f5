"""What runs and writes took and gave, over time: kept one by one at first, then by the hour.

A day that is past is folded: of each metric one row remains, with count, median, least, greatest and sum of each hour. A
fact that is late joins its hour; the median of what is joined is that of the larger part.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping, delete, select

from hookline.core.events import content_id
from hookline.core.store import schema
from hookline.core.store.packing import pack, unpack
from hookline.core.store.records import Measurement, SeriesPoint, Subject

if TYPE_CHECKING:
    from hookline.core.store.database import Store

_Payload = Mapping[str, Any]
# Hour, count, median, least, greatest, sum.
Hour = tuple[int, int, float, float, float, float]
_DIGITS, _DIGITS_OF_SUM = 6, 10
_AT_ONCE = 2_000
_MOST_METRIC = 160


def keep_measurement(store: Store, connection: Connection, payload: _Payload) -> None:
    """A run's or a write's numbers, as a fact."""
    subject = Subject(*payload["subject"])
    store.upsert(connection, schema.subjects, {"subject_id": subject.id, **subject._asdict()})
    row = {name: payload[name] for name in ("event_id", "run_id", "at", "good")}
    document = pack(payload["document"])
    store.upsert(connection, schema.measurements, {**row, "subject_id": subject.id, "document": document})
    for dataset_id, amount in _amounts(payload["document"].get("cost")):
        own = {"run_id": payload["run_id"], "dataset_id": dataset_id, "subject_id": subject.id, "at": payload["at"]}
        currency = str(payload["document"]["cost"]["currency"])[:8]
        store.upsert(connection, schema.costs, {**own, "amount": amount, "currency": currency})


def _amounts(cost: _Payload | None) -> Iterator[tuple[str, float]]:
    """Of the run as a whole, and of each dataset."""
    if cost is not None:
        yield "", float(cost["total"])
        for namespace, name, amount in cost["by_dataset"]:
            yield content_id(namespace, name), float(amount)


def compact_measurements(store: Store, connection: Connection, payload: _Payload) -> None:
    """Fold the days before ``fold_before``, and forget those before ``forget_before`` (dates), as a fact.

    So many measurements a time: what remains is for the next time, so that a database is never held up for long.
    """
    table = schema.measurements
    connection.execute(delete(schema.metric_days).where(schema.metric_days.c.day < payload["forget_before"]))
    connection.execute(delete(schema.costs).where(schema.costs.c.at < payload["forget_before"]))
    chosen = select(table).where(table.c.at < payload["fold_before"]).order_by(table.c.at).limit(_AT_ONCE)
    rows = connection.execute(chosen).mappings().all()
    found: defaultdict[tuple[str, str, str], defaultdict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        at = dt.datetime.fromisoformat(row["at"]).astimezone(dt.timezone.utc)
        if row["good"] and row["at"] >= payload["forget_before"]:
            for metric, value in _numbers(row):
                found[row["subject_id"], metric, f"{at:%Y-%m-%d}"][at.hour].append(value)
    for (subject_id, metric, day), hours in found.items():
        key = {"subject_id": subject_id, "metric": metric, "day": day}
        folded = _joined(_hours(connection, key), {hour: _fold(hour, values) for hour, values in hours.items()})
        store.upsert(connection, schema.metric_days, {**key, "hours": pack({"hours": [*map(list, folded)]})})
    for start in range(0, len(rows), 500):
        ids = [row["event_id"] for row in rows[start : start + 500]]
        connection.execute(delete(table).where(table.c.event_id.in_(ids)))


def measurements(connection: Connection, run_id: str) -> tuple[Measurement, ...]:
    """See ``Store.measurements``."""
    table, of = schema.measurements, schema.subjects
    joined = select(table, of).join(of, of.c.subject_id == table.c.subject_id)
    rows = connection.execute(joined.where(table.c.run_id == run_id).order_by(table.c.at, table.c.event_id))
    return tuple(_measurement(row) for row in rows.mappings())


def measured(connection: Connection, event_ids: Sequence[str]) -> dict[str, Measurement]:
    """What was measured of some runs and writes, by their ids."""
    table, of = schema.measurements, schema.subjects
    joined = select(table, of).join(of, of.c.subject_id == table.c.subject_id)
    rows = connection.execute(joined.where(table.c.event_id.in_(event_ids))).mappings()
    return {row["event_id"]: _measurement(row) for row in rows}


def last_measured_runs(connection: Connection, since: str, limit: int) -> tuple[Measurement, ...]:
    """What was measured of the latest runs since a moment, latest first; of so many runs and writes at most."""
    table, of = schema.measurements, schema.subjects
    recent = (
        select(table.c.event_id, table.c.run_id).where(table.c.at >= since).order_by(table.c.at.desc()).limit(limit)
    )
    every = recent.subquery()
    joined = select(table, of).join(of, of.c.subject_id == table.c.subject_id)
    own = select(every.c.event_id).where(every.c.event_id == every.c.run_id)
    rows = connection.execute(joined.where(table.c.event_id.in_(own)).order_by(table.c.at.desc())).mappings()
    return tuple(_measurement(row) for row in rows)


def last_measurements(
    connection: Connection, subject: Subject, limit: int, before: str | None, good: bool | None
) -> tuple[Measurement, ...]:
    """See ``Store.last_measurements``."""
    table = schema.measurements
    chosen = select(table).where(table.c.subject_id == subject.id)
    if before is not None:
        chosen = chosen.where(table.c.at < before)
    if good is not None:
        chosen = chosen.where(table.c.good.is_(good))
    rows = connection.execute(chosen.order_by(table.c.at.desc()).limit(limit)).mappings().all()
    return tuple(
        Measurement(row["event_id"], row["run_id"], subject, row["at"], row["good"], unpack(row["document"]))
        for row in reversed(rows)
    )


def series(
    connection: Connection, subject: Subject, metrics: Collection[str], limit: int, before: str | None
) -> dict[str, tuple[SeriesPoint, ...]]:
    """See ``Store.series``."""
    recent: defaultdict[str, list[SeriesPoint]] = defaultdict(list)
    for one in last_measurements(connection, subject, limit, before, True):
        points = one.document.get("points", {})
        for metric in metrics:
            if metric in points:
                recent[metric].append(SeriesPoint(one.at, float(points[metric]), 1, one.run_id))
    return {metric: _series(connection, subject, metric, limit, before, recent[metric]) for metric in metrics}


def _series(
    connection: Connection, subject: Subject, metric: str, limit: int, before: str | None, recent: list[SeriesPoint]
) -> tuple[SeriesPoint, ...]:
    if len(recent) >= limit:
        return tuple(recent[-limit:])
    table = schema.metric_days
    own = (table.c.subject_id == subject.id) & (table.c.metric == metric[:_MOST_METRIC])
    latest = select(table.c.day, table.c.hours).where(own).order_by(table.c.day.desc()).limit(limit - len(recent))
    older: list[SeriesPoint] = []
    for day, text in connection.execute(latest):
        hours = [SeriesPoint(f"{day}T{hour[0]:02d}:30:00+00:00", hour[2], hour[1]) for hour in _parsed(text)]
        older += [point for point in reversed(hours) if before is None or point.at < before]
    return tuple((older[::-1] + recent)[-limit:])


def spent(connection: Connection, subject: Subject, metric: str, since: str, before: str) -> float:
    """See ``Store.spent``."""
    table, days = schema.measurements, schema.metric_days
    own = (table.c.subject_id == subject.id) & (table.c.at >= since) & (table.c.at < before)
    found = (
        unpack(text)["points"].get(metric, 0.0)
        for text in connection.execute(select(table.c.document).where(own)).scalars()
    )
    folded = (
        (days.c.subject_id == subject.id)
        & (days.c.metric == metric)
        & (days.c.day >= since[:10])
        & (days.c.day < before)
    )
    texts = connection.execute(select(days.c.hours).where(folded)).scalars()
    return math.fsum(found) + math.fsum(hour[5] for text in texts for hour in _parsed(text))


def subjects(connection: Connection) -> tuple[Subject, ...]:
    """See ``Store.subjects``."""
    table = schema.subjects
    rows = connection.execute(select(table.c.job, table.c.environment, table.c.namespace, table.c.name))
    return tuple(Subject(*row) for row in rows.all())


def _measurement(row: RowMapping) -> Measurement:
    subject = Subject(row["job"], row["environment"], row["namespace"], row["name"])
    return Measurement(row["event_id"], row["run_id"], subject, row["at"], row["good"], unpack(row["document"]))


def _numbers(row: RowMapping) -> Iterator[tuple[str, float]]:
    for metric, value in unpack(row["document"]).get("points", {}).items():
        if isinstance(value, (int, float)) and math.isfinite(value):
            yield metric[:_MOST_METRIC], float(value)


def _fold(hour: int, values: list[float]) -> Hour:
    middle, least, greatest = (_rounded(number, _DIGITS) for number in (median(values), min(values), max(values)))
    return hour, len(values), middle, least, greatest, _rounded(math.fsum(values), _DIGITS_OF_SUM)


def _rounded(number: float, digits: int) -> float:
    short = float(f"{number:.{digits}g}")
    return int(short) if short.is_integer() else short


def _hours(connection: Connection, key: Mapping[str, str]) -> dict[int, Hour]:
    table = schema.metric_days
    own = [table.c[name] == value for name, value in key.items()]
    text = connection.execute(select(table.c.hours).where(*own)).scalar()
    return {} if text is None else {hour[0]: hour for hour in _parsed(text)}


def _joined(before: Mapping[int, Hour], new: Mapping[int, Hour]) -> list[Hour]:
    hours = []
    for hour in sorted({*before, *new}):
        one, other = before.get(hour), new.get(hour)
        if one is None or other is None:
            hours.append(one or other)
            continue
        larger = max(one, other, key=lambda part: part[1])
        hours.append(
            (hour, one[1] + other[1], larger[2], min(one[3], other[3]), max(one[4], other[4]), one[5] + other[5])
        )
    return [hour for hour in hours if hour is not None]


def _parsed(text: str) -> list[Hour]:
    return [tuple(hour) for hour in unpack(text)["hours"]]
