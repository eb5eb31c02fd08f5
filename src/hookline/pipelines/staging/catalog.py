"""What a publication changes in the session's catalog: enough to tell whether it was done, and to undo it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hookline.core import text
from hookline.pipelines import plans

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Registered = Literal["ours", "not ours", "nothing", "catalog is gone", "catalog is elsewhere"]


@dataclass(frozen=True)
class Registration:
    """A table that is made, or made anew, with the files that are published.

    Attributes:
        catalog: which catalog it is in.
        created_s: when the new table says that it was created, in epoch seconds; no table before it said the same.
        replaced: the statement that makes the table that was there, "" when none was.
        columns: that table's columns, as Spark writes a schema in JSON: its statement spells some types in another way.
        replaced_ms: when that one said it was created, in epoch milliseconds.
    """

    catalog: str
    database: str
    table: str
    created_s: int
    replaced: str = ""
    columns: str = ""
    replaced_ms: int = 0


def catalog_of(spark: SparkSession, database: str) -> str:
    """The session's catalog: a Hive metastore is known by where the database is, another lives as long as its application."""
    kind = str(spark.conf.get("spark.sql.catalogImplementation"))
    if kind != "hive":
        return f"{kind}:{spark.sparkContext.applicationId}"
    catalog = _catalog(spark)
    place = catalog.getDatabaseMetadata(database).locationUri() if catalog.databaseExists(database) else None
    return f"hive:{'' if place is None else plans.uri_text(place)}"


def registered(spark: SparkSession, registration: Registration) -> Registered:
    """Whose table it is that the catalog has under this name."""
    if catalog_of(spark, registration.database) != registration.catalog:
        return "catalog is elsewhere" if registration.catalog.startswith("hive:") else "catalog is gone"
    known = plans.catalog_table(spark, registration.database, registration.table)
    if known is None:
        return "nothing"
    return "ours" if int(known.createTime()) // 1000 == registration.created_s else "not ours"


def register_again(spark: SparkSession, registration: Registration) -> None:
    """Make the table that was replaced, as it was, over the files that are back in their place."""
    columns = plans.jvm(spark).org.apache.spark.sql.types.DataType.fromJson(registration.columns)
    definition = _definition(spark, registration.replaced)
    table = plans.copied(definition, schema=columns, createTime=registration.replaced_ms)
    _catalog(spark).createTable(table, True, False)
    find_partitions(spark, table)


def find_partitions(spark: SparkSession, table: Any) -> None:
    """Have the catalog look for the partitions of a table that was just made."""
    session = spark._jsparkSession
    if table.partitionColumnNames().isEmpty() or not session.sessionState().conf().manageFilesourcePartitions():
        return
    commands = plans.jvm(spark).org.apache.spark.sql.execution.command
    commands.RepairTableCommand(table.identifier(), True, False, "MSCK REPAIR TABLE").run(session)


def statement_of(spark: SparkSession, table: Any) -> str:
    """The statement that would make a table; raises where there is none that Spark takes."""
    parts = (str(plans.option(table.identifier().database())), str(table.identifier().table()))
    show = f"SHOW CREATE TABLE {'.'.join(map(text.quoted, parts))}"
    (row,) = plans.frame(spark, _parser(spark).parsePlan(show)).collect()
    _definition(spark, str(row[0]))
    return str(row[0])


def _definition(spark: SparkSession, statement: str) -> Any:
    return plans.analyzed(spark, _parser(spark).parsePlan(statement)).table()


def _parser(spark: SparkSession) -> Any:
    return spark._jsparkSession.sessionState().sqlParser()


def _catalog(spark: SparkSession) -> Any:
    return spark._jsparkSession.sessionState().catalog()
