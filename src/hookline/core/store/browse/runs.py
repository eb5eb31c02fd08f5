"""Runs by time, job and status."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal, or_, select, union_all

from hookline.core.store.schema import JOB_KEY, verdicts, writes
from hookline.core.store.schema import runs as table

# A stream's run may have a hundred thousand writes: so many of each run are counted, and of so many jobs names are told.
MOST_WRITES = 100
_MOST_JOBS = 100


class Cursor(NamedTuple):
    """Where a page ends: the next one begins behind this run."""

    started_at: str
    run_id: str


class RunFilter(NamedTuple):
    """Which runs.

    Attributes:
        job: a job's name; what is behind its first 200 characters does not count.
        named: text that is in the job's name, in capitals or not.
        statuses: any of these; none for all.
        since, until: times in ISO 8601, in UTC, between which runs started.
    """

    job: str | None = None
    named: str | None = None
    statuses: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None


class ListedRun(NamedTuple):
    """A run in a list."""

    run_id: str
    job: str
    status: str
    started_at: str
    finished_at: str | None
    duration_s: float | None
    overhead_s: float | None
    exit_code: int | None
    environment: str | None
    writes_total: int | None
    error: str | None


class WriteCounts(NamedTuple):
    """What a run's first writes came to: ``checks`` counts verdicts by status; ``whole``: whether that is all of them."""

    writes: int = 0
    rows: int | None = None
    checks: Mapping[str, int] = {}
    whole: bool = True


def listed(connection: Connection, wanted: RunFilter, before: Cursor | None, limit: int) -> list[ListedRun]:
    """The latest runs, latest first. One whose start is not known yet is not among them."""
    query = _chosen(connection, wanted)
    if query is None:
        return []
    if before is not None:
        behind = or_(table.c.started_at < before.started_at, table.c.run_id < before.run_id)
        query = query.where(table.c.started_at <= before.started_at, behind)
    ordered = query.order_by(table.c.started_at.desc(), table.c.run_id.desc()).limit(limit)
    return [ListedRun(*row) for row in connection.execute(ordered)]


