"""Two profiles of the same column beside each other: in common bins, by their distribution functions, by their categories."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from hookline.quality.profile.column import ColumnProfile, digest

BINS = 10
# So few different numbers are categories; of more, ranges say more.
_FEW_NUMBERS = 50
_POINTS = [place / 200 for place in range(201)]


class CannotCompareError(Exception):
    """Why two columns can't be compared, without a value."""


class Bins(NamedTuple):
    """How many values lie in each of the same bins, before and after."""

    before: Sequence[float]
    after: Sequence[float]


def common_bins(before: ColumnProfile, after: ColumnProfile) -> Bins:
    """Both in the same bins: categories where they are few, else ranges that were equally full before.

    Raises:
        CannotCompareError: there is nothing to compare.
    """
    _check(before, after)
    if _is_categorical(before, after):
        return _categories(before, after)
    if before.sketch is None or after.sketch is None or before.kind == "string":
        raise CannotCompareError("it has too many different values to compare them one by one")
    edges = sorted(set(before.quantiles([place / BINS for place in range(1, BINS)])))
    return Bins(_ranges(before, edges), _ranges(after, edges))


def ks(before: ColumnProfile, after: ColumnProfile) -> float:
    """The greatest distance of the two distribution functions, off by at most twice a sketch's error.

    Raises:
        CannotCompareError: these are no numbers.
    """
    _check(before, after)
    if before.kind == "string" or before.sketch is None or after.sketch is None:
        raise CannotCompareError("ks is about numbers, dates and timestamps")
    points = sorted({*before.quantiles(_POINTS), *after.quantiles(_POINTS)})
    return max(abs(one - other) for one, other in zip(before.below(points), after.below(points), strict=True))


class Drift(NamedTuple):
    """Categories: how many are new and in how many rows, and how many are gone."""

    new: int
    new_rows: int
    gone: int


def drift(before: ColumnProfile, after: ColumnProfile) -> Drift:
    """How the categories changed.

    Raises:
        CannotCompareError: there are too many to know them all.
    """
    if not before.complete or not before.values:
        raise CannotCompareError("the baseline has no values, or too many different ones to know them all")
    known, seen = _digests(before), _digests(after)
    unlisted = after.values - sum(seen.values())  # with too many values to list, those can't all be known ones
    new = {value: count for value, count in seen.items() if value not in known}
    more = max(1, (after.distinct or 0) - len(seen)) if unlisted else 0
    gone = len(known.keys() - seen.keys()) if after.complete else 0
    return Drift(len(new) + more, sum(new.values()) + unlisted, gone)


def _check(before: ColumnProfile, after: ColumnProfile) -> None:
    if before.kind != after.kind:
        raise CannotCompareError(f"the baseline's column is of another type ({before.type}, now {after.type})")
    for column, which in ((before, "the baseline"), (after, "the data")):
        if not column.values:
            raise CannotCompareError(f"{which} has no value in it")


def _is_categorical(before: ColumnProfile, after: ColumnProfile) -> bool:
    if before.kind in ("string", "boolean"):
        return before.complete
    few = max(len(before.counts), len(after.counts)) <= _FEW_NUMBERS
    return before.complete and after.complete and few


def _categories(before: ColumnProfile, after: ColumnProfile) -> Bins:
    known, seen = _digests(before), _digests(after)
    names = sorted(known.keys() | seen.keys())
    rest = [float(column.values - sum(counts.values())) for column, counts in ((before, known), (after, seen))]
    bins = [[float(counts.get(name, 0)) for name in names] for counts in (known, seen)]
    if any(rest):
        bins = [[*counts, other] for counts, other in zip(bins, rest, strict=True)]
    return Bins(*bins)


def _digests(column: ColumnProfile) -> dict[str, int]:
    return {digest(value): count for value, count in column.counts}


def _ranges(column: ColumnProfile, edges: Sequence[float]) -> list[float]:
    shares = [0.0, *column.below(edges), 1.0]
    return [(above - below) * column.sketch.n for below, above in pairwise(shares)]
