"""Streaming: each write of a batch function, and each batch of Spark's own sinks, is one Write with the batch's id."""

from __future__ import annotations

import functools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.config_models import Config, PluginEntry
from hookline.core.errors import WriteRefusedError
from hookline.core.events import Denial, Measure, Verdict, Write
from hookline.pipelines import attach, followers, following, watch
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery

pytestmark = pytest.mark.spark
ROWS = 4
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def recorder(spark: SparkSession, tmp_path: Path) -> Iterator[RecordingPlugin]:
    """The session, attached with a plugin that keeps what it is told."""
    config = Config(state_dir=tmp_path / "state", plugins=(PluginEntry("hookline.testing:RecordingPlugin"),))
    attachment = attach.attach(spark, config, job="test")
    plugin = RecordingPlugin.last
    plugin.answers["measure_write"] = [Measure.rows(), Measure.nulls("name"), Measure.maximum("id")]
    yield plugin
    for query in spark.streams.active:
        query.stop()
    attachment.detach()


class Source:
    """A folder that a stream reads file by file: file ``n`` has ``ROWS`` rows, ids from ``n * ROWS`` on."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark = spark
        self.path = str(folder / "source folder")
        self.checkpoint = str(folder / "checkpoint")
        self._files = 0

    def grow(self, files: int = 1) -> None:
        os.makedirs(self.path, exist_ok=True)
        for number in range(self._files, self._files + files):
            rows = [
                json.dumps({"id": i, "name": f"n{i}", "part": i % 2}) for i in range(number * ROWS, (number + 1) * ROWS)
            ]
            path = Path(self.path) / f"{number:03d}.json"
            path.write_text("\n".join(rows))
            os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
        self._files += files

    def frame(self, files_per_batch: int = 1) -> DataFrame:
        reader = self.spark.readStream.schema("id long, name string, part long")
        return reader.option("maxFilesPerTrigger", files_per_batch).json(self.path)

    def writer(self) -> Any:
        """A writer over all that is there now, one file per batch."""
        return self.frame().writeStream.option("checkpointLocation", self.checkpoint).trigger(availableNow=True)


@pytest.fixture
def source(spark: SparkSession, tmp_path: Path) -> Source:
    made = Source(spark, tmp_path)
    made.grow(2)
    return made


def finished(recorder: RecordingPlugin, hook: str = "on_write_finished") -> list[Write]:
    """The writes that ended so, when everything that Spark told was looked at."""
    watch.drain()
    writes: list[Write] = recorder.seen(hook)
    return writes


def batches(recorder: RecordingPlugin) -> list[tuple[int | None, int | None]]:
    """Batch id and rows of each write that finished."""
    return [(write.batch_id, write.rows) for write in finished(recorder)]


def values(recorder: RecordingPlugin) -> list[list[Any]]:
    """What was measured, write by write."""
    return [[measured.value for measured in results.values()] for results in recorder.seen("judge_write")]


# -- batch functions ---------------------------------------------------------------------------------------------------


def _to_parquet(path: str) -> Callable[[DataFrame, int], None]:
    return lambda frame, batch_id: frame.write.mode("append").parquet(path)


def _to_delta(path: str) -> Callable[[DataFrame, int], None]:
    return lambda frame, batch_id: frame.write.format("delta").mode("append").save(path)


def _to_table(path: str) -> Callable[[DataFrame, int], None]:
    def write(frame: DataFrame, batch_id: int) -> None:
        frame.write.format("delta").mode("append").option("path", path).saveAsTable("in_batches")

    return write


def _by_sql(path: str) -> Callable[[DataFrame, int], None]:
    def write(frame: DataFrame, batch_id: int) -> None:
        frame.createOrReplaceTempView("the_batch")
        session = frame.sparkSession
        session.sql(f"CREATE TABLE IF NOT EXISTS delta.`{path}` (id LONG, name STRING, part LONG) USING delta")
        session.sql(f"INSERT INTO delta.`{path}` SELECT * FROM the_batch")

    return write


def _in_a_partial(path: str) -> Callable[[DataFrame, int], None]:
    def write(path: str, frame: DataFrame, batch_id: int) -> None:
        frame.write.mode("append").parquet(path)

    return functools.partial(write, path)


def _in_a_method(path: str) -> Callable[[DataFrame, int], None]:
    class Job:
        def write(self, frame: DataFrame, batch_id: int) -> None:
            frame.write.mode("append").parquet(path)

    return Job().write


def _in_a_thread(path: str) -> Callable[[DataFrame, int], None]:
    def write(frame: DataFrame, batch_id: int) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: frame.write.mode("append").parquet(path)).result()

    return write


BATCH_FUNCTIONS = {
    "parquet": _to_parquet,
    "delta": _to_delta,
    "saveAsTable": _to_table,
    "SQL": _by_sql,
    "a partial": _in_a_partial,
    "a method": _in_a_method,
    "a thread of its own": _in_a_thread,
}


@pytest.mark.parametrize("how", BATCH_FUNCTIONS)
def test_each_write_of_a_batch_function_is_a_write(
    how: str, recorder: RecordingPlugin, source: Source, spark: SparkSession, tmp_path: Path
) -> None:
    path = str(tmp_path / "out")
    recorder.answers["transform_write"] = lambda event, frame: frame.withColumn("name", frame["part"].cast("string"))
    source.writer().foreachBatch(BATCH_FUNCTIONS[how](path)).start().awaitTermination()
    writes = finished(recorder)
    spark.sql("DROP TABLE IF EXISTS in_batches")
    assert [(w.batch_id, w.rows, w.dataset.name, w.intercepted) for w in writes] == [
        (0, ROWS, path, True),
        (1, ROWS, path, True),
    ]
    assert [[read.dataset.name for read in write.inputs] for write in writes] == [[source.path]] * 2
    assert [read.dataset.name for read in recorder.seen("on_read_observed")] == [source.path]
    assert [values[-1] for values in values(recorder)] == [ROWS - 1, 2 * ROWS - 1]
    files = (
        spark.read.parquet(path)
        if how in ("parquet", *list(BATCH_FUNCTIONS)[4:])
        else spark.read.format("delta").load(path)
    )
    assert {row["name"] for row in files.collect()} == {"0", "1"}


def test_two_writes_and_a_merge_in_one_batch(
    recorder: RecordingPlugin, source: Source, spark: SparkSession, tmp_path: Path
) -> None:
    from delta.tables import DeltaTable

    copy, table = str(tmp_path / "copy"), str(tmp_path / "table")
    spark.createDataFrame([], "id long, name string, part long").write.format("delta").save(table)
    recorder.calls.clear()

    def both(frame: DataFrame, batch_id: int) -> None:
        frame.persist()
        frame.write.mode("append").json(copy)
        target = DeltaTable.forPath(spark, table).alias("t")
        target.merge(frame.alias("s"), "t.id = s.id").whenNotMatchedInsertAll().execute()
        frame.unpersist()

    source.writer().foreachBatch(both).start().awaitTermination()
    writes = finished(recorder)
    assert [(w.batch_id, w.operation, w.dataset.name, w.rows) for w in writes] == [
        (0, "append", copy, ROWS),
        (0, "merge", table, ROWS),
        (1, "append", copy, ROWS),
        (1, "merge", table, ROWS),
    ]
    assert {read.dataset.name for write in writes for read in write.inputs} == {source.path}


@pytest.mark.parametrize("to", [_to_parquet, _to_delta])
def test_a_refused_batch_function_stops_its_query_and_leaves_nothing(
    to: Callable[[str], Any], recorder: RecordingPlugin, source: Source, tmp_path: Path
) -> None:
    from pyspark.errors import StreamingQueryException

    recorder.answers["judge_write"] = [Verdict("c", "critical", "failed", failing_rows=1)]
    query = source.writer().foreachBatch(to(str(tmp_path / "out"))).start()
    with pytest.raises(StreamingQueryException, match="WriteRefusedError"):
        query.awaitTermination()
    assert [(write.batch_id, write.published) for write in finished(recorder, "on_write_failed")] == [(0, False)]
    assert not (tmp_path / "out").exists()
    assert finished(recorder) == []


def test_an_error_in_a_batch_function_surfaces_as_it_would_alone(
    recorder: RecordingPlugin, source: Source, tmp_path: Path
) -> None:
    from pyspark.errors import StreamingQueryException

    def fails(frame: DataFrame, batch_id: int) -> None:
        raise ValueError("the job's own")

    query = source.writer().foreachBatch(fails).start()
    with pytest.raises(StreamingQueryException, match="the job's own"):
        query.awaitTermination()
    assert (finished(recorder), finished(recorder, "on_write_failed")) == ([], [])


def test_a_write_behind_our_back_in_a_batch_function_is_told_once(
    recorder: RecordingPlugin, source: Source, tmp_path: Path
) -> None:
    path = str(tmp_path / "behind")
    writer = source.frame(2).writeStream.trigger(availableNow=True)
    writer.foreachBatch(lambda frame, batch_id: frame._jdf.write().parquet(path)).start().awaitTermination()
    assert [(write.dataset.name, write.rows, write.intercepted) for write in finished(recorder)] == [
        (path, 2 * ROWS, False)
    ]


def test_batches_belong_to_the_run_that_started_their_query(
    recorder: RecordingPlugin, spark: SparkSession, tmp_path: Path
) -> None:
    started = threading.Barrier(3)
    runs: dict[str, str] = {}

    def job(name: str) -> None:
        own = Source(spark, tmp_path / name)
        own.grow()
        writer = own.writer()
        if name == "sink":
            writer = writer.format("parquet").option("path", str(tmp_path / name / "out"))
        else:
            writer = writer.foreachBatch(_to_parquet(str(tmp_path / name / "out")))
        with attach.run(name) as run:
            runs[name] = run.run_id
            started.wait(60)
            writer.start().awaitTermination()
            started.wait(60)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(job, ("one function", "sink", "other function")))
    owners = {write.dataset.name: write.write_id.partition("/")[0] for write in finished(recorder)}
    assert owners == {str(tmp_path / name / "out"): runs[name] for name in runs}


# -- Spark's own sinks -------------------------------------------------------------------------------------------------


FILE_SINKS: dict[str, Callable[[Any, str], StreamingQuery]] = {
    "parquet": lambda writer, path: writer.format("parquet").start(path),
    "the default format, path as an option": lambda writer, path: writer.option("path", path).start(),
    "start with keywords": lambda writer, path: writer.start(path, format="parquet", outputMode="append"),
    "partitioned": lambda writer, path: writer.format("parquet").partitionBy("part").options(path=path).start(),
    "delta": lambda writer, path: writer.format("delta").start(path),
    "delta, partitioned": lambda writer, path: writer.format("delta").partitionBy("part").start(path),
    "json": lambda writer, path: writer.format("json").queryName("a name").start(path),
    "csv": lambda writer, path: writer.format("csv").start(path),
    "toTable, delta": lambda writer, path: writer.option("path", path).toTable("streamed", format="delta"),
    "toTable, parquet": lambda writer, path: writer.format("parquet").option("path", path).toTable("streamed"),
}


@pytest.mark.parametrize("how", FILE_SINKS)
def test_each_batch_of_a_sink_of_files_is_a_write(
    how: str, recorder: RecordingPlugin, source: Source, spark: SparkSession, tmp_path: Path
) -> None:
    path = str(tmp_path / "out put")
    recorder.answers["transform_write"] = lambda event, frame: frame.withColumn("name", frame["part"].cast("string"))
    FILE_SINKS[how](source.writer(), path).awaitTermination()
    writes = finished(recorder)
    spark.sql("DROP TABLE IF EXISTS streamed")
    assert [(w.batch_id, w.rows, w.dataset.name, w.operation, w.published) for w in writes] == [
        (0, ROWS, path, "append", True),
        (1, ROWS, path, "append", True),
    ]
    assert all(write.intercepted and write.files and write.bytes for write in writes)
    assert [[read.dataset.name for read in write.inputs] for write in writes] == [[source.path]] * 2
    assert values(recorder) == [[ROWS, 0, ROWS - 1], [ROWS, 0, 2 * ROWS - 1]]
    assert len(recorder.seen("authorize_write")) == len(recorder.seen("transform_write")) == 1
    reader = spark.read.schema("id long, name string, part long")
    kind = writes[0].dataset.format or ""
    written = spark.read.format("delta").load(path) if kind == "delta" else reader.format(kind).load(path)
    assert {row["name"] for row in written.collect()} == {"0", "1"}
    assert written.count() == 2 * ROWS


OTHER_SINKS: dict[str, tuple[str, Callable[[Any], StreamingQuery]]] = {
    "memory": ("rows_in_memory", lambda writer: writer.format("memory").queryName("rows_in_memory").start()),
    "noop": ("noop", lambda writer: writer.format("noop").start()),
    "console": ("console", lambda writer: writer.format("console").option("numRows", 0).start()),
}


@pytest.mark.parametrize("how", OTHER_SINKS)
def test_each_batch_of_a_sink_without_files_is_a_write(
    how: str, recorder: RecordingPlugin, source: Source, capfd: pytest.CaptureFixture[str]
) -> None:
    recorder.answers["measure_write"] = None
    name, start = OTHER_SINKS[how]
    start(source.writer()).awaitTermination()
    writes = finished(recorder)
    assert [(w.batch_id, w.rows, w.dataset.name, w.dataset.format, w.files) for w in writes] == [
        (0, ROWS, name, how, None),
        (1, ROWS, name, how, None),
    ]
    assert "hookline" not in capfd.readouterr().out


def test_foreach_gets_the_changed_rows(recorder: RecordingPlugin, source: Source, tmp_path: Path) -> None:
    recorder.answers["measure_write"] = None
    recorder.answers["transform_write"] = lambda event, frame: frame.selectExpr("'masked' as name", "id")
    folder = tmp_path / "rows"
    folder.mkdir()

    def keep(row: Any) -> None:
        (folder / str(row["id"])).write_text(str(row["name"]))

    source.writer().foreach(keep).start().awaitTermination()
    assert {path.read_text() for path in folder.iterdir()} == {"masked"}
    assert [(write.batch_id, write.dataset.format) for write in finished(recorder)] == [(0, "foreach"), (1, "foreach")]


def test_complete_mode_and_state(recorder: RecordingPlugin, source: Source, spark: SparkSession) -> None:
    recorder.answers["measure_write"] = None
    totals = source.frame().groupBy("part").count()
    writer = totals.writeStream.outputMode("complete").format("memory").queryName("totals")
    writer.trigger(availableNow=True).start().awaitTermination()
    assert [(w.batch_id, w.operation, w.rows) for w in finished(recorder)] == [(0, "overwrite", 2), (1, "overwrite", 2)]
    assert {row["count"] for row in spark.table("totals").collect()} == {ROWS}


def test_a_batch_that_only_closes_windows(recorder: RecordingPlugin, source: Source, tmp_path: Path) -> None:
    from pyspark.sql import functions as F

    recorder.answers["measure_write"] = [Measure.total("count")]
    timed = source.frame(2).withColumn("at", F.timestamp_seconds("id")).withWatermark("at", "1 second")
    writer = timed.groupBy(F.window("at", "2 seconds")).count().writeStream
    writer = writer.option("checkpointLocation", source.checkpoint).trigger(availableNow=True)
    writer.start(str(tmp_path / "out")).awaitTermination()
    assert batches(recorder) == [(0, 0), (1, 3)]
    assert values(recorder) == [[None], [6]]


def test_complete_mode_into_delta_measures_the_batch(recorder: RecordingPlugin, source: Source, tmp_path: Path) -> None:
    recorder.answers["measure_write"] = [Measure.rows(), Measure.total("count")]
    writer = source.frame().groupBy("part").count().writeStream.outputMode("complete").format("delta")
    writer = writer.option("checkpointLocation", source.checkpoint).trigger(availableNow=True)
    writer.start(str(tmp_path / "out")).awaitTermination()
    assert batches(recorder) == [(0, 2), (1, 2)]
    assert values(recorder) == [[2, ROWS], [2, 2 * ROWS]]


def test_a_batch_without_rows(recorder: RecordingPlugin, source: Source, tmp_path: Path) -> None:
    writer = source.frame().where(f"id >= {ROWS}").writeStream.option("checkpointLocation", source.checkpoint)
    writer.trigger(availableNow=True).start(str(tmp_path / "out")).awaitTermination()
    assert batches(recorder) == [(0, 0), (1, ROWS)]
    assert values(recorder) == [[0, 0, None], [ROWS, 0, 2 * ROWS - 1]]


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_a_query_that_goes_on_from_its_checkpoint(
    kind: str, recorder: RecordingPlugin, source: Source, tmp_path: Path
) -> None:
    path = str(tmp_path / "out")
    source.writer().format(kind).start(path).awaitTermination()
    source.grow()
    source.writer().format(kind).start(path).awaitTermination()
    source.writer().format(kind).start(path).awaitTermination()
    assert batches(recorder) == [(0, ROWS), (1, ROWS), (2, ROWS)]
    assert [found[-1] for found in values(recorder)] == [ROWS - 1, 2 * ROWS - 1, 3 * ROWS - 1]


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_a_batch_that_was_written_but_not_committed_before_a_crash(
    kind: str, recorder: RecordingPlugin, source: Source, tmp_path: Path
) -> None:
    path = str(tmp_path / "out")
    source.writer().format(kind).start(path).awaitTermination()
    for name in ("1", ".1.crc"):
        os.remove(f"{source.checkpoint}/commits/{name}")
    recorder.calls.clear()
    source.grow()
    source.writer().format(kind).start(path).awaitTermination()
    assert batches(recorder) == [(1, ROWS), (2, ROWS)]
    assert [found[-1] for found in values(recorder)] == [2 * ROWS - 1, 3 * ROWS - 1]


def test_compacted_logs_of_the_file_sink(
    recorder: RecordingPlugin, source: Source, spark: SparkSession, tmp_path: Path
) -> None:
    source.grow(4)
    path = str(tmp_path / "out")
    spark.conf.set("spark.sql.streaming.fileSink.log.compactInterval", "2")
    try:
        source.writer().start(path).awaitTermination()
        source.grow(2)
        source.writer().start(path).awaitTermination()
    finally:
        spark.conf.unset("spark.sql.streaming.fileSink.log.compactInterval")
    assert list(Path(path, "_spark_metadata").glob("*.compact"))
    assert batches(recorder) == [(number, ROWS) for number in range(8)]
    assert [found[-1] for found in values(recorder)] == [(number + 1) * ROWS - 1 for number in range(8)]


def test_two_queries_into_one_delta_table(recorder: RecordingPlugin, spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "shared")
    # Two writers into an empty folder conflict in Delta itself: the table is there before they start.
    spark.sql(f"CREATE TABLE delta.`{path}` (id LONG, name STRING, part LONG) USING delta")
    queries = []
    for name in ("one", "two"):
        own = Source(spark, tmp_path / name)
        own.grow(3)
        queries.append(own.writer().format("delta").start(path))
    for query in queries:
        query.awaitTermination()
    assert sorted(batches(recorder)) == [(number, ROWS) for number in (0, 0, 1, 1, 2, 2)]
    assert sorted(found[-1] for found in values(recorder)) == [3, 3, 7, 7, 11, 11]


def test_a_batch_that_fails(recorder: RecordingPlugin, source: Source, tmp_path: Path) -> None:
    from pyspark.errors import StreamingQueryException

    secret = "row value 4711"
    frame = source.frame().selectExpr("id", f"if(id >= {ROWS}, raise_error('{secret}'), name) as name")
    writer = frame.writeStream.option("checkpointLocation", source.checkpoint).trigger(availableNow=True)
    query = writer.start(str(tmp_path / "out"))
    with pytest.raises(StreamingQueryException, match=secret):
        query.awaitTermination()
    following.settle()
    assert batches(recorder) == [(0, ROWS)]
    (write,) = finished(recorder, "on_write_failed")
    assert (write.batch_id, write.published) == (1, False)
    assert write.error is not None
    assert write.error.condition == "USER_RAISED_EXCEPTION"
    assert secret not in repr(write)


def test_a_writer_that_is_used_twice(recorder: RecordingPlugin, source: Source, tmp_path: Path) -> None:
    writer = source.frame(2).writeStream.trigger(once=True).format("parquet")
    for name in ("one", "two"):
        writer.option("checkpointLocation", str(tmp_path / f"checkpoint {name}"))
        writer.start(str(tmp_path / name)).awaitTermination()
    assert [write.dataset.name for write in finished(recorder)] == [str(tmp_path / "one"), str(tmp_path / "two")]
    assert batches(recorder) == [(0, 2 * ROWS)] * 2


def test_a_delta_stream_by_name_is_a_read_of_its_place(
    recorder: RecordingPlugin, spark: SparkSession, tmp_path: Path
) -> None:
    place = str(tmp_path / "table")
    spark.range(3).selectExpr("id", "'x' as name").write.format("delta").option("path", place).saveAsTable(
        "streamed_from"
    )
    recorder.calls.clear()
    stream = spark.readStream.table("streamed_from")
    stream.writeStream.format("noop").trigger(availableNow=True).start().awaitTermination()
    spark.sql("DROP TABLE streamed_from")
    write = finished(recorder)[0]
    (read,) = write.inputs
    assert (read.dataset.name, read.dataset.format) == (place, "delta")
    assert [name for _, name in read.dataset.symlinks] == ["default.streamed_from"]


# -- gates -------------------------------------------------------------------------------------------------------------


def test_a_denied_query_does_not_start(
    recorder: RecordingPlugin, source: Source, spark: SparkSession, tmp_path: Path
) -> None:
    recorder.answers["authorize_write"] = Denial("not here")
    with pytest.raises(WriteRefusedError, match=r"nothing was published.*not here"):
        source.writer().start(str(tmp_path / "never"))
    assert spark.streams.active == []
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("sink", ["parquet", "noop"])
def test_a_required_measure_that_can_not_be_taken_refuses_the_start(
    sink: str, recorder: RecordingPlugin, source: Source, spark: SparkSession, tmp_path: Path
) -> None:
    recorder.answers["measure_write"] = [Measure.nulls("nmae" if sink == "parquet" else "name", required=True)]
    with pytest.raises(WriteRefusedError, match="nothing was published"):
        source.writer().format(sink).start(str(tmp_path / "never"))
    assert spark.streams.active == []


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_a_refused_batch_stops_the_query_before_the_next_one(
    kind: str, recorder: RecordingPlugin, source: Source, spark: SparkSession, tmp_path: Path
) -> None:
    source.grow(4)

    def judge(results: Any) -> list[Verdict]:
        if len(recorder.seen("judge_write")) == 1:
            return [Verdict("c", "critical", "passed")]
        time.sleep(3)  # long enough for the batches that must not come meanwhile
        return [Verdict("c", "critical", "failed", failing_rows=1)]

    recorder.answers["judge_write"] = judge
    path = str(tmp_path / "out")
    query = source.writer().format(kind).start(path)
    with pytest.raises(WriteRefusedError, match="already visible"):
        query.awaitTermination()
    assert not query.isActive
    assert query.exception() is None
    assert batches(recorder) == [(0, ROWS)]
    assert [write.batch_id for write in finished(recorder, "on_write_failed")] == [1]
    assert spark.read.format(kind).load(path).count() == 2 * ROWS


def test_a_job_that_waits_for_any_query_learns_of_a_refusal(
    recorder: RecordingPlugin, source: Source, spark: SparkSession, tmp_path: Path
) -> None:
    recorder.answers["judge_write"] = [Verdict("c", "critical", "failed", failing_rows=1)]
    spark.streams.resetTerminated()
    source.frame().writeStream.option("checkpointLocation", source.checkpoint).start(str(tmp_path / "out"))
    with pytest.raises(WriteRefusedError):
        spark.streams.awaitAnyTermination()


def test_a_judge_that_breaks_stops_the_query(recorder: RecordingPlugin, source: Source, tmp_path: Path) -> None:
    def breaks(results: Any) -> None:
        raise KeyError("judge")

    recorder.answers["judge_write"] = breaks
    with pytest.raises(WriteRefusedError, match=r"already visible.*judge_write raised KeyError"):
        source.writer().start(str(tmp_path / "out")).awaitTermination()


def test_a_query_that_can_not_be_followed_is_stopped_where_something_judges(
    recorder: RecordingPlugin, source: Source, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*arguments: Any) -> None:
        raise AttributeError("another Spark")

    monkeypatch.setattr(followers, "Follower", breaks)
    with pytest.raises(WriteRefusedError, match="can't be followed"):
        source.writer().start(str(tmp_path / "out"))
    assert spark.streams.active == []


def test_continuous_processing_is_refused_where_something_judges(
    recorder: RecordingPlugin, spark: SparkSession
) -> None:
    writer = spark.readStream.format("rate").load().writeStream.format("noop").trigger(continuous="1 second")
    with pytest.raises(WriteRefusedError, match="continuous processing has no batches"):
        writer.start()


# -- the job is not harmed ---------------------------------------------------------------------------------------------


def test_plugins_that_raise_do_not_stop_a_stream(recorder: RecordingPlugin, source: Source, tmp_path: Path) -> None:
    def breaks(event: Any, *more: Any) -> None:
        raise RuntimeError("plugin")

    for hook in ("on_write_started", "on_write_measured", "on_write_finished", "on_read_observed"):
        recorder.answers[hook] = breaks
    source.writer().start(str(tmp_path / "out")).awaitTermination()
    assert batches(recorder) == [(0, ROWS), (1, ROWS)]


def test_with_nothing_attached_a_stream_is_as_alone(source: Source, spark: SparkSession, tmp_path: Path) -> None:
    seen: list[int] = []
    source.writer().start(str(tmp_path / "out")).awaitTermination()
    writer = source.frame().writeStream.trigger(availableNow=True)
    writer.foreachBatch(lambda frame, batch_id: seen.append(frame.count())).start().awaitTermination()
    assert seen == [ROWS, ROWS]
    assert spark.read.parquet(str(tmp_path / "out")).count() == 2 * ROWS


def test_process_all_available_returns_when_its_batches_were_judged(
    recorder: RecordingPlugin, source: Source, tmp_path: Path
) -> None:
    query = source.frame().writeStream.option("checkpointLocation", source.checkpoint).start(str(tmp_path / "out"))
    query.processAllAvailable()
    assert len(recorder.seen("judge_write")) == 2
    source.grow()
    query.processAllAvailable()
    query.stop()
    assert batches(recorder) == [(0, ROWS), (1, ROWS), (2, ROWS)]


def test_a_run_that_ends_before_its_query_says_so(spark: SparkSession, source: Source, tmp_path: Path) -> None:
    config = Config(state_dir=tmp_path / "state", plugins=(PluginEntry("hookline.testing:RecordingPlugin"),))
    with attach.attach(spark, config, job="test") as attachment:
        query = source.frame().writeStream.option("checkpointLocation", source.checkpoint).start(str(tmp_path / "out"))
        while not (progress := query.lastProgress) or progress.batchId < 1:
            time.sleep(0.01)
    ended = attachment.detach()
    query.stop()
    assert ended is not None
    assert sorted((write.batch_id, write.rows) for write in ended.writes) == [(0, ROWS), (1, ROWS)]
    assert any("still ran when the run ended" in note for note in ended.notes)
    for thread in threading.enumerate():
        if thread.name.startswith("hookline-stream"):
            thread.join(30)
    assert following._current() == []
