"""Every way in which PySpark writes is one Write on the bus, with the right name, operation, rows and measures."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions

from hookline.core.config_models import Config, PluginEntry
from hookline.core.errors import WriteRefusedError
from hookline.core.events import Denial, Measure, Measured, Verdict, Write
from hookline.pipelines import attach, watch
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark
ROWS = 5


@pytest.fixture
def recorder(spark: SparkSession, tmp_path: Path) -> Iterator[RecordingPlugin]:
    """The session, attached with a plugin that keeps what it is told."""
    config = Config(state_dir=tmp_path / "state", plugins=(PluginEntry("hookline.testing:RecordingPlugin"),))
    attachment = attach.attach(spark, config, job="test")
    plugin = RecordingPlugin.last
    plugin.answers["measure_write"] = [Measure.rows(), Measure.nulls("id"), Measure.outside("id", minimum=1)]
    yield plugin
    attachment.detach()


@pytest.fixture
def frame(spark: SparkSession) -> DataFrame:
    return spark.range(ROWS).selectExpr("id", "cast(id as string) as name", "id % 2 as part")


@pytest.fixture
def table(spark: SparkSession) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex[:8]}"
    yield name
    for suffix in ("", "_2"):
        spark.sql(f"DROP TABLE IF EXISTS {name}{suffix}")


def only_write(recorder: RecordingPlugin) -> Write:
    """The one write that finished; interception saw it, and nothing was reported twice."""
    watch.drain()
    writes: list[Write] = recorder.seen("on_write_finished")
    assert len(writes) == 1, writes
    assert writes[0].intercepted
    return writes[0]


def measured(recorder: RecordingPlugin) -> dict[Measure, Measured]:
    results: list[dict[Measure, Measured]] = recorder.seen("judge_write")
    assert len(results) == 1
    return results[0]


PATH_WRITES: dict[str, Callable[[DataFrame, str], Any]] = {
    "parquet": lambda df, path: df.write.parquet(path),
    "csv": lambda df, path: df.write.csv(path, header=True),
    "json": lambda df, path: df.write.json(path),
    "orc": lambda df, path: df.write.orc(path),
    "save": lambda df, path: df.write.format("parquet").save(path),
    "save with keywords": lambda df, path: df.write.save(path, format="parquet", mode="overwrite"),
    "path as an option": lambda df, path: df.write.format("parquet").option("path", path).save(),
    "partitionBy": lambda df, path: df.write.partitionBy("part").parquet(path),
    "partitionBy as an argument": lambda df, path: df.write.parquet(path, partitionBy=["part"]),
    "delta": lambda df, path: df.write.format("delta").save(path),
    "delta, partitioned": lambda df, path: df.write.format("delta").partitionBy("part").save(path),
    "pandas-on-Spark": lambda df, path: df.pandas_api(index_col="id").to_parquet(path, index_col="id"),
    "SQL into a folder": lambda df, path: _sql(
        df, f"INSERT OVERWRITE DIRECTORY '{path}' USING parquet SELECT * FROM {{source}}"
    ),
}


def _sql(df: DataFrame, text: str, arguments: Any = None) -> DataFrame:
    """With arguments the parser that Delta brings needs the setting: without it they never reach Spark (delta#7640)."""
    setting = "spark.sql.legacy.parameterSubstitution.constantsOnly"
    if arguments is not None:
        df.sparkSession.conf.set(setting, "true")
    try:
        return df.sparkSession.sql(text, arguments, source=df)
    finally:
        df.sparkSession.conf.unset(setting)


@pytest.mark.parametrize("how", PATH_WRITES)
def test_a_write_to_a_path(how: str, recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path) -> None:
    path = str(tmp_path / "out put")
    PATH_WRITES[how](frame, path)
    write = only_write(recorder)
    assert (write.dataset.namespace, write.dataset.name) == ("file", path)
    assert (write.rows, write.published) == (ROWS, True)
    assert write.bytes is None or write.bytes > 0
    results = measured(recorder)
    assert [results[m].value for m in recorder.answers["measure_write"]] == [ROWS, 0, 1]


TABLE_WRITES: dict[str, tuple[Callable[[DataFrame, str], Any], str]] = {
    "saveAsTable parquet": (lambda df, t: df.write.format("parquet").saveAsTable(t), "errorifexists"),
    "saveAsTable delta": (lambda df, t: df.write.format("delta").saveAsTable(t), "errorifexists"),
    "bucketBy": (lambda df, t: df.write.format("parquet").bucketBy(2, "id").saveAsTable(t), "errorifexists"),
    "writeTo create": (lambda df, t: df.writeTo(t).using("delta").create(), "create"),
    "writeTo createOrReplace": (lambda df, t: df.writeTo(t).using("delta").createOrReplace(), "replace"),
    "CTAS parquet": (lambda df, t: _sql(df, f"CREATE TABLE {t} USING parquet AS SELECT * FROM {{source}}"), "create"),
    "CTAS delta": (
        lambda df, t: _sql(df, f"/* c */ CREATE TABLE {t} USING delta AS SELECT * FROM {{source}}"),
        "create",
    ),
}


@pytest.mark.parametrize("how", TABLE_WRITES)
def test_a_write_that_makes_a_table(how: str, recorder: RecordingPlugin, frame: DataFrame, table: str) -> None:
    act, operation = TABLE_WRITES[how]
    act(frame, table)
    write = only_write(recorder)
    assert write.operation == operation
    assert write.dataset.namespace == "file"
    assert write.dataset.name.endswith(f"/{table}")
    assert [name for _, name in write.dataset.symlinks] == [f"default.{table}"]
    assert write.rows == ROWS
    results = measured(recorder)
    assert [results[m].value for m in recorder.answers["measure_write"]] == [ROWS, 0, 1]


INSERTS: dict[str, tuple[Callable[[DataFrame, str], Any], str]] = {
    "insertInto": (lambda df, t: df.write.insertInto(t), "insert"),
    "insertInto overwrite": (lambda df, t: df.write.insertInto(t, overwrite=True), "overwrite"),
    "saveAsTable append": (lambda df, t: df.write.format(_format(df, t)).mode("append").saveAsTable(t), "append"),
    "INSERT INTO": (lambda df, t: _sql(df, f"INSERT INTO {t} SELECT * FROM {{source}}"), "insert"),
    "INSERT OVERWRITE": (lambda df, t: _sql(df, f"INSERT OVERWRITE {t} SELECT * FROM {{source}}"), "overwrite"),
    "WITH … INSERT": (
        lambda df, t: _sql(df, f"WITH q AS (SELECT * FROM {{source}}) INSERT INTO {t} SELECT * FROM q"),
        "insert",
    ),
    "arguments": (
        lambda df, t: _sql(df, f"INSERT INTO {t} SELECT * FROM {{source}} WHERE id < :top", {"top": 100}),
        "insert",
    ),
    "arguments in a row": (
        lambda df, t: _sql(df, f"INSERT INTO {t} SELECT * FROM {{source}} WHERE id < ? AND name <> ?", [100, "it's"]),
        "insert",
    ),
    "writeTo append": (lambda df, t: df.writeTo(t).append(), "append"),
    "writeTo overwrite": (lambda df, t: df.writeTo(t).overwrite(functions.col("id") >= 0), "overwrite"),
    "writeTo overwritePartitions": (lambda df, t: df.writeTo(t).overwritePartitions(), "overwrite"),
}


def _format(df: DataFrame, table: str) -> str:
    rows = df.sparkSession.sql(f"DESCRIBE EXTENDED {table}").collect()
    return next(str(row.data_type).lower() for row in rows if row.col_name == "Provider")


@pytest.mark.parametrize("provider", ["parquet", "delta"])
@pytest.mark.parametrize("how", INSERTS)
def test_a_write_into_a_table(
    how: str, provider: str, recorder: RecordingPlugin, spark: SparkSession, frame: DataFrame, table: str
) -> None:
    if how.startswith("writeTo") and provider == "parquet":
        pytest.skip("Spark has no V2 writes into Parquet tables")
    act, operation = INSERTS[how]
    spark.sql(f"CREATE TABLE {table} (id BIGINT, name STRING, part BIGINT) USING {provider}")
    spark.sql(f"INSERT INTO {table} VALUES (-7, 'old', 1)")
    recorder.calls.clear()
    act(frame, table)
    write = only_write(recorder)
    assert write.operation == operation
    assert (write.rows, write.dataset.name.rpartition("/")[2]) == (ROWS, table)
    results = measured(recorder)
    assert [results[m].value for m in recorder.answers["measure_write"]] == [ROWS, 0, 1]


def _delta_table(df: DataFrame, name: str) -> Any:
    from delta.tables import DeltaTable

    return DeltaTable.forName(df.sparkSession, name)


ROW_CHANGES: dict[str, tuple[Callable[[DataFrame, str], Any], str]] = {
    "MERGE": (
        lambda df, t: _sql(
            df,
            f"MERGE INTO {t} t USING {{source}} s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * "
            "WHEN NOT MATCHED THEN INSERT *",
        ),
        "merge",
    ),
    "UPDATE": (lambda df, t: df.sparkSession.sql(f"UPDATE {t} SET name = 'x' WHERE id = 1"), "update"),
    "DELETE": (lambda df, t: df.sparkSession.sql(f"DELETE FROM {t} WHERE id = 1"), "delete"),
    "DeltaTable.merge": (
        lambda df, t: (
            _delta_table(df, t).alias("t").merge(df.alias("s"), "t.id = s.id").whenMatchedUpdateAll().execute()
        ),
        "merge",
    ),
    "DeltaTable.update": (lambda df, t: _delta_table(df, t).update("id = 1", {"name": "'x'"}), "update"),
    "DeltaTable.delete": (lambda df, t: _delta_table(df, t).delete("id = 1"), "delete"),
}


@pytest.mark.parametrize("how", ROW_CHANGES)
def test_a_change_of_rows(how: str, recorder: RecordingPlugin, frame: DataFrame, table: str) -> None:
    act, operation = ROW_CHANGES[how]
    frame.write.format("delta").saveAsTable(table)
    watch.drain()
    recorder.calls.clear()
    act(frame, table)
    write = only_write(recorder)
    assert (write.operation, write.transformable) == (operation, False)
    assert write.dataset.name.rpartition("/")[2] == table
    results = measured(recorder)
    assert all(result.ok for result in results.values()), results


def test_an_rdd_is_an_event_and_can_be_denied(recorder: RecordingPlugin, spark: SparkSession, tmp_path: Path) -> None:
    spark.sparkContext.parallelize(["a", "b"]).saveAsTextFile(str(tmp_path / "text"))
    write = only_write(recorder)
    assert (write.dataset.name, write.rows, write.transformable) == (str(tmp_path / "text"), None, False)
    assert write.opaque
    recorder.answers["authorize_write"] = Denial("no text here")
    with pytest.raises(WriteRefusedError, match="no text here"):
        spark.sparkContext.parallelize(["a", "b"]).saveAsTextFile(str(tmp_path / "denied"))
    assert not (tmp_path / "denied").exists()


def test_an_rdd_that_has_to_be_measured_is_not_written(
    recorder: RecordingPlugin, spark: SparkSession, tmp_path: Path
) -> None:
    recorder.answers["measure_write"] = [Measure.rows(required=True)]
    with pytest.raises(
        WriteRefusedError, match=r"nothing was published.*rows\(\) is required and could not be measured"
    ):
        spark.sparkContext.parallelize(["a", "b"]).saveAsTextFile(str(tmp_path / "text"))
    assert not (tmp_path / "text").exists()


def test_a_write_that_nobody_intercepted_is_found_and_marked(
    recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path
) -> None:
    frame._jdf.write().parquet(str(tmp_path / "behind"))
    watch.drain()
    (write,) = recorder.seen("on_write_finished")
    assert (write.intercepted, write.dataset.name, write.rows) == (False, str(tmp_path / "behind"), ROWS)
    results = measured(recorder)
    assert [results[m].value for m in recorder.answers["measure_write"]] == [ROWS, 0, 1]


def test_the_safety_net_judges_late_rather_than_never(
    recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path
) -> None:
    recorder.answers["judge_write"] = [Verdict("c", "critical", "failed", failing_rows=1)]
    frame._jdf.write().format("delta").save(str(tmp_path / "behind"))
    watch.drain()
    (write,) = recorder.seen("on_write_failed")
    assert not write.intercepted
    assert write.verdicts[0].refuses


def test_a_sink_that_only_its_own_code_knows_is_written_once(
    recorder: RecordingPlugin, spark: SparkSession, frame: DataFrame, tmp_path: Path
) -> None:
    """The job names it by its format, Spark's plan by its class."""
    from pyspark.sql.datasource import DataSource, DataSourceWriter, WriterCommitMessage

    class Writer(DataSourceWriter):
        def write(self, iterator: Any) -> WriterCommitMessage:
            list(iterator)
            return WriterCommitMessage()

    class Sink(DataSource):
        @classmethod
        def name(cls) -> str:
            return "made_up_sink"

        def schema(self) -> str:
            return "id long, name string"

        def writer(self, schema: Any, overwrite: bool) -> DataSourceWriter:
            return Writer()

    spark.dataSource.register(Sink)
    frame.write.format("noop").mode("overwrite").save()
    frame.write.format("made_up_sink").mode("append").save()
    frame.write.format("made_up_sink").mode("append").option("path", str(tmp_path / "place")).save()
    watch.drain()
    told = [(write.dataset.format, write.intercepted, write.rows) for write in recorder.seen("on_write_finished")]
    assert told == [("noop", True, ROWS), ("made_up_sink", True, ROWS), ("made_up_sink", True, ROWS)]


@pytest.mark.parametrize("name", ["scope", "session", "wrapped", "text"])
def test_a_named_argument_of_sql_may_be_called_as_ours_are(
    recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path, name: str
) -> None:
    text = f"INSERT OVERWRITE DIRECTORY '{tmp_path}/{name}' USING parquet SELECT * FROM {{{name}}}"
    frame.sparkSession.sql(text, **{name: frame})
    assert only_write(recorder).rows == ROWS


def test_reads_are_named(recorder: RecordingPlugin, spark: SparkSession, frame: DataFrame, tmp_path: Path) -> None:
    source, target = str(tmp_path / "source"), str(tmp_path / "target")
    frame.write.parquet(source)
    recorder.calls.clear()
    spark.read.parquet(source).where("id in (select max(id) from range(3))").write.parquet(target)
    write = only_write(recorder)
    assert [read.dataset.name for read in write.inputs] == [source]
    assert [read.dataset.name for read in recorder.seen("on_read_observed")] == [source]


def test_a_read_without_a_write_is_seen(recorder: RecordingPlugin, spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "only read")
    spark.range(3).write.parquet(path)
    recorder.calls.clear()
    assert spark.read.parquet(path).count() == 3
    watch.drain()
    assert path in [read.dataset.name for read in recorder.seen("on_read_observed")]


def test_a_failed_write_fails_as_it_would_alone(recorder: RecordingPlugin, spark: SparkSession, tmp_path: Path) -> None:
    from pyspark.errors import SparkRuntimeException

    secret = "row value 4711"
    with pytest.raises(SparkRuntimeException, match=secret):
        spark.range(3).selectExpr(f"raise_error('{secret}') as v").write.parquet(str(tmp_path / "failed"))
    watch.drain()
    (write,) = recorder.seen("on_write_failed")
    assert write.error.condition == "USER_RAISED_EXCEPTION"
    assert secret not in repr(write)
    assert recorder.seen("on_write_finished") == []


def _mask(event: Write, frame: DataFrame) -> DataFrame:
    return frame.withColumn("name", functions.lit("***"))


@pytest.mark.parametrize("how", PATH_WRITES)
def test_what_is_written_to_a_path_can_be_changed(
    how: str, recorder: RecordingPlugin, spark: SparkSession, frame: DataFrame, tmp_path: Path
) -> None:
    recorder.answers["transform_write"] = _mask
    path = str(tmp_path / "masked")
    PATH_WRITES[how](frame, path)
    kind = only_write(recorder).dataset.format or ""
    options = {"header": "true"} if kind == "csv" else {}
    written = spark.read.format(kind).options(**options).load(path)
    assert {row["name"] for row in written.collect()} == {"***"}


@pytest.mark.parametrize(
    ("kind", "way", "rows"), [("parquet", "proof", ROWS), ("csv", "none", None), ("json", "none", None)]
)
def test_rows_that_nobody_asked_for_are_told_only_where_they_cost_nothing(
    kind: str, way: str, rows: int | None, recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path
) -> None:
    recorder.answers["measure_write"] = None
    frame.write.format(kind).save(str(tmp_path / "out"))
    write = only_write(recorder)
    assert (write.way, write.rows) == (way, rows)


@pytest.mark.parametrize("how", [*TABLE_WRITES, *INSERTS])
def test_what_is_written_to_a_table_can_be_changed(
    how: str, recorder: RecordingPlugin, spark: SparkSession, frame: DataFrame, table: str
) -> None:
    if how in INSERTS:
        spark.sql(f"CREATE TABLE {table} (id BIGINT, name STRING, part BIGINT) USING delta")
    recorder.answers["transform_write"] = _mask
    (TABLE_WRITES | INSERTS)[how][0](frame, table)
    assert [(row.id, row.name, row.part) for row in spark.table(table).orderBy("id").collect()] == [
        (number, "***", number % 2) for number in range(ROWS)
    ]


@pytest.mark.parametrize("how", ROW_CHANGES)
def test_a_change_of_rows_that_cannot_be_masked_can_be_denied(
    how: str, recorder: RecordingPlugin, spark: SparkSession, frame: DataFrame, table: str
) -> None:
    frame.write.format("delta").saveAsTable(table)
    before = spark.table(table).collect()
    recorder.answers["authorize_write"] = lambda event: None if event.transformable else Denial("must be masked")
    with pytest.raises(WriteRefusedError, match="must be masked"):
        ROW_CHANGES[how][0](frame, table)
    assert spark.table(table).collect() == before


def test_a_critical_verdict_refuses(recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path) -> None:
    recorder.answers["judge_write"] = [Verdict("c", "critical", "failed", failing_rows=2, expected="none")]
    with pytest.raises(WriteRefusedError, match="2 rows fail, expected none"):
        frame.write.parquet(str(tmp_path / "bad"))
    (write,) = recorder.seen("on_write_failed")
    assert write.verdicts[0].check == "c"


def test_a_required_measure_of_a_missing_column_refuses_before_anything_is_written(
    recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path
) -> None:
    recorder.answers["measure_write"] = [Measure.nulls("nmae", required=True)]
    with pytest.raises(WriteRefusedError, match="nothing was published"):
        frame.write.parquet(str(tmp_path / "never"))
    assert not (tmp_path / "never").exists()


def test_a_folder_of_a_partition_is_a_write_to_its_dataset(
    recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path
) -> None:
    for day in ("2026-05-04", "2026-05-05"):
        frame.write.mode("overwrite").parquet(f"{tmp_path}/sales/day={day}")
    watch.drain()
    writes: list[Write] = recorder.seen("on_write_finished")
    assert [(write.dataset.name, write.rows) for write in writes] == [(f"{tmp_path}/sales", ROWS)] * 2
    assert all(write.intercepted for write in writes)


def test_a_table_in_such_a_folder_keeps_its_place(
    recorder: RecordingPlugin, frame: DataFrame, table: str, tmp_path: Path
) -> None:
    frame.write.option("path", f"{tmp_path}/tenant=a").saveAsTable(table)
    write = only_write(recorder)
    assert (write.dataset.name, write.dataset.symlinks[0][1]) == (f"{tmp_path}/tenant=a", f"default.{table}")


def test_a_table_of_a_databases_catalog_has_one_name_written_and_read(
    spark: SparkSession, recorder: RecordingPlugin, frame: DataFrame
) -> None:
    catalog, url = f"db_{uuid.uuid4().hex[:8]}", f"jdbc:derby:memory:{uuid.uuid4().hex};create=true"
    spark.conf.set(
        f"spark.sql.catalog.{catalog}", "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog"
    )
    spark.conf.set(f"spark.sql.catalog.{catalog}.url", url)
    spark.conf.set(f"spark.sql.catalog.{catalog}.driver", "org.apache.derby.iapi.jdbc.AutoloadedDriver")
    jdbc = {"url": url, "driver": "org.apache.derby.iapi.jdbc.AutoloadedDriver"}
    frame.select("id").write.format("jdbc").options(**jdbc, dbtable="APP.NUMBERS").save()
    frame.select("id").writeTo(f"{catalog}.APP.NUMBERS").append()
    spark.table(f"{catalog}.APP.NUMBERS").write.format("noop").mode("append").save()
    watch.drain()
    writes: list[Write] = recorder.seen("on_write_finished")
    names = [(write.dataset.namespace, write.dataset.name) for write in writes[:2]]
    names += [(read.dataset.namespace, read.dataset.name) for read in writes[2].inputs]
    assert len(names) == 3
    assert len(set(names)) == 1
