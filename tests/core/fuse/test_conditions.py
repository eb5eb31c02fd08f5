"""Conditions mean in DuckDB what they mean in Spark, or are left to Spark; what is no condition is refused."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.conditions import ConditionError, read_condition
from hookline.core.events import Column, Measure
from hookline.core.fuse import Target, ride, take
from hookline.core.fuse.binding import bind
from hookline.core.text import quoted

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

NAN, INF = math.nan, math.inf
WEIRD = 'we"ird `n.a$me\n\U0001f600'
SCHEMA = (
    f"i int, l bigint, d decimal(10,2), wide decimal(38,0), tiny decimal(38,38), x double, y double, f float, t string,"
    f" u string, c char(4), b boolean, day date, other date, arr array<int>, s struct<k:int>, {quoted(WEIRD)} string"
)
ROWS: list[tuple[Any, ...]] = [
    (1, 1, "1.00", "1", "0.1", 0.1, 0.1, 0.1, "abc", "abd", "ab", True, "2020-02-29", "2020-03-01", [1], (1,), "a"),
    (
        2,
        2**53 + 1,
        "0.10",
        "9" * 38,
        None,
        -0.0,
        0.0,
        -0.0,
        "",
        " ",
        "abcd",
        False,
        "1582-10-04",
        None,
        [],
        (None,),
        "%",
    ),
    (None, None, None, None, None, None, None, None, None, None, None, None, None, None, None, None, None),
    (3, -1, "-0.01", "0", None, NAN, NAN, NAN, "a%c", "é", None, None, "9999-12-31", "0001-01-01", None, None, "é"),
    (
        4,
        9,
        "9.99",
        "-1",
        None,
        INF,
        NAN,
        INF,
        "a\nc",
        "e\u0301",
        "x",
        True,
        None,
        "1970-01-01",
        [2],
        None,
        "\U0001f600",
    ),
    (0, 0, "0.00", "10", None, 1e16, -INF, 3.4e38, "ABC", "abc", "", False, "1970-01-01", "1970-01-01", [3], (0,), "A"),
]

PORTABLE = [
    "i > 1", "i >= 1 AND l < 5", "i = 1 OR b", "NOT b", "b", "b = true", "b <> false", "i <=> 1", "i <=> l", "i <> l",
    "i between 1 and 3", "i not between 1 and 3", "i in (1, 2)", "i not in (1, 2)", "t in ('abc', '')", "-1 = l",
    "d > 0.1", "d = 0.10", "d >= 0.100", "d < i", "i = d", "l > 0.5", "l <= d", "x > 0.1", "x = 0.1", "x = y", "x <> y",
    "x < y", "x >= 0", "x <=> y", "f = 0.1", "f >= 0.1", "f <= x", "x = i", "x > l", "x + y > 0", "x * 2 >= y - 1",
    "x is null", "x is not null", "arr is null", "s is not null", "length(t) between 1 and 3", "char_length(u) = 1",
    "length(u) = 2", "t like 'a%'", "t like 'a_c'", "t not like '%c'", "t < u", "t = u", "t > 'a'", "u = 'é'",
    "day < other", "day = '1970-01-01'", "day >= DATE '1582-10-15'", "'2020-02-29' = day", "day is null or other > day",
    "true", "(i > 1) and not (l > 1)", "i > 1 and i > 1 and i > 1", "I > 1", "`t` = 'abc'",
    "b = b is null", "i = i is null", "NOT (i > 1 AND t = 'abc')", "i is not distinct from 1", "i is distinct from l", "t not in ('abc')", "not i = 1", "! i = 1", "not i = 1 and b", "b or not b and i = 1", "(b = (i = 1)) is null", "b = (i is null)", "not i is null", "x - y - y < 0", "x - (y + y) * 2 < 0", "- 1 < i",
]  # fmt: skip
OF_SPARK = [
    "i + 1 > 1", "date(day) = day", "t = 1", "i = '1'", "d * 2 > 1", "wide > tiny", "wide = 0.5", "t = 'it\\'s'", "t like 'a\\\\%'",
    "cast(t as double) > 1", "try_cast(t as int) is null", "s.k > 0", "upper(t) = 'ABC'", "trim(t) = ''", "size(arr) > 0",
    "exists(arr, v -> v > 1)", "t rlike '^a'", "day > '2020-2-3'", "x > 1e3", "coalesce(i, 0) > 0", "x = d", "i % 2 = 0",
    "day > timestamp'2020-01-01 00:00:00'", "case when i > 1 then b else true end", "arr = array(1)",
    "l > 12345678901234567890", "i in (1, null)", "b is true", "t = \"abc\"", quoted(WEIRD) + " = 'é'", "b = b in (true)", "x / 2 > 1",
]  # fmt: skip

# A text that is no number and no date is an error under ANSI.
FAILING = ["t = 1", "cast(t as double) > 1", "date(t) is null"]


@pytest.fixture(scope="module")
def frame(spark: SparkSession) -> DataFrame:
    from pyspark.sql import functions as F

    plain = (
        SCHEMA.replace("decimal(10,2)", "string").replace("decimal(38,0)", "string").replace("decimal(38,38)", "string")
    )
    raw = spark.createDataFrame(ROWS, plain.replace("date", "string").replace("char(4)", "string"))
    kinds = {"d": "decimal(10,2)", "wide": "decimal(38,0)", "tiny": "decimal(38,38)", "day": "date", "other": "date"}
    columns = [
        F.col(quoted(name)).cast(kinds[name]).alias(name) if name in kinds else F.col(quoted(name))
        for name in raw.columns
    ]
    return raw.select(columns).repartition(2).cache()


@pytest.fixture(scope="module")
def written(spark: SparkSession, frame: DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("conditions") / "data"
    frame.write.parquet(str(path))
    return path


@pytest.fixture
def target(written: Path, frame: DataFrame, parquet_target: Any) -> Target:
    made: Target = parquet_target(written, frame.schema)
    return made


def measures(conditions: list[str]) -> list[Measure]:
    return [measure for text in conditions for measure in (Measure.violations(text), Measure.matching(text))]


def wanted(frame: DataFrame, measures: list[Measure]) -> dict[Measure, int]:
    """By Spark alone, in the plainest way."""
    from pyspark.sql import functions as F

    tests = [f"({m.condition})" if m.kind == "matching" else f"NOT ({m.condition})" for m in measures]
    (row,) = frame.agg(*(F.count(F.when(F.expr(test), 1)) for test in tests)).collect()
    return dict(zip(measures, row, strict=True))


@pytest.mark.spark
@pytest.mark.parametrize("place", ["child", "tasks"])
def test_duckdb_means_what_spark_means(target: Target, frame: DataFrame, place: Any) -> None:
    asked = measures(PORTABLE)
    results = take(asked, target, ways=("vectorised",), place=place)
    assert {m: (r.value, r.way) for m, r in results.items()} == {
        m: (n, "vectorised") for m, n in wanted(frame, asked).items()
    }


@pytest.mark.spark
def test_what_may_differ_is_left_to_spark(target: Target, frame: DataFrame) -> None:
    asked = measures([text for text in OF_SPARK if text not in FAILING])
    results = take(asked, target)
    assert {m: (r.value, r.way) for m, r in results.items()} == {
        m: (n, "spark") for m, n in wanted(frame, asked).items()
    }


@pytest.mark.spark
@pytest.mark.parametrize("text", [*FAILING, "i + 1", "no_such_function(i) > 1", "s.nothing > 1"])
def test_a_condition_that_fails_in_spark_has_no_value_and_costs_no_other(target: Target, text: str) -> None:
    results = take([Measure.violations(text), Measure.violations("i % 2 = 0")], target)
    first, second = results.values()
    assert first.error is not None
    assert "Spark failed" in first.error
    assert "abc" not in first.error.replace(text, "")
    assert second.ok


@pytest.mark.spark
def test_only_what_can_not_fail_rides(frame: DataFrame, tmp_path: Path) -> None:
    asked = [*measures(PORTABLE), Measure.nulls("x", where="i > 1")]
    ridden, riding = ride(frame, [*asked, *measures(["cast(t as double) > 1"])])
    ridden.write.parquet(str(tmp_path / "out"))
    results = riding.collect(30.0, expected_rows=len(ROWS))
    failed = {m.condition for m, r in results.items() if r.error}
    assert failed == {"cast(t as double) > 1"}
    assert {m: results[m].value for m in asked[:-1]} == wanted(frame, asked[:-1])
    assert results[asked[-1]].value == 0


@pytest.mark.spark
@pytest.mark.parametrize("ways", [("vectorised",), ("spark",)])
@pytest.mark.parametrize("where", ["i > 0", "x = y", "t like 'a%' or b", "i is null", "false"])
def test_a_filter_goes_with_every_counting_measure(
    target: Target, frame: DataFrame, where: str, ways: tuple[Any, ...]
) -> None:
    asked = [
        Measure.nulls("d", where=where),
        Measure.outside("l", minimum=0, maximum=5, where=where),
        Measure.not_in("t", ("abc",), where=where),
        Measure.unmatched("u", "[a-z]+", where=where),
        Measure.violations("i < 3", where=where),
        Measure.duplicates("b", where=where),
        Measure.distinct("b", where=where),
        Measure.matching(where),
    ]
    results = take(asked, target, ways=ways)
    rows = frame.where(where)
    tests = ["d is null", "not l between 0 and 5", "t <> 'abc'", "not u rlike '^[a-z]+$'", "not i < 3"]
    keys = [row["count"] for row in rows.where("b is not null").groupBy("b").count().collect()]
    numbers = [rows.where(test).count() for test in tests]
    numbers += [sum(n for n in keys if n > 1), len(keys), rows.count()]
    assert [results[m].value for m in asked] == numbers
    assert {results[m].way for m in asked} == set(ways)


@pytest.mark.spark
def test_what_is_proved_of_all_rows_holds_for_some_only_when_it_is_none(target: Target) -> None:
    none, some = Measure.outside("i", minimum=-5, maximum=5, where="b"), Measure.nulls("i", where="b")
    results = take([none, some], target)
    assert (results[none].value, results[none].way) == (0, "proof")
    assert (results[some].value, results[some].way) == (0, "vectorised")


@pytest.mark.spark
def test_the_columns_are_known_without_a_look(target: Target) -> None:
    measured = take([Measure.columns_written()], target)[Measure.columns_written()]
    assert (measured.value, measured.way) == (target.columns, "proof")


@pytest.mark.spark
def test_partition_columns_in_conditions_are_left_to_spark(
    frame: DataFrame, tmp_path: Path, parquet_target: Any
) -> None:
    path = tmp_path / "by_b"
    frame.select("i", "l", "b").write.partitionBy("b").parquet(str(path))
    target = parquet_target(path, frame.select("i", "l", "b").schema)
    asked = [
        Measure.violations("i > 1 or b"),
        Measure.nulls("i", where="b"),
        Measure.distinct("b"),
        Measure.distinct("b", "i"),
    ]
    results = take(asked, target)
    assert [(results[m].value, results[m].way) for m in asked] == [
        (1, "spark"),
        (0, "spark"),
        (2, "proof"),
        (4, "vectorised"),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "one condition"),
        ("  ", "one condition"),
        ("select 1", "query"),
        ("i in (select 1)", "query"),
        ("(select max(i) from t) > 1", "query"),
        ("exists (select 1)", "query"),
        ("a; b", "one condition"),
        ("a = 1; drop table t", "one condition"),
        ("drop table t", "one condition"),
        ("insert into t values (1)", "one condition"),
        ("i > 1 and", "line 1"),
        ("i >\n 1 )", "line 2"),
        ("sum(i) > 1", "aggregate"),
        ("count(*) > 1", "aggregate"),
        ("row_number() over (order by i) = 1", "aggregate"),
        ("rand() > 0.5", "another answer"),
        ("uuid() = t", "another answer"),
        ("i as j", "one condition"),
        ("(" * 5000 + "i" + ")" * 5000, ""),
        ("i > 1 " + "or i > 1 " * 2000, "characters"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, why: str) -> None:
    with pytest.raises(ConditionError) as caught:
        read_condition(text)
    assert why in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_columns_are_found_and_lambda_parameters_are_none() -> None:
    text = "exists(arr, v -> v > i) and s.k > 1 and `x y` = 1 and I = 2 and transform(arr, (e, n) -> e + n) = arr"
    assert read_condition(text).columns == ("arr", "i", "s", "x y", "I")


@pytest.mark.parametrize(
    ("measure", "why"),
    [
        (Measure.violations("nope > 1"), "no column 'nope'"),
        (Measure.nulls("i", where="nope > 1"), "no column 'nope'"),
        (Measure.nulls("i", where="sum(i) > 1"), "aggregate"),
        (Measure("violations"), "condition is missing"),
        (Measure("nulls", ("i",), condition="i > 1"), "takes no condition"),
        (Measure("total", ("i",), where="i > 1"), "takes no where"),
        (Measure("violations", ("i",), condition="i > 1"), "0 column(s)"),
    ],
)
def test_measures_that_do_not_fit_say_why(measure: Measure, why: str) -> None:
    bound, errors = bind([measure], [Column("i", "int")])
    assert not bound
    assert why in (errors[measure].error or "")


@pytest.mark.parametrize(
    ("text", "type_name"),
    [
        ("c = 'ab'", "char(4)"),
        ("length(c) = 4", "char(4)"),
        ("c = 'ab'", "string collate UNICODE_CI"),
        ("c > 1", "string"),
    ],
)
def test_texts_that_compare_by_other_rules_are_left_to_spark(text: str, type_name: str) -> None:
    ((bound,), _) = bind([Measure.violations(text)], [Column("c", type_name)])
    assert not bound.portable
    ((plain,), _) = bind([Measure.violations("c = 'ab'")], [Column("c", "string")])
    assert plain.portable
