"""Column lineage of runs and of jobs, from the store."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from hookline.core.events import ColumnLineage
from hookline.core.store.documents import from_document
from hookline.core.store.records import StoredColumns
from hookline.core.store.schema import column_lineage, runs, writes

_WRITTEN_AT = func.coalesce(writes.c.finished_at, writes.c.started_at)


def of_run(connection: Connection, run_id: str) -> dict[str, ColumnLineage]:
    """By write, for the writes of a run."""
    joined = writes.join(column_lineage, writes.c.lineage_id == column_lineage.c.lineage_id)
    query = select(writes.c.write_id, column_lineage.c.document).select_from(joined).where(writes.c.run_id == run_id)
    return {write_id: from_document(document) for write_id, document in connection.execute(query)}


def of_write(connection: Connection, write_id: str) -> ColumnLineage | None:
    """Of one write; None where nothing is known."""
    joined = writes.join(column_lineage, writes.c.lineage_id == column_lineage.c.lineage_id)
    query = select(column_lineage.c.document).select_from(joined).where(writes.c.write_id == write_id)
    document = connection.execute(query).scalar()
    return None if document is None else from_document(document)


def all_columns(connection: Connection, since: str | None, until: str | None) -> Iterator[StoredColumns]:
    """See ``Store.column_lineages``."""
    group = (writes.c.namespace, writes.c.name, runs.c.job, writes.c.operation, writes.c.lineage_id)
    joined = writes.join(runs, runs.c.run_id == writes.c.run_id)
    at_end = _WRITTEN_AT
    latest = func.max(at_end)
    query = select(*group, latest).select_from(joined).where(writes.c.published, writes.c.lineage_id.is_not(None))
    if since is not None:
        query = query.where(at_end >= since)
    if until is not None:
        query = query.where(at_end <= until)
    documents: dict[str, ColumnLineage] = {}
    for namespace, name, job, operation, lineage_id, at in connection.execute(
        query.group_by(*group).order_by(latest)
    ).all():
        if lineage_id not in documents:
            own = select(column_lineage.c.document).where(column_lineage.c.lineage_id == lineage_id)
            documents[lineage_id] = from_document(connection.execute(own).scalar_one())
        yield StoredColumns((namespace, name), documents[lineage_id], job, operation, at or "")
