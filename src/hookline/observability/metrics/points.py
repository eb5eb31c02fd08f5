"""From what happened to points: pure functions, so that each back end shows the same numbers.

A plugin with ``needs_telemetry = True`` calls ``points_of_write`` in ``on_write_finished`` and ``on_write_failed``,
``points_of_run`` in ``on_run_finished`` and ``on_run_failed``, and ``points_of_outbox`` at the end of a run. What is not
known makes no point: there is no zero for it, and never a NaN.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hookline.core.events import Run, RunEnded, RunStatus, Verdict, Write
from hookline.core.labels import LabelsConfig
from hookline.core.outbox.message import SinkStatus
from hookline.observability.metrics.catalogue import Metric, metric
from hookline.observability.metrics.tags import CardinalityGuard, tag_value

_STATUS_NUMBER: Mapping[RunStatus, int] = {"finished": 0, "failed": 1, "refused": 2, "abandoned": 3}
# The checks whose observed value is a distance from a baseline.
DRIFT_KINDS = frozenset({"distribution", "category_drift"})


@dataclass(frozen=True)
class Point:
    """One value of a metric.

    Attributes:
        value: finite.
        at: aware, UTC.
        tags: the metric's own tags that have a value, and the configuration's; values are safe and short.
    """

    metric: Metric
    value: float
    at: dt.datetime
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The metric's name."""
        return self.metric.name

    def as_payload(self) -> dict[str, Any]:
        """The point as an outbox message's payload carries it."""
        return {"metric": self.name, "value": self.value, "at": self.at.isoformat(), "tags": dict(self.tags)}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Point:
        """What ``as_payload`` made a payload of.

        Raises:
            KeyError: the catalogue of this version has no such metric.
        """
        at = dt.datetime.fromisoformat(payload["at"])
        return cls(metric(payload["metric"]), float(payload["value"]), at, dict(payload["tags"]))


@dataclass
class _Maker:
    """Makes points of one event."""

    at: dt.datetime
    own: Mapping[str, str | None]
    extra: Mapping[str, str]
    guard: CardinalityGuard | None

    def __call__(self, name: str, value: float | None, **tags: str | None) -> Iterator[Point]:
        """One point, or none where there is no number."""
        if value is None or not math.isfinite(value):
            return
        described = metric(f"hookline.{name}")
        known = {**self.own, **tags}
        chosen = {key: tag_value(known.get(key)) for key in described.tags}
        extra = {key: tag_value(text) for key, text in self.extra.items() if key not in chosen}
        kept = {key: text if self.guard is None else self.guard(key, text) for key, text in chosen.items() if text}
        yield Point(described, float(value), self.at, kept | extra)


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
    make = _Maker(write.finished_at or write.started_at, own, known.tags, guard)
    return tuple(_of_write(write, make))


def _of_write(write: Write, make: _Maker) -> Iterator[Point]:
    refused = any(verdict.refuses for verdict in write.verdicts) or _is_refusal(write)
    status = "refused" if refused else "failed" if write.error else "finished"
    yield from make("write.ended", 1, status=status)
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
    yield from _of_quality(write.verdicts, refused, make)


def _of_spark(write: Write, make: _Maker) -> Iterator[Point]:
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


def _of_stream(write: Write, make: _Maker) -> Iterator[Point]:
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
    if write.published:
        yield from make("write.latency_s", stream.event_time_lag_s)


def _of_quality(verdicts: tuple[Verdict, ...], refused: bool, make: _Maker) -> Iterator[Point]:
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


def _distances(verdicts: tuple[Verdict, ...]) -> Iterator[float]:
    for one in verdicts:
        observed = one.observed
        if one.kind in DRIFT_KINDS and isinstance(observed, (int, float)):
            yield float(observed)


