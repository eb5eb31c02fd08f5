"""Kinds of policies: what a file is about. Those about columns that may not be in clear say no kind; the first ones did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from hookline.core.config_tree import Node
from hookline.core.config_yaml import parse
from hookline.core.declared import read_all, read_text
from hookline.core.errors import ConfigError

Kind = Literal["access", "protection"]
MAX_BYTES = 16_000_000


def files_by_kind(patterns: Iterable[str], base_dir: Path) -> dict[Kind, list[str]]:
    """The files that paths or glob patterns name, by what they are about.

    Raises:
        ConfigError: a pattern names no file, or with all files that are no policies.
    """

    def look(path: Path, name: str) -> Iterator[tuple[Kind, str]]:
        yield kind_of(read_tree(path, name)), name

    found, mistakes = read_all("policies", patterns, base_dir, look)
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    kinds: dict[Kind, list[str]] = {"access": [], "protection": []}
    for kind, name in found:
        kinds[kind].append(name)
    return kinds


def read_tree(path: Path, name: str) -> Node:
    """A policy's file as a tree.

    Raises:
        ConfigError: it can't be read, or is no policy.
    """
    root = parse(read_text(path, name, "policy", MAX_BYTES), name)
    if root is None or not isinstance(root.value, dict):
        raise ConfigError(f"{name}: it is no policy; a policy has keys such as name, datasets and rules")
    return root


def kind_of(root: Node) -> Kind:
    """What kind of policy a file's tree is.

    Raises:
        ConfigError: it is of a kind that there is not.
    """
    found = root.child("kind")
    if found is None:
        return "protection"
    if found.value != "access":
        raise ConfigError(f"{found.where}: kind: it should be access, or be left out where columns are protected")
    return "access"
