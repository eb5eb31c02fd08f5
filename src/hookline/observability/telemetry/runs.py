"""What a run took of its Spark applications: the difference between what executors counted at its end and at its start."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hookline.core.telemetry import CachedData, RunTelemetry, Telemetry
from hookline.observability.telemetry.folding import RddUses

_DRIVER = "driver"
_UNITS = {"": 1024**2, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4, "b": 1}
# Spark's own defaults, where a job sets nothing.
_MEMORY, _LEAST_OVERHEAD, _OVERHEAD = "1g", 384 * 1024**2, 0.10


@dataclass
class Extent:
    """What is known of one application during one run. Times are epoch seconds.

    Attributes:
        before, after: executors as the REST API shows them, when the run began (none when the application is younger) and
            at the last look.
        cached_before: ids of what was persisted when the run began: that is no doing of its.
    """

    application_id: str
    version: str
    master: str
    began_s: float
    looked_at_s: float
    before: Sequence[Mapping[str, Any]] = ()
    after: Sequence[Mapping[str, Any]] = ()
    cached: Sequence[Mapping[str, Any]] = ()
    cached_before: frozenset[int] = frozenset()
    settings: Mapping[str, str] = field(default_factory=dict)
    uses: RddUses | None = None
    elsewhere: Telemetry | None = None


def fold_run(extents: Sequence[Extent], *, shared: bool, missing: Sequence[str] = ()) -> RunTelemetry:
    """Add up what a run took of its applications; usually there is one."""
    if not extents:
        return RunTelemetry(missing=tuple(missing))
    last = extents[-1]
    totals = [_Totals.of(extent) for extent in extents]
    core_s = sum(one.core_s for one in totals)
    run_s = sum(one.run_s for one in totals)
    workers = [one for one in last.after if _works(one, last.after)]
    return RunTelemetry(
        application_id=last.application_id,
        spark_version=last.version,
        master=last.master,
        known=True,
        shared=shared,
        cores=sum(one["totalCores"] for one in workers if one["isActive"]),
        executors=max(one.at_once for one in totals),
        core_s=core_s,
        memory_byte_s=sum(one.memory_byte_s for one in totals),
        driver_s=sum(one.looked_at_s - one.began_s for one in extents),
        busy_share=min(1.0, run_s / core_s) if core_s > 0 else None,
        executor_run_s=run_s,
        gc_s=sum(one.gc_s for one in totals),
        peak_heap_bytes=max((one.heap for one in totals if one.heap), default=None),
        input_bytes=sum(one.input_bytes for one in totals),
        shuffle_read_bytes=sum(one.shuffle_read for one in totals),
        shuffle_write_bytes=sum(one.shuffle_write for one in totals),
        tasks=sum(one.tasks for one in totals),
        tasks_failed=sum(one.failed for one in totals),
        elsewhere=last.elsewhere,
        cached=tuple(_cached(one, last.uses) for one in last.cached if one["id"] not in last.cached_before),
        settings=tuple(sorted(last.settings.items())),
        missing=tuple(missing),
    )


@dataclass
class _Totals:
    """One application's part."""

    core_s: float
    memory_byte_s: float
    run_s: float
    gc_s: float
    input_bytes: int
    shuffle_read: int
    shuffle_write: int
    tasks: int
    failed: int
    at_once: int
    heap: int | None

    @classmethod
    def of(cls, extent: Extent) -> _Totals:
        before = {one["id"]: one for one in extent.before}

        def grown(name: str) -> int:
            return sum(max(0, one[name] - before.get(one["id"], {}).get(name, 0)) for one in extent.after)

        workers = [one for one in extent.after if _works(one, extent.after)]
        spans = [(one, *_span(one, extent)) for one in workers]
        memory = executor_memory_bytes(extent.settings, local=extent.master.startswith("local"))
        heaps = [(one.get("peakMemoryMetrics") or {}).get("JVMHeapMemory") or 0 for one in extent.after]
        # The driver of a cluster runs no tasks: what it spent on garbage collection is not the executors'.
        run_ms = grown("totalDuration")
        return cls(
            core_s=sum(one["totalCores"] * max(0.0, end - start) for one, start, end in spans),
            memory_byte_s=sum(memory * max(0.0, end - start) for _, start, end in spans),
            run_s=run_ms / 1000,
            gc_s=grown("totalGCTime") / 1000,
            input_bytes=grown("totalInputBytes"),
            shuffle_read=grown("totalShuffleRead"),
            shuffle_write=grown("totalShuffleWrite"),
            tasks=grown("completedTasks"),
            failed=grown("failedTasks"),
            at_once=_at_once([(start, end) for _, start, end in spans]),
            heap=max(heaps, default=0) or None,
        )


def _works(one: Mapping[str, Any], every: Sequence[Mapping[str, Any]]) -> bool:
    """Whether tasks run there: on executors, and on the driver where there are none (``local``)."""
    return one["id"] != _DRIVER or (one["totalCores"] > 0 and len(every) == 1)


def _span(one: Mapping[str, Any], extent: Extent) -> tuple[float, float]:
    removed = one.get("removeTime")
    end = extent.looked_at_s if removed is None else removed / 1000
    return max(one["addTime"] / 1000, extent.began_s), min(end, extent.looked_at_s)


def _at_once(spans: Sequence[tuple[float, float]]) -> int:
    moments = sorted(
        [(start, 1) for start, end in spans if end > start] + [(end, -1) for start, end in spans if end > start]
    )
    most = now = 0
    for _, change in moments:
        now += change
        most = max(most, now)
    return most


def executor_memory_bytes(settings: Mapping[str, str], *, local: bool = False) -> int:
    """What one executor takes: its heap and the overhead beside it, as the settings say; ``local``: the driver's heap."""
    if local:
        return size_bytes(settings.get("spark.driver.memory", _MEMORY))
    heap = size_bytes(settings.get("spark.executor.memory", _MEMORY))
    told = settings.get("spark.executor.memoryOverhead")
    return heap + (size_bytes(told) if told else max(_LEAST_OVERHEAD, int(heap * _OVERHEAD)))


def size_bytes(text: str) -> int:
    """Spark's ``4g``, ``512m``, ``1073741824b``; a bare number is mebibytes, as for memory. 0 when it is none."""
    match = re.fullmatch(r"\s*(\d+)\s*([kmgtb]?)b?\s*", text.lower())
    return int(match[1]) * _UNITS[match[2]] if match else 0


def _cached(one: Mapping[str, Any], uses: RddUses | None) -> CachedData:
    return CachedData(
        rdd_id=one["id"],
        storage_level=str(one["storageLevel"])[:64],
        partitions=one["numPartitions"],
        partitions_cached=one["numCachedPartitions"],
        memory_bytes=one["memoryUsed"],
        disk_bytes=one["diskUsed"],
        uses=None if uses is None else uses.of(one["id"]),
    )
