"""Walking and searching the graph."""

from __future__ import annotations

import pytest

from hookline.lineage.graph import LineageGraph, Node, UnknownNodeError

JOB = Node("job", "jobs", "etl")


def dataset(name: str, namespace: str = "file") -> Node:
    return Node("dataset", namespace, name)


def graph_of(*pairs: tuple[str, str]) -> LineageGraph:
    graph = LineageGraph()
    for source, target in pairs:
        graph.add_edge(dataset(source), dataset(target), transformation="append", job=JOB)
    return graph


def names(reached: dict[str, int]) -> dict[str, int]:
    return {key.partition("|")[2]: steps for key, steps in reached.items()}


def test_reach_counts_the_fewest_steps_both_ways() -> None:
    graph = graph_of(("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("x", "d"))
    assert names(graph.reach("file|a", graph.downstream)) == {"b": 1, "c": 1, "d": 2}
    assert names(graph.reach("file|d", graph.upstream)) == {"c": 1, "x": 1, "a": 2, "b": 2}


def test_cycles_end() -> None:
    graph = graph_of(("a", "a"), ("a", "b"), ("b", "a"))
    assert names(graph.reach("file|a", graph.downstream)) == {"b": 1}


def test_a_long_chain_is_no_recursion() -> None:
    graph = graph_of(*((f"t{number}", f"t{number + 1}") for number in range(20_000)))
    assert graph.reach("file|t0", graph.downstream)["file|t20000"] == 20_000


def test_an_edge_keeps_all_jobs_and_its_latest_transformation() -> None:
    graph = LineageGraph()
    for name, how, at in (("one", "merge", "2026-01-02"), ("two", "append", "2026-01-01")):
        graph.add_edge(dataset("a"), dataset("b"), transformation=how, job=Node("job", "jobs", name), at=at)
    edge = graph.edges[("file|a", "file|b")]
    assert (edge.jobs, edge.transformation, edge.last_seen) == (
        {("jobs", "one"), ("jobs", "two")},
        "merge",
        "2026-01-02",
    )
    assert graph.downstream("file|a") == ["file|b"]


def test_part_keeps_the_edges_inside() -> None:
    graph = graph_of(("a", "b"), ("b", "c"))
    graph.incomplete["file|b"] = "an RDD"
    part = graph.part(["file|a", "file|b"])
    assert (set(part.nodes), set(part.edges)) == ({"file|a", "file|b"}, {("file|a", "file|b")})
    assert part.upstream("file|b") == ["file|a"]
    assert part.downstream("file|b") == []
    assert part.incomplete == {"file|b": "an RDD"}


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
    graph.aliases["file|/lake/silver/sales"] = {"spark_catalog.retail.sales"}
    assert graph.find(name).name == "/lake/silver/sales"


def test_find_with_a_namespace() -> None:
    graph = LineageGraph()
    graph.add_node(dataset("gold/daily", "s3://bucket"))
    graph.add_node(JOB)
    assert graph.find("s3://bucket/gold/daily").id == "s3://bucket|gold/daily"
    assert graph.find("etl") == JOB


def test_a_dataset_goes_before_a_job_of_the_same_name() -> None:
    graph = LineageGraph()
    graph.add_node(Node("job", "jobs", "sales"))
    graph.add_node(dataset("sales"))
    assert graph.find("sales").kind == "dataset"


def test_an_ambiguous_name_lists_what_it_may_mean() -> None:
    graph = graph_of(("/a/sales", "/b/sales"))
    with pytest.raises(UnknownNodeError, match="'sales' may mean /a/sales, /b/sales: give more of the name"):
        graph.find("sales")


def test_an_unknown_name_lists_what_is_near() -> None:
    graph = graph_of(("/a/sales_raw", "/b/other"))
    with pytest.raises(UnknownNodeError, match="no dataset or job is named 'Sales'; near it: /a/sales_raw"):
        graph.find("Sales")
    with pytest.raises(UnknownNodeError, match="known: /a/sales_raw, /b/other"):
        graph.find("nothing")


def test_no_lineage_at_all() -> None:
    with pytest.raises(UnknownNodeError, match="no lineage is known yet"):
        LineageGraph().find("x")
