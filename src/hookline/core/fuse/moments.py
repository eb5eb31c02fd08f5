"""Numbers about a whole column, made of what each part of the data gave: moments, entropy, quantiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal, localcontext
from functools import reduce
from typing import Any

from hookline.core.fuse.domain import EXACT, Domain, present

Part = Sequence[Any]
REGISTER_BITS = 14


def merge_variance(parts: Sequence[Part]) -> float | None:
    """The sample variance, from each part's (finite values, mean, population variance, values that are not finite)."""
    if any(part[3] for part in parts):
        return math.nan
    moments = [(int(n), float(mean), float(spread) * int(n)) for n, mean, spread, _ in parts if n]
    count, _, squares = merge_moments(moments)
    return squares / (count - 1) if count > 1 else None


Moments = tuple[int, float, float]
"""How many values, their mean, and the sum of their squared differences from it."""


def merge_moments(parts: Sequence[Moments]) -> Moments:
    """The moments of all parts together."""
    return reduce(_merge_moments, parts, (0, 0.0, 0.0))


def _merge_moments(one: Moments, other: Moments) -> Moments:
    count = one[0] + other[0]
    apart = other[1] - one[1]
    mean = one[1] + apart * other[0] / count
    return count, mean, one[2] + other[2] + apart * apart * one[0] * other[0] / count


def merge_correlation(parts: Sequence[Part]) -> float | None:
    """Pearson's coefficient, from each part's (pairs, means of x and y, sums of squares xx, yy, xy, pairs that are not finite)."""
    if any(part[6] for part in parts):
        return math.nan
    whole = merge_pairs(parts)
    if whole[0] < 2:
        return None
    scale = math.sqrt(whole[3]) * math.sqrt(whole[4])
    return max(-1.0, min(1.0, whole[5] / scale)) if scale > 0 and math.isfinite(scale) else math.nan


def merge_pairs(parts: Sequence[Part]) -> list[float]:
    """The sums that ``merge_correlation`` takes, of all parts together."""
    whole: list[float] = [0, 0.0, 0.0, 0.0, 0.0, 0.0]
    for n, x, y, xx, yy, xy in ([float(value) for value in part[:6]] for part in parts if part[0]):
        count = whole[0] + n
        to_x, to_y, weight = x - whole[1], y - whole[2], whole[0] * n / count
        whole = [
            count,
            whole[1] + to_x * n / count,
            whole[2] + to_y * n / count,
            whole[3] + xx + to_x * to_x * weight,
            whole[4] + yy + to_y * to_y * weight,
            whole[5] + xy + to_x * to_y * weight,
        ]
    return [*whole, sum(part[6] for part in parts)]


def entropy(values: int | None, weighted: float | None) -> float | None:
    """Shannon's entropy in bits, from the number of values and the sum of ``n * log2(n)`` over the different ones."""
    return max(0.0, math.log2(values) - (weighted or 0.0) / values) if values else None


def estimate(inverse: float, filled: int, registers: int = 2**REGISTER_BITS) -> int:
    """About how many different values filled so many registers of HyperLogLog, whose inverse powers of two add up to this."""
    empty = registers - filled
    found: float = 0.7213 / (1 + 1.079 / registers) * registers * registers / (inverse + empty)
    if empty and found <= 2.5 * registers:
        found = registers * math.log(registers / empty)  # few values: the empty registers tell more
    return round(found)


def rank(values: int, fraction: Decimal) -> Decimal:
    """Where a quantile stands in the sorted values, counted from 0; what is behind the point lies between two values."""
    with localcontext(EXACT):
        return (values - 1) * fraction


def ranked(domain: Domain, fraction: Decimal, values: int | None, low: Any, high: Any) -> Any:
    """The value at rank ``ceil(fraction x values)``, counted from 1, from what ``quantile`` is made of: it is one of the two."""
    if not values:
        return None
    at = min(max(math.ceil(float(fraction) * values), 1), values) - 1
    found = low if at == int(rank(values, fraction)) or high is None else high
    return quantile(domain, Decimal(0), values, found, None)


def quantile(domain: Domain, fraction: Decimal, values: int | None, low: Any, high: Any) -> Any:
    """A quantile, from the number of values, the one at its rank rounded down, and the next one (None at the end)."""
    if not values:
        return None
    with localcontext(EXACT):
        between = rank(values, fraction) % 1
        if domain.floating:
            low, high = float(low), float(low if high is None else high)
            return low if not between or low == high else low * float(1 - between) + high * float(between)
        exact = Decimal(low)
        if between and high is not None:
            exact += (Decimal(high) - exact) * between
        if domain.kind in ("int", "decimal"):
            return exact.normalize()
        return present(domain, int(exact.to_integral_value(rounding=ROUND_FLOOR)))


QUANTILE: Mapping[str, Callable[[Domain, Decimal, int | None, Any, Any], Any]] = {
    "quantile": quantile,
    "ranked": ranked,
}
