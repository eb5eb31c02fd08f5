"""What earlier numbers of a series say of one to come."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from hookline.core.statistics import Usual, reach, usual
from hookline.core.store.records import SeriesPoint

# Fewer earlier numbers than these say nothing.
LEAST = 8
# So many of the same weekday and hour (of the same hour, of the same weekday) are compared with these alone.
ENOUGH_OF_SEASON = 8
# A spread of less than this share of the middle is taken for this share.
_LEAST_SPREAD = 0.01
Season = Literal["weekday and hour", "weekday", "hour", "none"]


@dataclass(frozen=True)
class Baseline:
    """What is usual.

    Attributes:
        count: how many earlier numbers it rests on.
        season: which of them these are: those of the same weekday (Monday is 0) and hour of the day (UTC), or all.
        logarithmic: whether the numbers were compared by their logarithms, as durations and sizes spread by factors.
        middle: their median.
        spread: the median distance from it, as a normal distribution's deviation; of logarithms where these are compared.
    """

    count: int
    season: Season
    logarithmic: bool
    middle: float
    spread: float

    def score(self, value: float) -> float:
        """How many deviations a number lies above (below: negative) the middle."""
        apart = self._apart(value)
        if not self.spread:
            return 0.0 if not apart else math.copysign(math.inf, apart)
        return apart / self.spread

    def _apart(self, value: float) -> float:
        if not self.logarithmic:
            return value - self.middle
        return math.log(value) - math.log(self.middle) if value > 0 else -math.inf

    def limits(self, false_alarms: float) -> tuple[float, float]:
        """Between which numbers a new one is usual, such that this share of usual numbers lies outside."""
        far = reach(self.count, false_alarms) * self.spread
        if self.logarithmic:
            return self.middle * math.exp(-far), self.middle * math.exp(far)
        return self.middle - far, self.middle + far


def baseline_of(points: Sequence[SeriesPoint], at: dt.datetime, *, least: int = LEAST) -> Baseline | None:
    """What is usual at a time, by earlier points; None when there are too few.

    Args:
        points: in any order; those of an hour count once.
        at: when the number that is to be compared was measured.
    """
    known = [(_time(point.at), point.value) for point in points if math.isfinite(point.value)]
    season, values = _of_season(known, at.astimezone(dt.timezone.utc))
    if len(values) < least:
        return None
    if all(value > 0 for value in values):
        found = usual([math.log(value) for value in values], _LEAST_SPREAD)
        return Baseline(len(values), season, True, math.exp(found.middle), found.spread)
    plain: Usual = usual(values)
    return Baseline(len(values), season, False, plain.middle, plain.spread)


def _of_season(known: Sequence[tuple[dt.datetime, float]], at: dt.datetime) -> tuple[Season, list[float]]:
    """The narrowest season that has enough numbers. One that does not narrow anything is none."""
    seasons: tuple[tuple[Season, Callable[[dt.datetime], bool]], ...] = (
        ("weekday and hour", lambda time: (time.weekday(), time.hour) == (at.weekday(), at.hour)),
        ("weekday", lambda time: time.weekday() == at.weekday()),
        ("hour", lambda time: time.hour == at.hour),
    )
    for name, belongs in seasons:
        values = [value for time, value in known if belongs(time)]
        if ENOUGH_OF_SEASON <= len(values) < len(known):
            return name, values
    return "none", [value for _, value in known]


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.timezone.utc)
