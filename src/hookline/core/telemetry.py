"""What Spark spent on a write or a run, as frozen dataclasses: plain numbers, no names of data, no values.

**How a plugin gets them.** A plugin class (or instance) with ``needs_telemetry = True`` finds ``Write.telemetry`` filled in
``on_write_finished`` and ``on_write_failed``, and ``RunEnded.telemetry`` in ``on_run_finished`` and ``on_run_failed``. Spark
is asked once for each, beside the job, for all plugins of the process together; where no plugin needs it, never. Both are
None where nobody asked; numbers that are not to be had are None, and ``missing`` says why in sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Which Spark jobs belong to a write: those that carry its tag, those of its streaming batch, or those that ran meanwhile.
Attribution = Literal["tag", "batch", "window", "none"]


@dataclass(frozen=True, slots=True)
class Spread:
    """How a number differs between the tasks of a stage: least, quarter, middle, three quarters, greatest."""

    minimum: float
    q25: float
    median: float
    q75: float
    maximum: float


@dataclass(frozen=True, slots=True)
class StageTelemetry:
    """One attempt of a stage.

    Attributes:
        stage_id, attempt: Spark's numbers.
        job_ids: the jobs that needed it.
        name: what Spark calls it: an action and a line of code (``save at Job.scala:12``), never data.
        status: complete, failed, active, pending or skipped.
        started_at_s, duration_s: seconds from the write's (the run's) start to its first task, and until it was complete.
        tasks: how many it has; ``tasks_done``, ``tasks_failed``, ``tasks_killed`` count attempts of them.
        executor_run_s, executor_cpu_s, gc_s: summed over tasks.
        peak_memory_bytes: the greatest peak execution memory of a task.
        task_run_s, task_gc_s, task_shuffle_read_bytes, task_input_bytes, task_output_bytes, task_spill_bytes: how they
            differ between tasks; None when no task was done, or Spark does not know.
    """

    stage_id: int
    attempt: int
    job_ids: tuple[int, ...]
    name: str
    status: str
    started_at_s: float | None
    duration_s: float | None
    tasks: int
    tasks_done: int
    tasks_failed: int
    tasks_killed: int
    executor_run_s: float
    executor_cpu_s: float
    gc_s: float
    input_bytes: int
    input_rows: int
    output_bytes: int
    output_rows: int
    shuffle_read_bytes: int
    shuffle_read_rows: int
    shuffle_write_bytes: int
    shuffle_write_rows: int
    memory_spill_bytes: int
    disk_spill_bytes: int
    peak_memory_bytes: int
    result_bytes: int = 0
    fetch_wait_s: float = 0.0
    task_run_s: Spread | None = None
    task_gc_s: Spread | None = None
    task_input_bytes: Spread | None = None
    task_output_bytes: Spread | None = None
    task_shuffle_read_bytes: Spread | None = None
    task_spill_bytes: Spread | None = None

    @property
    def skew(self) -> float | None:
        """The longest task divided by the middle one; None with fewer than two tasks, or when the middle one took no time."""
        spread = self.task_run_s
        if spread is None or self.tasks_done < 2 or spread.median <= 0:
            return None
        return spread.maximum / spread.median


@dataclass(frozen=True, slots=True)
class StreamProgress:
    """What Spark's own progress says of a streaming batch.

    Attributes:
        query_id, query_run_id: Spark's.
        batch_id: the batch that these numbers are about: the write's, or, where that is not over yet (a batch function goes
            on after its write), the one before. Each batch's numbers stand on one write only.
        input_rows: rows that the batch read.
        input_rows_per_s, processed_rows_per_s: how fast they came, and how fast they were worked on.
        trigger_s: from the batch's begin to its end.
        lag_rows: how far the sources are ahead of what was read (Kafka's offsets behind the latest), over all sources.
        state_rows, state_bytes: what stateful operators hold.
        state_dropped_rows: rows that came later than the watermark and were dropped.
        watermark_delay_s: how far the watermark is behind the latest event time that was seen.
        event_time_lag_s: how far the latest event time that was seen was behind the clock when the batch's rows were
            published.
    """

    query_id: str
    query_run_id: str
    batch_id: int
    input_rows: int
    input_rows_per_s: float | None = None
    processed_rows_per_s: float | None = None
    trigger_s: float | None = None
    lag_rows: int | None = None
    state_rows: int | None = None
    state_bytes: int | None = None
    state_dropped_rows: int | None = None
    watermark_delay_s: float | None = None
    event_time_lag_s: float | None = None


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What Spark spent on one write: sums over all attempts of the stages of the jobs that belong to it.

    Attributes:
        attribution: how the jobs were told apart from others.
        stages: the costliest ones, in the order in which they ran; ``stages_total`` counts all attempts that ran (skipped
            stages, whose results were there already, are not among them). The sums are over all.
        stage_retries: attempts beyond a stage's first.
        executor_run_s, executor_cpu_s, gc_s, fetch_wait_s: summed over tasks, not the time that went by.
        peak_memory_bytes: the greatest peak execution memory of a task.
        skew: the greatest ``StageTelemetry.skew``.
        reading_s: how long it took to ask Spark.
        missing: why numbers are not there, as sentences; () when all are.
    """

    attribution: Attribution = "none"
    jobs: int = 0
    jobs_failed: int = 0
    stages: tuple[StageTelemetry, ...] = ()
    stages_total: int = 0
    stage_retries: int = 0
    tasks: int = 0
    tasks_failed: int = 0
    tasks_killed: int = 0
    executor_run_s: float = 0.0
    executor_cpu_s: float = 0.0
    gc_s: float = 0.0
    fetch_wait_s: float = 0.0
    input_bytes: int = 0
    input_rows: int = 0
    output_bytes: int = 0
    output_rows: int = 0
    shuffle_read_bytes: int = 0
    shuffle_read_rows: int = 0
    shuffle_write_bytes: int = 0
    shuffle_write_rows: int = 0
    memory_spill_bytes: int = 0
    disk_spill_bytes: int = 0
    result_bytes: int = 0
    peak_memory_bytes: int = 0
    skew: float | None = None
    stream: StreamProgress | None = None
    reading_s: float = 0.0
    missing: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether Spark's numbers are there at all."""
        return self.attribution != "none"


@dataclass(frozen=True, slots=True)
class CachedData:
    """A persisted RDD or DataFrame at the end of a run.

    Attributes:
        uses: how many of the application's queries it was a part of, the one that filled it included; None when not all
            were seen.
    """

    rdd_id: int
    storage_level: str
    partitions: int
    partitions_cached: int
    memory_bytes: int
    disk_bytes: int
    uses: int | None = None


@dataclass(frozen=True, slots=True)
class RunTelemetry:
    """What a run took of its Spark application: everything between its start and its end, writes or not.

    A run that shares its application with another one at the same time also has the other one's numbers (``shared``).

    Attributes:
        application_id: Spark's.
        cores: of all executors together at the end (of the driver, when local).
        executors: how many were alive at once at most.
        core_s: cores times the seconds that their executors were there during the run: what is paid for.
        memory_byte_s: the same of executor memory.
        driver_s: how long the driver was there.
        busy_share: executor_run_s / core_s: how busy what is paid for was.
        executor_run_s, gc_s: of all tasks.
        peak_heap_bytes: the greatest JVM heap of an executor or the driver, where Spark knows it.
        input_bytes, shuffle_read_bytes, shuffle_write_bytes: of all tasks.
        tasks, tasks_failed: as executors count them.
        elsewhere: what jobs spent that belong to no write: counts, collects, caches that were filled.
        cached: what it persisted, and left so.
        settings: of Spark, those that advice is about; never a credential.
        missing: why numbers are not there, as sentences.
    """

    application_id: str = ""
    spark_version: str = ""
    master: str = ""
    known: bool = False
    shared: bool = False
    cores: int = 0
    executors: int = 0
    core_s: float = 0.0
    memory_byte_s: float = 0.0
    driver_s: float = 0.0
    busy_share: float | None = None
    executor_run_s: float = 0.0
    gc_s: float = 0.0
    peak_heap_bytes: int | None = None
    input_bytes: int = 0
    shuffle_read_bytes: int = 0
    shuffle_write_bytes: int = 0
    tasks: int = 0
    tasks_failed: int = 0
    elsewhere: Telemetry | None = None
    cached: tuple[CachedData, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
