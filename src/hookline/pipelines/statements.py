"""SQL statements that write: found by Spark's own parser, taken through the chain."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.core.events import Operation
from hookline.pipelines import chain, plans, tables, targets

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


@dataclass(frozen=True)
class Statement:
    """A parsed statement that writes: the command's node, and the WITH clause around it, if any."""

    command: Any
    kind: str
    around: Any = None


def parse(spark: SparkSession, text: str) -> Statement | None:
    """The write in a statement; None when it does not write, or can't be parsed (Spark then says so itself)."""
    if not _may_write(text):
        return None
    try:
        plan = spark._jsparkSession.sessionState().sqlParser().parsePlan(text)
    except Exception:  # noqa: BLE001 - the same text goes to Spark next, whose error the job should see
        return None
    around = None
    kind = plans.simple_class(plan)
    if kind == "UnresolvedWith":
        around, plan = plan, plan.child()
        kind = plans.simple_class(plan)
    return Statement(plan, kind, around) if kind in _ROW_CHANGES or kind in _DATA_WRITES else None


def request(spark: SparkSession, statement: Statement, bare: Callable[[], Any]) -> chain.Request:
    """What a statement asks for. ``bare`` runs it as it is."""
    if statement.kind in _ROW_CHANGES:
        return chain.Request(
            spark=spark,
            target=(table := _named_table(spark, statement.command)),
            operation=_ROW_CHANGES[statement.kind],
            execute=lambda _: bare(),
            plan=_source_plan(spark, statement.command),
            schema=table.schema,
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
    )


def merge_request(spark: SparkSession, table: str, source: DataFrame, bare: Callable[[], Any]) -> chain.Request:
    """What ``DataFrame.mergeInto(table, …).merge()`` asks for."""
    target = tables.TableTarget(spark, tables.table_parts(spark, table))
    return chain.Request(
        spark=spark,
        target=target,
        operation="merge",
        execute=lambda _: bare(),
        plan=source._jdf.queryExecution().analyzed(),
        schema=target.schema,
    )


def _may_write(text: str) -> bool:
    """A cheap look at the first word, so that a SELECT costs nothing."""
    position = 0
    while match := _COMMENT.match(text, position):
        position = match.end()
    return _MAY_WRITE.match(text, position) is not None


def _schema_of(target: targets.WriteTarget, frame: DataFrame | None) -> Any:
    return target.schema if frame is None and isinstance(target, tables.TableTarget) else None


def _query_frame(spark: SparkSession, statement: Statement) -> DataFrame | None:
    """The query as a DataFrame; None when it means something only inside its statement (``VALUES (DEFAULT)``)."""
    query = [*plans.sequence(statement.command.children())][-1]
    if statement.around is not None:
        query = _with_children(spark, statement.around, [query])
    try:
        return _frame(spark, query)
    except Exception:  # noqa: BLE001 - an invalid query gets Spark's own error when the statement runs
        return None


def _run_with(spark: SparkSession, statement: Statement, frame: DataFrame) -> DataFrame:
    """The same statement over other data: a statement's query is the last of its children."""
    children = [*plans.sequence(statement.command.children())][:-1]
    return _frame(spark, _with_children(spark, statement.command, [*children, frame._jdf.queryExecution().logical()]))


def _with_children(spark: SparkSession, node: Any, children: list[Any]) -> Any:
    return node.withNewChildren(plans.jvm(spark).PythonUtils.toSeq(children))


def _frame(spark: SparkSession, plan: Any) -> DataFrame:
    from pyspark.sql import DataFrame

    return DataFrame(plans.jvm(spark).org.apache.spark.sql.classic.Dataset.ofRows(spark._jsparkSession, plan), spark)


def _data_target(spark: SparkSession, statement: Statement) -> tuple[targets.WriteTarget, bool]:
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
        return _frame(spark, command.sourceTable())._jdf.queryExecution().analyzed()
    except Exception:  # noqa: BLE001 - the statement itself will say what is wrong with it
        return None
