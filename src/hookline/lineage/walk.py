"""Everything that a node comes from, or that comes from it, with the way there.

From a dataset the walk goes from dataset to dataset. From a column it goes along columns; and where a column decides on
all rows of a dataset, or nobody knows what became of it (a write without column lineage), it goes on with that whole
dataset: a change would be noticed there, in whichever columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat

from hookline.lineage.graph import Direction, LineageGraph
from hookline.lineage.nodes import Edge, Node

_NOTHING: tuple[int, ...] = ()


@dataclass(frozen=True)
class Reached:
    """A node with the number of steps to it."""

    number: int
    node: Node
    steps: int


class Impact:
    """What a walk has reached, nearest first.

    Attributes:
        graph, start, direction: what was asked.
        steps: the least number of them to every node that is reached, the start itself included.
    """

    def __init__(self, graph: LineageGraph, start: int, direction: Direction, *, direct_only: bool = False) -> None:
        self.graph = graph
        self.start = start
        self.direction: Direction = direction
        self._direct_only = direct_only
        self._by_column = graph.nodes[start].kind == "column"
        self.steps = self._walk()

    def __len__(self) -> int:
        return len(self.steps) - 1

    @cached_property
    def reached(self) -> list[Reached]:
        """Without the start itself."""
        nodes = self.graph.nodes
        ordered = sorted((steps, nodes[number], number) for number, steps in self.steps.items())
        return [Reached(number, node, steps) for steps, node, number in ordered if number != self.start]

    def __iter__(self) -> Iterator[Reached]:
        return iter(self.reached)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many of each kind of node: ``dataset``, ``column``, ``job``."""
        return Counter(self.graph.nodes[number].kind for number in self.steps if number != self.start)

    @property
    def datasets(self) -> list[Node]:
        """The datasets that are reached, or have a column that is."""
        found = {one.node.dataset for one in self.reached if one.node.kind != "job"}
        return sorted(found - {self.graph.nodes[self.start].dataset})

    @property
    def owners(self) -> Mapping[str, list[Node]]:
        """Whom to tell: each owner of a dataset or a job on the way, with what is theirs."""
        graph = self.graph
        found: dict[str, set[Node]] = {}
        things = [(node, graph.told(graph.number(node)).owners) for node in self.datasets]
        things += [(node, graph.job_owners.get((node.namespace, node.name), set())) for node in self._jobs()]
        for node, owners in things:
            for owner in owners:
                found.setdefault(owner, set()).add(node)
        return {owner: sorted(found[owner]) for owner in sorted(found)}

    def path(self, number: int) -> list[Edge]:
        """A shortest way from the start to a node that was reached, in the order of the steps.

        Of several, the one over values (DIRECT) is preferred to one over conditions.
        """
        steps: list[Edge] = []
        while number != self.start:
            steps.append(self._step_to(number))
            number = self._behind(steps[-1], number)
        return steps[::-1]

    def table(self) -> list[dict[str, object]]:
        """One row for each node that was reached, with its way: for people, data frames and JSON."""
        return [
            {
                "steps": one.steps,
                "kind": one.node.kind,
                "namespace": one.node.namespace,
                "dataset": one.node.name,
                "column": one.node.column or None,
                "owners": sorted(self.graph.told(self.graph.owner(one.number)).owners),
                "path": [self.step(edge) for edge in self.path(one.number)],
            }
            for one in self.reached
        ]

    def _repr_html_(self) -> str:
        from hookline.lineage.views import impact_html

        return impact_html(self)

    def step(self, edge: Edge) -> dict[str, object]:
        """One step of a way in words."""
        return {
            "source": self.graph.nodes[edge.source].id,
            "target": self.graph.nodes[edge.target].id,
            "kind": edge.how.kind,
            "transformation": edge.how.transformation,
            "masking": edge.how.masking,
            "note": edge.how.note,
            "jobs": [name for _, name in sorted(edge.jobs)],
        }

    def _walk(self) -> dict[int, int]:
        steps = {self.start: 0}
        frontier: set[int] = {self.start}
        distance = 0
        while frontier:
            distance += 1
            frontier = self._beyond(frontier).difference(steps)
            steps.update(dict.fromkeys(frontier, distance))
        return steps

    def _beyond(self, frontier: Iterable[int]) -> set[int]:
        """The nodes one step on."""
        table = self.graph.edges
        far = table.target if self.direction == "down" else table.source
        if self._direct_only:
            edges = leaving(self.graph, frontier, self.direction, by_column=self._by_column)
            return {far[edge] for edge in edges if self._passable(edge)}
        near = table.after if self.direction == "down" else table.before
        found: set[int] = set().union(*map(near.get, frontier, repeat(_NOTHING)))
        if self._by_column:
            found.update(map(far.__getitem__, _shared(self.graph, frontier, self.direction)))
        return found

    def _step_to(self, number: int) -> Edge:
        table, near = self.graph.edges, self.steps[number] - 1
        back = table.entering(number) if self.direction == "down" else table.out.get(number, _NOTHING)
        behind = table.source if self.direction == "down" else table.target
        fitting = []
        for edge in back:
            before = behind[edge]
            if self.steps.get(before) == near and self._passable(edge):
                fitting.append(edge)
            elif self._by_column and self.graph.nodes[before].kind == "dataset" and self._column_of(before, near):
                fitting += [edge] if self._passable(edge) and self._leads_from_columns(edge) else []
        hows = table.hows
        return self.graph.edge(min(fitting, key=lambda edge: (hows[table.how[edge]][:2], behind[edge])))

    def _passable(self, edge: int) -> bool:
        table = self.graph.edges
        return not self._direct_only or table.hows[table.how[edge]].kind == "DIRECT"

    def _leads_from_columns(self, edge: int) -> bool:
        return self.graph.hides_columns(edge) or (
            self.direction == "up" and self.graph.nodes[self.graph.edges.source[edge]].column != ""
        )

    def _column_of(self, dataset: int, steps: int) -> int | None:
        """A column of the dataset that the walk came by after so many steps."""
        return next((one for one in self.graph.columns.get(dataset, ()) if self.steps.get(one) == steps), None)

    def _behind(self, edge: Edge, number: int) -> int:
        """Where a step came from: the edge's end, or the column for whose sake an edge of its dataset was taken."""
        before = edge.source if self.direction == "down" else edge.target
        if self.steps.get(before) == self.steps[number] - 1:
            return before
        column = self._column_of(before, self.steps[number] - 1)
        return before if column is None else column

    def _jobs(self) -> Iterator[Node]:
        """The jobs that carry out the steps, each once."""
        seen = {self.start, *(one.number for one in self.reached)}
        table = self.graph.edges
        near = table.out if self.direction == "down" else table.into
        sets = {table.jobs[edge] for node in seen for edge in near.get(node, _NOTHING)}
        jobs = {job for number in sets for job in table.job_sets[number]}
        yield from sorted(Node("job", *job) for job in jobs)


