"""Ends of the graph, circles in it, what changed, and parts by what datasets are."""

from __future__ import annotations

import pytest

from hookline.lineage.graph import How, LineageGraph, Node
from hookline.lineage.nodes import About
from hookline.lineage.reports import cycles, difference, orphans
from hookline.lineage.select import Filters, layer_of

APPEND, IDENTITY, FILTER = How("DIRECT", "append"), How("DIRECT", "IDENTITY"), How("INDIRECT", "FILTER")


def node(text: str) -> Node:
    name, _, column = text.partition(".")
    return Node("column", "db", name, column) if column else Node("dataset", "db", name)


def graph_of(*edges: tuple[str, str], how: How = APPEND, job: str = "etl") -> LineageGraph:
    graph = LineageGraph()
    for source, target in edges:
        graph.link(node(source), node(target), how, jobs=[("jobs", job)])
    return graph


def names(nodes: object) -> list[str]:
    return [one.label.removeprefix("db/") for one in nodes]  # type: ignore[attr-defined]


def test_orphans() -> None:
    graph = graph_of(("a", "b"), ("b", "c"), ("self", "self"))
    graph.add(node("lone"))
    graph.link(Node("job", "jobs", "seed"), node("seeded"), APPEND)
    graph.link(node("looked_at"), Node("job", "jobs", "report"), APPEND)
    found = orphans(graph)
    assert names(found.unread) == ["c", "seeded"]
    assert names(found.unwritten) == ["a", "looked_at"]
    assert names(found.alone) == ["lone", "self"]


def test_cycles() -> None:
    graph = graph_of(("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "d"), ("e", "f"))
    assert [names(group) for group in cycles(graph)] == [["a", "b", "c"], ["d"]]


def test_cycles_of_columns_are_of_values() -> None:
    graph = graph_of(("a.x", "b.x"), ("b.x", "a.x"), ("b.z", "b.z"), how=IDENTITY)
    graph.link(node("c.x"), node("c.x"), FILTER)
    assert [names(group) for group in cycles(graph, of_columns=True)] == [["a.x", "b.x"], ["b.z"]]


def test_a_long_circle_is_no_recursion() -> None:
    ring = [(f"t{number}", f"t{(number + 1) % 5_000}") for number in range(5_000)]
    assert len(cycles(graph_of(*ring))[0]) == 5_000


def test_a_difference() -> None:
    before = graph_of(("a", "b"), ("b.x", "c.y"))
    after = graph_of(("a", "b"), ("b.x", "c.z"), ("new", "c"))
    found = difference(before, after)
    assert names(found.added_nodes) == ["c.z", "new"]
    assert names(found.removed_nodes) == ["c.y"]
    assert [(one.source.label, one.target.label) for one in found.added] == [("db/b.x", "db/c.z"), ("db/new", "db/c")]
    assert [one.target.label for one in found.removed] == ["db/c.y"]
    assert found
    assert not difference(before, before)


def test_another_way_is_a_difference() -> None:
    found = difference(graph_of(("a.x", "b.x")), graph_of(("a.x", "b.x"), how=IDENTITY))
    assert [one.transformation for one in (*found.removed, *found.added)] == ["append", "IDENTITY"]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("/lake/silver/sales", "silver"),
        ("retail.gold.daily", "gold"),
        ("/lake/raw/x", "bronze"),
        ("stg_orders", "silver"),
        ("/warehouse/marts.db/x", "gold"),
        ("/silverware/x", ""),
        ("", ""),
    ],
)
def test_the_layer_is_a_part_of_the_name(name: str, layer: str) -> None:
    assert layer_of(Node("dataset", "file", name), About()) == layer
    assert layer_of(Node("dataset", "file", name), About(tags={"layer": "vault"})) == "vault"


@pytest.fixture
def shop() -> LineageGraph:
    graph = graph_of(("raw/a", "silver/b"), job="clean")
    graph.link(node("silver/b"), node("gold/c"), APPEND, jobs=[("jobs", "report")])
    graph.link(node("raw/a.mail"), node("silver/b.mail"), IDENTITY, jobs=[("jobs", "clean")])
    graph.link(node("gold/c"), Node("job", "jobs", "page"), APPEND, jobs=[("jobs", "page")])
    graph.link(Node("dataset", "s3://x", "raw/o"), node("silver/b"), APPEND, jobs=[("jobs", "clean")])
    graph.know(graph.number(node("silver/b"))).owners.add("team:b")
    graph.know(graph.number(node("raw/a.mail"))).tags["pii"] = "email"
    return graph


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        (Filters(namespaces=("s3://*",)), {"s3://x/raw/o"}),
        (Filters(layers=("gold",)), {"gold/c", "page"}),
        (
            Filters(layers=("bronze", "silver"), namespaces=("db",)),
            {"raw/a", "raw/a.mail", "silver/b", "silver/b.mail"},
        ),
        (Filters(owners=("team:*",)), {"silver/b", "silver/b.mail"}),
        (Filters(tags=("pii",)), {"raw/a", "raw/a.mail"}),
        (Filters(tags=("pii=phone",)), set()),
        (Filters(jobs=("report",)), {"silver/b", "silver/b.mail", "gold/c"}),
        (Filters(jobs=("page",)), {"gold/c", "page"}),
    ],
)
def test_parts(shop: LineageGraph, filters: Filters, kept: set[str]) -> None:
    assert set(names(filters.of(shop).nodes)) == kept


def test_a_part_by_job_has_the_edges_of_that_job_only(shop: LineageGraph) -> None:
    part = Filters(jobs=("clean",)).of(shop)
    assert set(part.jobs()) == {("jobs", "clean")}
    assert len(part.edges) == 3


def test_without_filters_it_is_the_graph_itself(shop: LineageGraph) -> None:
    assert Filters().of(shop) is shop
