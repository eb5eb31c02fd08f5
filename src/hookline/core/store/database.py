"""The run history on SQLAlchemy: SQLite or PostgreSQL."""

from __future__ import annotations

import importlib
import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, ColumnElement, Connection, Table, create_engine, event, func, select
from sqlalchemy.exc import SQLAlchemyError

from hookline.core.errors import MissingExtraError, StoreError
from hookline.core.events import Dataset, content_id
from hookline.core.store import ancestry, dependants, metered, past, reading, traced
from hookline.core.store.migrations import is_current, migrate
from hookline.core.store.records import (
    Dependant,
    JudgedWrite,
    MadeBy,
    Measurement,
    PastWrite,
    PluginRecord,
    QuarantineRecord,
    RunRecord,
    SchemaVersion,
    SeriesPoint,
    StoredColumns,
    StoredLineage,
    StoredProfile,
    StoredRun,
    Subject,
)
from hookline.core.store.trouble import is_unfit, kind_of, reason
from hookline.core.store.url import parse, shown

_BUSY_TIMEOUT_S = 5.0
_CONNECT_TIMEOUT_S = 10


class UnfitRowError(StoreError):
    """A row that the database will never take, however often it is tried."""


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
            self._engine = create_engine(parsed, hide_parameters=True, **_options(parsed))
        except ImportError:  # psycopg is missing, or it finds no libpq
            raise MissingExtraError("postgresql", "psycopg") from None
        except OSError as error:
            raise StoreError(f"the store's folder can't be made: {error.strerror}") from None
        if self._engine.dialect.name == "sqlite":
            _tune_sqlite(self._engine)
        try:
            with self.reading() as connection:
                current = is_current(connection)
            if not current:
                with self.transaction() as connection:
                    migrate(connection)
        except BaseException:
            self._engine.dispose()
            raise

    @classmethod
    def existing(cls, url: str) -> Store | None:
        """The store to look into; None when it would be a file that is not there.

        Raises:
            StoreError: it can't be opened.
            MissingExtraError: as on construction.
        """
        parsed = parse(url)
        file = parsed.database if parsed.get_backend_name() == "sqlite" else None
        return None if file and not Path(file).exists() else cls(url)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that is committed at the end.

        Raises:
            UnfitRowError: the database will never take a row of this transaction.
            StoreError: the database did not do it.
        """
        with self._begun() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment and waits for no other; nothing is written in it.

        Raises:
            StoreError: the database did not do it.
        """
        with self._begun(hookline_reads=True) as connection:
            yield connection

    @contextmanager
    def _begun(self, **options: Any) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection
        except OverflowError:
            raise UnfitRowError(f"the store {self._shown} can't hold a number that large") from None
        except SQLAlchemyError as error:
            if is_unfit(error):
                raise UnfitRowError(f"the store {self._shown} refuses a row: {kind_of(error)}") from None
            raise StoreError(f"the store {self._shown} can't be used: {reason(error)}") from None

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
        build = _upsert if where is None else _upsert.__wrapped__
        statement = build(connection.dialect.name, table, tuple(row), tuple(keep), where)
        connection.execute(statement, {name: _storable(value) for name, value in row.items()})

    def scrub(self, table: Table) -> bool:
        """Take out of the database's files what was deleted from, or overwritten in, a table.

        SQLite's whole file is made anew, and its log emptied; PostgreSQL's table is. What is in backups, and in PostgreSQL's
        archived log, is out of reach.

        Returns:
            Whether nothing is left; False when others were reading meanwhile, so that it is to be done again.

        Raises:
            StoreError: the database did not do it.
        """
        try:
            with self._engine.connect() as connection:
                if connection.dialect.name == "postgresql":
                    alone = connection.execution_options(isolation_level="AUTOCOMMIT")
                    alone.exec_driver_sql(f"VACUUM FULL {table.name}")
                    return True
                raw: Any = connection.connection.driver_connection
                return _scrub_sqlite(raw)
        except SQLAlchemyError as error:
            raise StoreError(f"the store {self._shown} can't be cleaned: {reason(error)}") from None
        except sqlite3.Error as error:
            raise StoreError(f"the store {self._shown} can't be cleaned: {error}") from None

    def lock(self, connection: Connection, key: str) -> None:
        """Have this transaction alone work on what a hexadecimal key stands for; on SQLite it is alone anyhow."""
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(int(key[:15], 16))))

    def runs(self, limit: int = 50) -> tuple[RunRecord, ...]:
        """The latest runs, latest first."""
        with self.reading() as connection:
            return reading.runs(connection, limit)

    def run(self, run_id: str) -> StoredRun:
        """A run with all that it read and wrote.

        Args:
            run_id: its id, or the beginning of it when no other run's id begins so.

        Raises:
            UnknownRunError: no run is meant, or more than one.
        """
        with self.reading() as connection:
            return reading.run(connection, run_id)

    def lineage(self) -> StoredLineage:
        """What was made from what, by all runs."""
        with self.reading() as connection:
            return ancestry.lineage(connection)

    def column_lineages(self, *, since: str | None = None, until: str | None = None) -> tuple[StoredColumns, ...]:
        """Where the columns of published writes came from, each different way of a job once, the latest last.

        Args:
            since, until: times in ISO 8601, in UTC, between which the writes ended.
        """
        with self.reading() as connection:
            return tuple(traced.all_columns(connection, since, until))

    def schemas(self, namespace: str, name: str) -> tuple[SchemaVersion, ...]:
        """The versions of a dataset's schema, oldest first."""
        with self.reading() as connection:
            return reading.schemas(connection, namespace, name)

    def rows_before(self, dataset: Dataset, run_id: str) -> int | None:
        """The rows of the last write to a dataset that another run than this one published; None when there is none."""
        with self.reading() as connection:
            return reading.rows_before(connection, content_id(dataset.namespace, dataset.name), run_id)

    def past_writes(self, dataset: Dataset, run_id: str = "", limit: int = 90) -> tuple[PastWrite, ...]:
        """The last writes to a dataset that other runs than this one published, oldest first."""
        with self.reading() as connection:
            return past.past_writes(connection, content_id(dataset.namespace, dataset.name), run_id, limit)

    def made_by(self, dataset: Dataset, run_id: str, before: str) -> MadeBy | None:
        """The last write to a dataset that another run than this one published before a moment (ISO 8601, UTC)."""
        with self.reading() as connection:
            return past.made_by(connection, content_id(dataset.namespace, dataset.name), run_id, before)

    def past_profiles(
        self, dataset: Dataset, run_id: str = "", limit: int = 10, *, part: str = ""
    ) -> tuple[StoredProfile, ...]:
        """The profiles of the last writes to a dataset, or to one of its partitions, that other runs published, oldest first."""
        with self.reading() as connection:
            return past.past_profiles(connection, content_id(dataset.namespace, dataset.name), run_id, limit, part)

    def schema_names(self) -> tuple[tuple[str, str], ...]:
        """Namespace and name of every dataset whose schema is known."""
        with self.reading() as connection:
            return reading.schema_names(connection)

    def dependants(self, namespace: str, name: str) -> tuple[Dependant, ...]:
        """The datasets that were made from this one, at any remove, and the jobs that read it or one of them."""
        with self.reading() as connection:
            return dependants.dependants(connection, namespace, name)

    def judged_writes(self, namespace: str, name: str, *, before: str, limit: int = 30) -> tuple[JudgedWrite, ...]:
        """The last writes of a dataset that began before a moment and were judged, oldest first."""
        with self.reading() as connection:
            return reading.judged_writes(connection, namespace, name, before, limit)

    def quarantines(self, limit: int = 50) -> tuple[QuarantineRecord, ...]:
        """The latest writes that set rows aside, latest first."""
        with self.reading() as connection:
            return reading.quarantines(connection, limit)

    def plugin_records(self) -> Mapping[str, PluginRecord]:
        """By plugin, how it fared in the last run that ended with it."""
        with self.reading() as connection:
            return reading.plugin_records(connection)

    def measurements(self, run_id: str) -> tuple[Measurement, ...]:
        """What was measured of a run and its writes, in the order in which they ended; none once its day was folded."""
        with self.reading() as connection:
            return metered.measurements(connection, run_id)

    def last_measurements(
        self, subject: Subject, limit: int = 200, *, before: str | None = None, good: bool | None = None
    ) -> tuple[Measurement, ...]:
        """The latest measurements of a subject, oldest first.

        Args:
            before: a time in ISO 8601, in UTC.
            good: only those that ended well, or only others.
        """
        with self.reading() as connection:
            return metered.last_measurements(connection, subject, limit, before, good)

    def series(
        self, subject: Subject, metrics: Collection[str], *, limit: int = 200, before: str | None = None
    ) -> Mapping[str, tuple[SeriesPoint, ...]]:
        """The latest numbers of each metric, oldest first, of runs and writes that ended well; days past hour by hour."""
        with self.reading() as connection:
            return metered.series(connection, subject, metrics, limit, before)

    def spent(self, subject: Subject, metric: str, since: str, before: str) -> float:
        """The sum of a metric between two times in ISO 8601 (UTC), of runs that ended badly as well; 0 when there is none."""
        with self.reading() as connection:
            return metered.spent(connection, subject, metric, since, before)

    def subjects(self) -> tuple[Subject, ...]:
        """Everything that was measured."""
        with self.reading() as connection:
            return metered.subjects(connection)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _insert_of(dialect: str) -> Any:
    """INSERT with ON CONFLICT. Every job with a store loads this module; a dialect takes its time, and one is enough."""
    return importlib.import_module(f"sqlalchemy.dialects.{dialect}").insert


