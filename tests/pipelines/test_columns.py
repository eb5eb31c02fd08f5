"""Every kind of write is told with where its columns came from, and nothing of that holds up or harms the job."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.lineage.truth.frames import python_data_source

from hookline.core.config_models import Config, PluginEntry
from hookline.core.events import ColumnInput, ColumnLineage, Write
from hookline.pipelines import attach, watch
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture
def recorder(spark: SparkSession, tmp_path: Path) -> Iterator[RecordingPlugin]:
    config = Config(state_dir=tmp_path / "state", plugins=(PluginEntry("hookline.testing:RecordingPlugin"),))
    attachment = attach.attach(spark, config, job="test")
    yield RecordingPlugin.last
    attachment.detach()


@pytest.fixture
def source(spark: SparkSession, tmp_path: Path) -> DataFrame:
    """Read from a folder: id, name, part."""
    path = str(tmp_path / "source")
    spark.range(6).selectExpr("id", "cast(id as string) as name", "id % 2 as part").write.parquet(path)
    return spark.read.parquet(path)


@pytest.fixture
def table(spark: SparkSession) -> Iterator[str]:
    """The name of a Delta table with id and name."""
    name = f"columns_{uuid.uuid4().hex[:8]}"
    spark.sql(f"CREATE TABLE {name} (id BIGINT, name STRING) USING delta")
    yield name
    spark.sql(f"DROP TABLE IF EXISTS {name}")


def written(recorder: RecordingPlugin, to: str = "") -> Write:
    """The last write to a place whose name ends so."""
    watch.drain()
    writes: list[Write] = [one for one in recorder.seen("on_write_finished") if one.dataset.name.endswith(to)]
    assert writes, recorder.calls
    return writes[-1]


def lineage_of(write: Write) -> ColumnLineage:
    assert write.column_lineage is not None
    return write.column_lineage


def edges(found: ColumnLineage) -> dict[str, set[str]]:
    """Column to its edges, each as ``dataset.column how``; what decides on rows has no name."""
    assert (found.degraded, found.gaps) == (None, ())
    named = {column: {shown(edge) for edge in inputs} for column, inputs in found.columns.items()}
    return named | ({"": {shown(edge) for edge in found.dataset}} if found.dataset else {})


def shown(edge: ColumnInput) -> str:
    return f"{Path(edge.dataset.name).name}.{edge.column} {edge.transformation}"


SAME = {"id": {"source.id IDENTITY"}, "name": {"source.name IDENTITY"}}


def test_what_is_read_is_told_with_its_columns(
    spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, tmp_path: Path
) -> None:
    source.selectExpr("name", "_metadata.file_name as f").where("id > (SELECT min(id) FROM range(3))").write.csv(
        str(tmp_path / "out")
    )
    told = written(recorder)
    assert [[(column.name, column.type) for column in read.columns] for read in told.inputs] == [
        [("id", "bigint"), ("name", "string"), ("part", "bigint")]
    ]
    assert lineage_of(told).read == {}, "it is the inputs' now"


# -- what is written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["parquet", "csv", "delta", "noop"])
def test_a_frame(spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, tmp_path: Path, kind: str) -> None:
    frame = source.where("part = 1").selectExpr("id", "upper(name) as name")
    frame.write.format(kind).mode("append").save(str(tmp_path / "out"))
    assert edges(lineage_of(written(recorder))) == {
        "id": {"source.id IDENTITY"},
        "name": {"source.name TRANSFORMATION"},
        "": {"source.part FILTER"},
    }


def test_a_table_that_is_made_and_one_that_is_inserted_into(
    spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, table: str
) -> None:
    source.createOrReplaceTempView("seen")
    spark.sql(f"DROP TABLE {table}")
    spark.sql(f"CREATE TABLE {table} USING delta AS SELECT id, name FROM seen")
    assert edges(lineage_of(written(recorder, table))) == SAME
    spark.sql(f"INSERT INTO {table} SELECT part, name FROM seen")
    assert edges(lineage_of(written(recorder, table))) == {"id": {"source.part IDENTITY"}, "name": SAME["name"]}
    spark.sql(f"INSERT INTO {table} (name, id) SELECT name, id FROM seen")
    assert edges(lineage_of(written(recorder, table))) == SAME
    source.selectExpr("id as x", "name as y").write.insertInto(table)
    assert edges(lineage_of(written(recorder, table))) == SAME
    source.select("id", "name").writeTo(table).append()
    assert edges(lineage_of(written(recorder, table))) == SAME
    source.select("id", "name").write.mode("overwrite").format("delta").saveAsTable(table)
    assert edges(lineage_of(written(recorder, table))) == SAME
    spark.sql(f"INSERT INTO {table} VALUES (DEFAULT, 'x')")
    assert edges(lineage_of(written(recorder, table))) == {"id": set(), "name": set()}


def test_an_insert_with_a_with_clause(
    spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, table: str
) -> None:
    source.createOrReplaceTempView("seen")
    spark.sql(f"WITH x AS (SELECT id, name FROM seen WHERE part = 1) INSERT INTO {table} SELECT id, name FROM x")
    assert edges(lineage_of(written(recorder, table))) == {**SAME, "": {"source.part FILTER"}}


MERGED = {
    "id": {"source.id IDENTITY"},
    "name": {"source.name IDENTITY", "source.name TRANSFORMATION"},
}


def test_statements_that_change_rows(
    spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, table: str
) -> None:
    source.createOrReplaceTempView("seen")
    spark.sql(
        f"MERGE INTO {table} USING seen ON {table}.id = seen.id WHEN MATCHED THEN UPDATE SET name = seen.name "
        "WHEN NOT MATCHED AND part = 1 THEN INSERT (id, name) VALUES (seen.id, upper(seen.name))"
    )
    assert edges(lineage_of(written(recorder, table))) == {
        **MERGED,
        "": {f"{table}.id JOIN", "source.id JOIN", "source.part FILTER"},
    }
    spark.sql(f"UPDATE {table} SET name = concat(name, 'x') WHERE id > 1")
    assert edges(lineage_of(written(recorder, table))) == {
        "name": {f"{table}.name TRANSFORMATION"},
        "": {f"{table}.id FILTER"},
    }
    spark.sql(f"DELETE FROM {table} WHERE id > 1")
    assert edges(lineage_of(written(recorder, table))) == {"": {f"{table}.id FILTER"}}


def test_the_same_by_deltas_and_sparks_own_functions(
    spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, table: str
) -> None:
    from delta.tables import DeltaTable
    from pyspark.sql import functions as F

    delta = DeltaTable.forName(spark, table)
    (
        delta.alias("t")
        .merge(source.alias("s"), "t.id = s.id")
        .whenMatchedUpdate(set={"name": "s.name"})
        .whenNotMatchedInsert(values={"id": "s.id", "name": "upper(s.name)"})
        .execute()
    )
    found = {**MERGED, "": {f"{table}.id JOIN", "source.id JOIN"}}
    assert edges(lineage_of(written(recorder, table))) == found
    (read,) = written(recorder, table).inputs
    assert (Path(read.dataset.name).name, [column.name for column in read.columns]) == (
        "source",
        ["id", "name", "part"],
    )
    delta.update("id > 1", {"name": "concat(name, 'x')"})
    assert edges(lineage_of(written(recorder, table)))["name"] == {f"{table}.name TRANSFORMATION"}
    delta.delete(F.col("id") > 1)
    assert edges(lineage_of(written(recorder, table))) == {"": {f"{table}.id FILTER"}}
    merged = source.alias("s").mergeInto(table, F.expr(f"{table}.id = s.id"))
    merged.whenMatched().update({"name": F.col("s.name")}).whenNotMatched().insert(
        {"id": F.col("s.id"), "name": F.upper("s.name")}
    ).merge()
    assert edges(lineage_of(written(recorder, table))) == found


def test_a_column_that_is_set_to_itself(
    spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, table: str
) -> None:
    """Spark's analysis sets the columns that a clause does not name to themselves: those are not told, these are."""
    from delta.tables import DeltaTable
    from pyspark.sql import functions as F

    def told() -> dict[str, set[str]]:
        return edges(lineage_of(written(recorder, table)))

    source.createOrReplaceTempView("seen")
    name = {"name": {f"{table}.name IDENTITY"}}
    spark.sql(f"UPDATE {table} SET name = name")
    assert told() == name
    delta = DeltaTable.forName(spark, table)
    delta.update(set={"name": "name"})
    assert told() == name
    delta.update("id > 1", {"`name`": F.col("name")})
    assert told() == {**name, "": {f"{table}.id FILTER"}}
    matched = {"": {f"{table}.id JOIN", "source.id JOIN"}}
    spark.sql(f"MERGE INTO {table} t USING seen ON t.id = seen.id WHEN MATCHED THEN UPDATE SET t.name = t.name")
    assert told() == {**name, **matched}
    both = {**name, **matched, "id": {f"{table}.id IDENTITY"}}
    merged = delta.alias("t").merge(source.alias("s"), "t.id = s.id")
    merged.whenNotMatchedBySourceUpdate(set={"id": "t.id"}).whenMatchedUpdate(set={"name": "t.name"}).execute()
    assert told() == both
    writer = source.alias("s").mergeInto(table, F.expr(f"{table}.id = s.id"))
    writer = writer.whenNotMatchedBySource().update({"id": F.col(f"{table}.id")})
    writer.whenMatched().update({"name": F.col(f"{table}.name")}).merge()
    assert told() == both


