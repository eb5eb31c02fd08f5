"""The graph of what was made from what: datasets and their columns, the jobs that did it, and walks over it.

An edge leads from a dataset to one that was made from it and names the jobs that did so; beneath it, edges lead from
column to column, and from a column that decides on rows (a filter, a join's condition) to the dataset as a whole. A job is
a node of its own only where there is no dataset at the other end: it reads what it writes nowhere, or writes what it read
from nowhere.

Nodes and edges are numbered and kept in arrays, so that a million edges fit into a few hundred megabytes; walks use no
recursion and look at each edge once. The public form of a graph, networkx's, is a view of this one: see ``networked``.
"""

from __future__ import annotations

import sys
import types
from array import array
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from hookline.lineage.edges import EdgeTable
from hookline.lineage.nodes import About, Edge, How, Node

if TYPE_CHECKING:
    from hookline.lineage.names import Names

Direction = Literal["up", "down"]
__all__ = ["Direction", "Edge", "How", "LineageGraph", "Node"]


class LineageGraph:
    """Numbered nodes and the edges between them.

    Attributes:
        nodes: by number.
        edges: arrays, by the edge's number.
        columns: of a dataset, in the order of its schema as far as known.
        about: what else is known of a node.
        job_owners: by the job's (namespace, name).
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges = EdgeTable()
        self.columns: dict[int, list[int]] = {}
        self.about: dict[int, About] = {}
        self.job_owners: dict[tuple[str, str], set[str]] = {}
        self._numbers: dict[Node, int] = {}
        self._owners = array("i")
        self._names: tuple[int, Names] | None = None  # of a graph with so many nodes
        self._shared: dict[Direction, tuple[tuple[int, int], dict[int, list[int]]]] = {}  # of that state

    def __len__(self) -> int:
        return len(self.nodes)

    def __contains__(self, node: Node) -> bool:
        return node in self._numbers

    def add(self, node: Node) -> int:
        """Have this node; its number. A column's dataset comes with it."""
        number = self._numbers.get(node)
        if number is not None:
            return number
        dataset = self.add(node.dataset) if node.kind == "column" else None
        number = self._numbers[node] = len(self.nodes)
        self.nodes.append(node)
        self._owners.append(number if dataset is None else dataset)
        if dataset is not None:
            self.columns.setdefault(dataset, []).append(number)
        return number

    def number(self, node: Node) -> int:
        """A node's number.

        Raises:
            KeyError: it is not in the graph.
        """
        return self._numbers[node]

    def owner(self, number: int) -> int:
        """The number of a column's dataset; any other node's own."""
        return self._owners[number]

    def know(self, number: int) -> About:
        """What is known of a node, to add to it."""
        return self.about.setdefault(number, About())

    def told(self, number: int) -> About:
        """What is known of a node, to read."""
        return self.about.get(number) or About()

    def link(
        self,
        source: Node,
        target: Node,
        how: How,
        *,
        jobs: Iterable[tuple[str, str]] = (),
        run: str = "",
        first: float = 0.0,
        last: float = 0.0,
        vague: bool = False,
    ) -> None:
        """Have an edge. Loaders of many edges talk to ``edges`` themselves."""
        numbers = (
            self.edges.number_of_how(how),
            self.edges.number_of_jobs(frozenset(jobs)),
            self.edges.number_of_run(run),
        )
        ends = self.add(source), self.add(target)
        if source.kind == "column":
            self.edges.put(*ends, *numbers, first, last, rows=target.kind != "column")
        else:
            self.edges.put_whole(*ends, *numbers, first, last, vague=vague)

    def find(self, name: str) -> int:
        """The number of the node that a person means: see ``Names``.

        Raises:
            UnknownNodeError: with what could have been meant.
        """
        from hookline.lineage.names import Names

        if self._names is None or self._names[0] != len(self):
            self._names = len(self), Names(self)
        return self._names[1].find(name)

    def edge(self, number: int) -> Edge:
        """One edge with all that is known of it."""
        table = self.edges
        return Edge(
            number,
            table.source[number],
            table.target[number],
            table.hows[table.how[number]],
            table.job_sets[table.jobs[number]],
            table.runs[table.run[number]],
            table.first[number],
            table.last[number],
            bool(table.vague[number]),
        )

    def hides_columns(self, edge: int) -> bool:
        """Whether columns may go along this edge of datasets unseen; along one to a job they always do."""
        ends = self.nodes[self.edges.source[edge]].kind, self.nodes[self.edges.target[edge]].kind
        return bool(self.edges.vague[edge]) or "job" in ends

    def shared_edges(self, direction: Direction) -> dict[int, list[int]]:
        """By dataset, the edges that concern each of its columns without leaving or entering one.

        They are those that hide columns; and those from columns that decide on all of its rows, on the way up.
        """
        kept = self._shared.get(direction)
        if kept is not None and kept[0] == self.edges.state:
            return kept[1]
        found: dict[int, list[int]] = (
            {} if direction == "down" else {key: [*rows] for key, rows in self.edges.rows.items()}
        )
        near = self.edges.out if direction == "down" else self.edges.into
        for dataset in self.columns:
            hiding = [edge for edge in near.get(dataset, ()) if self.hides_columns(edge)]
            if hiding:
                found.setdefault(dataset, []).extend(hiding)
        self._shared[direction] = self.edges.state, found
        return found

    def datasets(self) -> Iterator[int]:
        """The numbers of all datasets."""
        return (number for number, node in enumerate(self.nodes) if node.kind == "dataset")

    def jobs(self) -> set[tuple[str, str]]:
        """(namespace, name) of every job that made an edge."""
        return {job for jobs in self.edges.job_sets for job in jobs}

    def part(self, kept: Iterable[int], *, edges: Iterable[int] | None = None) -> LineageGraph:
        """Some nodes, or the ends of some edges, and the edges between them, as a graph of its own."""
        table, part = self.edges, LineageGraph()
        part.job_owners = self.job_owners
        numbers = set(kept)
        for number in sorted(numbers):
            self._copy(number, part)
        for number in table if edges is None else edges:
            if table.source[number] in numbers and table.target[number] in numbers:
                one = self.edge(number)
                ends = self.nodes[one.source], self.nodes[one.target]
                seen = one.first_seen, one.last_seen
                part.link(*ends, one.how, jobs=one.jobs, run=one.run, first=seen[0], last=seen[1], vague=one.vague)
        return part

    def _copy(self, number: int, part: LineageGraph) -> None:
        own = part.add(self.nodes[number])
        if number in self.about:
            part.about[own] = self.about[number]


class _Graphs(types.ModuleType):
    """This module is also what ``hookline.lineage.graph(…)`` calls: the function and the module have one name."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        from hookline.lineage.sources import graph

        return graph(*args, **options)


sys.modules[__name__].__class__ = _Graphs
