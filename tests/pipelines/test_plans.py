"""What a query reads, by its plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hookline.pipelines.leaves import inputs_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


@pytest.mark.parametrize("kind", ["parquet", "orc", "json", "csv", "delta"])
def test_a_folder_is_an_input_by_its_place(spark: SparkSession, tmp_path: Path, kind: str) -> None:
    place = str(tmp_path / "a b")
    spark.range(2).write.format(kind).save(place)
    frame = (
        spark.read.format(kind).schema("id long").load(place)
        if kind != "delta"
        else spark.read.format(kind).load(place)
    )
    found, why = inputs_of(spark, frame.where("id > 0")._jdf.queryExecution().analyzed())
    assert [(read.dataset.name, read.dataset.format) for read in found] == [(place, kind)]
    assert why is None


def test_tables_of_two_kinds_under_one_join_and_a_sub_query(spark: SparkSession, tmp_path: Path) -> None:
    for kind in ("delta", "parquet"):
        spark.range(2).write.format(kind).save(str(tmp_path / kind))
    spark.read.format("delta").load(str(tmp_path / "delta")).createOrReplaceTempView("first_input")
    spark.read.parquet(str(tmp_path / "parquet")).createOrReplaceTempView("second_input")
    frame = spark.sql(
        "SELECT a.id FROM first_input a JOIN second_input b ON a.id = b.id "
        "WHERE a.id <= (SELECT max(id) FROM first_input)"
    )
    found, why = inputs_of(spark, frame._jdf.queryExecution().analyzed())
    assert sorted(read.dataset.name for read in found) == [str(tmp_path / "delta"), str(tmp_path / "parquet")]
    assert why is None


def test_folders_of_partitions_read_one_by_one_or_together_are_one_input(spark: SparkSession, tmp_path: Path) -> None:
    place = str(tmp_path / "sales")
    spark.range(4).selectExpr("id", "id % 2 AS day", "id AS hour").write.partitionBy("day", "hour").parquet(place)
    one, other = (spark.read.parquet(f"{place}/day={day}/hour={day}") for day in (0, 1))
    listed = spark.read.option("basePath", place).parquet(f"{place}/day=0", f"{place}/day=1")
    for frame in (
        one.join(other, "id"),
        listed,
        spark.read.parquet(f"{place}/day=0/hour=*"),
        spark.read.parquet(place),
    ):
        found, why = inputs_of(spark, frame._jdf.queryExecution().analyzed())
        assert [read.dataset.name for read in found] == [place]
        assert why is None


def test_files_by_the_second_api_are_named_by_their_place(spark: SparkSession, tmp_path: Path) -> None:
    session = spark.newSession()
    session.conf.set("spark.sql.sources.useV1SourceList", "")
    for kind in ("parquet", "csv"):
        place = str(tmp_path / kind)
        spark.range(2).write.format(kind).save(place)
        frame = session.read.format(kind).schema("id long").load(place)
        found, why = inputs_of(session, frame._jdf.queryExecution().analyzed())
        assert [(read.dataset.namespace, read.dataset.name, read.dataset.format) for read in found] == [
            ("file", place, kind)
        ]
        assert why is None


def test_what_is_known_of_a_relation_is_no_other_ones(spark: SparkSession, tmp_path: Path) -> None:
    """Relations are remembered by what they are equal to: the same files, under another name or in another format."""
    place = str(tmp_path / "place")
    spark.range(2).write.parquet(place)
    for name in ("known_one", "known_other"):
        spark.sql(f"CREATE TABLE {name} (id BIGINT) USING parquet LOCATION '{place}'")
    try:
        for _ in range(2):
            found = {}
            for name in ("known_one", "known_other"):
                (read,), why = inputs_of(spark, spark.table(name)._jdf.queryExecution().analyzed())
                found[name] = [symlink for _, symlink in read.dataset.symlinks]
                assert (read.dataset.name, why) == (place, None)
            assert found == {"known_one": ["default.known_one"], "known_other": ["default.known_other"]}
            for kind in ("parquet", "text"):
                plan = spark.read.format(kind).load(place)._jdf.queryExecution().analyzed()
                assert [read.dataset.format for read in inputs_of(spark, plan)[0]] == [kind]
                assert not inputs_of(spark, plan)[0][0].dataset.symlinks
    finally:
        for name in ("known_one", "known_other"):
            spark.sql(f"DROP TABLE {name}")
