"""The leaves of a schema: what a policy calls a column, and what Parquet calls it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hookline.core.errors import ProtectionError
from hookline.governance.protection.deeds import Names, find

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

# Parquet's list of columns is a text in which these have a meaning.
_SIGNS = ".,:;"


def parquet_paths(
    spark: SparkSession, schema: StructType, columns: tuple[str, ...], *, case_sensitive: bool
) -> tuple[str, ...]:
    """The Parquet columns that hold the values of some columns, as Spark writes them.

    Raises:
        ProtectionError: a column is not there, or can't be named to Parquet.
    """
    mine = list(_leaves(schema, ()))
    theirs = _parquet_leaves(spark, schema)
    if len(mine) != len(theirs):
        raise ProtectionError(
            "it has a type whose parts in Parquet can't be told, and columns of it are to be encrypted"
        )
    found: dict[str, None] = {}
    for column in columns:
        names = find(column, schema, case_sensitive)
        if names is None:
            raise ProtectionError(
                f"the column {column!r} is to be encrypted at rest, and this write does not have it: it may have come under "
                "another name, or be dropped. Correct the policy"
            )
        parts = [path for leaf, path in zip(mine, theirs, strict=True) if leaf[: len(names)] == names]
        if any(part != part.strip() or any(sign in part for sign in _SIGNS) for path in parts for part in path):
            raise ProtectionError(
                f"the column {column!r} can't be encrypted at rest: Parquet's settings take no name with one of {_SIGNS} in "
                "it or with a blank at an end; write it under another one"
            )
        found |= dict.fromkeys(".".join(path) for path in parts)
    return tuple(found)


def _leaves(type: Any, above: Names) -> Iterator[Names]:
    """In the order in which Parquet has them."""
    kind = type.typeName()
    if kind == "struct":
        for field in type.fields:
            yield from _leaves(field.dataType, (*above, field.name))
    elif kind == "array":
        yield from _leaves(type.elementType, above)
    elif kind == "map":
        yield from _leaves(type.keyType, (*above, "key"))
        yield from _leaves(type.valueType, (*above, "value"))
    else:
        yield above


def _parquet_leaves(spark: SparkSession, schema: StructType) -> list[tuple[str, ...]]:
    """As Spark's own conversion tells them, with the settings of this session."""
    session: Any = spark._jsparkSession
    jvm: Any = spark._jvm
    conversion = jvm.org.apache.spark.sql.execution.datasources.parquet.SparkToParquetSchemaConverter
    message = conversion(session.sessionState().conf()).convert(session.parseDataType(schema.json()))
    return [tuple(str(part) for part in path) for path in message.getPaths()]
