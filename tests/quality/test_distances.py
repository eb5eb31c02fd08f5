"""Distances of distributions, held against SciPy and against sums done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats
from scipy.spatial import distance

from hookline.core.statistics import usual
from hookline.quality.distances import chi_square, gamma_q, jensen_shannon, psi

PAIRS = [
    ([10, 20, 30], [10, 20, 30]),
    ([10, 20, 30], [30, 20, 10]),
    ([1000, 1, 5], [900, 50, 3]),
    ([5, 5, 5, 5], [500, 400, 300, 1]),
    ([0, 10, 90], [10, 0, 90]),
    ([100, 0], [0, 100]),
    ([1e9, 2e9, 3e9], [1.1e9, 2e9, 2.9e9]),
]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_jensen_shannon_is_scipys(before: list[float], after: list[float]) -> None:
    assert jensen_shannon(before, after) == pytest.approx(distance.jensenshannon(before, after, base=2), abs=1e-9)


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_chi_square_is_scipys(before: list[float], after: list[float]) -> None:
    found = chi_square(before, after)
    statistic, p, freedom, _ = stats.chi2_contingency([before, after], correction=False)
    assert (found.statistic, found.p) == (pytest.approx(statistic), pytest.approx(p, rel=1e-9, abs=1e-300))
    assert found.freedom == freedom
    effect = stats.contingency.association(np.array([before, after]).astype(int), method="cramer")
    assert found.effect == pytest.approx(effect)


def test_psi_is_the_sum_that_one_does_by_hand() -> None:
    # (20.5/61.5 - 10.5/61.5) ln(20.5/10.5) + (10.5/61.5 - 20.5/61.5) ln(10.5/20.5), and 0 for the bin that stays
    by_hand = (20.5 - 10.5) / 61.5 * math.log(20.5 / 10.5) + (10.5 - 20.5) / 61.5 * math.log(10.5 / 20.5)
    assert psi([10, 30, 20], [20, 30, 10]) == pytest.approx(by_hand)
    assert psi([10, 20], [1000, 2000]) == pytest.approx(0, abs=1e-3)
    assert math.isfinite(psi([100, 0], [0, 100]))
    assert psi([100, 0], [0, 100]) > 5


@pytest.mark.parametrize("before", [[], [5], [0, 0]])
def test_what_can_differ_in_nothing_does_not(before: list[float]) -> None:
    found = chi_square(before, before)
    assert (found.p, found.effect) == (1.0, 0.0)


@pytest.mark.parametrize("a", [0.5, 1, 2.5, 10, 100, 1000])
@pytest.mark.parametrize("x", [0, 1e-9, 0.1, 1, 5, 50, 900, 1100, 5000])
def test_the_gamma_function_is_scipys(a: float, x: float) -> None:
    assert gamma_q(a, x) == pytest.approx(special.gammaincc(a, x), rel=1e-9, abs=1e-14)


def test_what_is_usual_is_not_moved_by_an_outlier() -> None:
    numbers = [100, 101, 99, 102, 98, 100, 1_000_000]
    found = usual(numbers)
    assert found.middle == 100
    assert found.spread == pytest.approx(stats.median_abs_deviation(numbers, scale="normal"), rel=1e-3)
    assert found.score(101) < 1 < 4 < found.score(120)


def test_what_never_moved_may_do_so_by_a_hundredth() -> None:
    found = usual([50, 50, 50])
    assert (found.score(50), found.score(50.5), found.score(55)) == (0, 1, 10)
    nothing = usual([0, 0, 0])
    assert (nothing.score(0), nothing.score(1)) == (0, math.inf)
