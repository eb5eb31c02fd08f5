"""What principals get of example rows: the same decision and the same expressions of Spark's as in a secured session."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.core.config_tree import plain
from hookline.core.config_yaml import parse
from hookline.core.declared import read_text
from hookline.core.errors import ConfigError
from hookline.core.events import utc_now
from hookline.core.text import quoted
from hookline.governance.access.decide import Decision, KnownTable, decide
from hookline.governance.access.leaves import SchemaError, leaves
from hookline.governance.access.loading import Access
from hookline.governance.access.names import Names, parts, path, same, written
from hookline.governance.access.view import shown
from hookline.governance.kinds import MAX_BYTES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Rows = Sequence[Mapping[str, Any]]


def read_rows(file: Path) -> dict[Names, Rows]:
    """A file with example rows by table: ``crm.people: [{id: 1}]``.

    Raises:
        ConfigError: it can't be read, or is no such thing.
    """
    root = parse(read_text(file, str(file), "list of rows", MAX_BYTES), str(file))
    if root is None or not isinstance(root.value, dict):
        raise ConfigError(f"{file}: it has no rows; write tables with lists of rows, such as crm.people: [{{id: 1}}]")
    found: dict[Names, Rows] = {}
    for name, node in root.value.items():
        rows = plain(node)
        try:
            good = len(parts(name)) == 2 and isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
        except ValueError:
            good = False
        if not good:
            raise ConfigError(f"{node.where}: {name}: it should be database.table with a list of rows")
        found[path(name)] = rows
    return found


def simulate(
    spark: SparkSession,
    access: Access,
    principals: Iterable[str],
    tables: Sequence[KnownTable],
    rows: Mapping[Names, Rows],
    purpose: str | None,
) -> list[dict[str, Any]]:
    """What each principal gets of each table.

    Raises:
        ConfigError: a table is not known, or a row does not fit its columns.
    """
    found: list[dict[str, Any]] = []
    frames = {names: _frame(spark, _known(tables, names), given) for names, given in rows.items()}
    for principal in principals:
        for names, frame in frames.items():
            table = _known(tables, names)
            decision = decide(access, principal, table, utc_now(), purpose)
            found.append({"principal": principal, "table": str(table), "rows": _seen(frame, decision, table)})
    return found


def _seen(frame: DataFrame, decision: Decision, table: KnownTable) -> list[Any] | None:
    """None when the table is not there for the principal."""
    from pyspark.sql import functions as F

    if not decision.readable:
        return None
    view = shown(frame, decision, list(leaves(table.columns)))
    whole = F.struct(*(F.col(quoted(name)) for name in view.columns))
    return [json.loads(row[0]) for row in view.select(F.to_json(whole, {"ignoreNullFields": "false"})).collect()]


def _frame(spark: SparkSession, table: KnownTable, rows: Rows) -> DataFrame:
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException
    from pyspark.sql import functions as F
    from pyspark.sql.types import DataType, StructField, StructType

    own = {column.name for column in table.columns}
    for row in rows:
        for name in row:
            if name not in own:
                raise ConfigError(f"{table} has no column {written((name,))}; correct the rows, or the table's columns")
    try:
        list(leaves(table.columns))
        schema = StructType([StructField(column.name, DataType.fromDDL(column.type)) for column in table.columns])
        given = spark.createDataFrame([(json.dumps(row, default=str),) for row in rows], "row string")
        frame = given.select(F.from_json("row", schema, {"mode": "FAILFAST"}).alias("row")).select("row.*")
        frame.collect()
    except (PySparkException, Py4JJavaError, SchemaError) as error:
        what = str(error) if isinstance(error, SchemaError) else type(error).__name__
        raise ConfigError(
            f"the rows of {table} do not fit its columns, or these have no types of Spark's ({what})"
        ) from None
    return frame


def _known(tables: Sequence[KnownTable], names: Names) -> KnownTable:
    found = next((table for table in tables if same((table.database, table.name), names)), None)
    if found is None:
        raise ConfigError(f"the columns of {written(names)} are not known: declare them under tables, or with --schema")
    return found
