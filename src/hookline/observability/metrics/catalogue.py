"""The catalogue of metrics: the only names that anything emits or shows.

A name is dotted, lower case, and ends with its unit where that is not a plain count (``_s``, ``_bytes``). Names and tags
are public: dashboards and alarms outside rely on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal["count", "bytes", "seconds", "ratio", "dollars"]
# A gauge is a state at a moment, a count is added up over time, a distribution is one observation of many.
Kind = Literal["gauge", "count", "distribution"]


@dataclass(frozen=True)
class Metric:
    """Something that is measured.

    Attributes:
        name: dotted, beginning with ``hookline.``.
        tags: the keys that its points carry, besides the configuration's own tags. One without a value is left out.
        per: what one point is about: a write, a run, or the process's outbox.
    """

    name: str
    unit: Unit
    kind: Kind
    description: str
    tags: tuple[str, ...]
    per: Literal["write", "run", "process"]


_JOB = ("job", "env")
_WRITE = (*_JOB, "dataset", "layer", "owner", "operation")
_DATASET = (*_JOB, "dataset", "layer", "owner")
_RUN = (*_JOB, "owner")
_STREAM = (*_DATASET,)


def _of_write(name: str, unit: Unit, kind: Kind, description: str, tags: tuple[str, ...] = _WRITE) -> Metric:
    return Metric(f"hookline.{name}", unit, kind, description, tags, "write")


def _of_run(name: str, unit: Unit, kind: Kind, description: str, tags: tuple[str, ...] = _RUN) -> Metric:
    return Metric(f"hookline.{name}", unit, kind, description, tags, "run")


_ALL = (
    # -- writes: volume and time
    _of_write("write.ended", "count", "count", "Writes that ended, by status.", (*_WRITE, "status")),
    _of_write("write.rows", "count", "count", "Rows that reached the target."),
    _of_write("write.bytes", "bytes", "count", "Bytes that were written to the target."),
    _of_write("write.files", "count", "count", "Files that were written to the target."),
    _of_write("write.rows_read", "count", "count", "Rows that Spark read from sources for the write."),
    _of_write("write.bytes_read", "bytes", "count", "Bytes that Spark read from sources for the write."),
    _of_write("write.rows_quarantined", "count", "count", "Rows that were set aside instead of written."),
    _of_write("write.duration_s", "seconds", "distribution", "How long the write took, hookline's part included."),
    _of_write("write.overhead_s", "seconds", "distribution", "hookline's part of the write's time."),
    _of_write(
        "write.latency_s",
        "seconds",
        "distribution",
        "From the latest event time until its rows were published: of a batch of a stream, or by a freshness check.",
        _DATASET,
    ),
    _of_write("layer.rows", "count", "count", "Rows written into a layer.", (*_JOB, "layer")),
    _of_write("layer.bytes", "bytes", "count", "Bytes written into a layer.", (*_JOB, "layer")),
    # -- writes: what Spark spent
    _of_write("spark.jobs", "count", "count", "Spark jobs of the write."),
    _of_write("spark.jobs_failed", "count", "count", "Spark jobs of the write that failed."),
    _of_write("spark.stages", "count", "count", "Attempts of stages that ran for the write."),
    _of_write("spark.stage_retries", "count", "count", "Attempts of stages beyond their first."),
    _of_write("spark.tasks", "count", "count", "Attempts of tasks of the write that were done."),
    _of_write("spark.tasks_failed", "count", "count", "Attempts of tasks that failed."),
    _of_write("spark.tasks_killed", "count", "count", "Attempts of tasks that were killed."),
    _of_write("spark.executor_run_s", "seconds", "count", "Time that executors worked on tasks, summed over tasks."),
    _of_write("spark.executor_cpu_s", "seconds", "count", "Processor time of tasks."),
    _of_write("spark.gc_s", "seconds", "count", "Time of tasks that went into garbage collection."),
    _of_write("spark.gc_share", "ratio", "gauge", "Garbage collection as a share of the tasks' time."),
    _of_write("spark.shuffle_read_bytes", "bytes", "count", "Bytes that tasks read from shuffles."),
    _of_write("spark.shuffle_write_bytes", "bytes", "count", "Bytes that tasks wrote to shuffles."),
    _of_write("spark.memory_spill_bytes", "bytes", "count", "Bytes, as they were in memory, of what was spilled."),
    _of_write("spark.disk_spill_bytes", "bytes", "count", "Bytes, as they are on disk, of what was spilled."),
    _of_write("spark.result_bytes", "bytes", "count", "Bytes that tasks returned to the driver."),
    _of_write("spark.peak_memory_bytes", "bytes", "gauge", "The greatest peak execution memory of a task."),
    _of_write(
        "spark.skew", "ratio", "gauge", "The longest task of a stage divided by its middle one; the worst stage."
    ),
    # -- streaming batches
    _of_write("stream.batches", "count", "count", "Batches that were committed or failed.", _STREAM),
    _of_write("stream.input_rows", "count", "count", "Rows that a batch read.", _STREAM),
    _of_write("stream.input_rows_per_s", "count", "gauge", "Rows a second that arrived.", _STREAM),
    _of_write("stream.processed_rows_per_s", "count", "gauge", "Rows a second that were worked on.", _STREAM),
    _of_write("stream.trigger_s", "seconds", "distribution", "From a batch's begin to its end.", _STREAM),
    _of_write("stream.lag_rows", "count", "gauge", "Rows that wait in the sources.", _STREAM),
    _of_write("stream.state_rows", "count", "gauge", "Rows in the state of stateful operators.", _STREAM),
    _of_write("stream.state_bytes", "bytes", "gauge", "Memory of the state of stateful operators.", _STREAM),
    _of_write("stream.dropped_rows", "count", "count", "Rows dropped for coming after the watermark.", _STREAM),
    _of_write(
        "stream.watermark_delay_s",
        "seconds",
        "gauge",
        "How far the watermark is behind the latest event time.",
        _STREAM,
    ),
    _of_write(
        "stream.event_time_lag_s", "seconds", "gauge", "How far the latest event time is behind the clock.", _STREAM
    ),
    # -- quality
    _of_write(
        "quality.checks", "count", "count", "Checks that were judged, by status.", (*_DATASET, "severity", "status")
    ),
    _of_write("quality.pass_rate", "ratio", "gauge", "Checks that passed, of those that had an answer.", _DATASET),
    _of_write("quality.critical_violations", "count", "count", "Critical checks that failed.", _DATASET),
    _of_write(
        "quality.failing_rows", "count", "count", "Rows that fail, summed over failed checks.", (*_DATASET, "severity")
    ),
    _of_write("quality.drift_score", "ratio", "gauge", "The greatest distance from a baseline.", _DATASET),
    _of_write("quality.refused_writes", "count", "count", "Writes that a gate refused.", _DATASET),
    # -- runs
    _of_run("run.ended", "count", "count", "Runs that ended, by status.", (*_RUN, "status")),
    _of_run("run.status", "count", "gauge", "How a run ended: 0 finished, 1 failed, 2 refused, 3 abandoned."),
    _of_run("run.success", "ratio", "gauge", "1 for a run that finished, else 0; its mean is the success rate."),
    _of_run("run.duration_s", "seconds", "distribution", "How long a run took."),
    _of_run("run.overhead_s", "seconds", "distribution", "hookline's part of a run's time."),
    _of_run("run.writes", "count", "count", "Writes of a run."),
    _of_run("run.unseen_writes", "count", "count", "Writes that only the listener saw."),
    _of_run("run.reads", "count", "count", "Datasets that a run read."),
    _of_run("run.executor_run_s", "seconds", "count", "Time that executors worked on tasks during the run."),
    _of_run("run.gc_s", "seconds", "count", "Garbage collection of executors during the run."),
    _of_run("run.core_s", "seconds", "count", "Cores times the seconds that they were there for the run."),
    _of_run("run.busy_share", "ratio", "gauge", "How busy these cores were with tasks."),
    _of_run("run.tasks", "count", "count", "Tasks that executors completed during the run."),
    _of_run("run.tasks_failed", "count", "count", "Tasks that failed during the run."),
    _of_run("run.executors", "count", "gauge", "Executors that were there at once, at most."),
    _of_run("run.peak_heap_bytes", "bytes", "gauge", "The greatest JVM heap of an executor or the driver."),
    _of_run("run.cached_bytes", "bytes", "gauge", "Memory and disk of what is still cached at the run's end."),
    # -- money
    _of_run("cost.run_dollars", "dollars", "count", "What the run cost by the price book, in its currency."),
    Metric(
        "hookline.cost.dataset_dollars",
        "dollars",
        "count",
        "The share of a run's cost that a dataset's writes took, by their executor time.",
        _DATASET,
        "run",
    ),
    Metric(
        "hookline.cost.storage_dollars_month",
        "dollars",
        "gauge",
        "What a month of a dataset's storage costs, from a listing of its place.",
        ("env", "dataset", "layer", "owner"),
        "process",
    ),
    Metric(
        "hookline.storage.bytes",
        "bytes",
        "gauge",
        "Bytes of a dataset's place, from a listing.",
        ("env", "dataset", "layer", "owner"),
        "process",
    ),
    # -- hookline itself
    _of_run("plugin.failures", "count", "count", "Calls of a plugin that failed.", (*_JOB, "plugin")),
    Metric(
        "hookline.outbox.pending", "count", "gauge", "Messages that wait for a back end.", ("env", "sink"), "process"
    ),
    Metric("hookline.outbox.dead", "count", "gauge", "Messages that a back end refused.", ("env", "sink"), "process"),
    Metric(
        "hookline.outbox.oldest_pending_s",
        "seconds",
        "gauge",
        "The age of the oldest message that waits.",
        ("env", "sink"),
        "process",
    ),
    Metric(
        "hookline.outbox.delivered",
        "count",
        "gauge",
        "Messages that this process delivered.",
        ("env", "sink"),
        "process",
    ),
    Metric(
        "hookline.outbox.failures",
        "count",
        "gauge",
        "Deliveries of this process that failed.",
        ("env", "sink"),
        "process",
    ),
)
METRICS: Mapping[str, Metric] = {one.name: one for one in _ALL}


def metric(name: str) -> Metric:
    """The metric of this name.

    Raises:
        KeyError: there is none; nothing may emit or show it.
    """
    return METRICS[name]
