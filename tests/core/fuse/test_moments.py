"""What parts of the data give becomes what the whole would have given."""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from hookline.core.events import Measure
from hookline.core.fuse.domain import domain_of
from hookline.core.fuse.moments import entropy, estimate, merge_correlation, merge_variance, quantile


def variance_part(values: list[float]) -> list[Any]:
    finite = [value for value in values if math.isfinite(value)]
    mean = statistics.fmean(finite) if finite else 0
    return [len(finite), mean, statistics.pvariance(finite) if finite else 0, len(values) - len(finite)]


def correlation_part(pairs: list[tuple[float, float]]) -> list[Any]:
    if not pairs:
        return [0, 0, 0, 0, 0, 0, 0]
    xs, ys = zip(*pairs, strict=True)
    mx, my = statistics.fmean(xs), statistics.fmean(ys)
    squares = [sum((x - mx) ** 2 for x in xs), sum((y - my) ** 2 for y in ys)]
    return [len(pairs), mx, my, *squares, sum((x - mx) * (y - my) for x, y in pairs), 0]


def split(values: list[Any], seed: int) -> list[list[Any]]:
    """In parts of any length, some of them empty."""
    ends = sorted(random.Random(seed).randint(0, len(values)) for _ in range(4))
    return [values[start:end] for start, end in zip([0, *ends], [*ends, len(values)], strict=True)]


@pytest.mark.parametrize("seed", range(10))
def test_moments_of_parts_are_those_of_the_whole(seed: int) -> None:
    rolls = random.Random(seed)
    # Far from zero, where adding up squares would lose all digits.
    values = [1e9 + rolls.random() for _ in range(100)]
    found = merge_variance([variance_part(part) for part in split(values, seed)])
    assert found == pytest.approx(statistics.variance(values), rel=1e-6)
    pairs = [(value, 3 * value + rolls.random()) for value in values]
    whole = merge_correlation([correlation_part(pairs)])
    assert merge_correlation([correlation_part(part) for part in split(pairs, seed)]) == pytest.approx(whole, rel=1e-6)
    assert whole == pytest.approx(statistics.correlation(*zip(*pairs, strict=True)), rel=1e-6)


def test_too_few_values_have_no_moments_and_odd_ones_have_none_that_is_a_number() -> None:
    assert merge_variance([]) is None
    assert merge_variance([variance_part([1.0]), variance_part([])]) is None
    assert merge_variance([variance_part([1.0]), variance_part([1.0])]) == 0
    assert math.isnan(merge_variance([variance_part([1.0, math.inf])]) or 0)
    assert merge_correlation([correlation_part([(1.0, 2.0)])]) is None
    assert math.isnan(merge_correlation([correlation_part([(1.0, 2.0), (1.0, 3.0)])]) or 0)
    assert merge_correlation([correlation_part([(1.0, 2.0), (2.0, 4.0)])]) == pytest.approx(1.0, rel=1e-15)


def test_entropy_is_in_bits() -> None:
    counts = Counter("aabbbc")
    weighted = sum(n * math.log2(n) for n in counts.values())
    assert entropy(6, weighted) == pytest.approx(-sum(n / 6 * math.log2(n / 6) for n in counts.values()))
    assert entropy(4, 8.0) == 0
    assert entropy(0, None) is None


def test_estimates_are_near_at_both_ends() -> None:
    assert estimate(0.0, 0) == 0
    assert estimate(0.5, 1) == 1
    registers = 2**14
    assert estimate(registers * 2.0**-40, registers) > 10**15


@pytest.mark.parametrize(
    ("kind", "fraction", "low", "high", "found"),
    [
        ("bigint", "0.5", 2**63 - 2, 2**63 - 1, Decimal(2**64 - 3) / 2),
        ("decimal(38,10)", "0.5", "0.0000000001", "0.0000000002", Decimal("0.00000000015")),
        ("int", "1", 7, None, Decimal(7)),
        ("double", "0.5", 0.1, 0.3, 0.2),
        ("double", "0.5", math.inf, math.inf, math.inf),
    ],
)
def test_a_quantile_between_two_values_is_exact(kind: str, fraction: str, low: Any, high: Any, found: Any) -> None:
    assert quantile(domain_of(kind), Decimal(fraction), 2, low, high) == found
    assert quantile(domain_of(kind), Decimal(fraction), 0, None, None) is None


def test_a_quantile_is_a_share_as_it_is_written() -> None:
    assert Measure.quantile("a", 0.1) == Measure.quantile("a", Decimal("0.10"))
    with pytest.raises(ValueError, match="between 0 and 1"):
        Measure.quantile("a", 95)
