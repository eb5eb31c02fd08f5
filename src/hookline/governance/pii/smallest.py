"""A sample of distinct values that does not depend on the order in which rows come, nor on how they are divided.

Of all values those with the smallest digests (a bottom-k sketch: Cohen and Kaplan, "Summarizing Data using Bottom-k Sketches",
2007). What is among the smallest of all is among the smallest of its part: samples of parts have all that the whole's sample has.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


class Smallest:
    """At most ``most`` distinct texts, and how often each was there.

    Attributes:
        counts: by text; up to twice as many as are kept, until ``cut`` is called.
    """

    def __init__(self, most: int) -> None:
        self.counts: dict[str, int] = {}
        self._most = most
        self._digests: dict[str, int] = {}
        self._greatest: int | None = None

    def add(self, values: Iterable[str], counts: Iterable[int]) -> None:
        """Count values; one that was left out before stays out."""
        for value, count in zip(values, counts, strict=True):
            if value in self.counts:
                self.counts[value] += count
                continue
            own = digest_of(value)
            if self._greatest is None or own < self._greatest:
                self.counts[value] = count
                self._digests[value] = own
                if len(self.counts) >= 2 * self._most:
                    self.cut()

    def cut(self) -> None:
        """Leave out what is not among the smallest."""
        if len(self.counts) > self._most:
            kept = sorted(self.counts, key=self._digests.__getitem__)[: self._most]
            self._greatest = self._digests[kept[-1]]
            self.counts = {value: self.counts[value] for value in kept}
            self._digests = {value: self._digests[value] for value in kept}


def digest_of(value: str) -> int:
    """64 bits, signed, as Spark's bigint is."""
    return int.from_bytes(blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)
