"""What datasets are made from now: the last works of each job, however often each ran."""

from __future__ import annotations

from sqlalchemy import Connection, select, union_all

from hookline.core.store.ancestry import Only, lineage
from hookline.core.store.browse.datasets import all_datasets
from hookline.core.store.records import StoredLineage
from hookline.core.store.schema import runs, writes

# Of each dataset so many writes are looked at for different jobs, of all jobs so many runs for what they only read.
_LOOK_BACK, _RUNS = 12, 2_000
# SQLite takes 500 parts of a union, and 32,766 parameters.
_PARTS = 250


def last_works(connection: Connection, most_datasets: int = 2_000) -> StoredLineage:
    """Of each dataset the last work of each job (of each operation), and what the latest runs read and wrote nowhere."""
    columns = (writes.c.write_id, writes.c.run_id, writes.c.operation, writes.c.dataset_id, writes.c.started_at)
    latest: dict[tuple[str, str, str], tuple[str, str]] = {}
    ids = [one.dataset_id for one in all_datasets(connection, most_datasets)]
    for start in range(0, len(ids), _PARTS):
        parts = []
        for dataset_id in ids[start : start + _PARTS]:
            own = select(*columns).where(writes.c.dataset_id == dataset_id, writes.c.published)
            parts.append(select(own.order_by(writes.c.started_at.desc()).limit(_LOOK_BACK).subquery()))
        every = union_all(*parts).subquery()
        query = select(every, runs.c.job_key).join(runs, runs.c.run_id == every.c.run_id)
        for row in connection.execute(query):
            key = (row.dataset_id, row.operation, row.job_key)
            latest[key] = max(latest.get(key, ("", "")), (row.started_at, row.write_id))
    recent = select(runs.c.run_id).where(runs.c.started_at.is_not(None)).order_by(runs.c.started_at.desc()).limit(_RUNS)
    return lineage(
        connection, Only([write_id for _, write_id in latest.values()], [*connection.execute(recent).scalars()])
    )
