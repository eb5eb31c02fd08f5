"""Parquet files are divided without Spark exactly as Spark divides them, or not at all."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pytest
from pyarrow import parquet

from hookline.core.events import Column, Measure, SetAside
from hookline.core.fuse import Receipt, Sieve, WrittenFile, columns_of, divide, divide_task
from hookline.core.fuse.division import Division
from hookline.core.fuse.sifting import REASONS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL = cast(Any, SimpleNamespace(sparkContext=SimpleNamespace(master="local[2]", defaultParallelism=2)))
COLUMNS = (Column("id", "bigint"), Column("name", "string"), Column("price", "double"))
FACTS = {
    "run_id": ("r", "string"),
    "batch_id": (None, "bigint"),
    "quarantined_at": ("2026-03-01T12:00:00+00:00", "timestamp"),
    "partition_by": (["a"], "array<string>"),
}


def table(first: int, last: int) -> pa.Table:
    ids = list(range(first, last))
    names = [None if n % 10 == 3 else f"n{n}" for n in ids]
    nested = [{"a": [n], "b": Decimal(n)} for n in ids]
    made = pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "name": names,
            "price": [-1.0 if n % 10 == 7 else float(n) for n in ids],
            "nested": pa.array(nested, pa.struct([("a", pa.list_(pa.int64())), ("b", pa.decimal128(10, 2))])),
        }
    )
    return made.replace_schema_metadata({"org.apache.spark.sql.parquet.row.metadata": "{}"})


def keep(first: int, last: int, path: Path | str, **options: Any) -> None:
    """As Spark does: short decimals are integers."""
    parquet.write_table(table(first, last), path, store_decimal_as_integer=True, **options)


def sieve(*measures: Measure, columns: tuple[Column, ...] = COLUMNS, keep_first: bool = False) -> Sieve:
    return Sieve([(str(measure), SetAside(measure, keep_first)) for measure in measures], columns)


def receipt(folder: Path) -> Receipt:
    return Receipt(folder / "aside" / "bad.parquet", "w/1/", FACTS)


def taken(division: Division | None) -> int:
    assert division is not None
    return division.bad


@pytest.fixture
def files(tmp_path: Path) -> list[WrittenFile]:
    """Two files with bad rows, and one without; one name looks like a pattern."""
    (tmp_path / "data").mkdir()
    made = []
    for name, first, last in (("a[1]", 0, 20), ("b", 20, 40), ("c", 100, 103)):
        path = tmp_path / "data" / f"{name}.parquet"
        keep(first, last, path, row_group_size=6, compression="zstd")
        (tmp_path / "data" / f".{name}.parquet.crc").write_text("checksum")
        made.append(WrittenFile(str(path), path.stat().st_size))
    return made


def test_good_rows_stay_as_they_were_and_bad_ones_go_with_their_reasons(
    tmp_path: Path, files: list[WrittenFile]
) -> None:
    untouched = Path(files[2].path).read_bytes()
    nulls, outside = Measure.nulls("name"), Measure.outside("price", minimum=0, where="id < 30")
    assert taken(divide(LOCAL, sieve(nulls, outside), files, receipt(tmp_path))) == 7
    left = pa.concat_tables(parquet.read_table(file.path) for file in files[:2])
    bad = [3, 7, 13, 17, 23, 27, 33]
    assert left.to_pylist() == [row for row in table(0, 40).to_pylist() if row["id"] not in bad]
    assert Path(files[2].path).read_bytes() == untouched
    copy = parquet.ParquetFile(files[0].path)
    assert copy.metadata.row_group(0).column(0).compression == "ZSTD"
    assert b"org.apache.spark.sql.parquet.row.metadata" in copy.metadata.metadata
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        ".c.parquet.crc",
        "a[1].parquet",
        "b.parquet",
        "c.parquet",
    ]
    aside = parquet.read_table(tmp_path / "aside" / "bad.parquet").to_pylist()
    assert [(row["row"]["id"], row["reasons"]) for row in aside] == [
        (number, [str(nulls if number % 10 == 3 else outside)]) for number in bad
    ]
    assert [row["quarantine_id"] for row in aside] == [f"w/1/{number}" for number in range(7)]
    assert aside[0]["row"] == table(3, 4).to_pylist()[0]
    assert (aside[0]["quarantined_at"], aside[0]["batch_id"]) == (
        dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc),
        None,
    )


def test_copies_are_found_in_all_files(tmp_path: Path, files: list[WrittenFile]) -> None:
    keep(39, 42, files[2].path)
    assert taken(divide(LOCAL, sieve(Measure.duplicates("id")), files, receipt(tmp_path))) == 2
    assert parquet.read_table(files[2].path)["id"].to_pylist() == [40, 41]


def test_a_file_of_any_size_is_copied_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the writer made one group of need not fit into the memory."""
    keep(0, 2_500, tmp_path / "a.parquet")
    monkeypatch.setattr(divide_task, "_GROUP_BYTES", 1)
    plan = {
        "files": [
            {"path": str(tmp_path / "a.parquet"), "out": str(tmp_path / "a.left"), "leaves": [["id"], ["price"]]}
        ],
        "tests": [{"name": "n", "sql": "name IS NULL"}, {"name": "i", "sql": "id = 0 OR id >= 2490"}],
        "params": {},
        "bad": str(tmp_path / "bad.parquet"),
        "facts": FACTS,
        "id": "w/",
        "most": 0.2,
        "threads": 2,
        "memory_bytes": 100_000_000,
    }
    answer = divide_task.divide(plan)
    copy = parquet.ParquetFile(tmp_path / "a.left")
    assert [copy.metadata.row_group(number).num_rows for number in range(copy.metadata.num_row_groups)] == [
        899,
        900,
        441,
    ]
    bad = {0, *range(3, 2_500, 10), *range(2_490, 2_500)}
    assert copy.read()["id"].to_pylist() == [number for number in range(2_500) if number not in bad]
    left = {"rows": 2_500 - len(bad), "extents": [[1, 2_489, 0], [-1.0, 2_489.0, 0]]}
    assert answer == {"bad": len(bad), "files": {str(tmp_path / "a.parquet"): left}}


