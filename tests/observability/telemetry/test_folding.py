"""Spark's numbers folded, of shapes that a small job does not have."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from hookline.observability.telemetry import Extent, RddUses, fold_run, fold_stages, progress_of
from hookline.observability.telemetry.runs import executor_memory_bytes, size_bytes

BEGAN = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
MS = int(BEGAN.timestamp() * 1000)


def stage(number: int, attempt: int = 0, *, at: int = 5, status: str = "COMPLETE", **facts: Any) -> dict[str, Any]:
    """A stage as Spark's REST API shows it."""
    zeros = (
        "executorRunTime executorCpuTime jvmGcTime inputBytes inputRecords outputBytes outputRecords shuffleReadBytes "
        "shuffleReadRecords shuffleWriteBytes shuffleWriteRecords memoryBytesSpilled diskBytesSpilled resultSize "
        "shuffleFetchWaitTime numFailedTasks numKilledTasks"
    )
    known = {
        "stageId": number,
        "attemptId": attempt,
        "status": status,
        "name": "save at x.py:1",
        "submissionTime": MS + at,
    }
    times = {
        "firstTaskLaunchedTime": MS + at + 1,
        "completionTime": MS + at + 1001,
        "numTasks": 2,
        "numCompleteTasks": 2,
    }
    return {**dict.fromkeys(zeros.split(), 0), **known, **times, "rddIds": [number * 10], **facts}


def job(number: int, *stages: int, **facts: Any) -> dict[str, Any]:
    counts = {"numCompletedStages": len(stages), "numFailedStages": 0}
    return {"jobId": number, "stageIds": list(stages), "status": "SUCCEEDED", "submissionTime": MS, **counts, **facts}


def fold(jobs: list[dict[str, Any]], stages: dict[int, list[dict[str, Any]]], **more: Any) -> Any:
    return fold_stages(jobs, lambda number: stages.get(number, []), attribution="tag", began=BEGAN, **more)


def test_attempts_of_a_stage_are_retries_and_all_count() -> None:
    found = fold(
        [job(1, 1)], {1: [stage(1, 0, status="FAILED", executorRunTime=500), stage(1, 1, executorRunTime=700)]}
    )
    assert (found.stage_retries, found.stages_total, found.executor_run_s) == (1, 2, 1.2)
    assert [one.started_at_s for one in found.stages] == pytest.approx([0.006, 0.006], abs=1e-6)


def test_stages_that_were_skipped_or_of_another_job_do_not_count() -> None:
    stages = {
        1: [stage(1, at=-100, executorRunTime=9)],
        2: [stage(2, status="SKIPPED")],
        3: [stage(3, executorRunTime=5)],
    }
    found = fold([job(1, 1, 2, 3)], stages)
    assert (found.stages_total, found.executor_run_s, found.missing) == (1, 0.005, ())


def test_what_spark_forgot_is_missing_unless_it_was_skipped() -> None:
    ran = {2: [stage(2)]}
    assert fold([job(1, 1, 2, numCompletedStages=1)], ran).missing == ()
    assert "1 stages were forgotten" in fold([job(1, 1, 2, numCompletedStages=2)], ran).missing[0]


def test_of_many_stages_the_costliest_are_kept_and_all_are_counted() -> None:
    stages = {number: [stage(number, executorRunTime=number)] for number in range(1, 101)}
    found = fold([job(1, *stages)], stages)
    assert (found.stages_total, round(found.executor_run_s, 6)) == (100, 5.05)
    assert [one.stage_id for one in found.stages] == list(range(85, 101))


def test_a_query_of_several_jobs_uses_an_rdd_once() -> None:
    uses = RddUses(most=2)
    tags = {"jobTags": ["spark-session-x-execution-root-id-7"]}
    jobs = [job(1, 1, **tags), job(2, 1, **tags), job(3, 1)]
    fold(jobs, {1: [stage(1)]}, uses=uses)
    fold(jobs, {1: [stage(1)]}, uses=uses)
    assert uses.of(10) == 2
    fold([job(4, 2, 3)], {2: [stage(2)], 3: [stage(3)]}, uses=uses)
    assert (uses.complete, uses.of(10)) == (False, None)


def executor(name: str, added_s: float, removed_s: float | None = None, cores: int = 4, **facts: Any) -> dict[str, Any]:
    zeros = "totalDuration totalGCTime totalInputBytes totalShuffleRead totalShuffleWrite completedTasks failedTasks"
    times = {"addTime": added_s * 1000, "removeTime": None if removed_s is None else removed_s * 1000}
    return {
        **dict.fromkeys(zeros.split(), 0),
        "id": name,
        "totalCores": cores,
        "isActive": removed_s is None,
        **times,
        **facts,
    }


def test_a_run_pays_for_executors_while_they_are_there() -> None:
    """From 100 to 200: one all the time, one that came, one that went, and a driver that runs no tasks."""
    after = [
        executor("driver", 0, cores=0),
        executor("1", 0, totalDuration=90_000, completedTasks=12),
        executor("2", 150, totalDuration=20_000, completedTasks=3),
        executor("3", 0, 120),
    ]
    before = [executor("1", 0, totalDuration=30_000, completedTasks=2)]
    settings = {"spark.executor.memory": "4g"}
    found = fold_run([Extent("a", "4", "yarn", 100.0, 200.0, before, after, settings=settings)], shared=False)
    assert found.core_s == 4 * (100 + 50 + 20)
    assert found.memory_byte_s == pytest.approx((100 + 50 + 20) * 1.1 * 4 * 1024**3)
    assert (found.executor_run_s, found.tasks, found.executors, found.cores) == (80.0, 13, 2, 8)
    assert found.busy_share == pytest.approx(80 / 680)


@pytest.mark.parametrize(
    ("text", "expected"), [("1g", 1 << 30), ("512", 512 << 20), ("100b", 100), ("2GB", 2 << 30), ("x", 0)]
)
def test_sizes_are_sparks(text: str, expected: int) -> None:
    assert size_bytes(text) == expected
    assert executor_memory_bytes({"spark.executor.memory": "1g"}) == (1 << 30) + (384 << 20)


PROGRESS = {
    "id": "q",
    "runId": "r",
    "batchId": 4,
    "timestamp": "2026-01-01T00:00:00.000Z",
    "durationMs": {"triggerExecution": 2000},
    "eventTime": {"max": "2025-12-31T23:59:50.000Z", "watermark": "1970-01-01T00:00:00.000Z"},
    "sources": [
        {
            "numInputRows": 5,
            "inputRowsPerSecond": float("inf"),
            "endOffset": {"t": {"0": 10, "1": 20}},
            "latestOffset": {"t": {"0": 13, "1": 20, "2": 9}},
        },
        {"numInputRows": 7, "inputRowsPerSecond": 3.5, "endOffset": 5, "latestOffset": None},
    ],
    "stateOperators": [{"numRowsTotal": 3, "memoryUsedBytes": 100, "numRowsDroppedByWatermark": 2}],
}


def test_progress_is_read_as_spark_writes_it() -> None:
    found = progress_of(json.dumps(PROGRESS))
    assert (found.input_rows, found.input_rows_per_s, found.lag_rows) == (12, 3.5, 3)
    assert (found.state_rows, found.state_bytes, found.state_dropped_rows) == (3, 100, 2)
    assert found.watermark_delay_s is None
    assert found.event_time_lag_s == 12.0
    bare = progress_of(json.dumps({"id": "q", "runId": "r", "batchId": 0}))
    assert (bare.input_rows, bare.lag_rows, bare.state_rows, bare.trigger_s) == (0, None, None, None)
