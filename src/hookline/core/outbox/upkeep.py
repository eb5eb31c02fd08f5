"""The thread that looks after the file: memory goes to disk, leases are renewed and freed, old ids forgotten."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable

from hookline.core.outbox.courier import Courier
from hookline.core.outbox.database import Database
from hookline.core.outbox.journal import Journal
from hookline.core.outbox.trouble import Trouble

_log = logging.getLogger(__name__)
_TICK_S = 0.25
_RETAKE_EVERY_S = 2.0
_PURGE_EVERY_S = 60.0
_CHECKPOINT_ABOVE_BYTES = 4 * 1024 * 1024
_RESTART_ABOVE_BYTES = 16 * 1024 * 1024


class Upkeep:
    """Regular work on the outbox's file, none of which may hold up a job."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        couriers: Callable[[], Iterable[Courier]],
        drain: Callable[[], bool],
        *,
        lease_s: float,
        retention_s: float,
    ) -> None:
        self._database = database
        self._drain = drain
        self._couriers = couriers
        self._journal = journal
        self._stopping = False
        self._wake = threading.Event()
        self._work: list[tuple[float, Callable[[], None]]] = [
            (_RETAKE_EVERY_S, journal.retake),
            (lease_s / 3.0, self._renew),
            (_PURGE_EVERY_S, lambda: journal.purge(retention_s)),
            (0.0, lambda: checkpoint_when_long(database)),
        ]
        self._due = [0.0] * len(self._work)
        self._thread = threading.Thread(target=self._run, name="hookline-outbox", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def hurry(self) -> None:
        """Much was put: look at the log now, which grows by 100 MB in a second of puts."""
        self._wake.set()

    def stop(self, wait_s: float) -> None:
        """End, and wait for it at most ``wait_s`` seconds."""
        self._stopping = True
        self._wake.set()
        self._thread.join(wait_s)

    def _run(self) -> None:
        while not self._stopping:
            try:
                if self._drain():
                    self._tick()
            except Trouble:
                pass  # The next put, claim or drain meets the same trouble and reports it.
            except Exception as error:  # noqa: BLE001 - whatever happens here, upkeep goes on
                _log.warning("outbox: upkeep failed: %s", type(error).__name__)
            self._wake.wait(_TICK_S)
            self._wake.clear()

    def _tick(self) -> None:
        for place, (every_s, work) in enumerate(self._work):
            if time.monotonic() >= self._due[place]:
                work()
                self._due[place] = time.monotonic() + every_s

    def _renew(self) -> None:
        for courier in self._couriers():
            if courier.holds_claims:
                self._journal.renew(courier.name)


def checkpoint_when_long(database: Database) -> None:
    """Move a long write-ahead log into the file; in WAL mode this holds up neither readers nor writers.

    While others go on writing the log is never wholly moved, and so grows; beyond a bound they have to wait for the rest.
    """
    with contextlib.suppress(FileNotFoundError):
        size_bytes = os.stat(f"{database.path}-wal").st_size
        if size_bytes > _CHECKPOINT_ABOVE_BYTES:
            with database.reading() as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        if size_bytes > _RESTART_ABOVE_BYTES:
            with database.exclusive() as connection:
                connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()


def sync(database: Database) -> None:
    """Make everything that was put survive a loss of power.

    A transaction with ``synchronous = FULL`` flushes the whole log, what was committed without it included.
    """
    with database.exclusive() as connection:
        connection.execute("PRAGMA synchronous = FULL")
        try:
            connection.execute("INSERT OR REPLACE INTO syncs VALUES (1, ?)", (time.time(),))
        finally:
            connection.execute("PRAGMA synchronous = NORMAL")
    with database.reading() as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
