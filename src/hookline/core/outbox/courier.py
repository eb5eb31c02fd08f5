"""The thread that delivers to one sink. A sink that hangs holds up nobody but itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from hookline.core.errors import SinkError
from hookline.core.forks import children_end_here
from hookline.core.outbox.journal import Journal
from hookline.core.outbox.message import Message, Sink
from hookline.core.outbox.overflow import Overflow
from hookline.core.outbox.pace import Pace
from hookline.core.outbox.trouble import Trouble

_log = logging.getLogger(__name__)
# Other processes put messages too, and can't wake this thread.
_POLL_S = 1.0
_TROUBLE_WAIT_S = 0.25


class Place(Protocol):
    """Where a message is kept until its fate is known."""

    def done(self, messages: Sequence[Message]) -> None:
        """They were delivered."""

    def bury(self, message: Message, reason: str) -> None:
        """It will never be delivered."""

    def hold(self, message: Message, wait_s: float) -> None:
        """It failed and waits."""

    def release(self, messages: Sequence[Message]) -> None:
        """They go back as they were."""


class Courier:
    """Claims a sink's messages, delivers them, and records what became of them."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        journal: Journal,
        overflow: Overflow,
        pace: Pace,
        *,
        linger_s: float,
        on_settled: Callable[[], None],
    ) -> None:
        self.name = name
        self.delivered = 0
        self.failures = 0
        self.last_error: str | None = None
        self.in_flight_since: float | None = None
        self.rests_until = 0.0
        self.rounds = 0
        self._sink = sink
        self._journal = journal
        self._overflow = overflow
        self._pace = pace
        self._linger_s = linger_s
        self._on_settled = on_settled
        self._unrecorded: list[Callable[[], None]] = []
        self._wake = threading.Event()
        self._spur = threading.Event()
        self._urgent = False
        self._stopping = False
        self.thread = threading.Thread(target=self._run, name=f"hookline-outbox-{name}", daemon=True)

    @property
    def in_flight_s(self) -> float | None:
        """How long the current delivery has been running, in seconds; None when there is none."""
        since = self.in_flight_since
        return None if since is None else time.monotonic() - since

    def wake(self) -> None:
        """There is something new."""
        if not self._wake.is_set():
            self._wake.set()

    @property
    def holds_claims(self) -> bool:
        """Whether messages are on their way, or delivered and not yet recorded."""
        return self.in_flight_since is not None or bool(self._unrecorded)

    def rests_beyond(self, moment: float, rounds: int) -> bool:
        """Whether this has looked for work since ``rounds``, and will not again before a moment (of time.monotonic)."""
        return self.in_flight_since is None and self.rounds > rounds + 1 and self.rests_until > moment

    def hurry(self) -> None:
        """Deliver now: end the pause after failures, and don't wait for batches to fill until ``relax``."""
        self._urgent = True
        self._pace.hurry()
        self._spur.set()
        self._wake.set()

    def relax(self) -> None:
        """Go back to gathering batches."""
        self._urgent = False

    def stop(self) -> None:
        """End the thread after the delivery that it is in."""
        self._stopping = True
        self.hurry()

    def _run(self) -> None:
        self._spur.wait(self._linger_s)
        while not self._stopping:
            self._wake.clear()
            wait_s = self._step()
            self.rounds += 1
            if wait_s > 0.0:
                self._rest(wait_s)
        self._record()

    def _rest(self, wait_s: float) -> None:
        self.rests_until = time.monotonic() + wait_s
        paused_s = min(wait_s, self._pace.pause_s)
        if paused_s > 0.0:
            # New messages must not end a pause; only a spur may.
            self._spur.wait(paused_s)
        elif self._wake.wait(min(wait_s, _POLL_S)) and not self._urgent:
            self._spur.wait(self._linger_s)
        self._spur.clear()
        self.rests_until = 0.0

    def _step(self) -> float:
        """Deliver one batch, if there is one; return how long to rest, in seconds."""
        try:
            if self._pace.pause_s > 0.0:
                return self._pace.pause_s
            if not self._record():
                return self._step_without_disk()
            if batch := self._journal.claim(self.name, self._pace.window):
                return self._attempt(self._journal, batch)
            if self._overflow.holds(self.name):
                return self._step_without_disk()
            due_s = self._journal.next_due_s(self.name)
            return due_s if due_s is not None else _POLL_S
        except Trouble:
            return self._step_without_disk()
        except Exception as error:  # noqa: BLE001 - whatever happens here, delivery goes on
            self._note(error)
            return _POLL_S

    def _step_without_disk(self) -> float:
        with self._overflow.moving:
            batch = self._overflow.claim(self.name, self._pace.window, self._keys_on_disk)
            known = self._known_on_disk(batch)
            self._overflow.remove([(self.name, id) for id in known])
        batch = [message for message in batch if message.id not in known]
        return self._attempt(self._overflow, batch) if batch else _TROUBLE_WAIT_S

    def _keys_on_disk(self, keys: Sequence[str]) -> set[str]:
        try:
            return self._journal.open_keys(self.name, keys) if keys else set()
        except Trouble:
            return set()

    def _known_on_disk(self, batch: Sequence[Message]) -> set[str]:
        try:
            return self._journal.known(self.name, [message.id for message in batch]) if batch else set()
        except Trouble:
            return set()

    def _attempt(self, place: Place, batch: Sequence[Message]) -> float:
        failure = self._deliver(batch)
        if failure is None:
            self.delivered += len(batch)
            self._pace.succeeded()
            self._settle(lambda: place.done(batch))
        else:
            # In this order: who sees a failure counted also finds its reason.
            self._note(failure)
            self.failures += 1
            self._after_failure(place, batch, failure)
        return self._pace.pause_s

    def _deliver(self, batch: Sequence[Message]) -> BaseException | None:
        self.in_flight_since = time.monotonic()
        try:
            with children_end_here():
                self._sink.deliver(batch)
        except BaseException as error:  # noqa: BLE001 - SystemExit in a sink must not end delivery
            return error
        finally:
            self.in_flight_since = None
        return None

    def _after_failure(self, place: Place, batch: Sequence[Message], failure: BaseException) -> None:
        if len(batch) > 1:
            self._pace.batch_failed()
            if _is_final(failure):
                self._pace.hurry()
            self._settle(lambda: place.release(batch))
        elif _is_final(failure):
            self._settle(lambda: place.bury(batch[0], _text(failure)))
        else:
            wish_s = failure.retry_after_s if isinstance(failure, SinkError) else None
            wait_s = self._pace.message_failed(batch[0].id, batch[0].attempts, wish_s)
            self._settle(lambda: place.hold(batch[0], wait_s))

    def _settle(self, record: Callable[[], None]) -> None:
        self._unrecorded.append(record)
        self._record()
        self._on_settled()

    def _record(self) -> bool:
        """Write down what became of earlier messages; until that works, no further ones are claimed from disk."""
        try:
            while self._unrecorded:
                self._unrecorded[0]()
                self._unrecorded.pop(0)
        except Trouble:
            return False
        return True

    def _note(self, failure: BaseException) -> None:
        text = _text(failure)
        if text != self.last_error:
            _log.warning("outbox: sink %s: %s", self.name, text)
        self.last_error = text


def _is_final(failure: BaseException) -> bool:
    return isinstance(failure, SinkError) and not failure.retryable


def _text(failure: BaseException) -> str:
    # Only a SinkError promises that its text carries no payload.
    return str(failure) if isinstance(failure, SinkError) else type(failure).__name__
