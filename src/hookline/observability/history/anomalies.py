"""Which numbers are none of the usual, and what got worse since the last good run."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hookline.core.store.records import SeriesPoint, Subject
from hookline.observability.history.baseline import Baseline, baseline_of

if TYPE_CHECKING:
    from hookline.core.store import Store

# Of usual numbers, about one in so many is called an anomaly.
FALSE_ALARMS = 0.001
# What is watched, and which way it gets worse: a run that is quicker is no trouble, one with fewer rows is.
Worse = Literal["more", "less", "both"]
WATCHED: Mapping[str, Worse] = {
    "hookline.run.duration_s": "more",
    "hookline.run.executor_run_s": "more",
    "hookline.run.core_s": "more",
    "hookline.run.tasks_failed": "more",
    "hookline.cost.run_dollars": "more",
    "hookline.write.rows": "both",
    "hookline.write.bytes": "both",
    "hookline.write.duration_s": "more",
    "hookline.write.rows_quarantined": "more",
    "hookline.write.latency_s": "more",
    "hookline.spark.executor_run_s": "more",
    "hookline.spark.shuffle_write_bytes": "more",
    "hookline.spark.disk_spill_bytes": "more",
    "hookline.spark.gc_share": "more",
    "hookline.spark.skew": "more",
    "hookline.stream.lag_rows": "more",
    "hookline.stream.state_bytes": "more",
    "hookline.quality.pass_rate": "less",
}
# A change smaller than this is none that anybody would act upon, however unusual it is.
_LEAST_CHANGE = 0.1


@dataclass(frozen=True)
class Anomaly:
    """A number that is none of the usual.

    Attributes:
        lowest, highest: what would have been usual.
        score: how many deviations it lies from the middle; negative below.
    """

    subject: Subject
    metric: str
    value: float
    lowest: float
    highest: float
    score: float
    baseline: Baseline
    at: str

    @property
    def sentence(self) -> str:
        """What a person reads."""
        short = self.metric.removeprefix("hookline.")
        season = "" if self.baseline.season == "none" else f" of the same {self.baseline.season}"
        return (
            f"{short} is {self.value:,.6g}; by {self.baseline.count} earlier ones{season}, "
            f"{max(self.lowest, 0) if self.baseline.middle >= 0 else self.lowest:,.6g} to {self.highest:,.6g} is usual"
        )


@dataclass(frozen=True)
class Regression:
    """A number that is worse than the last good run's by more than it usually varies."""

    subject: Subject
    metric: str
    before: float
    now: float
    run_before: str

    @property
    def ratio(self) -> float:
        """Now divided by before; infinite when there was nothing."""
        return self.now / self.before if self.before else math.inf


def judge(
    value: float,
    points: Sequence[SeriesPoint],
    at: dt.datetime,
    *,
    subject: Subject,
    metric: str,
    false_alarms: float = FALSE_ALARMS,
) -> Anomaly | None:
    """A number against its series' earlier points; None when it is usual, or there is too little to say."""
    baseline = baseline_of(points, at)
    if baseline is None:
        return None
    lowest, highest = baseline.limits(false_alarms)
    worse = WATCHED.get(metric, "both")
    low, high = value < lowest and worse != "more", value > highest and worse != "less"
    if not (low or high) or not _matters(value, baseline.middle):
        return None
    return Anomaly(subject, metric, value, lowest, highest, baseline.score(value), baseline, at.isoformat())


def anomalies_of(
    store: Store,
    subject: Subject,
    points: Mapping[str, float],
    at: dt.datetime,
    *,
    false_alarms: float = FALSE_ALARMS,
) -> list[Anomaly]:
    """The watched numbers of a run or a write that are none of the usual by the store, the most unusual first.

    Args:
        false_alarms: of usual numbers, the share that is called an anomaly, for each metric.

    Raises:
        StoreError: it can't be read.
    """
    earlier = store.series(subject, [metric for metric in WATCHED if metric in points], before=at.isoformat())
    judged = (
        judge(points[metric], known, at, subject=subject, metric=metric, false_alarms=false_alarms)
        for metric, known in earlier.items()
    )
    return sorted((one for one in judged if one is not None), key=lambda one: -abs(one.score))


def regressions(
    store: Store, subject: Subject, points: Mapping[str, float], at: dt.datetime, *, spreads: float = 3.0
) -> list[Regression]:
    """What is worse than in the last run (write) that ended well, by more than ``spreads`` of its usual spread.

    Raises:
        StoreError: the store can't be read.
    """
    earlier = store.last_measurements(subject, 1, before=at.isoformat(), good=True)
    if not earlier:
        return []
    before = {metric: float(value) for metric, value in earlier[0].document.get("points", {}).items()}
    worse = [metric for metric in WATCHED if metric in points and metric in before]
    worse = [metric for metric in worse if _is_worse(metric, before[metric], points[metric])]
    history = store.series(subject, worse, before=at.isoformat()) if worse else {}
    found = []
    for metric, known in history.items():
        baseline, was, now = baseline_of(known, at), before[metric], points[metric]
        if baseline is None or abs(baseline.score(now) - baseline.score(was)) > spreads:
            found.append(Regression(subject, metric, was, now, earlier[0].run_id))
    return found


def _is_worse(metric: str, was: float, now: float) -> bool:
    worse = WATCHED[metric]
    direction = now < was if worse == "less" else now > was if worse == "more" else now != was
    return direction and _matters(now, was)


def _matters(value: float, other: float) -> bool:
    return abs(value - other) > _LEAST_CHANGE * max(abs(value), abs(other))
