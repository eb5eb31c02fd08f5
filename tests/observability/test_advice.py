"""Each rule, with a real job that it is about, and one that it has nothing to say of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.config_models import Config, PluginEntry
from hookline.core.events import Dataset, RunEnded
from hookline.core.telemetry import CachedData, RunTelemetry, Telemetry
from hookline.observability.advice import RULES, Advice, Thresholds, advise, from_document
from hookline.pipelines import attach
from hookline.testing import RecordingPlugin, sample_run_ended, sample_write

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


SPILLS = {
    "spark.sql.windowExec.buffer.in.memory.threshold": "100",
    "spark.sql.windowExec.buffer.spill.threshold": "1000",
}


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
            self.spark.conf.set(name, value)
        try:
            with attach.attach(self.spark, config, job="test"):
                job(self.spark, str(self.folder / f"out{self._runs}"))
        finally:
            for name in settings:
                self.spark.conf.unset(name)
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
    """A window over more rows than may be held before they are spilled."""
    rows = spark.range(0, 20_000, 1, 1).selectExpr("id", "uuid() AS text")
    rows.selectExpr("text", "count(*) OVER (PARTITION BY id % 2) AS x").write.parquet(out)


def _many_files(spark: SparkSession, out: str) -> None:
    spark.range(0, 1000, 1, 10).write.parquet(out)


def _many_tasks(spark: SparkSession, out: str) -> None:
    spark.range(0, 1000, 1, 50).coalesce(50).selectExpr("id % 3 AS part").groupBy("part").count().write.parquet(out)


def _large(spark: SparkSession, out: str) -> None:
    spark.range(0, 60_000, 1, 2).selectExpr("uuid() AS text").repartition(1).write.parquet(out)


def _repartitioned(spark: SparkSession, out: str) -> None:
    spark.range(0, 60_000, 1, 2).repartition(3).write.parquet(out)


def _aggregated(spark: SparkSession, out: str) -> None:
    spark.range(0, 60_000, 1, 2).selectExpr("id % 30000 AS part").groupBy("part").count().write.parquet(out)


def _failing(spark: SparkSession, out: str) -> None:
    with pytest.raises(Exception, match="boom"):
        spark.range(0, 4, 1, 2).selectExpr("assert_true(id < 3, 'boom')").write.parquet(out)


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
        ("disk_spill", _spilling, _plain, SPILLS),
        ("failed_tasks", _failing, _plain, {}),
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
        assert rule in bench.rules(job, **settings)
        assert rule not in bench.rules(harmless, dataclasses.replace(SMALL, idle_share=0.3))
    finally:
        bench.spark.catalog.clearCache()


def _wait() -> None:
    import time

    time.sleep(1.0)


# -- what a small job can't bring about ---------------------------------------------------------------------------------


def told(**facts: Any) -> RunEnded:
    """A run with one write that spent this."""
    write = sample_write(telemetry=Telemetry(attribution="tag", **facts))
    return sample_run_ended(writes=(write,))


def of_run(**facts: Any) -> RunEnded:
    return sample_run_ended(writes=(), telemetry=RunTelemetry(known=True, **facts))


CACHED = CachedData(1, "Memory", 8, 8, 100 << 20, 0, uses=3)


@pytest.mark.parametrize(
    ("rule", "ended", "harmless"),
    [
        ("gc_pressure", told(executor_run_s=100.0, gc_s=20.0), told(executor_run_s=100.0, gc_s=2.0)),
        ("shuffle_waits", told(executor_run_s=100.0, fetch_wait_s=50.0), told(executor_run_s=100.0, fetch_wait_s=5.0)),
        (
            "cache_does_not_fit",
            of_run(cached=(dataclasses.replace(CACHED, partitions_cached=5),)),
            of_run(cached=(CACHED,)),
        ),
    ],
)
def test_a_rule_speaks_from_its_threshold_on(rule: str, ended: RunEnded, harmless: RunEnded) -> None:
    assert rule in {one.rule for one in advise(ended)}
    assert rule not in {one.rule for one in advise(harmless)}


def test_every_rule_is_tried() -> None:
    text = Path(__file__).read_text()
    assert [rule for rule in RULES if f'("{rule}"' not in text and f'"{rule}",\n' not in text] == []


def test_of_a_streams_batches_a_rule_speaks_once_and_the_costliest_first() -> None:
    batch = Telemetry(attribution="batch", executor_run_s=100.0, gc_s=20.0)
    writes = [sample_write(write_id=f"r/{number}", batch_id=number, telemetry=batch) for number in range(5)]
    slow = Telemetry(attribution="tag", executor_run_s=1000.0, gc_s=500.0)
    other = sample_write(write_id="r/9", dataset=Dataset("file", "/other\n\u202e"), telemetry=slow)
    found = advise(sample_run_ended(writes=(*writes, other)))
    assert [(one.dataset, one.times) for one in found] == [("/other??", 1), ("/data/orders", 5)]
    assert [from_document(one.as_document()) for one in found] == found
    assert all(one.settings and one.evidence for one in found)


def test_a_run_without_numbers_has_no_advice() -> None:
    assert advise(sample_run_ended()) == []
    assert advise(sample_run_ended(telemetry=RunTelemetry(missing=("away",)))) == []
    assert isinstance(Advice("skew", "", {}, ()).worth_s, float)
