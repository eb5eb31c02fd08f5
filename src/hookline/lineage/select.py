"""Parts of a graph by what its datasets are: namespace, layer, owner, tag; or by the jobs that made them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hookline.lineage.graph import LineageGraph
from hookline.lineage.nodes import About, Node

# From the source to what people look at; the words that a part of a dataset's name may be.
LAYERS: tuple[tuple[str, frozenset[str]], ...] = (
    ("landing", frozenset({"landing", "inbox", "source", "sources", "external"})),
    ("bronze", frozenset({"bronze", "raw", "ingest", "ingested"})),
    ("silver", frozenset({"silver", "staging", "stage", "stg", "clean", "cleaned", "curated", "intermediate", "int"})),
    ("gold", frozenset({"gold", "mart", "marts", "core", "dwh", "analytics", "serving", "reporting", "reports"})),
)


@dataclass(frozen=True)
class Filters:
    """Which datasets and jobs; of several patterns in one any, of several filters all. ``*`` and ``?`` stand for text.

    Attributes:
        tags: ``key`` or ``key=value``, of the dataset or of one of its columns.
    """

    namespaces: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()

    def of(self, graph: LineageGraph) -> LineageGraph:
        """The part of the graph that is wanted; the graph itself when nothing was filtered."""
        if self == Filters():
            return graph
        kept = {number for number in graph.datasets() if self._wants(graph, number)}
        if not (self.namespaces or self.layers or self.owners or self.tags):
            kept |= {number for number, node in enumerate(graph.nodes) if node.kind == "job"}
        kept |= {column for number in kept for column in graph.columns.get(number, ())}
        kept |= self._jobs_beside(graph, kept)
        if not self.jobs:
            return graph.part(kept)
        edges = [number for number in graph.edges if self._by_job(graph, number)]
        ends = {
            graph.owner(end) for number in edges for end in (graph.edges.source[number], graph.edges.target[number])
        }
        return graph.part({number for number in kept if graph.owner(number) in ends}, edges=edges)

    def _wants(self, graph: LineageGraph, number: int) -> bool:
        node, about = graph.nodes[number], graph.told(number)
        return (
            matches([node.namespace], self.namespaces)
            and matches([layer_of(node, about)], self.layers)
            and matches(about.owners, self.owners)
            and matches(_tags(graph, number), self.tags)
        )

    def _jobs_beside(self, graph: LineageGraph, kept: set[int]) -> set[int]:
        """Jobs that only read or only write what is kept."""
        table = graph.edges
        found = set()
        for number, node in enumerate(graph.nodes):
            if node.kind == "job":
                ends = [table.source[edge] for edge in table.into.get(number, ())]
                ends += [table.target[edge] for edge in table.out.get(number, ())]
                found |= {number} if kept.intersection(ends) else set()
        return found

    def _by_job(self, graph: LineageGraph, number: int) -> bool:
        return matches((name for _, name in graph.edges.job_sets[graph.edges.jobs[number]]), self.jobs)


def layer_of(node: Node, about: About) -> str:
    """The layer of a dataset: its tag ``layer``, else the first part of its name that names one, else nothing."""
    if about.tags.get("layer"):
        return about.tags["layer"]
    for part in re.split(r"[/.:_\-]+", node.name[-400:].lower()):
        for layer, words in LAYERS:
            if part in words:
                return layer
    return ""


def matches(values: Iterable[str], patterns: tuple[str, ...]) -> bool:
    """Whether a value fits a pattern; without patterns everything fits."""
    return not patterns or any(fnmatchcase(value, pattern) for value in values for pattern in patterns)


def _tags(graph: LineageGraph, number: int) -> Iterable[str]:
    for one in (number, *graph.columns.get(number, ())):
        for key, value in graph.told(one).tags.items():
            yield from (key, f"{key}={value}")
