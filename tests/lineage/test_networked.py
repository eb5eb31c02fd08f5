"""The public graph: networkx's, without a copy; and where it comes from."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import networkx
import pytest

import hookline.lineage
from hookline.core.errors import HooklineError
from hookline.lineage.graph import How, LineageGraph, Node
from hookline.lineage.networked import Lineage

JOB = ("jobs", "etl")


def inner() -> LineageGraph:
    graph = LineageGraph()
    ends = [Node("column", "db", name, "x") for name in ("raw", "sales", "daily")]
    for source, target in itertools.pairwise(ends):
        graph.link(source, target, How("DIRECT", "IDENTITY"), jobs=[JOB], run="r", first=1.0, last=2.0)
        graph.link(source, target, How("INDIRECT", "SORT", True, "note"), jobs=[JOB])
        graph.link(source.dataset, target.dataset, How("DIRECT", "append"), jobs=[JOB])
    graph.know(graph.number(ends[1].dataset)).owners.add("team:sales")
    graph.know(graph.number(ends[1].dataset)).rows = 0
    return graph


@pytest.fixture
def lineage() -> Lineage:
    return Lineage.of(inner())


def test_it_is_a_multidigraph(lineage: Lineage) -> None:
    assert isinstance(lineage, networkx.MultiDiGraph)
    assert (lineage.number_of_nodes(), lineage.number_of_edges()) == (6, 6)
    assert set(lineage.successors("db|raw|x")) == {"db|sales|x"}
    assert set(lineage.predecessors("db|sales")) == {"db|raw"}
    assert lineage.nodes["db|sales"]["owners"] == ["team:sales"]
    assert lineage.nodes["db|sales"]["rows"] == 0
    ways = lineage.get_edge_data("db|raw|x", "db|sales|x")
    assert {one["transformation"] for one in ways.values()} == {"IDENTITY", "SORT"}
    assert lineage.in_degree("db|sales|x") == 2
    assert "nothing" not in lineage
    assert ("db|raw", "db|sales") in lineage.edges()
    assert not lineage.has_edge("db|raw", "db|daily")


def test_algorithms_of_networkx_work_on_it(lineage: Lineage) -> None:
    assert networkx.descendants(lineage, "db|raw|x") == {"db|sales|x", "db|daily|x"}
    assert networkx.ancestors(lineage, "db|daily") == {"db|raw", "db|sales"}
    assert networkx.is_directed_acyclic_graph(lineage)
    assert len(list(networkx.weakly_connected_components(lineage))) == 2
    assert networkx.shortest_path(lineage, "db|raw", "db|daily") == ["db|raw", "db|sales", "db|daily"]
    assert [*networkx.topological_sort(lineage.reverse(copy=False))]


def test_it_cannot_be_changed_and_its_copy_can(lineage: Lineage) -> None:
    with pytest.raises(networkx.NetworkXError, match="Frozen"):
        lineage.add_node("x")
    copy = lineage.copy()
    assert type(copy) is networkx.MultiDiGraph
    copy.add_edge("db|daily", "new")
    assert copy.number_of_edges() == 7
    assert networkx.utils.graphs_equal(lineage.copy(), networkx.MultiDiGraph(lineage))


def test_a_part_that_networkx_made_draws_itself_and_answers_too(lineage: Lineage) -> None:
    part = lineage.subgraph([node for node in lineage if "daily" not in node])
    assert str(part) == "Lineage of 2 datasets and 2 columns, 3 edges"
    assert [one.node.id for one in part.impact("raw.x")] == ["db|sales|x"]
    assert "srcdoc" in part._repr_html_()
    same = Lineage.of(lineage.inner).edge_subgraph([*lineage.edges(keys=True)])
    assert json.loads(same.export("json")) == json.loads(lineage.export("json"))


def test_questions(lineage: Lineage) -> None:
    assert lineage.find("sales.x") == "db|sales|x"
    assert [one.node.id for one in lineage.impact("raw.x")] == ["db|sales|x", "db|daily|x"]
    assert [one.node.id for one in lineage.impact("daily", up=True)] == ["db|sales", "db|raw"]
    assert set(lineage.focus("raw", steps=1)) == {"db|raw", "db|raw|x", "db|sales", "db|sales|x"}
    assert [node.id for node in lineage.orphans().unread] == ["db|daily"]
    assert lineage.cycles() == []
    assert not lineage.diff(lineage)
    assert repr(lineage) == "Lineage of 3 datasets and 3 columns, 6 edges"


def test_export_to_a_file(lineage: Lineage, tmp_path: Path) -> None:
    assert (tmp_path / "out.json").write_text("") == 0
    text = lineage.export("json", tmp_path / "out.json")
    assert (tmp_path / "out.json").read_text() == text
    with pytest.raises(HooklineError, match="can't be written: No such file"):
        lineage.export("dot", tmp_path / "no" / "where")


def test_the_function_and_the_module_have_one_name(tmp_path: Path) -> None:
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-01-01T00:00:00Z",
        "run": {"runId": "r"},
        "job": {"namespace": "jobs", "name": "etl"},
        "inputs": [{"namespace": "db", "name": "a"}],
        "outputs": [{"namespace": "db", "name": "b"}],
    }
    (tmp_path / "events.ndjson").write_text(json.dumps(event) + "\n")
    for source in (tmp_path / "events.ndjson", str(tmp_path / "events.ndjson"), [tmp_path / "events.ndjson"]):
        graph = hookline.lineage.graph(source)
        assert set(graph) == {"db|a", "db|b"}
    assert set(hookline.lineage.graph(tmp_path / "events.ndjson", namespace="other")) == set()
    assert set(hookline.lineage.graph(tmp_path / "events.ndjson", as_of="2025-12-31")) == set()
    assert hookline.lineage.graph.LineageGraph is LineageGraph


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, hookline.lineage.graph, hookline.lineage.export, hookline.commands.lineage\n"
        "import hookline.lineage.sources, hookline.lineage.picture\n"
        "print([name for name in ('networkx', 'pyspark', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
