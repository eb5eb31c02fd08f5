"""Suites on real writes: other datasets, the run before, and shapes of plans that lead measuring astray elsewhere."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.config_models import Config, PluginEntry
from hookline.core.errors import WriteRefusedError
from hookline.core.fuse.child import shared_child
from hookline.pipelines import attach, watch
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture
def run(spark: SparkSession, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Attaches with a suite of these checks; a second call is a second run."""
    opened: list[Any] = []

    def begin(checks: str) -> RecordingPlugin:
        if opened:
            opened.pop().detach()
        (tmp_path / "s.yaml").write_text(f"dataset: '*'\nchecks:\n{checks}")
        plugins = (
            PluginEntry("quality", {"suites": [str(tmp_path / "s.yaml")]}),
            PluginEntry("hookline.testing:RecordingPlugin"),
        )
        opened.append(attach.attach(spark, Config(state_dir=tmp_path / "state", plugins=plugins), job="test"))
        return RecordingPlugin.last

    yield begin
    opened.pop().detach()


def verdicts(recorder: RecordingPlugin) -> dict[str, tuple[str, Any, str]]:
    watch.drain()
    (write,) = recorder.seen("on_write_finished")
    return {verdict.check: (verdict.status, verdict.observed, verdict.way) for verdict in write.verdicts}


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_rows_are_held_against_another_dataset(kind: str, run: Any, spark: SparkSession, tmp_path: Path) -> None:
    customers, orders = str(tmp_path / "customers"), str(tmp_path / "orders")
    spark.sql("SELECT id, id * 1.5BD AS paid FROM range(10)").write.format(kind).save(customers)
    recorder = run(
        f"  - references: {{columns: customer, dataset: {customers}, to: id}}\n    severity: critical\n"
        f"  - set: {{column: customer, dataset: {customers}, values_from: id}}\n    tolerance: 1\n"
        f"  - reconcile: {{column: amount, dataset: {customers}, to: paid}}\n"
        f"  - reconcile: {{dataset: {customers}, within: 5}}\n    name: as many\n"
        f"  - quantile: {{column: amount, quantile: 0.5, max: 6.75}}\n"
        f"  - sql: {{query: SELECT * FROM data ANTI JOIN c ON c.id = data.customer, datasets: {{c: {customers}}}}}\n"
    )
    good = spark.sql("SELECT id, id AS customer, id * 1.5BD AS amount FROM range(10)")
    good.write.format(kind).save(orders)
    assert verdicts(recorder) == {
        "references(customer)": ("passed", 0, "vectorised"),
        "set(customer)": ("passed", 0, "vectorised"),
        "reconcile(amount)": ("passed", 0, "vectorised"),
        "as many": ("passed", 0, "proof"),
        "quantile(amount, 0.5)": ("passed", 6.75, "vectorised"),
        "sql": ("passed", 0, "spark"),
    }
    assert [
        read.dataset.name for read in recorder.seen("on_write_finished")[0].inputs if read.dataset.name == customers
    ] == []
    assert customers not in {event.dataset.name for event in recorder.seen("on_read_observed")}
    with pytest.raises(WriteRefusedError, match="references"):
        good.selectExpr("id", "customer + 1 AS customer", "amount").write.format(kind).save(f"{orders}2")
    assert not (tmp_path / "orders2").exists() or kind == "delta"


