"""SQL statements that write: found by Spark's own parser, taken through the chain."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from hookline.core.events import Operation, Statement
from hookline.pipelines import assigned, chain, plans, table_files, tables, targets
from hookline.pipelines.staging.choice import Redirect

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_COMMENT = re.compile(r"\s+|--[^\n]*|/\*.*?\*/", re.S)
_MAY_WRITE = re.compile(r"(?i)(insert|create|replace|merge|update|delete|with|from)\b")
_ROW_CHANGES: Mapping[str, Operation] = {
    "MergeIntoTable": "merge",
    "UpdateTable": "update",
    "DeleteFromTable": "delete",
}
_DATA_WRITES: Mapping[str, Operation] = {
    "InsertIntoStatement": "insert",
    "OverwriteByExpression": "overwrite",
    "CreateTableAsSelect": "create",
    "ReplaceTableAsSelect": "replace",
    "InsertIntoDir": "overwrite",
}
# What Spark's analysis makes of an INSERT; the query in it has the table's columns.
_ANALYZED_INSERTS = (
    "InsertIntoHadoopFsRelationCommand",
    "InsertIntoHiveTable",
    "AppendData",
    "OverwriteByExpression",
    "OverwritePartitionsDynamic",
)


@dataclass(frozen=True)
class ParsedWrite:
    """A parsed statement that writes: the command's node, and the WITH clause around it, if any."""

    command: Any
    kind: str
    around: Any = None
    text: Statement | None = None


def parse(
    spark: SparkSession, text: str, arguments: Mapping[str, Any] | Sequence[Any] | None = None
) -> ParsedWrite | None:
    """The write in a statement; None when it does not write, or can't be parsed (Spark then says so itself).

    ``arguments`` are the values of the markers in the text (``:name`` or ``?``), as ``SparkSession.sql`` takes them.
    """
    if not _may_write(text):
        return None
    try:
        plan = spark._jsparkSession.sessionState().sqlParser().parsePlan(_bound(spark, text, arguments))
    except Exception:  # noqa: BLE001 - the same text goes to Spark next, whose error the job should see
        return None
    around = None
    kind = plans.simple_class(plan)
    if kind == "UnresolvedWith":
        around, plan = plan, plan.child()
        kind = plans.simple_class(plan)
    parsed = ParsedWrite(plan, kind, around, Statement(text))
    return parsed if kind in _ROW_CHANGES or kind in _DATA_WRITES else None


def request(spark: SparkSession, statement: ParsedWrite, bare: Callable[[], Any]) -> chain.Request:
    """What a statement asks for. ``bare`` runs it as it is."""
    if statement.kind in _ROW_CHANGES:
        return chain.Request(
            spark=spark,
            target=(table := _named_table(spark, statement.command)),
            operation=_ROW_CHANGES[statement.kind],
            execute=lambda _: bare(),
            plan=_source_plan(spark, statement.command),
            schema=table.schema,
            statement=statement.text,
            command=lambda _: analyzed(spark, statement),
            assigned=lambda: assigned.by_statement(statement.command),
        )
    frame = _query_frame(spark, statement)

    def execute(changed: DataFrame | None) -> Any:
        return bare() if changed is None else _run_with(spark, statement, changed)

    target, overwrites = _data_target(spark, statement)
    by_position = statement.kind in ("InsertIntoStatement", "OverwriteByExpression") and isinstance(
        target, tables.TableTarget
    )
    return chain.Request(
        spark=spark,
        target=target,
        operation="overwrite" if overwrites else _DATA_WRITES[statement.kind],
        execute=execute,
        frame=frame,
        schema=target.schema if by_position and isinstance(target, tables.TableTarget) else _schema_of(target, frame),
        stored=partial(stored, spark, statement) if by_position else None,
        statement=statement.text,
        command=partial(_analyzed_over, spark, statement, frame) if by_position else None,
        redirect=partial(redirect, spark, statement, target, frame),
    )


