"""Spark's plans, tables and Scala's collections over py4j: reading them, and naming what they stand for."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from hookline.core.events import Dataset
from hookline.pipelines import gateway, names

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

logger = logging.getLogger(__name__)


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


def string_map(java: Any) -> dict[str, str]:
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
