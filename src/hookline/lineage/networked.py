"""A lineage graph in networkx's clothes, that draws itself.

``Lineage`` is a ``MultiDiGraph`` whose nodes and edges are looked up in the arrays of a ``LineageGraph`` when somebody
asks for them: all of networkx's algorithms work, and a million edges do not become a million dictionaries. It can't be
changed; ``copy()`` gives a common ``MultiDiGraph`` that can.

Nodes are ids (``namespace|dataset``, ``namespace|dataset|column``, ``job:namespace|job``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import networkx

from hookline.core.errors import HooklineError
from hookline.lineage.attributes import Attributes, edge_attributes, node_attributes, rebuilt
from hookline.lineage.graph import LineageGraph
from hookline.lineage.nodes import Node
from hookline.lineage.reports import Difference, Orphans, cycles, difference, orphans
from hookline.lineage.walk import Impact, around


class Lineage(networkx.MultiDiGraph):  # type: ignore[misc]
    """What was made from what. Made by ``hookline.lineage.graph``."""

    @classmethod
    def of(cls, inner: LineageGraph) -> Lineage:
        """The public form of a graph."""
        made: Lineage = networkx.freeze(cls())
        made.__dict__["inner"] = inner
        ids = _Ids(inner)
        made._node = _Nodes(ids)
        made._adj = made._succ = _Ends(ids, forward=True)
        made._pred = _Ends(ids, forward=False)
        return made

    @cached_property
    def inner(self) -> LineageGraph:
        """The graph behind this one. Of a part that networkx made, such as a sub-graph, it is made when asked for."""
        return rebuilt(self)

    def copy(self, as_view: bool = False) -> Any:
        """A common ``MultiDiGraph`` of the same nodes and edges, which can be changed."""
        if as_view:
            return networkx.graphviews.generic_graph_view(self)
        made: Any = networkx.MultiDiGraph()
        made.add_nodes_from(self.nodes(data=True))
        made.add_edges_from(self.edges(keys=True, data=True))
        return made

    def to_directed_class(self) -> Any:
        """What networkx makes copies of."""
        return networkx.MultiDiGraph

    def size(self, weight: str | None = None) -> Any:
        """The number of edges, or the sum of an attribute of theirs."""
        return len(self.inner.edges) if weight is None else super().size(weight)

    def find(self, name: str) -> str:
        """The id of the node that a name means: a dataset, ``DATASET.COLUMN`` or a job; the end of a name will do.

        Raises:
            HooklineError: it leads to no node, or to several.
        """
        return self.inner.nodes[self.inner.find(name)].id

    def impact(self, name: str, *, up: bool = False, direct_only: bool = False) -> Impact:
        """Everything that comes from this dataset or column, with the way there.

        Args:
            up: what it comes from, instead.
            direct_only: along values, not along conditions on them (joins, filters, groups).
        """
        return Impact(self.inner, self.inner.find(name), "up" if up else "down", direct_only=direct_only)

    def focus(self, name: str, *, up: bool = True, down: bool = True, steps: int | None = None) -> Lineage:
        """The part around a dataset or a column, at most so many steps away."""
        return Lineage.of(around(self.inner, self.inner.find(name), up=up, down=down, most=steps))

    def orphans(self) -> Orphans:
        """Datasets that nothing is made from, and datasets that nobody writes."""
        return orphans(self.inner)

    def cycles(self, *, of_columns: bool = False) -> list[list[Node]]:
        """Groups of datasets (or columns) that come from one another, or from themselves."""
        return cycles(self.inner, of_columns=of_columns)

    def diff(self, later: Lineage) -> Difference:
        """What a later graph has that this one has not, and the other way round."""
        return difference(self.inner, later.inner)

    def export(self, form: str, out: str | Path | None = None) -> str:
        """The graph as ``json``, ``mermaid``, ``dot``, ``svg``, ``html`` or ``openlineage``; also into a file.

        Raises:
            HooklineError: there is no such format, or the file can't be written.
        """
        from hookline.lineage.export import export

        text = export(self.inner, form)
        if out is not None:
            try:
                Path(out).write_text(text, encoding="utf-8")
            except OSError as error:
                raise HooklineError(f"{out} can't be written: {error.strerror}") from error
        return text

    def _repr_html_(self) -> str:
        from hookline.lineage.picture import frame

        return frame(self.inner)

    def __str__(self) -> str:
        kinds = [sum(node.kind == kind for node in self.inner.nodes) for kind in ("dataset", "column", "job")]
        return f"Lineage of {kinds[0]} datasets and {kinds[1]} columns, {len(self.inner.edges)} edges"

    __repr__ = __str__


class _Ids:
    """Ids of nodes and their numbers."""

    def __init__(self, graph: LineageGraph) -> None:
        self.graph = graph

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {node.id: number for number, node in enumerate(self.graph.nodes)}

    def __getitem__(self, number: int) -> str:
        return self.graph.nodes[number].id


class _Nodes(Mapping[str, Attributes]):
    """Each node with what is known of it."""

    def __init__(self, ids: _Ids) -> None:
        self._ids = ids

    def __len__(self) -> int:
        return len(self._ids.graph)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids.numbers)

    def __contains__(self, key: object) -> bool:
        return key in self._ids.numbers

    def __getitem__(self, key: str) -> Attributes:
        return node_attributes(self._ids.graph, self._ids.numbers[key])


class _Ends(Mapping[str, "_Beside"]):
    """The nodes beside each node, in one direction."""

    def __init__(self, ids: _Ids, *, forward: bool) -> None:
        self._ids = ids
        self._forward = forward

    def __len__(self) -> int:
        return len(self._ids.graph)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids.numbers)

    def __contains__(self, key: object) -> bool:
        return key in self._ids.numbers

    def __getitem__(self, key: str) -> _Beside:
        table, number = self._ids.graph.edges, self._ids.numbers[key]
        edges = table.out.get(number, ()) if self._forward else table.entering(number)
        far = table.target if self._forward else table.source
        beside: dict[str, list[int]] = {}
        for edge in edges:
            beside.setdefault(self._ids[far[edge]], []).append(edge)
        return _Beside(self._ids.graph, beside)


class _Beside(Mapping[str, "_Keyed"]):
    """The nodes beside one node, each with its edges."""

    def __init__(self, graph: LineageGraph, beside: dict[str, list[int]]) -> None:
        self._graph = graph
        self._beside = beside

    def __len__(self) -> int:
        return len(self._beside)

    def __iter__(self) -> Iterator[str]:
        return iter(self._beside)

    def __contains__(self, key: object) -> bool:
        return key in self._beside

    def __getitem__(self, key: str) -> _Keyed:
        return _Keyed(self._graph, self._beside[key])


class _Keyed(Mapping[int, Attributes]):
    """The edges between two nodes, by number."""

    def __init__(self, graph: LineageGraph, edges: list[int]) -> None:
        self._graph = graph
        self._edges = edges

    def __len__(self) -> int:
        return len(self._edges)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self._edges)))

    def __getitem__(self, key: int) -> Attributes:
        if not 0 <= key < len(self._edges):
            raise KeyError(key)
        return edge_attributes(self._graph.edge(self._edges[key]))
