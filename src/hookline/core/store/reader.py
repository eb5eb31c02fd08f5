"""The run history for who only looks: nothing is made, migrated or locked, and jobs never wait for it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from hookline.core.errors import MissingExtraError, StoreError
from hookline.core.store import schema
from hookline.core.store.migrations import VERSION
from hookline.core.store.trouble import reason
from hookline.core.store.url import parse, shown

_BUSY_TIMEOUT_S = 2.0
_CONNECT_TIMEOUT_S = 5
_STATEMENT_TIMEOUT_MS = 10_000
Unready = Literal["missing", "empty", "older", "newer", "busy", "unusable"]


class UnreadyStoreError(StoreError):
    """The store can't be looked into now.

    Attributes:
        state: ``missing`` (no file yet), ``empty`` (a database without tables of ours), ``older`` or ``newer`` than this
            hookline, ``busy`` (locked for too long), ``unusable`` (anything else: unreachable, damaged).
        cure: what a person can do.
    """

    def __init__(self, state: Unready, what: str, cure: str) -> None:
        super().__init__(f"{what}: {cure}")
        self.state: Unready = state
        self.what = what
        self.cure = cure


class StoreReader:
    """A store that is looked into, again and again: it may come, go and change meanwhile. Thread-safe.

    Raises:
        StoreError: the URL is none.
    """

    def __init__(self, url: str) -> None:
        self._url = parse(url)
        self.place = shown(self._url)
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that can't write, and sees one moment.

        Raises:
            UnreadyStoreError: the store can't be looked into.
        """
        file = self._url.database if self._url.get_backend_name() == "sqlite" else None
        if file and not Path(file).exists():
            raise UnreadyStoreError(
                "missing",
                f"there is no run history at {self.place} yet",
                "run a job with this configuration (`hookline run -- job.py`), or name another one with --config",
            )
        try:
            with self._opened().begin() as connection:
                self._check(connection)
                yield connection
        except SQLAlchemyError as error:
            raise self._unready(error) from None

    def close(self) -> None:
        """Close all connections; the next look opens them again."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    def _opened(self) -> Engine:
        with self._lock:
            if self._engine is None:
                try:
                    self._engine = _engine(self._url)
                except ImportError:
                    raise MissingExtraError("postgresql", "psycopg") from None
            return self._engine

    def _check(self, connection: Connection) -> None:
        found = _version(connection)
        if found is None:
            raise UnreadyStoreError(
                "empty",
                f"the database {self.place} holds no run history",
                "run a job with this configuration, or name another one with --config",
            )
        if found < VERSION:
            raise UnreadyStoreError(
                "older",
                f"the store {self.place} was made by an earlier hookline (schema version {found}, this one reads {VERSION})",
                "run `hookline runs` or any job with this version once: that brings it up to date and loses nothing",
            )
        if found > VERSION:
            raise UnreadyStoreError(
                "newer",
                f"the store {self.place} was made by a newer hookline (schema version {found}, this one reads {VERSION})",
                "install the newer hookline here as well",
            )

    def _unready(self, error: SQLAlchemyError) -> UnreadyStoreError:
        said = reason(error)
        if "locked" in said or "QueryCanceled" in said:
            return UnreadyStoreError(
                "busy", f"the store {self.place} is busy ({said})", "try again in a moment; jobs go first"
            )
        return UnreadyStoreError(
            "unusable",
            f"the store {self.place} can't be read: {said}",
            "check that the server runs, or that the file is readable by you and no other program's",
        )


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        file = os.fsencode(os.path.abspath(url.database or ""))
        place = f"file:{quote(file)}?mode=ro"

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(place, uri=True, timeout=_BUSY_TIMEOUT_S, check_same_thread=False)
            connection.isolation_level = None
            # A page's query sorts in memory, and reads a large file by mapping it.
            connection.executescript(
                "PRAGMA query_only=1; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=1073741824; BEGIN"
            )
            return connection

        # A file may be replaced at any time: each look opens it anew, which takes no millisecond.
        return create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    asked: dict[str, Any] = {
        "options": f"-c default_transaction_read_only=on -c statement_timeout={_STATEMENT_TIMEOUT_MS:d}"
    }
    if "connect_timeout" not in url.query:
        asked["connect_timeout"] = _CONNECT_TIMEOUT_S
    return create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=asked)


def _version(connection: Connection) -> int | None:
    """None where there is no such table; it is asked for by name, since looking for it first takes longer."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql(
            "SELECT 1 FROM sqlite_master WHERE name = 'hookline_schema_version'"
        ).scalar()
    else:
        found = connection.exec_driver_sql("SELECT to_regclass('hookline_schema_version')").scalar()
    if found is None:
        return None
    return int(connection.execute(select(schema.schema_version.c.version)).scalar() or 0)
