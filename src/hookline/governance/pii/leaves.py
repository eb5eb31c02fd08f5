"""The values in a frame's columns, however deep, as arrays of texts.

A path names a field as policies do: a dot leads into a struct and, without a word, into the elements of an array; ``key`` and
``value`` lead into a map. Inside texts that are JSON a path goes on after ``$``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType, StructType

# Of the elements of one array or map, those that are looked at.
_ELEMENTS = 100


class Leaf(NamedTuple):
    """A field that holds values: its path, Spark's simple type, and an expression of all of a row's values, as texts."""

    path: str
    type: str
    values: Column


def leaves_of(frame: DataFrame) -> list[Leaf]:
    """All fields with values, in the order of the schema; binary ones and those without a type hold nothing to read."""
    from pyspark.sql import functions as F

    found = []
    for field in frame.schema.fields:
        name = field.name.replace("`", "``")
        found += list(_within(field.name, field.dataType, F.array(frame[f"`{name}`"])))
    return found


def texts_of(frame: DataFrame, leaves: list[Leaf], *, longest: int) -> DataFrame:
    """A column for each leaf, named by its place: an array of a row's values, as texts of at most ``longest`` characters."""
    from pyspark.sql import functions as F

    def cut(one: Column) -> Column:
        return F.substring(one, 1, longest)

    return frame.select(
        *(F.transform(F.slice(leaf.values, 1, _ELEMENTS), cut).alias(str(place)) for place, leaf in enumerate(leaves))
    )


def _within(path: str, type: DataType, values: Column) -> Iterator[Leaf]:
    """The leaves in a field, of which ``values`` is an array with all that a row has."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    if isinstance(type, T.StructType):
        for name in _names(type):
            yield from _within(f"{path}.{name}", type[name].dataType, F.transform(values, _field(name)))
    elif isinstance(type, T.ArrayType):
        yield from _within(path, type.elementType, F.flatten(_present(values)))
    elif isinstance(type, T.MapType):
        keys = F.flatten(F.transform(_present(values), lambda one: F.map_keys(one)))
        held = F.flatten(F.transform(_present(values), lambda one: F.map_values(one)))
        yield from _within(f"{path}.key", type.keyType, keys)
        yield from _within(f"{path}.value", type.valueType, held)
    elif not isinstance(type, (T.BinaryType, T.NullType)) and type.typeName() != "variant":
        yield Leaf(path, type.simpleString(), F.transform(values, lambda one: one.cast("string")))


def _names(type: StructType) -> list[str]:
    """Without those that occur twice, which nobody can ask for by name."""
    names = type.fieldNames()
    return [name for name in names if names.count(name) == 1]


def _field(name: str) -> Callable[[Column], Column]:
    return lambda one: one.getField(name)


def _present(values: Column) -> Column:
    """Without nulls: one of them would make nothing of all."""
    from pyspark.sql import functions as F

    return F.filter(values, lambda one: one.isNotNull())
