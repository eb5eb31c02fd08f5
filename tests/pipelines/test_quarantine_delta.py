"""A Delta commit says of files that lost rows what it would say of the same rows written by Delta alone."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.pipelines.conftest import Attached

from hookline.core.fuse.division import Left
from hookline.pipelines.staging.delta_stats import UnknownStatsError, Wording

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark
CHECKS: list[dict[str, Any]] = [{"range": {"column": "id", "min": 10, "max": 1_000}, "severity": "critical"}]
# The rows that are taken out (below 10) hold the extremes of nearly every column.
COLUMNS = (
    "id",
    "cast(id AS tinyint) AS tiny",
    "cast(-id AS smallint) AS small",
    "cast(if(id < 10, NULL, id) AS int) AS whole",
    "id / 7 AS double",
    "cast(id / 7 AS float) AS single",
    "CASE WHEN id = 0 THEN double('-inf') WHEN id = 1 THEN double('NaN') ELSE -id * 1e10 END AS wild",
    "if(id > 10, double('NaN'), double('inf')) AS strange",
    "cast(id / 3 AS decimal(10, 4)) AS money",
    "cast(id AS decimal(30, 8)) * 1e12BD AS large",
    "date_add(DATE'1890-01-01', cast(id * 400 AS int)) AS day",
    "timestamp_micros(id * 123456789012345 - 2600000000000000) AS at",
    "cast(timestamp_micros(id * 123456789) AS timestamp_ntz) AS wall",
    "repeat(concat('é', 99 - id), 20) AS long",
    "if(id < 90, NULL, concat('\"\\\\\\u2028', id)) AS quoted",
    "concat(repeat('z', 40), chr(127)) AS same",
    "id % 2 = 0 AS even",
    "cast('a' AS binary) AS bytes",
    "if(id = 3, NULL, array(id)) AS list",
    "map('k', id) AS pairs",
    "named_struct('x', id, 'deep', if(id % 3 = 0, NULL, named_struct('y.z', cast(id AS string)))) AS nested",
    "cast(NULL AS int) AS nothing",
)


def adds(place: Path) -> list[dict[str, Any]]:
    """The actions of the last commit that add files, in the order of their first rows; statistics read."""
    log = max(place.joinpath("_delta_log").glob("*.json"))
    found = [line["add"] for line in map(json.loads, log.read_text().rstrip().split("\n")) if "add" in line]
    return sorted(
        ({**add, "stats": json.loads(add["stats"])} for add in found), key=lambda a: a["stats"]["minValues"]["id"]
    )


def rows(spark: SparkSession, times: str) -> DataFrame:
    """Timestamps without a zone are INT64 in any case; files that mix the two are Spark's."""
    chosen = [column for column in COLUMNS if times != "INT96" or not column.endswith(" AS wall")]
    return spark.range(0, 100, numPartitions=3).selectExpr(*chosen)


@pytest.fixture
def without_spark(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "hookline")
    return caplog


def divided(log: pytest.LogCaptureFixture) -> bool:
    return "not set aside without Spark" not in log.text