def test_columns_that_the_table_computes(
    spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, table: str
) -> None:
    spark.sql(f"DROP TABLE {table}")
    columns = (
        "id BIGINT, name STRING, size INT GENERATED ALWAYS AS (length(name)), same BIGINT GENERATED ALWAYS AS (id)"
    )
    spark.sql(f"CREATE TABLE {table} ({columns}) USING delta")
    made = {**SAME, "size": {"source.name TRANSFORMATION"}, "same": {"source.id IDENTITY"}}
    source.createOrReplaceTempView("seen")
    rows = source.select("id", "name")
    spark.sql(f"INSERT INTO {table} (id, name) SELECT id, name FROM seen")
    assert edges(lineage_of(written(recorder, table))) == made
    rows.write.format("delta").mode("append").saveAsTable(table)
    assert edges(lineage_of(written(recorder, table))) == made
    rows.write.format("delta").mode("append").save(written(recorder, table).dataset.name)
    assert edges(lineage_of(written(recorder, table))) == made


def test_a_stream_into_a_sink_of_sparks_own(
    spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, tmp_path: Path
) -> None:
    stream = (
        spark.readStream.schema(source.schema).parquet(str(tmp_path / "source")).selectExpr("id", "upper(name) name")
    )
    query = (
        stream.writeStream.format("parquet")
        .option("checkpointLocation", str(tmp_path / "c"))
        .trigger(availableNow=True)
    )
    query.start(str(tmp_path / "out")).awaitTermination()
    found = written(recorder, "/out")
    assert found.batch_id == 0
    assert edges(lineage_of(found)) == {"id": {"source.id IDENTITY"}, "name": {"source.name TRANSFORMATION"}}


