"""Graphs to draw."""

from __future__ import annotations

from typing import Any

import pytest

from hookline.lineage.graph import How, LineageGraph, Node

JOB = ("jobs", "etl")


def column(dataset: str, name: str) -> Node:
    return Node("column", "file", f"/lake/{dataset}", name)


def link(graph: LineageGraph, source: Node, target: Node, how: str = "IDENTITY", kind: Any = "DIRECT") -> None:
    graph.link(source, target, How(kind, how), jobs=[JOB], first=1.0, last=1.0)
    if source.kind == "column":
        graph.link(source.dataset, target.dataset, How("DIRECT", "append"), jobs=[JOB], first=1.0, last=1.0)


@pytest.fixture
def shop() -> LineageGraph:
    """Five tables in three layers, one of them linked over a layer, with everything that can be drawn."""
    graph = LineageGraph()
    for name in ("id", "price", "mail"):
        link(graph, column("bronze/orders", name), column("silver/sales", name))
    link(graph, column("bronze/stores", "id"), column("silver/sales", "id"), "JOIN", "INDIRECT")
    link(graph, column("silver/sales", "price"), column("gold/daily", "revenue"), "AGGREGATION")
    link(graph, column("silver/sales", "id"), Node("dataset", "file", "/lake/gold/daily"), "FILTER", "INDIRECT")
    link(graph, column("bronze/stores", "id"), column("gold/daily", "store"))
    link(graph, Node("dataset", "file", "/lake/gold/daily"), Node("job", "jobs", "page"), "read")
    link(graph, Node("dataset", "file", "/lake/gold/daily"), Node("dataset", "file", "/lake/gold/daily"), "merge")
    graph.know(graph.number(column("silver/sales", "mail"))).tags["pii"] = "email"
    daily = graph.know(graph.number(Node("dataset", "file", "/lake/gold/daily")))
    daily.written_at, daily.passed, daily.failed, daily.incomplete = 1_777_863_721.0, 3, 1, "an RDD in between"
    daily.owners.add("team:finance")
    return graph


@pytest.fixture
def many() -> LineageGraph:
    """Five hundred tables in four layers."""
    graph = LineageGraph()
    layers = ("landing", "bronze", "silver", "gold")
    for number in range(500):
        own, above = layers[number % 4], layers[number % 4 - 1]
        for name in ("id", "value"):
            graph.add(column(f"{own}/t{number}", name))
        if number % 4:
            for source in (number - 1, (number * 7) % 500 // 4 * 4 + number % 4 - 1):
                for name in ("id", "value"):
                    link(graph, column(f"{above}/t{source}", name), column(f"{own}/t{number}", name))
    return graph
