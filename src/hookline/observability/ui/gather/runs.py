"""Lists of runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from hookline.core.store.browse import runs as browse
from hookline.core.store.browse import spending
from hookline.observability.ui.documents import Checks, HistoryPoint, Money, RunRow, Runs

_REMEMBERED = 40


def runs(connection: Connection, wanted: browse.RunFilter, before: browse.Cursor | None, limit: int) -> Runs:
    """A page of runs."""
    found = browse.listed(connection, wanted, before, limit + 1)
    shown = found[:limit]
    more = f"{shown[-1].started_at}~{shown[-1].run_id}" if len(found) > limit else None
    return Runs(runs=rows(connection, shown), next=more)


def rows(connection: Connection, found: Sequence[browse.ListedRun]) -> list[RunRow]:
    """Runs with what their writes and checks came to, and what they cost."""
    ids = [one.run_id for one in found]
    counts, costs = browse.counts(connection, ids), spending.of_runs(connection, ids)
    return [_row(one, counts.get(one.run_id, browse.WriteCounts()), costs.get(one.run_id)) for one in found]


def history(connection: Connection, job: str, until: str | None = None, limit: int = _REMEMBERED) -> list[HistoryPoint]:
    """The runs of a job, oldest first."""
    return points(browse.durations(connection, job, limit, until=until))


def points(found: Iterable[browse.ListedRun]) -> list[HistoryPoint]:
    """Runs as points of a trend."""
    return [
        HistoryPoint(
            run_id=one.run_id, started_at=one.started_at, status=_status(one.status), duration_s=one.duration_s
        )
        for one in found
    ]


def checks_of(counts: dict[str, int], *, whole: bool = True) -> Checks:
    """Counts of verdicts by status."""
    return Checks(**{name: counts.get(name, 0) for name in ("passed", "failed", "error", "skipped")}, whole=whole)


def error_class(text: str | None) -> str | None:
    """The class of an error as the store keeps it, with Spark's condition."""
    if not text:
        return None
    error = json.loads(text)
    return f"{error['type']} ({error['condition']})" if error.get("condition") else str(error["type"])


def money(spent: spending.Spent | None) -> Money | None:
    """An amount."""
    return None if spent is None else Money(amount=spent.amount, currency=spent.currency)


def _row(one: browse.ListedRun, counts: browse.WriteCounts, cost: spending.Spent | None) -> RunRow:
    known = counts.writes if counts.whole else None
    return RunRow(
        run_id=one.run_id,
        job=one.job,
        status=_status(one.status),
        environment=one.environment,
        started_at=one.started_at,
        finished_at=one.finished_at,
        duration_s=one.duration_s,
        overhead_s=one.overhead_s,
        exit_code=one.exit_code,
        writes=known if one.writes_total is None else one.writes_total,
        rows=counts.rows if counts.whole else None,
        checks=checks_of(dict(counts.checks), whole=counts.whole),
        error=error_class(one.error),
        cost=money(cost),
    )


def _status(text: str) -> Any:
    return text
