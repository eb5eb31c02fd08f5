"""The graph of what was made from what: datasets, the jobs between them, and walks over it.

An edge leads from a dataset to one that was made from it and names the jobs that did so. A job is a node of its own
only where there is no dataset at the other end: it reads what it writes nowhere, or writes what it read from nowhere.

Node ids are ``namespace|name`` for a dataset and ``job:namespace|name`` for a job; a column's will be
``namespace|dataset|column``. The graph is plain data: the walks use no recursion and each edge once, so cycles (a
MERGE reads its own target) and long chains are nothing special.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from hookline.core.errors import HooklineError

NodeKind = Literal["dataset", "column", "job"]
EdgeKind = Literal["DIRECT", "INDIRECT"]


class UnknownNodeError(HooklineError):
    """A name that leads to no node, or to several."""


@dataclass(frozen=True)
class Node:
    """A dataset, a column or a job."""

    kind: NodeKind
    namespace: str
    name: str

    @property
    def id(self) -> str:
        """Unique in the graph."""
        prefix = "job:" if self.kind == "job" else ""
        return f"{prefix}{self.namespace}|{self.name}"

    @property
    def label(self) -> str:
        """For people: a file's path alone, else namespace and name."""
        return (
            self.name if self.namespace == "file" or self.kind == "job" else f"{self.namespace}/{self.name.lstrip('/')}"
        )


@dataclass
class Edge:
    """``target`` was made from ``source``.

    Attributes:
        transformation: how, such as the write's operation.
        jobs: (namespace, name) of the jobs that did it.
        last_seen: when it was last done, ISO 8601.
    """

    source: str
    target: str
    kind: EdgeKind = "DIRECT"
    transformation: str = ""
    jobs: set[tuple[str, str]] = field(default_factory=set)
    last_seen: str = ""


class LineageGraph:
    """Nodes by id, and edges by (source, target).

    Attributes:
        aliases: other names of a node, such as a table's in the catalog, by id.
        incomplete: why a node may come from more than the graph shows, by id.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: dict[tuple[str, str], Edge] = {}
        self.aliases: dict[str, set[str]] = {}
        self.incomplete: dict[str, str] = {}
        self._down: dict[str, list[str]] = {}
        self._up: dict[str, list[str]] = {}

    def add_node(self, node: Node) -> str:
        """Have this node; its id."""
        self.nodes.setdefault(node.id, node)
        return node.id

    def add_edge(
        self, source: Node, target: Node, *, transformation: str = "", job: Node | None = None, at: str = ""
    ) -> None:
        """Have this edge; what is new about one that is there already is added to it."""
        key = (self.add_node(source), self.add_node(target))
        if key not in self.edges:
            self.edges[key] = Edge(*key)
            self._down.setdefault(key[0], []).append(key[1])
            self._up.setdefault(key[1], []).append(key[0])
        edge = self.edges[key]
        if at >= edge.last_seen:
            edge.last_seen, edge.transformation = at, transformation or edge.transformation
        if job:
            edge.jobs.add((job.namespace, job.name))

    def add_work(
        self, job: Node, inputs: Iterable[Node], outputs: Iterable[Node], *, transformation: str = "", at: str = ""
    ) -> None:
        """A job made each output from all inputs."""
        sources, targets = list(inputs), list(outputs)
        for source in sources:
            for target in targets or [job]:
                self.add_edge(source, target, transformation=transformation if targets else "read", job=job, at=at)
        if not sources:
            for target in targets:
                self.add_edge(job, target, transformation=transformation, job=job, at=at)

    def find(self, name: str) -> Node:
        """The node that a person means: by id, label, full name, other name, or the end of its path.

        Raises:
            UnknownNodeError: with what could have been meant.
        """
        if name in self.nodes:
            return self.nodes[name]
        tests: tuple[Callable[[Node], bool], ...] = (
            lambda node: name in self._names(node),
            lambda node: any(f"/{known}".endswith((f"/{name.strip('/')}", f".{name}")) for known in self._names(node)),
        )
        for test in tests:
            found = [node for node in self.nodes.values() if test(node)]
            if len(found) > 1:
                found = [node for node in found if node.kind == "dataset"] or found
            if len(found) == 1:
                return found[0]
            if found:
                raise UnknownNodeError(f"{name!r} may mean {_listed(found)}: give more of the name")
        raise UnknownNodeError(self._nothing_like(name))

    def upstream(self, node_id: str) -> list[str]:
        """The nodes that this one directly comes from."""
        return sorted(self._up.get(node_id, ()))

    def downstream(self, node_id: str) -> list[str]:
        """The nodes that directly come from this one."""
        return sorted(self._down.get(node_id, ()))

    def reach(self, node_id: str, step: Callable[[str], list[str]]) -> dict[str, int]:
        """Everything that can be reached by steps, with the least number of them; not the start itself."""
        distance = {node_id: 0}
        waiting = deque([node_id])
        while waiting:
            before = waiting.popleft()
            for after in step(before):
                if after not in distance:
                    distance[after] = distance[before] + 1
                    waiting.append(after)
        del distance[node_id]
        return distance

    def part(self, node_ids: Iterable[str]) -> LineageGraph:
        """The nodes and the edges between them, as a graph of its own."""
        kept = set(node_ids)
        part = LineageGraph()
        part.nodes = {key: node for key, node in self.nodes.items() if key in kept}
        part.edges = {key: edge for key, edge in self.edges.items() if kept.issuperset(key)}
        part.aliases = {key: names for key, names in self.aliases.items() if key in kept}
        part.incomplete = {key: reason for key, reason in self.incomplete.items() if key in kept}
        for source, target in part.edges:
            part._down.setdefault(source, []).append(target)
            part._up.setdefault(target, []).append(source)
        return part

    def _names(self, node: Node) -> set[str]:
        return {node.label, node.name} | self.aliases.get(node.id, set())

    def _nothing_like(self, name: str) -> str:
        if not self.nodes:
            return "no lineage is known yet: run a job with the lineage plugin first"
        last = name.strip("/").rpartition("/")[2].lower()
        near = [node for node in self.nodes.values() if last and last in node.name.lower()]
        return f"no dataset or job is named {name!r}; " + (
            f"near it: {_listed(near)}" if near else f"known: {_listed(list(self.nodes.values()))}"
        )


def _listed(nodes: list[Node], most: int = 8) -> str:
    labels = sorted(node.label for node in nodes)
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(labels[:most]) + more
