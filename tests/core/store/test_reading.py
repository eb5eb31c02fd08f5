"""What was told to the store comes back: runs as they were summed up, lineage, versions of schemas, plugins' failures."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools

import pytest
from sqlalchemy import select

from hookline.core.errors import UnknownRunError
from hookline.core.events import (
    Column,
    Dataset,
    ErrorInfo,
    PluginReport,
    Read,
    Run,
    RunEnded,
    Verdict,
    Write,
    as_dict,
)
from hookline.core.outbox import Message
from hookline.core.store import LazyStore, Store, StoredWork, StoreSink, schema
from hookline.core.summary import run_document

START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)
RUN = Run("1a111111-1111-4111-8111-111111111111", "daily", START, "prod", "22222222-2222-4222-8222-222222222222", "dag")
LANDING, BRONZE = Dataset("file", "/landing", "csv"), Dataset("file", "/bronze", "delta")
TABLE = Dataset("s3://lake", "silver", "delta", symlinks=(("hive://metastore", "shop.silver"),))
ID, NAME = Column("id", "bigint", nullable=False), Column("name", "string")
WRITE = Write(
    f"{RUN.run_id}/1",
    TABLE,
    "append",
    START,
    columns=(ID, NAME),
    inputs=(Read(BRONZE), Read(LANDING)),
    finished_at=START + dt.timedelta(seconds=2),
    duration_s=2.0,
    overhead_s=0.25,
    rows=2**40,
    bytes=7,
    files=3,
    way="vectorised",
    published=True,
    batch_id=4,
    verdicts=(
        Verdict("range", "critical", "failed", 3, 3, "from 0 to 10", ("id",), "vectorised", True, "3 rows", "quality"),
        Verdict("mean", "warn", "passed", 1.5, way="spark", plugin="quality"),
        Verdict("code", "info", "passed", "007", expected="a code", plugin="quality"),
        Verdict("unknown", "error", "error", message="no such column", plugin="quality"),
    ),
)
FAILED = Write(
    f"{RUN.run_id}/2",
    Dataset("file", "/gold"),
    "overwrite",
    START + dt.timedelta(seconds=3),
    columns=(ID,),
    inputs=(Read(TABLE),),
    intercepted=False,
    error=ErrorInfo("AnalysisException", "TABLE_OR_VIEW_NOT_FOUND"),
)
ENDED = RunEnded(
    "failed",
    START + dt.timedelta(seconds=9),
    9.0,
    0.5,
    reads=(Read(BRONZE), Read(LANDING), Read(TABLE)),
    writes=(WRITE, FAILED),
    plugins=(
        PluginReport("console", 2, {"on_run_started": 2}, "on_run_started raised ValueError (x.py:3)"),
        PluginReport("quality"),
    ),
    writes_total=2,
    unseen_writes=1,
    exit_code=7,
    error=ErrorInfo("ValueError"),
    notes=("a note",),
)


def message(kind, event, run=RUN):
    return Message(kind, "store", kind, {"run_id": run.run_id, **as_dict(event)}, run.run_id, START, 0)


def told(store, *messages):
    lazy = LazyStore("sqlite://")
    lazy._store = store
    StoreSink(lazy).deliver(messages)


def whole_run(run=RUN, ended=ENDED):
    yield message("run_started", run, run)
    yield from (message("read", read, run) for read in ended.reads)
    yield from (message("write", write, run) for write in ended.writes)
    yield message("run_ended", dataclasses.replace(ended, reads=(), writes=()), run)


def test_a_run_comes_back_as_it_was_summed_up(store):
    told(store, *whole_run())
    found = store.run(RUN.run_id)
    assert found.run == RUN
    expected = run_document(RUN, ENDED)
    for write in expected["writes"]:
        write["inputs"].sort(key=lambda name: (name["namespace"], name["name"]))
    expected["reads"].sort(key=lambda name: (name["namespace"], name["name"]))
    assert run_document(*found) == expected
    assert found.ended.plugins == ENDED.plugins
    assert found.ended.writes[0].columns == (ID, NAME)
    assert found.ended.writes[0].verdicts == WRITE.verdicts


def test_a_run_that_goes_on_is_summed_up_so_far(store):
    told(store, message("run_started", RUN), message("write", WRITE))
    found = store.run(RUN.run_id)
    assert (found.ended.status, found.ended.writes_total, found.ended.overhead_s) == ("running", 1, 0.25)
    assert found.ended.duration_s > 0
    assert run_document(*found)["finished_at"] is None


def test_writes_come_in_the_order_in_which_they_began(store):
    writes = [dataclasses.replace(WRITE, write_id=f"{RUN.run_id}/{number}") for number in range(1, 12)]
    told(store, message("run_started", RUN), *(message("write", write) for write in reversed(writes)))
    numbers = [write.write_id.rpartition("/")[2] for write in store.run(RUN.run_id).ended.writes]
    assert numbers == [str(number) for number in range(1, 12)]


@pytest.mark.parametrize("text", [RUN.run_id, RUN.run_id.upper(), "1a1", " 1A11 "])
def test_the_beginning_of_an_id_will_do(store, text):
    told(store, message("run_started", RUN), message("run_started", dataclasses.replace(RUN, run_id="2b")))
    assert store.run(text).run.run_id == RUN.run_id


def test_an_id_that_is_the_beginning_of_another_one_means_itself(store):
    told(store, *(message("run_started", dataclasses.replace(RUN, run_id=name)) for name in ("ab", "abc")))
    assert store.run("ab").run.run_id == "ab"


@pytest.mark.parametrize(
    ("text", "told_text"),
    [
        ("9", "there is no run whose id is '9' or begins so: `hookline runs` lists the latest"),
        ("%", "there is no run whose id is '%' or begins so"),
        ("_a", "there is no run"),
        ("a", "the ids of several runs begin with 'a': give more of the one that is meant: a1, a2$"),
        ("", "several runs"),
        ("b", "b0, b1, b2, b3, b4 and more$"),
    ],
)
def test_an_id_that_means_no_run_or_several_is_told(store, text, told_text):
    ids = ("a1", "a2", *(f"b{number}" for number in range(7)))
    told(store, *(message("run_started", dataclasses.replace(RUN, run_id=name)) for name in ids))
    with pytest.raises(UnknownRunError, match=told_text):
        store.run(text)


def test_lineage_is_of_published_writes_and_of_reads_that_fed_none(store):
    lookup = Dataset("file", "/lookup")
    told(store, *whole_run(ended=dataclasses.replace(ENDED, reads=(*ENDED.reads, Read(lookup)))))
    bare = dataclasses.replace(RUN, run_id="33333333-3333-4333-8333-333333333333", job="seed")
    seeded = dataclasses.replace(WRITE, write_id="3/1", dataset=BRONZE, inputs=(), opaque="an RDD", verdicts=())
    told(store, *whole_run(bare, dataclasses.replace(ENDED, reads=(), writes=(seeded,))))
    found = store.lineage()
    at, end = WRITE.finished_at.isoformat(), ENDED.finished_at.isoformat()
    silver = ("s3://lake", "silver")
    assert set(found.works) == {
        StoredWork(
            WRITE.write_id,
            RUN.run_id,
            "daily",
            "prod",
            "append",
            at,
            (("file", "/bronze"), ("file", "/landing")),
            silver,
            rows=2**40,
            columns=(ID, NAME),
            checks=(2, 1),
        ),
        StoredWork("", RUN.run_id, "daily", "prod", "read", end, (("file", "/lookup"),), None),
        StoredWork(
            "3/1", bare.run_id, "seed", "prod", "append", at, (), ("file", "/bronze"), 2**40, "an RDD", (ID, NAME)
        ),
    }
    assert [work.at for work in found.works] == sorted(work.at for work in found.works)
    assert found.other_names == {silver: frozenset({"shop.silver"})}


def test_columns_and_checks_are_those_of_each_write(store):
    older = dataclasses.replace(WRITE, write_id="4/1", columns=(ID,), finished_at=START, verdicts=WRITE.verdicts[:1])
    told(store, *whole_run(ended=dataclasses.replace(ENDED, writes=(WRITE, older))))
    first, second = (work for work in store.lineage().works if work.target)
    assert (first.columns, second.columns) == ((ID,), (ID, NAME))
    assert (sum(first.checks), second.checks) == (1, (2, 1))


@pytest.mark.parametrize("status", ["running", "abandoned"])
def test_reads_of_a_run_that_did_not_end_lead_nowhere(store, status):
    told(store, message("run_started", RUN), message("read", Read(LANDING)))
    if status == "abandoned":
        told(store, message("run_ended", RunEnded("abandoned", START, 1.0)))
    assert store.lineage().works == ()


def of_columns(number, *columns, **more):
    at = START + dt.timedelta(seconds=number)
    return message(
        "write", dataclasses.replace(WRITE, write_id=f"{RUN.run_id}/{number}", started_at=at, columns=columns, **more)
    )


def test_schemas_are_versions_in_any_order_of_delivery(tmp_path):
    facts = [of_columns(1, ID), of_columns(2, ID), of_columns(3, ID, NAME), of_columns(4, ID), of_columns(5, ID)]
    contents = []
    for number, order in enumerate(itertools.permutations(facts)):
        store = Store(f"sqlite:///{tmp_path / f'{number % 8}.db'}")
        with store.transaction() as connection:
            connection.execute(schema.schemas.delete())
            connection.execute(schema.writes.delete())
        told(store, *order, order[0], order[-1])
        with store.transaction() as connection:
            contents.append(sorted(connection.execute(select(schema.schemas)).all()))
        store.close()
    assert all(one == contents[0] for one in contents)
    assert [(row.version, row.first_seen_at[17:19], row.last_seen_at[17:19]) for row in contents[0]] == [
        (1, "01", "02"),
        (2, "03", "03"),
        (3, "04", "05"),
    ]


def test_a_version_is_told_with_its_columns_and_its_run(store):
    told(store, of_columns(1, ID), of_columns(2, ID, NAME), of_columns(3, ID, NAME, published=False, inputs=()))
    first, second = store.schemas("s3://lake", "silver")
    assert (first.version, first.columns, first.run_id) == (1, (ID,), RUN.run_id)
    assert (second.columns, second.last_seen_at) == ((ID, NAME), (START + dt.timedelta(seconds=2)).isoformat())
    assert store.schemas("s3://lake", "nowhere") == ()


def test_a_change_of_nullability_alone_is_a_version(store):
    told(store, of_columns(1, ID), of_columns(2, dataclasses.replace(ID, nullable=True)))
    assert [one.columns[0].nullable for one in store.schemas("s3://lake", "silver")] == [False, True]


@pytest.mark.parametrize(
    "write",
    [of_columns(1, ID, published=False), of_columns(1)],
    ids=["not published", "columns not known"],
)
def test_a_write_that_shows_no_columns_makes_no_version(store, write):
    told(store, write)
    assert store.schemas("s3://lake", "silver") == ()


def test_plugins_are_told_with_the_last_run_that_had_them(store):
    told(store, *whole_run())
    later = dataclasses.replace(RUN, run_id="44", started_at=START + dt.timedelta(days=1))
    ended = dataclasses.replace(ENDED, plugins=(PluginReport("quality", 1, {"judge_write": 1}, "judge_write raised"),))
    told(store, *whole_run(later, ended))
    told(store, message("run_started", dataclasses.replace(later, run_id="55")))
    records = store.plugin_records()
    assert (records["console"].run_id, records["console"].report) == (RUN.run_id, ENDED.plugins[0])
    assert (records["quality"].run_id, records["quality"].report.failures) == ("44", 1)
    assert records["quality"].run_started_at == later.started_at.isoformat()
