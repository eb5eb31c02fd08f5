"""The same as Terraform: resources in its language, with nothing of a name's that could mean something there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SPECIAL = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def text(value: str) -> str:
    """A string in quotes; templates (``${``, ``%{``) are literal text."""
    plain = "".join(
        _SPECIAL.get(char, char if char >= " " and char != "\x7f" else f"\\u{ord(char):04x}") for char in value
    )
    return '"' + plain.replace("${", "$${").replace("%{", "%%{") + '"'


def value(of: Any, indent: int = 2) -> str:
    """A value: text, a number, a truth, a list, or a map."""
    if isinstance(of, bool):
        return "true" if of else "false"
    if isinstance(of, (int, float)):
        return json.dumps(of)
    if isinstance(of, str):
        return text(of)
    if isinstance(of, Mapping):
        inner = "".join(f"{' ' * (indent + 2)}{text(key)} = {value(one, indent + 2)}\n" for key, one in of.items())
        return "{\n" + inner + " " * indent + "}"
    return "[" + ", ".join(value(one, indent) for one in of) + "]"


def resource(
    kind: str, name: str, attributes: Mapping[str, Any], blocks: Sequence[tuple[str, Mapping[str, Any]]] = ()
) -> str:
    """A resource, with blocks inside; a block's attribute that is a mapping is a block in it."""
    lines = [f'resource "{kind}" "{identifier(name)}" {{', *_attributes(attributes, 2)]
    for block, inner in blocks:
        lines += ["", *_block(block, inner, 2)]
    return "\n".join([*lines, "}", ""])


def document(providers: Mapping[str, str], resources: Iterable[str]) -> str:
    """A file: the providers that it needs (name to source), and its resources."""
    needed = "\n".join(f"    {name} = {{ source = {text(source)} }}" for name, source in providers.items())
    head = f"terraform {{\n  required_providers {{\n{needed}\n  }}\n}}\n"
    return "\n".join([head, *resources])


def identifier(name: str) -> str:
    """A resource's name: letters, digits, underscores."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    return plain if plain[:1].isalpha() else f"r_{plain}"


def _block(name: str, inner: Mapping[str, Any], indent: int) -> list[str]:
    pad = " " * indent
    own = {key: one for key, one in inner.items() if not isinstance(one, _Block)}
    lines = [f"{pad}{name} {{", *_attributes(own, indent + 2)]
    for key, one in inner.items():
        if isinstance(one, _Block):
            lines += _block(key, one, indent + 2)
    return [*lines, f"{pad}}}"]


def _attributes(attributes: Mapping[str, Any], indent: int) -> list[str]:
    return [f"{' ' * indent}{key} = {value(one, indent)}" for key, one in attributes.items() if one is not None]


class _Block(dict[str, Any]):
    """A mapping that is a block, not a map."""


def block(**attributes: Any) -> Mapping[str, Any]:
    """A block inside a block."""
    return _Block({key: one for key, one in attributes.items() if one is not None})
