"""What is usual among numbers, whatever a few outliers say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, median
from typing import NamedTuple

# What the median and the mean distance from the middle have to be multiplied with to be a normal distribution's deviation.
_MAD_OF_NORMAL, _DEVIATION_OF_NORMAL = 1.4826, 1.2533
# What never changed may still do so by this share: one row more in a million is no anomaly.
_STILL_THE_SAME = 0.01
# A deviation that is estimated by the median distance is as sure as one by so much of the numbers in the usual way.
_EFFICIENCY = 0.37
_LEAST_FREEDOM = 3.0


class Usual(NamedTuple):
    """What earlier numbers were like: their median, and how far from it is still usual."""

    middle: float
    spread: float

    def score(self, number: float) -> float:
        """How many deviations of a normal distribution it lies away; infinite what never moved, and did now."""
        apart = abs(number - self.middle)
        return apart / self.spread if self.spread else (math.inf if apart else 0.0)


def usual(numbers: Sequence[float], least: float | None = None) -> Usual:
    """The median, and the median distance from it as a normal distribution's deviation: a few outliers change neither.

    Args:
        least: what the spread is at least; by default one per cent of the median.
    """
    middle = median(numbers)
    apart = [abs(number - middle) for number in numbers]
    spread = _MAD_OF_NORMAL * median(apart) or _DEVIATION_OF_NORMAL * math.fsum(apart) / len(apart)
    return Usual(middle, max(spread, _STILL_THE_SAME * abs(middle) if least is None else least))


def reach(count: int, false_alarms: float, middle_of: int | None = None) -> float:
    """How many deviations off a new number may lie, when its kind is known by ``count`` earlier ones.

    Args:
        middle_of: how many of them the middle was taken of; by default all.

    Of numbers of the same normal distribution about ``false_alarms`` (a share, both sides together) lie beyond. Few numbers
    say little of their spread, so that the reach is that of Student's distribution with as many degrees of freedom as the
    median distance is worth, wider for the uncertainty of the median itself.
    """
    z = NormalDist().inv_cdf(1 - false_alarms / 2)
    return _student(z, max(_LEAST_FREEDOM, _EFFICIENCY * (count - 1))) * math.sqrt(
        1 + math.pi / 2 / (middle_of or count)
    )


def _student(z: float, freedom: float) -> float:
    """Student's quantile where the normal distribution's is z (Cornish and Fisher's expansion)."""
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
