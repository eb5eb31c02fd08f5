"""What earlier numbers of a series say of one to come."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from hookline.core.statistics import Usual, reach, usual
from hookline.core.store.records import SeriesPoint

# Fewer earlier numbers than these say nothing.
LEAST = 8
# So many of the same weekday (hour, both) are enough to have a middle of their own.
ENOUGH_OF_SEASON = 4
# A season counts when its middle differs from that of all by so many deviations of a median.
_DIFFERS = 3.0
_DEVIATION_OF_MEDIAN = 1.2533
# A spread of less than this share of the middle is taken for this share.
_LEAST_SPREAD = 0.01
Season = Literal["weekday and hour", "weekday", "hour", "none"]


@dataclass(frozen=True)
class Baseline:
    """What is usual.

    Attributes:
        count: how many earlier numbers the spread rests on.
        middle_of: how many the middle rests on: those of the same season.
        season: which these are: those of the same weekday, hour of the day (UTC) or both, where that makes a difference.
        logarithmic: whether the numbers were compared by their logarithms, as durations and sizes spread by factors.
        middle: their median.
        spread: the median distance from it, as a normal distribution's deviation; of logarithms where these are compared.
    """

    count: int
    middle_of: int
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
        far = reach(self.count, false_alarms, self.middle_of) * self.spread
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
    if len(known) < least:
        return None
    logarithmic = all(value > 0 for _, value in known)
    scaled = [(time, math.log(value)) for time, value in known] if logarithmic else known
    found = _seasonal(scaled, at.astimezone(dt.timezone.utc), _LEAST_SPREAD if logarithmic else None)
    middle = math.exp(found.middle) if logarithmic else found.middle
    return Baseline(found.count, found.middle_of, found.season, logarithmic, middle, found.spread)


@dataclass(frozen=True)
class _Found:
    count: int
    middle_of: int
    season: Season
    middle: float
    spread: float


_Key = Callable[[dt.datetime], tuple[int, ...]]
_KEYS: Mapping[Season, _Key] = {
    "weekday": lambda time: (time.weekday(),),
    "hour": lambda time: (time.hour,),
    "weekday and hour": lambda time: (time.weekday(), time.hour),
}
_SIMPLE: tuple[Season, ...] = ("weekday", "hour")


def _seasonal(known: Sequence[tuple[dt.datetime, float]], at: dt.datetime, least: float | None) -> _Found:
    """The middle of the season that a time is in, and the spread around the seasons' middles of all numbers together."""
    whole = usual([value for _, value in known], least)
    makes = [name for name in _SIMPLE if _differs(known, at, _KEYS[name], whole)]
    season: Season = "none" if not makes else makes[0]
    if len(makes) > 1 and len(_own(known, at, _KEYS["weekday and hour"])) >= ENOUGH_OF_SEASON:
        season = "weekday and hour"
    if season == "none":
        return _Found(len(known), len(known), season, whole.middle, whole.spread)
    groups: defaultdict[tuple[int, ...], list[float]] = defaultdict(list)
    for time, value in known:
        groups[_KEYS[season](time)].append(value)
    large = [values for values in groups.values() if len(values) >= ENOUGH_OF_SEASON]
    rest = [value - median(values) for values in large for value in values]
    own = groups[_KEYS[season](at)]
    middle = median(own)
    # A group's own median is nearer to its numbers than the true one is.
    spread = usual(rest, 0.0).spread * len(rest) / (len(rest) - len(large))
    floor = _LEAST_SPREAD * abs(middle) if least is None else least
    return _Found(len(rest) - len(large), len(own), season, middle, max(spread, floor))


def _differs(known: Sequence[tuple[dt.datetime, float]], at: dt.datetime, key: _Key, whole: Usual) -> bool:
    own = _own(known, at, key)
    if not ENOUGH_OF_SEASON <= len(own) < len(known):
        return False
    return abs(median(own) - whole.middle) > _DIFFERS * _DEVIATION_OF_MEDIAN * whole.spread / math.sqrt(len(own))


def _own(known: Sequence[tuple[dt.datetime, float]], at: dt.datetime, key: _Key) -> list[float]:
    return [value for time, value in known if key(time) == key(at)]


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.timezone.utc)
