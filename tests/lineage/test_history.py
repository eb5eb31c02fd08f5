"""A graph from events: what each run made from what, and nothing that did not happen."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from hookline.core.errors import HooklineError
from hookline.core.events import Dataset, Read, Run, RunEnded, Write
from hookline.lineage.graph import LineageGraph
from hookline.lineage.history import add_events, read_events, read_graph
from hookline.lineage.openlineage import EventBuilder

BUILDER = EventBuilder("jobs", "urn:test")


def graph_of(events: Iterable[dict[str, Any]]) -> LineageGraph:
    graph = LineageGraph()
    add_events(graph, events)
    return graph


def edges(graph: LineageGraph) -> set[tuple[str, str]]:
    return set(graph.edges)


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
    graph = graph_of([*events, BUILDER.run_ended(ended, run)])
    assert edges(graph) == {
        ("s3://landing-zone|bronze/transactions", "file|/lake/silver/sales"),
        ("file|/lake/bronze/products", "file|/lake/silver/sales"),
        ("file|/lake/silver/sales", "file|/lake/gold/daily"),
    }
    last = graph.edges[("file|/lake/silver/sales", "file|/lake/gold/daily")]
    assert (last.transformation, last.jobs) == ("append", {("jobs", "retail.silver")})
    assert last.last_seen == "2026-05-04T03:02:10.600000+00:00"


@pytest.mark.parametrize(("published", "count"), [(False, 0), (True, 2)])
def test_a_failed_write_counts_only_when_readers_see_it(run: Run, refused: Write, published: bool, count: int) -> None:
    events = BUILDER.write_ended(dataclasses.replace(refused, published=published), run, failed=True)
    graph = graph_of(events)
    assert len(graph.edges) == count
    assert ("file|/lake/silver/sales" in graph.nodes) is published


def test_a_read_that_fed_no_write_leads_to_the_job(run: Run, ended: RunEnded) -> None:
    graph = graph_of([BUILDER.run_ended(ended, run)])
    assert edges(graph) == {("postgres://db:5432|public.lookup", "job:jobs|retail.silver")}


def test_a_write_from_nowhere_comes_from_its_job(run: Run, sales: Write) -> None:
    graph = graph_of(BUILDER.write_ended(dataclasses.replace(sales, inputs=(), opaque="an RDD"), run, failed=False))
    assert edges(graph) == {("job:jobs|retail.silver", "file|/lake/silver/sales")}
    assert graph.incomplete == {"file|/lake/silver/sales": "an RDD"}


def test_foreign_events_are_accumulated() -> None:
    events = [foreign("START", 1, ["a"], []), foreign("RUNNING", 1, ["b"], []), foreign("COMPLETE", 1, [], ["c"])]
    assert edges(graph_of(events)) == {("db|a", "db|c"), ("db|b", "db|c")}


def test_runs_that_go_on_or_failed_have_no_edges() -> None:
    assert graph_of([foreign("START", 1, ["a"], ["b"]), foreign("FAIL", 2, ["c"], ["d"])]).nodes == {}


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
    assert edges(read_graph([tmp_path / "f", tmp_path / "not there"])) == {("db|a", "db|b")}


def test_odd_facets_do_not_matter(tmp_path: Path) -> None:
    event = foreign("COMPLETE", 1, ["a"], ["b"])
    event["outputs"][0]["facets"] = {"symlinks": None}
    event["inputs"][0]["facets"] = {"symlinks": {"identifiers": [{"name": "x"}, {"odd": 1}, 5]}}
    event["run"]["facets"] = {"hookline_write": 5}
    graph = graph_of([event])
    assert edges(graph) == {("db|a", "db|b")}
    assert graph.find("x").name == "a"


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HooklineError, match=r"can't be read from .*Is a directory"):
        read_graph([tmp_path])
