"""The rules. Each looks at the telemetry of a write or a run and gives advice, or nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping

from hookline.core.events import RunEnded, Write
from hookline.core.telemetry import RunTelemetry, StageTelemetry, Telemetry
from hookline.core.text import in_units, in_words, printable, shorten
from hookline.observability.advice.model import Advice, Setting, Thresholds

_DATASET = 300
# What starting, scheduling and ending a task takes at least.
_TASK_COST_S = 0.01
_Settings = Mapping[str, str]


def advise(ended: RunEnded, thresholds: Thresholds | None = None) -> list[Advice]:
    """All advice that a run's numbers give, the most worthwhile first; of a stream's batches, each rule once a dataset."""
    known = thresholds or Thresholds()
    settings = dict(ended.telemetry.settings) if ended.telemetry is not None else {}
    found: dict[tuple[str, str], Advice] = {}
    for one in _all(ended, known, settings):
        key = (one.rule, one.dataset)
        before = found.get(key)
        if before is None:
            found[key] = one
        else:
            worse = max(before, one, key=lambda advice: advice.worth_s)
            worth_s, times = before.worth_s + one.worth_s, before.times + 1
            found[key] = dataclasses.replace(worse, worth_s=worth_s, times=times)
    return sorted(found.values(), key=lambda advice: -advice.worth_s)


def _all(ended: RunEnded, thresholds: Thresholds, settings: _Settings) -> Iterator[Advice]:
    for write in ended.writes:
        if write.telemetry is None or not write.telemetry.known:
            continue
        dataset = shorten(printable(str(write.dataset)), _DATASET)
        for rule in _WRITE_RULES.values():
            for advice in rule(write, write.telemetry, thresholds, settings):
                yield dataclasses.replace(advice, dataset=dataset)
    if ended.telemetry is not None and ended.telemetry.known:
        for of_run in _RUN_RULES.values():
            yield from of_run(ended.telemetry, thresholds, settings)


def _skew(write: Write, told: Telemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    for stage in _worst(told.stages, lambda stage: stage.skew or 0):
        spread = stage.task_run_s
        if spread is None or (stage.skew or 0) < limits.skew or spread.maximum - spread.median < limits.skew_s:
            continue
        yield Advice(
            "skew",
            f"one task of stage {stage.stage_id} ran {in_words(spread.maximum)}, the middle one of {stage.tasks_done} "
            f"{in_words(spread.median)}: a few keys have most of the rows",
            {"longest_task_s": spread.maximum, "median_task_s": spread.median, "tasks": stage.tasks_done},
            (
                _setting(settings, "spark.sql.adaptive.skewJoin.enabled", "true splits skewed partitions of joins"),
                Setting("salting", "for an aggregation, group by the key and a random number first"),
            ),
            worth_s=spread.maximum - spread.median,
        )


def _spill(write: Write, told: Telemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    if told.disk_spill_bytes >= limits.spill_bytes:
        yield Advice(
            "disk_spill",
            f"{in_units(told.disk_spill_bytes)} did not fit into memory and went to disk and back",
            {"disk_spill_bytes": told.disk_spill_bytes, "memory_spill_bytes": told.memory_spill_bytes},
            (
                _setting(settings, "spark.sql.shuffle.partitions", "more, so that each task holds less"),
                _setting(settings, "spark.executor.memory", "more, or fewer spark.executor.cores to share it"),
            ),
            worth_s=told.disk_spill_bytes / 100e6,
        )


def _tiny_files(write: Write, told: Telemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    files, size = write.files or 0, write.bytes or 0
    if files >= limits.small_files and size / files < limits.small_file_bytes:
        yield Advice(
            "tiny_files",
            f"{files:,} files of {in_units(size / files)} on average: whoever reads them opens each",
            {"files": files, "bytes": size, "bytes_per_file": size / files},
            (
                _setting(
                    settings,
                    "spark.sql.adaptive.advisoryPartitionSizeInBytes",
                    "128m, after a REBALANCE hint on the columns that the data is partitioned by",
                ),
                Setting("coalesce", "before the write, to one task for every 128 MiB or so"),
            ),
            worth_s=files * 0.05,
        )


def _small_tasks(write: Write, told: Telemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    for stage in _worst(told.stages, lambda stage: stage.tasks_done):
        spread = stage.task_run_s
        if spread is None or stage.tasks_done < limits.small_tasks or spread.median >= limits.small_task_s:
            continue
        yield Advice(
            "small_partitions",
            f"stage {stage.stage_id} cut its work into {stage.tasks_done:,} tasks, of which the middle one ran "
            f"{spread.median * 1000:.0f} ms: starting them takes longer than they do",
            {"tasks": stage.tasks_done, "median_task_s": spread.median},
            (
                _setting(settings, "spark.sql.shuffle.partitions", "fewer; twice or three times the cores"),
                _setting(settings, "spark.sql.adaptive.coalescePartitions.enabled", "true joins small partitions"),
            ),
            worth_s=stage.tasks_done * _TASK_COST_S,
        )


def _large_tasks(write: Write, told: Telemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    for stage in _worst(told.stages, _read_by_middle_task):
        size = _read_by_middle_task(stage)
        if size < limits.large_task_bytes:
            continue
        shuffled = stage.task_shuffle_read_bytes is not None and stage.task_shuffle_read_bytes.median >= size
        name = "spark.sql.shuffle.partitions" if shuffled else "spark.sql.files.maxPartitionBytes"
        yield Advice(
            "large_partitions",
            f"the middle task of stage {stage.stage_id} read {in_units(size)}: too much for one, when it fails or spills",
            {"bytes_per_task": size, "tasks": stage.tasks_done},
            (_setting(settings, name, "more partitions" if shuffled else "smaller, such as 128m"),),
            worth_s=stage.executor_run_s * 0.1,
        )


def _needless_shuffle(write: Write, told: Telemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    """One shuffle, as many rows before it as after, and no column more or less to show for it: a repartition."""
    rows = told.output_rows
    same = rows > 0 and told.shuffle_write_rows == told.shuffle_read_rows == rows == told.input_rows
    if same and told.shuffle_write_bytes >= limits.shuffle_bytes and told.stages_total == 2:
        yield Advice(
            "needless_shuffle",
            f"all {rows:,} rows ({in_units(told.shuffle_write_bytes)}) were shuffled and then written as they were: where "
            "neither their order nor their place matters, the write does not need it",
            {"shuffle_rows": rows, "shuffle_bytes": told.shuffle_write_bytes},
            (Setting("repartition", "leave it out, or coalesce to get fewer files without a shuffle"),),
            worth_s=told.shuffle_write_bytes / 50e6,
        )


def _gc(write: Write, told: Telemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    if told.executor_run_s > 0 and told.gc_s >= limits.gc_s and told.gc_s / told.executor_run_s >= limits.gc_share:
        yield Advice(
            "gc_pressure",
            f"{100 * told.gc_s / told.executor_run_s:.0f} % of the tasks' time ({in_words(told.gc_s)}) went into garbage "
            "collection",
            {"gc_s": told.gc_s, "executor_run_s": told.executor_run_s},
            (
                _setting(settings, "spark.executor.memory", "more for each core"),
                _setting(settings, "spark.executor.cores", "fewer that share it"),
            ),
            worth_s=told.gc_s,
        )


def _failures(write: Write, told: Telemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    if told.tasks_failed or told.stage_retries:
        yield Advice(
            "failed_tasks",
            f"{told.tasks_failed:,} attempts of tasks failed and {told.stage_retries:,} stages ran again: executors that are "
            "lost or run out of memory, or data that only sometimes can be read",
            {"tasks_failed": told.tasks_failed, "stage_retries": told.stage_retries, "tasks_killed": told.tasks_killed},
            (
                _setting(
                    settings, "spark.executor.memoryOverhead", "more, when executors were killed for their memory"
                ),
                Setting("spark.task.maxFailures", "stays as it is: find out why they fail first"),
            ),
            worth_s=told.executor_run_s * (told.tasks_failed / max(1, told.tasks + told.tasks_failed)),
        )


def _fetch(write: Write, told: Telemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    run_s = told.executor_run_s
    if run_s > 0 and told.fetch_wait_s >= limits.fetch_s and told.fetch_wait_s / run_s >= limits.fetch_share:
        yield Advice(
            "shuffle_waits",
            f"tasks waited {in_words(told.fetch_wait_s)} for shuffled rows, {100 * told.fetch_wait_s / run_s:.0f} % of their "
            f"time: {in_units(told.shuffle_read_bytes)} crossed over",
            {"fetch_wait_s": told.fetch_wait_s, "executor_run_s": run_s, "shuffle_read_bytes": told.shuffle_read_bytes},
            (_setting(settings, "spark.sql.autoBroadcastJoinThreshold", "higher, when one side of a join is small"),),
            worth_s=told.fetch_wait_s,
        )


def _single_task(write: Write, told: Telemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    for stage in _worst(told.stages, lambda stage: stage.executor_run_s if stage.tasks == 1 else 0):
        if stage.tasks == 1 and stage.executor_run_s >= limits.single_task_s:
            yield Advice(
                "single_task",
                f"stage {stage.stage_id} was one task that ran {in_words(stage.executor_run_s)}, while all other cores had "
                "nothing to do for it",
                {"task_s": stage.executor_run_s},
                (Setting("coalesce(1)", "leave it out; a window without PARTITION BY and a global sort do the same"),),
                worth_s=stage.executor_run_s,
            )


def _unused_cache(told: RunTelemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    unused = [one for one in told.cached if one.uses is not None and one.uses <= 1]
    size = sum(one.memory_bytes + one.disk_bytes for one in unused)
    if unused and size >= limits.cached_bytes:
        yield Advice(
            "cached_and_unused",
            f"{len(unused)} cached frames ({in_units(size)}) were filled and never read again",
            {"frames": len(unused), "bytes": size},
            (Setting("cache", "leave it out, or unpersist() when it was read for the last time"),),
            worth_s=size / 100e6,
        )


def _cache_overflow(told: RunTelemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    short = [one for one in told.cached if one.partitions_cached < one.partitions]
    missing = sum(one.partitions - one.partitions_cached for one in short)
    if short and sum(one.memory_bytes + one.disk_bytes for one in short) >= limits.cached_bytes:
        yield Advice(
            "cache_does_not_fit",
            f"{missing:,} partitions of {len(short)} cached frames had no room and are made again by everyone who reads them",
            {"frames": len(short), "partitions_missing": missing},
            (
                Setting("persist", "with StorageLevel.MEMORY_AND_DISK, or of fewer columns"),
                _setting(settings, "spark.executor.memory", "more"),
            ),
            worth_s=10.0,
        )


def _collect(told: RunTelemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    elsewhere = told.elsewhere
    if elsewhere is not None and elsewhere.result_bytes >= limits.result_bytes:
        worst = max(elsewhere.stages, key=lambda stage: stage.result_bytes, default=None)
        where = "" if worst is None else f", most of it by stage {worst.stage_id} ({worst.name})"
        yield Advice(
            "driver_collect",
            f"{in_units(elsewhere.result_bytes)} were sent to the driver outside of writes{where}",
            {"result_bytes": elsewhere.result_bytes},
            (
                Setting("collect, toPandas", "write it, or take a sample or an aggregate"),
                _setting(settings, "spark.driver.memory", "as much as is collected, several times"),
            ),
            worth_s=elsewhere.result_bytes / 20e6,
        )


def _idle(told: RunTelemetry, limits: Thresholds, settings: _Settings) -> Iterator[Advice]:
    share = told.busy_share
    if share is not None and share < limits.idle_share and told.core_s >= limits.idle_core_s:
        yield Advice(
            "idle_executors",
            f"of {in_words(told.core_s)} of cores that were there, tasks used {100 * share:.0f} %",
            {"core_s": told.core_s, "executor_run_s": told.executor_run_s, "cores": told.cores},
            (
                _setting(settings, "spark.dynamicAllocation.enabled", "true lets go of executors that do nothing"),
                _setting(settings, "spark.executor.instances", "fewer"),
            ),
            worth_s=told.core_s - told.executor_run_s,
        )


_WriteRule = Callable[[Write, Telemetry, Thresholds, _Settings], Iterator[Advice]]
_RunRule = Callable[[RunTelemetry, Thresholds, _Settings], Iterator[Advice]]
_WRITE_RULES: Mapping[str, _WriteRule] = {
    "skew": _skew,
    "disk_spill": _spill,
    "tiny_files": _tiny_files,
    "small_partitions": _small_tasks,
    "large_partitions": _large_tasks,
    "needless_shuffle": _needless_shuffle,
    "gc_pressure": _gc,
    "failed_tasks": _failures,
    "shuffle_waits": _fetch,
    "single_task": _single_task,
}
_RUN_RULES: Mapping[str, _RunRule] = {
    "cached_and_unused": _unused_cache,
    "cache_does_not_fit": _cache_overflow,
    "driver_collect": _collect,
    "idle_executors": _idle,
}
RULES: tuple[str, ...] = (*_WRITE_RULES, *_RUN_RULES)


def _worst(stages: Iterable[StageTelemetry], key: Callable[[StageTelemetry], float]) -> tuple[StageTelemetry, ...]:
    """The stage that a rule is about: the worst one speaks for the write."""
    found = max(stages, key=key, default=None)
    return () if found is None else (found,)


def _read_by_middle_task(stage: StageTelemetry) -> float:
    spreads = (stage.task_input_bytes, stage.task_shuffle_read_bytes)
    return max((spread.median for spread in spreads if spread is not None), default=0.0)


def _setting(settings: _Settings, name: str, change: str) -> Setting:
    return Setting(name, change, settings.get(name))
