"""Queries of the truth set that SQL has no words for: a function of each name that truth/cases.yaml mentions."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pandas as pd  # Spark reads the annotations of functions
import pyarrow as pa
import pytest

from hookline.pipelines import columns

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from hookline.core.events import ColumnLineage

JARS = Path(__file__).resolve().parents[3] / ".cache" / "jars"


def unpivot(spark: SparkSession) -> DataFrame:
    joined = spark.table("t").join(spark.table("u"), "a").select("a", "b", "e")
    return joined.unpivot("a", ["b", "e"], "name", "value")


def python_function(spark: SparkSession) -> DataFrame:
    from pyspark.sql.functions import udf

    made = udf(lambda a, b: f"{a}{b}", "string")
    return spark.table("t").select(made("a", "b").alias("made"), "c")


def arrow_function(spark: SparkSession) -> DataFrame:
    from pyspark.sql.functions import pandas_udf

    def shorten(b: pd.Series) -> pd.Series:
        return b.str[:1]

    def add(a: pd.Series) -> float:
        return float(a.sum())

    first, total = pandas_udf(shorten, "string"), pandas_udf(add, "double")
    grouped = spark.table("t").groupBy("b").agg(total("a").alias("total"))
    return grouped.select(first("b").alias("made"), "total")


def map_in_pandas(spark: SparkSession) -> DataFrame:
    def same(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        yield from frames

    return spark.table("t").select("a", "b").mapInPandas(same, "x int, y string")


def apply_in_pandas(spark: SparkSession) -> DataFrame:
    return spark.table("t").select("a", "c").groupBy("a").applyInPandas(lambda frame: frame, "x int")


def cogrouped(spark: SparkSession) -> DataFrame:
    left = spark.table("t").select("a", "b").groupBy("a")
    right = spark.table("u").select("a", "e").groupBy("a")
    return left.cogroup(right).applyInPandas(lambda one, other: one, "x int")


def temp_view_and_cache(spark: SparkSession) -> DataFrame:
    spark.table("t").where("a > 0").cache().createOrReplaceTempView("seen_before")
    return spark.sql("SELECT b, count(c) AS n FROM seen_before GROUP BY b")


def drop_duplicates(spark: SparkSession) -> DataFrame:
    return spark.table("t").select("a", "b").dropDuplicates(["a"])


def fields_that_are_changed(spark: SparkSession) -> DataFrame:
    from pyspark.sql import functions as F

    return spark.table("nested").select(F.col("s").withField("w", F.col("id")).dropFields("y").alias("s"))


def python_table_function(spark: SparkSession) -> DataFrame:
    from pyspark.sql.functions import udtf

    class Words:
        def eval(self, text: str) -> Iterator[tuple[str]]:
            yield from ((word,) for word in text.split())

    spark.udtf.register("words_of", udtf(Words, returnType="word string"))
    return spark.sql("SELECT a, word FROM t, LATERAL words_of(b)")


def map_in_arrow(spark: SparkSession) -> DataFrame:
    def same(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from batches

    return spark.table("t").select("a", "b").mapInArrow(same, "x int")


def checkpoint(spark: SparkSession) -> DataFrame:
    cut = spark.table("t").where("a > 0").selectExpr("upper(b) AS b").localCheckpoint()
    return cut.groupBy("b").count().withColumnRenamed("count", "n").localCheckpoint(eager=False)


def batch_of_a_stream(spark: SparkSession) -> ColumnLineage:
    """What is written for a batch, as ``foreachBatch`` sees it."""
    found = []

    def write(frame: DataFrame, batch_id: int) -> None:
        made = frame.join(frame.sparkSession.table("u"), "a").selectExpr("a + 1 AS a", "e")
        found.append(columns.trace(frame.sparkSession, made._jdf.queryExecution().analyzed()))

    place = _landed(spark)
    query = spark.readStream.schema("a int").parquet(str(place)).writeStream.foreachBatch(write)
    query.option("checkpointLocation", str(place.parent / "c")).trigger(availableNow=True).start().awaitTermination()
    return found[0]


def union_by_name(spark: SparkSession) -> DataFrame:
    one, other = spark.table("t").select("a", "b"), spark.table("u").select("e", "a")
    return one.unionByName(other, allowMissingColumns=True)


def filled_nulls(spark: SparkSession) -> DataFrame:
    return spark.table("t").select("a", "b").dropna(subset=["a"]).fillna({"b": "none"})


def table_of_a_database(spark: SparkSession) -> DataFrame:
    people = spark.read.format("jdbc").option("url", _database(spark)).option("dbtable", "PEOPLE").load()
    return people.where("ID > 1").selectExpr("ID", "upper(NAME) AS n")


def query_in_the_place_of_a_table(spark: SparkSession) -> DataFrame:
    query = "SELECT p.id, UPPER(t.town) AS town FROM people p JOIN places t ON p.place = t.id WHERE p.name <> 'x'"
    return spark.read.format("jdbc").option("url", _database(spark)).option("query", query).load()


def table_of_a_databases_catalog(spark: SparkSession) -> DataFrame:
    catalog = f"db_{uuid.uuid4().hex[:8]}"
    spark.conf.set(
        f"spark.sql.catalog.{catalog}", "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog"
    )
    spark.conf.set(f"spark.sql.catalog.{catalog}.url", _database(spark))
    return spark.table(f"{catalog}.APP.PEOPLE").where("ID > 1").select("NAME")


def topic(spark: SparkSession) -> DataFrame:
    """There is no broker: a plan needs none."""
    if not any(JARS.glob("spark-sql-kafka*.jar")):
        pytest.skip("Spark's jars for Kafka are not here")
    read = spark.read.format("kafka").option("kafka.bootstrap.servers", "broker:9092").option("subscribe", "clicks")
    return read.load().where("key IS NOT NULL").selectExpr("string(value) AS value", "offset")


def files_by_the_second_api(spark: SparkSession) -> DataFrame:
    spark.conf.set("spark.sql.sources.useV1SourceList", "")
    try:
        return spark.read.schema("a int").parquet(str(_landed(spark))).where("a > 1")
    finally:
        spark.conf.unset("spark.sql.sources.useV1SourceList")


def python_data_source(spark: SparkSession, called: str = "made_up") -> DataFrame:
    """Spark keeps its name for all sessions: each session that makes one calls it otherwise."""
    from pyspark.sql.datasource import DataSource, DataSourceReader

    class Reader(DataSourceReader):
        def read(self, partition: Any) -> Iterator[tuple[int, str]]:
            yield (1, "a")

    class Source(DataSource):
        @classmethod
        def name(cls) -> str:
            return called

        def schema(self) -> str:
            return "id int, name string"

        def reader(self, schema: Any) -> DataSourceReader:
            return Reader()

    spark.dataSource.register(Source)
    return spark.read.format(called).load().selectExpr("id", "upper(name) AS n")


def python_functions_that_decide(spark: SparkSession) -> DataFrame:
    from pyspark.sql import functions as F

    good, bucket = F.udf(lambda b: b != "x", "boolean"), F.udf(lambda a: a // 10, "int")
    frame = spark.table("t").where(good("b")).groupBy(bucket("a").alias("bucket"))
    return frame.agg(F.sum("c").alias("s"))


def arrow_functions_over_windows_and_of_structs(spark: SparkSession) -> DataFrame:
    from pyspark.sql import Window
    from pyspark.sql.functions import col, pandas_udf

    def mean(a: pd.Series) -> float:
        return float(a.mean())

    def split(b: pd.Series) -> pd.DataFrame:
        return b.str.split(" ", n=1, expand=True)

    over = pandas_udf(mean, "double")("a").over(Window.partitionBy("b"))
    made = pandas_udf(split, "first string, rest string")("b")
    return spark.table("t").select(over.alias("mean"), made.alias("s")).select("mean", col("s.first"))


def map_in_pandas_between_a_join_and_a_filter(spark: SparkSession) -> DataFrame:
    def same(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        yield from frames

    joined = spark.table("t").join(spark.table("u"), "a").select("a", "b", "e")
    return joined.mapInPandas(same, "x int, y string").where("x > 0").selectExpr("upper(y) AS name")


def rows_of_an_rdd(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(spark.table("t").rdd.map(lambda row: (row.a, row.b)), "a int, x string")


def rows_of_an_rdd_beside_a_table(spark: SparkSession) -> DataFrame:
    return rows_of_an_rdd(spark).join(spark.table("t"), "a").select("b", "x")


def _landed(spark: SparkSession) -> Path:
    """A folder with a row."""
    warehouse = Path(urlsplit(spark.conf.get("spark.sql.warehouse.dir") or "").path)
    place = warehouse.parent / f"truth-{uuid.uuid4().hex[:8]}" / "landed"
    spark.range(1).selectExpr("int(id) AS a").write.parquet(str(place))
    return place


def _database(spark: SparkSession) -> str:
    """The URL of a Derby database with people and places."""
    url = f"jdbc:derby:memory:{uuid.uuid4().hex}"
    java: Any = spark._jvm
    java.java.lang.Class.forName("org.apache.derby.iapi.jdbc.AutoloadedDriver")
    with contextlib.closing(java.java.sql.DriverManager.getConnection(f"{url};create=true")) as connection:
        for table in ("people (id INT, name VARCHAR(20), place INT)", "places (id INT, town VARCHAR(20))"):
            connection.createStatement().execute(f"CREATE TABLE {table}")
    return url
