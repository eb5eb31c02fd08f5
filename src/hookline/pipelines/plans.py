"""Reading Spark's plans over py4j: what a query takes its data from, and what its rows look like.

Each call over the gateway takes a tenth of a millisecond or more, so the walk goes to the leaves only, and to a bounded
number of them.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from hookline.core.events import Dataset, Read
from hookline.pipelines import gateway, jdbc_queries, names, origins

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

logger = logging.getLogger(__name__)
MAX_LEAVES = 500
# Rows that a plan brings along, and references to what stands elsewhere in it.
_ROWS_MADE_HERE = ("OneRowRelation", "LocalRelation", "Range", "EmptyRelation", "CTERelationRef", "UnionLoopRef")


def jvm(spark: SparkSession) -> Any:
    """The view of the JVM that a classic session has."""
    return spark._jvm


def simple_class(java: Any) -> str:
    """The class of a JVM object without its package; Scala's trailing ``$`` is dropped."""
    return simple_class_of(java.getClass())


def node_class(node: Any) -> str:
    """The same of a node of a plan, which mostly is a case class and says so in one call."""
    return str(node.productPrefix()) or simple_class(node)


def simple_class_of(java_class: Any) -> str:
    """The same of a java.lang.Class."""
    return str(java_class.getName()).rpartition(".")[2].rstrip("$")


def sequence(java: Any) -> Iterator[Any]:
    """The items of a Scala collection."""
    iterator = java.iterator()
    while iterator.hasNext():
        yield iterator.next()


def option(java: Any) -> Any:
    """What a Scala Option holds, or None."""
    return java.get() if java.isDefined() else None


def copied(java: Any, **changes: Any) -> Any:
    """A Scala case class with some of its fields changed."""
    names = str(java.productElementNames().mkString(",")).split(",")
    return java.copy(*(changes.get(name, java.productElement(number)) for number, name in enumerate(names)))


def analyzed(spark: SparkSession, plan: Any) -> Any:
    """What Spark's analysis makes of a plan. A command is not run by that."""
    skip = jvm(spark).org.apache.spark.sql.execution.CommandExecutionMode.SKIP()
    return spark._jsparkSession.sessionState().executePlan(plan, skip).analyzed()


def frame(spark: SparkSession, plan: Any) -> DataFrame:
    """A plan as a DataFrame; a command is run by that."""
    from pyspark.sql import DataFrame

    return DataFrame(jvm(spark).org.apache.spark.sql.classic.Dataset.ofRows(spark._jsparkSession, plan), spark)


def identifier(spark: SparkSession, database: str, table: str) -> Any:
    """A table's name as the session's catalog takes it."""
    java = jvm(spark)
    return java.org.apache.spark.sql.catalyst.TableIdentifier(table, java.scala.Option.apply(database))


def catalog_table(spark: SparkSession, database: str, table: str) -> Any:
    """What the session's catalog says of a table, or None."""
    catalog = spark._jsparkSession.sessionState().catalog()
    name = identifier(spark, database, table)
    return catalog.getTableMetadata(name) if catalog.tableExists(name) else None


def private_field(java: Any, name: str) -> Any:
    """A private field of a JVM object."""
    field = java.getClass().getDeclaredField(name)
    field.setAccessible(True)
    return field.get(java)


def qualified(spark: SparkSession, path: str) -> str:
    """The absolute URI that Spark itself makes of a path: default file system and working folder filled in."""
    java = gateway.java_class(spark, "org.apache.hadoop.fs.Path")(path)
    configuration = spark._jsparkSession.sessionState().newHadoopConf()
    return str(java.getFileSystem(configuration).makeQualified(java).toString())


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
    sources = Sources(spark)
    for number, leaf in enumerate(leaves_of(plan)):
        if number >= MAX_LEAVES:
            opaque.append(f"the plan has more than {MAX_LEAVES} leaves")
            break
        source = sources.of(leaf)
        opaque += [source.opaque] if source.opaque else []
        for dataset in source.datasets:
            found.setdefault((dataset.namespace, dataset.name), Read(dataset))
    return tuple(found.values()), "; ".join(dict.fromkeys(opaque)) or None


@dataclass(frozen=True)
class Source:
    """What a leaf of a plan reads.

    Attributes:
        opaque: why some of it may be missing, or None.
        relation: the class of the relation behind a ``LogicalRelation``, else empty.
    """

    datasets: tuple[Dataset, ...]
    opaque: str | None = None
    relation: str = ""


