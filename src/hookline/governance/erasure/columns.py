"""A column of Spark's frames by its name, also in structs."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from hookline.core.errors import ProtectionError
from hookline.core.text import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from hookline.governance.erasure.matching import Matcher

Names = tuple[str, ...]


def place_of(frame: DataFrame, column: str, *, cut: bool = False) -> tuple[Names, Any]:
    """The way to a column through structs, and its type.

    Args:
        cut: end at an array or a map on the way, instead of refusing it.

    Raises:
        ProtectionError: it is not there, or in an array or a map.
    """
    parts, found = column.split("."), Names()
    current: Any = frame.schema
    while parts:
        if current.typeName() != "struct":
            if cut:
                break
            raise ProtectionError(
                f"the column {column!r} is in an array or a map, where it does not say whose row it is"
            )
        names = {name.lower(): name for name in current.names}
        size = next((size for size in range(len(parts), 0, -1) if ".".join(parts[:size]).lower() in names), 0)
        if not size:
            raise ProtectionError(f"it has no column {column!r} that could be looked at")
        name = names[".".join(parts[:size]).lower()]
        found, current, parts = (*found, name), current[name].dataType, parts[size:]
    return found, current


def meant(frame: DataFrame, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Column:
    """True for the rows that are meant.

    Args:
        columns: only rows in which one of these is not null.

    Raises:
        ProtectionError: there is no such column, or not of such a type.
    """
    names, kind = place_of(frame, column)
    told = matcher.spark(column_at(names), kind)
    full = [column_at(place_of(frame, name, cut=True)[0]).isNotNull() for name in columns]
    return told & reduce(or_, full) if full else told


def column_at(names: Names) -> Column:
    """The column, of whichever frame it is asked of."""
    from pyspark.sql import functions as F

    name = ".".join(map(quoted, names))
    return F.col(name)
