"""Writes into tables of files, as Spark itself plans them: the files can go to any folder, and the catalog is told later.

Spark's analysis says which files a statement writes, and what of the table they take the place of. The same files are then
written to another folder; what Spark would have told the catalog at the end is told when they are published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hookline.pipelines import plans
from hookline.pipelines.staging.catalog import statement_of
from hookline.pipelines.staging.choice import Redirect
from hookline.pipelines.staging.files import Files, TakenError
from hookline.pipelines.staging.folder import Replaces
from hookline.pipelines.staging.registry import Creation, Insertion, partitions_elsewhere
from hookline.pipelines.targets import FILE_FORMATS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from hookline.pipelines.tables import TableTarget

# What Spark's analysis makes of a statement over a frame (None: over the job's own data).
Analyze = Callable[["DataFrame | None"], Any]


def redirect(spark: SparkSession, target: Any, analyze: Analyze, options: Mapping[str, str]) -> Redirect | None:
    """How a write goes to another folder; None where it can't, or where Spark has something to say first.

    Args:
        options: further ones for the writer. The catalog is not told of them.
    """
    command = analyze(None)
    kind = plans.simple_class(command)
    if kind == "InsertIntoHadoopFsRelationCommand":
        return _of_insert(spark, target, command, analyze, options)
    if kind == "CreateDataSourceTableAsSelectCommand":
        return _of_creation(spark, target, command, analyze, options)
    return Redirect(_Directory(spark, analyze, options), "all") if kind == "InsertIntoDataSourceDirCommand" else None


def creation(spark: SparkSession, command: Any) -> Any:
    """What Spark's analysis makes of what ``saveAsTable`` runs."""
    if plans.simple_class(command) != "SaveAsV1TableCommand":
        return command  # another catalog's, or Delta's
    java = plans.jvm(spark)
    data = java.scala.Option.apply(command.query())
    plan = java.org.apache.spark.sql.execution.datasources.CreateTable(command.tableDesc(), command.mode(), data)
    return plans.analyzed(spark, plan)


# -- INSERT ------------------------------------------------------------------------------------------------------------


def _of_insert(
    spark: SparkSession, table: TableTarget, command: Any, analyze: Analyze, options: Mapping[str, str]
) -> Redirect | None:
    known = plans.option(command.catalogTable())
    if known is None or command.ifPartitionNotExists() or partitions_elsewhere(spark, known):
        return None
    java = plans.jvm(spark)

    def run(insert: Any, uri: str, **shape: Any) -> Any:
        nothing = java.scala.Option.empty()
        elsewhere = {"outputPath": java.org.apache.hadoop.fs.Path(uri), "catalogTable": nothing, "fileIndex": nothing}
        elsewhere["options"] = _with(insert.options(), options)
        return plans.frame(spark, plans.copied(insert, mode=_new(spark), **elsewhere, **shape))

    def write(changed: DataFrame | None, uri: str) -> Any:
        return run(analyze(changed), uri)

    def again(rows: DataFrame, uri: str) -> Any:
        query = rows._jdf.queryExecution().analyzed()
        columns = {str(column.name()): column for column in plans.sequence(query.output())}
        partitions = [columns[str(column.name())] for column in plans.sequence(command.partitionColumns())]
        return run(
            command,
            uri,
            query=query,
            outputColumnNames=java.PythonUtils.toSeq(list(columns)),
            partitionColumns=java.PythonUtils.toSeq(partitions),
            staticPartitions=java.PythonUtils.toScalaMap({}),
        )

    partitions = tuple(str(column.name()) for column in plans.sequence(command.partitionColumns()))
    named = _named_folder(spark, command)
    complete = int(command.staticPartitions().size()) == int(command.partitionColumns().length())
    overwrites = str(command.mode()) == "Overwrite"
    if overwrites and command.dynamicPartitionOverwrite():
        into = Insertion(spark, table.refresh, known)
        return Redirect(write, "partitions", catalog=into, again=again, partition_by=partitions)
    catalog = Insertion(
        spark, table.refresh, known, named=named if complete else "", replaces=named if overwrites else None
    )
    replaced: tuple[Replaces, str] = ("all", named) if overwrites else ("nothing", "")
    return Redirect(write, *replaced, catalog=catalog, again=again, partition_by=partitions)


def _named_folder(spark: SparkSession, command: Any) -> str:
    """The folder of the partitions that an INSERT names, relative to the table; "" when it names none."""
    utilities = plans.jvm(spark).org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils
    static = command.staticPartitions()
    columns = [str(column.name()) for column in plans.sequence(command.partitionColumns())]
    named = [column for column in columns if static.contains(column)]
    return "/".join(str(utilities.getPartitionPathString(column, static.apply(column))) for column in named)


# -- CREATE TABLE AS, saveAsTable --------------------------------------------------------------------------------------