def test_each_batch(spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, tmp_path: Path) -> None:
    stream = spark.readStream.schema(source.schema).parquet(str(tmp_path / "source")).selectExpr("id", "upper(name) n")

    def write(frame: DataFrame, batch_id: int) -> None:
        frame.selectExpr("id + 1 as id", "n").write.mode("append").parquet(str(tmp_path / "out"))

    query = stream.writeStream.foreachBatch(write).option("checkpointLocation", str(tmp_path / "c"))
    query.trigger(availableNow=True).start().awaitTermination()
    found = {"id": {"source.id TRANSFORMATION"}, "n": {"source.name TRANSFORMATION"}}
    assert edges(lineage_of(written(recorder, "/out"))) == found


# -- what is read ------------------------------------------------------------------------------------------------------


def test_checkpoints_and_caches(
    spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, tmp_path: Path
) -> None:
    cut = source.where("part = 0").selectExpr("id", "upper(name) as n").localCheckpoint()
    again = cut.cache().groupBy("n").count().localCheckpoint(eager=False)
    again.write.parquet(str(tmp_path / "out"))
    write = written(recorder, "/out")
    assert edges(lineage_of(write)) == {
        "n": {"source.name TRANSFORMATION"},
        "count": set(),
        "": {"source.part FILTER", "source.name GROUP_BY"},
    }
    assert ([read.dataset.name for read in write.inputs], write.opaque) == ([str(tmp_path / "source")], None)


@pytest.fixture
def database(spark: SparkSession, tmp_path: Path) -> str:
    """The URL of a Derby database with people and places."""
    url = f"jdbc:derby:{tmp_path / 'people'};create=true"
    manager = spark._jvm.java.sql.DriverManager
    spark._jvm.java.lang.Class.forName("org.apache.derby.iapi.jdbc.AutoloadedDriver")
    connection = manager.getConnection(url)
    for statement in (
        "CREATE TABLE people (id INT, name VARCHAR(20), place INT)",
        "CREATE TABLE places (id INT, town VARCHAR(20))",
        "INSERT INTO people VALUES (1, 'a', 7)",
        "INSERT INTO places VALUES (7, 'b')",
    ):
        connection.createStatement().execute(statement)
    connection.close()
    return url.removesuffix(";create=true")


def test_a_table_of_a_database_and_a_query_in_its_place(
    spark: SparkSession, recorder: RecordingPlugin, database: str, tmp_path: Path
) -> None:
    reader = spark.read.format("jdbc").option("url", database)
    reader.option("dbtable", "people").load().write.parquet(str(tmp_path / "out"))
    assert edges(lineage_of(written(recorder, "/out"))) == {
        name: {f"people.{name} IDENTITY"} for name in ("ID", "NAME", "PLACE")
    }
    query = "SELECT p.id, UPPER(t.town) AS town FROM people p JOIN places t ON p.place = t.id WHERE p.name <> 'x'"
    spark.read.format("jdbc").option("url", database).option("query", query).load().write.parquet(str(tmp_path / "two"))
    write = written(recorder, "/two")
    assert edges(lineage_of(write)) == {
        "ID": {"people.id IDENTITY"},
        "TOWN": {"places.town TRANSFORMATION"},
        "": {"people.place JOIN", "places.id JOIN", "people.name FILTER"},
    }
    assert {read.dataset.name for read in write.inputs} == {"people", "places"}


