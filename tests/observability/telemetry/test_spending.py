"""What a write spent, number by number against Spark's own event log."""

from __future__ import annotations

import dataclasses
import datetime as dt
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.config_models import Config, PluginEntry
from hookline.core.events import Run, RunEnded, Write
from hookline.core.telemetry import RunTelemetry, Telemetry
from hookline.pipelines import attach, watch
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from observability.conftest import EventLog

pytestmark = pytest.mark.spark


class Wanting(RecordingPlugin):
    """A plugin that wants to know what Spark spends."""

    needs_telemetry = True


@pytest.fixture
def recorder(spark: SparkSession, tmp_path: Path) -> Iterator[RecordingPlugin]:
    config = Config(state_dir=tmp_path / "state", plugins=(PluginEntry(f"{__name__}:Wanting"),))
    attachment = attach.attach(spark, config, job="test")
    yield RecordingPlugin.last
    attachment.detach()


def telemetry_of(recorder: RecordingPlugin, hook: str = "on_write_finished") -> list[Telemetry]:
    """What was told of each write that ended so, when Spark was looked at."""
    watch.drain()
    writes: list[Write] = recorder.seen(hook)
    assert all(write.telemetry is not None for write in writes)
    return [write.telemetry for write in writes if write.telemetry is not None]


def run_telemetry(recorder: RecordingPlugin, hook: str = "on_run_finished") -> RunTelemetry:
    ended: RunEnded = recorder.seen(hook)[-1]
    assert ended.telemetry is not None
    return ended.telemetry


def grouped(spark: SparkSession) -> DataFrame:
    """Two stages and a shuffle, of two tasks and four."""
    rows = spark.range(0, 20_000, 1, 2).selectExpr("id % 7 AS part", "id AS value")
    return rows.groupBy("part").agg({"value": "sum"}).toDF("part", "total")


# -- against the event log ---------------------------------------------------------------------------------------------