def _of_creation(
    spark: SparkSession, table: TableTarget, command: Any, analyze: Analyze, options: Mapping[str, str]
) -> Redirect | None:
    catalog = spark._jsparkSession.sessionState().catalog()
    name = catalog.qualifyIdentifier(command.table().identifier())
    definition, mode = plans.copied(command.table(), identifier=name), str(command.mode())
    uri = getattr(table.place(), "uri", None)
    if uri is None or _provider(definition) not in FILE_FORMATS or definition.clusterBySpec().isDefined():
        return None
    database, plain = str(plans.option(name.database())), str(name.table())
    write = _Files(spark, analyze, options)
    partitions = tuple(map(str, plans.sequence(definition.partitionColumnNames())))
    known = plans.catalog_table(spark, database, plain)
    if known is not None and mode == "Append":
        told = Insertion(spark, table.refresh, known)
        return None if partitions_elsewhere(spark, known) else Redirect(write, catalog=told, partition_by=partitions)

    def check(there: Any) -> None:
        if not _may_be_made(spark, there, definition, mode, uri):
            raise TakenError(f"the table {database}.{plain}, or its place, changed while the data for it was staged")

    if not _may_be_made(spark, known, definition, mode, uri):
        return None
    if known is not None:
        statement_of(spark, known)  # one that could not be made again must not be taken out
    made = Creation(spark, table.refresh, definition, write.schema, check)
    return Redirect(write, "all", catalog=made, partition_by=partitions)


def _may_be_made(spark: SparkSession, known: Any, definition: Any, mode: str, uri: str) -> bool:
    """Whether a table becomes what is defined when its place gets new files and its name is entered (anew)."""
    files = Files(spark, uri)
    if known is None and not files.exists(uri):
        return True
    # Some of the files may stay, or a place of its own kind has to.
    if mode != "Overwrite" or _keeps_partitions(spark, definition) or files.fixed(uri):
        return False
    if known is None:
        return str(definition.tableType().name()) == "EXTERNAL"  # Spark refuses a place that it was not told
    return bool(
        str(known.tableType().name()) in ("MANAGED", "EXTERNAL")
        and _provider(known) in FILE_FORMATS
        and plans.qualified(spark, plans.uri_text(known.location())).rstrip("/") == uri.rstrip("/")
        and not partitions_elsewhere(spark, known)
    )


def _keeps_partitions(spark: SparkSession, definition: Any) -> bool:
    option = plans.option(definition.storage().properties().get("partitionoverwritemode"))
    return str(option or spark.conf.get("spark.sql.sources.partitionOverwriteMode")).lower() == "dynamic"


def _provider(definition: Any) -> str:
    return str(plans.option(definition.provider())).lower()


class _Files:
    """Writes a statement's data as the files of the table that it makes, in any folder."""

    def __init__(self, spark: SparkSession, analyze: Analyze, options: Mapping[str, str]) -> None:
        self._spark = spark
        self._analyze = analyze
        self._options = options
        self._written: Any = None

    def __call__(self, changed: DataFrame | None, uri: str) -> Any:
        command = self._written = self._analyze(changed)
        definition = command.table()
        source = _source(
            self._spark,
            definition,
            definition.storage(),
            uri,
            definition.partitionColumnNames(),
            definition.bucketSpec(),
            self._options,
        )
        return plans.frame(self._spark, source.planForWriting(_new(self._spark), command.query()))

    def schema(self) -> Any:
        """The table's columns, as its files are read: all may be null, and what they are partitioned by comes last."""
        java, command = plans.jvm(self._spark).org.apache.spark.sql, self._written
        columns = java.execution.command.DataWritingCommand.logicalPlanOutputWithNames(
            command.query(), command.outputColumnNames()
        )
        schema = java.catalyst.types.DataTypeUtils.fromAttributes(columns).asNullable()
        fields = {str(field.name()): field for field in plans.sequence(schema)}
        last = [fields.pop(str(name)) for name in plans.sequence(command.table().partitionColumnNames())]
        ordered = java.types.StructType()
        for field in (*fields.values(), *last):
            ordered = ordered.add(field)
        conf = self._spark._jsparkSession.sessionState().conf()
        return java.catalyst.util.CharVarcharUtils.getRawSchema(ordered, conf)


class _Directory:
    """Writes the data of an ``INSERT OVERWRITE DIRECTORY`` to any folder."""

    def __init__(self, spark: SparkSession, analyze: Analyze, options: Mapping[str, str]) -> None:
        self._spark = spark
        self._analyze = analyze
        self._options = options

    def __call__(self, changed: DataFrame | None, uri: str) -> Any:
        command = self._analyze(changed)
        java = plans.jvm(self._spark)
        nothing = java.PythonUtils.toSeq([]), java.scala.Option.empty()
        source = _source(self._spark, command, command.storage(), uri, *nothing, self._options)
        return plans.frame(self._spark, source.planForWriting(_new(self._spark), command.query()))


def _source(
    spark: SparkSession,
    named: Any,
    storage: Any,
    uri: str,
    partition_columns: Any,
    buckets: Any,
    more: Mapping[str, str],
) -> Any:
    """Spark's DataSource for a folder."""
    java = plans.jvm(spark)
    nothing = java.scala.Option.empty()
    provider = named.provider() if isinstance(named.provider(), str) else plans.option(named.provider())
    options = _with(storage.properties(), {**more, "path": uri})
    source = java.org.apache.spark.sql.execution.datasources.DataSource
    known = [spark._jsparkSession, provider, java.PythonUtils.toSeq([]), nothing, partition_columns, buckets, options]
    (constructor,) = java.java.lang.Class.forName(str(source._fqn)).getConstructors()
    return source(*known, *[nothing] * (len(constructor.getParameterTypes()) - len(known)))


def _with(options: Any, more: Mapping[str, str]) -> Any:
    """Options, in Scala, with further ones."""
    for name, value in more.items():
        options = options.updated(name, value)
    return options


def _new(spark: SparkSession) -> Any:
    return plans.jvm(spark).org.apache.spark.sql.SaveMode.ErrorIfExists
