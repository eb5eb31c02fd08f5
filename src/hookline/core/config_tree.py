"""A configuration as a tree in which every value knows where it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hookline.core.text import printable


@dataclass(frozen=True)
class Location:
    """Where a key was written. ``line`` counts from 1; 0 means that the place has no lines, such as an option."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Node:
    """A value and the place of its key.

    Attributes:
        value: a scalar, ``dict[str, Node]`` or ``list[Node]``.
        variable: whether an environment variable contributed to the value; such a value is never shown.
    """

    value: Any
    where: Location
    variable: bool = False

    def child(self, part: str | int) -> Node | None:
        """The value under a key or an index; None when there is none."""
        if isinstance(self.value, dict) and isinstance(part, str):
            return self.value.get(part)
        if isinstance(self.value, list) and isinstance(part, int) and 0 <= part < len(self.value):
            found: Node = self.value[part]
            return found
        return None

    def with_child(self, key: str, node: Node) -> Node:
        """The same mapping with one more, or another, value."""
        return Node({**self.value, key: node}, self.where, self.variable)

    def walk(self, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Node]]:
        """This node and all below it, each with its path."""
        yield path, self
        if isinstance(self.value, dict):
            for key, node in self.value.items():
                yield from node.walk((*path, key))
        elif isinstance(self.value, list):
            for index, node in enumerate(self.value):
                yield from node.walk((*path, index))


def plant(value: Any, where: Location) -> Node:
    """A tree from plain values that all come from one place."""
    if isinstance(value, Mapping):
        return Node({str(key): plant(item, where) for key, item in value.items()}, where)
    if isinstance(value, (list, tuple)):
        return Node([plant(item, where) for item in value], where)
    return Node(value, where)


def plain(node: Node) -> Any:
    """The values without their places."""
    if isinstance(node.value, dict):
        return {key: plain(item) for key, item in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def merge(base: Node, over: Node) -> Node:
    """Lay ``over`` on ``base``: mappings merge, everything else replaces; the base's order stays, new keys follow."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    merged = dict(base.value)
    for key, node in over.value.items():
        merged[key] = merge(merged[key], node) if key in merged else node
    return Node(merged, base.where)


def key_path(path: tuple[str | int, ...]) -> str:
    """A path as people write it: ``plugins."shop.hooks:Audit".checks[0].min``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = part and not set(part) & set(".:\"'=[] ")
            shown = printable(part, 200) if bare else f'"{printable(part, 200)}"'
            text += f".{shown}" if text else shown
    return text
