"""What the command line shows of a graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from hookline.core.text import printable, shorten, shorten_path
from hookline.lineage.graph import Direction, LineageGraph
from hookline.lineage.nodes import Node
from hookline.lineage.reports import Difference, cycles, orphans
from hookline.lineage.tree import tree
from hookline.lineage.walk import Impact, Reached

_WIDTH = 110
_NOTHING_KNOWN = "no lineage is known yet: run a job with `hookline run` first"


def show_text(graph: LineageGraph, start: int | None, *, directions: Sequence[Direction], unicode: bool = True) -> str:
    """A node with the trees of what it comes from and what comes from it; without a node, from every origin down."""
    lines = _overview(graph, unicode) if start is None else _one(graph, start, directions, unicode)
    return "\n".join(lines) + "\n"


def impact_text(graph: LineageGraph, start: int, *, directions: Sequence[Direction]) -> str:
    """Everything upstream or downstream, nearest first, with the way there; then whom to tell."""
    lines = [printable(graph.nodes[start].label)]
    for direction in directions:
        lines += _impact(Impact(graph, start, direction))
    return "\n".join(lines) + "\n"


def impact_html(impact: Impact, most: int = 200) -> str:
    """The same as a table for a notebook."""
    counts = (
        ", ".join(_count(number, kind) for kind, number in sorted(impact.counts.items())) or "nothing that is known"
    )
    title = f"{_safe(impact.graph.nodes[impact.start].label)} {'comes from' if impact.direction == 'up' else 'goes to'}: {counts}"
    head = "".join(f"<th>{word}</th>" for word in ("steps", "what", "how", "through", "owners"))
    rows = "".join(_html_row(impact, one) for one in impact.reached[:most])
    more = f"<p>and {len(impact) - most:,} more</p>" if len(impact) > most else ""
    owners = "".join(
        f"<li>{_safe(owner)}: {_safe(', '.join(node.label for node in nodes[:5]))}</li>"
        for owner, nodes in impact.owners.items()
    )
    tell = f"<p>tell</p><ul>{owners}</ul>" if owners else ""
    return f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}{tell}"


def reports_text(graph: LineageGraph) -> str:
    """Datasets at the ends of the graph, and those that come from themselves."""
    found = orphans(graph)
    lines = [*_listed("nothing is made from", found.unread), *_listed("nobody known writes", found.unwritten)]
    lines += _listed("neither", found.alone)
    groups = cycles(graph)
    lines.append(f"come from themselves: {len(groups) or 'none'}")
    lines += ["  " + " ⇄ ".join(printable(node.label) for node in group) for group in groups]
    return "\n".join(lines) + "\n"


def difference_text(found: Difference) -> str:
    """What came and what went."""
    lines = [f"+ {printable(node.label)}" for node in found.added_nodes]
    lines += [f"- {printable(node.label)}" for node in found.removed_nodes]
    for sign, changes in (("+", found.added), ("-", found.removed)):
        for one in changes:
            ends = f"{printable(one.source.label)} -> {printable(one.target.label)}"
            lines.append(f"{sign} {ends}  [{printable(one.transformation) or one.kind}]")
    return "\n".join(lines or ["nothing changed"]) + "\n"


def _impact(impact: Impact) -> Iterator[str]:
    up = impact.direction == "up"
    if not impact:
        yield "  comes from nothing that is known" if up else "  nothing is known to come from it"
        return
    counts = [
        _count(impact.counts[kind], noun)
        for kind, noun in (("column", "column"), ("dataset", "dataset"), ("job", "other job"))
        if impact.counts[kind]
    ]
    yield f"  {'comes from' if up else 'is the origin of'} {_and(counts)}:"
    for one in impact:
        kind = "job " if one.node.kind == "job" else ""
        yield f"  {one.steps:>3}  {kind}{printable(one.node.label)}{_way(impact, one.number)}"
    for owner, nodes in impact.owners.items():
        yield f"  tell {printable(owner)}: {', '.join(printable(_end(node)) for node in nodes[:5])}" + (
            f" and {len(nodes) - 5} more" if len(nodes) > 5 else ""
        )


def _way(impact: Impact, number: int) -> str:
    words, through = _told(impact, number)
    return f"  [{words}{f' through {through}' if through else ''}]"


def _told(impact: Impact, number: int) -> tuple[str, str]:
    """The transformations on the way, and through what it leads."""
    path = impact.path(number)
    words = []
    for edge in path:
        word = printable(edge.how.transformation, 40) or edge.how.kind
        words.append(word + (" masked" if edge.how.masking else ""))
    middle = [edge.target if impact.direction == "down" else edge.source for edge in path[:-1]]
    return printable(" > ".join(words)), printable(", ".join(_end(impact.graph.nodes[one]) for one in middle))


def _html_row(impact: Impact, one: Reached) -> str:
    owners = sorted(impact.graph.told(impact.graph.owner(one.number)).owners)
    cells = (str(one.steps), one.node.label, *_told(impact, one.number), ", ".join(owners))
    return f"<tr>{''.join(f'<td>{_safe(cell)}</td>' for cell in cells)}</tr>"


def _safe(text: str) -> str:
    return escape(shorten(printable(text), 200))


def _one(graph: LineageGraph, start: int, directions: Sequence[Direction], unicode: bool) -> Iterator[str]:
    yield printable(graph.nodes[start].label)
    incomplete = graph.told(graph.owner(start)).incomplete
    if incomplete:
        yield f"  may come from more than is shown: {printable(incomplete)}"
    for direction in directions:
        lines = tree(graph, start, direction, width=_WIDTH, unicode=unicode)
        title = "comes from" if direction == "up" else "goes to"
        yield f"{title}:" if lines else f"{title}: nothing that is known"
        yield from lines


def _overview(graph: LineageGraph, unicode: bool) -> Iterator[str]:
    if not graph.nodes:
        yield _NOTHING_KNOWN
    ordered = sorted((node.id, number) for number, node in enumerate(graph.nodes) if node.kind != "column")
    shown: set[int] = set()
    for _, number in ordered:
        if all(graph.edges.source[edge] == number for edge in graph.edges.into.get(number, ())):
            yield printable(graph.nodes[number].label)
            yield from tree(graph, number, "down", width=_WIDTH, unicode=unicode)
            shown |= Impact(graph, number, "down").steps.keys()
    for _, number in ordered:
        if number not in shown:
            yield printable(graph.nodes[number].label)


def _listed(title: str, nodes: Sequence[Node]) -> list[str]:
    return [f"{title}: {len(nodes) or 'none'}", *(f"  {printable(node.label)}" for node in nodes)]


def _end(node: Node) -> str:
    """The last part of a name."""
    dataset = shorten_path(node.name.rpartition("/")[2] or node.name, 40)
    return f"{dataset}.{node.column}" if node.kind == "column" else dataset


def _and(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
