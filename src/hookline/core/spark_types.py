"""Spark's types by their names: what is inside them, and whether one holds all that another one holds."""

from __future__ import annotations

import re

from hookline.core.column_types import parsed_fields
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
    return (column.fields, True) if column.fields else (parsed_fields(column.type), False)


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
