"""From what a person types to the node that is meant."""

from __future__ import annotations

from functools import cached_property

from hookline.core.errors import HooklineError
from hookline.core.text import printable, shorten
from hookline.lineage.graph import LineageGraph
from hookline.lineage.nodes import Node

_LISTED = 8


class UnknownNodeError(HooklineError):
    """A name that leads to no node, or to several."""


class Names:
    """The names of a graph's nodes, to look them up.

    A dataset is named by its id, by namespace and name, by its name alone, by another name of it, or by the end of any of
    these after a slash or a dot. A column follows after one more dot. Names may hold dots of their own: what is a
    dataset as a whole is meant as a dataset; otherwise the longest beginning that is a dataset which has the rest as
    a column.
    """

    def __init__(self, graph: LineageGraph) -> None:
        self._graph = graph

    def find(self, name: str) -> int:
        """The number of the node that is meant.

        Raises:
            UnknownNodeError: with what could have been meant.
        """
        found = self._named(name) or self._columns(name)
        if len(found) == 1:
            return found[0]
        if found:
            raise UnknownNodeError(f"{_quoted(name)} may mean {self._listed(found)}: give more of the name")
        raise UnknownNodeError(self._nothing_like(name))

    def _named(self, name: str) -> list[int]:
        """Datasets, else jobs: by a whole name, else by the end of one."""
        if name in self._ids:
            return [self._ids[name]]
        for found in (self._whole.get(name, []), self._ending(name)):
            datasets = [number for number in found if self._graph.nodes[number].kind == "dataset"]
            if found:
                return sorted(set(datasets or found))
        return []

    def _ending(self, name: str) -> list[int]:
        ends = (f"/{name.strip('/')}", f".{name}")
        return [number for known, numbers in self._whole.items() if f"/{known}".endswith(ends) for number in numbers]

    def _columns(self, name: str) -> list[int]:
        """Columns, by the longest name of a dataset in front of a bar (as in ids) or a dot."""
        for place in reversed([place for place, char in enumerate(name) if char in ".|"]):
            column = name[place + 1 :]
            if column not in self._column_names:
                continue
            having = [
                Node("column", node.namespace, node.name, column)
                for node in (self._graph.nodes[number] for number in self._named(name[:place]))
                if node.kind == "dataset"
            ]
            known = [self._graph.number(node) for node in having if node in self._graph]
            if known:
                return known
        return []

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {node.id: number for number, node in enumerate(self._graph.nodes) if node.kind != "column"}

    @cached_property
    def _column_names(self) -> set[str]:
        return {node.column for node in self._graph.nodes if node.kind == "column"}

    @cached_property
    def _whole(self) -> dict[str, list[int]]:
        names: dict[str, list[int]] = {}
        for number in self._ids.values():
            node = self._graph.nodes[number]
            for name in {node.label, node.name, *self._graph.told(number).aliases}:
                names.setdefault(name, []).append(number)
        return names

    def _nothing_like(self, name: str) -> str:
        if not self._graph.nodes:
            return "no lineage is known yet: run a job with `hookline run` first"
        dataset, columns = self._columns_beside(name)
        if dataset:
            return f"{dataset} has no column {_quoted(name.rpartition('.')[2])}; " + (
                f"known: {', '.join(columns)}" if columns else "none of its columns is known"
            )
        last = name.strip("/").rpartition("/")[2].lower()
        ids = [*self._ids.values()]
        near = [number for number in ids if last and last in self._graph.nodes[number].name.lower()]
        return f"no dataset or job is named {_quoted(name)}; " + (
            f"near it: {self._listed(near)}" if near else f"known: {self._listed(ids)}"
        )

    def _columns_beside(self, name: str) -> tuple[str, list[str]]:
        """The one dataset that a name begins with, and some of its columns."""
        for place in [place for place, char in enumerate(name) if char == "."][: -_LISTED - 1 : -1]:
            found = self._named(name[:place])
            if len(found) == 1 and self._graph.nodes[found[0]].kind == "dataset":
                columns = [self._graph.nodes[one].column for one in self._graph.columns.get(found[0], ())]
                return _shown(self._graph.nodes[found[0]].label), [_shown(one) for one in columns[:_LISTED]]
        return "", []

    def _listed(self, numbers: list[int]) -> str:
        labels = sorted({_shown(self._graph.nodes[number].label) for number in numbers})
        more = f" and {len(labels) - _LISTED} more" if len(labels) > _LISTED else ""
        return ", ".join(labels[:_LISTED]) + more


def _shown(text: str) -> str:
    return shorten(printable(text), 120)


def _quoted(text: str) -> str:
    return repr(_shown(text))
