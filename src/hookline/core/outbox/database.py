"""The outbox's SQLite file: opened late, reopened when it was replaced, set aside when it is damaged.

One connection writes, under a lock that is waited for only briefly; another one reads, since in WAL mode readers never
wait for a writer. Neither survives a fork.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fcntl
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from hookline.core import forks
from hookline.core.outbox.rescue import carry_over
from hookline.core.outbox.schema import prepare
from hookline.core.outbox.trouble import Trouble, trouble_of

_FORK_WAIT_S = 2.0
# Above what upkeep lets the log grow to: holds when no upkeep runs, or when it does not get its turn.
_AUTOCHECKPOINT_PAGES = 8_192
_LOG_BYTES = 4 * 1024 * 1024
_inherited: list[sqlite3.Connection | None] = []


class Database:
    """Short transactions on one file, for any number of threads and processes."""

    def __init__(self, path: Path, *, wait_s: float) -> None:
        # Absolute at once: a job may change its working directory.
        self.path = Path(os.path.abspath(path))
        self.wait_s = wait_s
        self.incidents: deque[str] = deque(maxlen=20)
        self._unusable_child = False
        self._renew()
        forks.guard(self)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._left_behind: list[sqlite3.Connection] = []

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[sqlite3.Connection]:
        """The writing connection, in autocommit mode, for this thread alone.

        Raises:
            Trouble: the file can't be used, or not within ``wait_s``.
        """
        if not self._lock.acquire(timeout=self.wait_s):
            raise Trouble("busy")
        try:
            yield self._current()
        except (sqlite3.Error, OSError) as error:
            raise self._meet(error) from error
        finally:
            self._roll_back()
            self._lock.release()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds SQLite's write lock; rolled back when the block raises."""
        with self.exclusive() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for queries, which never waits for writers."""
        if self._reader is None:
            with self.exclusive():
                pass
        try:
            with self._read_lock:
                if self._reader is None:
                    raise Trouble("unusable", "it was being closed")
                yield self._reader
        except (sqlite3.Error, OSError) as error:
            raise self._meet_reading(error) from error

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._shut()

    def before_fork(self) -> None:
        """Close the file, so that the child inherits nothing that is open."""
        self._ready_for_fork = self._lock.acquire(timeout=_FORK_WAIT_S)
        if self._ready_for_fork:
            self._shut()

    def after_fork_in_parent(self) -> None:
        """Let the other threads go on."""
        if self._ready_for_fork:
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Forget the parent's connections without closing them, which would disturb the parent's locks."""
        self._unusable_child = self._unusable_child or not self._ready_for_fork
        _inherited.extend([self._writer, self._reader, *self._left_behind])
        self._renew()

    def _current(self) -> sqlite3.Connection:
        if self._unusable_child:
            raise Trouble("unusable", "this process was forked while the outbox was in use")
        if self._writer is not None and self._identity() != self._file:
            self._leave(f"the outbox's file {self.path} was removed or replaced while it was in use")
        if self._writer is None:
            self._open()
        assert self._writer is not None  # noqa: S101 - for the type checker
        return self._writer

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _open(self) -> None:
        self.path.parent.mkdir(exist_ok=True)
        with _locked_folder(self.path.parent, self.wait_s):
            self._file = self._identity()
            if self._file is None:
                # The log of a file that was deleted would be taken for the new one's, while others still use it.
                self._move_log(None)
            self._connect_both()

    def _connect_both(self) -> None:
        with contextlib.ExitStack() as undo:
            writer = undo.enter_context(contextlib.closing(self._connect()))
            prepare(writer)
            reader = undo.enter_context(contextlib.closing(self._connect()))
            for old in list(self._left_behind):
                self._carry_over(old, writer)
            undo.pop_all()
        self._writer, self._reader, self._file = writer, reader, self._identity()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=self.wait_s, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_AUTOCHECKPOINT_PAGES:d}")
            connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES:d}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _carry_over(self, old: sqlite3.Connection, new: sqlite3.Connection) -> None:
        count = carry_over(old, new)
        self._left_behind.remove(old)
        with contextlib.suppress(sqlite3.Error):
            old.close()
        self.incidents.append(f"{count} undelivered messages were carried over to a new outbox file")

    def _meet(self, error: BaseException) -> Trouble:
        """Tell what the error means, and do what it asks for. The lock is held."""
        trouble = trouble_of(error, self.path)
        self._roll_back()
        if trouble.kind == "corrupt":
            self._set_aside()
        elif trouble.kind == "unusable":
            self._shut()
        return trouble

    def _meet_reading(self, error: BaseException) -> Trouble:
        trouble = trouble_of(error, self.path)
        if trouble.kind in ("corrupt", "unusable") and self._lock.acquire(timeout=self.wait_s):
            try:
                self._meet(error)
            finally:
                self._lock.release()
        return trouble

    def _set_aside(self) -> None:
        """Rename a damaged file, once: another process may have done it already."""
        with contextlib.suppress(OSError), _locked_folder(self.path.parent, self.wait_s):
            if self._identity() != self._file:
                return
            stamp = dt.datetime.now(dt.timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
            aside = f"{self.path}.corrupt-{stamp}"
            os.rename(self.path, aside)
            self._move_log(aside)
            self._read_aside(aside)
            self._leave(f"the outbox's file was damaged; it was set aside as {aside} and a new one was started")

    def _leave(self, incident: str) -> None:
        """Keep the open file at hand until its messages are carried over."""
        self.incidents.append(incident)
        if self._writer is not None:
            self._left_behind.append(self._writer)
            self._writer = None
        self._shut()

    def _move_log(self, new: str | None) -> None:
        """Rename what belongs to the file and bears its name, or remove it; whoever has it open keeps it."""
        for suffix in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                if new is None:
                    os.unlink(f"{self.path}{suffix}")
                else:
                    os.rename(f"{self.path}{suffix}", f"{new}{suffix}")

    def _read_aside(self, aside: str) -> None:
        """Have the intact rows of a file that was damaged before it was opened carried over, too."""
        if self._writer is None:
            uri = f"{Path(aside).as_uri()}?mode=ro"
            with contextlib.suppress(sqlite3.Error):
                self._left_behind.append(sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False))

    def _shut(self) -> None:
        with self._read_lock:
            connections = [self._reader, self._writer]
            self._reader = self._writer = self._file = None
        for connection in connections:
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()

    def _roll_back(self) -> None:
        if self._writer is not None and self._writer.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")


@contextlib.contextmanager
def _locked_folder(folder: Path, wait_s: float) -> Iterator[None]:
    """Keep other processes from renaming and creating files in the folder meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + wait_s
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                raise OSError(errno.EWOULDBLOCK, "another process is busy in this folder")
            time.sleep(0.002)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without such locks; SQLite's own have to do
    return True
