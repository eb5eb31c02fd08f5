"""Where datasets lie and how they are laid out, as Spark's catalog or the files themselves have it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hookline.core.events import Column, Dataset, Partition, utc_now
from hookline.core.fuse import columns_of
from hookline.core.store.records import Layout
from hookline.pipelines import plans, storage
from hookline.pipelines.targets import FILE_FORMATS, delta_log
from hookline.pipelines.wording import describe

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
_TELL_THEIR_COLUMNS = frozenset({"parquet", "orc", "avro"})
# As catalogs number Iceberg's metadata (00012-<uuid>.metadata.json), and as folders without one do (v12.metadata.json).
_METADATA = re.compile(r"v?(\d+)(?:-[\w-]+)?(?:\.gz)?\.metadata\.json")


def uri_of(dataset: Dataset) -> str | None:
    """The URI of a dataset that lies in files; None of any other."""
    if dataset.namespace == "file":
        return f"file:{dataset.name}"
    if "://" not in dataset.namespace or dataset.format not in (*FILE_FORMATS, "delta", "iceberg", "hudi"):
        return None
    return f"{dataset.namespace}/{dataset.name.lstrip('/')}"


def layout_of(spark: SparkSession, dataset: Dataset, partition_by: tuple[str, ...] | None = None) -> Layout:
    """How a dataset that was just written is laid out.

    Args:
        partition_by: what its writer said, which holds where neither a catalog nor a log of the table's own says more.
    """
    plain = Layout(
        dataset.namespace,
        dataset.name,
        utc_now().isoformat(timespec="microseconds"),
        dataset.format,
        uri_of(dataset),
        partition_by=partition_by,
    )
    try:
        for _, name in dataset.symlinks:
            table = _session_table(spark, name)
            if table is not None:
                return of_table(spark, table)
        if dataset.format == "delta" and plain.location is not None:
            return _of_delta(spark, plain)
    except Exception as error:  # noqa: BLE001 - what is known without asking is kept all the same
        logger.warning("how %s is laid out can't be told: %s", dataset, describe(error))
    return plain


def of_table(spark: SparkSession, table: Any) -> Layout:
    """What the session's catalog says of a table."""
    from pyspark.sql.types import StructType

    dataset = plans.of_catalog_table(spark, table)
    schema = StructType.fromJson(json.loads(str(table.schema().json())))
    partition_by = tuple(str(name) for name in plans.sequence(table.partitionColumnNames()))
    statistics = plans.option(table.stats())
    rows = None if statistics is None else plans.option(statistics.rowCount())
    layout = Layout(
        dataset.namespace,
        dataset.name,
        utc_now().isoformat(timespec="microseconds"),
        dataset.format,
        uri_of(dataset),
        _table_name(table),
        partition_by,
        rows=None if rows is None else int(str(rows)),
        bytes=None if statistics is None else int(str(statistics.sizeInBytes())),
    )
    if dataset.format == "delta" and layout.location is not None:  # the catalog has no columns of it: its log does
        try:
            layout = _of_delta(spark, layout)
            schema = spark.read.format("delta").load(reached(spark, layout.location or "")).schema
        except Exception as error:  # noqa: BLE001 - a session without Delta Lake
            logger.warning("the columns of %s can't be told: %s", layout.table_name, describe(error))
            return layout
    comments = dict(_comments((), schema))
    told = plans.option(table.comment())
    return replace(layout, columns=columns_of(schema), comments=comments | ({"": str(told)} if told else {}))


def tables(spark: SparkSession) -> Iterator[Any]:
    """Every table of the session's own catalog that is no view, with what the catalog says of it."""
    catalog = spark._jsparkSession.sessionState().catalog()
    for database in [str(name) for name in plans.sequence(catalog.listDatabases())]:
        for identifier in plans.sequence(catalog.listTables(database)):
            if plans.option(identifier.database()) is None:
                continue  # a temporary view
            table = catalog.getTableMetadata(identifier)
            if str(table.tableType().name()) != "VIEW":
                yield table


