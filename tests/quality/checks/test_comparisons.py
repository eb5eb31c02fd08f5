"""Kinds that compare a dataset with another one, with its past, or in a way that one number tells."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.events import Column, Measure, Measured, Verdict
from hookline.core.fuse import take
from hookline.quality.checks import freshness, kinds
from hookline.quality.judging import judge, measures_of
from hookline.quality.suite import parse_suites

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)


def suite(entries: str) -> tuple[Any, ...]:
    text = "dataset: x\nchecks:\n" + "".join(f"  - {line}\n" for line in entries.strip().splitlines())
    return parse_suites(text, "s.yaml")[0].checks


@dataclass
class Past:
    """A history of one number."""

    rows_before: int | None
    now: dt.datetime = NOW
    writes: tuple[Any, ...] = ()
    profiles: tuple[Any, ...] = ()


class Broken(Past):
    def __init__(self) -> None: ...

    def __getattribute__(self, name: str) -> Any:
        return {}["secret"] if name == "rows_before" else super().__getattribute__(name)


def judged(entry: str, *values: Any, rows_before: int | None = None, history: bool = False) -> Verdict:
    (check,) = suite(entry)
    results = {m: Measured(value, "vectorised") for m, value in zip(check.measures(), values, strict=True)}
    (verdict,) = judge([check], results, Past(rows_before=rows_before) if history else None)
    return verdict


@pytest.mark.parametrize(
    ("entry", "values", "status", "observed"),
    [
        ("stddev: {column: a, max: 2}", [4.0], "passed", 2.0),
        ("stddev: {column: a, max: 1.99}", [4.0], "failed", 2.0),
        ("stddev: {column: a, min: 0}", [None], "passed", None),
        ("stddev: {column: a, min: 0}", [math.nan], "failed", "nan"),
        ("quantile: {column: a, quantile: 0.95, max: 0.3}", [Decimal("0.3")], "passed", 0.3),
        ("quantile: {column: a, quantile: 0.95, max: 0.3}", [Decimal("0.30000000000000000001")], "failed", 0.3),
        ("median: {column: a, min: 9007199254740993}", [Decimal(9007199254740992)], "failed", 9007199254740992),
        ("median: {column: a, min: 1}", [None], "passed", None),
        ("minimum: {column: a, min: 0}", [Decimal("-0.01")], "failed", -0.01),
        ("maximum: {column: a, max: 5}", [5], "passed", 5),
        ("maximum: {column: a, max: 5}", [math.inf], "failed", "inf"),
        ("entropy: {column: a, min: 1}", [0.99], "failed", 0.99),
        ("correlation: {columns: [a, b], min: 0.5}", [0.7], "passed", 0.7),
        ("correlation: {columns: [a, b], min: -1}", [math.nan], "failed", "nan"),
        ("correlation: {columns: [a, b], min: 0.5}", [None], "passed", None),
        ("distinct_share: {columns: a, min: 0.5}", [5, 12, 2], "passed", 0.5),
        ("distinct_share: {columns: [a, b], min: 0.5}", [5, 11], "failed", 5 / 11),
        ("distinct_share: {columns: a, min: 1}", [0, 3, 3], "passed", None),
        ("distinct_share: {columns: a, max: 1, approximate: true}", [13, 12, 0], "passed", 1),
        ("reconcile: {column: a, dataset: d}", [Decimal("0.3"), Decimal("0.30")], "passed", 0),
        ("reconcile: {column: a, dataset: d}", [2**53 + 1, 2**53], "failed", 1),
        ("reconcile: {column: a, dataset: d, within: 0.01}", [Decimal("5.01"), 5], "passed", 0.01),
        ("reconcile: {column: a, dataset: d, within: 0.01}", [Decimal("5.011"), 5], "failed", 0.011),
        ("reconcile: {column: a, dataset: d}", [None, None], "passed", 0),
        ("reconcile: {column: a, dataset: d}", [None, 1], "failed", -1),
        ("reconcile: {column: a, dataset: d}", [math.nan, 1.0], "failed", "nan"),
        ("reconcile: {column: a, dataset: d}", [math.inf, math.inf], "failed", "nan"),
        ("reconcile: {dataset: d, within: 2}", [5, 7], "passed", -2),
    ],
)
def test_numbers_are_judged_exactly(entry: str, values: list[Any], status: str, observed: Any) -> None:
    verdict = judged(entry, *values)
    assert (verdict.status, verdict.observed) == (status, observed)


@pytest.mark.parametrize(
    ("before", "rows", "status", "observed"),
    [
        (100, 90, "passed", -0.1),
        (100, 89, "failed", -0.11),
        (100, 150, "passed", 0.5),
        (100, 151, "failed", 0.51),
        (100, 0, "failed", -1.0),
        (0, 5, "passed", None),
        (None, 5, "passed", None),
    ],
)
def test_a_change_is_judged_by_the_write_before(before: Any, rows: int, status: str, observed: Any) -> None:
    verdict = judged("row_count_change: {min: -0.1, max: 0.5}", rows, rows_before=before, history=True)
    assert (verdict.status, verdict.observed) == (status, observed)
    assert bool(verdict.message) is (observed is None)


def test_without_a_history_there_is_no_verdict_on_a_change() -> None:
    verdict = judged("{row_count_change: {min: -0.1}, severity: critical}", 5)
    assert (verdict.status, verdict.refuses) == ("error", True)
    assert "no run history" in verdict.message


def test_a_history_that_fails_is_an_error_without_its_text() -> None:
    (check,) = suite("row_count_change: {min: -0.1}")
    (verdict,) = judge([check], {Measure.rows(): Measured(5, "proof")}, Broken())
    assert (verdict.status, verdict.message) == ("error", "the check itself failed with KeyError")


def test_latency_tells_an_age_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness, "utc_now", lambda: NOW)
    entry = "latency: {column: at, max_age: 15min, quantile: 0.9}"
    (check,) = suite(entry)
    assert check.measures() == (Measure.quantile("at", Decimal("0.1")),)
    assert judged(entry, NOW - dt.timedelta(minutes=15)).status == "passed"
    late = judged(entry, NOW - dt.timedelta(minutes=15, seconds=1))
    assert (late.status, late.observed) == ("failed", 901)
    assert judged(entry, dt.date(2026, 3, 1)).observed == 43200
    assert judged(entry, None).status == "passed"
    wrong = judged(entry, Decimal(5))
    assert (wrong.status, "dates or timestamps" in wrong.message) == ("error", True)


def test_numbers_are_wanted_where_numbers_are_due() -> None:
    verdict = judged("minimum: {column: a, min: 0}", dt.date(2020, 1, 1))
    assert (verdict.status, verdict.message) == (
        "error",
        "this check is about numbers, and the column holds values of the type date",
    )


NOT_NULL = "schema: {columns: {a: bigint not null, b: not null, c: string}}"


@pytest.mark.parametrize(
    ("columns", "nulls", "status", "message"),
    [
        ("a b c", {"a": 0, "b": 0}, "passed", ""),
        ("a b c", {"a": 2, "b": 1}, "failed", "a has 2 nulls, and may have none; b has 1 null, and may have none"),
        ("b c", {"b": 0}, "failed", "a is missing"),
        ("a b c", {"a": 0}, "error", "nulls(b): it was not measured"),
    ],
)
def test_a_contract_says_what_is_never_null(columns: str, nulls: dict[str, int], status: str, message: str) -> None:
    (check,) = suite(NOT_NULL)
    written = tuple(Column(name, {"a": "bigint", "b": "date", "c": "string"}[name]) for name in columns.split())
    results = {Measure.columns_written(): Measured(written, "proof")}
    results |= {Measure.nulls(name): Measured(count, "proof") for name, count in nulls.items()}
    (verdict,) = judge([check], results)
    assert (verdict.status, verdict.message) == (status, message)


WRONG = [
    ("quantile: {column: a, quantile: 95, max: 1}", "from 0 to 1"),
    ("quantile: {column: a, quantile: 0.1234567, max: 1}", "six decimal places"),
    ("quantile: {column: a, quantile: 0.5}", "min, max or both"),
    ("correlation: {columns: [a], min: 0}", "two columns"),
    ("correlation: {columns: a, min: 0}", "two columns"),
    ("distinct_count: {columns: [a, b], min: 1, approximate: true}", "composite"),
    ('distinct_share: {columns: "a[].b", min: 1}', "elements of an array"),
    ("set: {column: a, values: [1], dataset: d}", "not both"),
    ("set: {column: a, values: [1], values_from: d}", "'dataset', which is missing"),
    ("references: {columns: a}", "'dataset' is missing"),
    ("references: {columns: [a, b], dataset: d, to: c}", "as many columns"),
    ("references: {columns: a, dataset: ''}", "dataset"),
    ("monotonic: {column: a, by: b, order: up}", "increasing"),
    ("monotonic: {column: a}", "'by' is missing"),
    ("reconcile: {dataset: d, to: c}", "name the column here too"),
    ("reconcile: {column: a, dataset: d, within: -1}", "not negative"),
    ("row_count_change: {}", "min, max or both"),
    ("row_count_change: {min: -2}", "10 % fewer"),
    ("row_count_change: {min: 0.5, max: 0.1}", "swap"),
    ("date_format: {column: a, pattern: dd.MM.yy}", "no part of a date"),
    ("date_format: {column: a, pattern: dd.yyyy}", "without a month"),
    ("date_format: {column: a, pattern: dd dd MM}", "one dd, not two"),
    ("date_format: {column: a, pattern: '--'}", "has parts"),
    ('date_format: {column: a, pattern: "yyyy\'T"}', "no part of a date"),
    ("format: {column: a, format: ibn}", "did you mean 'iban'"),
    ("sql: SELECT", "one query"),
    ("sql: SELECT * FRM data x y", "no query"),
    ("sql: {query: DROP TABLE data}", "one query"),
    ("sql: SELECT 1; SELECT 2", "one query"),
    ("sql: INSERT INTO t SELECT * FROM data", "one query"),
    ("sql: SELECT * FROM orders", "reads 'orders', which it was not given; it may read data"),
    ("sql: SELECT * FROM other.data", "reads 'other.data'"),
    ("sql: SELECT * FROM parquet.`/etc`", "reads 'parquet./etc'"),
    ("sql: SELECT * FROM range(10)", "a function's rows"),
    ("sql: SELECT (SELECT max(x) FROM secret) FROM data", "reads 'secret'"),
    ("sql: WITH a AS (SELECT * FROM b) SELECT * FROM a", "reads 'b'"),
    ("sql: SELECT TRANSFORM(a) USING 'cat' AS b FROM data", "runs a program"),
    ("sql: \"SELECT reflect('java.lang.System', 'exit', 1) FROM data\"", "any code of the JVM"),
    ("sql: SELECT * FROM data WHERE rand() > 0", "another answer"),
    ("sql: {query: SELECT 1 FROM data, datasets: {data: x}}", "is the checked rows"),
    ("sql: {query: SELECT 1 FROM data, datasets: {c: ''}}", "datasets"),
    ("expression: \"java_method('java.lang.Runtime', 'getRuntime') IS NULL\"", "any code of the JVM"),
]


@pytest.mark.parametrize(("entry", "why"), WRONG, ids=[entry for entry, _ in WRONG])
def test_what_is_wrong_is_told_with_its_line(entry: str, why: str) -> None:
    from hookline.core.errors import ConfigError

    with pytest.raises(ConfigError) as caught:
        suite(entry)
    assert str(caught.value).startswith("s.yaml:3: checks[0]")
    assert why in str(caught.value)


def test_the_codes_are_javas_but_for_those_that_were_withdrawn() -> None:
    from hookline.quality.checks import codes

    for listed, size in ((codes.COUNTRIES, 249), (codes.COUNTRIES_3, 249), (codes.LANGUAGES, 183)):
        assert len(set(listed)) == len(listed) == size
    assert {"XCG", "SLE", "VED", "ZWG", "CHF", "XXX"} <= set(codes.CURRENCIES)
    assert not {"DEM", "ANG", "HRK", "BGN", "CUC", "SLL", "ZWL"} & set(codes.CURRENCIES)


@pytest.mark.spark
def test_java_knows_the_same_codes(spark: SparkSession) -> None:
    from hookline.quality.checks import codes

    java = spark.sparkContext._jvm.java.util
    parts = java.Locale.IsoCountryCode
    assert set(java.Locale.getISOCountries()) == set(codes.COUNTRIES)
    assert set(java.Locale.getISOCountries(parts.PART1_ALPHA3)) == set(codes.COUNTRIES_3)
    # Java keeps four old spellings, and bh, which was withdrawn.
    assert set(java.Locale.getISOLanguages()) - set(codes.LANGUAGES) == {"bh", "in", "iw", "ji", "mo"}
    assert set(codes.LANGUAGES) <= set(java.Locale.getISOLanguages())
    known = {currency.getCurrencyCode() for currency in java.Currency.getAvailableCurrencies()}
    assert set(codes.CURRENCIES) - known <= {"UYW"}


TEXTS = {
    "iban": [
        "DE89370400440532013000", "GB82WEST12345698765432", "MT84MALT011000012345MTLCAST001S", "NO9386011117947",
        "DE89370400440532013001", "de89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB82WEST1234569876543",
        "XX89370400440532013000", "", "DE00", "\u0663", "NO9386011117947\n",
    ],
    "day": [
        "29.02.2024", "29.02.2000", "31.12.9999", "01.01.0001", "29.02.2023", "29.02.1900", "31.04.2024", "00.01.2024",
        "1.2.2024", "29.02.24", "29/02/2024", "", "29.02.2024 ",
    ],
    "stamp": [
        "2024-02-29T23:59:59.123", "2024-02-29T00:00:00.000", "2024-02-29T24:00:00.000", "2024-02-29 23:59:59.123",
        "2024-02-30T00:00:00.000", "2024-13-01T00:00:00.000", "2024-02-29T23:60:00.000", "2024-02-29T23:59:60.000", "",
        "2024-02-29T23:59:59.12", "2024-02-29T23:59:59.1234", "x", "2024-02-29T23:59:59,123",
    ],
    "card": ["79927398713", "4111111111111111", "0", "00", "79927398710", "", "a", "4111 1111", "\u0660", "18", "1",
             "0\n", "5" * 400],
    "nation": ["DE", "US", "XK", "de", "DEU", "", "UK", "GB", "ZW", "AN", "EU", "D", "DE "],
    "money": ["EUR", "XXX", "DEM", "eur", "EU", "", "ZWG", "HRK", "BTC", "USN", "CHE", "EUR ", "€"],
}  # fmt: skip
FAILS = {
    "format: {column: iban, format: iban}": 9,
    "date_format: {column: day, pattern: dd.MM.yyyy}": 9,
    "date_format: {column: stamp, pattern: \"yyyy-MM-dd'T'HH:mm:ss.SSS\"}": 11,
    "format: {column: card, format: luhn}": 7,
    "format: {column: nation, format: country}": 9,
    "format: {column: money, format: currency}": 8,
    "length: {column: iban, max: 22}": 2,
}


@pytest.mark.spark
@pytest.mark.parametrize("ways", [("vectorised",), ("spark",)])
def test_real_texts_fail_where_they_should(
    spark: SparkSession, tmp_path: Path, parquet_target: Any, ways: tuple[Any, ...]
) -> None:
    rows = [*zip(*TEXTS.values(), strict=True), (None,) * len(TEXTS)]
    frame = spark.createDataFrame(rows, ", ".join(f"{name} string" for name in TEXTS)).repartition(2)
    frame.write.parquet(str(tmp_path / "texts"))
    checks = suite("\n".join(FAILS))
    target = parquet_target(tmp_path / "texts", frame.schema)
    verdicts = judge(checks, take(measures_of(checks), target, ways=ways))
    assert {entry: v.failing_rows or v.message for entry, v in zip(FAILS, verdicts, strict=True)} == FAILS
    assert {verdict.way for verdict in verdicts} == set(ways)


@pytest.mark.spark
def test_queries_read_several_datasets(spark: SparkSession, tmp_path: Path, parquet_target: Any) -> None:
    orders = spark.sql("SELECT * FROM VALUES (1, 'a', 5), (2, 'b', 7), (3, 'z', 9) t(id, customer, amount)")
    customers = spark.sql("SELECT * FROM VALUES ('a', 4), ('b', 9), (NULL, 1) t(id, most)")
    orders.write.parquet(str(tmp_path / "orders"))
    customers.write.parquet(str(tmp_path / "customers"))
    known = {"lake/customers": parquet_target(tmp_path / "customers", customers.schema)}
    target = parquet_target(tmp_path / "orders", orders.schema, others=known.__getitem__)
    datasets = "datasets: {customers: lake/customers}"
    checks = suite(
        f"""
        sql: {{query: SELECT * FROM data o JOIN customers c ON o.customer = c.id WHERE o.amount > c.most -- over, {datasets}}}
        sql: {{query: "WITH c AS (SELECT id FROM customers) SELECT 1 a, 2 a FROM Data ANTI JOIN c ON customer = c.id", {datasets}}}
        sql: SELECT id FROM data WHERE amount > 100 ORDER BY id LIMIT 5
        sql: {{query: SELECT nothing FROM data}}
        """
    )
    verdicts = judge(checks, take(measures_of(checks), target))
    assert [(v.status, v.failing_rows, v.way) for v in verdicts] == [
        ("failed", 1, "spark"),
        ("failed", 1, "spark"),
        ("passed", 0, "spark"),
        ("error", None, "none"),
    ]
    assert "UNRESOLVED_COLUMN" in verdicts[3].message
    assert [table.name for table in spark.catalog.listTables() if table.name.startswith("hookline")] == []


def test_kinds_that_may_be_said_in_short() -> None:
    assert kinds()["sql"].options.expand("SELECT 1 FROM data") == {"query": "SELECT 1 FROM data"}
