"""Every published version can be brought to the newest one, by any number of processes, with its rows kept."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from hookline.core.config import Config
from hookline.core.errors import StoreError
from hookline.core.events import Column
from hookline.core.store import Store, migrations, schema

A, B = '[{"name": "id", "type": "bigint", "nullable": true}]', '[{"name": "id", "type": "string", "nullable": true}]'
RUN = "11111111-1111-4111-8111-111111111111"
ROWS_OF_VERSION_1 = (
    "INSERT INTO hookline_schema_version VALUES (1)",
    f"INSERT INTO hookline_runs (run_id, job, started_at, status, duration_s, plugins) VALUES "
    f"('{RUN}', 'daily', '2026-03-01T12:00:00+00:00', 'finished', 9.5, '[{{\"name\": \"console\", \"failures\": 2}}]')",
    f"INSERT INTO hookline_reads VALUES ('{RUN}', 'file', '/in')",
    *(
        "INSERT INTO hookline_writes (write_id, run_id, namespace, name, operation, rows, published, started_at, columns) "
        f"VALUES ('{RUN}/{number}', '{RUN}', 'file', '/out', 'append', {2**40}, {published}, "
        f"'2026-03-01T12:00:0{number}+00:00', '{columns}')"
        for number, columns, published in ((1, A, True), (2, A, True), (3, B, True), (4, B, False), (5, A, True))
    ),
    f"INSERT INTO hookline_verdicts VALUES ('{RUN}/1', 0, 'unique', 'critical', 'passed', '0', 0, 'x', 'proof', 'q')",
    f"INSERT INTO hookline_edges VALUES ('{RUN}/1', 'file', '/in', 'file', '/out')",
)
# A step that was published may be in use: to change the store, add a step.
PUBLISHED = {
    1: "06078ace",
    2: "0c4959ee",
    3: "21a4c950",
    4: "b97fc92d",
    5: "6e8eef23",
    6: "b5607954",
    7: "d5d28c3f",
    8: "c7ff47ed",
    9: "fc3262e3",
    10: "c3569a64",
    11: "14172fa1",
    12: "70693f35",
    13: "de9964f7",
}
OPEN = "import sys; from hookline.core.store import Store; Store(sys.argv[1]).close()"


@pytest.fixture
def version_1(store_url: str) -> str:
    """The URL of a database as version 1 made it, with rows."""
    engine = create_engine(store_url)
    with engine.begin() as connection:
        for statement in (*migrations.VERSION_1, *ROWS_OF_VERSION_1):
            connection.exec_driver_sql(statement)
    engine.dispose()
    return store_url


def rows(store: Store, query: str) -> list[tuple[object, ...]]:
    with store.transaction() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def opened_in_processes(url: str, count: int) -> None:
    started = [subprocess.Popen([sys.executable, "-c", OPEN, url], stderr=subprocess.PIPE) for _ in range(count)]
    for process in started:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()


def test_a_database_of_version_1_becomes_the_newest_and_keeps_its_rows(version_1):
    store = Store(version_1)
    assert rows(store, "SELECT version FROM hookline_schema_version") == [(migrations.VERSION,)]
    (record,) = store.runs()
    assert (record.run_id, record.job, record.status, record.duration_s) == (RUN, "daily", "finished", 9.5)
    assert rows(store, "SELECT COUNT(*), SUM(rows) FROM hookline_writes") == [(5, 5 * 2**40)]
    assert rows(store, "SELECT * FROM hookline_edges") == [(f"{RUN}/1", "file", "/in", "file", "/out")]
    run, ended = store.run(RUN[:6])
    assert (run.job, ended.status, ended.plugins[0].failures) == ("daily", "finished", 2)
    assert [verdict.check for verdict in ended.writes[0].verdicts] == ["unique"]
    store.close()


def test_the_schemas_of_version_1s_writes_are_numbered(version_1):
    store = Store(version_1)
    versions = store.schemas("file", "/out")
    assert [(one.version, one.columns[0].type) for one in versions] == [(1, "bigint"), (2, "string"), (3, "bigint")]
    assert versions[0].columns == (Column("id", "bigint"),)
    assert (versions[0].first_seen_at, versions[0].last_seen_at) == (
        "2026-03-01T12:00:01+00:00",
        "2026-03-01T12:00:02+00:00",
    )
    assert versions[1].run_id == RUN
    store.close()


def test_processes_that_migrate_at_once_do_it_once(version_1):
    opened_in_processes(version_1, 4)
    store = Store(version_1)
    assert rows(store, "SELECT version FROM hookline_schema_version") == [(migrations.VERSION,)]
    assert len(store.schemas("file", "/out")) == 3
    store.close()


def test_a_step_that_fails_leaves_the_database_as_it_was(version_1, monkeypatch):
    def fail(connection):
        connection.execute(text("CREATE TABLE hookline_half (x INTEGER)"))
        connection.execute(text("SELECT nothing FROM nowhere"))

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "STEPS", (*migrations.STEPS[:1], fail))
        with pytest.raises(StoreError):
            Store(version_1)
    engine = create_engine(version_1)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version FROM hookline_schema_version")).all() == [(1,)]
    assert not inspect(engine).has_table("hookline_half")
    engine.dispose()
    Store(version_1).close()


def test_the_steps_lead_to_the_tables_that_queries_know(store_url):
    Store(store_url).close()
    engine = create_engine(store_url)
    made = inspect(engine)
    assert set(made.get_table_names()) == set(schema.metadata.tables)
    for table in schema.metadata.tables.values():
        columns = {
            (column["name"], column["type"].compile(engine.dialect), column["nullable"])
            for column in made.get_columns(table.name)
        }
        assert columns == {
            (column.name, column.type.compile(engine.dialect).replace("FLOAT", floating(engine)), column.nullable)
            for column in table.columns
        }
        assert made.get_pk_constraint(table.name)["constrained_columns"] == [c.name for c in table.primary_key]
        indexes = {(index["name"], *index["column_names"]) for index in made.get_indexes(table.name)}
        assert indexes == {(index.name, *(c.name for c in index.columns)) for index in table.indexes}
    engine.dispose()


def floating(engine):
    return "DOUBLE PRECISION" if engine.dialect.name == "postgresql" else "FLOAT"


def test_a_published_step_is_never_changed():
    steps = {
        1: migrations.VERSION_1,
        2: migrations.VERSION_2,
        3: migrations.VERSION_3,
        4: migrations.VERSION_4,
        5: migrations.VERSION_5,
        6: migrations.VERSION_6,
        7: migrations.VERSION_7,
        8: migrations.VERSION_8,
        9: migrations.VERSION_9,
        10: migrations.VERSION_10,
        11: migrations.VERSION_11,
        12: migrations.VERSION_12,
        13: migrations.VERSION_13,
    }
    assert len(steps) == len(migrations.STEPS) == migrations.VERSION
    found = {number: hashlib.sha256("\n".join(step).encode()).hexdigest()[:8] for number, step in steps.items()}
    assert found == PUBLISHED


def test_a_store_of_a_newer_version_is_refused_and_the_job_does_not_notice(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    with store.transaction() as connection:
        connection.execute(schema.schema_version.update().values(version=99))
    store.close()
    job = tmp_path / "job.py"
    job.write_text("print('the job ran')\n")
    environ = {**os.environ, "HOOKLINE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "hookline", "run", "--", str(job)],
        cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "the job ran\n"), done.stderr
    assert f"schema version 99, and this hookline knows {migrations.VERSION}: install the newer hookline" in done.stderr
    assert "hookline outbox replay" in done.stderr


@pytest.mark.parametrize("folder", ["plain", "what?", "100%", "a#b", "a%41b", "a%3Fb", "a b", "ünï"])
def test_the_default_store_is_in_the_state_folder_whatever_that_is_called(tmp_path: Path, folder: str):
    Store(Config(state_dir=tmp_path / folder).store_url()).close()
    assert [path.name for path in tmp_path.iterdir()] == [folder]
    assert (tmp_path / folder / "store.db").stat().st_size > 0