class Sources:
    """Names what leaves read. A relation is looked at once while the JVM keeps it, however many plans it is in."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def of(self, leaf: Any, kind: str | None = None) -> Source:
        """What a leaf reads.

        Args:
            kind: its class, where that is known.
        """
        kind = kind or node_class(leaf)
        if kind != "LogicalRelation":
            return Source(*datasets_of(self._spark, leaf, kind))
        table = leaf.catalogTable()
        thing = leaf.relation() if table.isEmpty() else table.get()
        told = _names.recall(self._spark, thing)
        if told is not None:
            datasets, opaque, relation = json.loads(told)
            return Source(tuple(_dataset(*one) for one in datasets), opaque, relation)
        source = Source(*datasets_of(self._spark, leaf, kind), v1_class(leaf.relation()))
        if source.opaque is None:
            _names.keep(self._spark, thing, json.dumps(dataclasses.astuple(source)))
        return source


_names = gateway.Memory()


def _dataset(namespace: str, name: str, format: str | None, symlinks: Sequence[tuple[str, str]]) -> Dataset:
    return Dataset(namespace, name, format, tuple((one, other) for one, other in symlinks))


def datasets_of(spark: SparkSession, leaf: Any, kind: str) -> tuple[tuple[Dataset, ...], str | None]:
    """The datasets that a leaf reads, and why some may be missing, or None."""
    opaque: list[str] = []
    datasets: list[Dataset] = []
    try:
        datasets += _datasets_of_leaf(spark, leaf, kind, opaque)
    except Exception as error:  # noqa: BLE001 - a source that we can't name must not stop the job
        logger.debug("a leaf of the plan was not understood: %s", type(error).__name__)
        opaque.append(f"a source of class {simple_class(leaf)} was not understood")
    return tuple(dict.fromkeys(datasets)), "; ".join(dict.fromkeys(opaque)) or None


def leaves_of(plan: Any) -> Iterator[Any]:
    """The leaves of a plan and of the sub-queries in it."""
    yield from gateway.items(plan.collectLeaves())
    # Scalar, EXISTS and IN sub-queries hang on expressions, not on the tree.
    for subquery in gateway.items(plan.subqueriesAll()):
        yield from gateway.items(subquery.collectLeaves())


def _datasets_of_leaf(spark: SparkSession, leaf: Any, kind: str, opaque: list[str]) -> Iterator[Dataset]:
    if kind in _ROWS_MADE_HERE:
        return
    if kind == "LogicalRelation":
        yield from _of_v1_relation(spark, leaf, opaque)
    elif kind in ("DataSourceV2Relation", "DataSourceV2ScanRelation", "StreamingDataSourceV2Relation"):
        yield from of_v2_relation(spark, leaf.relation() if kind.endswith("ScanRelation") else leaf)
    elif kind == "HiveTableRelation":
        yield of_catalog_table(spark, leaf.tableMeta())
    elif kind == "InMemoryRelation":
        inputs, why = inputs_of(spark, leaf.cacheBuilder().logicalPlan())
        opaque += [why] if why else []
        yield from (read.dataset for read in inputs)
    elif kind in ("StreamingRelation", "StreamingRelationV2"):
        yield from _of_stream(spark, leaf, opaque)
    elif kind in ("LogicalRDD", "ExternalRDD"):
        origin = origins.of(leaf)
        if origin is None:
            opaque.append("rows came from an RDD or from the driver's memory")
            return
        inputs, why = inputs_of(spark, origin)
        opaque += [why] if why else []
        yield from (read.dataset for read in inputs)
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
    kind = v1_class(relation)
    if kind == "HadoopFsRelation":
        name = format_name(relation.fileFormat())
        for root in gateway.items(relation.location().rootPaths()):
            yield names.path_dataset(root.toString(), name)
    elif kind == "JDBCRelation":
        yield from jdbc_queries.datasets(*jdbc_source(relation))
    elif kind == "KafkaRelation":
        yield from _of_kafka(relation)
    else:
        opaque.append(f"a relation of class {kind} has no name that is known here")


def jdbc_source(relation: Any) -> tuple[str, str]:
    """The URL that a JDBC relation reads from, and the table, or the query in its place."""
    options = relation.jdbcOptions()
    return str(options.url()), str(options.tableOrQuery())


def v1_class(relation: Any) -> str:
    """The class of a relation; of an unnamed class, such as Delta makes for a table by its path, what it extends."""
    kind = simple_class(relation)
    return simple_class_of(relation.getClass().getSuperclass()) if "$$anon$" in kind else kind


def _of_stream(spark: SparkSession, leaf: Any, opaque: list[str]) -> Iterator[Dataset]:
    """A streaming source: its own options say where it reads."""
    if simple_class(leaf) == "StreamingRelationV2":
        v1 = option(leaf.v1Relation())
        source, options = str(leaf.sourceName()), _string_map(leaf.extraOptions())
        if v1 is not None and not options:
            options = _string_map(v1.dataSource().options())
    else:
        source, options = str(leaf.dataSource().className()), _string_map(leaf.dataSource().options())
        table = option(leaf.dataSource().catalogTable())
        if table is not None:
            yield of_catalog_table(spark, table)
            return
    if "path" in options:
        options["path"] = qualified(spark, options["path"])
    found = list(stream_source(source, options))
    opaque += [] if found else [f"a streaming source of kind {source} has no place that is known here"]
    yield from found


def stream_source(source: str, options: dict[str, str]) -> Iterator[Dataset]:
    """The datasets that a streaming source with these options reads."""
    kind = source.lower()
    if "kafka.bootstrap.servers" in options:
        topics = options.get("subscribe") or options.get("subscribepattern") or "(assigned)"
        for topic in topics.split(","):
            yield names.kafka_dataset(options["kafka.bootstrap.servers"], topic.strip())
    elif "path" in options:
        yield names.path_dataset(options["path"], "delta" if "delta" in kind else kind if "." not in kind else None)
    elif kind in ("rate", "rate-micro-batch", "socket"):
        yield names.other_dataset(kind)
    elif (known := names.connector_dataset(source, options)) is not None:
        yield known


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
    servers = option(private_field(relation, "specifiedKafkaParams").get("kafka.bootstrap.servers")) or "unknown"
    text = str(private_field(relation, "strategy").toString())
    for topic in text[text.find("[") + 1 : text.rfind("]")].split(","):
        yield names.kafka_dataset(servers, topic.strip())


def format_name(file_format: Any) -> str:
    """A file format's short name. Delta hides behind Parquet's."""
    return "delta" if "Delta" in simple_class(file_format) else str(file_format.toString()).lower()


def of_catalog_table(spark: SparkSession, table: Any) -> Dataset:
    """A table of the session catalog: named by its place, with its name in the catalog as a symlink."""
    identifier = table.identifier()
    symlink = catalog_symlink(spark, option(identifier.database()), str(identifier.table()))
    provider = option(table.provider())
    storage = option(table.storage().locationUri())
    if storage is None:
        return Dataset(*symlink, format=provider)
    place = names.place_dataset(uri_text(storage), provider)
    return Dataset(place.namespace, place.name, place.format, (symlink,))


def catalog_symlink(spark: SparkSession, database: str | None, table: str) -> tuple[str, str]:
    """A table's name in the session's catalog, as OpenLineage names catalogs."""
    return names.catalog_symlink(_settings(spark), os.environ, database, table)


def _settings(spark: SparkSession) -> Callable[[str], str | None]:
    """Gives settings of Spark and of Hadoop."""
    hadoop = spark._jsc.hadoopConfiguration()

    def setting(name: str) -> str | None:
        found = spark.conf.get(name, None) if name.startswith("spark.") else hadoop.get(name)
        return None if found is None else str(found)

    return setting


def of_v2_relation(spark: SparkSession, relation: Any) -> tuple[Dataset, ...]:
    """A DataSource V2 relation: its table by its place, else by the catalog that it is from, else by its kind."""
    found = of_v2_table(spark, relation.table())
    catalog, identifier = option(relation.catalog()), option(relation.identifier())
    if found or catalog is None or identifier is None:
        return found or (_unplaced_table(relation.table()),)
    parts = (*map(str, identifier.namespace()), str(identifier.name()))
    return (names.catalog_table(str(catalog.name()), parts, _settings(spark)),)


def _unplaced_table(table: Any) -> Dataset:
    return names.other_dataset(simple_class(table).removesuffix("Table").lower(), str(table.name()))


def of_v2_catalog(spark: SparkSession, catalog: str, parts: Sequence[str]) -> Dataset:
    """A table of another catalog than the session's, whether it exists or not."""
    java = jvm(spark)
    plugin = spark._jsparkSession.sessionState().catalogManager().catalog(catalog)
    gateway: Any = spark._sc._gateway
    namespace = gateway.new_array(java.java.lang.String, len(parts) - 1)
    for place, part in enumerate(parts[:-1]):
        namespace[place] = part
    identifier = java.org.apache.spark.sql.connector.catalog.Identifier.of(namespace, parts[-1])
    found = of_v2_table(spark, plugin.loadTable(identifier)) if plugin.tableExists(identifier) else ()
    return found[0] if found else names.catalog_table(catalog, parts, _settings(spark))


