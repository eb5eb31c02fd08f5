"""What is wrong with an entry is told with its line; and real texts fail the checks where they should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.errors import ConfigError
from hookline.core.fuse import take
from hookline.quality.judging import judge, measures_of
from hookline.quality.suite import parse_suites

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("- expression: 'a >'", "Spark's SQL"),
        ("- expression: 'sum(a) > 1'", "aggregate"),
        ("- expression: 'a; drop table b'", "one condition"),
        ("- expression: {sql: 'a in (select b from c)'}", "query"),
        ("- expression: 7", "a condition in SQL"),
        ("- {completeness: a, where: 'rand() > 0'}", "another answer"),
        ("- {completeness: a, where: 5}", "where"),
        ("- {mean: {column: a, min: 1}, where: 'b'}", "dataset as a whole"),
        ("- {schema: {columns: [a]}, where: 'b'}", "dataset as a whole"),
        ("- {freshness: {column: a, max_age: 1d}, tolerance: 1}", "raise max_age"),
        ("- {schema: {columns: [a]}, tolerance: 1}", "leave the key out"),
        ("- {sum: {column: a, min: 1}, tolerance: 0.1}", "widen"),
        ("- {distinct_count: {columns: [a], min: 1}, tolerance: 1}", "widen"),
        ("- freshness: {column: a, max_age: 0h}", "above 0"),
        ("- freshness: {column: a, max_age: soon}", "above 0"),
        ("- freshness: {column: a, max_age: 5}", "above 0"),
        ("- format: {column: a, format: emial}", "did you mean 'email'"),
        ("- format: {column: a, format: [email]}", "should be one of"),
        ("- castable: {column: a, to: 'int) or (1=1'}", "simple type"),
        ("- compare: {left: a, operator: '~', right: b}", "operator"),
        ("- length: {column: a}", "min, max or both"),
        ("- length: {column: a, min: 3, max: 2}", "swap"),
        ("- length: {column: a, min: -1}", "min"),
        ("- mean: {column: a, min: x}", "number"),
        ("- sum: {column: a, min: 2, max: 1}", "swap"),
        ("- distinct_count: {columns: [], min: 1}", "at least one column"),
        ("- schema: {columns: {}}", "at least one column"),
        ("- schema: {columns: [a, a]}", "named twice"),
        ("- schema: {columns: a}", "a list of columns"),
        ("- schema: {columns: {a: 5}}", "as Spark writes it"),
        ("- schema: {columns: [5]}", "put it in quotes"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(entry: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_suites(f"dataset: x\nchecks:\n  {entry}\n", "s.yaml")
    assert str(caught.value).startswith("s.yaml:3: checks[0]")
    assert why in str(caught.value)


TEXTS = {
    "mail": ["a@b.c", "a.b+c@x-y.org", "a@b", "a b@c.d", "@b.c", "a@-b.c", "a@b..c", "", "a@b.c\n", "é@b.c"],
    "id": [
        "123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000", "x", "", " ",
        "\t", "\u00a0", "a", "b", "c",
    ],
    "site": [
        "http://a.b", "https://a.b:80/x?y#z", "ftp://a.b", "http://", "http://a b",
        "https://x", "a.b", "", "//a", "HTTP://a.b",
    ],
    "day": [
        "2020-02-29", "2020-2-9", "2020-13-01", "2020-00-01", "2020-01-32",
        "", "x", "2020-01-01T00:00:00Z", "0000-01-01", "2020-01-01\n",
    ],
    "card": ["79927398713", "79927398710", "0", "", "a", "4111111111111111", "4111 1111", "00", "18", "1"],
    "ip": [
        "1.2.3.4", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.5",
        "01.2.3.4", "", "a.b.c.d", "0.0.0.1", "1.2.3.4 ",
    ],
    "n": ["1", " 2 ", "x", "1e3", "99999999999", "", "-0", "1.5", "0x1", "+7"],
}  # fmt: skip
# The entry of a suite: how many rows fail it, and whether only Spark can tell.
FAILS = {
    "format: {column: mail, format: email}": (7, "vectorised"),
    "format: {column: id, format: uuid}": (9, "vectorised"),
    "not_blank: id": (3, "vectorised"),
    "format: {column: site, format: url}": (7, "vectorised"),
    "format: {column: day, format: iso_date}": (8, "vectorised"),
    "format: {column: ip, format: ipv4}": (7, "vectorised"),
    "format: {column: card, format: luhn}": (5, "vectorised"),
    "length: {column: n, min: 1, max: 5}": (2, "vectorised"),
    "castable: {column: n, to: int}": (6, "spark"),
}


@pytest.mark.spark
@pytest.mark.parametrize("ways", [("vectorised", "spark"), ("spark",)])
def test_real_texts_fail_where_they_should(
    spark: SparkSession, tmp_path: Path, parquet_target: Any, ways: tuple[Any, ...]
) -> None:
    rows = [*zip(*TEXTS.values(), strict=True), (None,) * len(TEXTS)]
    frame = spark.createDataFrame(rows, ", ".join(f"{name} string" for name in TEXTS)).repartition(2)
    frame.write.parquet(str(tmp_path / "texts"))
    target = parquet_target(tmp_path / "texts", frame.schema)
    (suite,) = parse_suites("dataset: x\nchecks:\n" + "".join(f"  - {entry}\n" for entry in FAILS), "s.yaml")
    verdicts = judge(suite.checks, take(measures_of(suite.checks), target, ways=ways))
    cheapest = {entry: (failing, way if len(ways) > 1 else "spark") for entry, (failing, way) in FAILS.items()}
    assert {entry: (v.failing_rows, v.way) for entry, v in zip(FAILS, verdicts, strict=True)} == cheapest
