"""Terraform's language, formatted as ``terraform fmt`` would, with nothing of a name's that could mean something there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SPECIAL = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
Blocks = Sequence[tuple[str, Mapping[str, Any]]]


class Reference(str):
    """An expression of ours, such as ``aws_glue_catalog_table.t.name``; never anything that a user wrote."""


class Joined(tuple[str, ...]):
    """A text of several parts: texts, and references whose values stand in it."""


def text(value: str) -> str:
    """A string in quotes; templates (``${``, ``%{``) are literal text."""
    return f'"{_inside(value)}"'


def value(of: Any, indent: int = 2) -> str:
    """A value: text, a number, a truth, a list, or a map."""
    if isinstance(of, bool):
        return "true" if of else "false"
    if isinstance(of, (int, float)):
        return json.dumps(of)
    if isinstance(of, Reference):
        return str(of)
    if isinstance(of, Joined):
        return '"' + "".join(f"${{{one}}}" if isinstance(one, Reference) else _inside(one) for one in of) + '"'
    if isinstance(of, str):
        return text(of)
    if isinstance(of, Mapping):
        if not of:
            return "{}"
        inner = _assignments([(text(key), one) for key, one in of.items()], indent + 2)
        return "\n".join(["{", *inner, " " * indent + "}"])
    return "[" + ", ".join(value(one, indent) for one in of) + "]"


def resource(kind: str, name: str, attributes: Mapping[str, Any], blocks: Blocks = ()) -> str:
    """A resource, with blocks inside; a block's attribute that is a block, or a list of blocks, stands in it."""
    return _top(f"resource {text(kind)} {text(identifier(name))}", attributes, blocks)


def data(kind: str, name: str, attributes: Mapping[str, Any], blocks: Blocks = ()) -> str:
    """A data source."""
    return _top(f"data {text(kind)} {text(identifier(name))}", attributes, blocks)


def document(providers: Mapping[str, str], resources: Iterable[str], comments: Iterable[str] = ()) -> str:
    """A file: the providers that it needs (name to source), and its resources."""
    needed = _assignments(
        [(name, Reference(f"{{ source = {text(source)} }}")) for name, source in providers.items()], 4
    )
    head = "\n".join(["terraform {", "  required_providers {", *needed, "  }", "}", ""])
    told = "".join(f"# {line}\n" for line in comments)
    return "\n".join([f"{told}\n{head}" if told else head, *resources])


def identifier(name: str) -> str:
    """A resource's name: letters, digits, underscores."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    return plain if plain[:1].isalpha() else f"r_{plain}"


def block(**attributes: Any) -> Mapping[str, Any]:
    """A block inside a block."""
    return _Block({key: one for key, one in attributes.items() if one is not None})


class _Block(dict[str, Any]):
    """A mapping that is a block, not a map."""


def _inside(of: str) -> str:
    plain = "".join(
        _SPECIAL.get(char, char if char >= " " and char != "\x7f" else f"\\u{ord(char):04x}") for char in of
    )
    return plain.replace("${", "$${").replace("%{", "%%{")


def _top(head: str, attributes: Mapping[str, Any], blocks: Blocks) -> str:
    lines = [f"{head} {{", *_attributes(attributes, 2)]
    for number, (name, inner) in enumerate(blocks):
        if number or len(lines) > 1:
            lines.append("")
        lines += _block(name, inner, 2)
    if len(lines) == 1:
        return f"{head} {{}}\n"
    return "\n".join([*lines, "}", ""])


def _block(name: str, inner: Mapping[str, Any], indent: int) -> list[str]:
    pad = " " * indent
    blocks = {key: one for key, one in inner.items() if _is_block(one)}
    lines = _attributes({key: one for key, one in inner.items() if key not in blocks}, indent + 2)
    for key, one in blocks.items():
        for own in [one] if isinstance(one, _Block) else one:
            if lines:
                lines.append("")
            lines += _block(key, own, indent + 2)
    return [f"{pad}{name} {{", *lines, f"{pad}}}"] if lines else [f"{pad}{name} {{}}"]


def _is_block(one: Any) -> bool:
    return isinstance(one, _Block) or (
        isinstance(one, list) and bool(one) and all(isinstance(own, _Block) for own in one)
    )


def _attributes(attributes: Mapping[str, Any], indent: int) -> list[str]:
    return _assignments([(key, one) for key, one in attributes.items() if one is not None], indent)


def _assignments(pairs: Sequence[tuple[str, Any]], indent: int) -> list[str]:
    """One a line; the signs of those beside each other in one column, unless a value takes several lines."""
    lines: list[str] = []
    run: list[tuple[str, str]] = []

    def close() -> None:
        width = max((len(name) for name, _ in run), default=0)
        lines.extend(f"{' ' * indent}{name:<{width}} = {told}" for name, told in run)
        run.clear()

    for name, one in pairs:
        told = value(one, indent)
        if "\n" in told:
            close()
            lines.append(f"{' ' * indent}{name} = {told}")
        else:
            run.append((name, told))
    close()
    return lines