def _chosen(connection: Connection, wanted: RunFilter) -> Select[Any] | None:
    query = select(*(table.c[name] for name in ListedRun._fields)).where(table.c.started_at.is_not(None))
    if wanted.job is not None:
        query = query.where(table.c.job_key == wanted.job[:JOB_KEY])
    if wanted.named:
        keys = jobs_named(connection, wanted.named, _MOST_JOBS + 1)
        if not keys:
            return None
        # So many jobs have most of the runs: looking through these, latest first, soon finds enough.
        of_jobs = table.c.job_key.in_(keys) if len(keys) <= _MOST_JOBS else _contains(wanted.named)
        query = query.where(of_jobs)
    if wanted.statuses:
        query = query.where(table.c.status.in_(wanted.statuses))
    if wanted.since is not None:
        query = query.where(table.c.started_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(table.c.started_at < wanted.until)
    return query


def _contains(text: str) -> ColumnElement[bool]:
    return func.lower(table.c.job_key).contains(text.lower(), autoescape=True)


def jobs_named(connection: Connection, text: str, limit: int) -> list[str]:
    """The (beginnings of) names of jobs that a text is part of."""
    query = select(table.c.job_key).distinct().where(_contains(text)).order_by(table.c.job_key).limit(limit)
    return [key for key in connection.execute(query).scalars() if key]


def run_ids_beginning(connection: Connection, text: str, limit: int) -> list[ListedRun]:
    """Runs whose id begins so."""
    columns = [table.c[name] for name in ListedRun._fields]
    # A range, since SQLite's LIKE takes no index.
    begins = and_(table.c.run_id >= text, table.c.run_id < text + "g", table.c.started_at.is_not(None))
    return [ListedRun(*row) for row in connection.execute(select(*columns).where(begins).limit(limit))]


def counts_by_time(connection: Connection, bounds: Sequence[str], statuses: Iterable[str]) -> dict[str, dict[str, int]]:
    """By status, how many runs started from each bound until the next one.

    Counting a range of an index takes a fraction of what grouping by a part of its text would.

    Args:
        bounds: times in ISO 8601, in UTC, ascending; up to 400.
    """
    pairs = list(itertools.pairwise(bounds))
    spans = union_all(*(select(literal(start).label("start"), literal(end).label("until")) for start, end in pairs))
    each = spans.subquery()
    found: dict[str, dict[str, int]] = {}
    for status in statuses:
        inside = (table.c.started_at >= each.c.start) & (table.c.started_at < each.c.until)
        own = select(func.count()).where(table.c.status == status, inside).correlate(each).scalar_subquery()
        found[status] = {row[0]: row[1] for row in connection.execute(select(each.c.start, own))}
    return found


def counts(connection: Connection, run_ids: Sequence[str]) -> dict[str, WriteCounts]:
    """Of each run, what its writes came to: of a run with very many, the first ones."""
    if not run_ids:
        return {}
    names = ("write_id", "run_id", "rows")
    parts = []
    for run_id in run_ids:
        own = select(*(writes.c[name] for name in names)).where(writes.c.run_id == run_id).limit(MOST_WRITES + 1)
        parts.append(select(own.subquery()))
    rows = connection.execute(union_all(*parts)).all()
    by_run: defaultdict[str, list[tuple[str, int | None]]] = defaultdict(list)
    for write_id, run_id, count in rows:
        by_run[run_id].append((write_id, count))
    checks = check_counts(connection, [row[0] for row in rows])
    return {run_id: _counts(own, checks) for run_id, own in by_run.items()}


def _counts(own: list[tuple[str, int | None]], checks: Mapping[str, Mapping[str, int]]) -> WriteCounts:
    known = [rows for _, rows in own if rows is not None]
    total: defaultdict[str, int] = defaultdict(int)
    for write_id, _ in own:
        for status, count in checks.get(write_id, {}).items():
            total[status] += count
    return WriteCounts(len(own), sum(known) if known else None, dict(total), len(own) <= MOST_WRITES)


def check_counts(connection: Connection, write_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """By write, how many checks came to which status."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for start in range(0, len(write_ids), 500):
        some = write_ids[start : start + 500]
        query = select(verdicts.c.write_id, verdicts.c.status, func.count()).where(verdicts.c.write_id.in_(some))
        for write_id, status, count in connection.execute(query.group_by(verdicts.c.write_id, verdicts.c.status)):
            found[write_id][status] = count
    return found


def durations(connection: Connection, job: str, limit: int, *, until: str | None = None) -> list[ListedRun]:
    """The latest runs of a job, oldest first.

    Args:
        until: a time that they started at or before.
    """
    query = select(*(table.c[name] for name in ListedRun._fields)).where(
        table.c.job_key == job[:JOB_KEY], table.c.started_at.is_not(None)
    )
    if until is not None:
        query = query.where(table.c.started_at <= until)
    rows = connection.execute(query.order_by(table.c.started_at.desc()).limit(limit)).all()
    return [ListedRun(*row) for row in reversed(rows)]


class TimedRun(NamedTuple):
    """A run and what it took."""

    run_id: str
    job: str
    environment: str | None
    status: str
    started_at: str
    duration_s: float | None


def durations_of_jobs(connection: Connection, jobs: Sequence[str], limit: int) -> list[TimedRun]:
    """The latest runs of each of some jobs, in no order, in one query."""
    columns = [table.c[name] for name in TimedRun._fields]
    parts = []
    for job in jobs:
        own = select(*columns).where(table.c.job_key == job[:JOB_KEY])
        parts.append(select(own.order_by(table.c.started_at.desc()).limit(limit).subquery()))
    return [TimedRun(*row) for row in connection.execute(union_all(*parts))] if parts else []
