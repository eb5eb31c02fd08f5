"""The outbox itself: what plugins call."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from hookline.core import forks
from hookline.core.errors import OutboxError
from hookline.core.outbox.courier import Courier
from hookline.core.outbox.database import Database
from hookline.core.outbox.journal import Journal
from hookline.core.outbox.message import Entry, Sink, SinkStatus, storable
from hookline.core.outbox.overflow import Overflow
from hookline.core.outbox.pace import Pace
from hookline.core.outbox.report import sentences, statuses
from hookline.core.outbox.trouble import Trouble
from hookline.core.outbox.upkeep import Upkeep, sync

_log = logging.getLogger(__name__)
_DRAIN_CHUNK = 500
_HURRY_EVERY = 200
_RETRY_DISK_S = 1.0
_GIB = 1024**3
_WEEK_S = 7 * 86_400.0


class Outbox:
    """Durable at-least-once delivery to sinks, in one SQLite file that processes may share.

    Once ``put`` has returned, killing the process (``kill -9``) loses nothing: the message is committed to the file's
    log, which the kernel holds. A loss of power may take what was put since the last ``durable_sync``. Neither holds
    while the file can't be written (locked, full, read-only, damaged): then messages are kept in memory up to a bound,
    delivered from there, and written down as soon as possible; ``status`` and ``problems`` say so.

    A message with an id is kept and delivered once per sink, also when the same id comes again after it was delivered,
    for ``retention_s``. A sink may still see a message twice: when the process dies after the delivery and before that
    is recorded. Messages of one ``order_key`` are delivered in the order in which they were put.

    Args:
        path: the file; its folder is created, its folder's parents are not.
        max_bytes: how large the file may become. Delivered ids are forgotten first; then new messages are refused,
            counted and reported.
        memory_messages, memory_bytes: how much may wait in memory while the file can't be written.
        wait_s: how long one ``put`` may wait for the file, in seconds.
        lease_s: after how long another process may take what this one claimed; a dead process's claims are free.
        base_s, cap_s: the first and the longest wait after a failure, in seconds (exponential, full jitter).
        linger_s: how long a delivery waits for its batch to fill, in seconds.
        retention_s: how long the ids of delivered messages are remembered, in seconds.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = _GIB,
        memory_messages: int = 10_000,
        memory_bytes: int = 64 * 1024**2,
        wait_s: float = 0.25,
        lease_s: float = 60.0,
        base_s: float = 0.2,
        cap_s: float = 30.0,
        linger_s: float = 0.02,
        retention_s: float = _WEEK_S,
    ) -> None:
        self._database = Database(path, wait_s=wait_s)
        self._journal = Journal(self._database, max_bytes=max_bytes, lease_s=lease_s)
        self._overflow = Overflow(max_messages=memory_messages, max_bytes=memory_bytes)
        self._lease_s, self._retention_s, self._linger_s = lease_s, retention_s, linger_s
        self._base_s, self._cap_s = base_s, cap_s
        self._sinks: dict[str, Sink] = {}
        self._lingers_s: dict[str, float] = {}
        self._renew()
        forks.guard(self)

    def _renew(self) -> None:
        self._couriers: dict[str, Courier] = {}
        self._upkeep: Upkeep | None = None
        self._lock = threading.Lock()
        self._settled = threading.Event()
        self._trouble: Trouble | None = None
        self._retry_disk_at = 0.0
        self._pending_on_disk: dict[str, int] = {}
        self._refused: Counter[str] = Counter()
        self._lost = 0
        self._puts = 0

    def register(self, name: str, sink: Sink, *, linger_s: float | None = None) -> None:
        """Have messages for ``name`` delivered to ``sink``, those of earlier processes included.

        Args:
            linger_s: how long a delivery to this sink waits for its batch to fill, in seconds; None for the outbox's.

        Raises:
            OutboxError: another sink has this name.
        """
        name = storable(name)
        with self._lock:
            if linger_s is not None:
                self._lingers_s.setdefault(name, linger_s)
            if self._sinks.setdefault(name, sink) is not sink:
                raise OutboxError(f"two sinks are called {name!r}: give one of the plugins another name")
            if self._upkeep is not None and name not in self._couriers:
                self._couriers[name] = self._dispatch(name, sink)

    def put(
        self, sink: str, payload: Mapping[str, Any], *, kind: str = "", id: str | None = None, order_key: str = ""
    ) -> str:
        """Keep a message and return its id. Takes a bounded time, whatever state the file and the sink are in.

        Args:
            id: what makes the message the same when it is put again; None for a fresh one.
            order_key: messages with the same one are delivered in order.

        Raises:
            OutboxError: the payload can't be written as JSON.
        """
        entry = Entry.seal(sink, payload, kind, id, order_key)
        if not self._keep(entry):
            self._refused[entry.sink] += 1
        courier = self._couriers.get(entry.sink)
        if courier is not None:
            courier.wake()
        self._puts += 1
        upkeep = self._upkeep
        if upkeep is not None and self._puts % _HURRY_EVERY == 0:
            upkeep.hurry()
        return entry.id

    def start(self) -> None:
        """Begin to deliver in the background."""
        with self._lock:
            if self._upkeep is None:
                self._upkeep = Upkeep(
                    self._database,
                    self._journal,
                    lambda: list(self._couriers.values()),
                    self._drain,
                    lease_s=self._lease_s,
                    retention_s=self._retention_s,
                )
                self._upkeep.start()
                self._couriers = {name: self._dispatch(name, sink) for name, sink in self._sinks.items()}

    def flush(self, deadline_s: float) -> int:
        """Deliver what waits for this process's sinks; return how many messages still wait for them.

        Args:
            deadline_s: how long this may take, in seconds. It ends sooner when no sink will be tried again before that.
        """
        return self._flush(set(self._sinks), time.monotonic() + deadline_s)

    def replay(self, sinks: Iterable[str] | None = None, deadline_s: float = 60.0, *, dead: bool = False) -> int:
        """Try now what waits after failures, from whatever process; return how many messages still wait.

        Args:
            sinks: their names; None for all that are registered.
            deadline_s: how long this may take, in seconds.
            dead: try messages again that a sink refused for good.
        """
        deadline = time.monotonic() + deadline_s
        names = set(self._sinks) if sinks is None else {storable(name) for name in sinks}
        self._attempt_on_disk(self._journal.retake)
        self._attempt_on_disk(lambda: self._journal.make_due(names, dead=dead))
        self.start()
        return self._flush(names, deadline)

    def close(self, deadline_s: float) -> int:
        """Deliver what can be delivered, then end; return how many messages wait on disk for this process's sinks.

        A sink that hangs is left behind: its messages stay and are delivered by a later process.
        """
        deadline = time.monotonic() + deadline_s
        self._flush(set(self._sinks), deadline)
        with self._lock:
            couriers, self._couriers = self._couriers, {}
            upkeep, self._upkeep = self._upkeep, None
        for courier in couriers.values():
            courier.stop()
        for courier in couriers.values():
            courier.thread.join(max(0.0, deadline - time.monotonic()))
        if upkeep is not None:
            upkeep.stop(max(0.05, deadline - time.monotonic()))
        self._drain(also_taken=True)
        pending = self._pending(set(self._sinks))
        lost = self._overflow.pending()
        self._lost += sum(lost.values())
        if lost:
            _log.error("outbox: %d messages were lost: %s can't be written", sum(lost.values()), self._database.path)
        self._database.close()
        return sum(count - lost.get(name, 0) for name, count in pending.items())

    def durable_sync(self) -> bool:
        """Make everything that was put so far survive a loss of power; False when the disk does not take it."""
        return self._drain() and self._attempt_on_disk(lambda: sync(self._database))

    def status(self) -> tuple[SinkStatus, ...]:
        """How each sink fares, by name: those that are registered, and those that messages wait for."""
        return statuses(self._sinks, self._couriers, self._journal, self._overflow, self._refused)

    def problems(self) -> tuple[str, ...]:
        """What a person should know, one sentence each; empty when all is well."""
        delivering = self._upkeep is not None
        return sentences(self._database, self._trouble, self.status(), self._lost, delivering=delivering)

    def before_fork(self) -> None:
        """Nothing: the database closes itself."""

    def after_fork_in_parent(self) -> None:
        """Nothing: the next use opens the database again."""

    def after_fork_in_child(self) -> None:
        """Have no threads, and leave the messages in memory to the parent."""
        self._overflow.clear()
        self._renew()
        self._journal.renew_claimant()

    def _dispatch(self, name: str, sink: Sink) -> Courier:
        pace = Pace(self._base_s, self._cap_s, max(1, int(sink.batch_size)))
        linger_s = self._lingers_s.get(name, self._linger_s)
        courier = Courier(
            name, sink, self._journal, self._overflow, pace, linger_s=linger_s, on_settled=self._settled.set
        )
        courier.thread.start()
        return courier

    def _keep(self, entry: Entry) -> bool:
        if self._may_use_disk() and not self._overflow.holds(entry.sink):
            try:
                return self._journal.add(entry)
            except Trouble as trouble:
                self._meet(trouble)
        return self._overflow.add(entry)

    def _may_use_disk(self) -> bool:
        if self._trouble is None:
            return True
        # Upkeep finds out when the disk is usable again; without it, a put does.
        return self._upkeep is None and time.monotonic() >= self._retry_disk_at and self._drain()

    def _meet(self, trouble: Trouble) -> None:
        # The thread that is waited for knows what the file's trouble is.
        if self._trouble is None or trouble.kind != "busy":
            self._trouble = trouble
        self._retry_disk_at = time.monotonic() + _RETRY_DISK_S

    def _drain(self, *, also_taken: bool = False) -> bool:
        """Move messages from memory to disk; whether the disk is usable."""
        return self._attempt_on_disk(lambda: self._move_to_disk(also_taken))

    def _move_to_disk(self, also_taken: bool) -> None:
        while True:
            with self._overflow.moving:
                drained = self._overflow.drained(_DRAIN_CHUNK, also_taken=also_taken)
                self._journal.add_many(drained.waiting, drained.delivered, drained.dead)
                self._overflow.remove(drained.keys)
            if not drained.keys:
                return

    def _attempt_on_disk(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except Trouble as trouble:
            self._meet(trouble)
            return False
        self._trouble = None
        return True

    def _flush(self, names: set[str], deadline: float) -> int:
        self._drain()
        couriers = [courier for name, courier in self._couriers.items() if name in names]
        rounds = [courier.rounds for courier in couriers]
        for courier in couriers:
            courier.hurry()
        try:
            while True:
                self._settled.clear()
                pending = self._pending(names)
                waited_for = [pair for pair in zip(couriers, rounds, strict=True) if pair[0].name in pending]
                if time.monotonic() >= deadline or all(courier.rests_beyond(deadline, r) for courier, r in waited_for):
                    return sum(pending.values())
                self._settled.wait(min(0.05, max(0.0, deadline - time.monotonic())))
        finally:
            for courier in couriers:
                courier.relax()

    def _pending(self, names: set[str]) -> dict[str, int]:
        for _ in range(2):  # the second time after a damaged or deleted file was replaced
            try:
                self._pending_on_disk = self._journal.pending()
                break
            except Trouble as trouble:
                self._meet(trouble)  # what was known last is the best guess
        total = Counter(self._pending_on_disk) + Counter(self._overflow.pending())
        return {name: count for name, count in total.items() if name in names}
