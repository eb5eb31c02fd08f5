"""Spark's data types as its plans' JSON has them: the names of a struct's fields, and which casts lose nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_INTEGERS = ("byte", "short", "integer", "long")
_DIGITS = {"byte": 3, "short": 5, "integer": 10, "long": 20}
_DECIMAL = re.compile(r"decimal\((\d+),(-?\d+)\)")


def field_names(data_type: Any) -> tuple[str, ...]:
    """The fields of a struct; none of anything else."""
    return tuple(field["name"] for field in data_type["fields"]) if kind_of(data_type) == "struct" else ()


def kind_of(data_type: Any) -> str:
    """``struct``, ``array``, ``map``, or a plain type's name."""
    return str(data_type["type"]) if isinstance(data_type, Mapping) and "type" in data_type else str(data_type)


def type_within(data_type: Any, *steps: str) -> Any:
    """The type of a field (by name), of an array's element or of a map's value; None when that is not known."""
    for step in steps:
        if kind_of(data_type) == "array":
            data_type = data_type["elementType"]
        if kind_of(data_type) == "struct":
            data_type = next((field["type"] for field in data_type["fields"] if field["name"] == step), None)
        elif kind_of(data_type) == "map":
            data_type = data_type[f"{step}Type"] if step in ("key", "value") else None
        else:
            return None
    return data_type


def element_of(data_type: Any) -> Any:
    """The type of an array's elements; None of anything else."""
    return data_type["elementType"] if isinstance(data_type, Mapping) and kind_of(data_type) == "array" else None


def keeps_value(source: Any, target: Any) -> bool:
    """Whether a cast leaves every value what it was: the same type, or a wider one of its family."""
    if source == target:
        return True
    if not (isinstance(source, str) and isinstance(target, str)):
        return False
    if source in _INTEGERS and target in _INTEGERS:
        return _INTEGERS.index(source) <= _INTEGERS.index(target)
    if (source, target) == ("float", "double") or (_is_text(source) and _is_text(target)):
        return True
    wider = _DECIMAL.fullmatch(target)
    if wider is None:
        return False
    digits, scale = int(wider[1]), int(wider[2])
    if source in _INTEGERS:
        return digits - scale >= _DIGITS[source]
    narrower = _DECIMAL.fullmatch(source)
    return narrower is not None and scale >= int(narrower[2]) and digits - scale >= int(narrower[1]) - int(narrower[2])


def _is_text(name: str) -> bool:
    return name.startswith(("string", "char(", "varchar("))


def struct_type(raw: Mapping[str, Any], children: Sequence[Any]) -> Any:
    """The type of an expression, as far as its JSON tells, of what may hold a struct. ``children`` are their types."""
    kind = raw["class"].rpartition(".")[2]
    if "dataType" in raw:
        return raw["dataType"]
    inner = children[0] if children else None
    if kind in (
        "Alias",
        "KnownNotNull",
        "AssertNotNull",
        "KnownNullable",
        "ArrayFilter",
        "SortArray",
        "ArraySort",
        "ArrayDistinct",
    ):
        return inner
    if kind == "GetStructField":
        names = field_names(inner)
        return type_within(inner, names[raw["ordinal"]]) if raw["ordinal"] < len(names) else None
    if kind in ("GetArrayItem", "ElementAt", "GetMapValue"):
        return element_of(inner) if kind_of(inner) == "array" else type_within(inner, "value")
    return None
