"""How much of a graph is drawn: all of it, unless nobody could read it and no browser would like it."""

from __future__ import annotations

from collections import deque

from hookline.core.text import printable, shorten
from hookline.lineage.graph import LineageGraph

MOST_TABLES = 1_000
_INSTEAD = 300


def drawn_part(graph: LineageGraph) -> tuple[LineageGraph, str]:
    """The part of a graph that is drawn, and a sentence that says so where it is not all.

    Of a graph with too many tables it is what is nearest to the one with the most links.
    """
    tables = [number for number, node in enumerate(graph.nodes) if node.kind != "column"]
    if len(tables) <= MOST_TABLES:
        return graph, ""
    beside = {number: _beside(graph, number) for number in tables}
    start = max(tables, key=lambda number: (len(beside[number]), graph.nodes[number]))
    kept = {start}
    waiting = deque([start])
    while waiting and len(kept) < _INSTEAD:
        for one in sorted(beside[waiting.popleft()] - kept, key=graph.nodes.__getitem__)[: _INSTEAD - len(kept)]:
            kept.add(one)
            waiting.append(one)
    columns = {column for number in kept for column in graph.columns.get(number, ())}
    name = shorten(printable(graph.nodes[start].label), 60)
    note = f"{len(kept):,} of {len(tables):,} tables, those nearest to {name}: ask for another one, or filter"
    return graph.part(kept | columns), note


def _beside(graph: LineageGraph, number: int) -> set[int]:
    table = graph.edges
    after = {table.target[edge] for edge in table.out.get(number, ())}
    return after | {table.source[edge] for edge in table.into.get(number, ())}