def logged(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The same sums as ``Telemetry`` has, from task ends and stages of a log; of jobs that hookline did not make."""
    jobs = [event for event in events if event["Event"] == "SparkListenerJobStart"]
    ends = {event["Job ID"]: event for event in events if event["Event"] == "SparkListenerJobEnd"}
    stages = [event["Stage Info"] for event in events if event["Event"] == "SparkListenerStageCompleted"]
    tasks = [event for event in events if event["Event"] == "SparkListenerTaskEnd"]
    metrics = [task["Task Metrics"] for task in tasks if task.get("Task Metrics")]

    def total(*path: str) -> int:
        found = 0
        for one in metrics:
            for name in path:
                one = one[name]
            found += one
        return found

    read = "Shuffle Read Metrics"
    return {
        "jobs": len(jobs),
        "jobs_failed": sum(end["Job Result"]["Result"] != "JobSucceeded" for end in ends.values()),
        "stages_total": len(stages),
        "tasks": sum(not task["Task Info"]["Failed"] and not task["Task Info"]["Killed"] for task in tasks),
        "tasks_failed": sum(task["Task Info"]["Failed"] for task in tasks),
        "executor_run_s": total("Executor Run Time") / 1e3,
        "executor_cpu_s": total("Executor CPU Time") / 1e9,
        "gc_s": total("JVM GC Time") / 1e3,
        "result_bytes": total("Result Size"),
        "memory_spill_bytes": total("Memory Bytes Spilled"),
        "disk_spill_bytes": total("Disk Bytes Spilled"),
        "input_bytes": total("Input Metrics", "Bytes Read"),
        "input_rows": total("Input Metrics", "Records Read"),
        "output_bytes": total("Output Metrics", "Bytes Written"),
        "output_rows": total("Output Metrics", "Records Written"),
        "shuffle_read_bytes": total(read, "Remote Bytes Read") + total(read, "Local Bytes Read"),
        "shuffle_read_rows": total(read, "Total Records Read"),
        "fetch_wait_s": total(read, "Fetch Wait Time") / 1e3,
        "shuffle_write_bytes": total("Shuffle Write Metrics", "Shuffle Bytes Written"),
        "shuffle_write_rows": total("Shuffle Write Metrics", "Shuffle Records Written"),
        "peak_memory_bytes": max((one["Peak Execution Memory"] for one in metrics), default=0),
    }


def told(telemetry: Telemetry, names: Any) -> dict[str, Any]:
    return {name: getattr(telemetry, name) for name in names}


@pytest.mark.parametrize("form", ["parquet", "delta"])
def test_a_write_is_told_as_sparks_own_event_log_has_it(
    spark: SparkSession, recorder: RecordingPlugin, event_log: EventLog, tmp_path: Path, form: str
) -> None:
    with event_log() as events:
        grouped(spark).write.format(form).save(str(tmp_path / "out"))
    (found,) = telemetry_of(recorder)
    expected = logged(events)
    assert told(found, expected) == pytest.approx(expected)
    assert (found.attribution, found.missing) == ("tag", ())
    assert expected["shuffle_write_bytes"] > 0
    assert expected["output_rows"] >= 7
    assert len(found.stages) == found.stages_total >= 2
    assert {stage.status for stage in found.stages} == {"complete"}
    for name in ("executor_run_s", "output_bytes", "shuffle_write_bytes"):
        assert sum(getattr(stage, name) for stage in found.stages) == pytest.approx(getattr(found, name))


def test_a_write_that_fails_is_told_with_its_failed_tasks(
    spark: SparkSession, recorder: RecordingPlugin, event_log: EventLog, tmp_path: Path
) -> None:
    with event_log() as events, pytest.raises(Exception, match="boom"):
        grouped(spark).selectExpr("assert_true(part < 0, 'boom')").write.parquet(str(tmp_path / "out"))
    (found,) = telemetry_of(recorder, "on_write_failed")
    expected = logged(events)
    assert told(found, expected) == pytest.approx(expected)
    assert expected["jobs_failed"] == 1
    assert expected["tasks_failed"] >= 1


def test_what_other_threads_run_meanwhile_is_not_the_writes(
    spark: SparkSession, recorder: RecordingPlugin, event_log: EventLog, tmp_path: Path
) -> None:
    def write(name: str) -> None:
        grouped(spark).write.parquet(str(tmp_path / name))

    with event_log() as events:
        threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
        threads += [threading.Thread(target=lambda: spark.range(1000).count())]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    a, b = telemetry_of(recorder)
    expected = logged(events)
    assert a.jobs == b.jobs
    assert (a.output_rows, b.output_rows) == (7, 7)
    assert a.tasks + b.tasks < expected["tasks"]
    assert a.shuffle_write_bytes + b.shuffle_write_bytes < expected["shuffle_write_bytes"]
    attach.attach().detach()
    elsewhere = run_telemetry(recorder).elsewhere
    assert elsewhere is not None
    for name in ("tasks", "executor_run_s", "shuffle_write_bytes", "shuffle_read_rows", "result_bytes"):
        parts = [getattr(one, name) for one in (a, b, elsewhere)]
        assert sum(parts) == pytest.approx(expected[name]), name


def test_a_jobs_own_groups_descriptions_and_tags_stay(
    spark: SparkSession, recorder: RecordingPlugin, event_log: EventLog, tmp_path: Path
) -> None:
    context = spark.sparkContext
    context.setJobGroup("theirs", "their words")
    context.addJobTag("their-tag")
    try:
        with event_log() as events:
            grouped(spark).write.parquet(str(tmp_path / "out"))
        after = (context.getLocalProperty("spark.jobGroup.id"), set(context.getJobTags()))
    finally:
        context.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]
        context.setLocalProperty("spark.job.description", None)  # type: ignore[arg-type]
        context.clearJobTags()
    assert after == ("theirs", {"their-tag"})
    jobs = [event["Properties"] for event in events if event["Event"] == "SparkListenerJobStart"]
    assert {(job["spark.jobGroup.id"], job["spark.job.description"]) for job in jobs} == {("theirs", "their words")}
    assert all("their-tag" in job["spark.job.tags"].split(",") for job in jobs)
    assert telemetry_of(recorder)[0].jobs == len(jobs)


def test_a_shuffle_that_is_used_again_is_counted_once(
    spark: SparkSession, recorder: RecordingPlugin, event_log: EventLog, tmp_path: Path
) -> None:
    pairs = spark.sparkContext.parallelize([(i % 3, i) for i in range(100)], 2).reduceByKey(lambda a, b: a + b, 2)
    with event_log() as events:
        pairs.saveAsTextFile(str(tmp_path / "first"))
        pairs.saveAsTextFile(str(tmp_path / "second"))
    first, second = telemetry_of(recorder)
    expected = logged(events)
    assert first.shuffle_write_bytes == expected["shuffle_write_bytes"] > 0
    assert second.shuffle_write_bytes == 0
    assert first.tasks + second.tasks == expected["tasks"]


# -- runs --------------------------------------------------------------------------------------------------------------


def test_a_run_is_told_by_what_executors_counted_meanwhile(
    spark: SparkSession, recorder: RecordingPlugin, event_log: EventLog, tmp_path: Path
) -> None:
    cached = spark.range(0, 1000, 1, 2).cache()
    try:
        with event_log() as events:
            cached.count()
            cached.count()
            grouped(spark).write.parquet(str(tmp_path / "out"))
        attach.attach().detach()
    finally:
        cached.unpersist()
    found, expected = run_telemetry(recorder), logged(events)
    assert found.known
    assert (found.tasks, found.tasks_failed) == (expected["tasks"], 0)
    assert found.shuffle_write_bytes == expected["shuffle_write_bytes"]
    assert (found.cores, found.executors) == (2, 1)
    assert found.core_s > found.executor_run_s > 0
    assert found.memory_byte_s == pytest.approx(found.core_s / 2 * 2 * 1024**3)
    assert [(one.partitions_cached, one.uses) for one in found.cached] == [(2, 2)]
    assert dict(found.settings)["spark.sql.shuffle.partitions"] == "4"
    assert found.missing == ()


def test_nobody_asks_where_no_plugin_needs_it(spark: SparkSession, tmp_path: Path, event_log: EventLog) -> None:
    config = Config(state_dir=tmp_path / "state", plugins=(PluginEntry("hookline.testing:RecordingPlugin"),))
    attachment = attach.attach(spark, config, job="test")
    recorder = RecordingPlugin.last
    with event_log() as events:
        grouped(spark).write.parquet(str(tmp_path / "out"))
    ended = attachment.detach()
    assert ended is not None
    assert ended.telemetry is None
    assert recorder.seen("on_write_finished")[0].telemetry is None
    tags = [event["Properties"]["spark.job.tags"] for event in events if event["Event"] == "SparkListenerJobStart"]
    assert not any("hookline" in tag for tag in tags)


def test_reading_takes_a_moment(spark: SparkSession, recorder: RecordingPlugin, tmp_path: Path) -> None:
    for number in range(6):
        grouped(spark).write.parquet(str(tmp_path / str(number)))
    found = telemetry_of(recorder)
    # On a busy machine a single reading may wait; 50 ms is what the quiet one keeps (benchmarks/overhead).
    assert statistics.median(one.reading_s for one in found) < 0.25
    assert len({dataclasses.replace(one, reading_s=0, stages=()).jobs for one in found}) == 1


# -- streams -----------------------------------------------------------------------------------------------------------


def source(spark: SparkSession, folder: Path, files: int = 3) -> Any:
    """A stream of so many batches, each with an event time of its own."""
    for number in range(files):
        frame = spark.range(number * 10, number * 10 + 10, 1, 1)
        frame.selectExpr("id", f"timestamp_seconds(1800000000 + {number} * 60 + id) AS at").write.json(
            f"{folder}/{number}"
        )
    reader = spark.readStream.schema("id long, at timestamp").option("maxFilesPerTrigger", 1)
    return reader.json(f"{folder}/*").withWatermark("at", "10 seconds")


def test_batches_of_sparks_own_sinks_are_told_with_their_progress(
    spark: SparkSession, recorder: RecordingPlugin, event_log: EventLog, tmp_path: Path
) -> None:
    counted = source(spark, tmp_path / "in").groupBy("at").count()
    watch.drain()  # what the source's writes took is told beside them
    recorder._calls.clear()
    with event_log() as events:
        writer = (
            counted.writeStream.format("parquet").outputMode("append").option("checkpointLocation", f"{tmp_path}/c")
        )
        writer.trigger(availableNow=True).start(f"{tmp_path}/out").awaitTermination()
        found = telemetry_of(recorder)
    expected = logged(events)
    assert {one.attribution for one in found} == {"batch"}
    jobs = [event["Properties"] for event in events if event["Event"] == "SparkListenerJobStart"]
    assert not any("hookline-write" in job.get("spark.job.tags", "") for job in jobs)  # its thread is the query's own
    assert sum(one.output_rows for one in found) == expected["output_rows"] > 0
    assert sum(one.tasks for one in found) == expected["tasks"]
    assert sum(one.shuffle_write_bytes for one in found) == expected["shuffle_write_bytes"]
    streams = [one.stream for one in found if one.stream is not None]
    assert [one.batch_id for one in streams] == list(range(len(found)))
    assert [one.input_rows for one in streams[:3]] == [10, 10, 10]
    assert streams[2].state_rows == 30 - sum(one.output_rows for one in found[:3])
    assert (streams[2].state_bytes or 0) > 0
    assert streams[2].watermark_delay_s == pytest.approx(149 - 69)
    assert all(one.trigger_s is not None and one.trigger_s > 0 for one in streams)


def test_writes_of_a_batch_function_are_told_with_each_progress_once(
    spark: SparkSession, recorder: RecordingPlugin, tmp_path: Path
) -> None:
    stream = source(spark, tmp_path / "in")
    watch.drain()  # what the source's writes took is told beside them
    recorder._calls.clear()

    def both(frame: DataFrame, batch_id: int) -> None:
        frame.write.mode("append").parquet(f"{tmp_path}/one")
        frame.write.mode("append").parquet(f"{tmp_path}/two")

    writer = stream.writeStream.foreachBatch(both).option("checkpointLocation", f"{tmp_path}/c")
    writer.trigger(availableNow=True).start().awaitTermination()
    found = telemetry_of(recorder)
    assert [one.output_rows for one in found] == [10] * 6
    assert {one.attribution for one in found} == {"tag"}
    told_of = [one.stream.batch_id for one in found if one.stream is not None]
    assert told_of == sorted(set(told_of))
    assert told_of[-1] == 2
    # Spark counts the rows of a batch as often as the function reads them.
    assert [one.stream.input_rows for one in found if one.stream is not None] == [20] * len(told_of)


# -- without a driver to ask -------------------------------------------------------------------------------------------


def test_a_stopped_application_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from hookline.pipelines import spending

    monkeypatch.setattr(spending, "_active_context", lambda: None)
    asking = spending.SparkSpending()
    write = asking.of_write("run/1")
    write.of_window(dt.datetime.now(dt.timezone.utc), 1.0)
    assert write.spent is not None
    found = write.spent()
    asking.close()
    assert found is not None
    assert not found.known
    assert found.missing == ("Spark had stopped before it was asked what it spent",)


def test_a_write_that_only_the_listener_saw_gets_the_jobs_that_ran_meanwhile(
    spark: SparkSession, recorder: RecordingPlugin, event_log: EventLog, tmp_path: Path
) -> None:
    with event_log() as events:
        grouped(spark)._jdf.write().parquet(str(tmp_path / "out"))
    (found,) = telemetry_of(recorder)
    expected = logged(events)
    assert found.attribution == "window"
    assert found.missing == ("only the listener saw the write: they are taken to be those that ran meanwhile",)
    for name in ("jobs", "output_rows", "shuffle_write_bytes", "executor_run_s"):
        assert getattr(found, name) == pytest.approx(expected[name]), name


def test_under_spark_connect_the_run_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from hookline.pipelines import spending

    monkeypatch.setattr(spending, "_active_context", lambda: None)
    run = Run.begin("job")
    for connected, told in (
        (True, ("Spark Connect: there is no driver in this process to ask what Spark spent",)),
        (False, None),
    ):
        monkeypatch.setattr(spending, "_connected", lambda answer=connected: answer)
        asking = spending.SparkSpending()
        asking.run_began(run)
        found = asking.of_run(run)
        asking.close()
        assert (None if found is None else found.missing) == told


def test_runs_that_go_on_side_by_side_share_an_application_and_inner_ones_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from hookline.pipelines import spending

    monkeypatch.setattr(spending, "_active_context", lambda: None)
    asking = spending.SparkSpending()
    outer = Run.begin("outer")
    inner = dataclasses.replace(Run.begin("inner"), parent_run_id=outer.run_id)
    beside = Run.begin("beside")
    asking.run_began(outer)
    asking.run_began(inner)
    assert [one.shared for one in asking._open.values()] == [False, False]
    asking.run_began(beside)
    assert [one.shared for one in asking._open.values()] == [True, True, True]


def test_what_hangs_is_asked_once_and_costs_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    from hookline.pipelines import spending

    monkeypatch.setattr(spending, "DEADLINE_S", 0.2)
    asking, gate = spending.SparkSpending(), threading.Event()
    began = time.monotonic()
    assert asking._ask(lambda: gate.wait(10), "nothing") == "nothing"
    for _ in range(20):
        assert asking._ask(lambda: "late", "nothing") == "nothing"
    assert time.monotonic() - began < 2
    gate.set()
    time.sleep(0.05)
    assert asking._ask(lambda: "answer", "nothing") == "answer"
    asking.close()
