"""Where a write goes: its dataset's name, and afterwards exactly which files it left there."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from hookline.core.errors import MeasureError
from hookline.core.events import Column, Dataset
from hookline.core.fuse import WrittenFile, columns_of
from hookline.pipelines import gateway, names, plans, storage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from hookline.core.fuse import Receipt, Sieve
    from hookline.pipelines.staging.journal import Proof

FILES_TO_MEASURE = frozenset({"parquet", "delta"})
FILE_FORMATS = frozenset({"parquet", "csv", "json", "orc", "text", "xml", "avro"})

_GENERATED = "delta.generationExpression"


class Put(Protocol):
    """Takes the bad rows of a write."""

    def put(self, marked: DataFrame, expected: int) -> None:
        """Rows with their reasons, of which so many are bad."""

    def receipt(self) -> Receipt | None:
        """Where they may be put without Spark; None when they can't be."""

    def took(self, rows: int) -> None:
        """So many were put there."""


@dataclass(frozen=True)
class Written:
    """What a write left.

    Attributes:
        files: the files of this write and no others; None when the target isn't files, or they can't be told apart.
        rows, bytes, version, columns: from the format's own log, when it keeps one; the columns are all of the table's.
        read_back: reads exactly these rows again.
        split: takes the rows that a sieve finds bad out of what was written, hands them over, and tells what is left. None
            where that is not possible (any more).
        proof: what will be true once this was published; None when nothing is known.
    """

    files: tuple[WrittenFile, ...] | None = None
    rows: int | None = None
    bytes: int | None = None
    version: str | None = None
    columns: tuple[Column, ...] | None = None
    read_back: Callable[[], DataFrame] | None = None
    split: Callable[[Sieve, Put], Written] | None = None
    proof: Proof | None = None


class WriteTarget(Protocol):
    """A place that is written to."""

    @property
    def dataset(self) -> Dataset:
        """Its name."""

    def before(self) -> Any:
        """What has to be known before the write to tell afterwards what the write did."""

    def after(self, before: Any, schema: StructType) -> Written:
        """What the write did."""

    def during(self, start_ms: float, end_ms: float, metrics: Mapping[str, int]) -> Written:
        """What a write did that nobody announced: it ran between these times (epoch milliseconds), and Spark counted this."""

    def generated(self) -> Mapping[str, str]:
        """The columns that are computed from others when rows come in, each with its SQL."""


@dataclass(frozen=True)
class OpaqueTarget:
    """A target that leaves nothing to look at (JDBC, Kafka, ``noop``, a catalog that is not known here)."""

    dataset: Dataset

    def before(self) -> None:
        """Nothing has to be known."""

    def after(self, before: None, schema: StructType) -> Written:
        """Nothing is known."""
        return Written()

    def during(self, start_ms: float, end_ms: float, metrics: Mapping[str, int]) -> Written:
        """Nothing is known."""
        return Written()

    def generated(self) -> Mapping[str, str]:
        """None that are known."""
        return {}


@dataclass(frozen=True)
class FolderTarget:
    """A folder of files in one of Spark's own formats.

    Spark gives all files of one write a common UUID in their names; the new names after a write are therefore its files,
    unless another writer is at work in the same folder at the same time: then none can be told to be ours.
    """

    dataset: Dataset
    spark: SparkSession = field(repr=False)
    uri: str
    replaces_all: bool = False
    options: Mapping[str, str] = field(default_factory=dict)

    def before(self) -> frozenset[str]:
        """The files that are there already; none when the write deletes them anyway."""
        if self.replaces_all:
            return frozenset()
        return frozenset(file.path for file in storage.list_files(self.spark, self.uri))

    def after(self, before: frozenset[str], schema: StructType) -> Written:
        """The files that came."""
        new = [file for file in storage.list_files(self.spark, self.uri) if file.path not in before]
        writers = {_job_uuid(file.path) for file in new}
        if len(writers) > 1:
            return Written()
        return self.written(storage.written_files(new), schema)

    def during(self, start_ms: float, end_ms: float, metrics: Mapping[str, int]) -> Written:
        """The files of the one job whose number and size of files are what Spark counted."""
        jobs: dict[str, list[storage.StoredFile]] = defaultdict(list)
        for file in storage.list_files(self.spark, self.uri):
            jobs[_job_uuid(file.path)].append(file)
        fitting = [
            files
            for files in jobs.values()
            if (len(files), sum(f.size_bytes for f in files))
            == (metrics.get("numFiles"), metrics.get("numOutputBytes"))
        ]
        if len(fitting) != 1:
            return Written()
        schema = self.spark.read.format(self.dataset.format or "parquet").load(self.uri).schema
        return self.written(storage.written_files(fitting[0]), schema)

    def generated(self) -> Mapping[str, str]:
        """None: files know no such columns."""
        return {}

    def written(self, files: tuple[WrittenFile, ...], schema: StructType) -> Written:
        """These files, as what a write left."""
        return Written(
            files=files,
            bytes=sum(file.size_bytes for file in files),
            read_back=lambda: self.read([file.path for file in files], schema),
        )

    def read(self, paths: list[str], schema: StructType) -> DataFrame:
        """The rows of some files below the place."""
        if not paths:
            return self.spark.createDataFrame([], schema)
        options = {name: value for name, value in self.options.items() if name != "path"}
        reader = self.spark.read.schema(schema).options(**options).option("basePath", self.uri)
        return reader.format(self.dataset.format or "parquet").load(paths)