def partitions(spark: SparkSession, location: str) -> tuple[Partition, ...]:
    """The partitions that there are files of, of a folder of plain files."""
    found = storage.written_files(storage.list_files(spark, reached(spark, location)))
    return tuple(dict.fromkeys(tuple(file.partition.items()) for file in found if file.partition))


def columns_at(spark: SparkSession, dataset: Dataset) -> tuple[Column, ...] | None:
    """The columns of what lies at a dataset's place, by its own log or its files; None where nothing is there.

    Raises:
        LookupError: it is not of a format that tells its columns.
    """
    from pyspark.errors import AnalysisException

    location = uri_of(dataset)
    uri = None if location is None else reached(spark, location)
    if uri is None or not storage.exists(spark, uri):
        return None
    if dataset.format == "delta":
        return (
            columns_of(spark.read.format("delta").load(uri).schema)
            if storage.exists(spark, f"{uri}/_delta_log")
            else None
        )
    if not storage.list_files(spark, uri):
        return None
    if dataset.format not in _TELL_THEIR_COLUMNS:
        raise LookupError(dataset.format)
    try:
        return columns_of(spark.read.format(dataset.format).load(uri).schema)
    except AnalysisException as error:
        if error.getCondition() == "UNABLE_TO_INFER_SCHEMA":
            return None
        raise


def iceberg_metadata(spark: SparkSession, layout: Layout) -> str | None:
    """Where an Iceberg table's current metadata is, by the file's number; None of any other table."""
    if layout.format != "iceberg" or layout.location is None:
        return None
    found = [
        (int(number[1]), file.path)
        for file in storage.list_files(spark, reached(spark, f"{layout.location.rstrip('/')}/metadata"))
        if (number := _METADATA.fullmatch(file.relative))
    ]
    newest = max(found, default=(0, None))[1]
    return None if newest is None else f"{layout.location.rstrip('/')}/metadata/{newest.rpartition('/')[2]}"


def reached(spark: SparkSession, location: str) -> str:
    """A location by the scheme that this session has a file system for: S3's is called s3a, where nobody set up another."""
    configuration = spark._jsparkSession.sessionState().newHadoopConf()
    if location.startswith("s3://") and configuration.get("fs.s3.impl") is None:
        return f"s3a://{location.removeprefix('s3://')}"
    return location


def _of_delta(spark: SparkSession, layout: Layout) -> Layout:
    nothing = spark._jvm.scala.Option.empty() if spark._jvm is not None else None
    metadata = delta_log(spark, reached(spark, layout.location or "")).update(False, nothing, nothing).metadata()
    names = tuple(str(name) for name in plans.sequence(metadata.partitionColumns()))
    return replace(layout, partition_by=names)


def _session_table(spark: SparkSession, name: str) -> Any:
    """The session catalog's names are words of letters, digits and underscores: there is one way to take them apart."""
    parts = name.split("/")[1:] if name.startswith("table/") else name.split(".")
    return plans.catalog_table(spark, *parts) if len(parts) == 2 else None


def _table_name(table: Any) -> str:
    identifier = table.identifier()
    return ".".join(filter(None, (plans.option(identifier.database()), str(identifier.table()))))


def _comments(path: tuple[str, ...], kind: Any) -> Iterator[tuple[str, str]]:
    """The comments of columns, and of fields within, by their paths."""
    from pyspark.sql.types import ArrayType, MapType, StructType

    if isinstance(kind, StructType):
        for one in kind.fields:
            if comment := one.metadata.get("comment"):
                yield ".".join((*path, one.name)), str(comment)
            yield from _comments((*path, one.name), one.dataType)
    elif isinstance(kind, ArrayType):
        yield from _comments((*path, "_element"), kind.elementType)
    elif isinstance(kind, MapType):
        yield from _comments((*path, "value"), kind.valueType)
