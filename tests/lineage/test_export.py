"""The graph as a tree, JSON, Mermaid and OpenLineage."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hookline.lineage.export import FORMATS, to_json, to_mermaid, to_openlineage, tree
from hookline.lineage.graph import LineageGraph, Node

JOB = Node("job", "jobs", "etl")


@pytest.fixture
def graph() -> LineageGraph:
    graph = LineageGraph()
    a, b, c, d = (Node("dataset", "file", f"/lake/{name}") for name in "abcd")
    for source, target in ((a, b), (b, c), (a, c), (c, d)):
        graph.add_edge(source, target, transformation="append", job=JOB, at="2026-01-01T00:00:00+00:00")
    graph.add_edge(d, JOB, transformation="read", job=JOB)
    graph.incomplete["file|/lake/b"] = "an RDD in between"
    return graph


def hostile() -> LineageGraph:
    graph = LineageGraph()
    bad = Node("dataset", "s3://b", 'x"]; click n0 href "javascript:alert(1)" \n%%{init}%% <b>#\x1b[31m' + "y" * 10_000)
    graph.add_edge(bad, Node("dataset", "file", "/ok"), transformation='"|\n', job=Node("job", "jobs", "e\x1b[2Jvil"))
    return graph


def test_json_has_the_promised_shape(graph: LineageGraph) -> None:
    document = json.loads(to_json(graph))
    assert document["version"] == 1
    assert {"id": "file|/lake/a", "kind": "dataset", "namespace": "file", "name": "/lake/a"} in document["nodes"]
    assert {"id": "job:jobs|etl", "kind": "job", "namespace": "jobs", "name": "etl"} in document["nodes"]
    first = document["edges"][0]
    assert {key: first[key] for key in ("source", "target", "kind", "transformation")} == {
        "source": "file|/lake/a",
        "target": "file|/lake/b",
        "kind": "DIRECT",
        "transformation": "append",
    }
    assert first["jobs"] == [{"namespace": "jobs", "name": "etl"}]
    assert [node["incomplete"] for node in document["nodes"] if "incomplete" in node] == ["an RDD in between"]


def test_every_edge_of_the_json_has_its_nodes(graph: LineageGraph) -> None:
    document = json.loads(to_json(graph))
    ids = {node["id"] for node in document["nodes"]}
    assert {end for edge in document["edges"] for end in (edge["source"], edge["target"])} == ids


def test_mermaid(graph: LineageGraph) -> None:
    lines = to_mermaid(graph).splitlines()
    assert lines[0] == "flowchart LR"
    assert '    n0[("/lake/a")]' in lines
    assert '    n4(["etl"])' in lines
    assert '    n0 -->|"append"| n1' in lines


def test_mermaid_of_hostile_names_has_only_its_own_syntax() -> None:
    text = to_mermaid(hostile())
    assert len(text.splitlines()) == 4
    bad = next(line for line in text.splitlines() if "click" in line)
    assert bad.count('"') == 2
    assert not set("<>\x1b%") & set(text.replace("-->", ""))
    assert max(map(len, text.splitlines())) < 400


def test_openlineage_events_are_valid(graph: LineageGraph, validate: Callable[[dict[str, Any]], list[str]]) -> None:
    events = [json.loads(line) for line in to_openlineage(graph, "https://example.org/p").splitlines()]
    assert [problem for event in events for problem in validate(event)] == []
    made = {
        tuple(output["name"] for output in event["outputs"]): [dataset["name"] for dataset in event["inputs"]]
        for event in events
    }
    assert made[("/lake/c",)] == ["/lake/a", "/lake/b"]
    assert made[()] == ["/lake/d"]


def test_the_formats_that_there_are(graph: LineageGraph) -> None:
    assert list(FORMATS) == ["json", "mermaid", "openlineage"]
    assert all(write(graph, "urn:x").endswith("\n") for write in FORMATS.values())


def test_a_tree_unfolds_a_node_once(graph: LineageGraph) -> None:
    assert tree(graph, "file|/lake/a", graph.downstream) == [
        "├─ /lake/b  [append by etl]",
        "│  └─ /lake/c  [append by etl]",
        "│     └─ /lake/d  [append by etl]",
        "│        └─ etl  [read]",
        "└─ /lake/c  [append by etl] (see above)",
    ]


def test_a_tree_in_ascii_upwards(graph: LineageGraph) -> None:
    assert tree(graph, "file|/lake/c", graph.upstream, unicode=False) == [
        "|- /lake/a  [append by etl]",
        "`- /lake/b  [append by etl]",
        "   `- /lake/a  [append by etl]",
    ]


def test_a_tree_of_a_cycle_ends() -> None:
    graph = LineageGraph()
    a = Node("dataset", "file", "/a")
    graph.add_edge(a, a, transformation="merge", job=JOB)
    assert tree(graph, "file|/a", graph.downstream) == ["└─ /a  [merge by etl] (see above)"]


def test_a_tree_of_hostile_names_is_short_and_plain() -> None:
    graph = hostile()
    for line in tree(graph, "file|/ok", graph.upstream, width=80):
        assert line.isprintable()
        assert len(line) <= 80
