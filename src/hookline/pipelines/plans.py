"""Reading Spark's plans over py4j: what a query takes its data from, and what its rows look like.

Each call over the gateway takes a tenth of a millisecond or more, so the walk goes to the leaves only, and to a bounded
number of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from hookline.core.events import Dataset, Read
from hookline.pipelines import names

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
MAX_LEAVES = 500
_ROWS_MADE_HERE = ("OneRowRelation", "LocalRelation", "Range", "EmptyRelation")


def jvm(spark: SparkSession) -> Any:
    """The view of the JVM that a classic session has."""
    return spark._jvm


def simple_class(java: Any) -> str:
    """The class of a JVM object without its package; Scala's trailing ``$`` is dropped."""
    return str(java.getClass().getName()).rpartition(".")[2].rstrip("$")


def sequence(java: Any) -> Iterator[Any]:
    """The items of a Scala collection."""
    iterator = java.iterator()
    while iterator.hasNext():
        yield iterator.next()


def option(java: Any) -> Any:
    """What a Scala Option holds, or None."""
    return java.get() if java.isDefined() else None


def uri_text(java: Any) -> str:
    """A java.net.URI as the path that it stands for: a catalog's URIs are percent-encoded, Hadoop's paths are not."""
    return unquote(str(java.toString()))


def inputs_of(spark: SparkSession, plan: Any) -> tuple[tuple[Read, ...], str | None]:
    """What an analyzed plan reads.

    Returns:
        The datasets, each once, and a sentence that says why some may be missing, or None.
    """
    found: dict[tuple[str, str], Read] = {}
    opaque: list[str] = []
    for number, leaf in enumerate(_leaves(plan)):
        if number >= MAX_LEAVES:
            opaque.append(f"the plan has more than {MAX_LEAVES} leaves")
            break
        try:
            for dataset in _datasets_of_leaf(spark, leaf, opaque):
                found.setdefault((dataset.namespace, dataset.name), Read(dataset))
        except Exception as error:  # noqa: BLE001 - a source that we can't name must not stop the job
            logger.debug("a leaf of the plan was not understood: %s", type(error).__name__)
            opaque.append(f"a source of class {simple_class(leaf)} was not understood")
    return tuple(found.values()), "; ".join(dict.fromkeys(opaque)) or None


def _leaves(plan: Any) -> Iterator[Any]:
    yield from sequence(plan.collectLeaves())
    # Scalar, EXISTS and IN sub-queries hang on expressions, not on the tree.
    for subquery in sequence(plan.subqueriesAll()):
        yield from sequence(subquery.collectLeaves())


def _datasets_of_leaf(spark: SparkSession, leaf: Any, opaque: list[str]) -> Iterator[Dataset]:
    kind = simple_class(leaf)
    if kind in _ROWS_MADE_HERE:
        return
    if kind == "LogicalRelation":
        yield from _of_v1_relation(spark, leaf, opaque)
    elif kind in ("DataSourceV2Relation", "DataSourceV2ScanRelation", "StreamingDataSourceV2Relation"):
        yield of_v2_table(spark, leaf.relation().table() if kind.endswith("ScanRelation") else leaf.table())
    elif kind == "HiveTableRelation":
        yield of_catalog_table(spark, leaf.tableMeta())
    elif kind == "InMemoryRelation":
        inputs, why = inputs_of(spark, leaf.cacheBuilder().logicalPlan())
        opaque += [why] if why else []
        yield from (read.dataset for read in inputs)
    elif kind in ("StreamingRelation", "StreamingRelationV2"):
        yield from _of_stream(spark, leaf, opaque)
    elif kind in ("LogicalRDD", "ExternalRDD"):
        opaque.append("rows came from an RDD or from the driver's memory")
    else:
        opaque.append(f"a source of class {kind} has no name that is known here")


