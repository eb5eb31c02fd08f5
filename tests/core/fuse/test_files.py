"""Written files as they come: partitions, empty files, Delta's statistics, names that hurt, and files that lie."""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.events import Column, Measure
from hookline.core.fuse import Target, WrittenFile, take
from hookline.core.fuse.child import shared_child

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture(autouse=True, scope="module")
def no_child_left() -> Any:
    yield
    shared_child().close()


def ways_agree(measures: list[Measure], target: Target, expected: list[Any]) -> dict[Measure, str]:
    """Check the values of all ways together and of each that could take them; which way won."""
    for ways in (("vectorised",), ("spark",)):
        for measure, found in take(measures, target, ways=ways).items():
            if found.ok:
                assert found.value == expected[measures.index(measure)], (measure, found)
    results = take(measures, target)
    assert [results[measure].value for measure in measures] == expected
    return {measure: results[measure].way for measure in measures}


PARTITIONED = [
    Measure.rows(),
    Measure.nulls("p"),
    Measure.outside("p", minimum="a", maximum="b/c=d"),
    Measure.not_in("p", ("a", "b/c=d")),
    Measure.unmatched("p", "[a-z]"),
    Measure.minimum("p"),
    Measure.maximum("day"),
    Measure.outside("day", minimum="2024-01-01"),
    Measure.duplicates("p"),
    Measure.duplicates("p", "id"),
    Measure.duplicates("id"),
    Measure.total("id"),
    Measure.total("n"),
]


