"""Every dataset with its last write, and the writes of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, select, text, union_all

from hookline.core.events import Dataset
from hookline.core.store.schema import symlinks, verdicts
from hookline.core.store.schema import writes as table

# From one dataset_id to the next greater one.
_LAST_WRITE_OF_EACH = text(
    """WITH RECURSIVE ids(id) AS (
        SELECT min(dataset_id) FROM hookline_writes
        UNION ALL
        SELECT (SELECT min(w.dataset_id) FROM hookline_writes w WHERE w.dataset_id > ids.id) FROM ids WHERE ids.id IS NOT NULL
    )
    SELECT (SELECT w.write_id FROM hookline_writes w WHERE w.dataset_id = ids.id AND w.started_at IS NOT NULL
        ORDER BY w.started_at DESC LIMIT 1)
    FROM ids WHERE ids.id IS NOT NULL LIMIT :most"""
)


class ListedWrite(NamedTuple):
    """A write in a list. ``error`` is JSON."""

    write_id: str
    run_id: str
    dataset_id: str
    operation: str
    started_at: str
    finished_at: str | None
    duration_s: float | None
    rows: int | None
    bytes: int | None
    files: int | None
    rows_quarantined: int | None
    published: bool | None
    error: str | None


class ListedDataset(NamedTuple):
    """A dataset, as its last write names it, with when that began."""

    dataset_id: str
    namespace: str
    name: str
    format: str | None
    started_at: str

    @property
    def dataset(self) -> Dataset:
        """As events have it."""
        return Dataset(self.namespace, self.name, self.format)


class ListedCheck(NamedTuple):
    """What a check said of a write."""

    write_id: str
    check_name: str
    severity: str
    status: str
    observed: str | None
    failing_rows: int | None
    expected: str | None
    message: str | None


def all_datasets(connection: Connection, most: int) -> list[ListedDataset]:
    """Every dataset that was ever written, the one that was written last first.

    Each one's last write is looked up by an index, which is much less than looking at all writes.

    Args:
        most: how many datasets are looked at.
    """
    rows = connection.execute(_LAST_WRITE_OF_EACH, {"most": most + 1})
    write_ids = [write_id for (write_id,) in rows if write_id is not None]
    found: list[ListedDataset] = []
    columns = [table.c[name] for name in ListedDataset._fields]
    for start in range(0, len(write_ids), 500):
        some = write_ids[start : start + 500]
        found += [ListedDataset(*row) for row in connection.execute(select(*columns).where(table.c.write_id.in_(some)))]
    return sorted(found, key=lambda one: (one.started_at, one.dataset_id), reverse=True)


def dataset(connection: Connection, dataset_id: str) -> ListedDataset | None:
    """A dataset; None where nothing was written to it."""
    columns = [table.c[name] for name in ListedDataset._fields]
    own = select(*columns).where(table.c.dataset_id == dataset_id, table.c.started_at.is_not(None))
    row = connection.execute(own.order_by(table.c.started_at.desc()).limit(1)).first()
    return None if row is None else ListedDataset(*row)


def other_names(connection: Connection, namespace: str, name: str) -> list[tuple[str, str]]:
    """What the same data is called elsewhere."""
    own = (symlinks.c.namespace == namespace) & (symlinks.c.name == name)
    query = select(symlinks.c.other_namespace, symlinks.c.other_name).where(own)
    return sorted((row[0], row[1]) for row in connection.execute(query))


def last_writes(connection: Connection, dataset_ids: Sequence[str], limit: int) -> dict[str, list[ListedWrite]]:
    """The latest writes of each dataset, oldest first."""
    if not dataset_ids:
        return {}
    parts = [select(_latest(one, limit).subquery()) for one in dataset_ids]
    found: defaultdict[str, list[ListedWrite]] = defaultdict(list)
    for row in connection.execute(union_all(*parts)):
        found[row.dataset_id].append(ListedWrite(*row))
    for own in found.values():
        own.sort(key=lambda one: one.started_at)
    return found


def writes_before(connection: Connection, dataset_id: str, before: str | None, limit: int) -> list[ListedWrite]:
    """The latest writes of a dataset that began before a moment, oldest first."""
    query = _latest(dataset_id, limit, before)
    return [ListedWrite(*row) for row in reversed(connection.execute(query).all())]


def _latest(dataset_id: str, limit: int, before: str | None = None) -> Select[Any]:
    columns = [table.c[name] for name in ListedWrite._fields]
    query = select(*columns).where(table.c.dataset_id == dataset_id, table.c.started_at.is_not(None))
    if before is not None:
        query = query.where(table.c.started_at < before)
    return query.order_by(table.c.started_at.desc()).limit(limit)


def checks_of(
    connection: Connection, write_ids: Sequence[str], *, only_trouble: bool = False
) -> dict[str, list[ListedCheck]]:
    """By write, what the checks said; or only those that did not pass."""
    found: defaultdict[str, list[ListedCheck]] = defaultdict(list)
    columns = [verdicts.c[name] for name in ListedCheck._fields]
    for start in range(0, len(write_ids), 500):
        query = select(*columns).where(verdicts.c.write_id.in_(write_ids[start : start + 500]))
        if only_trouble:
            query = query.where(verdicts.c.status != "passed")
        for row in connection.execute(query.order_by(verdicts.c.write_id, verdicts.c.position)):
            found[row.write_id].append(ListedCheck(*row))
    return found


def writes_of_runs(connection: Connection, run_ids: Sequence[str], most: int) -> list[ListedWrite]:
    """The writes of some runs, so many at most."""
    columns = [table.c[name] for name in ListedWrite._fields]
    query = select(*columns).where(table.c.run_id.in_(run_ids), table.c.dataset_id.is_not(None)).limit(most)
    return [ListedWrite(*row) for row in connection.execute(query)]


def last_published(written: Sequence[ListedWrite]) -> ListedWrite | None:
    """The latest of some writes that readers can see."""
    return next((one for one in reversed(written) if one.published), None)