def insert(spark: SparkSession, parts: Sequence[str], *, overwrite: bool) -> ParsedWrite:
    """``INSERT INTO|OVERWRITE`` a table, over no data yet."""
    text = f"INSERT {'OVERWRITE' if overwrite else 'INTO'} {tables.quoted(parts)} SELECT 1"
    plan = spark._jsparkSession.sessionState().sqlParser().parsePlan(text)
    return ParsedWrite(plan, plans.simple_class(plan))


def redirect(
    spark: SparkSession,
    statement: ParsedWrite,
    target: targets.WriteTarget,
    frame: DataFrame | None,
    options: Mapping[str, str],
) -> Redirect | None:
    """How a statement's data goes to another folder, with further options for the writer, or None."""
    return table_files.redirect(spark, target, partial(_analyzed_over, spark, statement, frame), options)


def merge_request(
    spark: SparkSession, table: str, source: DataFrame, writer: Any, bare: Callable[[], Any]
) -> chain.Request:
    """What ``DataFrame.mergeInto(table, …).merge()`` asks for. ``writer`` is the JVM's."""
    target = tables.TableTarget(spark, tables.table_parts(spark, table))
    return chain.Request(
        spark=spark,
        target=target,
        operation="merge",
        execute=lambda _: bare(),
        plan=source._jdf.queryExecution().analyzed(),
        schema=target.schema,
        assigned=lambda: assigned.by_merge(writer),
        late=True,
    )


def _may_write(text: str) -> bool:
    """A cheap look at the first word, so that a SELECT costs nothing."""
    position = 0
    while match := _COMMENT.match(text, position):
        position = match.end()
    return _MAY_WRITE.match(text, position) is not None


def _bound(spark: SparkSession, text: str, arguments: Mapping[str, Any] | Sequence[Any] | None) -> str:
    """The text with its arguments in it, as Spark's own pre-processor writes them.

    A parser that an extension brings (Delta's, for one) may know nothing of arguments, so they can't be left to it.
    What the pre-processor does not take, Spark does not either: the text then stays as it is.
    """
    if not arguments:
        return text
    from pyspark.sql.functions import lit

    handler = plans.jvm(spark).org.apache.spark.sql.catalyst.parser.ParameterHandler
    to_scala = plans.jvm(spark).PythonUtils

    def expression(value: Any) -> Any:
        return spark._jsparkSession.expression(lit(value)._jc)

    try:
        if isinstance(arguments, Mapping):
            named = {name: expression(value) for name, value in arguments.items()}
            return str(handler.substituteNamedParameters(text, to_scala.toScalaMap(named))._1())
        listed = to_scala.toSeq([expression(value) for value in arguments])
        return str(handler.substitutePositionalParameters(text, listed)._1())
    except Exception:  # noqa: BLE001 - the same text and arguments go to Spark next, whose error the job should see
        return text


def _schema_of(target: targets.WriteTarget, frame: DataFrame | None) -> Any:
    return target.schema if frame is None and isinstance(target, tables.TableTarget) else None


def _query_frame(spark: SparkSession, statement: ParsedWrite) -> DataFrame | None:
    """The query as a DataFrame; None when it means something only inside its statement (``VALUES (DEFAULT)``)."""
    query = [*plans.sequence(statement.command.children())][-1]
    if statement.around is not None:
        query = _with_children(spark, statement.around, [query])
    try:
        return plans.frame(spark, query)
    except Exception:  # noqa: BLE001 - an invalid query gets Spark's own error when the statement runs
        return None


def _run_with(spark: SparkSession, statement: ParsedWrite, frame: DataFrame) -> DataFrame:
    return plans.frame(spark, _over(spark, statement, frame))


def _over(spark: SparkSession, statement: ParsedWrite, frame: DataFrame) -> Any:
    """The same statement over other data: a statement's query is the last of its children."""
    children = [*plans.sequence(statement.command.children())][:-1]
    return _with_children(spark, statement.command, [*children, frame._jdf.queryExecution().logical()])