@dataclass(frozen=True)
class DeltaTarget:
    """A Delta table, by its place. Its log says what each commit added."""

    dataset: Dataset
    spark: SparkSession = field(repr=False)
    uri: str

    def before(self) -> int:
        """The table's version, -1 when there is none."""
        return self._version(self._log())

    def after(self, before: int, schema: StructType) -> Written:
        """What the one commit since then added; nothing is known when there were several that could be ours."""
        log = self._log()
        commits = [(self._actions(log, version), version) for version in range(before + 1, self._version(log) + 1)]
        with_data = [pair for pair in commits if any("add" in action or "remove" in action for action in pair[0])]
        if len(with_data) > 1:
            raise MeasureError(
                f"{self.dataset} got {len(with_data)} commits while this write ran; which rows are this write's can't be told"
            )
        return self._written(*with_data[0], log) if with_data else self._written([], None, log)

    def during(self, start_ms: float, end_ms: float, metrics: Mapping[str, int]) -> Written:
        """The one commit of that time."""
        log = self._log()
        fitting = []
        for version in range(self._version(log), -1, -1):
            actions = self._actions(log, version)
            at_ms = next((a["commitInfo"]["timestamp"] for a in actions if "commitInfo" in a), 0)
            if at_ms < start_ms:
                break
            if at_ms <= end_ms and any("add" in action or "remove" in action for action in actions):
                fitting.append((actions, version))
        return self._written(*fitting[0], log) if len(fitting) == 1 else Written()

    def generated(self) -> Mapping[str, str]:
        """By the table's schema; none before there is one."""
        schema = self._log().unsafeVolatileSnapshot().metadata().schemaString()
        fields = json.loads(str(schema))["fields"] if schema else ()
        return {one["name"]: one["metadata"][_GENERATED] for one in fields if _GENERATED in one["metadata"]}

    def files(self) -> tuple[WrittenFile, ...] | None:
        """The files that make up the table now; None where files alone don't tell its rows."""
        snapshot = self._snapshot(self._log())
        lines = plans.jvm(self.spark).java.lang.String.join("\n", snapshot.allFiles().toJSON().collectAsList())
        added = [json.loads(line) for line in lines.split("\n") if line]
        if not all(is_new(add) for add in added):
            return None
        return self.written_files(added, snapshot.metadata(), read_back=lambda: self._read([])).files

    def batch(self, query_id: str, batch_id: int, *, after_version: int) -> tuple[Written, int]:
        """What a streaming query's batch added, found by the transaction that it carries, and the commit's version."""
        log = self._log()
        for version in range(self._version(log), after_version, -1):
            actions = self._actions(log, version)
            if any(a.get("txn", {}).get("appId") == query_id and a["txn"]["version"] == batch_id for a in actions):
                return self._written(actions, version, log), version
        return Written(files=(), rows=0), after_version

    def has_batch(self, query_id: str, batch_id: int) -> bool:
        """Whether the table has this batch of a streaming query, or a later one, already."""
        latest = plans.option(self._snapshot(self._log()).transactions().get(query_id))
        return latest is not None and int(latest) >= batch_id

    def _written(self, actions: list[dict[str, Any]], version: int | None, log: Any) -> Written:
        added = [action["add"] for action in actions if "add" in action and is_new(action["add"])]
        metrics: dict[str, str] = {}
        for action in actions:
            metrics = action.get("commitInfo", {}).get("operationMetrics", metrics)
        rows = metrics.get("numOutputRows")
        paths = [self.place_of(add["path"]) for add in added]
        return self.written_files(
            added,
            log.unsafeVolatileSnapshot().metadata(),
            rows=None if rows is None else int(rows),
            version=None if version is None else str(version),
            read_back=lambda: self._read(paths),
        )

    def written_files(
        self,
        added: list[dict[str, Any]],
        metadata: Any,
        *,
        rows: int | None = None,
        version: str | None = None,
        read_back: Callable[[], DataFrame],
    ) -> Written:
        """What a commit with these files means.

        Args:
            added: its ``add`` actions, of new files only.
            metadata: the table's, as the commit leaves it, in the JVM.
        """
        configuration = metadata.configuration()
        mapped = configuration.contains("delta.columnMapping.mode") and (
            configuration.apply("delta.columnMapping.mode") != "none"
        )
        files = tuple(self._file(add) for add in added)
        return Written(
            files=None if mapped else files,
            rows=rows,
            bytes=sum(file.size_bytes for file in files),
            version=version,
            columns=_columns(metadata),
            read_back=read_back,
        )

    def place_of(self, path: str) -> str:
        """A path of the log as an absolute one, local or a URI."""
        path = unquote(path)
        absolute = path if "://" in path or path.startswith(("/", "file:")) else f"{self.uri.rstrip('/')}/{path}"
        return storage.local_path(absolute) or absolute

    def _file(self, add: dict[str, Any]) -> WrittenFile:
        stats = json.loads(add["stats"], parse_float=Decimal) if add.get("stats") else {}
        return WrittenFile(
            self.place_of(add["path"]),
            int(add["size"]),
            rows=stats.get("numRecords"),
            partition={name: value or None for name, value in add.get("partitionValues", {}).items()},
            minima=stats.get("minValues"),
            maxima=stats.get("maxValues"),
            nulls=stats.get("nullCount"),
        )

    def _read(self, paths: list[str]) -> DataFrame:
        """Through Delta itself, so that column mapping and partition values are its own business."""
        from pyspark.sql import functions as F

        names_of_files = [path.rpartition("/")[2] for path in paths]
        table = self.spark.read.format("delta").load(self.uri)
        return table.where(F.col("_metadata.file_name").isin(names_of_files))

    def _log(self) -> Any:
        return delta_log(self.spark, self.uri)

    def adds(self, path: str, *, after_version: int) -> bool:
        """Whether a commit since a version added a file, by its path in the log."""
        log = self._log()
        commits = (self._actions(log, version) for version in range(after_version + 1, self._version(log) + 1))
        return any(action.get("add", {}).get("path") == path for actions in commits for action in actions)

    def _version(self, log: Any) -> int:
        return int(self._snapshot(log).version())

    def _snapshot(self, log: Any) -> Any:
        nothing = gateway.java_class(self.spark, "scala.Option").empty()
        return log.update(False, nothing, nothing)

    def _actions(self, log: Any, version: int) -> list[dict[str, Any]]:
        path = gateway.java_class(self.spark, "org.apache.hadoop.fs.Path")(log.logPath(), f"{version:020d}.json")
        text = log.store().read(path, log.newDeltaHadoopConf()).mkString("\n")
        return [json.loads(line) for line in text.split("\n") if line]


