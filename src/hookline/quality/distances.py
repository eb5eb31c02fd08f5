"""How far two distributions are apart, from counts of the same bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

_SMALL = 1e-300
_PRECISE = 1e-15
_MOST_STEPS = 10_000


def psi(before: Sequence[float], after: Sequence[float]) -> float:
    """The population stability index. Half a row is added to every bin, so that an empty one is not infinitely far."""
    p, q = _smoothed(before), _smoothed(after)
    return math.fsum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True))


def jensen_shannon(before: Sequence[float], after: Sequence[float]) -> float:
    """The Jensen-Shannon distance: 0 for the same shares, 1 when no bin has rows of both."""
    p, q = _shares(before), _shares(after)
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    divergence = (_divergence(p, middle) + _divergence(q, middle)) / 2
    return math.sqrt(min(1.0, max(0.0, divergence)))


class ChiSquare(NamedTuple):
    """A test of whether two samples have the same shares.

    Attributes:
        effect: Cramér's V of the two: 0 for the same shares, 1 when no bin has rows of both, however many rows there are.
    """

    statistic: float
    freedom: int
    p: float
    effect: float


def chi_square(before: Sequence[float], after: Sequence[float]) -> ChiSquare:
    """Pearson's test of homogeneity. Bins that are empty in both say nothing."""
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if a + b]
    n, m = sum(a for a, _ in pairs), sum(b for _, b in pairs)
    if not n or not m or len(pairs) < 2:
        return ChiSquare(0.0, max(0, len(pairs) - 1), 1.0, 0.0)
    whole = n + m
    statistic = math.fsum(
        (a - n * (a + b) / whole) ** 2 / (n * (a + b) / whole) + (b - m * (a + b) / whole) ** 2 / (m * (a + b) / whole)
        for a, b in pairs
    )
    freedom = len(pairs) - 1
    return ChiSquare(statistic, freedom, gamma_q(freedom / 2, statistic / 2), math.sqrt(statistic / whole))


def gamma_q(a: float, x: float) -> float:
    """The regularised upper incomplete gamma function: what of chi-square's distribution lies above ``2 x``."""
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for step in range(1, _MOST_STEPS):
            term *= x / (a + step)
            total += term
            if term < total * _PRECISE:
                break
        return max(0.0, 1 - total * front)
    # Lentz's way through the continued fraction.
    b = x + 1 - a
    c, d = 1 / _SMALL, 1 / b
    fraction = d
    for step in range(1, _MOST_STEPS):
        factor = -step * (step - a)
        b += 2
        d = 1 / (factor * d + b or _SMALL)
        c = b + factor / c or _SMALL
        fraction *= d * c
        if abs(d * c - 1) < _PRECISE:
            break
    return front * fraction


def _shares(counts: Sequence[float]) -> list[float]:
    whole = math.fsum(counts)
    return [count / whole for count in counts]


def _smoothed(counts: Sequence[float]) -> list[float]:
    return _shares([count + 0.5 for count in counts])


def _divergence(p: Sequence[float], q: Sequence[float]) -> float:
    return math.fsum(a * math.log2(a / b) for a, b in zip(p, q, strict=True) if a)
