"""Owners and tags from the configuration, in graphs from the store."""

from __future__ import annotations

from typing import Any

import pytest

from hookline.lineage.configured import tell
from hookline.lineage.graph import LineageGraph, Node


@pytest.fixture
def graph() -> LineageGraph:
    graph = LineageGraph()
    graph.add(Node("column", "file", "/lake/gold/daily", "mail"))
    graph.add(Node("dataset", "s3://b", "other"))
    graph.know(graph.find("other")).aliases.add("shop.other")
    return graph


def test_what_patterns_fit(graph: LineageGraph) -> None:
    columns = {"mail": {"pii": "email"}, "not_there": {"x": "y"}}
    options = {
        "*/gold/*": {"owners": ["team:a"], "tags": {"layer": "mart"}, "columns": columns},
        "shop.*": {"owners": ["b"]},
    }
    tell(graph, {"datasets": options})
    told = graph.told(graph.find("daily"))
    assert (told.owners, told.tags) == ({"team:a"}, {"layer": "mart"})
    assert graph.told(graph.find("daily.mail")).tags == {"pii": "email"}
    assert graph.told(graph.find("other")).owners == {"b"}
    assert len(graph) == 3


@pytest.mark.parametrize(
    "datasets", [None, 5, [], {"*": None}, {"*": 5}, {"*": {"owners": {"a": 1}}}, {"*": {"odd": 1}}]
)
def test_what_the_plugin_would_refuse_says_nothing(graph: LineageGraph, datasets: Any) -> None:
    tell(graph, {"datasets": datasets})
    assert not any(graph.told(number).owners or graph.told(number).tags for number in range(len(graph)))
