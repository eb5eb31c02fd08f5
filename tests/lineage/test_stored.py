"""The store and the file of events tell the same graph of the same runs."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import hookline
from hookline.core.config import load_config
from hookline.core.events import (
    Column,
    ColumnInput,
    ColumnLineage,
    Dataset,
    ErrorInfo,
    Read,
    Run,
    RunEnded,
    RunStarted,
    Write,
    as_dict,
)
from hookline.core.outbox import Message
from hookline.core.store import LazyStore, StoreSink
from hookline.lineage.graph import LineageGraph
from hookline.lineage.history import works_of
from hookline.lineage.openlineage import EventBuilder
from hookline.lineage.sources import of_config
from hookline.lineage.stored import works_from_store
from hookline.lineage.works import Period, graph_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BUILDER = EventBuilder("jobs", "urn:test")
LOOKUP = Read(Dataset("postgres://db:5432", "public.lookup"))
SILVER = Dataset("file", "/lake/silver/sales")
TRACED = ColumnLineage(
    {
        "id": (ColumnInput(SILVER, "id", "DIRECT", "IDENTITY"), ColumnInput(SILVER, "id", "INDIRECT", "GROUP_BY")),
        "mail": (ColumnInput(SILVER, "mail", "DIRECT", "TRANSFORMATION", masking=True, note="a Python function"),),
        "address.city": (ColumnInput(LOOKUP.dataset, "city", "DIRECT", "AGGREGATION"),),
        "one": (),
    },
    (ColumnInput(SILVER, "id", "INDIRECT", "JOIN"), ColumnInput(LOOKUP.dataset, "id", "INDIRECT", "JOIN")),
    gaps=("mail: rows came from an RDD",),
)


def later(write: Write, number: int, **changes: Any) -> Write:
    at = write.started_at + dt.timedelta(minutes=number)
    changes = {
        "write_id": f"{write.write_id.partition('/')[0]}/{number}",
        "started_at": at,
        "finished_at": at,
    } | changes
    return dataclasses.replace(write, **changes)


def facts(run: Run, ended: RunEnded) -> Iterator[Message]:
    events: list[tuple[str, Any]] = [("run_started", run), *(("read", read) for read in ended.reads)]
    events += [*(("write", write) for write in ended.writes)]
    events += [("run_ended", dataclasses.replace(ended, reads=(), writes=()))]
    for number, (kind, event) in enumerate(events):
        yield Message(
            str(number), "store", kind, {"run_id": run.run_id, **as_dict(event)}, run.run_id, run.started_at, 0
        )


def told(run: Run, ended: RunEnded) -> Iterator[dict[str, Any]]:
    yield BUILDER.run_started(RunStarted(run.started_at), run)
    for write in ended.writes:
        yield from BUILDER.write_ended(write, run, failed=write.error is not None)
    yield BUILDER.run_ended(ended, run)


def both(folder: Path, *runs: tuple[Run, RunEnded]) -> tuple[LineageGraph, LineageGraph]:
    store, events = LazyStore(f"sqlite:///{folder / 'store.db'}"), []
    for run, ended in runs:
        StoreSink(store).deliver([*facts(run, ended)])
        events += [*told(run, ended)]
    of_store = graph_of(works_from_store(store.get().lineage(), job_namespace="jobs"))
    store.close()
    return of_store, graph_of(works_of(events))


def assert_same(one: LineageGraph, other: LineageGraph) -> None:
    """But for the schemas of datasets that are only read, which the store does not keep."""
    assert edges(one) == edges(other)
    assert columns_of_written(one) == columns_of_written(other)
    for graph, peer in ((one, other), (other, one)):
        for number in graph.datasets():
            told = peer.told(peer.number(graph.nodes[number]))
            assert graph.told(number) == told


def columns_of_written(graph: LineageGraph) -> dict[str, str]:
    """Their types, by their ids."""
    written = {graph.nodes[graph.edge(edge).target].dataset for edge in graph.edges}
    numbers = (number for number, node in enumerate(graph.nodes) if node.kind == "column" and node.dataset in written)
    return {graph.nodes[number].id: graph.told(number).type for number in numbers}


def edges(graph: LineageGraph) -> set[tuple[Any, ...]]:
    return {
        (graph.nodes[edge.source].id, graph.nodes[edge.target].id, *dataclasses.astuple(edge)[3:])
        for edge in map(graph.edge, graph.edges)
    }


def between(graph: LineageGraph) -> set[tuple[str, str]]:
    return {edge[:2] for edge in edges(graph)}


def test_all_kinds_of_work(tmp_path: Path, run: Run, sales: Write, ended: RunEnded) -> None:
    gold = Dataset("file", "/lake/gold/daily")
    silver = Read(sales.dataset)
    writes = (
        sales,
        later(sales, 2, dataset=gold, operation="append", inputs=(silver,)),
        later(sales, 3, dataset=gold, operation="merge", inputs=(silver, Read(gold))),
        later(sales, 4, dataset=Dataset("file", "/seed"), inputs=(), opaque="an RDD"),
        later(sales, 5, dataset=Dataset("file", "/not/there"), published=False, error=ErrorInfo("E")),
        later(sales, 6, dataset=Dataset("file", "/bad/visible"), inputs=(LOOKUP,), error=ErrorInfo("Refused")),
    )
    other = Run("1d3c1b2a-5f6e-4d7c-8b9a-0a1b2c3d4e5f", "other job", run.started_at + dt.timedelta(days=1))
    again = later(sales, 1, write_id=f"{other.run_id}/1", operation="append", inputs=(silver,), dataset=gold)
    dead = Run("2d3c1b2a-5f6e-4d7c-8b9a-0a1b2c3d4e5f", "dead job", run.started_at)
    of_store, of_events = both(
        tmp_path,
        (run, dataclasses.replace(ended, writes=writes, reads=(*ended.reads, silver))),
        (other, dataclasses.replace(ended, status="failed", writes=(again,), reads=(silver, LOOKUP))),
        (dead, RunEnded("abandoned", run.started_at, 1.0)),
    )
    assert_same(of_store, of_events)
    assert len(of_store.edges) == 7
    jobs = {one[:2]: one[3] for one in edges(of_store)}
    assert jobs[("file|/lake/silver/sales", "file|/lake/gold/daily")] == {
        ("jobs", "retail.silver"),
        ("jobs", "other job"),
    }
    told = of_store.told(of_store.find("silver/sales"))
    assert (told.passed, told.failed, told.rows, told.aliases) == (3, 1, 1200, {"retail.sales"})
    assert of_store.nodes[of_store.find("silver/sales.price")].kind == "column"


def test_columns_are_the_same_with_their_ways_and_what_is_missing(
    tmp_path: Path, run: Run, sales: Write, ended: RunEnded
) -> None:
    city = Column("address", "struct<city:string>", fields=(Column("city", "string"),))
    columns = (Column("id", "bigint"), Column("mail", "string"), city, Column("one", "int"))
    gold = later(
        sales,
        2,
        dataset=Dataset("file", "/gold"),
        inputs=(Read(SILVER), LOOKUP),
        columns=columns,
        column_lineage=TRACED,
    )
    writes = (
        sales,
        gold,
        later(gold, 3),
        later(gold, 4, operation="append", column_lineage=ColumnLineage(dataset=TRACED.dataset)),
        later(gold, 5, dataset=Dataset("file", "/opaque"), column_lineage=ColumnLineage(degraded="an RDD")),
        later(gold, 6, dataset=Dataset("file", "/not/there"), published=False, error=ErrorInfo("E")),
        later(gold, 7, dataset=Dataset("file", "/rdd"), opaque="rows came from an RDD"),
    )
    of_store, of_events = both(tmp_path, (run, dataclasses.replace(ended, writes=writes)))
    assert_same(of_store, of_events)
    ways = {(*edge[:2], *edge[2]) for edge in edges(of_store) if edge[1] == "file|/gold|mail"}
    assert ways == {
        (
            "file|/lake/silver/sales|mail",
            "file|/gold|mail",
            "DIRECT",
            "TRANSFORMATION",
            True,
            "a Python function",
        )
    }
    incomplete = {name: of_store.told(of_store.find(name)).incomplete for name in ("/gold", "/opaque", "/rdd")}
    assert incomplete == {
        "/gold": "mail: rows came from an RDD",
        "/opaque": "an RDD",
        "/rdd": "rows came from an RDD",
    }


def test_time_travel_shows_the_columns_and_the_verdicts_of_then(
    tmp_path: Path, run: Run, sales: Write, ended: RunEnded
) -> None:
    wider = (*sales.columns, Column("added", "int"))
    writes = (sales, later(sales, 60, columns=wider, verdicts=(), rows=5))
    store = LazyStore(f"sqlite:///{tmp_path / 'store.db'}")
    StoreSink(store).deliver([*facts(run, dataclasses.replace(ended, writes=writes))])
    works = [*works_from_store(store.get().lineage(), job_namespace="jobs")]
    store.close()
    then, now = (graph_of(works, Period.of(as_of=as_of)) for as_of in ("2026-05-04T03:30:00Z", None))
    assert then.told(then.find("silver/sales")).rows == 1200
    assert now.told(now.find("silver/sales")).rows == 5
    assert {node.column for node in now.nodes} - {node.column for node in then.nodes} == {"added"}


def test_nothing(tmp_path: Path) -> None:
    of_store, of_events = both(tmp_path)
    assert_same(of_store, of_events)
    assert of_store.nodes == []


@pytest.mark.spark
def test_a_job_on_spark(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOOKLINE_DIR", "HOOKLINE_CONFIG", "HOOKLINE_ENV", "OPENLINEAGE_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "hookline.yaml").write_text("plugins:\n  lineage: {}\n")
    landing, silver, gold, lonely = (str(tmp_path / name) for name in ("landing", "silver", "gold", "lonely"))
    spark.range(3).write.parquet(lonely)
    with hookline.attach(spark, config=tmp_path / "hookline.yaml", job="nightly"):
        spark.range(10).write.parquet(landing)
        spark.read.parquet(landing).where("id > 2").write.parquet(silver)
        spark.read.parquet(silver).join(spark.read.parquet(landing), "id").write.parquet(gold)
        spark.read.parquet(landing).selectExpr("named_struct('of', sha2(string(id), 256)) AS hash").write.parquet(
            str(tmp_path / "hashed")
        )
        spark.createDataFrame(spark.read.parquet(silver).rdd, "id long").write.parquet(str(tmp_path / "opaque"))
        spark.read.parquet(lonely).collect()
        with pytest.raises(Exception, match="already exists"):
            spark.read.parquet(lonely).write.parquet(gold)
    config = load_config(tmp_path / "hookline.yaml")
    of_store = of_config(config, Period())
    assert_same(of_store, of_config(config, Period(), events=True))
    assert {pair for pair in between(of_store) if not re.search("job:|[|]id", "".join(pair))} == {
        (f"file|{landing}", f"file|{silver}"),
        (f"file|{landing}", f"file|{gold}"),
        (f"file|{silver}", f"file|{gold}"),
        (f"file|{landing}", f"file|{tmp_path / 'hashed'}"),
    }
    ways = {(*edge[:2], *edge[2][:3]) for edge in edges(of_store)}
    assert ways >= {
        (f"file|{landing}|id", f"file|{silver}|id", "DIRECT", "IDENTITY", False),
        (f"file|{landing}|id", f"file|{silver}", "INDIRECT", "FILTER", False),
        (f"file|{silver}|id", f"file|{gold}", "INDIRECT", "JOIN", False),
        (f"file|{landing}|id", f"file|{tmp_path / 'hashed'}|hash.of", "DIRECT", "TRANSFORMATION", True),
    }
    assert "RDD" in of_store.told(of_store.find("/opaque")).incomplete
    store = LazyStore(config.store_url())
    versions = store.get().schemas("file", silver)
    store.close()
    assert [(column.name, column.type) for column in versions[0].columns] == [("id", "bigint")]
