"""The points of a write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hookline.core.events import Run, Verdict, Write
from hookline.core.labels import LabelsConfig
from hookline.observability.metrics.point import Maker, Point
from hookline.observability.metrics.tags import CardinalityGuard

# The checks whose observed value is a distance from a baseline.
DRIFT_KINDS = frozenset({"distribution", "category_drift"})


def points_of_write(
    write: Write, run: Run, labels: LabelsConfig, *, guard: CardinalityGuard | None = None
) -> tuple[Point, ...]:
    """The points of a write that ended, well or not.

    Args:
        labels: ``PluginContext.labels``.
        guard: keeps tags few; one per plugin.
    """
    known = labels.of(write.dataset)
    own = {
        "job": run.job,
        "env": run.environment,
        "dataset": str(write.dataset),
        "layer": known.layer,
        "owner": known.owner,
        "operation": write.operation,
    }
    make = Maker(write.finished_at or write.started_at, own, known.tags, guard)
    return tuple(_of_write(write, make))


def _of_write(write: Write, make: Maker) -> Iterator[Point]:
    yield from make("write.ended", 1, status=write.status)
    if write.error is None:
        yield from make("write.rows", write.rows)
        yield from make("write.bytes", write.bytes)
        yield from make("write.files", write.files)
        if make.own["layer"]:
            yield from make("layer.rows", write.rows)
            yield from make("layer.bytes", write.bytes)
    yield from make("write.rows_quarantined", write.rows_quarantined)
    yield from make("write.duration_s", write.duration_s)
    yield from make("write.overhead_s", write.overhead_s if write.duration_s is not None else None)
    yield from _of_spark(write, make)
    yield from _of_stream(write, make)
    yield from _of_quality(write.verdicts, write.refused, make)
    if write.published and write.error is None:
        yield from make("write.latency_s", _latency_s(write))


def _of_spark(write: Write, make: Maker) -> Iterator[Point]:
    told = write.telemetry
    if told is None or not told.known:
        return
    yield from make("write.rows_read", told.input_rows)
    yield from make("write.bytes_read", told.input_bytes)
    yield from make("spark.jobs", told.jobs)
    yield from make("spark.jobs_failed", told.jobs_failed)
    yield from make("spark.stages", told.stages_total)
    yield from make("spark.stage_retries", told.stage_retries)
    yield from make("spark.tasks", told.tasks)
    yield from make("spark.tasks_failed", told.tasks_failed)
    yield from make("spark.tasks_killed", told.tasks_killed)
    yield from make("spark.executor_run_s", told.executor_run_s)
    yield from make("spark.executor_cpu_s", told.executor_cpu_s)
    yield from make("spark.gc_s", told.gc_s)
    yield from make("spark.gc_share", told.gc_s / told.executor_run_s if told.executor_run_s > 0 else None)
    yield from make("spark.shuffle_read_bytes", told.shuffle_read_bytes)
    yield from make("spark.shuffle_write_bytes", told.shuffle_write_bytes)
    yield from make("spark.memory_spill_bytes", told.memory_spill_bytes)
    yield from make("spark.disk_spill_bytes", told.disk_spill_bytes)
    yield from make("spark.result_bytes", told.result_bytes)
    yield from make("spark.peak_memory_bytes", told.peak_memory_bytes)
    yield from make("spark.skew", told.skew)


def _of_stream(write: Write, make: Maker) -> Iterator[Point]:
    if write.batch_id is None:
        return
    yield from make("stream.batches", 1)
    stream = write.telemetry.stream if write.telemetry is not None else None
    if stream is None:
        return
    yield from make("stream.input_rows", stream.input_rows)
    yield from make("stream.input_rows_per_s", stream.input_rows_per_s)
    yield from make("stream.processed_rows_per_s", stream.processed_rows_per_s)
    yield from make("stream.trigger_s", stream.trigger_s)
    yield from make("stream.lag_rows", stream.lag_rows)
    yield from make("stream.state_rows", stream.state_rows)
    yield from make("stream.state_bytes", stream.state_bytes)
    yield from make("stream.dropped_rows", stream.state_dropped_rows)
    yield from make("stream.watermark_delay_s", stream.watermark_delay_s)
    yield from make("stream.event_time_lag_s", stream.event_time_lag_s)


def _of_quality(verdicts: tuple[Verdict, ...], refused: bool, make: Maker) -> Iterator[Point]:
    yield from make("quality.refused_writes", 1 if refused else 0)
    if not verdicts:
        return
    for (severity, status), count in sorted(Counter((one.severity, one.status) for one in verdicts).items()):
        yield from make("quality.checks", count, severity=severity, status=status)
    answered = [one for one in verdicts if one.status in ("passed", "failed")]
    if answered:
        passed = sum(one.status == "passed" for one in answered)
        yield from make("quality.pass_rate", passed / len(answered))
    critical = sum(one.status == "failed" and one.severity == "critical" for one in verdicts)
    yield from make("quality.critical_violations", critical)
    failing: Counter[str] = Counter()
    for one in verdicts:
        if one.status == "failed" and one.failing_rows:
            failing[one.severity] += one.failing_rows
    for level, rows in sorted(failing.items()):
        yield from make("quality.failing_rows", rows, severity=level)
    yield from make("quality.drift_score", max(_distances(verdicts), default=None))


def _latency_s(write: Write) -> float | None:
    """How old the latest event was: as the stream tells, else as a freshness check found."""
    stream = write.telemetry.stream if write.telemetry is not None else None
    if stream is not None and stream.batch_id == write.batch_id and stream.event_time_lag_s is not None:
        return stream.event_time_lag_s
    ages = [
        one.observed for one in write.verdicts if one.kind == "freshness" and isinstance(one.observed, (int, float))
    ]
    return min(ages, default=None)


def _distances(verdicts: tuple[Verdict, ...]) -> Iterator[float]:
    for one in verdicts:
        observed = one.observed
        if one.kind in DRIFT_KINDS and isinstance(observed, (int, float)):
            yield float(observed)
