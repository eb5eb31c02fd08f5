"""A table's columns down to their leaves: a struct leads on to its fields, everything else is one leaf, arrays and maps too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hookline.core.events import Column
from hookline.governance.access.names import Names, folded, leads_into, written


class SchemaError(ValueError):
    """A schema of which it can't be told what a name means."""


def leaves(columns: Sequence[Column], above: Names = ()) -> Iterator[tuple[Names, Column]]:
    """Every leaf with its names, in order.

    Raises:
        SchemaError: two names differ in case alone.
    """
    names = [folded(column.name) for column in columns]
    if len(set(names)) < len(names):
        twice = next(column.name for column, name in zip(columns, names, strict=True) if names.count(name) > 1)
        raise SchemaError(
            f"{written((*above, twice))} is there twice, or differs from another column in upper and lower case alone"
        )
    for column in columns:
        own = (*above, column.name)
        if column.fields and column.type.startswith("struct<"):
            yield from leaves(column.fields, own)
        else:
            yield own, column


def under(found: Sequence[tuple[Names, Column]], path: Names) -> list[Names]:
    """The leaves that a path leads to; none when there is no such column."""
    return [names for names, _ in found if leads_into(path, names)]
