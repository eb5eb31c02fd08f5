"""A column with many different values, as arrays: moments, extremes, HyperLogLog's registers and KLL in one go.

Run by ``sketch_task``, and shipped by value as that is.
"""

from __future__ import annotations

import base64
from typing import Any


class Arrays:
    """What has been seen of a column so far.

    Args:
        bits: of HyperLogLog's register numbers.
        k: of KLL.
    """

    def __init__(self, bits: int, k: int) -> None:
        import datasketches
        import numpy as np

        self._bits = bits
        self._seen = np.zeros(64 << bits, dtype=bool)
        self._kll = datasketches.kll_doubles_sketch(k)
        self._moments = (0, 0.0, 0.0)
        self.counts = dict.fromkeys(("zeros", "negatives", "nan", "infinite"), 0)
        self.least: Any = None
        self.greatest: Any = None

    def add(self, values: Any, hashes: Any) -> None:
        """Look at some values, none of them null, and their hashes."""
        import numpy as np

        self._register(hashes)
        doubles = np.array(values, dtype="float64")
        self.counts["zeros"] += int(np.count_nonzero(doubles == 0))
        self.counts["negatives"] += int(np.count_nonzero(doubles < 0))
        if values.dtype.kind == "f":
            nan = int(np.count_nonzero(np.isnan(doubles)))
            finite = np.isfinite(doubles)
            all_finite = bool(finite.all())
            self.counts["nan"] += nan
            self.counts["infinite"] += 0 if all_finite else len(doubles) - nan - int(np.count_nonzero(finite))
            known = values if not nan else values[~np.isnan(doubles)]
            doubles = doubles if all_finite else np.ascontiguousarray(doubles[finite])
        else:
            known = values
        if len(known):
            low, high = known.min().item(), known.max().item()
            self.least = low if self.least is None else min(self.least, low)
            self.greatest = high if self.greatest is None else max(self.greatest, high)
        if len(doubles):
            self._kll.update(doubles)
            self._add_moments(doubles)

    def _register(self, hashes: Any) -> None:
        import numpy as np

        rest = hashes >> np.uint64(self._bits)
        lowest = rest & (~rest + np.uint64(1))
        # The exponent of a power of two, as a double has it.
        place = (lowest.astype("float64").view("int64") >> 52) - 1022
        register = (hashes & np.uint64((1 << self._bits) - 1)).astype("int64")
        self._seen[(register << 6) | np.clip(place, 0, 63)] = True

    def _add_moments(self, doubles: Any) -> None:
        import numpy as np

        with np.errstate(over="ignore", invalid="ignore"):
            count, mean = len(doubles), float(doubles.mean())
            apart = doubles - mean
            squares = float(np.square(apart, out=apart).sum())  # a product of vectors would wake BLAS's threads
        before, old_mean, old_squares = self._moments
        whole, shift = before + count, mean - old_mean
        self._moments = (
            whole,
            old_mean + shift * count / whole,
            old_squares + squares + shift * shift * before * count / whole,
        )

    @property
    def moments(self) -> dict[str, Any]:
        """How many values are finite, their mean, and the sum of squared differences from it."""
        return dict(zip(("finite", "mean", "squares"), self._moments, strict=True))

    @property
    def registers(self) -> bytes:
        """HyperLogLog's."""
        import numpy as np

        table = self._seen.reshape(-1, 64)
        highest = 63 - np.argmax(table[:, ::-1], axis=1)
        return bytes(np.where(table.any(axis=1), highest, 0).astype("uint8"))

    @property
    def kll(self) -> str:
        """The sketch, in base64."""
        return base64.b64encode(self._kll.serialize()).decode()
