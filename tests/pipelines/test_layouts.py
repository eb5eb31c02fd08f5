"""Where datasets lie, as this session reaches it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hookline.core.events import Dataset
from hookline.core.store.records import Layout
from hookline.pipelines.layouts import iceberg_metadata, layout_of, partitions, reached, uri_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.parametrize(
    ("dataset", "uri"),
    [
        (Dataset("file", "/lake/it's", "csv"), "file:/lake/it's"),
        (Dataset("s3://lake", "a/b", "delta"), "s3://lake/a/b"),
        (Dataset("hdfs://host:8020", "/a", "parquet"), "hdfs://host:8020/a"),
        (Dataset("postgres://host:5432", "db.public.t", "jdbc"), None),
        (Dataset("kafka://host:9092", "topic", "kafka"), None),
    ],
)
def test_the_uri_of_a_dataset(dataset: Dataset, uri: str | None) -> None:
    assert uri_of(dataset) == uri


@pytest.mark.spark
def test_s3_is_reached_by_the_scheme_that_there_is(spark: SparkSession) -> None:
    assert reached(spark, "s3://lake/a") == "s3a://lake/a"
    assert reached(spark, "file:/a") == "file:/a"
    spark.conf.set("fs.s3.impl", "an.other.FileSystem")
    try:
        assert reached(spark, "s3://lake/a") == "s3://lake/a"
    finally:
        spark.conf.unset("fs.s3.impl")


@pytest.mark.spark
def test_icebergs_newest_metadata(spark: SparkSession, tmp_path: Path) -> None:
    layout = Layout("file", str(tmp_path), "2026", "iceberg", f"file:{tmp_path}")
    assert iceberg_metadata(spark, layout) is None
    (tmp_path / "metadata").mkdir()
    for name in (
        "v9.metadata.json",
        "00010-1a-2b.metadata.json",
        "00002-1a.metadata.json",
        "snap-99.avro",
        "version-hint.text",
    ):
        (tmp_path / "metadata" / name).touch()
    assert iceberg_metadata(spark, layout) == f"file:{tmp_path}/metadata/00010-1a-2b.metadata.json"


@pytest.mark.spark
def test_partitions_that_there_are_files_of(spark: SparkSession, tmp_path: Path) -> None:
    for name in ("day=a%3Ab/n=1", "day=__HIVE_DEFAULT_PARTITION__/n=1", "_temporary/day=c/n=1", "day=empty/n=1"):
        (tmp_path / name).mkdir(parents=True)
        if "empty" not in name:
            (tmp_path / name / "part.parquet").touch()
    assert set(partitions(spark, f"file:{tmp_path}")) == {
        (("day", "a:b"), ("n", "1")),
        (("day", None), ("n", "1")),
    }


@pytest.mark.spark
def test_a_table_that_is_gone_has_what_is_known_without_it(spark: SparkSession, tmp_path: Path) -> None:
    dataset = Dataset("file", str(tmp_path), "delta", (("w", "default.no_such_table"),))
    layout = layout_of(spark, dataset, ("day",))
    assert (layout.location, layout.table_name) == (f"file:{tmp_path}", None)
