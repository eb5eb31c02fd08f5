"""Before the write: which measures fit the columns."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.core.events import Column, Measure
from hookline.core.fuse import resolve
from hookline.core.fuse.binding import bind
from hookline.core.fuse.domain import domain_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

COLUMNS = [
    Column("Amount", "decimal(10,2)"),
    Column("count", "int"),
    Column("name", "string"),
    Column("flag", "boolean"),
    Column("day", "date"),
    Column("ts", "timestamp"),
    Column("ntz", "timestamp_ntz"),
    Column("x", "double"),
    Column("where", "struct<a:int>"),
    Column("tags", "array<string>"),
]


def why(measure: Measure, columns: list[Column] | None = None) -> str:
    _, errors = resolve([measure], columns or COLUMNS)
    return errors[measure].error or "" if errors else ""


def test_equal_measures_are_one() -> None:
    fit, errors = resolve([Measure.total("x"), Measure.total("x", required=True), Measure.rows()], COLUMNS)
    assert (fit, errors) == ([Measure.total("x"), Measure.rows()], {})


@pytest.mark.parametrize(
    ("measure", "reason"),
    [
        (Measure.total("amuont"), "no column 'amuont'; did you mean 'Amount'?"),
        (Measure.total("zzz"), "no column 'zzz'; it has Amount, count"),
        (Measure.total("name"), "column 'name' is string, and total needs a number"),
        (Measure.outside("where", minimum=1), "outside needs an ordered type"),
        (Measure.outside("flag", minimum=1), "outside needs an ordered type"),
        (Measure.unmatched("count", "1"), "unmatched needs a string"),
        (Measure.minimum("tags"), "minimum needs a simple type"),
        (Measure.duplicates("name", "tags"), "duplicates needs a simple type"),
        (Measure.outside("count", minimum="1"), "a bound does not fit column 'count' (int): a str is not a number"),
        (Measure.outside("count", maximum=True), "a bool is not a number"),
        (Measure.outside("count", maximum=math.nan), "a bound is NaN"),
        (Measure.outside("x", maximum=math.nan), "a bound is NaN"),
        (Measure.outside("name", maximum=3), "a int is not a string"),
        (Measure.outside("day", maximum="tomorrow"), "not an ISO date"),
        (Measure.outside("day", maximum=dt.datetime(2024, 1, 1)), "a datetime is not a date"),
        (Measure.outside("ts", maximum="later"), "not an ISO timestamp"),
        (Measure.outside("ntz", maximum="2024-01-01T00:00:00+00:00"), "wall clock"),
        (Measure.not_in("count", (1.5,)), "a value is not an integer"),
        (Measure.not_in("Amount", (Decimal("0.001"),)), "more than 2 decimal places"),
        (Measure.not_in("name", ("\ud800",)), "lone surrogate"),
        (Measure.not_in("flag", (1,)), "a int is not a boolean"),
        (Measure("nulls"), "it takes 1 column(s), not 0"),
        (Measure("unmatched", ("name",)), "it has no pattern"),
    ],
)
def test_what_does_not_fit_is_said(measure: Measure, reason: str) -> None:
    assert reason in why(measure)


def test_no_value_is_quoted() -> None:
    assert "secret" not in why(Measure.not_in("count", ("secret",)))
    assert "secret" not in why(Measure.outside("day", minimum="secret"))


def test_nulls_fit_every_type() -> None:
    measures = [Measure.nulls(column.name) for column in COLUMNS]
    assert resolve(measures, COLUMNS) == (measures, {})


def test_names_are_found_without_case_unless_ambiguous() -> None:
    assert bind([Measure.total("AMOUNT")], COLUMNS)[0][0].column.name == "Amount"
    both = [Column("a", "int"), Column("A", "int")]
    assert bind([Measure.total("A")], both)[0][0].column.name == "A"
    assert "ambiguous" in why(Measure.total("a"), [Column("A", "int"), Column("A", "int")])


@pytest.mark.spark
def test_case_counts_when_spark_says_so(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.caseSensitive", "true")
    try:
        assert "did you mean 'Amount'?" in why(Measure.total("AMOUNT"))
    finally:
        spark.conf.unset("spark.sql.caseSensitive")


@pytest.mark.spark
@pytest.mark.parametrize("pattern", ["(", "a)(b", "[z-a]", "*", "\\", r"\p{Nonsense}", "(?<=a*)b)"])
def test_java_refuses_patterns(spark: SparkSession, pattern: str) -> None:
    assert "Java does not compile the pattern" in why(Measure.unmatched("name", pattern))


@pytest.mark.spark
@pytest.mark.parametrize("pattern", [r"\p{L}+", r"(?=a)b", r"\Qa(", "(?x) a # comment"])
def test_java_takes_patterns_that_re2_does_not(spark: SparkSession, pattern: str) -> None:
    assert why(Measure.unmatched("name", pattern)) == ""


numbers = st.one_of(
    st.integers(-(10**40), 10**40),
    st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**12), max_value=10**12),
    st.floats(allow_nan=False),
)


@given(low=st.none() | numbers, high=st.none() | numbers, value=st.integers(-(10**10) + 1, 10**10 - 1))
def test_rounding_a_range_inwards_changes_nothing(low: Any, high: Any, value: int) -> None:
    if low is None and high is None:
        return
    exact = [None if b is None else Decimal(repr(b)) if isinstance(b, float) else Decimal(b) for b in (low, high)]
    for type_name, number in (("decimal(10,2)", Decimal(value).scaleb(-2)), ("bigint", Decimal(value))):
        (bound,), _ = bind([Measure.outside("c", minimum=low, maximum=high)], [Column("c", type_name)])
        inside = (exact[0] is None or number >= exact[0]) and (exact[1] is None or number <= exact[1])
        assert bound.holds(number if "decimal" in type_name else int(number)) is inside


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("decimal(38, 18)", "decimal"),
        ("string collate UTF8_LCASE", "string"),
        ("varchar(3)", "string"),
        ("char(3)", "string"),
        ("interval day to second", "other"),
        ("map<string,int>", "other"),
        ("binary", "other"),
        ("variant", "other"),
        ("void", "other"),
        ("time(6)", "other"),
    ],
)
def test_types(name: str, kind: str) -> None:
    assert domain_of(name).kind == kind
