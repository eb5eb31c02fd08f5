"""Columns as Avro schemas (https://avro.apache.org/docs/1.11.1/specification), and back: what Glue's schema registry keeps.

Avro's names are letters, digits and underscores, and it has fewer types: what it can't say stands in ``spark_name`` and
``spark_type``, which other readers pass over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hookline.core.errors import SchemaError
from hookline.core.events import Column
from hookline.core.spark_types import inside

_PLAIN = {
    "boolean": "boolean",
    "int": "int",
    "bigint": "long",
    "float": "float",
    "double": "double",
    "string": "string",
    "binary": "bytes",
}
_LOGICAL = {
    "date": ("int", "date"),
    "timestamp": ("long", "timestamp-micros"),
    "timestamp_ntz": ("long", "local-timestamp-micros"),
}
_OF_LOGICAL = {
    **{logical: kind for kind, (_, logical) in _LOGICAL.items()},
    "timestamp-millis": "timestamp",
    "local-timestamp-millis": "timestamp_ntz",
}
_OF_PLAIN = {avro: kind for kind, avro in _PLAIN.items()} | {"enum": "string", "fixed": "binary"}
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


def avro_of(columns: Sequence[Column], name: str) -> dict[str, Any]:
    """A record with a field for each column."""
    used: set[str] = set()
    fields = [_field(one, f"{_plain(name)}_{number}", used) for number, one in enumerate(columns)]
    return {"type": "record", "name": _plain(name), "fields": fields}


def columns_of_avro(schema: Any) -> tuple[Column, ...]:
    """The columns of a record.

    Raises:
        SchemaError: it is none, or has types that are not known here.
    """
    if not isinstance(schema, Mapping) or schema.get("type") != "record":
        raise SchemaError("it is no Avro record")
    try:
        return tuple(_column(one.get("spark_name", one["name"]), one["type"]) for one in schema["fields"])
    except (KeyError, TypeError, AttributeError):
        raise SchemaError("it is an Avro schema that is not understood") from None


def _field(column: Column, place: str, used: set[str]) -> dict[str, Any]:
    name = _plain(column.name)
    while name in used:
        name += "_"
    used.add(name)
    told: dict[str, Any] = {"name": name, "type": _nullable(column, place)}
    if name != column.name:
        told["spark_name"] = column.name
    return told | ({"default": None} if column.nullable else {})


def _nullable(column: Column, place: str) -> Any:
    kind = _type(column, place)
    return ["null", kind] if column.nullable else kind


def _type(column: Column, place: str) -> Any:
    held, _ = inside(column)
    outer = column.type.partition("<")[0]
    if outer == "struct":
        used: set[str] = set()
        fields = [_field(one, f"{place}_{number}", used) for number, one in enumerate(held)]
        return {"type": "record", "name": place, "fields": fields}
    if outer == "array" and held:
        return {"type": "array", "items": _nullable(held[0], f"{place}_e")}
    if outer == "map" and len(held) == 2:
        if held[0].type == "string":
            return {"type": "map", "values": _nullable(held[1], f"{place}_v")}
        pair = {
            "type": "record",
            "name": f"{place}_p",
            "fields": [_field(one, f"{place}_{one.name}", set()) for one in held],
        }
        return {"type": "array", "items": pair, "spark_type": "map"}
    if column.type in _LOGICAL:
        avro, logical = _LOGICAL[column.type]
        return {"type": avro, "logicalType": logical}
    if found := _DECIMAL.fullmatch(column.type):
        return {"type": "bytes", "logicalType": "decimal", "precision": int(found[1]), "scale": int(found[2])}
    if column.type in _PLAIN:
        return _PLAIN[column.type]
    return {"type": "int" if column.type in ("tinyint", "smallint") else "string", "spark_type": column.type}


def _column(name: str, kind: Any) -> Column:
    if isinstance(kind, list):
        others = [one for one in kind if one != "null"]
        if len(others) != 1:
            raise SchemaError("it has a union of several types, which Spark has no column for")
        only = _column(name, others[0])
        return Column(name, only.type, len(others) < len(kind), only.fields)
    if isinstance(kind, str):
        return Column(name, _OF_PLAIN[kind], False)
    outer = kind["type"]
    if outer == "record":
        fields = tuple(_column(one.get("spark_name", one["name"]), one["type"]) for one in kind["fields"])
        return Column(name, f"struct<{','.join(f'{one.name}:{one.type}' for one in fields)}>", False, fields)
    if outer == "array" and kind.get("spark_type") == "map":
        key, value = columns_of_avro(kind["items"])
        return Column(name, f"map<{key.type},{value.type}>", False, (key, value))
    if outer == "array":
        item = _column("_element", kind["items"])
        return Column(name, f"array<{item.type}>", False, (item,))
    if outer == "map":
        value = _column("value", kind["values"])
        return Column(name, f"map<string,{value.type}>", False, (Column("key", "string", False), value))
    if kind.get("logicalType") == "decimal":
        return Column(name, f"decimal({kind['precision']},{kind.get('scale', 0)})", False)
    if not isinstance(outer, str):
        return _column(name, outer)
    return Column(
        name, kind.get("spark_type") or _OF_LOGICAL.get(kind.get("logicalType", "")) or _OF_PLAIN[outer], False
    )


def _plain(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
    return f"_{plain}" if plain[0].isdigit() else plain
