"""Each rule, with a real job that it is about, and one that it has nothing to say of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.config_models import Config, PluginEntry
from hookline.core.events import RunEnded
from hookline.core.telemetry import CachedData, RunTelemetry
from hookline.observability.advice import RULES, Advice, Thresholds, advise, from_document
from hookline.pipelines import attach
from hookline.testing import RecordingPlugin, sample_run_ended

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
# What a small job can reach; where a rule is not about size these are the usual ones.
SMALL = Thresholds(
    skew_s=0.3,
    spill_bytes=100_000,
    small_file_bytes=50_000,
    small_files=8,
    small_tasks=40,
    large_task_bytes=200_000,
    shuffle_bytes=100_000,
    gc_s=0.0,
    result_bytes=300_000,
    idle_share=0.9,
    idle_core_s=0.5,
    single_task_s=0.3,
    cached_bytes=1,
)


class Wanting(RecordingPlugin):
    """A plugin that wants to know what Spark spends."""

    needs_telemetry = True


class Bench:
    """Runs a job, attached, and gives its advice."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark = spark
        self.folder = folder
        self._runs = 0

    def ended(self, job: Callable[[SparkSession, str], Any], **settings: str) -> RunEnded:
        self._runs += 1
        config = Config(state_dir=self.folder / "state", plugins=(PluginEntry(f"{__name__}:Wanting"),))
        for name, value in settings.items():
            self.spark.conf.set(name.replace("_", "."), value)
        try:
            with attach.attach(self.spark, config, job="test"):
                job(self.spark, str(self.folder / f"out{self._runs}"))
        finally:
            for name in settings:
                self.spark.conf.unset(name.replace("_", "."))
        ended: RunEnded = RecordingPlugin.last.seen("on_run_finished")[-1]
        return ended

    def rules(self, job: Callable[[SparkSession, str], Any], limits: Thresholds = SMALL, **settings: str) -> set[str]:
        return {one.rule for one in advise(self.ended(job, **settings), limits)}


@pytest.fixture
def bench(spark: SparkSession, tmp_path: Path) -> Bench:
    return Bench(spark, tmp_path)


def _plain(spark: SparkSession, out: str) -> None:
    """Nothing is the matter with it."""
    spark.range(0, 1000, 1, 2).write.parquet(out)


def _skewed(spark: SparkSession, out: str) -> None:
    """Of eight partitions one has nearly everything to do."""
    slow = "aggregate(sequence(0, IF(id = 0, 3000000, 10)), 0L, (a, x) -> a + x % 7)"
    spark.range(0, 8, 1, 8).selectExpr(f"{slow} AS x").write.parquet(out)


def _even(spark: SparkSession, out: str) -> None:
    slow = "aggregate(sequence(0, 20000), 0L, (a, x) -> a + x % 7)"
    spark.range(0, 8, 1, 8).selectExpr(f"{slow} AS x").write.parquet(out)


def _spilling(spark: SparkSession, out: str) -> None:
    """A sort of more rows than may be held before they are spilled."""
    spark.range(0, 60_000, 1, 2).selectExpr("id", "uuid() AS text").sortWithinPartitions("text").write.parquet(out)


def _many_files(spark: SparkSession, out: str) -> None:
    spark.range(0, 1000, 1, 10).write.parquet(out)


def _many_tasks(spark: SparkSession, out: str) -> None:
    spark.range(0, 1000, 1, 50).coalesce(50).selectExpr("id % 3 AS part").groupBy("part").count().write.parquet(out)


def _large(spark: SparkSession, out: str) -> None:
    source = f"{out}-source"
    spark.range(0, 60_000, 1, 1).selectExpr("uuid() AS text").write.parquet(source)
    spark.read.parquet(source).coalesce(1).write.parquet(out)


def _repartitioned(spark: SparkSession, out: str) -> None:
    spark.range(0, 60_000, 1, 2).repartition(3).write.parquet(out)


def _aggregated(spark: SparkSession, out: str) -> None:
    spark.range(0, 60_000, 1, 2).selectExpr("id % 30000 AS part").groupBy("part").count().write.parquet(out)


def _flaky(spark: SparkSession, out: str) -> None:
    """A task that fails at first, as one on a lost machine does."""
    frame = spark.range(0, 4, 1, 2)

    def fails_once(rows: Any) -> Any:
        from pyspark import TaskContext

        context = TaskContext.get()
        if context is not None and context.partitionId() == 0 and context.attemptNumber() == 0:
            raise OSError("a machine was lost")
        return rows

    spark.createDataFrame(frame.rdd.mapPartitions(fails_once), "id long").write.parquet(out)


def _alone(spark: SparkSession, out: str) -> None:
    slow = "aggregate(sequence(0, 3000000), 0L, (a, x) -> a + x % 7)"
    spark.range(0, 2, 1, 1).selectExpr(f"{slow} + id AS x").write.parquet(out)


def _collected(spark: SparkSession, out: str) -> None:
    spark.range(0, 20_000, 1, 2).selectExpr("uuid() AS text").collect()


def _counted(spark: SparkSession, out: str) -> None:
    spark.range(0, 20_000, 1, 2).selectExpr("uuid() AS text").selectExpr("count(text)").collect()


def _cached_once(spark: SparkSession, out: str) -> None:
    spark.range(0, 1000, 1, 2).selectExpr("id + 1 AS x").cache().write.parquet(out)


def _cached_twice(spark: SparkSession, out: str) -> None:
    frame = spark.range(0, 1000, 1, 2).selectExpr("id + 2 AS x").cache()
    frame.count()
    frame.write.parquet(out)


@pytest.mark.parametrize(
    ("rule", "job", "harmless", "settings"),
    [
        ("skew", _skewed, _even, {}),
        ("disk_spill", _spilling, _plain, {}),
        ("tiny_files", _many_files, _plain, {}),
        ("small_partitions", _many_tasks, _plain, {}),
        ("large_partitions", _large, _plain, {}),
        ("needless_shuffle", _repartitioned, _aggregated, {}),
        ("single_task", _alone, _plain, {}),
        ("driver_collect", _collected, _counted, {}),
        ("cached_and_unused", _cached_once, _cached_twice, {}),
        ("idle_executors", lambda spark, out: (_plain(spark, out), _wait()), _even, {}),
    ],
)
def test_a_rule_speaks_of_the_job_that_it_is_about_and_of_no_other(
    bench: Bench, rule: str, job: Any, harmless: Any, settings: dict[str, str]
) -> None:
    try:
        assert rule in bench.rules(job)
        assert rule not in bench.rules(harmless, dataclasses.replace(SMALL, idle_share=0.3))
    finally:
        bench.spark.catalog.clearCache()


def _wait() -> None:
    import time

    time.sleep(1.0)
