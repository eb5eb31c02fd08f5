"""What the command line shows of a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hookline.core.text import printable
from hookline.lineage.export import tree
from hookline.lineage.graph import LineageGraph, Node

_WIDTH = 110
Step = Callable[[str], list[str]]


def select(graph: LineageGraph, node: Node | None, *, up: bool, down: bool) -> LineageGraph:
    """The part of the graph that a node comes from and goes to; all of it without a node."""
    if node is None:
        return graph
    reached = {node.id}
    reached |= graph.reach(node.id, graph.upstream).keys() if up else set()
    reached |= graph.reach(node.id, graph.downstream).keys() if down else set()
    return graph.part(reached)


def show_text(graph: LineageGraph, node: Node | None, *, up: bool, down: bool, unicode: bool = True) -> str:
    """A node with the trees of what it comes from and what comes from it; without a node, from every origin down."""
    lines = _overview(graph, unicode) if node is None else _one(graph, node, up=up, down=down, unicode=unicode)
    return "\n".join(lines) + "\n"


def impact_text(graph: LineageGraph, node: Node, *, up: bool, down: bool) -> str:
    """Everything upstream or downstream, nearest first, with the number of steps and the jobs on the way."""
    lines = [printable(node.label)]
    for wanted, step, words in (
        (up, graph.upstream, ("comes from", "comes from nothing that is known")),
        (down, graph.downstream, ("is the origin of", "nothing is known to come from it")),
    ):
        if wanted:
            lines += _impact(graph, graph.reach(node.id, step), words)
    return "\n".join(lines) + "\n"


def _impact(graph: LineageGraph, reached: dict[str, int], words: tuple[str, str]) -> Iterator[str]:
    if not reached:
        yield f"  {words[1]}"
        return
    jobs = sum(graph.nodes[key].kind == "job" for key in reached)
    counts = [_count(len(reached) - jobs, "dataset")] + ([_count(jobs, "other job")] if jobs else [])
    yield f"  {words[0]} {' and '.join(counts)}:"
    for key, steps in sorted(reached.items(), key=lambda item: (item[1], item[0])):
        node = graph.nodes[key]
        kind = "job " if node.kind == "job" else ""
        yield f"  {steps:>3}  {kind}{printable(node.label)}"


def _one(graph: LineageGraph, node: Node, *, up: bool, down: bool, unicode: bool) -> Iterator[str]:
    yield printable(node.label)
    if node.id in graph.incomplete:
        yield f"  may come from more than is shown: {printable(graph.incomplete[node.id])}"
    if up:
        yield from _branch(graph, node, graph.upstream, "comes from", unicode)
    if down:
        yield from _branch(graph, node, graph.downstream, "goes to", unicode)


def _branch(graph: LineageGraph, node: Node, step: Step, title: str, unicode: bool) -> Iterator[str]:
    lines = tree(graph, node.id, step, width=_WIDTH, unicode=unicode)
    yield f"{title}:" if lines else f"{title}: nothing that is known"
    yield from lines


def _overview(graph: LineageGraph, unicode: bool) -> Iterator[str]:
    if not graph.nodes:
        yield "no lineage is known yet: run a job with the lineage plugin first"
    shown: set[str] = set()
    for key in sorted(graph.nodes):
        if not set(graph.upstream(key)) - {key}:
            yield printable(graph.nodes[key].label)
            yield from tree(graph, key, graph.downstream, width=_WIDTH, unicode=unicode)
            shown |= {key, *graph.reach(key, graph.downstream)}
    for key in sorted(graph.nodes.keys() - shown):
        yield printable(graph.nodes[key].label)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