def write_partitioned(spark: SparkSession, path: Path, kind: str) -> Any:
    frame = spark.sql(
        "SELECT * FROM VALUES (1, 'a', DATE'2024-01-01', 1), (1, 'a', DATE'2024-01-01', 1), (1, 'b/c=d', DATE'1500-01-01', 1),"
        "(1, 'b/c=d', DATE'2024-01-01', 2), (2, NULL, NULL, 2), (2, NULL, DATE'2024-01-01', 1),"
        " (3, '%41 é', NULL, 1), (NULL, 'a', NULL, 1)"
        " t(id, p, day, n)"
    )
    frame.write.format(kind).partitionBy("p", "day", "n").save(str(path))
    return frame.select("id", "p", "day", "n").schema


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_partition_columns(spark: SparkSession, tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> None:
    schema = write_partitioned(spark, tmp_path / "t", kind)
    target = request.getfixturevalue(f"{kind}_target")(tmp_path / "t", schema)
    won = ways_agree(PARTITIONED, target, [8, 2, 1, 1, 3, "%41 é", dt.date(2024, 1, 1), 1, 5, 4, 6, 11, 10])
    assert {measure for measure, way in won.items() if way != "proof"} == {
        PARTITIONED[9],
        PARTITIONED[10],
        PARTITIONED[11],
    }
    assert won[PARTITIONED[9]] == "vectorised"


def test_empty_table_is_all_proof(spark: SparkSession, tmp_path: Path, parquet_target: Any) -> None:
    frame = spark.createDataFrame([], "id int, name string, x double")
    frame.write.parquet(str(tmp_path / "t"))
    measures = [
        Measure.rows(),
        Measure.nulls("id"),
        Measure.unmatched("name", "(?=x)"),
        Measure.duplicates("id", "name"),
    ]
    measures += [Measure.total("x"), Measure.minimum("name"), Measure.not_in("id", (1,))]
    expected = [0, 0, 0, 0, None, None, 0]
    ways_agree(measures, parquet_target(tmp_path / "t", frame.schema), expected)
    no_files = parquet_target(tmp_path / "t", frame.schema, files=())
    assert {found.way for found in take(measures, no_files).values()} == {"proof"}
    assert [found.value for found in take(measures, no_files).values()] == expected


def test_empty_files_beside_full_ones(spark: SparkSession, tmp_path: Path, parquet_target: Any) -> None:
    frame = spark.range(4).repartition(4)
    frame.where("id = 3").write.parquet(str(tmp_path / "t"))
    frame.where("id < 0").write.mode("append").parquet(str(tmp_path / "t"))
    measures = [Measure.rows(), Measure.minimum("id"), Measure.outside("id", minimum=3, maximum=3), Measure.total("id")]
    ways_agree(measures, parquet_target(tmp_path / "t", frame.schema), [1, 3, 0, 3])


@pytest.mark.parametrize("dictionary", ["true", "false"])
def test_row_groups_and_encodings(spark: SparkSession, tmp_path: Path, parquet_target: Any, dictionary: str) -> None:
    frame = (
        spark.range(20_000)
        .selectExpr("id", "concat('v', id % 7) AS v", "CAST(id % 5 AS DECIMAL(5,1)) AS d")
        .coalesce(1)
    )
    options = {"parquet.enable.dictionary": dictionary, "parquet.block.size": "20000", "parquet.page.size": "1000"}
    frame.write.options(**options).parquet(str(tmp_path / "t"))
    target = parquet_target(tmp_path / "t", frame.schema)
    from pyarrow import parquet

    assert parquet.read_metadata(target.files[0].path).num_row_groups > 1
    measures = [Measure.not_in("v", ("v0", "v1")), Measure.unmatched("v", "v[0-3]"), Measure.outside("d", maximum=3)]
    measures += [Measure.total("d"), Measure.duplicates("id"), Measure.duplicates("v", "d"), Measure.maximum("id")]
    ways_agree(measures, target, [14285, 8571, 4000, Decimal("40000.0"), 0, 20_000, 19_999])


def test_few_equal_rows_among_many(spark: SparkSession, tmp_path: Path, parquet_target: Any) -> None:
    frame = spark.range(50_000).selectExpr("id % 49990 AS id", "concat('k', id % 49995) AS k")
    frame.write.parquet(str(tmp_path / "t"))
    measures = [Measure.duplicates("id"), Measure.duplicates("k"), Measure.duplicates("id", "k")]
    ways_agree(measures, parquet_target(tmp_path / "t", frame.schema), [20, 10, 0])


def test_delta_statistics_prove_without_a_footer(
    spark: SparkSession, tmp_path: Path, delta_target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = spark.sql(
        "SELECT * FROM VALUES (1, CAST(1.10 AS DECIMAL(38,2)), DATE'1200-01-01', TIMESTAMP'2024-01-01 00:00:00.123456',"
        " DOUBLE('NaN'), 's'),"
        "(2, CAST('123456789012345678901234567890.12' AS DECIMAL(38,2)), NULL,"
        " TIMESTAMP'2024-01-02 00:00:00.999999', 1D, NULL) t(i, d, day, ts, x, s)"
    )
    frame.write.format("delta").save(str(tmp_path / "t"))
    target = delta_target(tmp_path / "t", frame.schema)
    monkeypatch.setattr("hookline.core.fuse.taking.read_footers", lambda *_: pytest.fail("a footer was read"))
    measures = [
        Measure.rows(),
        Measure.nulls("s"),
        Measure.outside("i", minimum=1, maximum=2),
        Measure.maximum("d"),
        Measure.minimum("day"),
        Measure.outside("ts", minimum="2024-01-01", maximum="2024-01-03"),
    ]
    results = take(measures, target, ways=("proof",))
    values = [2, 1, 0, Decimal("123456789012345678901234567890.12"), dt.date(1200, 1, 1), 0]
    assert [results[measure].value for measure in measures] == values


def test_delta_cuts_timestamps_and_hides_nan(spark: SparkSession, tmp_path: Path, delta_target: Any) -> None:
    frame = spark.sql("SELECT TIMESTAMP'2024-01-02 00:00:00.999999' AS ts, DOUBLE('NaN') AS x")
    frame.write.format("delta").save(str(tmp_path / "t"))
    measures = [
        Measure.outside("ts", maximum="2024-01-02T00:00:00.999"),
        Measure.maximum("ts"),
        Measure.outside("x", minimum=0),
    ]
    expected = [1, dt.datetime(2024, 1, 2, 0, 0, 0, 999999, dt.timezone.utc), 1]
    ways_agree(measures, delta_target(tmp_path / "t", frame.schema), expected)


def test_delta_column_mapping_is_left_to_spark_unless_the_names_are_given(
    spark: SparkSession, tmp_path: Path, delta_target: Any
) -> None:
    frame = spark.sql("SELECT 1 AS id, 'x' AS name")
    frame.write.format("delta").option("delta.columnMapping.mode", "name").save(str(tmp_path / "t"))
    target = delta_target(tmp_path / "t", frame.schema)
    from pyarrow import parquet

    names = parquet.read_schema(target.files[0].path).names
    assert names != ["id", "name"]
    bare = [WrittenFile(file.path, file.size_bytes) for file in target.files]
    measure = Measure.unmatched("name", "x")
    unknown = delta_target(tmp_path / "t", frame.schema, files=tuple(bare))
    assert take([measure], unknown)[measure].way == "spark"
    known = delta_target(
        tmp_path / "t", frame.schema, files=tuple(bare), physical_names=dict(zip(["id", "name"], names, strict=True))
    )
    assert take([measure], known)[measure].way == "vectorised"


@pytest.mark.parametrize("folder", ["a*b", "[x]", "q?", "{a,b}", "it's", "p=1/q=%41", "back\\slash"])
def test_paths_are_taken_literally(spark: SparkSession, tmp_path: Path, folder: str) -> None:
    spark.range(3).coalesce(1).write.parquet(str(tmp_path / "plain"))
    (source,) = (tmp_path / "plain").glob("*.parquet")
    wild = tmp_path / folder
    wild.mkdir(parents=True)
    (tmp_path / "aXb").mkdir()
    for place in (wild, tmp_path / "aXb"):
        (place / "f.parquet").write_bytes(source.read_bytes())
    target = Target(spark, "parquet", (Column("id", "bigint"),), (WrittenFile(str(wild / "f.parquet"), 1),))
    found = take([Measure.total("id")], target)[Measure.total("id")]
    assert (found.value, found.way) == (3, "vectorised")


def test_uri_of_another_file_system_goes_through_arrow(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hookline.core.fuse import task

    spark.sql("SELECT id, CAST(id AS STRING) AS s FROM range(5)").write.parquet(str(tmp_path / "t"))
    files = [f"file://{file}" for file in (tmp_path / "t").glob("*.parquet")]
    monkeypatch.setattr(task, "is_local", lambda path: False)
    plan = {
        "files": files,
        "queries": [
            {
                "id": "s",
                "select": ["count(*) FILTER (NOT regexp_full_match(s, $p0))"],
                "from": "hookline_rows",
                "params": {"p0": "[0-3]"},
            }
        ],
        "letters": [],
        "wholes": [
            {
                "id": "k",
                "kind": "duplicates",
                "parts": ['"id"'],
                "cells": [files],
                "where": [],
                "params": {},
                "from": "hookline_rows",
            }
        ],
        "threads": 1,
        "memory_bytes": 100_000_000,
        "storage": None,
    }
    assert task.measure(plan) == {"rows": 5, "values": {"s": [1], "k": [0]}, "errors": {}}


def test_files_that_are_not_this_writes_are_not_believed(
    spark: SparkSession, tmp_path: Path, parquet_target: Any, caplog: pytest.LogCaptureFixture
) -> None:
    frame = spark.range(5)
    frame.write.parquet(str(tmp_path / "t"))
    frame.write.mode("append").parquet(str(tmp_path / "t"))
    target = parquet_target(tmp_path / "t", frame.schema, rows=5)
    with caplog.at_level(logging.WARNING):
        found = take([Measure.total("id")], target)[Measure.total("id")]
    assert found.error is not None
    assert "10 rows were read back and 5 were written" in found.error
    assert "the files hold 10 rows and 5 were written" in caplog.text


def test_damaged_and_missing_files_cost_no_exception(spark: SparkSession, tmp_path: Path, parquet_target: Any) -> None:
    frame = spark.range(5).coalesce(1)
    frame.write.parquet(str(tmp_path / "t"))
    target = parquet_target(tmp_path / "t", frame.schema, rows=5)
    Path(target.files[0].path).write_bytes(b"PAR1 this is no parquet PAR1")
    assert "Spark failed" in (take([Measure.total("id")], target)[Measure.total("id")].error or "")
    Path(target.files[0].path).unlink()
    assert "0 rows were read back and 5" in (take([Measure.total("id")], target)[Measure.total("id")].error or "")


def test_names_that_differ_in_case_only_go_to_spark(spark: SparkSession, tmp_path: Path, parquet_target: Any) -> None:
    spark.conf.set("spark.sql.caseSensitive", "true")
    try:
        frame = spark.sql("SELECT 1 AS a, 'x' AS A")
        frame.write.parquet(str(tmp_path / "t"))
        target = parquet_target(tmp_path / "t", frame.schema)
        found = take([Measure.total("a"), Measure.not_in("A", ("y",)), Measure.total("B")], target)
    finally:
        spark.conf.unset("spark.sql.caseSensitive")
    assert [(one.value, one.way) for one in found.values() if one.ok] == [(1, "spark"), (1, "spark")]


def test_old_calendar_goes_to_spark(spark: SparkSession, tmp_path: Path, parquet_target: Any) -> None:
    frame = spark.sql("SELECT DATE'1200-03-03' AS day, 'a' AS s")
    spark.conf.set("spark.sql.parquet.datetimeRebaseModeInWrite", "LEGACY")
    try:
        frame.write.parquet(str(tmp_path / "t"))
    finally:
        spark.conf.unset("spark.sql.parquet.datetimeRebaseModeInWrite")
    target = parquet_target(tmp_path / "t", frame.schema)
    found = take([Measure.minimum("day"), Measure.nulls("day"), Measure.not_in("s", ("b",))], target)
    assert [(one.value, one.way) for one in found.values()] == [
        (dt.date(1200, 3, 3), "spark"),
        (0, "proof"),
        (1, "vectorised"),
    ]


@pytest.mark.parametrize("kind", ["csv", "json", "orc"])
def test_other_formats_take_one_pass_of_spark(
    spark: SparkSession, tmp_path: Path, parquet_target: Any, kind: str
) -> None:
    frame = spark.sql("SELECT id, CAST(id % 2 AS STRING) AS s FROM range(4)")
    frame.write.format(kind).save(str(tmp_path / "t"))
    target = parquet_target(
        tmp_path / "t",
        frame.schema,
        format=kind,
        files=None,
        rows=4,
        read_back=lambda: spark.read.schema(frame.schema).format(kind).load(str(tmp_path / "t")),
    )
    measures = [
        Measure.rows(),
        Measure.duplicates("s"),
        Measure.duplicates("id"),
        Measure.unmatched("s", r"(?=1)."),
        Measure.total("id"),
    ]
    found = take(measures, target)
    assert [one.value for one in found.values()] == [4, 4, 0, 2, 6]
    assert [one.way for one in found.values()] == ["proof"] + ["spark"] * 4
