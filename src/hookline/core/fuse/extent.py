"""What is known of a column without reading it, and which measures that proves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hookline.core.events import Measured
from hookline.core.fuse.binding import Bound
from hookline.core.fuse.domain import present

# What there is none of where there are no values; of others there are 0.
_VALUES = ("minimum", "maximum", "total", "variance", "quantile", "ranked", "correlation", "entropy")


@dataclass(frozen=True)
class Extent:
    """A column in one file (or row group).

    Attributes:
        rows: rows in it.
        nulls: how many are null; None when not known.
        low, high: no non-null value lies outside of these, in the column's domain; None when not known.
        tight: ``low`` and ``high`` are values that occur.
    """

    rows: int
    nulls: int | None = None
    low: Any = None
    high: Any = None
    tight: bool = False

    @property
    def vacant(self) -> bool:
        """Whether it surely holds no value."""
        return self.rows == 0 or self.nulls == self.rows


def prove(bound: Bound, extents: Iterable[Extent]) -> Measured | None:
    """The measure's value if the extents, one per part of the data, leave no doubt; else None."""
    parts = list(extents)
    kind = bound.measure.kind
    if kind == "nulls":
        known = [part.nulls for part in parts if part.nulls is not None]
        return Measured(sum(known), "proof") if len(known) == len(parts) else None
    occupied = [part for part in parts if not part.vacant]
    if not occupied and kind not in _VALUES:
        return Measured(0, "proof")
    if not occupied:
        return Measured(None, "proof")
    if any(part.low is None or part.high is None for part in occupied):
        return None
    if kind == "outside" and all(bound.holds(part.low) and bound.holds(part.high) for part in occupied):
        return Measured(0, "proof")
    if kind in ("minimum", "maximum") and all(part.tight for part in occupied):
        value = min(part.low for part in occupied) if kind == "minimum" else max(part.high for part in occupied)
        return Measured(present(bound.domain, value), "proof")
    return None
