"""The tables, and how a database of an earlier version becomes one of this version."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
    text,
    update,
)

from hookline.core.errors import StoreError

metadata = MetaData()
_ADVISORY_LOCK = 4_716_002_026

schema_version = Table("hookline_schema_version", metadata, Column("version", Integer, nullable=False))
runs = Table(
    "hookline_runs",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("job", Text, nullable=False, default=""),
    Column("environment", Text),
    Column("parent_run_id", Text),
    Column("started_at", String(40), index=True),
    Column("status", String(16), nullable=False),
    Column("finished_at", String(40)),
    Column("duration_s", Float),
    Column("overhead_s", Float),
    Column("exit_code", Integer),
    Column("error", Text),
    Column("writes_total", Integer),
    Column("unseen_writes", Integer),
    Column("notes", Text),
    Column("plugins", Text),
)
reads = Table(
    "hookline_reads",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
)
writes = Table(
    "hookline_writes",
    metadata,
    Column("write_id", String(96), primary_key=True),
    Column("run_id", String(64), nullable=False, index=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("format", Text),
    Column("operation", String(16), nullable=False),
    Column("rows", BigInteger),
    Column("bytes", BigInteger),
    Column("way", String(16)),
    Column("intercepted", Boolean),
    Column("published", Boolean),
    Column("batch_id", BigInteger),
    Column("started_at", String(40)),
    Column("duration_s", Float),
    Column("overhead_s", Float),
    Column("error", Text),
    Column("columns", Text),
)
verdicts = Table(
    "hookline_verdicts",
    metadata,
    Column("write_id", String(96), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("check_name", Text, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("observed", Text),
    Column("failing_rows", BigInteger),
    Column("expected", Text),
    Column("way", String(16)),
    Column("plugin", Text),
)
edges = Table(
    "hookline_edges",
    metadata,
    Column("write_id", String(96), primary_key=True),
    Column("source_namespace", Text, primary_key=True),
    Column("source_name", Text, primary_key=True),
    Column("target_namespace", Text, nullable=False),
    Column("target_name", Text, nullable=False),
)


def _first(connection: Connection) -> None:
    metadata.create_all(connection)


# One function a version, in order; a published one is never changed.
_MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first,)
VERSION = len(_MIGRATIONS)


def migrate(connection: Connection) -> None:
    """Bring the database to this version, inside the caller's transaction; two processes at once wait for each other.

    Raises:
        StoreError: the database was made by a newer hookline.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    known = inspect(connection).has_table(schema_version.name)
    current = connection.execute(select(schema_version.c.version)).scalar() if known else 0
    current = int(current or 0)
    if current > VERSION:
        raise StoreError(
            f"the store has schema version {current}, and this hookline knows {VERSION}: install the newer hookline"
        )
    for migration in _MIGRATIONS[current:]:
        migration(connection)
    if current == 0:
        connection.execute(insert(schema_version).values(version=VERSION))
    elif current < VERSION:
        connection.execute(update(schema_version).values(version=VERSION))
