"""Columns inside of columns: ``address.city`` is a field, ``items[].price`` that field of every element of an array."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hookline.core.column_types import split
from hookline.core.events import Column

ELEMENTS = "[]"
_STEP = re.compile(r"([^.\[\]]+)((?:\[\])*)")


@dataclass(frozen=True)
class Part(Column):
    """A field of a column, or of an array's elements, whose type it has.

    Attributes:
        steps: the column's name, then names of fields as they are spelt in the data, and ``[]`` for "of every element".
    """

    steps: tuple[str, ...] = ()

    @property
    def repeated(self) -> bool:
        """Whether a row holds any number of values of it."""
        return ELEMENTS in self.steps

    def levels(self) -> list[tuple[str, ...]]:
        """The steps between the arrays: ``a.b[].c`` is ``a``, ``b`` and then ``c``."""
        levels: list[tuple[str, ...]] = [()]
        for step in self.steps:
            if step == ELEMENTS:
                levels.append(())
            else:
                levels[-1] += (step,)
        return levels


def is_repeated(column: Column) -> bool:
    """Whether the column stands for all elements of an array."""
    return isinstance(column, Part) and column.repeated


def top_of(column: Column) -> str:
    """The name of the column that this is, or is a part of."""
    return column.steps[0] if isinstance(column, Part) else column.name


def steps_of(path: str) -> list[str] | None:
    """The steps of a path, or None when it is none."""
    steps: list[str] = []
    for piece in path.split("."):
        match = _STEP.fullmatch(piece)
        if match is None:
            return None
        steps += [match[1], *[ELEMENTS] * (len(match[2]) // 2)]
    return steps if len(steps) > 1 else None


def fields_of(type_name: str) -> dict[str, str]:
    """The fields of a struct's simple type string, with their types; none for another type."""
    if not (type_name.startswith("struct<") and type_name.endswith(">")):
        return {}
    pairs = (field.partition(":") for field in split(type_name[7:-1]))
    return {name: kind for name, _, kind in pairs}


def element_of(type_name: str) -> str | None:
    """The type of an array's elements; None for another type."""
    return type_name[6:-1] if type_name.startswith("array<") and type_name.endswith(">") else None
