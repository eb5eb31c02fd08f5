"""What measuring must not do: hang, leave jobs behind, touch the user's settings, or fail the job."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.events import Column, Measure, Measured
from hookline.core.fuse import Target, ride, take
from hookline.core.fuse.child import Child, ChildError, shared_child
from hookline.core.fuse.jobs import DeadlineError, run_job

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
PLAN: dict[str, Any] = {
    "files": [],
    "queries": [],
    "letters": [],
    "wholes": [],
    "threads": 1,
    "memory_bytes": 10**8,
    "storage": None,
}


@pytest.fixture(autouse=True, scope="module")
def no_child_left() -> Any:
    yield
    shared_child().close()


def active_jobs(spark: SparkSession) -> list[int]:
    return list(spark.sparkContext.statusTracker().getActiveJobsIds())


def wait_until_idle(spark: SparkSession) -> None:
    ends = time.monotonic() + 30
    while active_jobs(spark) and time.monotonic() < ends:
        time.sleep(0.05)
    assert active_jobs(spark) == []


def test_a_spark_pass_that_does_not_end_is_cancelled(spark: SparkSession) -> None:
    slow = "SELECT java_method('java.lang.Thread', 'sleep', 600000L) AS s FROM range(2)"
    target = Target(spark, None, (Column("s", "string"),), read_back=lambda: spark.sql(slow))
    found = take([Measure.rows(), Measure.unmatched("s", "x")], target, deadline_s=2.0)
    assert all(one.error and "cancelled after 2 s" in one.error for one in found.values())
    wait_until_idle(spark)
    assert spark.range(3).count() == 3


def test_tasks_that_do_not_end_are_cancelled(spark: SparkSession) -> None:
    def sleep() -> None:
        spark.sparkContext.parallelize([1], 1).foreach(lambda _: time.sleep(600))

    with pytest.raises(DeadlineError):
        run_job(spark, "nothing", 3.0, sleep)
    wait_until_idle(spark)
    assert spark.range(3).count() == 3


def test_a_child_that_does_not_answer_is_killed_and_replaced() -> None:
    child = Child()
    assert child.ask(PLAN, 60.0)["rows"] == 0
    first = child._process
    assert first is not None
    os.kill(first.pid, signal.SIGSTOP)  # how fast a query is depends on the machine; a stopped process never answers
    with pytest.raises(DeadlineError):
        child.ask(PLAN, 0.5)
    assert first.poll() is not None
    assert child.ask(PLAN, 60.0)["rows"] == 0
    assert child._process is not first
    child.close()


def test_a_dead_child_is_replaced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child()
    child.ask(PLAN, 60.0)
    assert child._process is not None
    child._process.kill()
    child._process.wait()
    assert child.ask(PLAN, 60.0)["rows"] == 0
    child.close()
    monkeypatch.setattr("hookline.core.fuse.child.sys.executable", "/bin/false")
    with pytest.raises(ChildError):
        child.ask(PLAN, 60.0)


def test_the_callers_local_properties_stay_and_its_group_is_not_ours(spark: SparkSession) -> None:
    context = spark.sparkContext
    context.setJobGroup("users-own", "what the user does")
    context.addJobTag("users-tag")
    seen: list[Any] = []

    def look() -> None:
        seen.extend(context.getLocalProperty(name) for name in ("spark.jobGroup.id", "spark.job.description"))
        seen.append(context.getJobTags())

    try:
        run_job(spark, "2 columns", 30.0, look)
        assert seen[:2] == [None, "hookline: measure 2 columns"]
        assert "users-tag" not in seen[2]
        assert context.getLocalProperty("spark.jobGroup.id") == "users-own"
        assert context.getLocalProperty("spark.job.description") == "what the user does"
        assert set(context.getJobTags()) == {"users-tag"}
    finally:
        context.clearJobTags()
        for name in ("spark.jobGroup.id", "spark.job.description"):
            context.setLocalProperty(name, None)


def test_no_threads_are_left(spark: SparkSession) -> None:
    before = threading.active_count()
    for _ in range(5):
        run_job(spark, "nothing", 30.0, lambda: spark.range(1).count())
    assert threading.active_count() <= before


def test_tasks_answer_in_one_job_without_hookline_on_the_executors(
    spark: SparkSession, tmp_path: Path, parquet_target: Any
) -> None:
    frame = spark.range(100).selectExpr("id", "CAST(id AS STRING) AS s").repartition(3)
    frame.write.parquet(str(tmp_path / "t"))
    target = parquet_target(tmp_path / "t", frame.schema)
    started = max([0, *spark.sparkContext.statusTracker().getJobIdsForGroup(None)])
    found = take(
        [Measure.unmatched("s", "[0-8]+"), Measure.duplicates("id"), Measure.total("id")], target, place="tasks"
    )
    assert [(one.value, one.way) for one in found.values()] == [
        (19, "vectorised"),
        (0, "vectorised"),
        (4950, "vectorised"),
    ]
    ours = [job for job in spark.sparkContext.statusTracker().getJobIdsForGroup(None) if job > started]
    assert len(ours) == 1

    from pyspark import cloudpickle

    from hookline.core.fuse import task

    shipped = tmp_path / "shipped"
    shipped.write_bytes(cloudpickle.dumps((task.measure_all, PLAN)))
    alone = (
        "import pickle, sys; sys.modules['hookline'] = None;"  # any import of it fails
        "f, plan = pickle.load(open(sys.argv[1], 'rb')); print(list(f([plan])))"
    )
    command = [sys.executable, "-c", alone, str(shipped)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "'rows': 0" in answer


def test_without_duckdb_spark_measures(
    spark: SparkSession,
    tmp_path: Path,
    parquet_target: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    frame = spark.range(10)
    frame.write.parquet(str(tmp_path / "t"))
    monkeypatch.setattr(
        shared_child(), "ask", lambda plan, deadline_s: {"failed": "ImportError: No module named 'duckdb'"}
    )
    with caplog.at_level(logging.WARNING):
        found = take([Measure.total("id")], parquet_target(tmp_path / "t", frame.schema))
    assert found == {Measure.total("id"): Measured(45, "spark")}
    assert "No module named 'duckdb'" in caplog.text


def test_one_bad_measure_costs_only_itself(spark: SparkSession) -> None:
    target = Target(
        spark,
        None,
        (Column("s", "string"), Column("n", "int")),
        read_back=lambda: spark.sql("SELECT repeat('ab', 1000000) AS s, 1 AS n"),
    )
    good = [Measure.outside("n", minimum=i) for i in range(20)]
    measures = [Measure.violations("cast(s AS int) > 1"), Measure.total("n"), Measure.total("missing")]
    found = take([*good[:10], *measures, *good[10:]], target)
    assert [found[measure].value for measure in good] == [0, 0, *[1] * 18]
    assert found[measures[0]].error is not None
    assert found[measures[1]] == Measured(1, "spark")
    assert "no column 'missing'" in (found[measures[2]].error or "")


def test_what_cannot_be_read_back_says_so(spark: SparkSession) -> None:
    target = Target(spark, "jdbc", (Column("n", "int"),), rows=3)
    found = take([Measure.rows(), Measure.total("n")], target)
    assert found[Measure.rows()] == Measured(3, "proof")
    assert "can't be read back" in (found[Measure.total("n")].error or "")
    assert "no allowed way" in (take([Measure.total("n")], target, ways=("proof",))[Measure.total("n")].error or "")


def test_riding_is_not_believed_when_it_saw_other_rows(spark: SparkSession, tmp_path: Path) -> None:
    frame, riding = ride(spark.range(1000).toDF("n").coalesce(1), [Measure.total("n"), Measure.rows()])
    frame.orderBy("n").write.format("noop").mode("overwrite").save()
    found = riding.collect(30.0, expected_rows=999)
    assert all("saw" in (one.error or "") and "999 were written" in (one.error or "") for one in found.values())
    exact = riding.collect(30.0)
    target = Target(spark, "noop", (Column("n", "bigint"),), ridden=exact)
    assert take([Measure.rows()], target)[Measure.rows()].way == "observe"


def test_riding_that_never_reports_ends_at_its_deadline(spark: SparkSession) -> None:
    _frame, riding = ride(spark.range(10), [Measure.rows()])
    assert "did not report" in (riding.collect(0.2)[Measure.rows()].error or "")


def test_riding_a_failed_job_gives_errors(spark: SparkSession) -> None:
    frame, riding = ride(spark.sql("SELECT 1 / (id - 5) AS x FROM range(10)"), [Measure.rows(), Measure.total("x")])
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"):
        frame.write.format("noop").mode("overwrite").save()
    assert all(one.error for one in riding.collect(5.0, expected_rows=10).values())


def test_nothing_that_rides_can_fail_the_job(spark: SparkSession) -> None:
    big = "SELECT CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0)) AS d, 9223372036854775807L AS n FROM range(20)"
    frame, riding = ride(spark.sql(big), [Measure.total("d"), Measure.total("n"), Measure.outside("n", minimum=10**30)])
    frame.write.format("noop").mode("overwrite").save()
    found = riding.collect(30.0, expected_rows=20)
    assert found[Measure.total("n")].value == 20 * (2**63 - 1)
    assert found[Measure.outside("n", minimum=10**30)].value == 20
    assert "beyond" in (found[Measure.total("d")].error or "")
