"""What the store knows of the ways between columns, as an erasure asks for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from hookline.core.events import Dataset
from hookline.governance.erasure.places import Held
from hookline.lineage.nodes import Node

if TYPE_CHECKING:
    from hookline.core.config import Config
    from hookline.core.store import Store
    from hookline.lineage.graph import LineageGraph

Name = tuple[str, str]
_MOST = 100_000


def flow_of(store: Store, config: Config) -> StoredFlow:
    """What a store knows.

    Raises:
        StoreError: it can't be read.
    """
    from hookline.core.store.browse.datasets import all_datasets
    from hookline.lineage.sources import of_lineage

    graph = of_lineage(store.lineage(), config)
    with store.reading() as connection:
        formats = {(one.namespace, one.name): one.format for one in all_datasets(connection, _MOST)}
    beside: dict[Name, set[Name]] = {}
    for one in store.quarantines(_MOST):
        beside.setdefault(one.dataset, set()).add(one.quarantine)
    return StoredFlow(graph, formats, beside)


class StoredFlow:
    """A graph of lineage as ``Flow``.

    Args:
        formats: by namespace and name, what datasets were last written in.
        beside: where their rows were set aside.
    """

    def __init__(
        self, graph: LineageGraph, formats: Mapping[Name, str | None], beside: Mapping[Name, set[Name]]
    ) -> None:
        self._graph = graph
        self._formats = formats
        self._beside = beside

    def datasets(self) -> Iterator[Dataset]:
        """See ``Flow``."""
        for number in self._graph.datasets():
            yield self._dataset(number)

    def beside(self, dataset: Dataset) -> Iterable[Dataset]:
        """See ``Flow``."""
        names = sorted(self._beside.get((dataset.namespace, dataset.name), ()))
        return [Dataset(*name, format="parquet") for name in names]

    def holding(self, dataset: Dataset, column: str) -> Iterator[Held]:
        """Up to where the values came from, and from there down to all that was made of them."""
        start = self._column(dataset, column)
        if start is None:
            yield from self._all_after(dataset)
            return
        reached = self._walk(self._walk({start: True}, up=True), up=False)
        hidden: set[int] = set()
        for number, exact in reached.items():
            owner = self._graph.owner(number)
            yield Held(self._dataset(owner), self._graph.nodes[number].column, exact)
            hidden |= self._hidden_beside(owner)
        for number in sorted(self._after(hidden)):
            yield Held(self._dataset(number), None, False)

    def of_unknown_origin(self) -> Iterator[Dataset]:
        """See ``Flow``."""
        for number in self._graph.datasets():
            # From nowhere but a job.
            sources = {self._graph.edges.source[edge] for edge in self._graph.edges.into.get(number, ())}
            known = any(self._graph.nodes[source].kind == "dataset" for source in sources)
            if self._graph.told(number).incomplete and not known:
                yield self._dataset(number)

    def sources(self, dataset: Dataset) -> list[str]:
        """The datasets that it was made from."""
        return self._next(dataset, up=True)

    def recipients(self, dataset: Dataset) -> list[str]:
        """The datasets that were made from it, and the jobs that read it."""
        return self._next(dataset, up=False)

    def _next(self, dataset: Dataset, *, up: bool) -> list[str]:
        node = Node("dataset", dataset.namespace, dataset.name)
        if node not in self._graph:
            return []
        table, number = self._graph.edges, self._graph.number(node)
        edges = table.into.get(number, ()) if up else table.out.get(number, ())
        ends = {self._graph.nodes[table.source[edge] if up else table.target[edge]] for edge in edges} - {node}
        found = {end.label if end.kind == "dataset" else f"job {end.name}" for end in ends if end.kind != "column"}
        if not up:
            found |= {f"job {name}" for edge in edges for _, name in self._graph.edge(edge).jobs}
        return sorted(found)

    def _walk(self, start: Mapping[int, bool], *, up: bool) -> dict[int, bool]:
        """All columns that are reached, and whether the values came there unchanged or masked."""
        table, found = self._graph.edges, dict(start)
        waiting = deque(start)
        while waiting:
            number = waiting.popleft()
            for edge in table.into.get(number, ()) if up else table.out.get(number, ()):
                how = table.hows[table.how[edge]]
                other = table.source[edge] if up else table.target[edge]
                carries = how.kind == "DIRECT" and how.transformation != "AGGREGATION"
                if not carries or self._graph.nodes[other].kind != "column":
                    continue
                exact = found[number] and (how.transformation == "IDENTITY" or how.masking)
                if other not in found or (exact and not found[other]):
                    found[other] = exact
                    waiting.append(other)
        return found

    def _column(self, dataset: Dataset, column: str) -> int | None:
        node = Node("column", dataset.namespace, dataset.name, column)
        if node in self._graph:
            return self._graph.number(node)
        if node.dataset not in self._graph:
            return None
        columns = self._graph.columns.get(self._graph.number(node.dataset), ())
        return next((one for one in columns if self._graph.nodes[one].column.lower() == column.lower()), None)

    def _hidden_beside(self, dataset: int) -> set[int]:
        """The datasets that were made from it, or it from, and nobody knows which columns from which."""
        table = self._graph.edges
        ends = [(edge, table.target[edge]) for edge in table.out.get(dataset, ())]
        ends += [(edge, table.source[edge]) for edge in table.into.get(dataset, ())]
        return {
            end
            for edge, end in ends
            if self._graph.nodes[end].kind == "dataset" and end != dataset and self._graph.hides_columns(edge)
        }

    def _after(self, start: Iterable[int]) -> set[int]:
        """Some datasets and all that was made from them."""
        table, found = self._graph.edges, set(start)
        waiting = deque(found)
        while waiting:
            for edge in table.out.get(waiting.popleft(), ()):
                end = table.target[edge]
                if self._graph.nodes[end].kind == "dataset" and end not in found:
                    found.add(end)
                    waiting.append(end)
        return found

    def _all_after(self, dataset: Dataset) -> Iterator[Held]:
        """The column is not known: whatever was made from the dataset may have it."""
        node = Node("dataset", dataset.namespace, dataset.name)
        if node in self._graph:
            own = self._graph.number(node)
            for number in sorted(self._after([own]) - {own}):
                yield Held(self._dataset(number), None, False)

    def _dataset(self, number: int) -> Dataset:
        node = self._graph.nodes[number]
        name = (node.namespace, node.name)
        aliases = tuple(("", alias) for alias in sorted(self._graph.told(number).aliases))
        return Dataset(*name, format=self._formats.get(name), symlinks=aliases)
