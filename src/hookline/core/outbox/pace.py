"""How fast a sink is tried: waits after failures, and batches that shrink to find the message that fails."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

_LONGEST_RETRY_AFTER_S = 3600.0
# Our own, since a job may have seeded the one that everybody shares.
_dice = random.Random()  # noqa: S311 - no secret


@dataclass
class Pace:
    """One sink's pace.

    A batch that fails says nothing about its messages, so the next ones are sent alone until one succeeds, and then in
    batches that double. A message that fails alone waits, longer each time; the sink as a whole waits only as long as
    *different* messages fail in a row, which tells a dead back end from a bad message.
    """

    base_s: float
    cap_s: float
    largest: int
    window: int = field(init=False)
    paused_until: float = field(init=False, default=0.0)
    _failing: set[str] = field(init=False, default_factory=set)
    _failed_batches: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.window = self.largest

    @property
    def pause_s(self) -> float:
        """How long the sink should not be tried, in seconds."""
        return max(0.0, self.paused_until - time.monotonic())

    def succeeded(self) -> None:
        """A delivery succeeded."""
        self.window = min(self.largest, self.window * 2)
        self._failing.clear()
        self._failed_batches = 0
        self.paused_until = 0.0

    def batch_failed(self) -> None:
        """A delivery of several messages failed."""
        self.window = 1
        self._failed_batches += 1
        self._pause(self.jitter_s(self._failed_batches))

    def message_failed(self, id: str, attempts: int, retry_after_s: float | None) -> float:
        """A message that had failed ``attempts`` times before failed alone; return how long it waits, in seconds."""
        self.window = 1
        self._failing.add(id)
        wish_s = min(_LONGEST_RETRY_AFTER_S, max(0.0, retry_after_s or 0.0))
        self._pause(max(self.jitter_s(len(self._failing)), wish_s if len(self._failing) > 1 else 0.0))
        return max(self.jitter_s(attempts + 1), wish_s, 0.001)

    def hurry(self) -> None:
        """Try again at once, whatever happened."""
        self.paused_until = 0.0

    def jitter_s(self, failures: int) -> float:
        """Exponential backoff with full jitter, in seconds."""
        return _dice.uniform(0.0, min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 30)))

    def _pause(self, wait_s: float) -> None:
        self.paused_until = time.monotonic() + wait_s
