"""What the sketch of one column tells."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from hookline.core.fuse.sketches import State, distinct_of, kll_of

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 10
_EPOCH = dt.datetime(1970, 1, 1)
_SECRET = ("least", "greatest")


@dataclass(frozen=True)
class ColumnProfile:
    """A column.

    Attributes:
        type: Spark's simple type string.
        state: its sketch, as ``core.fuse.sketches`` describes it.
        error: why there is none.
    """

    name: str
    type: str
    state: State = field(default_factory=dict, repr=False)
    error: str = ""

    @property
    def kind(self) -> str:
        """The kind of its values; ``other`` for what has no order."""
        return str(self.state.get("kind", "other"))

    @property
    def rows(self) -> int:
        """All rows."""
        return int(self.state.get("rows", 0))

    @property
    def nulls(self) -> int:
        """Those in which it is null."""
        return int(self.state.get("nulls", 0))

    @property
    def values(self) -> int:
        """Those in which it is not."""
        return self.rows - self.nulls

    @property
    def complete(self) -> bool:
        """Whether every value is counted."""
        return bool(self.state.get("complete"))

    @property
    def counts(self) -> Sequence[tuple[str, int]]:
        """Values, or their digests, with how often they occur; the most frequent first."""
        return [(str(value), int(count)) for value, count in self.state.get("counts", ())]

    @property
    def shapes(self) -> Sequence[tuple[str, int]]:
        """Shapes of texts (``AA-999``), counted among ``state['shaped']`` values."""
        return [(str(shape), int(count)) for shape, count in self.state.get("shapes", ())]

    @cached_property
    def distinct(self) -> int | None:
        """How many different values there are, about, and never more than values; exactly when ``complete``."""
        found = distinct_of(self.state)
        return None if found is None else min(found, self.values)

    @property
    def mean(self) -> float | None:
        """The mean of the finite values."""
        return float(self.state["mean"]) if self.state.get("finite") else None

    @property
    def deviation(self) -> float | None:
        """The sample standard deviation of the finite values."""
        count = self.state.get("finite", 0)
        return math.sqrt(self.state["squares"] / (count - 1)) if count > 1 else None

    @property
    def least(self) -> Any:
        """The least value, as it is told; None where it is not known or not shown."""
        return self.told(self.state.get("least"))

    @property
    def greatest(self) -> Any:
        """The greatest value."""
        return self.told(self.state.get("greatest"))

    @cached_property
    def sketch(self) -> Any:
        """KLL of its numbers: of a text its length, of a time days or microseconds; None when there are none."""
        return kll_of(self.state)

    def quantiles(self, fractions: Sequence[float] = QUANTILES) -> list[float]:
        """Numbers below which these shares lie, within ``RANK_ERROR``; none when there is no number."""
        return [] if self.sketch is None else [float(value) for value in self.sketch.get_quantiles(list(fractions))]

    def below(self, points: Sequence[float]) -> list[float]:
        """Which share of the numbers is not above each of these points, which go up."""
        return [float(share) for share in self.sketch.get_cdf(list(points), True)[:-1]] if self.sketch else []

    def histogram(self, bins: int = BINS) -> list[tuple[float, float, int]]:
        """About how many numbers lie in each of so many ranges of equal width, with its two ends."""
        if self.sketch is None:
            return []
        low, high = float(self.sketch.get_min_value()), float(self.sketch.get_max_value())
        if low == high:
            return [(low, high, int(self.sketch.n))]
        edges = [low + (high - low) * place / bins for place in range(bins + 1)]
        inner = sorted(set(edges[1:-1]))
        shares = [0.0, *self.below(inner), 1.0]
        counts = [round((after - before) * self.sketch.n) for before, after in pairwise(shares)]
        return list(zip([low, *inner], [*inner, high], counts, strict=True))

    def told(self, number: Any) -> Any:
        """A number of the sketch as a value of the column: a date, a time, or itself."""
        if number is None or isinstance(number, str) or (isinstance(number, float) and not math.isfinite(number)):
            return number
        try:
            if self.kind == "date":
                return (_EPOCH + dt.timedelta(days=round(number))).date()
            if self.kind in ("timestamp", "timestamp_ntz"):
                return _EPOCH + dt.timedelta(microseconds=round(number))
        except OverflowError:
            return None
        return round(number) if self.kind == "int" else number

    def kept(self, *, shown: bool) -> ColumnProfile:
        """The same as it may be kept and told: without texts, and digests in place of values, unless they may be shown."""
        state: Mapping[str, Any] = self.state
        if not shown and "counts" in state and self.kind != "boolean":
            hidden = dict.fromkeys(_SECRET) if self.kind == "string" else {}
            counts = [[digest(value), count] for value, count in state["counts"]]
            state = {**state, **hidden, "counts": counts}
        return ColumnProfile(self.name, self.type, state, self.error)


def digest(value: str) -> str:
    """What stands for a value that may not be shown: equal for equal ones. Whoever guesses a value can tell it."""
    if value.startswith("#") and len(value) == 11:
        return value
    return (
        "#"
        + hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=5, person=b"hookline-profile").hexdigest()
    )