def _columns(metadata: Any) -> tuple[Column, ...]:
    from pyspark.sql.types import StructType

    return columns_of(StructType.fromJson(json.loads(str(metadata.schemaString()))))


def adds_to_delta(spark: SparkSession, uri: str, path: str, *, after_version: int) -> bool:
    """Whether the Delta table at a place got this file since a version."""
    return DeltaTarget(names.path_dataset(uri, "delta"), spark, uri).adds(path, after_version=after_version)


def delta_log(spark: SparkSession, uri: str) -> Any:
    """Delta's log object of a table at a place."""
    return gateway.java_class(spark, "org.apache.spark.sql.delta.DeltaLog").forTable(spark._jsparkSession, uri)


def place_target(
    spark: SparkSession,
    dataset: Dataset,
    uri: str,
    *,
    replaces_all: bool = False,
    options: Mapping[str, str] | None = None,
) -> WriteTarget:
    """The target for a place, by its dataset's format."""
    if dataset.format == "delta":
        return DeltaTarget(dataset, spark, uri)
    if dataset.format in FILE_FORMATS:
        return FolderTarget(dataset, spark, uri, replaces_all, options or {})
    return OpaqueTarget(dataset)


def path_target(
    spark: SparkSession,
    path: str,
    format_name: str,
    *,
    replaces_all: bool = False,
    options: Mapping[str, str] | None = None,
) -> WriteTarget:
    """The target for a path as a job gave it."""
    uri = plans.qualified(spark, path)
    return place_target(spark, names.path_dataset(uri, format_name), uri, replaces_all=replaces_all, options=options)


def option_target(format_name: str, options: Mapping[str, str]) -> WriteTarget:
    """The target of a format that is told by options where to write."""
    known = defaultdict(str, {key.lower(): value for key, value in options.items()})
    if format_name == "jdbc":
        return OpaqueTarget(names.jdbc_dataset(known["url"], known["dbtable"]))
    if format_name == "kafka":
        return OpaqueTarget(names.kafka_dataset(known["kafka.bootstrap.servers"], known["topic"] or "(by row)"))
    known_there = names.connector_dataset(format_name, known)
    return OpaqueTarget(known_there or names.other_dataset(format_name, known["path"] or known["queryname"] or None))


def _job_uuid(path: str) -> str:
    """``part-00000-<uuid>-c000.snappy.parquet`` → the UUID; a name of another shape is its own writer."""
    parts = path.rpartition("/")[2].split("-")
    return "-".join(parts[2:7])[:36] if len(parts) >= 7 else path


def is_new(add: Mapping[str, Any]) -> bool:
    """Whether Delta's action adds a file that was written anew: one with a deletion vector is an old one that lost rows."""
    return not add.get("deletionVector")
