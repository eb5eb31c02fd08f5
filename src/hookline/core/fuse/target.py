"""What was just written: the files, or the way to read it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hookline.core.errors import MeasureError
from hookline.core.events import Column, Measure, Measured

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType


def columns_of(schema: StructType) -> tuple[Column, ...]:
    """The columns of a schema, with what is inside them."""
    return tuple(Column(f.name, f.dataType.simpleString(), f.nullable, _inside(f.dataType)) for f in schema.fields)


def _inside(kind: Any) -> tuple[Column, ...]:
    """A struct's fields, an array's element, a map's key and value; none of a type that holds no others."""
    name = kind.typeName()
    if name == "struct":
        return columns_of(kind)
    if name == "array":
        return (_part("_element", kind.elementType, kind.containsNull),)
    if name == "map":
        return (_part("key", kind.keyType, False), _part("value", kind.valueType, kind.valueContainsNull))
    return ()


def _part(name: str, kind: Any, nullable: bool) -> Column:
    return Column(name, kind.simpleString(), nullable, _inside(kind))


@dataclass(frozen=True)
class WrittenFile:
    """One data file of a write.

    Attributes:
        path: an absolute local path, or a URI.
        rows: how many rows it holds, when the writer recorded that (Delta's ``numRecords``).
        partition: partition column to the raw, unescaped string that stands for its value; None is null.
        minima, maxima, nulls: Delta's statistics of this file by column name, as parsed from JSON (with
            ``parse_float=Decimal``, or decimals can't be trusted), or None. Leave them out when they aren't tight.
    """

    path: str
    size_bytes: int
    rows: int | None = None
    partition: Mapping[str, str | None] = field(default_factory=dict)
    minima: Mapping[str, Any] | None = None
    maxima: Mapping[str, Any] | None = None
    nulls: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Target:
    """The rows of one write.

    Attributes:
        format: Spark's short name of the data source.
        columns: what was written, partition columns included, with Spark's simple type strings.
        files: the data files of this write and of no other, each holding nothing but rows of this write (so none with a
            deletion vector); None when the target isn't files.
        rows: the writer's own count of rows, to reconcile with.
        read_back: reads exactly the rows of this write, with the types of ``columns``.
        ridden: what was measured while the data passed (``ride``).
        physical_names: column to its name in the files where that differs (Delta's column mapping).
        others: finds another dataset by its path or name, and raises HooklineError where there is none.
    """

    spark: SparkSession
    format: str | None
    columns: tuple[Column, ...]
    files: tuple[WrittenFile, ...] | None = None
    rows: int | None = None
    read_back: Callable[[], DataFrame] | None = None
    ridden: Mapping[Measure, Measured] = field(default_factory=dict)
    physical_names: Mapping[str, str] = field(default_factory=dict)
    others: Callable[[str], Target] | None = None

    def find_other(self, dataset: str) -> Target:
        """Another dataset, by its path or name.

        Raises:
            HooklineError: there is none, or none can be found from here.
        """
        if self.others is None:
            raise MeasureError(f"{dataset} is another dataset, and no other can be looked at here")
        return self.others(dataset)

    @property
    def partition_columns(self) -> frozenset[str]:
        """The columns whose values stand in the files' paths and not in the files."""
        return frozenset(name for file in self.files or () for name in file.partition)
