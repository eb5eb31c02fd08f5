"""Spark's types by their names: what is inside them, and whether one holds all that another one holds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hookline.core.events import Column

_INTEGERS = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}
_FLOATS = {"float": 1, "double": 2}
# The integers whose every value a float has.
_EXACT = {"float": ("tinyint", "smallint"), "double": ("tinyint", "smallint", "int")}
_DATES = {"date": 1, "timestamp_ntz": 2, "timestamp": 2}
_TEXT = re.compile(r"(char|varchar)\((\d+)\)")
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


def inside(column: Column) -> tuple[tuple[Column, ...], bool]:
    """What a column holds, and whether it is known which of that may be null: an older version kept the type's name only."""
    return (column.fields, True) if column.fields else (_parsed(column.type), False)


def holds(wider: str, other: str) -> bool:
    """Whether every value of ``other`` is one of ``wider``, so that nothing is lost."""
    if wider == other:
        return True
    if other in _INTEGERS:
        digits = _digits(wider)
        return (
            _INTEGERS.get(wider, 0) > _INTEGERS[other]
            or other in _EXACT.get(wider, ())
            or (digits is not None and digits[0] >= _INTEGERS[other])
        )
    if other in _FLOATS:
        return _FLOATS.get(wider, 0) > _FLOATS[other]
    if other == "date":
        return _DATES.get(wider, 0) > 1
    before, after = _digits(other), _digits(wider)
    if before and after:
        return after[0] >= before[0] and after[1] >= before[1]
    return _length(wider) > _length(other) > 0


def _digits(kind: str) -> tuple[int, int] | None:
    """A decimal's digits before and behind the point."""
    found = _DECIMAL.fullmatch(kind)
    return None if found is None else (int(found[1]) - int(found[2]), int(found[2]))


def _length(kind: str) -> float:
    found = _TEXT.fullmatch(kind)
    return float("inf") if kind == "string" else 0 if found is None else int(found[2])


def _parsed(kind: str) -> tuple[Column, ...]:
    """A struct's fields, an array's element, a map's key and value, from the type's name; none where it can't be read."""
    outer, _, rest = kind.partition("<")
    parts = list(_split(rest[:-1])) if kind.endswith(">") else []
    if outer == "array" and len(parts) == 1:
        return (_column("_element", parts[0]),)
    if outer == "map" and len(parts) == 2:
        return (_column("key", parts[0]), _column("value", parts[1]))
    if outer == "struct" and all(":" in part for part in parts):
        return tuple(_column(*part.split(":", 1)) for part in parts)
    return ()


def _column(name: str, kind: str) -> Column:
    return Column(name, kind, True, _parsed(kind))


def _split(text: str) -> Iterator[str]:
    """The parts between the commas that are in no bracket."""
    depth, begin = 0, 0
    for position, sign in enumerate(text):
        depth += (sign in "<(") - (sign in ">)")
        if sign == "," and depth == 0:
            yield text[begin:position]
            begin = position + 1
    if text:
        yield text[begin:]
