"""What lies at a place, and what can be done with it: a Delta table, or files of some formats; all else is left to people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from hookline.governance.erasure import parquet
from hookline.governance.erasure.delta import Done, Table, is_delta
from hookline.governance.erasure.files import Files, Format, Sealing, format_of
from hookline.governance.erasure.matching import Matcher
from hookline.governance.erasure.parquet import Found

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hookline.core.events import Dataset

Kind = Literal["delta", "parquet", "orc", "json"]
_FORMATS: dict[str, Format] = {"parquet": "parquet", "orc": "orc", "json": "json"}
# Where files are that Spark reads by a path.
_FILE_SYSTEMS = ("s3://", "gs://", "abfss://", "wasbs://", "hdfs://", "dbfs", "file://")


@dataclass(frozen=True)
class Means:
    """What places are looked at with.

    Attributes:
        spark: gives a session, where one is needed, which can read what is encrypted at rest.
        sealing: how files of a dataset are encrypted at rest; None where they are not.
    """

    spark: Callable[[], SparkSession]
    sealing: Callable[[Dataset], Sealing | None] = lambda _: None


class Holding(Protocol):
    """A dataset that can be looked through and changed."""

    @property
    def kind(self) -> Kind:
        """What it is."""

    def columns(self) -> list[str]:
        """The names of its columns."""

    def find(self, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Found:
        """What is meant; with ``columns`` only where one of them is not null.

        Raises:
            ProtectionError: it has no such column, or not of such a type.
        """

    def take_out(self, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Done:
        """Delete what is meant; with ``columns`` make these null.

        Raises:
            ProtectionError: see ``find``; or a column can't be null.
        """

    def rows(self, column: str, matcher: Matcher) -> Iterator[dict[str, Any]]:
        """The rows that are meant.

        Raises:
            ProtectionError: see ``find``.
        """


class MissingError(Exception):
    """There is nothing at the place any more."""


class ByHandError(Exception):
    """Nothing can be done there by itself; the text says why."""


class _Parquet:
    kind: Kind = "parquet"

    def __init__(self, path: Path) -> None:
        self._path = path

    def columns(self) -> list[str]:
        return parquet.columns_of(self._path)

    def find(self, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Found:
        return parquet.find(self._path, column, matcher, columns)

    def take_out(self, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Done:
        return Done(parquet.take_out(self._path, column, matcher, columns))

    def rows(self, column: str, matcher: Matcher) -> Iterator[dict[str, Any]]:
        return parquet.rows_of(self._path, column, matcher)


class _Delta:
    kind: Kind = "delta"

    def __init__(self, table: Table) -> None:
        self._table = table

    def columns(self) -> list[str]:
        return self._table.frame().columns

    def find(self, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Found:
        return self._table.find(column, matcher, columns)

    def take_out(self, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Done:
        return self._table.take_out(column, matcher, columns)

    def rows(self, column: str, matcher: Matcher) -> Iterator[dict[str, Any]]:
        for row in self._table.rows(column, matcher).toLocalIterator():
            yield row.asDict(recursive=True)


class _Files:
    def __init__(self, files: Files) -> None:
        self.kind: Kind = files.kind
        self._files = files
        self.columns, self.find, self.rows = files.columns, files.find, files.rows

    def take_out(self, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Done:
        return Done(self._files.take_out(column, matcher, columns))


def holding(dataset: Dataset, means: Means) -> Holding:
    """What lies there.

    Raises:
        MissingError: nothing.
        ByHandError: something that can't be changed by itself.
    """
    uri = uri_of(dataset)
    if uri is None:
        raise ByHandError(f"it is not in files ({dataset.format or dataset.namespace.partition(':')[0]})")
    sealing = means.sealing(dataset)
    kind = _FORMATS.get(dataset.format or "")
    if dataset.namespace == "file":
        path = Path(dataset.name)
        if not path.exists():
            raise MissingError
        if (path / "_delta_log").is_dir():
            return _Delta(_table(means.spark, uri))
        if parquet.is_parquet(path):
            if sealing is None:
                return _Parquet(path)
            kind = "parquet"
    if kind is None and dataset.format in (None, "delta"):
        if dataset.format == "delta" or (dataset.namespace != "file" and is_delta(means.spark(), uri)):
            return _Delta(_table(means.spark, uri))
        # Of what jobs only read it is not known.
        kind = format_of(means.spark(), uri)
    if kind is None:
        raise ByHandError(
            f"its files are not Delta's, nor Parquet, ORC or JSON ({dataset.format or 'format not known'})"
        )
    return _Files(_files(means.spark(), uri, kind, sealing))


def may_be_delta(dataset: Dataset) -> bool:
    """Whether Spark needs to know Delta Lake to look at it."""
    if dataset.namespace == "file":
        return (Path(dataset.name) / "_delta_log").is_dir()
    return uri_of(dataset) is not None and dataset.format in (None, "delta")


def uri_of(dataset: Dataset) -> str | None:
    """Where Spark finds it; None where it is not in files."""
    if dataset.namespace == "file":
        return dataset.name
    if not dataset.namespace.startswith(_FILE_SYSTEMS):
        return None
    namespace = dataset.namespace.replace("s3://", "s3a://", 1)
    return f"{namespace}{':' if namespace == 'dbfs' else ''}/{dataset.name.lstrip('/')}"


def vacuum(dataset: Dataset, spark: Callable[[], SparkSession]) -> None:
    """Take the old files of a Delta table away whose retention is over.

    Raises:
        MissingError: there is no such table any more.
        ByHandError: Spark can't read it.
    """
    uri = uri_of(dataset)
    if uri is None or (dataset.namespace == "file" and not Path(uri).exists()):
        raise MissingError
    _table(spark, uri).vacuum()


def _files(spark: SparkSession, uri: str, kind: Format, sealing: Sealing | None) -> Files:
    found = Files(spark, uri, kind) if sealing is None else Files(spark, uri, kind, sealing)
    if not found.exists:
        raise MissingError
    return found


def _table(spark: Callable[[], SparkSession], uri: str) -> Table:
    session = spark()
    if not is_delta(session, uri):
        raise ByHandError(
            "there is no Delta table that Spark could read: name Delta Lake's jars with --conf spark.jars=… or --conf "
            "spark.jars.packages=…, or look at it by hand"
        )
    return Table(session, uri)
