"""Lineage from the store: what published writes were made from, and what was read and written nowhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, exists, func, select

from hookline.core.events import Column
from hookline.core.store.reading import columns_of
from hookline.core.store.records import Name, StoredLineage, StoredWork
from hookline.core.store.schema import column_lineage, edges, reads, runs, symlinks, verdicts, writes

_ENDED = ("finished", "failed", "refused")
_WRITTEN_AT = func.coalesce(writes.c.finished_at, writes.c.started_at)


class Only(NamedTuple):
    """A part of all works: published writes, and runs that may have read something which they wrote nowhere."""

    write_ids: Sequence[str]
    run_ids: Sequence[str]


def lineage(connection: Connection, only: Only | None = None) -> StoredLineage:
    """See ``Store.lineage``.

    Args:
        only: what is wanted of it, a few thousand at most; None for everything.
    """
    works = sorted((*_written(connection, only), *_only_read(connection, only)), key=lambda work: work.at)
    used = None if only is None else {work.lineage_id for work in works if work.lineage_id is not None}
    return StoredLineage(tuple(works), _other_names(connection), _documents(connection, used))


def _written(connection: Connection, only: Only | None) -> Iterator[StoredWork]:
    inputs: defaultdict[str, list[Name]] = defaultdict(list)
    sources = select(edges.c.write_id, edges.c.source_namespace, edges.c.source_name)
    published = sources.join(writes, writes.c.write_id == edges.c.write_id).where(writes.c.published)
    if only is not None:
        published = published.where(edges.c.write_id.in_(only.write_ids))
    for write_id, namespace, name in connection.execute(published):
        inputs[write_id].append((namespace, name))
    checks = _checks(connection, only)
    schemas: dict[str | None, tuple[Column, ...]] = {}
    told = [writes.c[name] for name in ("write_id", "operation", "rows", "opaque", "lineage_id")]
    query = select(*told, writes.c.namespace, writes.c.name, writes.c.columns, _WRITTEN_AT.label("at"))
    query = query.add_columns(runs.c.run_id, runs.c.job, runs.c.environment)
    joined = query.join(runs, runs.c.run_id == writes.c.run_id).where(writes.c.published)
    if only is not None:
        joined = joined.where(writes.c.write_id.in_(only.write_ids))
    for row in connection.execute(joined):
        if row.columns not in schemas:
            schemas[row.columns] = columns_of(row.columns)
        yield StoredWork(
            write_id=row.write_id,
            run_id=row.run_id,
            job=row.job,
            environment=row.environment,
            operation=row.operation,
            at=row.at or "",
            inputs=tuple(sorted(inputs.get(row.write_id, ()))),
            target=(row.namespace, row.name),
            rows=row.rows,
            opaque=row.opaque,
            columns=schemas[row.columns],
            checks=checks.get(row.write_id, (0, 0)),
            lineage_id=row.lineage_id,
        )


def _only_read(connection: Connection, only: Only | None) -> Iterator[StoredWork]:
    """Reads that fed no write of their run, a failed one included."""
    same = and_(edges.c.source_namespace == reads.c.namespace, edges.c.source_name == reads.c.name)
    fed = exists().where(writes.c.run_id == reads.c.run_id, writes.c.write_id == edges.c.write_id, same)
    query = (
        select(reads.c.namespace, reads.c.name, runs.c.run_id, runs.c.job, runs.c.environment, runs.c.finished_at)
        .select_from(reads.join(runs, runs.c.run_id == reads.c.run_id))
        .where(runs.c.status.in_(_ENDED), ~fed)
    )
    if only is not None:
        query = query.where(reads.c.run_id.in_(only.run_ids))
    for namespace, name, run_id, job, environment, at in connection.execute(query):
        yield StoredWork("", run_id, job, environment, "read", at or "", ((namespace, name),), None)


def _other_names(connection: Connection) -> dict[Name, frozenset[str]]:
    found: defaultdict[Name, set[str]] = defaultdict(set)
    for namespace, name, other in connection.execute(
        select(symlinks.c.namespace, symlinks.c.name, symlinks.c.other_name)
    ):
        found[(namespace, name)].add(other)
    return {key: frozenset(names) for key, names in found.items()}


def _documents(connection: Connection, known: set[str] | None) -> dict[str, str]:
    used = select(writes.c.lineage_id).where(writes.c.published) if known is None else known
    query = select(column_lineage.c.lineage_id, column_lineage.c.document)
    rows = connection.execute(query.where(column_lineage.c.lineage_id.in_(used)))
    return {row.lineage_id: row.document for row in rows}


def _checks(connection: Connection, only: Only | None) -> dict[str, tuple[int, int]]:
    """By write, how many checks passed and how many failed."""
    found: dict[str, tuple[int, int]] = {}
    counted = (verdicts.c.write_id, verdicts.c.status)
    query = select(*counted, func.count())
    if only is not None:
        query = query.where(verdicts.c.write_id.in_(only.write_ids))
    for write_id, status, count in connection.execute(query.group_by(*counted)):
        passed, failed = found.get(write_id, (0, 0))
        found[write_id] = (passed + count * (status == "passed"), failed + count * (status == "failed"))
    return found