@pytest.mark.parametrize(("zone", "times"), [("UTC", "TIMESTAMP_MICROS"), ("America/St_Johns", "INT96")])
def test_statistics_are_those_of_the_same_rows_written_afresh(
    attached: Attached, without_spark: pytest.LogCaptureFixture, zone: str, times: str
) -> None:
    spark, plain = attached.spark, attached.folder / "plain"
    spark.conf.set("spark.sql.session.timeZone", zone)
    spark.conf.set("spark.sql.parquet.outputTimestampType", times)
    try:
        rows(spark, times).where("id >= 10").write.format("delta").save(str(plain))
        attached.begin(CHECKS)
        rows(spark, times).write.format("delta").save(str(attached.lake))
        attached.end()
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
        spark.conf.unset("spark.sql.parquet.outputTimestampType")
    assert divided(without_spark), without_spark.text
    ours, theirs = adds(attached.lake), adds(plain)
    assert [add["stats"] for add in ours] == [add["stats"] for add in theirs]
    assert ours[0]["stats"]["numRecords"] == 23
    for add in ours:
        fact = (attached.lake / add["path"]).stat()
        assert (add["size"], add["modificationTime"]) == (fact.st_size, fact.st_mtime_ns // 1_000_000)
    there = spark.read.format("delta").load(str(attached.lake))
    compared = [name for name in there.columns if name != "pairs"]  # Spark does not compare maps
    assert there.count() == 90
    assert there.select(*compared).exceptAll(rows(spark, times).where("id >= 10").select(*compared)).isEmpty()
    assert sorted(attached.aside()) == list(range(10))
    # Delta skips files by these statistics: what is asked for is still found.
    assert there.where("money = cast(33 AS decimal(10, 4))").count() == 1
    assert there.where("id < 10").isEmpty()


def test_what_the_history_says_is_what_is_there(attached: Attached, without_spark: pytest.LogCaptureFixture) -> None:
    """And a file of bad rows alone is not in the table at all."""
    spark = attached.spark
    attached.begin([{"range": {"column": "id", "min": 6}, "severity": "critical"}])
    frame = spark.range(0, 60, numPartitions=10).selectExpr("id", "'abc' AS name")
    frame.write.format("delta").save(str(attached.lake))
    attached.end()
    assert divided(without_spark), without_spark.text
    commit = next((attached.lake / "_delta_log").glob("*0.json")).read_text().splitlines()
    metrics = next(line["commitInfo"]["operationMetrics"] for line in map(json.loads, commit) if "commitInfo" in line)
    added = adds(attached.lake)
    assert len(added) == 9
    assert metrics["numFiles"] == "9"
    assert metrics["numOutputRows"] == "54"
    assert metrics["numOutputBytes"] == str(sum(add["size"] for add in added))
    names = {add["path"] for add in added}
    assert {path.name for path in attached.lake.glob("part-*")} == names
    assert attached.written("on_write_finished").rows == 54


@pytest.mark.parametrize(
    "case", ["partitioned", "deletion vectors", "no statistics", "chosen columns", "mapped", "evolved"]
)
def test_tables_of_every_kind_lose_the_bad_rows_only(case: str, attached: Attached) -> None:
    """With Spark or without it: where files alone don't tell enough, Spark does it."""
    spark, place = attached.spark, attached.lake
    properties = {
        "deletion vectors": "delta.enableDeletionVectors = true",
        "no statistics": "delta.dataSkippingNumIndexedCols = 0",
        "chosen columns": "delta.dataSkippingStatsColumns = 'id,note'",
        "mapped": "delta.columnMapping.mode = 'name', delta.minReaderVersion = 2, delta.minWriterVersion = 5",
    }.get(case, "delta.appendOnly = false")
    parts = "PARTITIONED BY (part)" if case == "partitioned" else ""
    spark.sql(
        f"CREATE TABLE delta.`{place}` (id BIGINT, note STRING, price DECIMAL(9, 2), part INT) USING delta {parts} "
        f"TBLPROPERTIES ({properties})"
    )
    attached.begin(CHECKS)
    frame = spark.range(0, 40, numPartitions=2).selectExpr(
        "id", "repeat(string(id), 30) AS note", "cast(id AS decimal(9, 2)) AS price", "cast(id % 2 AS int) AS part"
    )
    if case == "evolved":
        frame = frame.withColumn("more", frame["id"] + 0.5)
    frame.write.format("delta").mode("append").option("mergeSchema", "true").save(str(place))
    attached.end()
    there = spark.read.format("delta").load(str(place))
    assert sorted(row["id"] for row in there.collect()) == list(range(10, 40))
    assert there.where("note = repeat('12', 30) AND price = 12").count() == 1
    assert sorted(attached.aside()) == list(range(10))


@pytest.mark.parametrize(
    ("stats", "reason"),
    [
        ('{"numRecords": 1, "statsWithCollation": {}}', "have statsWithCollation"),
        ('{"numRecords": 1, "tightBounds": false}', "wider than their rows"),
        ('{"numRecords": 1, "minValues": {"at": "2026-01-01 00:00:00"}}', "tell times in another way"),
        ('{"numRecords": 1, "minValues": {"gone": 1}}', "type unknown"),
    ],
)
def test_statistics_that_are_not_known_are_left_to_delta(spark: SparkSession, stats: str, reason: str) -> None:
    schema = {"type": "struct", "fields": [{"name": "at", "type": "timestamp"}, {"name": "id", "type": "long"}]}
    wording = Wording(spark, json.dumps(schema))
    with pytest.raises(UnknownStatsError, match=reason):
        wording.leaves(stats)
    assert wording.leaves(None) == ()
    assert wording.stats(None, Left(3, {})) is None


def test_a_time_zone_that_python_does_not_know_is_left_to_delta(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.session.timeZone", "UTC+3")
    try:
        with pytest.raises(UnknownStatsError, match=r"time zone UTC\+3"):
            Wording(spark, '{"type": "struct", "fields": []}')
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