def of_v2_table(spark: SparkSession, table: Any) -> tuple[Dataset, ...]:
    """A DataSource V2 table that says where it is: of Delta, of files, of a database. Others are nothing."""
    kind = simple_class(table)
    if kind == "DeltaTableV2":
        known = option(table.catalogTable())
        return (
            of_catalog_table(spark, known)
            if known is not None
            else names.path_dataset(table.path().toString(), "delta"),
        )
    if kind == "JDBCTable":
        options = table.jdbcOptions()
        return (names.jdbc_dataset(str(options.url()), ".".join((*table.ident().namespace(), table.ident().name()))),)
    if simple_class_of(table.getClass().getSuperclass()) == "FileTable":
        kind = str(table.formatName()).lower()
        return tuple(names.path_dataset(path.toString(), kind) for path in sequence(table.fileIndex().rootPaths()))
    return told_place(str(table.name()), table.properties(), _settings(spark))


def told_place(name: str, properties: Mapping[str, Any], setting: Callable[[str], str | None]) -> tuple[Dataset, ...]:
    """A table whose properties say where it is, as Iceberg's do; nothing for others.

    Args:
        name: the table's, which begins with its catalog's.
    """
    location, provider = properties.get("location"), properties.get("provider")
    if not location or not provider:
        return ()
    catalog, _, rest = name.partition(".")
    symlink = names.other_catalog_symlink(setting, catalog, rest) if rest and "/" not in catalog else None
    place = names.place_dataset(str(location), str(provider).lower())
    return (dataclasses.replace(place, symlinks=(symlink,) if symlink else ()),)
