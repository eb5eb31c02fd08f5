"""What is inside a column, read from the name of its type where that is all that is known: ``struct<a:int,b:array<string>>``."""

from __future__ import annotations

from collections.abc import Iterator

from hookline.core.events import Column


def parsed_column(name: str, kind: str) -> Column:
    """A column with what its type's name says is in it."""
    return Column(name, kind, True, parsed_fields(kind))


def parsed_fields(kind: str) -> tuple[Column, ...]:
    """A struct's fields, an array's element, a map's key and value, from the type's name; none where it can't be read."""
    outer, _, rest = kind.partition("<")
    parts = list(split(rest[:-1])) if kind.endswith(">") else []
    if outer == "array" and len(parts) == 1:
        return (parsed_column("_element", parts[0]),)
    if outer == "map" and len(parts) == 2:
        return (parsed_column("key", parts[0]), parsed_column("value", parts[1]))
    if outer == "struct" and all(":" in part for part in parts):
        return tuple(parsed_column(*part.split(":", 1)) for part in parts)
    return ()


def split(text: str) -> Iterator[str]:
    """The parts between the commas that are in no bracket."""
    depth, begin = 0, 0
    for position, sign in enumerate(text):
        depth += (sign in "<(") - (sign in ">)")
        if sign == "," and depth == 0:
            yield text[begin:position]
            begin = position + 1
    if text:
        yield text[begin:]
