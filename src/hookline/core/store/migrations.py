"""How a database of an earlier version becomes one of this version, in small steps that never change again.

A step is written in SQL that SQLite and PostgreSQL both take, never made from the tables in ``schema``: those are what the
newest version looks like, and a step is what it was when it was published. Steps only add (a table, a column that may be
null), so that a process of the version before can go on writing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, inspect, text

from hookline.core.errors import StoreError
from hookline.core.events import content_id
from hookline.core.store.evolution import Observed, fold

_ADVISORY_LOCK = 4_716_002_026
_VERSION_TABLE = "hookline_schema_version"

VERSION_1 = (
    """CREATE TABLE hookline_schema_version (
        version INTEGER NOT NULL
    )""",
    """CREATE TABLE hookline_runs (
        run_id VARCHAR(64) NOT NULL,
        job TEXT NOT NULL,
        environment TEXT,
        parent_run_id TEXT,
        started_at VARCHAR(40),
        status VARCHAR(16) NOT NULL,
        finished_at VARCHAR(40),
        duration_s FLOAT,
        overhead_s FLOAT,
        exit_code INTEGER,
        error TEXT,
        writes_total INTEGER,
        unseen_writes INTEGER,
        notes TEXT,
        plugins TEXT,
        PRIMARY KEY (run_id)
    )""",
    "CREATE INDEX ix_hookline_runs_started_at ON hookline_runs (started_at)",
    """CREATE TABLE hookline_reads (
        run_id VARCHAR(64) NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (run_id, namespace, name)
    )""",
    """CREATE TABLE hookline_writes (
        write_id VARCHAR(96) NOT NULL,
        run_id VARCHAR(64) NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        format TEXT,
        operation VARCHAR(16) NOT NULL,
        rows BIGINT,
        bytes BIGINT,
        way VARCHAR(16),
        intercepted BOOLEAN,
        published BOOLEAN,
        batch_id BIGINT,
        started_at VARCHAR(40),
        duration_s FLOAT,
        overhead_s FLOAT,
        error TEXT,
        columns TEXT,
        PRIMARY KEY (write_id)
    )""",
    "CREATE INDEX ix_hookline_writes_run_id ON hookline_writes (run_id)",
    """CREATE TABLE hookline_verdicts (
        write_id VARCHAR(96) NOT NULL,
        position INTEGER NOT NULL,
        check_name TEXT NOT NULL,
        severity VARCHAR(16) NOT NULL,
        status VARCHAR(16) NOT NULL,
        observed TEXT,
        failing_rows BIGINT,
        expected TEXT,
        way VARCHAR(16),
        plugin TEXT,
        PRIMARY KEY (write_id, position)
    )""",
    """CREATE TABLE hookline_edges (
        write_id VARCHAR(96) NOT NULL,
        source_namespace TEXT NOT NULL,
        source_name TEXT NOT NULL,
        target_namespace TEXT NOT NULL,
        target_name TEXT NOT NULL,
        PRIMARY KEY (write_id, source_namespace, source_name)
    )""",
)
# All that a run's summary says, other names of datasets, and the versions of their schemas.
VERSION_2 = (
    "ALTER TABLE hookline_runs ADD COLUMN parent_job TEXT",
    "ALTER TABLE hookline_writes ADD COLUMN dataset_id VARCHAR(32)",
    "ALTER TABLE hookline_writes ADD COLUMN files BIGINT",
    "ALTER TABLE hookline_writes ADD COLUMN finished_at VARCHAR(40)",
    "ALTER TABLE hookline_writes ADD COLUMN opaque TEXT",
    "CREATE INDEX ix_hookline_writes_dataset_id ON hookline_writes (dataset_id)",
    "ALTER TABLE hookline_verdicts ADD COLUMN observed_type VARCHAR(8)",
    "ALTER TABLE hookline_verdicts ADD COLUMN columns TEXT",
    "ALTER TABLE hookline_verdicts ADD COLUMN message TEXT",
    "ALTER TABLE hookline_verdicts ADD COLUMN required BOOLEAN",
    """CREATE TABLE hookline_symlinks (
        symlink_id VARCHAR(32) NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        other_namespace TEXT NOT NULL,
        other_name TEXT NOT NULL,
        PRIMARY KEY (symlink_id)
    )""",
    """CREATE TABLE hookline_schemas (
        dataset_id VARCHAR(32) NOT NULL,
        version INTEGER NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        columns TEXT NOT NULL,
        run_id VARCHAR(64) NOT NULL,
        write_id VARCHAR(96) NOT NULL,
        first_seen_at VARCHAR(40) NOT NULL,
        last_seen_at VARCHAR(40) NOT NULL,
        PRIMARY KEY (dataset_id, version)
    )""",
)

# Rows that were set aside, versions of data and of suites, and who ran it.
VERSION_3 = (
    "ALTER TABLE hookline_runs ADD COLUMN run_by TEXT",
    "ALTER TABLE hookline_writes ADD COLUMN rows_quarantined BIGINT",
    "ALTER TABLE hookline_writes ADD COLUMN quarantine TEXT",
    "ALTER TABLE hookline_writes ADD COLUMN data_version TEXT",
    "ALTER TABLE hookline_verdicts ADD COLUMN suite TEXT",
)

# Where the columns of writes came from.
VERSION_4 = (
    "ALTER TABLE hookline_writes ADD COLUMN lineage_id VARCHAR(32)",
    """CREATE TABLE hookline_column_lineage (
        lineage_id VARCHAR(32) NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (lineage_id)
    )""",
)

# What written rows looked like, as a whole (an empty part) and by partition.
VERSION_5 = (
    """CREATE TABLE hookline_profiles (
        write_id VARCHAR(96) NOT NULL,
        part VARCHAR(128) NOT NULL,
        dataset_id VARCHAR(32) NOT NULL,
        run_id VARCHAR(64) NOT NULL,
        started_at VARCHAR(40) NOT NULL,
        rows BIGINT NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (write_id, part)
    )""",
    "CREATE INDEX ix_hookline_profiles_dataset_id ON hookline_profiles (dataset_id)",
)

# What runs and writes took and gave, over time.
VERSION_6 = (
    """CREATE TABLE hookline_subjects (
        subject_id VARCHAR(32) NOT NULL,
        job TEXT NOT NULL,
        environment TEXT,
        namespace TEXT,
        name TEXT,
        PRIMARY KEY (subject_id)
    )""",
    """CREATE TABLE hookline_measurements (
        event_id VARCHAR(96) NOT NULL,
        run_id VARCHAR(64) NOT NULL,
        subject_id VARCHAR(32) NOT NULL,
        at VARCHAR(40) NOT NULL,
        good BOOLEAN NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (event_id)
    )""",
    "CREATE INDEX ix_hookline_measurements_run_id ON hookline_measurements (run_id)",
    "CREATE INDEX ix_hookline_measurements_subject_id ON hookline_measurements (subject_id, at)",
    "CREATE INDEX ix_hookline_measurements_at ON hookline_measurements (at)",
    """CREATE TABLE hookline_metric_days (
        subject_id VARCHAR(32) NOT NULL,
        metric VARCHAR(160) NOT NULL,
        day VARCHAR(10) NOT NULL,
        hours TEXT NOT NULL,
        PRIMARY KEY (subject_id, metric, day)
    )""",
)

# Who was told of what, what is to be told, and numbers that go on from run to run.
VERSION_7 = (
    """CREATE TABLE hookline_alerts (
        alert_key VARCHAR(32) NOT NULL,
        state VARCHAR(16) NOT NULL,
        severity VARCHAR(16) NOT NULL,
        document TEXT NOT NULL,
        channels TEXT NOT NULL,
        failures BIGINT NOT NULL,
        opened_at VARCHAR(40) NOT NULL,
        last_at VARCHAR(40) NOT NULL,
        told_at VARCHAR(40) NOT NULL,
        PRIMARY KEY (alert_key)
    )""",
    "CREATE INDEX ix_hookline_alerts_state ON hookline_alerts (state)",
    """CREATE TABLE hookline_alert_facts (
        fact_id VARCHAR(32) NOT NULL,
        group_id VARCHAR(64) NOT NULL,
        at VARCHAR(40) NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (fact_id)
    )""",
    "CREATE INDEX ix_hookline_alert_facts_group_id ON hookline_alert_facts (group_id)",
    """CREATE TABLE hookline_totals (
        totals_key VARCHAR(32) NOT NULL,
        changed_at VARCHAR(40) NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (totals_key)
    )""",
)

# What lists of runs and datasets are found by, and what runs and their datasets cost.
VERSION_8 = (
    "CREATE INDEX ix_hookline_runs_status ON hookline_runs (status, started_at)",
    "ALTER TABLE hookline_runs ADD COLUMN job_key VARCHAR(200)",
    "UPDATE hookline_runs SET job_key = substr(job, 1, 200)",
    "CREATE INDEX ix_hookline_runs_job_key ON hookline_runs (job_key, started_at)",
    "CREATE INDEX ix_hookline_writes_dataset_started ON hookline_writes (dataset_id, started_at)",
    """CREATE TABLE hookline_costs (
        run_id VARCHAR(64) NOT NULL,
        dataset_id VARCHAR(32) NOT NULL,
        subject_id VARCHAR(32) NOT NULL,
        at VARCHAR(40) NOT NULL,
        amount FLOAT NOT NULL,
        currency VARCHAR(8) NOT NULL,
        PRIMARY KEY (run_id, dataset_id)
    )""",
    "CREATE INDEX ix_hookline_costs_dataset_id ON hookline_costs (dataset_id, at, currency, subject_id, amount)",
)

# What people allowed, and took back.
VERSION_9 = (
    """CREATE TABLE hookline_consents (
        entry_id VARCHAR(32) NOT NULL,
        subject VARCHAR(64) NOT NULL,
        purpose VARCHAR(200) NOT NULL,
        kind VARCHAR(16) NOT NULL,
        basis VARCHAR(32),
        valid_from VARCHAR(40) NOT NULL,
        valid_to VARCHAR(40),
        source TEXT,
        actor TEXT,
        recorded_at VARCHAR(40) NOT NULL,
        PRIMARY KEY (entry_id)
    )""",
    "CREATE INDEX ix_hookline_consents_subject ON hookline_consents (subject)",
    "CREATE INDEX ix_hookline_consents_purpose ON hookline_consents (purpose)",
)

# Which columns hold personal data, by the latest scan of each dataset.
VERSION_10 = (
    """CREATE TABLE hookline_scans (
        dataset_id VARCHAR(32) NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        scanned_at VARCHAR(40) NOT NULL,
        run_id VARCHAR(64),
        columns_id VARCHAR(32) NOT NULL,
        rows BIGINT NOT NULL,
        sampled BIGINT NOT NULL,
        PRIMARY KEY (dataset_id)
    )""",
    """CREATE TABLE hookline_classifications (
        dataset_id VARCHAR(32) NOT NULL,
        position BIGINT NOT NULL,
        column_name TEXT NOT NULL,
        entity VARCHAR(64) NOT NULL,
        confidence FLOAT NOT NULL,
        share FLOAT NOT NULL,
        within BOOLEAN NOT NULL,
        reasons TEXT NOT NULL,
        PRIMARY KEY (dataset_id, position)
    )""",
    "CREATE INDEX ix_hookline_classifications_entity ON hookline_classifications (entity)",
)

# A key for each subject, wrapped, until it is destroyed.
VERSION_11 = (
    """CREATE TABLE hookline_subject_keys (
        subject VARCHAR(64) NOT NULL,
        key_id VARCHAR(32) NOT NULL,
        wrapped TEXT,
        key_name VARCHAR(64) NOT NULL,
        key_version INTEGER NOT NULL,
        made_at VARCHAR(40) NOT NULL,
        erased_at VARCHAR(40),
        PRIMARY KEY (subject)
    )""",
    "CREATE UNIQUE INDEX ix_hookline_subject_keys_key_id ON hookline_subject_keys (key_id)",
)
VERSION_12 = (
    """CREATE TABLE hookline_catalog_layouts (
        dataset_id VARCHAR(32) NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        format TEXT,
        location TEXT,
        table_name TEXT,
        partition_by TEXT,
        columns TEXT,
        comments TEXT,
        rows BIGINT,
        bytes BIGINT,
        seen_at VARCHAR(40) NOT NULL,
        PRIMARY KEY (dataset_id)
    )""",
    """CREATE TABLE hookline_catalog_entries (
        dataset_id VARCHAR(32) NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        owner TEXT,
        description TEXT,
        tags TEXT NOT NULL,
        comments TEXT NOT NULL,
        changed_at VARCHAR(40) NOT NULL,
        PRIMARY KEY (dataset_id)
    )""",
    """CREATE TABLE hookline_catalog_steps (
        dataset_id VARCHAR(32) NOT NULL,
        position INTEGER NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        state VARCHAR(16) NOT NULL,
        at VARCHAR(40) NOT NULL,
        actor TEXT,
        reason TEXT NOT NULL,
        by_itself BOOLEAN NOT NULL,
        PRIMARY KEY (dataset_id, position)
    )""",
)

# What policies made in accounts.
VERSION_13 = (
    """CREATE TABLE hookline_managed_items (
        scope VARCHAR(100) NOT NULL,
        item_id VARCHAR(32) NOT NULL,
        document TEXT NOT NULL,
        recorded_at VARCHAR(40) NOT NULL,
        PRIMARY KEY (scope, item_id)
    )""",
)


def _first(connection: Connection) -> None:
    _execute(connection, VERSION_1)


def _second(connection: Connection) -> None:
    _execute(connection, VERSION_2)
    datasets = connection.execute(text("SELECT DISTINCT namespace, name FROM hookline_writes")).all()
    for namespace, name in datasets:
        of_dataset = {"namespace": namespace, "name": name}
        dataset_id = {"dataset_id": content_id(namespace, name)}
        connection.execute(
            text("UPDATE hookline_writes SET dataset_id = :dataset_id WHERE namespace = :namespace AND name = :name"),
            of_dataset | dataset_id,
        )
        for row in _schemas_of(connection, of_dataset):
            connection.execute(
                text(
                    "INSERT INTO hookline_schemas VALUES (:dataset_id, :version, :namespace, :name, :columns, :run_id, "
                    ":write_id, :first_seen_at, :last_seen_at)"
                ),
                row | of_dataset | dataset_id,
            )


def _third(connection: Connection) -> None:
    _execute(connection, VERSION_3)


def _fourth(connection: Connection) -> None:
    _execute(connection, VERSION_4)


def _fifth(connection: Connection) -> None:
    _execute(connection, VERSION_5)


def _sixth(connection: Connection) -> None:
    _execute(connection, VERSION_6)


def _seventh(connection: Connection) -> None:
    _execute(connection, VERSION_7)


def _eighth(connection: Connection) -> None:
    _execute(connection, VERSION_8)


def _ninth(connection: Connection) -> None:
    _execute(connection, VERSION_9)


def _tenth(connection: Connection) -> None:
    _execute(connection, VERSION_10)


def _eleventh(connection: Connection) -> None:
    _execute(connection, VERSION_11)


def _twelfth(connection: Connection) -> None:
    _execute(connection, VERSION_12)


def _thirteenth(connection: Connection) -> None:
    _execute(connection, VERSION_13)


def _schemas_of(connection: Connection, of_dataset: dict[str, str]) -> list[dict[str, Any]]:
    rows = connection.execute(
        text(
            "SELECT started_at, write_id, run_id, columns FROM hookline_writes WHERE namespace = :namespace "
            "AND name = :name AND published AND columns <> '[]' AND started_at IS NOT NULL"
        ),
        of_dataset,
    )
    return fold(Observed(*row) for row in rows)


def _execute(connection: Connection, statements: tuple[str, ...]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)


# One step a version, in order.
STEPS: tuple[Callable[[Connection], None], ...] = (
    _first,
    _second,
    _third,
    _fourth,
    _fifth,
    _sixth,
    _seventh,
    _eighth,
    _ninth,
    _tenth,
    _eleventh,
    _twelfth,
    _thirteenth,
)
VERSION = len(STEPS)


def is_current(connection: Connection) -> bool:
    """Whether the database has this version already."""
    return _version_of(connection) == VERSION


def migrate(connection: Connection) -> None:
    """Bring the database to this version, inside the caller's transaction; two processes at once wait for each other.

    Raises:
        StoreError: the database was made by a newer hookline.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    current = _version_of(connection)
    if current > VERSION:
        raise StoreError(
            f"the store has schema version {current}, and this hookline knows {VERSION}: install the newer hookline"
        )
    for step in STEPS[current:]:
        step(connection)
    if current == 0:
        connection.execute(text("INSERT INTO hookline_schema_version VALUES (:version)"), {"version": VERSION})
    elif current < VERSION:
        connection.execute(text("UPDATE hookline_schema_version SET version = :version"), {"version": VERSION})


def _version_of(connection: Connection) -> int:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return 0
    return int(connection.execute(text("SELECT version FROM hookline_schema_version")).scalar() or 0)
