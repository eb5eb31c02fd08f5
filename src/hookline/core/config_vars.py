"""``${NAME}`` and ``${NAME:-default}`` in values, and ``$${`` for a literal ``${``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hookline.core.config_problems import Path, Problem
from hookline.core.config_tree import Node, key_path

_PIECE = re.compile(r"\$\$\{|\$\{(?P<inner>[^{}]*)\}|\$\{")
_INNER = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)


def expand(node: Node, environ: Mapping[str, str], problems: list[Problem], path: Path = ()) -> Node:
    """Put variables into all strings of a tree. What a variable holds stays text: it is never read as YAML or again.

    Args:
        node: the tree.
        environ: the variables.
        problems: gets what can't be replaced.
        path: the path of ``node``.
    """
    if isinstance(node.value, dict):
        items = {key: expand(item, environ, problems, (*path, key)) for key, item in node.value.items()}
        return Node(items, node.where)
    if isinstance(node.value, list):
        return Node([expand(item, environ, problems, (*path, i)) for i, item in enumerate(node.value)], node.where)
    if not isinstance(node.value, str) or "${" not in node.value:
        return node
    return _expand_text(node, environ, problems, path)


def _expand_text(node: Node, environ: Mapping[str, str], problems: list[Problem], path: Path) -> Node:
    used = False

    def replace(match: re.Match[str]) -> str:
        nonlocal used
        if match[0] == "$${":
            return "${"
        used = True
        value, problem = _lookup(match["inner"], environ)
        if problem:
            problems.append(Problem(node.where, key_path(path), problem))
        return value

    text = _PIECE.sub(replace, node.value)
    return Node(text, node.where, variable=used)


def _lookup(inner: str | None, environ: Mapping[str, str]) -> tuple[str, str]:
    """The value, and what is wrong."""
    match = _INNER.fullmatch(inner) if inner is not None else None
    if match is None:
        return "", "malformed ${…}; write ${NAME} or ${NAME:-default} without braces inside, and $${ for a literal ${"
    name, default = match["name"], match["default"]
    if default is not None:
        return environ.get(name) or default, ""
    if name not in environ:
        return "", f"the environment variable {name} is not set; set it, or give a default: ${{{name}:-…}}"
    return environ[name], ""