def stored(spark: SparkSession, statement: ParsedWrite, frame: DataFrame) -> DataFrame:
    """The rows as the table will have them: what Spark's analysis of an INSERT makes of its query.

    Raises:
        LookupError: when the command is not one whose query has the table's columns.
    """
    command = analyzed(spark, statement, frame)
    kind = plans.simple_class(command)
    if kind not in _ANALYZED_INSERTS:
        raise LookupError(kind)
    return plans.frame(spark, command.query())


def analyzed(spark: SparkSession, statement: ParsedWrite, frame: DataFrame | None = None) -> Any:
    """What Spark's analysis makes of a statement, over this data where it is given. Nothing is run."""
    return plans.analyzed(spark, _whole(spark, statement) if frame is None else _over(spark, statement, frame))


def _analyzed_over(
    spark: SparkSession, statement: ParsedWrite, frame: DataFrame | None, changed: DataFrame | None
) -> Any:
    return analyzed(spark, statement, frame if changed is None else changed)


def _whole(spark: SparkSession, statement: ParsedWrite) -> Any:
    """The statement as it was written: with its WITH clause."""
    if statement.around is None:
        return statement.command
    return _with_children(spark, statement.around, [statement.command])


def _with_children(spark: SparkSession, node: Any, children: list[Any]) -> Any:
    return node.withNewChildren(plans.jvm(spark).PythonUtils.toSeq(children))


def _data_target(spark: SparkSession, statement: ParsedWrite) -> tuple[targets.WriteTarget, bool]:
    command, kind = statement.command, statement.kind
    if kind == "InsertIntoDir":
        location = plans.option(command.storage().locationUri())
        provider = plans.option(command.provider())
        path = "" if location is None else plans.uri_text(location)
        return targets.path_target(spark, path, str(provider or "hive").lower(), replaces_all=True), True
    if kind == "InsertIntoStatement":
        parts = _parts(command.table())
        dynamic = str(spark.conf.get("spark.sql.sources.partitionOverwriteMode")).lower() == "dynamic"
        partial = bool(command.partitionSpec().nonEmpty()) or dynamic
        overwrites = bool(command.overwrite())
        return tables.TableTarget(spark, parts, replaces_all=overwrites and not partial), overwrites
    if kind == "OverwriteByExpression":
        return tables.TableTarget(spark, _parts(command.table())), True
    specification = command.tableSpec()
    provider = plans.option(specification.provider())
    location = plans.option(specification.location())
    return (
        tables.TableTarget(
            spark,
            _parts(command.name()),
            provider=None if provider is None else str(provider).lower(),
            location=None if location is None else str(location),
            replaces_all=kind == "ReplaceTableAsSelect",
        ),
        False,
    )


def _named_table(spark: SparkSession, command: Any) -> tables.TableTarget:
    name = "targetTable" if plans.simple_class(command) == "MergeIntoTable" else "table"
    relation = getattr(command, name)()
    while plans.simple_class(relation) == "SubqueryAlias":
        relation = relation.child()
    return tables.TableTarget(spark, _parts(relation))


def _parts(relation: Any) -> tuple[str, ...]:
    kind = plans.simple_class(relation)
    parts = relation.nameParts() if kind == "UnresolvedIdentifier" else relation.multipartIdentifier()
    return tuple(str(part) for part in plans.sequence(parts))


def _source_plan(spark: SparkSession, command: Any) -> Any:
    """The plan of a MERGE's source; UPDATE and DELETE read the table that they change."""
    if plans.simple_class(command) != "MergeIntoTable":
        return None
    try:
        return plans.frame(spark, command.sourceTable())._jdf.queryExecution().analyzed()
    except Exception:  # noqa: BLE001 - the statement itself will say what is wrong with it
        return None
