"""From Spark's own numbers of jobs and stages to what a write spent. Spark's times are milliseconds, its CPU nanoseconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hookline.core.telemetry import Attribution, Spread, StageTelemetry, StreamProgress, Telemetry
from hookline.core.text import printable, shorten

# The costliest stages are kept one by one; the sums are over all.
MOST_STAGES = 16
_NAME = 120
_MOST_QUERIES = 100
# What Spark tags the jobs of one query with.
_EXECUTION = "-execution-root-id-"
_MS, _NS = 1e3, 1e9

Job = Mapping[str, Any]
Stages = Callable[[int], Sequence[Mapping[str, Any]]]


class RddUses:
    """In how many queries each RDD took part. Bounded; ``complete`` says whether all were counted."""

    def __init__(self, most: int = 20_000) -> None:
        self._queries: dict[int, set[str]] = {}
        self._most = most
        self.complete = True

    def count(self, job: Job, rdd_ids: Iterable[int]) -> None:
        """A job had these RDDs. Adaptive execution makes several jobs of one query; one that comes again counts once."""
        query = next((tag for tag in job.get("jobTags") or () if _EXECUTION in tag), str(job["jobId"]))
        for one in rdd_ids:
            if one not in self._queries and len(self._queries) >= self._most:
                self.complete = False
                continue
            queries = self._queries.setdefault(one, set())
            if len(queries) < _MOST_QUERIES:
                queries.add(query)

    def of(self, rdd_id: int) -> int | None:
        """How many queries (at least) had it; None when not all jobs were counted."""
        return len(self._queries.get(rdd_id, ())) if self.complete else None


def fold_stages(
    jobs: Sequence[Job],
    stages: Stages,
    *,
    attribution: Attribution,
    began: dt.datetime,
    uses: RddUses | None = None,
    stream: StreamProgress | None = None,
    missing: Sequence[str] = (),
) -> Telemetry:
    """Add up what jobs spent.

    Args:
        jobs: as the REST API shows them.
        stages: gives all attempts of a stage by its number.
        began: from when on stages are timed.
    """
    troubles = list(missing)
    found: dict[int, list[StageTelemetry]] = {}
    of_jobs: dict[int, list[int]] = {}
    forgotten = 0
    earliest = {job["jobId"]: job.get("submissionTime") or 0 for job in jobs}
    for job in jobs:
        for number in job["stageIds"]:
            of_jobs.setdefault(number, []).append(job["jobId"])
    rdds: dict[int, set[int]] = {job["jobId"]: set() for job in jobs}
    for number, job_ids in of_jobs.items():
        attempts = stages(number)
        forgotten += not attempts
        for job_id in job_ids:
            rdds[job_id].update(rdd for attempt in attempts for rdd in attempt.get("rddIds") or ())
        # A stage of an earlier job, whose shuffle files are used again, is named by this one as well.
        since = min(earliest[job_id] for job_id in job_ids)
        ran = [one for one in attempts if one["status"] != "SKIPPED" and (one.get("submissionTime") or 0) >= since]
        found[number] = [stage_of(one, tuple(job_ids), began) for one in ran]
    if uses is not None:
        for job in jobs:
            uses.count(job, rdds[job["jobId"]])
    if forgotten:
        troubles.append(f"{forgotten} stages were forgotten by Spark already (spark.ui.retainedStages)")
    return _sums(jobs, found, attribution, stream, troubles)


def _sums(
    jobs: Sequence[Job],
    found: Mapping[int, list[StageTelemetry]],
    attribution: Attribution,
    stream: StreamProgress | None,
    troubles: list[str],
) -> Telemetry:
    every = [one for attempts in found.values() for one in attempts]
    costliest = sorted(every, key=lambda one: one.executor_run_s, reverse=True)[:MOST_STAGES]
    sums: dict[str, Any] = {name: sum(getattr(one, name) for one in every) for name in _SUMMED}
    return Telemetry(
        attribution=attribution,
        jobs=len(jobs),
        jobs_failed=sum(job["status"] == "FAILED" for job in jobs),
        stages=tuple(sorted(costliest, key=lambda one: (one.stage_id, one.attempt))),
        stages_total=len(every),
        stage_retries=sum(max(0, len(attempts) - 1) for attempts in found.values()),
        tasks=sum(one.tasks_done for one in every),
        peak_memory_bytes=max((one.peak_memory_bytes for one in every), default=0),
        skew=max((one.skew for one in every if one.skew is not None), default=None),
        stream=stream,
        missing=tuple(troubles),
        **sums,
    )


_SUMMED = (
    "tasks_failed",
    "tasks_killed",
    "executor_run_s",
    "executor_cpu_s",
    "gc_s",
    "fetch_wait_s",
    "input_bytes",
    "input_rows",
    "output_bytes",
    "output_rows",
    "shuffle_read_bytes",
    "shuffle_read_rows",
    "shuffle_write_bytes",
    "shuffle_write_rows",
    "memory_spill_bytes",
    "disk_spill_bytes",
    "result_bytes",
)


def stage_of(raw: Mapping[str, Any], job_ids: tuple[int, ...], began: dt.datetime) -> StageTelemetry:
    """An attempt of a stage from Spark's own numbers.

    Args:
        raw: as the REST API shows it, with ``taskMetricsDistributions`` where these were asked for.
    """
    launched, done = raw.get("firstTaskLaunchedTime"), raw.get("completionTime")
    spreads = raw.get("taskMetricsDistributions") or {}
    return StageTelemetry(
        stage_id=raw["stageId"],
        attempt=raw["attemptId"],
        job_ids=job_ids,
        name=shorten(printable(str(raw.get("name") or "")), _NAME),
        status=str(raw["status"]).lower(),
        started_at_s=None if launched is None else launched / _MS - began.timestamp(),
        duration_s=None if launched is None or done is None else (done - launched) / _MS,
        tasks=raw["numTasks"],
        tasks_done=raw["numCompleteTasks"],
        tasks_failed=raw["numFailedTasks"],
        tasks_killed=raw["numKilledTasks"],
        executor_run_s=raw["executorRunTime"] / _MS,
        executor_cpu_s=raw["executorCpuTime"] / _NS,
        gc_s=raw["jvmGcTime"] / _MS,
        input_bytes=raw["inputBytes"],
        input_rows=raw["inputRecords"],
        output_bytes=raw["outputBytes"],
        output_rows=raw["outputRecords"],
        shuffle_read_bytes=raw["shuffleReadBytes"],
        shuffle_read_rows=raw["shuffleReadRecords"],
        shuffle_write_bytes=raw["shuffleWriteBytes"],
        shuffle_write_rows=raw["shuffleWriteRecords"],
        memory_spill_bytes=raw["memoryBytesSpilled"],
        disk_spill_bytes=raw["diskBytesSpilled"],
        peak_memory_bytes=int((spreads.get("peakExecutionMemory") or (0,))[-1]),
        result_bytes=raw["resultSize"],
        fetch_wait_s=raw["shuffleFetchWaitTime"] / _MS,
        task_run_s=_spread(spreads.get("executorRunTime"), _MS),
        task_gc_s=_spread(spreads.get("jvmGcTime"), _MS),
        task_input_bytes=_spread((spreads.get("inputMetrics") or {}).get("bytesRead")),
        task_output_bytes=_spread((spreads.get("outputMetrics") or {}).get("bytesWritten")),
        task_shuffle_read_bytes=_spread((spreads.get("shuffleReadMetrics") or {}).get("readBytes")),
        task_spill_bytes=_spread(spreads.get("diskBytesSpilled")),
    )


def _spread(quantiles: Sequence[float] | None, unit: float = 1.0) -> Spread | None:
    if not quantiles or len(quantiles) != 5:
        return None
    return Spread(*(value / unit for value in quantiles))
