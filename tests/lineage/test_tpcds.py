"""All 99 TPC-DS queries are traced in full, and say of values what sqlglot's lineage says of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hookline.core.events import ColumnLineage
from hookline.pipelines import columns

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]
TYPES = {"VARCHAR": "STRING", "INTEGER": "INT"}
# Where the two differ, and why ours is meant.
DIFFERENT: dict[int, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "truth" / "tpcds.yaml").read_text()
)
Tables = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def tpcds() -> tuple[Tables, dict[int, str]]:
    """The tables (column to type) and the queries, from DuckDB's extension."""
    module = pytest.importorskip("duckdb_extension_tpcds")
    import duckdb

    connection = duckdb.connect()
    connection.load_extension(str(next(Path(module.__file__).parent.rglob("tpcds.duckdb_extension"))))
    connection.sql("CALL dsdgen(sf=0)")
    tables: Tables = {}
    query = "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal ORDER BY table_name, column_index"
    for table, column, kind in connection.sql(query).fetchall():
        tables.setdefault(table, {})[column] = kind
    return tables, dict(connection.sql("FROM tpcds_queries()").fetchall())


@pytest.fixture(scope="module")
def session(spark: SparkSession, tpcds: tuple[Tables, dict[int, str]]) -> Iterator[SparkSession]:
    """A session with the 24 tables, empty."""
    own = spark.newSession()
    own.conf.set("spark.sql.ansi.doubleQuotedIdentifiers", "true")
    own.sql("CREATE DATABASE tpcds")
    own.sql("USE tpcds")
    for table, kinds in tpcds[0].items():
        columns = ", ".join(f"{column} {TYPES.get(kind, kind)}" for column, kind in kinds.items())
        own.sql(f"CREATE TABLE {table} ({columns}) USING parquet")
    yield own
    own.sql("DROP DATABASE tpcds CASCADE")


def numbered(frame: DataFrame) -> DataFrame:
    """Its columns named by their places: TPC-DS has several of one name."""
    return frame.toDF(*(str(place) for place in range(len(frame.columns))))


def theirs(sql: str, tables: Tables) -> list[set[str]]:
    """What sqlglot says of each column: everything that its expression names, down to the tables."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    tree = qualify(
        sqlglot.parse_one(sql, dialect="duckdb"), schema=tables, dialect="duckdb", validate_qualify_columns=False
    )
    nodes: Any = lineage(None, tree, tables, scope=build_scope(tree), dialect="duckdb", trim_selects=False)
    found = []
    for select in tree.selects:
        leaves = (node for node in nodes[select.alias_or_name].walk() if not node.downstream)
        found.append(
            {
                f"{leaf.source.name}.{exp.to_column(leaf.name).name}"
                for leaf in leaves
                if isinstance(leaf.source, exp.Table)
            }
        )
    return found


def ours(lineage: ColumnLineage) -> list[dict[str, set[str]]]:
    """Of each column, in what ways it is made from which."""
    found: list[dict[str, set[str]]] = []
    for edges in lineage.columns.values():
        ways: dict[str, set[str]] = {}
        for edge in edges:
            how = "VALUE" if edge.kind == "DIRECT" else edge.transformation
            ways.setdefault(f"{Path(edge.dataset.name).name}.{edge.column}", set()).add(how)
        found.append(ways)
    return found


def explained(number: int) -> dict[int, dict[str, str]]:
    """By the place of a column, what only sqlglot counts as its source, and why."""
    found: dict[int, dict[str, str]] = {}
    for one in DIFFERENT.get(number, ()):
        for place in one["of"]:
            found.setdefault(place, {}).update(dict.fromkeys(one["theirs"], one["because"]))
    return found


@pytest.mark.parametrize("number", range(1, 100))
def test_a_query(session: SparkSession, tpcds: tuple[Tables, dict[int, str]], number: int) -> None:
    sql = tpcds[1][number].rstrip().rstrip(";")
    lineage = columns.trace(session, numbered(session.sql(sql))._jdf.queryExecution().analyzed())
    assert (lineage.degraded, lineage.gaps) == (None, ())
    different: dict[int, dict[str, str]] = {}
    for place, (ways, named) in enumerate(zip(ours(lineage), theirs(sql, tpcds[0]), strict=True)):
        values = {column for column, how in ways.items() if "VALUE" in how}
        assert values <= named
        more = {column: next(iter(ways.get(column, {"GROUPING"}))) for column in named - values}
        different |= {place: more} if more else {}
    assert different == explained(number)
