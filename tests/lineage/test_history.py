"""A graph from events: what each run made from what, and nothing that did not happen."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from hookline.core.errors import HooklineError
from hookline.core.events import Dataset, Read, Run, RunEnded, Write
from hookline.lineage.graph import LineageGraph, Node
from hookline.lineage.history import read_events, works_of
from hookline.lineage.nodes import iso
from hookline.lineage.openlineage import EventBuilder
from hookline.lineage.sources import of_files
from hookline.lineage.works import Period, graph_of

BUILDER = EventBuilder("jobs", "urn:test")


def graph_from(events: Iterable[dict[str, Any]]) -> LineageGraph:
    return graph_of(works_of(events))


def edges(graph: LineageGraph) -> set[tuple[str, str]]:
    """Those between datasets, and between datasets and jobs."""
    found = map(graph.edge, graph.edges)
    ends = [(graph.nodes[edge.source], graph.nodes[edge.target]) for edge in found]
    return {(source.id, target.id) for source, target in ends if source.kind != "column"}


def foreign(kind: str, run: int, inputs: list[str], outputs: list[str], job: str = "theirs") -> dict[str, Any]:
    """An event as another producer writes it."""
    return {
        "eventType": kind,
        "eventTime": "2026-01-01T00:00:00Z",
        "run": {"runId": str(uuid.UUID(int=run))},
        "job": {"namespace": "dbt", "name": job},
        "inputs": [{"namespace": "db", "name": name} for name in inputs],
        "outputs": [{"namespace": "db", "name": name} for name in outputs],
    }


def test_two_writes_of_one_run_do_not_mix(run: Run, sales: Write) -> None:
    other = dataclasses.replace(
        sales,
        write_id=f"{run.run_id}/2",
        dataset=Dataset("file", "/lake/gold/daily"),
        inputs=(Read(Dataset("file", "/lake/silver/sales")),),
        operation="append",
    )
    ended = RunEnded("finished", sales.started_at, 1.0, writes=(sales, other), reads=(*sales.inputs, *other.inputs))
    events = [event for write in (sales, other) for event in BUILDER.write_ended(write, run, failed=False)]
    graph = graph_from([*events, BUILDER.run_ended(ended, run)])
    assert edges(graph) == {
        ("s3://landing-zone|bronze/transactions", "file|/lake/silver/sales"),
        ("file|/lake/bronze/products", "file|/lake/silver/sales"),
        ("file|/lake/silver/sales", "file|/lake/gold/daily"),
    }
    last = next(one for one in map(graph.edge, graph.edges) if graph.nodes[one.target].name == "/lake/gold/daily")
    assert (last.how.transformation, last.jobs) == ("append", {("jobs", "retail.silver")})
    assert iso(last.last_seen) == "2026-05-04T03:02:10.600000+00:00"


@pytest.mark.parametrize(("published", "count"), [(False, 0), (True, 2)])
def test_a_failed_write_counts_only_when_readers_see_it(run: Run, refused: Write, published: bool, count: int) -> None:
    events = BUILDER.write_ended(dataclasses.replace(refused, published=published), run, failed=True)
    graph = graph_from(events)
    assert len(graph.edges) == count
    assert (Node("dataset", "file", "/lake/silver/sales") in graph) is published


def test_a_read_that_fed_no_write_leads_to_the_job(run: Run, ended: RunEnded) -> None:
    graph = graph_from([BUILDER.run_ended(ended, run)])
    assert edges(graph) == {("postgres://db:5432|public.lookup", "job:jobs|retail.silver")}


def test_a_write_from_nowhere_comes_from_its_job(run: Run, sales: Write) -> None:
    graph = graph_from(BUILDER.write_ended(dataclasses.replace(sales, inputs=(), opaque="an RDD"), run, failed=False))
    assert edges(graph) == {("job:jobs|retail.silver", "file|/lake/silver/sales")}
    assert graph.told(graph.find("silver/sales")).incomplete == "an RDD"


def test_foreign_events_are_accumulated() -> None:
    events = [foreign("START", 1, ["a"], []), foreign("RUNNING", 1, ["b"], []), foreign("COMPLETE", 1, [], ["c"])]
    assert edges(graph_from(events)) == {("db|a", "db|c"), ("db|b", "db|c")}


def test_runs_that_go_on_or_failed_have_no_edges() -> None:
    assert graph_from([foreign("START", 1, ["a"], ["b"]), foreign("FAIL", 2, ["c"], ["d"])]).nodes == []


def test_lines_that_are_no_events_are_passed_over(tmp_path: Path) -> None:
    odd = [
        b"\xff\xfe not text",
        b"[]",
        b"null",
        b'{"run": 1, "job": 2}',
        b'{"eventType":"COMPLETE","run":{"runId":"x"},"job":{"namespace":"n","name":"j"},"inputs":[{"name":"a"}]}',
        b'{"eventType":"COMPLETE","run":{"runId":"x"},"job":{"namespace":"n","name":"j"},"inputs":[7]}',
        json.dumps(foreign("COMPLETE", 1, ["a"], ["b"])).encode(),
        b'{"eventType": "COMP',
    ]
    (tmp_path / "f").write_bytes(b"\n".join(odd))
    assert len(list(read_events(tmp_path / "f"))) == 1
    assert edges(of_files([tmp_path / "f", tmp_path / "not there"], Period())) == {("db|a", "db|b")}


def test_odd_facets_do_not_matter(tmp_path: Path) -> None:
    event = foreign("COMPLETE", 1, ["a"], ["b"])
    event["outputs"][0]["facets"] = {"symlinks": None}
    event["inputs"][0]["facets"] = {"symlinks": {"identifiers": [{"name": "x"}, {"odd": 1}, 5]}}
    event["run"]["facets"] = {"hookline_write": 5}
    graph = graph_from([event])
    assert edges(graph) == {("db|a", "db|b")}
    assert graph.nodes[graph.find("x")].name == "a"


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HooklineError, match=r"can't be read from .*Is a directory"):
        of_files([tmp_path], Period())


# -- columns -----------------------------------------------------------------------------------------------------------


def traced(run: int, fields: Any, *, rows: Any = None, at: str = "2026-01-01T00:00:00Z", **more: Any) -> dict[str, Any]:
    """An event with column lineage, in whatever shape."""
    event = foreign("COMPLETE", run, ["raw"], ["sales"])
    event["eventTime"] = at
    facet = {"fields": fields} | ({"dataset": rows} if rows is not None else {}) | more
    event["outputs"][0]["facets"] = {"columnLineage": facet}
    return event


def field(name: str, *ways: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"namespace": "db", "name": "raw", "field": name} | ({"transformations": [*ways]} if ways else {}) | more


def of_columns(graph: LineageGraph) -> set[tuple[str, str, str, str, bool]]:
    """(source, target, kind, transformation, masking)"""
    return {
        (graph.nodes[one.source].id, graph.nodes[one.target].id, *one.how[:3])
        for one in map(graph.edge, graph.edges)
        if graph.nodes[one.source].kind == "column"
    }


def test_column_lineage_of_any_producer() -> None:
    aggregated = {"type": "DIRECT", "subtype": "AGGREGATION", "masking": False, "description": "sum(x > 'secret')"}
    joined, hashed = {"type": "INDIRECT", "subtype": "JOIN"}, {"type": "DIRECT", "masking": True}
    graph = graph_from(
        [
            traced(
                1,
                {
                    "total": {"inputFields": [field("price", aggregated, joined)]},
                    "mail": {"inputFields": [field("mail", hashed)]},
                    "old": {"inputFields": [field("id")], "transformationType": "IDENTITY"},
                    "gone": {"inputFields": [field("ssn")], "transformationType": "MASKED"},
                    "one": {"inputFields": []},
                },
                rows=[field("day", {"type": "INDIRECT", "subtype": "FILTER"}), field("bare")],
            )
        ]
    )
    assert of_columns(graph) == {
        ("db|raw|price", "db|sales|total", "DIRECT", "AGGREGATION", False),
        ("db|raw|price", "db|sales|total", "INDIRECT", "JOIN", False),
        ("db|raw|mail", "db|sales|mail", "DIRECT", "", True),
        ("db|raw|id", "db|sales|old", "DIRECT", "IDENTITY", False),
        ("db|raw|ssn", "db|sales|gone", "DIRECT", "MASKED", True),
        ("db|raw|day", "db|sales", "INDIRECT", "FILTER", False),
        ("db|raw|bare", "db|sales", "INDIRECT", "", False),
    }
    assert all(not graph.edge(number).how.note for number in graph.edges), "others put expressions with values there"
    assert not graph.edge(0).vague


@pytest.mark.parametrize("fields", [None, 5, [], {"a": None}, {"a": {"inputFields": [None, 5, {}]}}, {"a": []}])
def test_odd_column_lineage_does_not_matter(fields: Any) -> None:
    graph = graph_from([traced(1, fields, rows={"odd": 1})])
    assert edges(graph) == {("db|raw", "db|sales")}


def test_a_write_whose_columns_could_not_be_traced_is_marked() -> None:
    graph = graph_from([traced(1, {}, hookline_degraded="an RDD", hookline_gaps=["a gap"])])
    assert graph.edge(0).vague
    assert graph.told(graph.find("sales")).incomplete == "an RDD; a gap"


def test_what_facets_say_of_datasets_columns_and_jobs() -> None:
    event = foreign("COMPLETE", 1, [], ["sales"])
    event["job"]["facets"] = {"ownership": {"owners": [{"name": "team:jobs"}, {"odd": 1}]}}
    event["outputs"][0] |= {
        "facets": {
            "schema": {"fields": [{"name": "a", "type": "struct", "fields": [{"name": "b", "type": "int"}]}, 5]},
            "ownership": {"owners": [{"name": "team:sales", "type": "MAINTAINER"}]},
            "tags": {"tags": [{"key": "layer", "value": "gold"}, {"key": "pii", "value": "true", "field": "a.b"}]},
            "dataQualityAssertions": {"assertions": [{"success": True}, {"success": False}, {"success": True}]},
        },
        "outputFacets": {"outputStatistics": {"rowCount": 7}},
    }
    graph = graph_from([event])
    told = graph.told(graph.find("sales"))
    assert (told.owners, told.tags, told.passed, told.failed, told.rows) == ({"team:sales"}, {"layer": "gold"}, 2, 1, 7)
    assert graph.told(graph.find("sales.a.b")).tags == {"pii": "true"}
    assert [graph.told(graph.find(f"sales.{name}")).type for name in ("a", "a.b")] == ["struct", "int"]
    assert graph.job_owners == {("dbt", "theirs"): {"team:jobs"}}
    assert iso(told.written_at) == "2026-01-01T00:00:00+00:00"


def test_events_without_a_run(tmp_path: Path) -> None:
    job = foreign("", 1, ["a"], ["b"])
    del job["run"], job["eventType"]
    dataset = {"eventTime": "x", "dataset": {"namespace": "db", "name": "c", "facets": {}}}
    (tmp_path / "f").write_text(json.dumps(job) + "\n" + json.dumps(dataset) + "\n")
    graph = of_files([tmp_path / "f"], Period())
    assert edges(graph) == {("db|a", "db|b")}
    assert [node.name for node in graph.nodes] == ["a", "b", "c"]


def test_a_schema_without_end_is_cut() -> None:
    fields: list[dict[str, Any]] = []
    for _ in range(300):
        fields = [{"name": "x", "fields": fields}]
    event = foreign("COMPLETE", 1, [], ["sales"])
    event["outputs"][0]["facets"] = {"schema": {"fields": fields}}
    assert sum(node.kind == "column" for node in graph_from([event]).nodes) == 51


# -- time and environments ---------------------------------------------------------------------------------------------


def history() -> list[dict[str, Any]]:
    """On three days a job makes one column from another one."""
    events = []
    for day, source in ((1, "price"), (2, "amount"), (3, "amount")):
        event = traced(day, {"total": {"inputFields": [field(source)]}}, at=f"2026-03-0{day}T12:00:00.5Z")
        parameters = [{"key": "environment", "name": "environment", "value": "prod" if day < 3 else "dev"}]
        event["run"]["facets"] = {"executionParameters": {"parameters": parameters}}
        events.append(event)
    return events


@pytest.mark.parametrize(
    ("period", "sources"),
    [
        (Period(), {"price", "amount"}),
        (Period.of("2026-03-01"), {"price"}),
        (Period.of("2026-03-02T11:00:00Z"), {"price"}),
        (Period.of("2026-03-02T12:00:01"), {"price", "amount"}),
        (Period.of(dt.date(2026, 3, 2), latest=True), {"amount"}),
        (Period.of(since="2026-03-02"), {"amount"}),
        (Period.of(dt.datetime(2026, 2, 1, tzinfo=dt.timezone.utc)), set()),
        (Period.of(environments=["dev"]), {"amount"}),
        (Period.of(environments=["p*"], latest=True), {"amount"}),
        (Period.of(environments=["test"]), set()),
    ],
)
def test_time_travel_and_environments(period: Period, sources: set[str]) -> None:
    graph = graph_of(works_of(history()), period)
    assert {edge[0].rpartition("|")[2] for edge in of_columns(graph)} == sources


def test_an_edge_knows_its_first_and_last_day_and_its_run() -> None:
    graph = graph_of(works_of(history()))
    edge = next(one for one in map(graph.edge, graph.edges) if graph.nodes[one.source].column == "amount")
    assert iso(edge.first_seen) == "2026-03-02T12:00:00.500000+00:00"
    assert iso(edge.last_seen) == "2026-03-03T12:00:00.500000+00:00"
    assert edge.run == str(uuid.UUID(int=3))


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-02-30", "1e400", "9" * 5_000, "\x1b[31m"])
def test_a_text_that_is_no_time(text: str) -> None:
    with pytest.raises(HooklineError, match="is no time: write a day") as caught:
        Period.of(text)
    assert str(caught.value).isprintable()