def _of_v1_relation(spark: SparkSession, leaf: Any, opaque: list[str]) -> Iterator[Dataset]:
    table = option(leaf.catalogTable())
    if (
        table is not None
        and simple_class(table.tableType()) == "CatalogTableType"
        and table.tableType().name() != "VIEW"
    ):
        yield of_catalog_table(spark, table)
        return
    relation = leaf.relation()
    kind = simple_class(relation)
    if kind == "HadoopFsRelation":
        name = format_name(relation.fileFormat())
        for root in sequence(relation.location().rootPaths()):
            yield names.path_dataset(root.toString(), name)
    elif kind == "JDBCRelation":
        options = relation.jdbcOptions()
        yield names.jdbc_dataset(options.url(), options.tableOrQuery())
    elif kind == "KafkaRelation":
        yield from _of_kafka(relation)
    else:
        opaque.append(f"a relation of class {kind} has no name that is known here")


def _of_stream(spark: SparkSession, leaf: Any, opaque: list[str]) -> Iterator[Dataset]:
    """A streaming source: its own options say where it reads."""
    if simple_class(leaf) == "StreamingRelationV2":
        v1 = option(leaf.v1Relation())
        source, options = str(leaf.sourceName()), _string_map(leaf.extraOptions())
        if v1 is not None and not options:
            options = _string_map(v1.dataSource().options())
    else:
        source, options = str(leaf.sourceName()), _string_map(leaf.dataSource().options())
    found = list(stream_source(source, options))
    opaque += [] if found else [f"a streaming source of kind {source} has no place that is known here"]
    yield from found


def stream_source(source: str, options: dict[str, str]) -> Iterator[Dataset]:
    """The datasets that a streaming source with these options reads."""
    kind = source.lower().removeprefix("filesource[").rstrip("]")
    if "kafka.bootstrap.servers" in options:
        topics = options.get("subscribe") or options.get("subscribepattern") or "(assigned)"
        for topic in topics.split(","):
            yield names.kafka_dataset(options["kafka.bootstrap.servers"], topic.strip())
    elif "path" in options:
        yield names.path_dataset(options["path"], "delta" if "delta" in kind else None)
    elif kind in ("rate", "rate-micro-batch", "socket"):
        yield names.other_dataset(kind)


def _string_map(java: Any) -> dict[str, str]:
    """A Scala or Java map of strings, keys in lower case, as Spark compares options."""
    text = {}
    if str(java.getClass().getName()).startswith("scala."):
        for pair in sequence(java):
            text[str(pair._1()).lower()] = str(pair._2())
        return text
    iterator = java.entrySet().iterator()
    while iterator.hasNext():
        entry = iterator.next()
        text[str(entry.getKey()).lower()] = str(entry.getValue())
    return text


def _of_kafka(relation: Any) -> Iterator[Dataset]:
    field = relation.getClass().getDeclaredField("specifiedKafkaParams")
    field.setAccessible(True)
    servers = option(field.get(relation).get("kafka.bootstrap.servers")) or "unknown"
    strategy = relation.getClass().getDeclaredField("strategy")
    strategy.setAccessible(True)
    text = str(strategy.get(relation).toString())
    for topic in text[text.find("[") + 1 : text.rfind("]")].split(","):
        yield names.kafka_dataset(servers, topic.strip())


def format_name(file_format: Any) -> str:
    """A file format's short name. Delta hides behind Parquet's."""
    return "delta" if "Delta" in simple_class(file_format) else str(file_format.toString()).lower()


def of_catalog_table(spark: SparkSession, table: Any) -> Dataset:
    """A table of the session catalog: named by its place, with its name in the catalog as a symlink."""
    identifier = table.identifier()
    plain = ".".join(filter(None, (option(identifier.database()), identifier.table())))
    provider = option(table.provider())
    storage = option(table.storage().locationUri())
    warehouse = spark.conf.get("spark.sql.warehouse.dir") or ""
    symlink = names.table_symlink(warehouse, plain)
    if storage is None:
        return Dataset(*symlink, format=provider)
    place = names.path_dataset(uri_text(storage), provider)
    return Dataset(place.namespace, place.name, place.format, (symlink,))


def of_v2_table(spark: SparkSession, table: Any) -> Dataset:
    """A DataSource V2 table. Delta's say where they are; others are named by their catalog."""
    kind = simple_class(table)
    if kind == "DeltaTableV2":
        known = option(table.catalogTable())
        return (
            of_catalog_table(spark, known)
            if known is not None
            else names.path_dataset(table.path().toString(), "delta")
        )
    return names.other_dataset(kind.removesuffix("Table").lower(), str(table.name()))
