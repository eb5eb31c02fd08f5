"""The same query in other words has the same lineage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hookline.core.events import ColumnLineage
from hookline.pipelines import columns

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

pytestmark = pytest.mark.spark
# A column of the result: in SQL and as a DataFrame's expression, by the side (l, r) that it is from.
EXPRESSIONS = ("{l}.a", "{r}.e", "{l}.c * 2", "upper({l}.b)", "{l}.c + {r}.f", "CASE WHEN {r}.f > 1 THEN {l}.b END")
CONDITIONS = ("{l}.c > 1", "{r}.f < {l}.c", "({l}.b = 'x' OR {r}.e = 'y')", "{l}.a IN (1, 2)")


@pytest.fixture(scope="module")
def session(spark: SparkSession) -> Iterator[SparkSession]:
    own = spark.newSession()
    own.sql("CREATE DATABASE rewrites")
    own.sql("USE rewrites")
    own.sql("CREATE TABLE t (a INT, b STRING, c DOUBLE) USING parquet")
    own.sql("CREATE TABLE u (a INT, e STRING, f DOUBLE) USING parquet")
    yield own
    own.sql("DROP DATABASE rewrites CASCADE")


def lineage(session: SparkSession, frame: DataFrame) -> ColumnLineage:
    found = columns.trace(session, frame._jdf.queryExecution().analyzed())
    assert (found.degraded, found.gaps) == (None, ())
    return found


def joined(query: dict[str, Any], way: str) -> str:
    """The query's SQL, with its two tables joined in one of several ways."""
    left, right = ("t", "u") if way != "aliases" else ("first_one", "`the other`")
    tables = {
        "on": "t JOIN u ON t.a = u.a",
        "commas": "t, u",
        "aliases": "t AS first_one INNER JOIN u AS `the other` ON first_one.a = `the other`.a",
        "sub-queries": "(SELECT * FROM t) t JOIN (SELECT f, e, a FROM (SELECT * FROM u)) u ON t.a = u.a",
        "with": "t1 t JOIN u1 u ON t.a = u.a",
        "cross": "t CROSS JOIN u",
    }[way]
    select = ", ".join(f"{text} AS x{at}" for at, text in enumerate(query["select"]))
    where = [*query["where"], *(["{l}.a = {r}.a"] if way in ("commas", "cross") else [])]
    sql = f"SELECT {select} FROM {tables}" + (f" WHERE {' AND '.join(where)}" if where else "")
    before = "WITH u1 AS (SELECT * FROM u), t1 AS (SELECT a, b, c FROM t) " if way == "with" else ""
    return (before + sql).replace("{l}", left).replace("{r}", right)


def grouped(sql: str, groups: bool) -> str:
    return f"SELECT x0, count(*) AS n FROM ({sql}) GROUP BY x0 HAVING max(x0) IS NOT NULL" if groups else sql


def as_frame(session: SparkSession, query: dict[str, Any]) -> DataFrame:
    from pyspark.sql import functions as F

    def column(text: str) -> Column:
        return F.expr(text.replace("{l}", "l").replace("{r}", "r"))

    left, right = session.table("t").alias("l"), session.table("u").alias("r")
    frame = left.join(right, F.col("l.a") == F.col("r.a"))
    for condition in query["where"]:
        frame = frame.where(column(condition))
    frame = frame.select(*[column(text).alias(f"x{at}") for at, text in enumerate(query["select"])])
    if query["groups"]:
        counted = frame.groupBy("x0").agg(F.count(F.lit(1)).alias("n"), F.max("x0").alias("most"))
        frame = counted.where("most IS NOT NULL").drop("most")
    return frame


@given(
    query=st.fixed_dictionaries(
        {
            "select": st.lists(st.sampled_from(EXPRESSIONS), min_size=1, max_size=4),
            "where": st.lists(st.sampled_from(CONDITIONS), max_size=3, unique=True),
            "groups": st.booleans(),
        }
    )
)
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_way_a_query_is_written_changes_nothing(session: SparkSession, query: dict[str, Any]) -> None:
    expected = lineage(session, as_frame(session, query))
    for way in ("on", "commas", "aliases", "sub-queries", "with", "cross"):
        sql = grouped(joined(query, way), query["groups"])
        assert lineage(session, session.sql(sql)) == expected, sql


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "SELECT a, s FROM (SELECT a, sum(c) AS s FROM t GROUP BY a) WHERE s > 1",
            "SELECT a, sum(c) AS s FROM t GROUP BY a HAVING s > 1",
        ),
        ("SELECT DISTINCT a, b FROM t", "SELECT a, b FROM t GROUP BY a, b"),
        ("SELECT * FROM t JOIN u USING (a)", "SELECT t.a, t.b, t.c, u.e, u.f FROM t JOIN u ON t.a = u.a"),
        ("SELECT if(c > 1, b, 'x') AS k FROM t", "SELECT CASE WHEN c > 1 THEN b ELSE 'x' END AS k FROM t"),
        (
            "SELECT * FROM (SELECT a, row_number() OVER (ORDER BY c) AS n FROM t) WHERE n = 1",
            "SELECT a, row_number() OVER w AS n FROM t WINDOW w AS (ORDER BY c) QUALIFY n = 1",
        ),
        (
            "SELECT b FROM t WHERE a IN (SELECT a FROM u WHERE f > 1)",
            "WITH x AS (SELECT a FROM u WHERE f > 1) SELECT y.b FROM t y WHERE y.a IN (SELECT a FROM x)",
        ),
        (
            "SELECT x.b FROM t x, t y WHERE x.a = y.c",
            "WITH z AS (SELECT * FROM t) SELECT x.b FROM z x JOIN z y ON x.a = y.c",
        ),
        ("FROM t |> WHERE a > 1 |> SELECT b", "SELECT b FROM t WHERE a > 1"),
    ],
)
def test_two_queries_that_mean_the_same(session: SparkSession, one: str, other: str) -> None:
    assert lineage(session, session.sql(one)) == lineage(session, session.sql(other))
