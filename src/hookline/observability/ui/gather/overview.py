"""What to look at first."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from hookline.core.events import RunStatus
from hookline.core.store import metered
from hookline.core.store.browse import datasets, spending
from hookline.core.store.browse import runs as browse
from hookline.core.store.records import SeriesPoint, Subject
from hookline.observability.history import judge
from hookline.observability.ui.asking import STATUSES, since
from hookline.observability.ui.documents import (
    AdviceRow,
    CostDay,
    Costs,
    FailingCheck,
    JobCost,
    Overview,
    Percent,
    Slower,
    StatusCount,
)
from hookline.observability.ui.gather.run import advice_of
from hookline.observability.ui.gather.runs import rows

_SHOWN = 6
# So many of the latest runs are looked at for jobs that got slower, for checks that failed, and for advice.
_RECENT, _CHECKED, _ADVISED = 600, 150, 300
_JOBS, _EARLIER = 80, 30
_DURATION = "hookline.run.duration_s"


def overview(connection: Connection, days: int) -> Overview:
    """The last days."""
    begin = since(days)
    by_time = _by_time(connection, begin, days)
    total: dict[RunStatus, int] = {status: sum(getattr(one, status) for one in by_time) for status in STATUSES}
    recent = browse.listed(connection, browse.RunFilter(since=begin), None, _RECENT)
    failures = browse.listed(connection, browse.RunFilter(statuses=("failed", "abandoned"), since=begin), None, _SHOWN)
    refusals = browse.listed(connection, browse.RunFilter(statuses=("refused",), since=begin), None, _SHOWN)
    return Overview(
        since=begin,
        days=days,
        hourly=days == 1,
        runs=sum(total.values()),
        success_rate=_rate(total),
        counts=StatusCount.model_validate({"at": "", **total}),
        by_time=by_time,
        failures=rows(connection, failures),
        refusals=rows(connection, refusals),
        slower=_slower(connection, recent),
        failing_checks=_failing(connection, [one.run_id for one in recent[:_CHECKED]]),
        advice=_advice(connection, begin),
        costs=_costs(connection, begin),
    )


def _by_time(connection: Connection, begin: str, days: int) -> list[StatusCount]:
    start = dt.datetime.fromisoformat(begin)
    step, number = (dt.timedelta(hours=1), 24) if days == 1 else (dt.timedelta(days=1), days)
    bounds = [(start + step * place).isoformat() for place in range(number + 1)]
    found = browse.counts_by_time(connection, bounds, STATUSES)
    length = len("2026-11-26T08") if days == 1 else len("2026-11-26")
    return [
        StatusCount(at=at[:length], **{status: found[status].get(at, 0) for status in STATUSES}) for at in bounds[:-1]
    ]


def _rate(total: Mapping[RunStatus, int]) -> Percent | None:
    ended = sum(count for status, count in total.items() if status != "running")
    return total["finished"] / ended if ended else None


def _slower(connection: Connection, recent: list[browse.ListedRun]) -> list[Slower]:
    """Of the jobs that ran lately, those whose last finished run is none of the usual."""
    jobs = list(dict.fromkeys(one.job for one in recent if one.status == "finished"))[:_JOBS]
    by_job: defaultdict[str, list[browse.TimedRun]] = defaultdict(list)
    for one in browse.durations_of_jobs(connection, jobs, _EARLIER):
        if one.status == "finished":
            by_job[one.job].append(one)
    found = [one for own in by_job.values() for one in _judged(own)]
    return sorted(found, key=lambda one: one.usual_s - one.duration_s)[:_SHOWN]


def _judged(own: list[browse.TimedRun]) -> Iterator[Slower]:
    own.sort(key=lambda one: one.started_at)
    *earlier, last = own
    points = [SeriesPoint(one.started_at, one.duration_s) for one in earlier if one.duration_s is not None]
    if last.duration_s is None:
        return
    at = dt.datetime.fromisoformat(last.started_at)
    odd = judge(last.duration_s, points, at, subject=Subject(last.job, last.environment), metric=_DURATION)
    if odd is not None:
        yield Slower(
            job=last.job,
            run_id=last.run_id,
            started_at=last.started_at,
            duration_s=last.duration_s,
            usual_s=odd.baseline.middle,
            highest_usual_s=odd.highest,
            runs=odd.baseline.count,
        )


def _failing(connection: Connection, run_ids: list[str]) -> list[FailingCheck]:
    """The latest verdict of each check of a dataset, where it is not that it passed."""
    written = {one.write_id: one for one in datasets.writes_of_runs(connection, run_ids, 2_000)}
    troubles = datasets.checks_of(connection, [*written], only_trouble=True)
    latest: dict[tuple[str, str], FailingCheck] = {}
    for write_id in sorted(troubles, key=lambda one: written[one].started_at):
        for check in troubles[write_id]:
            if check.status != "skipped":
                one = written[write_id]
                latest[one.dataset_id, check.check_name] = _failing_check(one, check)
    severities = ("critical", "error", "warn", "info")
    worst = sorted(latest.values(), key=lambda one: one.at, reverse=True)
    shown = sorted(worst, key=lambda one: severities.index(one.severity))[:_SHOWN]
    named = {one: datasets.dataset(connection, one) for one in {check.dataset_id for check in shown}}
    return [
        check.model_copy(update={"namespace": known.namespace, "name": known.name})
        for check in shown
        if (known := named[check.dataset_id]) is not None
    ]


def _failing_check(one: datasets.ListedWrite, check: datasets.ListedCheck) -> FailingCheck:
    return FailingCheck.model_validate(
        {
            "dataset_id": one.dataset_id,
            "namespace": "",
            "name": "",
            "check": check.check_name,
            "severity": check.severity,
            "status": check.status,
            "failing_rows": check.failing_rows,
            "run_id": one.run_id,
            "at": one.started_at,
        }
    )


def _advice(connection: Connection, begin: str) -> list[AdviceRow]:
    """The strongest of each rule, job and dataset, of the latest runs."""
    found: dict[tuple[str, str, str], AdviceRow] = {}
    for measured in metered.last_measured_runs(connection, begin, _ADVISED):
        for one in advice_of(measured.document, measured.run_id, measured.subject.job):
            found.setdefault((one.rule, one.job, one.dataset), one)
    return sorted(found.values(), key=lambda one: -one.worth_s)[:_SHOWN]


def _costs(connection: Connection, begin: str) -> Costs | None:
    days = spending.by_day(connection, begin)
    if not days:
        return None
    totals: defaultdict[str, float] = defaultdict(float)
    for one in days:
        totals[one.currency] += one.amount
    currency = max(totals, key=lambda name: totals[name])
    jobs = [one for one in spending.by_job(connection, begin, _SHOWN) if one.currency == currency]
    return Costs(
        currency=currency,
        total=totals[currency],
        days=[CostDay(day=one.what, amount=one.amount, runs=one.runs) for one in days if one.currency == currency],
        jobs=[JobCost(job=one.what, amount=one.amount, runs=one.runs) for one in jobs],
    )
