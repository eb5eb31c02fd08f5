"""The graph itself: nodes, edges, parts, and names that lead to nodes."""

from __future__ import annotations

import re

import pytest

from hookline.lineage.graph import How, LineageGraph, Node
from hookline.lineage.names import UnknownNodeError

JOB = ("jobs", "etl")


def dataset(name: str, namespace: str = "file") -> Node:
    return Node("dataset", namespace, name)


def column(of: str, name: str, namespace: str = "file") -> Node:
    return Node("column", namespace, of, name)


def graph_of(*pairs: tuple[str, str]) -> LineageGraph:
    graph = LineageGraph()
    for source, target in pairs:
        graph.link(dataset(source), dataset(target), How("DIRECT", "append"), jobs=[JOB])
    return graph


def found(graph: LineageGraph, name: str) -> str:
    return graph.nodes[graph.find(name)].id


def test_an_edge_of_datasets_keeps_all_jobs_and_its_latest_way() -> None:
    graph = LineageGraph()
    for name, how, at in (("one", "merge", 2.0), ("two", "append", 1.0)):
        jobs = [("jobs", name)]
        graph.link(dataset("a"), dataset("b"), How("DIRECT", how), jobs=jobs, run=f"run {name}", first=at, last=at)
    edge = graph.edge(0)
    assert len(graph.edges) == 1
    assert (edge.jobs, edge.how.transformation, edge.run) == ({("jobs", "one"), ("jobs", "two")}, "merge", "run one")
    assert (edge.first_seen, edge.last_seen) == (1.0, 2.0)


def test_whether_columns_are_hidden_is_said_by_the_latest() -> None:
    graph = LineageGraph()
    for at, vague in ((1.0, True), (3.0, False), (2.0, True)):
        graph.link(dataset("a"), dataset("b"), How("DIRECT"), first=at, last=at, vague=vague)
    assert not graph.edge(0).vague


def test_columns_may_come_from_one_another_in_several_ways() -> None:
    graph = LineageGraph()
    for how in (How("DIRECT", "IDENTITY"), How("INDIRECT", "FILTER"), How("DIRECT", "IDENTITY")):
        graph.link(column("a", "x"), column("b", "y"), how, jobs=[JOB])
    assert [graph.edge(number).how.transformation for number in graph.edges] == ["IDENTITY", "FILTER"]
    assert {node.id for node in graph.nodes} == {"file|a", "file|a|x", "file|b", "file|b|y"}


def test_part_keeps_the_edges_inside_and_what_is_known() -> None:
    graph = graph_of(("a", "b"), ("b", "c"))
    graph.know(graph.number(dataset("b"))).incomplete = "an RDD"
    part = graph.part([graph.number(dataset(name)) for name in "ab"])
    assert [node.name for node in part.nodes] == ["a", "b"]
    assert [(part.nodes[one.source].name, one.jobs) for one in map(part.edge, part.edges)] == [("a", {JOB})]
    assert part.told(part.number(dataset("b"))).incomplete == "an RDD"


@pytest.mark.parametrize(
    "nodes",
    [
        [column("a", "b|c"), column("a|b", "c"), dataset("a|b|c"), dataset("a|b")],
        [dataset("a%7Cb"), dataset("a|b"), dataset("a%257Cb"), dataset("a%25257Cb"), column("a", "b")],
        [column("b", "", "n"), dataset("b|", "n"), dataset("|b", "n"), dataset("b", "n|")],
    ],
)
def test_no_two_nodes_have_the_same_id(nodes: list[Node]) -> None:
    assert len({node.id for node in nodes}) == len(nodes)


def test_an_id_is_its_parts_where_no_bar_is_in_them() -> None:
    assert column("/lake/100%/a%20b", "x.y").id == "file|/lake/100%/a%20b|x.y"


@pytest.mark.parametrize(
    "name",
    [
        "file|/lake/silver/sales",
        "/lake/silver/sales",
        "silver/sales",
        "sales",
        "retail.sales",
        "spark_catalog.retail.sales",
    ],
)
def test_find_by_any_of_its_names(name: str) -> None:
    graph = graph_of(("/lake/silver/sales", "/lake/gold/daily_sales"))
    graph.know(graph.number(dataset("/lake/silver/sales"))).aliases.add("spark_catalog.retail.sales")
    graph.add(column("/lake/silver/sales", "price"))
    assert found(graph, name) == "file|/lake/silver/sales"
    assert found(graph, f"{name}.price") == "file|/lake/silver/sales|price"


def test_find_with_a_namespace() -> None:
    graph = LineageGraph()
    graph.add(dataset("gold/daily", "s3://bucket"))
    graph.add(Node("job", *JOB))
    assert found(graph, "s3://bucket/gold/daily") == "s3://bucket|gold/daily"
    assert found(graph, "etl") == "job:jobs|etl"


def test_a_column_by_its_id() -> None:
    graph = LineageGraph()
    graph.add(column("gold/daily", "revenue.net", "s3://bucket"))
    assert found(graph, "s3://bucket|gold/daily|revenue.net") == "s3://bucket|gold/daily|revenue.net"


def test_dots_in_names_the_dataset_as_a_whole_then_the_longest_one_with_such_a_column() -> None:
    graph = LineageGraph()
    graph.add(column("db.orders", "address.city"))
    assert found(graph, "db.orders.address.city") == "file|db.orders|address.city"
    graph.add(column("db.orders.address", "city"))
    assert found(graph, "db.orders.address.city") == "file|db.orders.address|city"
    graph.add(dataset("db.orders.address.city"))
    assert found(graph, "db.orders.address.city") == "file|db.orders.address.city"


def test_a_dataset_goes_before_a_job_of_the_same_name() -> None:
    graph = LineageGraph()
    graph.add(Node("job", "jobs", "sales"))
    graph.add(dataset("sales"))
    assert graph.nodes[graph.find("sales")].kind == "dataset"


def test_an_ambiguous_name_lists_what_it_may_mean() -> None:
    graph = graph_of(("/a/sales", "/b/sales"))
    with pytest.raises(UnknownNodeError, match="'sales' may mean /a/sales, /b/sales: give more of the name"):
        graph.find("sales")
    for place in "ab":
        graph.add(column(f"/{place}/sales", "price"))
    graph = graph.part(range(len(graph)))
    with pytest.raises(UnknownNodeError, match=re.escape("'sales.price' may mean /a/sales.price, /b/sales.price")):
        graph.find("sales.price")


def test_an_unknown_name_lists_what_is_near() -> None:
    graph = graph_of(("/a/sales_raw", "/b/other"))
    graph.add(column("/b/other", "id"))
    with pytest.raises(UnknownNodeError, match="no dataset or job is named 'Sales'; near it: /a/sales_raw"):
        graph.find("Sales")
    with pytest.raises(UnknownNodeError, match="known: /a/sales_raw, /b/other"):
        graph.find("nothing")
    with pytest.raises(UnknownNodeError, match="/b/other has no column 'nothing'; known: id"):
        graph.find("other.nothing")


@pytest.mark.parametrize("name", ["", ".", "...", "x." * 5_000, "a\n\x1b[31m<b>", "😀" * 5_000, "|" * 100])
def test_a_hostile_name_that_is_not_there_is_told_short_and_plain(name: str) -> None:
    graph = graph_of(("a", "b"))
    graph.add(column("a", "x"))
    with pytest.raises(UnknownNodeError) as caught:
        graph.find(name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def test_no_lineage_at_all() -> None:
    with pytest.raises(UnknownNodeError, match="no lineage is known yet"):
        LineageGraph().find("x")
