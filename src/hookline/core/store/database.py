"""The run history on SQLAlchemy: SQLite or PostgreSQL."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, create_engine, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from hookline.core.errors import MissingExtraError, StoreError
from hookline.core.store import schema
from hookline.core.store.trouble import is_unfit, kind_of
from hookline.core.store.url import parse, shown

_BUSY_TIMEOUT_S = 5.0


class UnfitRowError(StoreError):
    """A row that the database will never take, however often it is tried."""


@dataclass(frozen=True)
class RunRecord:
    """A run as the store knows it; times are ISO 8601 in UTC."""

    run_id: str
    job: str
    status: str
    started_at: str | None
    duration_s: float | None
    overhead_s: float | None
    exit_code: int | None
    environment: str | None
    writes_total: int | None


class Store:
    """An open run history.

    Raises:
        StoreError: it can't be opened; the URL's password is never part of the message.
        MissingExtraError: PostgreSQL is wanted and its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        parsed = parse(url)
        self._shown = shown(parsed)
        try:
            if parsed.get_backend_name() == "sqlite" and parsed.database:
                Path(parsed.database).parent.mkdir(exist_ok=True)
            self._engine = create_engine(parsed, hide_parameters=True, **_options(parsed.get_backend_name()))
        except ImportError:  # psycopg is missing, or it finds no libpq
            raise MissingExtraError("postgresql", "psycopg") from None
        except OSError as error:
            raise StoreError(f"the store's folder can't be made: {error.strerror}") from None
        if self._engine.dialect.name == "sqlite":
            _tune_sqlite(self._engine)
        try:
            with self.transaction() as connection:
                schema.migrate(connection)
        except BaseException:
            self._engine.dispose()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that is committed at the end.

        Raises:
            UnfitRowError: the database will never take a row of this transaction.
            StoreError: the database did not do it.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except OverflowError:
            raise UnfitRowError(f"the store {self._shown} can't hold a number that large") from None
        except SQLAlchemyError as error:
            if is_unfit(error):
                raise UnfitRowError(f"the store {self._shown} refuses a row: {kind_of(error)}") from None
            raise StoreError(f"the store {self._shown} can't be used: {_reason(error)}") from None

    def upsert(
        self,
        connection: Connection,
        table: Table,
        row: Mapping[str, Any],
        *,
        keep: Sequence[str] = (),
        where: ColumnElement[bool] | None = None,
    ) -> None:
        """Insert a row; where its key is there and ``where`` holds, change what is not in ``keep``."""
        row = {name: _storable(value) for name, value in row.items()}
        make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        key = [column.name for column in table.primary_key]
        changed = {name: value for name, value in row.items() if name not in key and name not in keep}
        statement = make(table).values(**row)
        connection.execute(
            statement.on_conflict_do_update(index_elements=key, set_=changed, where=where)
            if changed
            else statement.on_conflict_do_nothing(index_elements=key)
        )

    def runs(self, limit: int = 50) -> tuple[RunRecord, ...]:
        """The latest runs, latest first."""
        table = schema.runs
        columns = [table.c[name] for name in RunRecord.__dataclass_fields__]
        with self.transaction() as connection:
            rows = connection.execute(select(*columns).order_by(table.c.started_at.desc()).limit(limit)).all()
        return tuple(RunRecord(*row) for row in rows)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _options(backend: str) -> dict[str, Any]:
    return {"connect_args": {"timeout": _BUSY_TIMEOUT_S}} if backend == "sqlite" else {"pool_pre_ping": True}


def _tune_sqlite(engine: Any) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's begin event below opens the transaction
        try:
            _use_log(connection)
            connection.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            connection.close()
            raise

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _use_log(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; SQLite does not wait for others with that, so this does."""
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= deadline:
                raise
        time.sleep(0.01)


def _storable(value: Any) -> Any:
    """Text that both databases take: PostgreSQL has no NUL, and neither has half a surrogate pair."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _reason(error: SQLAlchemyError) -> str:
    """SQLite's own words, which name no parameter; of PostgreSQL's, which may quote the URL, only the kind."""
    original = getattr(error, "orig", None)
    if isinstance(original, sqlite3.Error):
        return str(original)
    return kind_of(error)
