"""A graph as text for other programs: JSON, Mermaid, Graphviz, OpenLineage, and the picture as SVG and HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hookline.core.errors import HooklineError
from hookline.core.text import printable, shorten_path
from hookline.lineage.attributes import edge_attributes, node_attributes
from hookline.lineage.events import to_openlineage
from hookline.lineage.graph import Direction, LineageGraph
from hookline.lineage.nodes import Edge, Node
from hookline.lineage.walk import Impact, around

_LONGEST = 60


def export(graph: LineageGraph, form: str) -> str:
    """The graph in one of the formats.

    Raises:
        HooklineError: there is no such format.
    """
    if form not in FORMATS:
        raise HooklineError(f"lineage has no format {form!r}: choose from {', '.join(FORMATS)}")
    return FORMATS[form](graph)


def to_json(graph: LineageGraph) -> str:
    """The document that ``lineage export`` promises: nodes, and edges with the jobs that made them."""
    return _text(_document(graph))


def impact_json(graph: LineageGraph, start: int, directions: Sequence[Direction]) -> str:
    """The same document of the part that is reached, with the table of what was reached and how."""
    walks = [Impact(graph, start, direction) for direction in directions]
    part = around(graph, start, up="up" in directions, down="down" in directions)
    found = [
        {
            "direction": walk.direction,
            "counts": dict(walk.counts),
            "owners": [{"owner": owner, "of": [node.id for node in nodes]} for owner, nodes in walk.owners.items()],
            "reached": walk.table(),
        }
        for walk in walks
    ]
    return _text({**_document(part), "start": graph.nodes[start].id, "impact": found})


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


def _document(graph: LineageGraph) -> dict[str, Any]:
    nodes = sorted((node.id, number) for number, node in enumerate(graph.nodes))
    return {
        "version": 1,
        "nodes": [{"id": key, **node_attributes(graph, number)} for key, number in nodes],
        "edges": [
            {"source": graph.nodes[edge.source].id, "target": graph.nodes[edge.target].id, **edge_attributes(edge)}
            for edge in ordered_edges(graph)
        ],
    }


def to_mermaid(graph: LineageGraph) -> str:
    """A Mermaid flow chart, left to right: datasets around their columns; jobs rounded."""
    numbers = _numbered(graph)
    lines = ["flowchart LR"]
    for number in numbers:
        node = graph.nodes[number]
        label = f'"{_mermaid_text(_short(node))}"'
        columns = [one for one in graph.columns.get(number, ()) if one in numbers]
        if node.kind == "job":
            lines.append(f"    {numbers[number]}([{label}])")
        elif node.kind == "dataset" and columns:
            inside = [f'        {numbers[one]}["{_mermaid_text(_cut(graph.nodes[one].column))}"]' for one in columns]
            lines += [f"    subgraph {numbers[number]}[{label}]", *inside, "    end"]
        elif node.kind == "dataset":
            lines.append(f"    {numbers[number]}[({label})]")
    for edge in shown_edges(graph):
        word = f'|"{_mermaid_text(_cut(edge.how.transformation))}"|' if edge.how.transformation else ""
        arrow = "-->" if edge.how.kind == "DIRECT" else "-.->"
        lines.append(f"    {numbers[edge.source]} {arrow}{word} {numbers[edge.target]}")
    return "\n".join(lines) + "\n"


def to_dot(graph: LineageGraph) -> str:
    """Graphviz: each dataset a box with a port for every column."""
    numbers = _numbered(graph)
    lines = ["digraph lineage {", "    rankdir=LR;", '    node [shape=box, fontname="sans-serif"];']
    for number in numbers:
        node = graph.nodes[number]
        columns = [one for one in graph.columns.get(number, ()) if one in numbers]
        if node.kind == "dataset" and columns:
            ports = "|".join(f"<{numbers[one]}> {_record_text(_cut(graph.nodes[one].column))}" for one in columns)
            label = f"<{numbers[number]}> {_record_text(_short(node))}|{ports}"
            lines.append(f'    {numbers[number]} [shape=record, label="{label}"];')
        elif node.kind != "column":
            shape = ", style=rounded" if node.kind == "job" else ""
            lines.append(f'    {numbers[number]} [label="{_dot_text(_short(node))}"{shape}];')
    for edge in shown_edges(graph):
        ends = " -> ".join(_dot_end(graph, numbers, one) for one in (edge.source, edge.target))
        style = "" if edge.how.kind == "DIRECT" else ", style=dashed"
        lines.append(f'    {ends} [label="{_dot_text(_cut(edge.how.transformation))}"{style}];')
    return "\n".join([*lines, "}"]) + "\n"


def to_svg(graph: LineageGraph) -> str:
    """The picture, without anything that moves."""
    from hookline.lineage.picture import svg

    return svg(graph)


def to_html(graph: LineageGraph) -> str:
    """The picture as a page of its own, that needs no network."""
    from hookline.lineage.picture import page

    return page(graph)


FORMATS: Mapping[str, Callable[[LineageGraph], str]] = {
    "json": to_json,
    "mermaid": to_mermaid,
    "dot": to_dot,
    "svg": to_svg,
    "html": to_html,
    "openlineage": to_openlineage,
}


def ordered_edges(graph: LineageGraph) -> list[Edge]:
    """All edges, in an order that does not depend on how they were found."""
    return sorted(map(graph.edge, graph.edges), key=lambda edge: (_ends(graph, edge), edge.how))


def shown_edges(graph: LineageGraph) -> Iterator[Edge]:
    """The edges of a drawing: one between datasets is left out where those between their columns say more."""
    detailed = set()
    for edge in map(graph.edge, graph.edges):
        if graph.nodes[edge.source].kind == "column":
            detailed.add((graph.owner(edge.source), graph.owner(edge.target)))
    for edge in ordered_edges(graph):
        if (edge.source, edge.target) not in detailed:
            yield edge


def _ends(graph: LineageGraph, edge: Edge) -> tuple[Node, Node]:
    return graph.nodes[edge.source], graph.nodes[edge.target]


def _numbered(graph: LineageGraph) -> dict[int, str]:
    """A short name of our own for each node: no name from outside is ever syntax."""
    ordered = sorted(range(len(graph)), key=lambda number: graph.nodes[number])
    return {number: f"n{place}" for place, number in enumerate(ordered)}


def _short(node: Node) -> str:
    return shorten_path(printable(node.label), _LONGEST)


def _cut(text: str) -> str:
    return shorten_path(printable(text), _LONGEST)


def _dot_end(graph: LineageGraph, numbers: dict[int, str], number: int) -> str:
    dataset = numbers[graph.owner(number)]
    return f"{dataset}:{numbers[number]}" if graph.nodes[number].kind == "column" else dataset


def _mermaid_text(text: str) -> str:
    """Mermaid reads ``#34;`` as a character; quotes, brackets and HTML must not reach it as they are."""
    return "".join(char if char.isalnum() or char in " ./:_-…@=+" else f"#{ord(char)};" for char in text)


def _dot_text(text: str) -> str:
    """Inside quotes Graphviz knows the backslash and the quote, and HTML's entities."""
    return text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')


def _record_text(text: str) -> str:
    """In the label of a record, brackets, bars and spaces are syntax as well."""
    return "".join(f"\\{char}" if char in '{}|<> \\"' else char for char in text.replace("&", "&amp;"))