def test_what_it_refers_to_is_missed_before_anything_is_written(run: Any, spark: SparkSession, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    run(f"  - references: {{columns: id, dataset: {nowhere}}}\n    severity: critical\n")
    with pytest.raises(WriteRefusedError, match="there is no such path"):
        spark.range(3).write.parquet(str(tmp_path / "t"))
    assert not (tmp_path / "t").exists()
    run("  - completeness: id\n")
    spark.range(3).write.parquet(str(nowhere))
    recorder = run(f"  - references: {{columns: id, dataset: {nowhere}}}\n    severity: critical\n")
    spark.range(3).write.parquet(str(tmp_path / "t"))
    assert verdicts(recorder)["references(id)"][0] == "passed"


def test_a_write_is_held_against_the_run_before(run: Any, spark: SparkSession, tmp_path: Path) -> None:
    path, checks = str(tmp_path / "t"), "  - row_count_change: {min: -0.5}\n    severity: critical\n"
    recorder = run(checks)
    spark.range(10).write.mode("overwrite").parquet(path)
    spark.range(1).write.mode("overwrite").parquet(path)  # of the same run: not compared
    watch.drain()
    first, second = recorder.seen("on_write_finished")
    assert [w.verdicts[0].message for w in (first, second)] == ["there is no earlier write to compare with"] * 2
    spark.range(10).write.mode("overwrite").parquet(path)
    recorder = run(checks)
    spark.range(5).write.mode("overwrite").parquet(path)
    assert verdicts(recorder) == {"row_count_change": ("passed", -0.5, "proof")}
    run(checks)
    with pytest.raises(WriteRefusedError, match="row_count_change"):
        spark.range(2).write.mode("overwrite").parquet(path)
    assert spark.read.parquet(path).count() == 5
    recorder = run(checks)
    spark.range(3).write.mode("overwrite").parquet(path)  # what was refused was never published
    assert verdicts(recorder)["row_count_change"][:2] == ("passed", -0.4)


EXACT = """\
  - unique: [id, part]
  - quantile: {column: x, quantile: 0.5, min: 0}
  - sum: {column: id, min: 0}
  - references: {columns: id, to: id}
  - monotonic: {column: id, by: id}
  - expression: id % 2 = 0
  - completeness: x
  - stddev: {column: x, min: 0}
"""
SHAPES: dict[str, Callable[[Any], DataFrame]] = {
    "plain": lambda frame: frame,
    "cached": lambda frame: frame.cache(),
    "ordered": lambda frame: frame.orderBy("x", ascending=False),
    "repartitioned by range": lambda frame: frame.repartitionByRange(3, "id"),
    "self join": lambda frame: frame.alias("a").join(frame.alias("b"), "id").selectExpr("id", "a.x", "a.part"),
    "union with itself": lambda frame: frame.where("id < 50").union(frame.where("id >= 50")),
    "adaptive": lambda frame: frame.groupBy("id", "part").agg({"x": "max"}).toDF("id", "part", "x"),
    "limited": lambda frame: frame.limit(100),
    "one partition of many empty ones": lambda frame: frame.repartition(1).union(frame.where("id < 0").repartition(5)),
}


def _by_path(frame: DataFrame, path: Path) -> None:
    frame.write.parquet(str(path))


def _by_partition(frame: DataFrame, path: Path) -> None:
    frame.write.partitionBy("part").parquet(str(path))


def _by_bucket(frame: DataFrame, path: Path) -> None:
    name = f"t_{uuid.uuid4().hex[:8]}"
    frame.write.bucketBy(2, "id").sortBy("x").option("path", str(path)).saveAsTable(name)
    frame.sparkSession.sql(f"DROP TABLE {name}")


def _as_csv(frame: DataFrame, path: Path) -> None:
    frame.write.csv(str(path), header=True)


WRITES = {"by path": _by_path, "partitioned": _by_partition, "bucketed": _by_bucket, "csv": _as_csv}
CASES = [*((shape, "by path") for shape in SHAPES), *(("ordered", how) for how in WRITES if how != "by path")]


@pytest.mark.parametrize(("shape", "how"), CASES)
def test_counts_are_exact_whatever_the_plan(
    shape: str, how: str, run: Any, spark: SparkSession, tmp_path: Path
) -> None:
    frame = spark.sql("SELECT id, CASE WHEN id % 10 > 0 THEN id / 4 END AS x, id % 3 AS part FROM range(100)")
    recorder = run(EXACT)
    made = SHAPES[shape](frame)
    WRITES[how](made, tmp_path / "t")
    made.unpersist()
    found = {check: (status, observed) for check, (status, observed, _) in verdicts(recorder).items()}
    assert found.pop("stddev(x)")[1] == pytest.approx(7.25004843, rel=1e-4)
    assert found == {
        "unique(id, part)": ("passed", 0),
        "quantile(x, 0.5)": ("passed", 12.5),
        "sum(id)": ("passed", 4950),
        "references(id)": ("passed", 0),
        "monotonic(id)": ("passed", 0),
        "expression(id)": ("failed", 50),
        "completeness(x)": ("failed", 10),
    }


def test_an_empty_write_passes(run: Any, spark: SparkSession, tmp_path: Path) -> None:
    recorder = run(EXACT)
    spark.sql("SELECT id, double(id) AS x, id % 3 AS part FROM range(0)").write.parquet(str(tmp_path / "t"))
    assert {status for status, _, _ in verdicts(recorder).values()} == {"passed"}


@pytest.fixture(autouse=True, scope="module")
def no_child_left() -> Any:
    yield
    shared_child().close()