def test_a_file_of_bad_rows_alone_goes(tmp_path: Path, files: list[WrittenFile]) -> None:
    keep(7, 8, files[2].path)
    assert taken(divide(LOCAL, sieve(Measure.outside("price", minimum=0)), files, receipt(tmp_path))) == 5
    assert not Path(files[2].path).exists()


@pytest.mark.parametrize(
    "case",
    ["int96", "mostly bad", "unportable", "keep first", "partitioned", "elsewhere", "cluster", "broken", "no room"],
)
def test_what_it_is_not_made_for_is_left_to_spark(
    case: str, tmp_path: Path, files: list[WrittenFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, spark = sieve(Measure.nulls("name")), LOCAL
    if case == "int96":
        times = pa.array([{"at": dt.datetime(2020, 1, 1)}] * 20, pa.struct([("at", pa.timestamp("ns"))]))
        timed = table(0, 20).append_column("deep", times)
        parquet.write_table(timed, files[0].path, use_deprecated_int96_timestamps=True)
    elif case == "mostly bad":
        rules = sieve(Measure.outside("id", minimum=20))
    elif case == "unportable":
        rules = sieve(Measure.violations("try_cast(name AS int) IS NOT NULL"))
    elif case == "keep first":
        rules = sieve(Measure.duplicates("name"), keep_first=True)
    elif case == "partitioned":
        files[0] = WrittenFile(files[0].path, 1, partition={"p": "1"})
    elif case == "elsewhere":
        files[0] = WrittenFile("s3a://bucket/x.parquet", 1)
    elif case == "cluster":
        spark = cast(Any, SimpleNamespace(sparkContext=SimpleNamespace(master="spark://h:1", defaultParallelism=2)))
    elif case == "broken":
        Path(files[1].path).write_bytes(b"PAR1 nothing PAR1")
    elif case == "no room":
        (tmp_path / "aside").write_text("a file")
    before = {path: path.read_bytes() for path in (tmp_path / "data").iterdir()}
    assert divide(spark, rules, files, receipt(tmp_path)) is None
    assert {path: path.read_bytes() for path in (tmp_path / "data").iterdir()} == before
    assert not (tmp_path / "aside" / "bad.parquet").exists()


NASTY = """SELECT int(id) AS id,
    CASE id WHEN 0 THEN '' WHEN 1 THEN 'abc\\n' WHEN 2 THEN NULL WHEN 3 THEN 'É' WHEN 4 THEN 'É' ELSE 'abc' END AS s,
    CASE id WHEN 0 THEN double('NaN') WHEN 1 THEN -0.0D WHEN 2 THEN double('inf') WHEN 3 THEN NULL WHEN 41 THEN 40.0D ELSE double(id) END AS d,
    CASE id WHEN 5 THEN DATE'0001-01-01' WHEN 6 THEN NULL ELSE DATE'2020-02-29' END AS day,
    CASE WHEN id = 7 THEN 99999999.99BD WHEN id = 8 THEN NULL ELSE 0.10BD END AS amount,
    CASE id WHEN 20 THEN NULL WHEN 21 THEN TIMESTAMP'1500-01-01 00:00:00.000001Z' WHEN 22 THEN TIMESTAMP'9999-12-31 23:59:59.999999Z'
        ELSE timestamp_micros(id * 123456789012345 - 6000000000000000) END AS at
    FROM range(0, 120, 1, 3)"""
RULES = (
    Measure.nulls("s"),
    Measure.outside("d", minimum=0, maximum=110),
    Measure.outside("day", minimum=dt.date(1900, 1, 1)),
    Measure.outside("amount", maximum=Decimal("0.1")),
    Measure.not_in("s", ("abc", "É")),
    Measure.unmatched("s", "[a-z]*"),
    Measure.violations("d < 115", where="id > 50"),
    Measure.violations("length(s) = 3 AND day IS NOT NULL"),
    Measure.duplicates("d", "amount"),
    Measure.nulls("day", where="d > 1"),
    Measure.outside("at", minimum=dt.datetime(1600, 1, 1, tzinfo=dt.timezone.utc)),
)


@pytest.mark.spark
@pytest.mark.parametrize("times", ["INT96", "TIMESTAMP_MICROS"])
def test_spark_and_duckdb_find_the_same_rows_bad(spark: SparkSession, tmp_path: Path, times: str) -> None:
    from pyspark.sql import functions as F

    frame = spark.sql(NASTY)
    spark.conf.set("spark.sql.parquet.outputTimestampType", times)
    try:
        frame.write.parquet(str(tmp_path / "data"))
    finally:
        spark.conf.unset("spark.sql.parquet.outputTimestampType")
    there = spark.read.parquet(str(tmp_path / "data"))
    rules = sieve(*RULES, columns=columns_of(frame.schema))
    marked = rules.mark(there, there).where(F.size(REASONS) > 0).select("id", F.col(REASONS).alias("reasons")).collect()
    expected = {row.id: sorted(row.reasons) for row in marked}
    assert {reason for reasons in expected.values() for reason in reasons} == {str(measure) for measure in RULES}
    paths = sorted((tmp_path / "data").glob("*.parquet"))
    files = [WrittenFile(str(path), path.stat().st_size) for path in paths]
    assert taken(divide(spark, rules, files, receipt(tmp_path))) == len(expected)
    aside = parquet.read_table(tmp_path / "aside" / "bad.parquet").to_pylist()
    assert {row["row"]["id"]: sorted(row["reasons"]) for row in aside} == expected
    rest = spark.read.schema(frame.schema).parquet(str(tmp_path / "data"))
    assert {row.id for row in rest.select("id").collect()} == set(range(120)) - set(expected)
    assert rest.exceptAll(frame.where(~F.col("id").isin(list(expected)))).isEmpty()
    set_aside = spark.read.parquet(str(tmp_path / "aside")).select("row.*")
    assert set_aside.exceptAll(frame.where(F.col("id").isin(list(expected)))).isEmpty()
    assert parquet.ParquetFile(paths[0]).schema.column(5).physical_type == ("INT96" if times == "INT96" else "INT64")
