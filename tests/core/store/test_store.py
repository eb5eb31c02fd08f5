"""Facts become rows: in any order, any number of times, on both databases."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import itertools
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import traceback

import pytest
from sqlalchemy import select

from hookline.core.errors import MissingExtraError, SinkError, StoreError
from hookline.core.events import Column, Dataset, Read, Run, RunEnded, Verdict, Write, as_dict
from hookline.core.outbox import Message, Outbox
from hookline.core.store import LazyStore, Store, StoreSink, migrations, schema

START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)
RUN = Run("11111111-1111-4111-8111-111111111111", "daily", START, environment="prod")
SOURCE, TARGET = Dataset("file", "/data/in", "csv"), Dataset("s3://bucket", "out/table", "delta")
WRITE = Write(
    f"{RUN.run_id}/1",
    TARGET,
    "append",
    START,
    columns=(Column("id", "bigint"),),
    inputs=(Read(SOURCE),),
    rows=2**40,
    published=True,
    verdicts=(Verdict("id_not_null", "critical", "passed", observed=0, way="proof", plugin="quality"),),
)
ENDED = RunEnded("finished", START + dt.timedelta(seconds=9), 9.0, writes=(WRITE,), writes_total=1)
ABANDONED = RunEnded("abandoned", START + dt.timedelta(hours=1), 3600.0)


def message(kind, event, **more):
    payload = {"run_id": RUN.run_id, **as_dict(event), **more}
    return Message(kind, "store", kind, payload, RUN.run_id, START, 0)


FACTS = (
    message("run_started", RUN),
    message("read", Read(SOURCE)),
    message("write", WRITE),
    message("run_ended", ENDED),
)


def sink_of(store):
    lazy = LazyStore("sqlite://")
    lazy._store = store
    return StoreSink(lazy)


def rows_of(store, table):
    with store.transaction() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


def content(store):
    return {table.name: rows_of(store, table) for table in schema.metadata.sorted_tables}


def test_facts_in_any_order_and_twice_give_the_same_rows(tmp_path):
    contents = []
    for number, order in enumerate(itertools.permutations(FACTS)):
        store = Store(f"sqlite:///{tmp_path / f'{number}.db'}")
        sink_of(store).deliver([*order, *order])
        contents.append(content(store))
        store.close()
    assert all(one == contents[0] for one in contents)
    (run,) = contents[0]["hookline_runs"]
    assert (run["job"], run["status"], run["environment"], run["duration_s"]) == ("daily", "finished", "prod", 9.0)
    (write,) = contents[0]["hookline_writes"]
    assert (write["rows"], write["namespace"], write["name"]) == (2**40, "s3://bucket", "out/table")
    assert [row["check_name"] for row in contents[0]["hookline_verdicts"]] == ["id_not_null"]
    assert [(row["source_name"], row["target_name"]) for row in contents[0]["hookline_edges"]] == [
        ("/data/in", "out/table")
    ]


def test_both_databases_keep_the_same(store):
    sink_of(store).deliver([*reversed(FACTS), *FACTS])
    (run,) = store.runs()
    assert (run.run_id, run.job, run.status, run.writes_total) == (RUN.run_id, "daily", "finished", 1)
    assert run.started_at == START.isoformat()
    assert len(rows_of(store, schema.writes)) == len(rows_of(store, schema.edges)) == 1


@pytest.mark.parametrize("order", [(ENDED, ABANDONED), (ABANDONED, ENDED)])
def test_what_a_run_says_of_itself_outweighs_that_it_was_taken_for_dead(store, order):
    sink = sink_of(store)
    sink.deliver([FACTS[0]])
    for event in order:
        sink.deliver([message("run_ended", event)])
    sink.deliver([FACTS[0]])
    assert [run.status for run in store.runs()] == ["finished"]


@pytest.mark.parametrize(
    "bad",
    [
        message("no_such_kind", RUN),
        dataclasses.replace(FACTS[2], payload={"run_id": "r"}),
        dataclasses.replace(FACTS[2], payload={**FACTS[2].payload, "dataset": None}),
        dataclasses.replace(FACTS[2], payload={**FACTS[2].payload, "rows": 2**70}),
        dataclasses.replace(FACTS[3], payload={"run_id": RUN.run_id}),
        dataclasses.replace(FACTS[0], payload={"run_id": {"secret": "hunter2"}}),
    ],
    ids=["kind", "keys", "type", "number", "null", "key_type"],
)
def test_a_fact_that_can_never_be_stored_is_refused_for_good_and_the_batch_is_undone(store, bad):
    with pytest.raises(SinkError) as caught:
        sink_of(store).deliver([FACTS[1], bad])
    assert not caught.value.retryable
    assert "hunter2" not in str(caught.value)
    assert rows_of(store, schema.reads) == []


@pytest.mark.parametrize("name", ["a\0b", "\udcff", "'; DROP TABLE hookline_runs; --", "😀" * 300, "x" * 2000])
def test_hostile_names_are_stored(store, name):
    sink_of(store).deliver([message("read", Read(Dataset("file", name)))])
    (row,) = rows_of(store, schema.reads)
    assert len(row["name"]) == len(name)


def test_a_bad_fact_does_not_hold_up_the_run_it_belongs_to(store, tmp_path):
    outbox = Outbox(tmp_path / "outbox.db", base_s=0.01, cap_s=0.1)
    outbox.register("store", sink_of(store))
    for fact in (FACTS[0], dataclasses.replace(FACTS[2], payload={"run_id": "r"}), FACTS[3]):
        outbox.put("store", fact.payload, kind=fact.kind, order_key=RUN.run_id)
    outbox.start()
    assert outbox.flush(20) == 0
    assert [run.status for run in store.runs()] == ["finished"]
    assert outbox.status()[0].dead == 1
    outbox.close(1)


def test_a_locked_database_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr("hookline.core.store.database._BUSY_TIMEOUT_S", 0.05)
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SinkError, match="locked") as caught:
        sink_of(store).deliver(FACTS)
    assert caught.value.retryable
    other.execute("ROLLBACK")
    other.close()
    sink_of(store).deliver(FACTS)
    assert len(store.runs()) == 1
    store.close()


def test_who_reads_waits_for_no_writer_and_keeps_none_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr("hookline.core.store.database._BUSY_TIMEOUT_S", 0.05)
    file = tmp_path / "store.db"
    with contextlib.closing(Store(f"sqlite:///{file}")) as store:
        sink_of(store).deliver(FACTS)
    writer = sqlite3.connect(file, isolation_level=None, timeout=0.05)
    writer.execute("BEGIN IMMEDIATE")
    with contextlib.closing(Store(f"sqlite:///{file}")) as store:
        assert [run.status for run in store.runs()] == ["finished"]
        writer.execute("COMMIT")
        with store.reading() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("ROLLBACK")
    writer.close()


@pytest.mark.parametrize("damage", ["random", "text", "folder"])
def test_a_damaged_database_is_named_and_left_as_it_is(tmp_path, damage):
    file = tmp_path / "store.db"
    if damage == "folder":
        file.mkdir()
    else:
        file.write_bytes(os.urandom(9000) if damage == "random" else b"shopping list" * 500)
        before = file.read_bytes()
    with pytest.raises(SinkError, match=r"store\.db") as caught:
        StoreSink(LazyStore(f"sqlite:///{file}")).deliver(FACTS)
    assert caught.value.retryable
    if damage != "folder":
        assert file.read_bytes() == before


def test_a_newer_database_is_refused(store, store_url):
    with store.transaction() as connection:
        connection.execute(schema.schema_version.update().values(version=migrations.VERSION + 1))
    with pytest.raises(StoreError, match="install the newer hookline"):
        Store(store_url)


def test_sqlalchemy_is_loaded_with_the_first_store_and_not_at_start_up():
    code = "import hookline.core.runtime, sys; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


OPEN = "import sys; from hookline.core.store import Store; Store(sys.argv[1]).close()"


def test_processes_that_open_a_new_database_at_once_make_one_schema(store_url):
    started = [subprocess.Popen([sys.executable, "-c", OPEN, store_url], stderr=subprocess.PIPE) for _ in range(4)]
    for process in started:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()
    store = Store(store_url)
    assert rows_of(store, schema.schema_version) == [{"version": migrations.VERSION}]
    store.close()


def test_two_writers_at_once_lose_nothing(store_url):
    failures = []

    def work(name: str) -> None:
        store = Store(store_url)
        sink = sink_of(store)
        try:
            for number in range(20):
                run = dataclasses.replace(RUN, run_id=f"{name}{number}")
                shared = message("read", Read(SOURCE))
                sink.deliver([message("run_started", run), shared])
        except SinkError as error:
            failures.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    store = Store(store_url)
    assert len(store.runs(100)) == 40
    assert len(rows_of(store, schema.reads)) == 1
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://u:sEcret@127.0.0.1:1/db",
        "postgresql://u:sEcret@127.0.0.1:1/db",
        "postgresql+psycopg://127.0.0.1:1/db?user=u&password=sEcret",
        "postgresql+psycopg://u:p@sEcret@127.0.0.1:1/db",
        "postgresql+psycopg://u:p@127.0.0.1/sEcret@127.0.0.1:1/db",
        "postgresql+psycopg://u:sEcret@127.0.0.1:no/db",
        "postgresql+psycopg://u:p@127.0.0.1:1/db?sEcret=1",
        "mysql://u:sEcret@127.0.0.1/db",
        "sEcret",
    ],
)
def test_the_password_is_never_shown(url, caplog):
    caplog.set_level(logging.DEBUG)
    lazy = LazyStore(url)
    with pytest.raises(SinkError) as caught:
        StoreSink(lazy).deliver(FACTS)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(lazy) + repr(caught.value)
    assert "sEcret" not in shown


def test_a_wrong_password_is_not_shown_by_the_server_either(postgresql):
    with pytest.raises(StoreError, match="refuses the login") as caught:
        Store(postgresql.replace("p%40ss", "other") + "/postgres")
    assert "sEcret" not in "".join(traceback.format_exception(caught.value))


def test_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError) as caught:
        Store("postgresql+psycopg://u:p@127.0.0.1/db")
    assert (caught.value.plugin, caught.value.package) == ("postgresql", "psycopg")
    with pytest.raises(SinkError, match="pip install"):
        StoreSink(LazyStore("postgresql+psycopg://u:p@127.0.0.1/db")).deliver(FACTS)
