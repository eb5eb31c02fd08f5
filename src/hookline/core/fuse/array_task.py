"""A column with many different values, as arrays: moments, extremes, HyperLogLog's registers and KLL in one go.

Run by ``sketch_task``, and shipped by value as that is.
"""

from __future__ import annotations

import base64
import struct
from typing import Any

# So many values of a piece stay in its sketch, or up to twice as many.
_COMPACTED = 256
_FEWEST_LEVELS = 4
# Odd, and about a third of any power of two: what is taken is spread evenly after a few times already.
_STEP = 171
_LEAST_WIDTH = 8  # of a level, in all sketches that DataSketches makes


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
        self.seen = 0
        self._places = np.zeros(64 << bits, dtype=bool)
        self._kll = datasketches.kll_doubles_sketch(k)
        self._taken = 0
        self._moments = (0, 0.0, 0.0)
        self.counts = dict.fromkeys(("zeros", "negatives", "nan", "infinite"), 0)
        self.least: Any = None
        self.greatest: Any = None

    def add(self, values: Any, hashes: Any) -> None:
        """Look at some values, none of them null, and their hashes."""
        import numpy as np

        self.seen += len(values)
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
            self._add_moments(doubles)
            self._sketch(doubles)

    def _register(self, hashes: Any) -> None:
        import numpy as np

        rest = hashes >> np.uint64(self._bits)
        rest &= ~rest + np.uint64(1)  # the lowest bit alone
        # The exponent of a power of two, as a double has it.
        place = rest.astype("float64").view("int64")
        place >>= 52
        place -= 1022
        np.maximum(place, 0, out=place)
        register = (hashes & np.uint64((1 << self._bits) - 1)).view("int64")
        register <<= 6
        register |= place
        self._places[register] = True

    def _sketch(self, doubles: Any) -> None:
        """Sort many values and take every 512th or so: one compaction where the sketch, given one value after another, makes
        thousands, in a fifth of the time."""
        import datasketches
        import numpy as np

        level = len(doubles).bit_length() - _COMPACTED.bit_length()
        if level < _FEWEST_LEVELS:
            self._kll.update(doubles)
            return
        whole = len(doubles) >> level << level
        self._kll.update(doubles[whole:])
        ordered = np.sort(doubles[:whole])
        # Which of each group is taken varies from one time to the next, so that errors do not add up.
        self._taken = (self._taken + _STEP) % (1 << level)
        content = kll_content(ordered, ordered[self._taken :: 1 << level], level, self._kll.k)
        self._kll.merge(datasketches.kll_doubles_sketch.deserialize(content))

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

        table = self._places.reshape(-1, 64)
        highest = 63 - np.argmax(table[:, ::-1], axis=1)
        return bytes(np.where(table.any(axis=1), highest, 0).astype("uint8"))

    @property
    def kll(self) -> str:
        """The sketch, in base64."""
        return base64.b64encode(self._kll.serialize()).decode()


def kll_content(ordered: Any, kept: Any, level: int, k: int) -> bytes:
    """A KLL sketch as DataSketches writes it (serial version 1): each of the kept values stands for ``2 ** level``.

    Args:
        ordered: all values, the least first.
        kept: some of them, in the same order.
    """
    widths = (((2 * k << depth) // 3**depth + 1) >> 1 for depth in range(level + 1))
    capacity = sum(max(_LEAST_WIDTH, width) for width in widths)
    begin = capacity - len(kept)  # of every level: those below the last one are empty
    head = struct.pack("<BBBBHBBQHBB", 5, 1, 15, 2, k, _LEAST_WIDTH, 0, len(ordered), k, level + 1, 0)
    levels = struct.pack(f"<{level + 1}I", *([begin] * (level + 1)))
    values: bytes = kept.astype("<f8").tobytes()
    return head + levels + struct.pack("<2d", ordered[0], ordered[-1]) + values
