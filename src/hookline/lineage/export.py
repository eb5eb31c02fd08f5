"""A graph as text: a tree for terminals, JSON, Mermaid and OpenLineage.

More formats (svg, html) join the table ``FORMATS``; each is a function from a graph to text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from hookline.core.text import printable, shorten_path
from hookline.lineage.graph import Edge, LineageGraph, Node
from hookline.lineage.openlineage import SCHEMA_URL

_UNICODE = ("├─ ", "└─ ", "│  ", "   ")
_ASCII = ("|- ", "`- ", "|  ", "   ")


def to_json(graph: LineageGraph) -> str:
    """The document that ``lineage export`` promises: nodes, and edges with the jobs that made them.

    A node whose inputs may not all be known has ``incomplete`` with the reason.
    """
    document = {
        "version": 1,
        "nodes": [_node(graph, node) for _, node in sorted(graph.nodes.items())],
        "edges": [_edge(edge) for _, edge in sorted(graph.edges.items())],
    }
    return json.dumps(document, indent=2) + "\n"


def to_mermaid(graph: LineageGraph) -> str:
    """A Mermaid flow chart, left to right; datasets are cylinders, jobs are rounded."""
    numbers = {key: f"n{number}" for number, key in enumerate(sorted(graph.nodes))}
    lines = ["flowchart LR"]
    for key, number in numbers.items():
        node = graph.nodes[key]
        label = _mermaid_text(shorten_path(printable(node.label), 60))
        lines.append(f'    {number}(["{label}"])' if node.kind == "job" else f'    {number}[("{label}")]')
    for (source, target), edge in sorted(graph.edges.items()):
        word = f'|"{_mermaid_text(printable(edge.transformation))}"|' if edge.transformation else ""
        lines.append(f"    {numbers[source]} -->{word} {numbers[target]}")
    return "\n".join(lines) + "\n"


def to_openlineage(graph: LineageGraph, producer: str) -> str:
    """OpenLineage JobEvents, one a line: for each dataset and each job that made it, what it was made from."""
    made: dict[tuple[str, str, str], list[Edge]] = {}
    for _, edge in sorted(graph.edges.items()):
        for namespace, name in sorted(edge.jobs):
            made.setdefault((namespace, name, edge.target), []).append(edge)
    return "".join(json.dumps(_job_event(graph, key, edges, producer)) + "\n" for key, edges in made.items())


FORMATS: Mapping[str, Callable[[LineageGraph, str], str]] = {
    "json": lambda graph, _producer: to_json(graph),
    "mermaid": lambda graph, _producer: to_mermaid(graph),
    "openlineage": to_openlineage,
}


def tree(
    graph: LineageGraph, root: str, step: Callable[[str], list[str]], *, width: int = 100, unicode: bool = True
) -> list[str]:
    """Lines of a tree that begins below ``root``. A node that stands in it twice is unfolded the first time only."""
    tee, last, bar, blank = _UNICODE if unicode else _ASCII
    lines: list[str] = []
    unfolded = {root}
    waiting = _children(graph, root, step, "")
    while waiting:
        parent, key, indent, is_last = waiting.pop()
        again = key in unfolded and bool(step(key))
        note = _edge_note(graph, parent, key) + (" (see above)" if again else "")
        head = indent + (last if is_last else tee)
        room = max(12, width - len(head) - len(note))
        lines.append(head + shorten_path(printable(graph.nodes[key].label), room) + note)
        if not again:
            unfolded.add(key)
            waiting += _children(graph, key, step, indent + (blank if is_last else bar))
    return lines


def _children(
    graph: LineageGraph, key: str, step: Callable[[str], list[str]], indent: str
) -> list[tuple[str, str, str, bool]]:
    """A stack: the first child on top."""
    children = [child for child in step(key) if child in graph.nodes]
    return [(key, child, indent, child == children[-1]) for child in reversed(children)]


def _edge_note(graph: LineageGraph, one: str, other: str) -> str:
    edge = graph.edges.get((one, other)) or graph.edges[(other, one)]
    jobs = ", ".join(sorted(shorten_path(printable(name), 30) for _, name in edge.jobs)[:2])
    more = f" +{len(edge.jobs) - 2}" if len(edge.jobs) > 2 else ""
    if "job" in (graph.nodes[one].kind, graph.nodes[other].kind):
        return f"  [{printable(edge.transformation)}]" if edge.transformation else ""
    return f"  [{printable(edge.transformation) or 'from'} by {jobs}{more}]" if jobs else ""


def _node(graph: LineageGraph, node: Node) -> dict[str, Any]:
    plain = {"id": node.id, "kind": node.kind, "namespace": node.namespace, "name": node.name}
    return plain | ({"incomplete": graph.incomplete[node.id]} if node.id in graph.incomplete else {})


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "source": edge.source,
        "target": edge.target,
        "kind": edge.kind,
        "transformation": edge.transformation,
        "jobs": [{"namespace": namespace, "name": name} for namespace, name in sorted(edge.jobs)],
        "last_seen": edge.last_seen or None,
    }


def _job_event(graph: LineageGraph, key: tuple[str, str, str], edges: list[Edge], producer: str) -> dict[str, Any]:
    namespace, name, target = key
    datasets = [graph.nodes[edge.source] for edge in edges]
    return {
        "eventTime": max(edge.last_seen for edge in edges) or "1970-01-01T00:00:00+00:00",
        "producer": producer,
        "schemaURL": f"{SCHEMA_URL}/JobEvent",
        "job": {"namespace": namespace, "name": name},
        "inputs": [{"namespace": n.namespace, "name": n.name} for n in datasets if n.kind == "dataset"],
        "outputs": [{"namespace": n.namespace, "name": n.name} for n in [graph.nodes[target]] if n.kind == "dataset"],
    }


def _mermaid_text(text: str) -> str:
    """Mermaid reads ``#34;`` as a character; quotes, brackets and HTML must not reach it as they are."""
    return "".join(char if char.isalnum() or char in " ./:_-…@=+" else f"#{ord(char)};" for char in text)
