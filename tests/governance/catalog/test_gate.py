"""The gate of schemas on real writes: what breaks its rule does not land, what keeps it is recorded."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.governance.catalog.conftest import Catalogued
from tests.governance.conftest import Vault, policy

from hookline.core.errors import WriteRefusedError
from hookline.core.store.cataloguing import layouts
from hookline.pipelines import watch

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark


def files(path: str) -> set[str]:
    return {str(one) for one in Path(path).rglob("*.parquet")}


def rows(spark: SparkSession, ddl: str, *values: tuple[Any, ...]) -> DataFrame:
    return spark.createDataFrame([*values], ddl).coalesce(1)


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_an_incompatible_schema_is_refused_before_data_lands(
    catalogued: Catalogued, spark: SparkSession, kind: str
) -> None:
    catalogued.begin("FULL")
    place = catalogued.path()
    first = rows(spark, "id int, s struct<a: int, b: array<string>>", (1, (2, ["x"])))
    first.write.format(kind).save(place)
    before = files(place)
    for wrong, said in (
        ("id string, s struct<a: int, b: array<string>>", "id: int in the rows can't be read as string"),
        ("id int, s struct<a: int, b: array<int>>", "s.b._element: string in the rows can't be read as int"),
    ):
        for mode in ("append", "overwrite"):
            if (kind, mode) == ("delta", "append") and "b: array<int>" in wrong:
                continue  # Delta itself casts what can be cast
            with pytest.raises(WriteRefusedError, match=re.escape(said)):
                rows(spark, wrong).write.format(kind).mode(mode).save(place)
    assert files(place) == before
    assert set(catalogued.actions()) == {"catalog.refused"}
    more = rows(spark, "id int, s struct<a: int, b: array<string>>, more date", (2, (3, []), None))
    more.write.format(kind).mode("overwrite").option("overwriteSchema", True).save(place)
    watch.drain()
    assert catalogued.actions()[-1] == "catalog.schema"
    what = list(catalogued.log.records())[-1].entry.what
    assert what["changes"] == [{"column": "more", "change": "added", "before": None, "after": "date"}]
    with catalogued.store() as store:
        assert len(store.schemas("file", place)) == 2


def test_the_versions_of_earlier_runs_count(catalogued: Catalogued, spark: SparkSession) -> None:
    place = catalogued.path()
    catalogued.begin()
    rows(spark, "id int, name string", (1, "a")).write.parquet(place)
    rows(spark, "id int", (1,)).write.mode("append").parquet(place)
    catalogued.begin("BACKWARD")
    rows(spark, "id int, name int", (1, 2)).write.mode("overwrite").parquet(place)
    catalogued.begin("BACKWARD_TRANSITIVE")
    with pytest.raises(WriteRefusedError, match=r"under version 1 of the schema"):
        rows(spark, "id int, name int", (1, 2)).write.mode("overwrite").parquet(place)


@pytest.mark.parametrize("kind", ["parquet", "delta", "json"])
def test_what_was_there_before_anybody_looked_counts(
    catalogued: Catalogued, spark: SparkSession, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    place = catalogued.path()
    rows(spark, "id int", (1,)).write.format(kind).save(place)
    catalogued.begin("FULL")
    wrong = rows(spark, "id array<int>", ([1],)).write.format(kind).mode("overwrite").option("overwriteSchema", True)
    if kind == "json":
        wrong.save(place)
        assert "files that don't tell their columns" in caplog.text
        return
    with pytest.raises(WriteRefusedError, match="id: int in the rows can't be read as array<int>"):
        wrong.save(place)
    assert spark.read.format(kind).load(place).count() == 1


def test_a_renamed_column_is_told(catalogued: Catalogued, spark: SparkSession) -> None:
    catalogued.begin("FULL", catalog={"schemas": [{"datasets": ["*"], "compatibility": "FULL", "strict_nulls": True}]})
    place = catalogued.path()
    spark.range(1).write.parquet(place)
    with pytest.raises(WriteRefusedError, match=r"ids may be id renamed"):
        spark.range(1).withColumnRenamed("id", "ids").write.mode("append").parquet(place)


def test_names_that_mean_something_elsewhere(catalogued: Catalogued, spark: SparkSession) -> None:
    catalogued.begin("FULL")
    place = catalogued.path("it's; DROP TABLE hookline_writes")
    names = ["it's", "a.b", "x`y", "ü --"]
    spark.range(1).toDF("it's").selectExpr(
        *(f"`it's` AS {'`' + one.replace('`', '``') + '`'}" for one in names)
    ).write.parquet(place)
    with pytest.raises(WriteRefusedError) as refused:
        spark.range(1).selectExpr("'a' AS `a.b`", "id AS `x``y`").write.mode("append").parquet(place)
    assert "`a.b`: bigint in the rows can't be read as string" in str(refused.value)
    spark.range(1).selectExpr("id AS `a.b`", "id AS `x``y`").write.mode("append").parquet(place)
    with catalogued.store() as store:
        assert [len(one.columns) for one in store.schemas("file", place)] == [4, 2]


def test_folders_are_partitioned_alike(catalogued: Catalogued, spark: SparkSession) -> None:
    catalogued.begin("BACKWARD")
    place = catalogued.path()
    frame = rows(spark, "id int, day string", (1, "2026-05-04"), (2, None))
    frame.write.partitionBy("day").parquet(place)
    assert set(catalogued.written().partitions) == {(("day", None),), (("day", "2026-05-04"),)}
    with pytest.raises(WriteRefusedError, match=r"partitioned by 'day', and this write not"):
        frame.write.mode("append").parquet(place)
    frame.write.partitionBy("day").mode("append").parquet(place)
    catalogued.begin("BACKWARD")
    with pytest.raises(WriteRefusedError, match=r"partitioned by 'day', and this write by 'id'"):
        frame.write.partitionBy("id").mode("append").parquet(place)
    frame.write.mode("overwrite").parquet(place)


def test_statements_and_tables(catalogued: Catalogued, spark: SparkSession) -> None:
    catalogued.begin("FULL")
    try:
        spark.sql("CREATE TABLE cat_plain (id INT COMMENT 'the number', day DATE) USING parquet PARTITIONED BY (day)")
        spark.sql("INSERT INTO cat_plain SELECT 1, DATE'2026-05-04'")
        spark.sql("INSERT INTO cat_plain VALUES (2, DATE'2026-05-05')")
        watch.drain()
        assert catalogued.written().target_columns is not None
        spark.sql("CREATE TABLE cat_delta USING delta AS SELECT 1 AS id, 'x' AS name")
        spark.sql("INSERT INTO cat_delta SELECT 2, 'y'")
        spark.sql("UPDATE cat_delta SET name = 'z' WHERE id = 1")
        spark.sql("MERGE INTO cat_delta t USING (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE")
        with pytest.raises(WriteRefusedError, match="id: int in the rows can't be read as string"):
            spark.sql("CREATE OR REPLACE TABLE cat_delta USING delta AS SELECT 'x' AS id, 'x' AS name")
        assert spark.table("cat_delta").count() == 1
        with catalogued.store() as store, store.reading() as connection:
            known = {one.table_name: one for one in layouts(connection).values()}
        plain = known["default.cat_plain"]
        assert plain.partition_by == ("day",)
        assert plain.comments == {"id": "the number"}
        assert plain.columns is not None
        assert [one.name for one in plain.columns] == ["id", "day"]
        assert known["default.cat_delta"].partition_by == ()
    finally:
        for table in ("cat_plain", "cat_delta"):
            spark.sql(f"DROP TABLE IF EXISTS {table}")


def test_what_cannot_be_told_beforehand_is_refused(catalogued: Catalogued, spark: SparkSession, tmp_path: Path) -> None:
    catalogued.begin("BACKWARD")
    with pytest.raises(WriteRefusedError, match="can't be told before it is done"):
        spark.sparkContext.parallelize(["a"], 1).saveAsTextFile(str(tmp_path / "rdd"))


def test_a_gate_whose_store_does_not_answer_refuses(catalogued: Catalogued, spark: SparkSession) -> None:
    place = catalogued.path()
    catalogued.begin("BACKWARD")
    rows(spark, "id int", (1,)).write.parquet(place)
    catalogued.end()
    (catalogued.folder / "state" / "store.db").unlink()
    for left in (catalogued.folder / "state").glob("store.db-*"):
        left.unlink()
    (catalogued.folder / "state" / "store.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(catalogued.folder / "state" / "store.db").execute("SELECT * FROM sqlite_master")
    catalogued.begin("BACKWARD")
    before = files(place)
    with pytest.raises(WriteRefusedError, match="the versions of its schema can't be had"):
        rows(spark, "id int", (1,)).write.mode("append").parquet(place)
    assert files(place) == before


def test_without_rules_it_decides_on_nothing(catalogued: Catalogued, spark: SparkSession) -> None:
    catalogued.begin()
    place = catalogued.path()
    rows(spark, "id int", (1,)).write.parquet(place)
    rows(spark, "id string", ("a",)).write.mode("overwrite").parquet(place)
    assert catalogued.written().target_columns is None
    watch.drain()
    assert catalogued.actions() == ["catalog.schema"]


def test_columns_are_compared_as_they_are_written(catalogued: Catalogued, spark: SparkSession, tmp_path: Path) -> None:
    """A policy makes tokens, which are texts, of numbers: behind it the gate sees texts every time."""
    Vault(tmp_path).store.close()
    content = policy({"columns": ["id"], "action": "tokenize"}).model_dump(mode="json", exclude_none=True)
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(content))
    place = catalogued.path()
    for _ in range(2):
        catalogued.begin("FULL", others={"protect": {"policies": ["p.yaml"]}})
        rows(spark, "id int", (1,)).write.mode("append").parquet(place)
        assert [one.type for one in catalogued.written().columns] == ["string"]


def test_a_stream_is_held_against_the_rule_at_its_start(
    catalogued: Catalogued, spark: SparkSession, tmp_path: Path
) -> None:
    place, source = catalogued.path(), str(tmp_path / "in")
    rows(spark, "id int", (1,)).write.json(source)
    catalogued.begin("FULL")
    rows(spark, "id string", ("a",)).write.parquet(place)
    stream = spark.readStream.schema("id int").json(source)
    with pytest.raises(WriteRefusedError, match="id: string in the rows can't be read as int"):
        stream.writeStream.option("checkpointLocation", str(tmp_path / "c")).start(place, format="parquet")