@cache
def _upsert(
    dialect: str, table: Table, names: tuple[str, ...], keep: tuple[str, ...], where: ColumnElement[bool] | None
) -> Any:
    """A statement without its values: made and compiled once, where one with values costs five times its execution."""
    insert = _insert_of(dialect)(table)
    key = [column.name for column in table.primary_key]
    changed = {name: insert.excluded[name] for name in names if name not in key and name not in keep}
    if not changed:
        return insert.on_conflict_do_nothing(index_elements=key)
    return insert.on_conflict_do_update(index_elements=key, set_=changed, where=where)


def _options(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": _BUSY_TIMEOUT_S}}
    # A host that is away takes minutes to say so; a URL may ask for another time.
    patience = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_TIMEOUT_S}
    return {"pool_pre_ping": True, "connect_args": patience}


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
        # One who writes takes the lock first: a reader that turned writer could not wait for it.
        reads = connection.get_execution_options().get("hookline_reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


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


def _scrub_sqlite(connection: sqlite3.Connection) -> bool:
    """Not by deleting alone: pages that were split or moved have copies of rows in their free parts."""
    connection.execute("PRAGMA secure_delete=ON")
    try:
        connection.execute("VACUUM")
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute("PRAGMA secure_delete=OFF")
    return not busy


def _storable(value: Any) -> Any:
    """Text that both databases take: PostgreSQL has no NUL, and neither has half a surrogate pair."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
