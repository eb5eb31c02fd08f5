"""The graph for other programs: JSON, Mermaid, Graphviz, OpenLineage; and as a tree. Whatever the names hold."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from hookline.core.errors import HooklineError
from hookline.lineage.export import FORMATS, export
from hookline.lineage.graph import How, LineageGraph, Node
from hookline.lineage.history import is_event, works_of
from hookline.lineage.tree import tree
from hookline.lineage.works import graph_of

JOB = ("jobs", "etl")
AT = {"first": 1_767_225_600.0, "last": 1_767_312_000.0}
HOSTILE = [
    'x"]; click n0 href "javascript:alert(1)" \n%%{init}%% <b>#\x1b[31m' + "y" * 5_000,
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    '{"a": "b"} | <p0> \\',
    "a.b.c",
    "😀🏳️‍🌈\u202e\u2028\ufeff",
    "\ud800 half",
    "名前" * 2_500,
    "&lt;&amp;&#60;",
    "digraph { a -> b }",
]


def dataset(name: str, namespace: str = "file") -> Node:
    return Node("dataset", namespace, name)


def column(of: str, name: str, namespace: str = "file") -> Node:
    return Node("column", namespace, of, name)


@pytest.fixture
def graph() -> LineageGraph:
    graph = LineageGraph()
    for source, target in (("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")):
        how = How("DIRECT", "append")
        graph.link(dataset(f"/lake/{source}"), dataset(f"/lake/{target}"), how, jobs=[JOB], run="r", vague=True, **AT)
    graph.link(dataset("/lake/d"), Node("job", *JOB), How("DIRECT", "read"), jobs=[JOB], vague=True, **AT)
    graph.know(graph.number(dataset("/lake/b"))).incomplete = "an RDD in between"
    return graph


@pytest.fixture
def columns() -> LineageGraph:
    """With columns, tags and owners."""
    graph = LineageGraph()
    raw, sales = dataset("raw", "db"), dataset("sales", "db")
    graph.link(raw, sales, How("DIRECT", "merge"), jobs=[JOB], run="r", **AT)
    for source, target, how in (
        ("price", "total", How("DIRECT", "AGGREGATION")),
        ("mail", "hash", How("DIRECT", "TRANSFORMATION", True, "a Python function")),
        ("day", "total", How("INDIRECT", "GROUP_BY")),
    ):
        graph.link(column("raw", source, "db"), column("sales", target, "db"), how, jobs=[JOB], run="r", **AT)
    graph.link(column("raw", "day", "db"), sales, How("INDIRECT", "FILTER"), jobs=[JOB], run="r", **AT)
    graph.know(graph.number(column("raw", "mail", "db"))).tags["pii"] = "email"
    graph.know(graph.number(column("raw", "mail", "db"))).type = "string"
    graph.know(graph.number(sales)).owners.add("team:sales")
    graph.know(graph.number(sales)).tags["layer"] = "gold"
    graph.job_owners[JOB] = {"team:jobs"}
    return graph


def hostile() -> LineageGraph:
    graph = LineageGraph()
    for number, name in enumerate(HOSTILE):
        source, target = Node("column", name, name, name), Node("column", "file", f"/ok/{number}", name)
        graph.link(source, target, How("DIRECT", name[:40], False, name), jobs=[(name, name)], run=name)
        graph.link(source.dataset, target.dataset, How("DIRECT", name), jobs=[(name, name)])
        graph.link(Node("job", name, name), target.dataset, How("DIRECT"), jobs=[(name, name)])
        graph.know(graph.number(source)).type = name
        about = graph.know(graph.number(source.dataset))
        about.tags[name], about.incomplete = name, name
        about.owners.add(name)
    return graph


def test_json_has_the_promised_shape(graph: LineageGraph, columns: LineageGraph) -> None:
    document = json.loads(export(graph, "json"))
    assert document["version"] == 1
    assert {"id": "file|/lake/a", "kind": "dataset", "namespace": "file", "name": "/lake/a"} in document["nodes"]
    assert {"id": "job:jobs|etl", "kind": "job", "namespace": "jobs", "name": "etl"} in document["nodes"]
    assert document["edges"][0] == {
        "source": "file|/lake/a",
        "target": "file|/lake/b",
        "kind": "DIRECT",
        "transformation": "append",
        "masking": False,
        "vague": True,
        "jobs": [{"namespace": "jobs", "name": "etl"}],
        "run": "r",
        "first_seen": "2026-01-01T00:00:00+00:00",
        "last_seen": "2026-01-02T00:00:00+00:00",
    }
    assert [node["incomplete"] for node in document["nodes"] if "incomplete" in node] == ["an RDD in between"]
    nodes = {node["id"]: node for node in json.loads(export(columns, "json"))["nodes"]}
    assert nodes["db|raw|mail"] == {
        "id": "db|raw|mail",
        "kind": "column",
        "namespace": "db",
        "name": "mail",
        "dataset": "raw",
        "type": "string",
        "tags": {"pii": "email"},
    }


@pytest.mark.parametrize("make", [lambda graph, columns: graph, lambda graph, columns: columns, lambda *_: hostile()])
def test_every_edge_of_the_json_has_its_nodes(graph: LineageGraph, columns: LineageGraph, make: Any) -> None:
    document = json.loads(export(make(graph, columns), "json"))
    ids = [node["id"] for node in document["nodes"]]
    assert len(ids) == len(set(ids))
    assert {end for edge in document["edges"] for end in (edge["source"], edge["target"])} <= set(ids)


def test_mermaid(graph: LineageGraph, columns: LineageGraph) -> None:
    lines = export(graph, "mermaid").splitlines()
    assert lines[0] == "flowchart LR"
    assert '    n0[("/lake/a")]' in lines
    assert '    n4(["etl"])' in lines
    assert '    n0 -->|"append"| n1' in lines
    lines = export(columns, "mermaid").splitlines()
    assert '    subgraph n5["db/raw"]' in lines
    assert '    n0 -.->|"FILTER"| n6' in lines
    assert not any("merge" in line for line in lines), "what columns tell is not told again of their datasets"


def test_mermaid_of_hostile_names_has_only_its_own_syntax() -> None:
    text = export(hostile(), "mermaid")
    for line in text.splitlines()[1:]:
        assert re.fullmatch(
            r' +(n\d+(\[\(?|\(\[)"[^"<>\x1b%{}|]*"(\)?\]|\]\))|subgraph n\d+\["[^"<>%]*"\]|end|n\d+ -->(\|"[^"<>|%]*"\|)? n\d+)',
            line,
        ), line
        assert len(line) < 700


def test_dot(columns: LineageGraph) -> None:
    lines = export(columns, "dot").splitlines()
    assert '    n5 [shape=record, label="<n5> db/raw|<n2> price|<n1> mail|<n0> day"];' in lines
    assert '    n5:n0 -> n6 [label="FILTER", style=dashed];' in lines


def test_dot_of_hostile_names_keeps_every_quote_shut() -> None:
    for line in export(hostile(), "dot").splitlines()[3:-1]:
        assert re.fullmatch(r'    [n\d:> -]+ \[(shape=record, )?label="(\\.|[^"\\])*"(, style=\w+)?\];', line), line


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_hostile_names() -> None:
    done = subprocess.run(
        ["dot", "-Tplain"], input=export(hostile(), "dot"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_openlineage_events_are_valid_and_give_the_same_graph_again(
    graph: LineageGraph, columns: LineageGraph, validate: Callable[[dict[str, Any]], list[str]]
) -> None:
    for one in (graph, columns):
        events = [json.loads(line) for line in export(one, "openlineage").splitlines()]
        assert [problem for event in events for problem in validate(event)] == []
        assert all(map(is_event, events))
        assert_same(graph_of(works_of(events)), one)


def test_hostile_names_survive_openlineage() -> None:
    graph = hostile()
    again = graph_of(works_of(json.loads(line) for line in export(graph, "openlineage").splitlines()))
    assert set(again.nodes) == set(graph.nodes)


def assert_same(one: LineageGraph, other: LineageGraph) -> None:
    """But for what events of jobs do not tell: runs, first times, why a dataset is incomplete."""

    def of(graph: LineageGraph) -> tuple[Any, ...]:
        edges = {
            (graph.nodes[edge.source], graph.nodes[edge.target], edge.how, edge.jobs, edge.last_seen, edge.vague)
            for edge in map(graph.edge, graph.edges)
        }
        told = {
            (node, str(graph.told(n).tags), str(graph.told(n).owners), graph.told(n).type)
            for n, node in enumerate(graph.nodes)
        }
        return set(graph.nodes), edges, told, graph.job_owners

    assert of(one) == of(other)


def test_the_formats_that_there_are(graph: LineageGraph) -> None:
    assert list(FORMATS) == ["json", "mermaid", "dot", "svg", "html", "openlineage"]
    assert all(export(graph, form).endswith("\n") for form in FORMATS)
    assert all(export(LineageGraph(), form) for form in FORMATS if form != "openlineage")
    with pytest.raises(HooklineError, match="no format 'png': choose from json, mermaid, dot, svg, html, openlineage"):
        export(graph, "png")


# -- trees -------------------------------------------------------------------------------------------------------------


def test_a_tree_unfolds_a_node_once(graph: LineageGraph) -> None:
    assert tree(graph, graph.find("/lake/a"), "down") == [
        "├─ /lake/b  [append by etl]",
        "│  └─ /lake/c  [append by etl]",
        "│     └─ /lake/d  [append by etl]",
        "│        └─ etl  [read]",
        "└─ /lake/c  [append by etl] (see above)",
    ]


def test_a_tree_in_ascii_upwards(graph: LineageGraph) -> None:
    assert tree(graph, graph.find("/lake/c"), "up", unicode=False) == [
        "|- /lake/a  [append by etl]",
        "`- /lake/b  [append by etl]",
        "   `- /lake/a  [append by etl]",
    ]


def test_a_tree_of_a_column(columns: LineageGraph) -> None:
    assert tree(columns, columns.find("raw.day"), "down") == [
        "├─ db/sales  [FILTER by etl]",
        "└─ db/sales.total  [GROUP_BY by etl]",
    ]
    assert tree(columns, columns.find("sales.hash"), "up") == [
        "├─ db/raw.day  [FILTER by etl]",
        "└─ db/raw.mail  [TRANSFORMATION masked by etl]",
    ]


def test_a_tree_of_a_cycle_ends() -> None:
    graph = LineageGraph()
    graph.link(dataset("/a"), dataset("/a"), How("DIRECT", "merge"), jobs=[JOB])
    assert tree(graph, 0, "down") == ["└─ /a  [merge by etl] (see above)"]


def test_a_tree_of_hostile_names_is_short_and_plain() -> None:
    graph = hostile()
    for number in range(len(graph)):
        for line in tree(graph, number, "up", width=80):
            assert line.isprintable()
            assert len(line) <= 200
