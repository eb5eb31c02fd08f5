"""What a whole graph shows: datasets that lead nowhere, data that comes from itself, what changed between two days."""

from __future__ import annotations

from dataclasses import dataclass

from hookline.lineage.graph import LineageGraph
from hookline.lineage.nodes import Edge, Node


@dataclass(frozen=True)
class Orphans:
    """Datasets at the ends of the graph.

    Attributes:
        unread: they are written, and nothing that is known is made from them.
        unwritten: they are read, and nobody that is known writes them: sources from outside, or lost jobs.
        alone: neither.
    """

    unread: tuple[Node, ...]
    unwritten: tuple[Node, ...]
    alone: tuple[Node, ...]


@dataclass(frozen=True)
class Change:
    """An edge that is in one graph only, or that comes about in another way."""

    source: Node
    target: Node
    kind: str
    transformation: str


@dataclass(frozen=True)
class Difference:
    """What a later graph has that an earlier one has not, and the other way round."""

    added_nodes: tuple[Node, ...]
    removed_nodes: tuple[Node, ...]
    added: tuple[Change, ...]
    removed: tuple[Change, ...]

    def __bool__(self) -> bool:
        return any((self.added_nodes, self.removed_nodes, self.added, self.removed))


def orphans(graph: LineageGraph) -> Orphans:
    """Datasets without anything before or after them."""
    found: dict[tuple[bool, bool], list[Node]] = {}
    for number in graph.datasets():
        written = any(graph.edges.source[edge] != number for edge in graph.edges.into.get(number, ()))
        read = any(graph.edges.target[edge] != number for edge in graph.edges.out.get(number, ()))
        found.setdefault((written, read), []).append(graph.nodes[number])
    ends = (tuple(sorted(found.get(key, ()))) for key in ((True, False), (False, True), (False, False)))
    return Orphans(*ends)


def cycles(graph: LineageGraph, *, of_columns: bool = False) -> list[list[Node]]:
    """Groups of datasets that all come from one another; one that comes from itself (a MERGE) is a group of its own.

    Args:
        of_columns: look at columns instead: only values, not the conditions on them.
    """
    after: dict[int, list[int]] = {}
    for number, node in enumerate(graph.nodes):
        if (node.kind == "column") == of_columns and node.kind != "job":
            edges = (graph.edge(edge) for edge in graph.edges.out.get(number, ()))
            after[number] = [one.target for one in edges if _counts(graph, one, of_columns)]
    groups = [sorted(graph.nodes[one] for one in group) for group in _components(after) if _turns(group, after)]
    return sorted(groups)


def difference(before: LineageGraph, after: LineageGraph) -> Difference:
    """What changed between two graphs."""
    nodes = set(before.nodes), set(after.nodes)
    edges = _changes(before), _changes(after)
    return Difference(
        added_nodes=tuple(sorted(nodes[1] - nodes[0])),
        removed_nodes=tuple(sorted(nodes[0] - nodes[1])),
        added=tuple(edges[1][key] for key in sorted(edges[1].keys() - edges[0].keys())),
        removed=tuple(edges[0][key] for key in sorted(edges[0].keys() - edges[1].keys())),
    )


def _changes(graph: LineageGraph) -> dict[tuple[Node, Node, str, str], Change]:
    found: dict[tuple[Node, Node, str, str], Change] = {}
    for number in graph.edges:
        one = graph.edge(number)
        key = (graph.nodes[one.source], graph.nodes[one.target], one.how.kind, one.how.transformation)
        found[key] = Change(*key)
    return found


def _counts(graph: LineageGraph, edge: Edge, of_columns: bool) -> bool:
    wanted = "column" if of_columns else "dataset"
    return graph.nodes[edge.target].kind == wanted and (not of_columns or edge.how.kind == "DIRECT")


def _turns(group: list[int], after: dict[int, list[int]]) -> bool:
    return len(group) > 1 or group[0] in after[group[0]]


def _components(after: dict[int, list[int]]) -> list[list[int]]:
    """Strongly connected components, by Tarjan's algorithm without recursion."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[list[int]] = []
    for root in after:
        waiting = [] if root in order else [(root, iter(after[root]))]
        while waiting:
            node, further = waiting[-1]
            if node not in order:
                order[node] = low[node] = len(order)
                stack.append(node)
                on_stack.add(node)
            for one in further:
                if one not in order:
                    waiting.append((one, iter(after.get(one, ()))))
                    break
                if one in on_stack:
                    low[node] = min(low[node], order[one])
            else:
                waiting.pop()
                if waiting:
                    low[waiting[-1][0]] = min(low[waiting[-1][0]], low[node])
                if low[node] == order[node]:
                    cut = stack.index(node)
                    found.append(stack[cut:])
                    on_stack.difference_update(stack[cut:])
                    del stack[cut:]
    return found
