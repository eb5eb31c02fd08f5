"""Data that lies somewhere already, by path or by a table's name: how to read it, and which files it is."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hookline.core.errors import HooklineError
from hookline.core.events import Dataset
from hookline.core.fuse import Target, WrittenFile, columns_of
from hookline.pipelines import names, plans, storage
from hookline.pipelines.tables import TableTarget, table_parts
from hookline.pipelines.targets import DeltaTarget
from hookline.pipelines.wording import describe

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_log = logging.getLogger(__name__)
_CURES = {
    "PATH_NOT_FOUND": "there is no such path; correct it",
    "UNABLE_TO_INFER_SCHEMA": "there is no Parquet file in it",
    "FAILED_READ_FILE": "a file in it is not Parquet, or is damaged",
    "CANNOT_READ_FILE_FOOTER": "a file in it is not Parquet, or is damaged",
    "DATA_SOURCE_NOT_FOUND": "it is a Delta table, and Delta Lake is not on Spark's class path; "
    "name its jars with --conf spark.jars=… or --conf spark.jars.packages=…",
}


@dataclass(frozen=True)
class Resting:
    """A dataset at rest.

    Attributes:
        files: the files that hold exactly its rows; None when only Spark can tell (a table, deletion vectors).
    """

    dataset: Dataset
    frame: DataFrame = field(repr=False)
    files: tuple[WrittenFile, ...] | None = None

    def target(self) -> Target:
        """It as something to measure."""
        return Target(
            spark=self.frame.sparkSession,
            format=self.dataset.format,
            columns=columns_of(self.frame.schema),
            files=self.files,
            rows=None,
            read_back=lambda: self.frame,
            ridden={},
            others=Finder(self.frame.sparkSession),
        )


class Finder:
    """Finds datasets that others are compared with; each stays as it was when it was first found.

    Attributes:
        found: what has been found, by path or name.
    """

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self.found: dict[str, Resting] = {}

    def __call__(self, place: str) -> Target:
        """The dataset.

        Raises:
            HooklineError: when there is nothing that can be read.
        """
        if place not in self.found:
            self.found[place] = find_at_rest(self._spark, place)
        return self.found[place].target()


def find_at_rest(spark: SparkSession, place: str) -> Resting:
    """What lies at a path or URI (a Parquet file, a folder of them, a Delta table), or has this name in the catalog.

    Raises:
        HooklineError: when there is nothing that can be read.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        return _at_path(spark, place) if _looks_like_a_path(place) else _by_name(spark, place)
    except (PySparkException, Py4JJavaError) as error:
        condition = _condition(error)
        cure = next((cure for start, cure in _CURES.items() if condition.startswith(start)), "see Spark's own log")
        raise HooklineError(f"{place} can't be read ({condition}): {cure}") from None


def _condition(error: Any) -> str:
    """Spark's name for what went wrong; its text may quote data. Py4J hands some errors through unconverted."""
    source = getattr(error, "java_exception", error)
    try:
        return str(source.getCondition() or type(error).__name__)
    except Exception:  # noqa: BLE001 - not every Java exception has a condition to ask for
        return type(error).__name__


def is_delta_folder(place: str) -> bool:
    """Whether a local path is a Delta table: known before Spark starts, which has to be configured for Delta."""
    return os.path.isdir(os.path.join(storage.local_path(place) or place, "_delta_log"))


def _looks_like_a_path(place: str) -> bool:
    return "/" in place or os.path.exists(place)


def _at_path(spark: SparkSession, place: str) -> Resting:
    # Relative means from here; a JVM that runs already may have been started elsewhere.
    uri = plans.qualified(spark, os.path.abspath(place) if os.path.exists(place) else place)
    if storage.exists(spark, f"{uri}/_delta_log"):
        dataset, frame = names.path_dataset(uri, "delta"), spark.read.format("delta").load(uri)
        return Resting(dataset, frame, _delta_files(DeltaTarget(dataset, spark, uri)))
    frame = spark.read.parquet(uri)
    return Resting(names.path_dataset(uri, "parquet"), frame, _files(spark, uri))


def _by_name(spark: SparkSession, name: str) -> Resting:
    target = TableTarget(spark, table_parts(spark, name))
    if not spark.catalog.tableExists(name):
        raise HooklineError(
            f"there is no path and no table {name!r}; correct it, or write a path with a slash (./{name})"
        )
    return Resting(target.dataset, spark.table(name))


def _delta_files(table: DeltaTarget) -> tuple[WrittenFile, ...] | None:
    """The table's files; None where Delta, of another version perhaps, can't be asked: Spark can still read it."""
    try:
        return table.files()
    except Exception as error:  # noqa: BLE001
        _log.info("%s is not read by its files: %s", table.dataset, describe(error))
        return None


def _files(spark: SparkSession, uri: str) -> tuple[WrittenFile, ...]:
    local = storage.local_path(uri)
    if local is not None and os.path.isfile(local):
        return (WrittenFile(local, os.path.getsize(local)),)
    return storage.written_files(storage.list_files(spark, uri))
