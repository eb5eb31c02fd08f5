"""One dataset: its writes, what its checks said over time, its schema, who made it and who relies on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from hookline.core.events import Column, Dataset
from hookline.core.labels import LabelsConfig
from hookline.core.store import reading
from hookline.core.store.browse import datasets as browse
from hookline.core.store.browse import runs, spending
from hookline.core.store.records import SchemaVersion
from hookline.observability.ui.asking import since
from hookline.observability.ui.documents import (
    CheckHistory,
    ColumnRow,
    CostDay,
    DatasetDetail,
    SchemaRow,
    WritePoint,
)
from hookline.observability.ui.gather.ancestry import Ancestry
from hookline.observability.ui.gather.datasets import COST_DAYS, rows
from hookline.observability.ui.gather.run import named
from hookline.observability.ui.gather.runs import checks_of, error_class

MOST_WRITES = 60
_MOST_CHECKS, _MOST_SCHEMAS = 100, 20


def dataset(
    connection: Connection, dataset_id: str, labels: LabelsConfig, ancestry: Ancestry, before: str | None = None
) -> DatasetDetail | None:
    """A dataset with its last writes before a moment; None where nothing was written to it."""
    found = browse.dataset(connection, dataset_id)
    if found is None:
        return None
    written = browse.writes_before(connection, dataset_id, before, MOST_WRITES + 1)
    shown = written[-MOST_WRITES:]
    counts = runs.check_counts(connection, [one.write_id for one in shown])
    spent = spending.by_day(connection, since(COST_DAYS), dataset_id=dataset_id)
    currency = max(spent, key=lambda one: one.amount).currency if spent else None
    name = (found.namespace, found.name)
    downstream = ancestry.downstream(name)
    return DatasetDetail(
        dataset=rows(connection, [found], labels)[0],
        other_names=browse.other_names(connection, *name),
        tags=dict(labels.of(found.dataset).tags),
        writes=[_point(one, counts.get(one.write_id, {})) for one in shown],
        earlier=shown[0].started_at if len(written) > MOST_WRITES else None,
        checks=[*_histories(connection, shown)],
        schemas=[*_schemas(reading.schemas(connection, *name))],
        made_from=[named(Dataset(*one)) for one in ancestry.made_from(name)],
        datasets_downstream=[named(Dataset(one.namespace, one.name)) for one in downstream if one.kind == "dataset"],
        jobs_downstream=[one.name for one in downstream if one.kind == "job"],
        cost_days=[
            CostDay(day=one.what, amount=one.amount, runs=one.runs) for one in spent if one.currency == currency
        ],
        currency=currency,
    )


def _point(one: browse.ListedWrite, counts: dict[str, int]) -> WritePoint:
    return WritePoint(
        write_id=one.write_id,
        run_id=one.run_id,
        started_at=one.started_at,
        duration_s=one.duration_s,
        rows=one.rows,
        bytes=one.bytes,
        rows_quarantined=one.rows_quarantined,
        operation=one.operation,
        published=bool(one.published),
        error=error_class(one.error),
        checks=checks_of(counts),
    )


def _histories(connection: Connection, shown: Sequence[browse.ListedWrite]) -> Iterable[CheckHistory]:
    """Of each check what it said of each write, those that failed last before the others."""
    said = browse.checks_of(connection, [one.write_id for one in shown])
    by_check: dict[str, dict[str, browse.ListedCheck]] = {}
    for write_id, own in said.items():
        for one in own:
            by_check.setdefault(one.check_name, {})[write_id] = one
    found = []
    for check, by_write in by_check.items():
        last = next(by_write[one.write_id] for one in reversed(shown) if one.write_id in by_write)
        in_order = [by_write.get(one.write_id) for one in shown]
        history = {
            "check": check,
            "severity": last.severity,
            "expected": last.expected or "",
            "statuses": [None if one is None else one.status for one in in_order],
            "observed": [None if one is None else one.observed for one in in_order],
        }
        found.append((last.status == "passed", check, CheckHistory.model_validate(history)))
    return [history for _, _, history in sorted(found, key=lambda one: one[:2])[:_MOST_CHECKS]]


def _schemas(versions: Sequence[SchemaVersion]) -> Iterable[SchemaRow]:
    rows = []
    before: dict[str, Column] = {}
    for number, one in enumerate(versions):
        now = {column.name: column for column in one.columns}
        kept = [name for name in now if name in before]
        rows.append(
            SchemaRow(
                version=one.version,
                first_seen_at=one.first_seen_at,
                last_seen_at=one.last_seen_at,
                run_id=one.run_id,
                columns=[ColumnRow(name=each.name, type=each.type, nullable=each.nullable) for each in one.columns],
                added=[name for name in now if name not in before] if number else [],
                removed=[name for name in before if name not in now],
                changed=[name for name in kept if before[name] != now[name]],
            )
        )
        before = now
    return rows[::-1][:_MOST_SCHEMAS]
