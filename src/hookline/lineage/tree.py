"""A part of a graph as a tree for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hookline.core.text import printable, shorten_path
from hookline.lineage.graph import Direction, LineageGraph
from hookline.lineage.nodes import Edge
from hookline.lineage.walk import leaving

_UNICODE = ("├─ ", "└─ ", "│  ", "   ")
_ASCII = ("|- ", "`- ", "|  ", "   ")


class _Branch(NamedTuple):
    number: int
    edges: list[Edge]
    indent: str
    is_last: bool


def tree(graph: LineageGraph, root: int, direction: Direction, *, width: int = 100, unicode: bool = True) -> list[str]:
    """Lines of a tree that begins below ``root``. A node that stands in it twice is unfolded the first time only."""
    tee, last, bar, blank = _UNICODE if unicode else _ASCII
    lines: list[str] = []
    unfolded = {root}
    waiting = _branches(graph, root, direction, "")
    while waiting:
        branch = waiting.pop()
        further = _branches(graph, branch.number, direction, branch.indent + (blank if branch.is_last else bar))
        again = branch.number in unfolded and bool(further)
        note = _note(graph, branch.edges) + (" (see above)" if again else "")
        head = branch.indent + (last if branch.is_last else tee)
        room = max(12, width - len(head) - len(note))
        lines.append(head + shorten_path(printable(graph.nodes[branch.number].label), room) + note)
        if not again:
            unfolded.add(branch.number)
            waiting += further
    return lines


def _branches(graph: LineageGraph, number: int, direction: Direction, indent: str) -> list[_Branch]:
    """A stack: the first branch on top."""
    beside: dict[int, list[Edge]] = {}
    for edge in leaving(graph, [number], direction, by_column=graph.nodes[number].kind == "column"):
        one = graph.edge(edge)
        beside.setdefault(one.target if direction == "down" else one.source, []).append(one)
    ordered = sorted(beside, key=lambda one: graph.nodes[one].id)
    return [_Branch(one, beside[one], indent, one == ordered[-1]) for one in reversed(ordered)]


def _note(graph: LineageGraph, edges: Sequence[Edge]) -> str:
    ways = ", ".join(dict.fromkeys(word for edge in edges if (word := _way(edge))))
    jobs = sorted({shorten_path(printable(name), 30) for edge in edges for _, name in edge.jobs})
    kinds = {graph.nodes[end].kind for edge in edges for end in (edge.source, edge.target)}
    if "job" in kinds:
        return f"  [{ways}]" if ways else ""
    more = f" +{len(jobs) - 2}" if len(jobs) > 2 else ""
    return f"  [{ways or 'from'} by {', '.join(jobs[:2])}{more}]" if jobs else ""


def _way(edge: Edge) -> str:
    return printable(edge.how.transformation, 40) + (" masked" if edge.how.masking else "")