def leaving(graph: LineageGraph, frontier: Iterable[int], direction: Direction, *, by_column: bool) -> Iterable[int]:
    """The edges that lead on from any of these nodes; for columns also those of their whole datasets that concern them."""
    near = graph.edges.out if direction == "down" else graph.edges.into
    edges = chain.from_iterable(map(near.get, frontier, repeat(_NOTHING)))
    return chain(edges, _shared(graph, frontier, direction)) if by_column else edges


def _shared(graph: LineageGraph, frontier: Iterable[int], direction: Direction) -> Iterable[int]:
    """The edges that concern whole datasets of which there are columns."""
    shared = graph.shared_edges(direction)
    if not shared:
        return _NOTHING
    datasets = {graph.owner(node) for node in frontier if graph.nodes[node].kind == "column"}
    return chain.from_iterable(map(shared.get, datasets, repeat(_NOTHING)))


def around(graph: LineageGraph, start: int, *, up: bool, down: bool, most: int | None = None) -> LineageGraph:
    """The part of the graph that a node comes from and goes to, at most so many steps away.

    Of a dataset, with all that is known between the columns of the datasets that are reached.
    """
    directions: tuple[tuple[Direction, bool], ...] = (("up", up), ("down", down))
    reached = {start}
    for direction, wanted in directions:
        found = Impact(graph, start, direction).steps if wanted else {}
        reached |= {number for number, steps in found.items() if most is None or steps <= most}
    if graph.nodes[start].kind == "column":
        reached |= {graph.owner(number) for number in reached}
    else:
        reached |= {column for number in reached for column in graph.columns.get(number, ())}
    return graph.part(reached)
