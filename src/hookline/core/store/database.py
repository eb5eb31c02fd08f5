"""The run history on SQLAlchemy: SQLite or PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, create_engine, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from hookline.core.errors import MissingExtraError, StoreError
from hookline.core.store import schema

_BUSY_TIMEOUT_S = 5.0


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
        try:
            parsed = make_url(url)
            self._shown = parsed.render_as_string(hide_password=True)
            if parsed.get_backend_name() == "sqlite" and parsed.database:
                Path(parsed.database).parent.mkdir(exist_ok=True)
            self._engine = create_engine(parsed, **_options(parsed.get_backend_name()))
        except ModuleNotFoundError as error:
            raise MissingExtraError("postgresql", error.name or "psycopg") from None
        except (ArgumentError, NoSuchModuleError):
            raise StoreError("the store's URL is not one that SQLAlchemy understands") from None
        except OSError as error:
            raise StoreError(f"the store's folder can't be made: {error.strerror}") from None
        if self._engine.dialect.name == "sqlite":
            _tune_sqlite(self._engine)
        with self.transaction() as connection:
            schema.migrate(connection)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that is committed at the end.

        Raises:
            StoreError: the database did not do it.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(f"the store {self._shown} can't be used: {_reason(error)}") from None

    def upsert(self, connection: Connection, table: Table, row: Mapping[str, Any], *, keep: Sequence[str] = ()) -> None:
        """Insert a row; where its key is there, change what is not in ``keep``."""
        make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        key = [column.name for column in table.primary_key]
        changed = {name: value for name, value in row.items() if name not in key and name not in keep}
        statement = make(table).values(**row)
        connection.execute(
            statement.on_conflict_do_update(index_elements=key, set_=changed)
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

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """A whole table, for tests and exports of small stores."""
        with self.transaction() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


class LazyStore:
    """The store, opened when it is first needed, so that a job does not wait for it; a failed opening is tried again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._store: Store | None = None

    def get(self) -> Store:
        """The open store.

        Raises:
            StoreError: it can't be opened.
        """
        with self._lock:
            if self._store is None:
                self._store = Store(self._url)
            return self._store

    def close(self) -> None:
        """Close it, when it had been opened."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None


def _options(backend: str) -> dict[str, Any]:
    return {"connect_args": {"timeout": _BUSY_TIMEOUT_S}} if backend == "sqlite" else {"pool_pre_ping": True}


def _tune_sqlite(engine: Any) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's begin event below opens the transaction
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _reason(error: SQLAlchemyError) -> str:
    """The driver's first line: it names tables and files, and no parameter."""
    original = getattr(error, "orig", None)
    lines = str(original).strip().splitlines() if original is not None else []
    return lines[0] if lines else type(error).__name__