def points_of_run(
    ended: RunEnded,
    run: Run,
    labels: LabelsConfig,
    *,
    cost: RunCost | None = None,
    guard: CardinalityGuard | None = None,
) -> tuple[Point, ...]:
    """The points of a run that ended; those of its writes are ``points_of_write``'s, when each ends.

    Args:
        cost: what it cost, where that is known (``observability.cost.cost_of_run``).
    """
    own = {"job": run.job, "env": run.environment, "owner": labels.owner}
    make = _Maker(ended.finished_at, own, labels.tags, guard)
    return tuple(_of_run(ended, make)) + tuple(_of_cost(cost, run, ended, labels, guard))


def _of_run(ended: RunEnded, make: _Maker) -> Iterator[Point]:
    yield from make("run.ended", 1, status=ended.status)
    yield from make("run.status", _STATUS_NUMBER.get(ended.status))
    yield from make("run.success", 1 if ended.status == "finished" else 0)
    yield from make("run.duration_s", ended.duration_s)
    yield from make("run.overhead_s", ended.overhead_s)
    yield from make("run.writes", ended.writes_total)
    yield from make("run.unseen_writes", ended.unseen_writes)
    yield from make("run.reads", len(ended.reads))
    for report in ended.plugins:
        yield from make("plugin.failures", report.failures, plugin=report.name)
    told = ended.telemetry
    if told is None or not told.known:
        return
    yield from make("run.executor_run_s", told.executor_run_s)
    yield from make("run.gc_s", told.gc_s)
    yield from make("run.core_s", told.core_s)
    yield from make("run.busy_share", told.busy_share)
    yield from make("run.tasks", told.tasks)
    yield from make("run.tasks_failed", told.tasks_failed)
    yield from make("run.executors", told.executors)
    yield from make("run.peak_heap_bytes", told.peak_heap_bytes)
    yield from make("run.cached_bytes", sum(one.memory_bytes + one.disk_bytes for one in told.cached))


@dataclass(frozen=True)
class RunCost:
    """What a run cost.

    Attributes:
        total: in ``currency``; what is called dollars in names is this currency.
        by_dataset: the shares of the datasets that it wrote, by their executor time; (namespace, name) to amount. They
            add up to less than the total: the rest belongs to no write.
        price: which price of the book it was made with.
        formula: how, in words with numbers.
    """

    total: float
    currency: str
    price: str
    formula: str
    by_dataset: Mapping[tuple[str, str], float] = field(default_factory=dict)


def _of_cost(
    cost: RunCost | None, run: Run, ended: RunEnded, labels: LabelsConfig, guard: CardinalityGuard | None
) -> Iterator[Point]:
    if cost is None:
        return
    own: dict[str, str | None] = {"job": run.job, "env": run.environment, "owner": labels.owner}
    yield from _Maker(ended.finished_at, own, labels.tags, guard)("cost.run_dollars", cost.total)
    datasets = {(write.dataset.namespace, write.dataset.name): write.dataset for write in ended.writes}
    for key, amount in cost.by_dataset.items():
        if key in datasets:
            known = labels.of(datasets[key])
            of_dataset = own | {"dataset": str(datasets[key]), "layer": known.layer, "owner": known.owner}
            yield from _Maker(ended.finished_at, of_dataset, known.tags, guard)("cost.dataset_dollars", amount)


def points_of_outbox(
    statuses: Iterable[SinkStatus], at: dt.datetime, *, environment: str | None, labels: LabelsConfig
) -> tuple[Point, ...]:
    """How deliveries fare, by sink; ``delivered`` and ``failures`` are those of this process so far.

    Args:
        statuses: ``context.outbox.status()``.
    """
    found: list[Point] = []
    for status in statuses:
        make = _Maker(at, {"env": environment, "sink": status.name}, labels.tags, None)
        found += make("outbox.pending", status.pending)
        found += make("outbox.dead", status.dead)
        found += make("outbox.oldest_pending_s", status.oldest_pending_s or 0.0)
        found += make("outbox.delivered", status.delivered)
        found += make("outbox.failures", status.failures)
    return tuple(found)


def _is_refusal(write: Write) -> bool:
    return write.error is not None and write.error.type.rpartition(".")[2] == "WriteRefusedError"