def test_a_python_data_source(spark: SparkSession, recorder: RecordingPlugin, tmp_path: Path) -> None:
    python_data_source(spark, "letters").write.parquet(str(tmp_path / "out"))
    found = lineage_of(written(recorder, "/out"))
    assert found.degraded is None
    assert [edge.column for edge in found.columns["n"]] == ["name"]


def test_rows_from_an_rdd_are_said_to_be(
    spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, tmp_path: Path
) -> None:
    rows = spark.createDataFrame(source.rdd.map(lambda row: (row.id, row.name)), "id long, other string")
    rows.write.parquet(str(tmp_path / "rdd"))
    found = lineage_of(written(recorder, "/rdd"))
    assert (found.columns, found.degraded) == ({}, "rows came from an RDD or from the driver's memory")
    rows.join(source, "id").select("name", "other").write.parquet(str(tmp_path / "both"))
    found = lineage_of(written(recorder, "/both"))
    assert {column: [shown(edge) for edge in inputs] for column, inputs in found.columns.items()} == {
        "name": ["source.name IDENTITY"],
        "other": [],
    }
    assert found.gaps == ("other: rows came from an RDD or from the driver's memory",)
    rows.rdd.map(str).saveAsTextFile(str(tmp_path / "text"))
    assert lineage_of(written(recorder, "/text")).degraded == "an RDD has no columns, and its source is not known"


# -- what it must not cost ---------------------------------------------------------------------------------------------


def test_a_plan_of_thousands_of_nodes(
    spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, tmp_path: Path
) -> None:
    parts = [source.selectExpr("id", f"name || '{number}' as name").where("part = 1") for number in range(120)]
    wide = reduce(lambda one, other: one.union(other), parts).coalesce(1)
    wide.limit(3).write.parquet(str(tmp_path / "out"))
    assert edges(lineage_of(written(recorder, "/out"))) == {
        "id": {"source.id IDENTITY"},
        "name": {"source.name TRANSFORMATION"},
        "": {"source.part FILTER"},
    }


def test_thousands_of_columns(
    spark: SparkSession, recorder: RecordingPlugin, source: DataFrame, tmp_path: Path
) -> None:
    wide = source.select("id", *[(source.id + number).alias(f"c{number}") for number in range(1_999)])
    wide.write.format("noop").mode("append").save()
    found = edges(lineage_of(written(recorder)))
    assert len(found) == 2_000
    assert found["c1998"] == {"source.id TRANSFORMATION"}


def test_a_plan_that_can_not_be_read_harms_nothing_and_is_said(
    spark: SparkSession, source: DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hookline.pipelines import columns

    def hang(*arguments: Any, **named: Any) -> ColumnLineage:
        time.sleep(30)
        return ColumnLineage()

    monkeypatch.setattr(columns, "trace", hang)
    config = Config(state_dir=tmp_path / "state", plugins=(PluginEntry("hookline.testing:RecordingPlugin"),))
    attachment = attach.attach(spark, config, job="test")
    attachment._runtime.tracing.budget_s = 0.5
    began = time.monotonic()
    source.write.parquet(str(tmp_path / "out"))
    ended = attachment.detach()
    assert time.monotonic() - began < 20
    assert ended is not None
    assert (ended.status, ended.writes_total, ended.traced_writes) == ("finished", 1, 0)
    assert any("columns of a write to" in note and "plan" in note for note in ended.notes)
    (write,) = RecordingPlugin.last.seen("on_write_finished")
    assert write.column_lineage.degraded == "its plan could not be read within 0.5 s"


def test_every_write_is_told_once_and_in_order(spark: SparkSession, source: DataFrame, tmp_path: Path) -> None:
    config = Config(state_dir=tmp_path / "state", plugins=(PluginEntry("hookline.testing:RecordingPlugin"),))
    with attach.attach(spark, config, job="test") as attachment:
        for number in range(8):
            source.write.parquet(str(tmp_path / f"out{number}"))
        with pytest.raises(Exception, match="already exists"):
            source.write.parquet(str(tmp_path / "out0"))
    ended = attachment.detach()
    assert ended is not None
    assert (ended.writes_total, ended.traced_writes) == (9, 9)
    told = [event.write_id for hook, event in RecordingPlugin.last.calls if hook.startswith("on_write_f")]
    assert told == [f"{attachment.run.run_id}/{number}" for number in range(1, 10)]
