"""Spark's types as Hive writes them, which Glue and Athena read."""

from __future__ import annotations

import re

from hookline.core.events import Column
from hookline.core.spark_types import inside

_PLAIN = frozenset(
    {"tinyint", "smallint", "int", "bigint", "float", "double", "boolean", "string", "binary", "date", "timestamp"}
)
_SIZED = re.compile(r"(?:decimal\(\d+,\d+\)|(?:var)?char\(\d+\))")
# What would end a field's name inside of a type, or begin another one.
_MEANS_SOMETHING = re.compile(r"[<>:,()`\s\x00-\x1f]")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\ud800-\udfff]")


def hive_type(column: Column) -> str:
    """The type of a column. Hive has no names with signs of its own inside of types: they become underscores."""
    held, _ = inside(column)
    outer = column.type.partition("<")[0]
    if outer == "struct":
        return f"struct<{','.join(f'{_field(one.name)}:{hive_type(one)}' for one in held)}>"
    if outer == "array" and held:
        return f"array<{hive_type(held[0])}>"
    if outer == "map" and len(held) == 2:
        return f"map<{hive_type(held[0])},{hive_type(held[1])}>"
    if column.type in _PLAIN or _SIZED.fullmatch(column.type):
        return column.type
    return "timestamp" if column.type == "timestamp_ntz" else "string"


def column_name(name: str) -> str:
    """A column's name as Glue takes it: in lower case, without what it refuses."""
    return _CONTROL.sub("_", name).lower()[:255]


def text(value: str, longest: int) -> str:
    """A text for a description or a parameter, of a length that Glue takes."""
    plain = _CONTROL.sub(" ", value)
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def _field(name: str) -> str:
    return _MEANS_SOMETHING.sub("_", _CONTROL.sub("_", name)).lower() or "_"
