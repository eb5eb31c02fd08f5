"""Every way in which PySpark writes is one Write on the bus, with the right name, operation, rows and measures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.config_models import Config, PluginEntry
from hookline.core.errors import WriteRefusedError
from hookline.core.events import Measure, Measured, Verdict, Write
from hookline.pipelines import attach, watch
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark
ROWS = 5


@pytest.fixture
def recorder(spark: SparkSession, tmp_path: Path) -> Iterator[RecordingPlugin]:
    """The session, attached with a plugin that keeps what it is told."""
    config = Config(state_dir=tmp_path / "state", plugins=(PluginEntry("hookline.testing:RecordingPlugin"),))
    attachment = attach.attach(spark, config, job="test")
    plugin = RecordingPlugin.last
    plugin.answers["measure_write"] = [Measure.rows(), Measure.nulls("id"), Measure.outside("id", minimum=1)]
    yield plugin
    attachment.detach()


@pytest.fixture
def frame(spark: SparkSession) -> DataFrame:
    return spark.range(ROWS).selectExpr("id", "cast(id as string) as name", "id % 2 as part")


def only_write(recorder: RecordingPlugin) -> Write:
    """The one write that finished; interception saw it, and nothing was reported twice."""
    watch.drain()
    writes: list[Write] = recorder.seen("on_write_finished")
    assert len(writes) == 1, writes
    assert writes[0].intercepted
    return writes[0]


def measured(recorder: RecordingPlugin) -> dict[Measure, Measured]:
    results: list[dict[Measure, Measured]] = recorder.seen("judge_write")
    assert len(results) == 1
    return results[0]


PATH_WRITES: dict[str, Callable[[DataFrame, str], Any]] = {
    "parquet": lambda df, path: df.write.parquet(path),
    "csv": lambda df, path: df.write.csv(path, header=True),
    "json": lambda df, path: df.write.json(path),
    "orc": lambda df, path: df.write.orc(path),
    "save": lambda df, path: df.write.format("parquet").save(path),
    "save with keywords": lambda df, path: df.write.save(path, format="parquet", mode="overwrite"),
    "path as an option": lambda df, path: df.write.format("parquet").option("path", path).save(),
    "partitionBy": lambda df, path: df.write.partitionBy("part").parquet(path),
    "partitionBy as an argument": lambda df, path: df.write.parquet(path, partitionBy=["part"]),
    "delta": lambda df, path: df.write.format("delta").save(path),
    "delta, partitioned": lambda df, path: df.write.format("delta").partitionBy("part").save(path),
    "pandas-on-Spark": lambda df, path: df.pandas_api(index_col="id").to_parquet(path, index_col="id"),
    "SQL into a folder": lambda df, path: _sql(
        df, f"INSERT OVERWRITE DIRECTORY '{path}' USING parquet SELECT * FROM {{source}}"
    ),
}


def _sql(df: DataFrame, text: str) -> DataFrame:
    return df.sparkSession.sql(text, source=df)


@pytest.mark.parametrize("how", PATH_WRITES)
def test_a_write_to_a_path(how: str, recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path) -> None:
    path = str(tmp_path / "out put")
    PATH_WRITES[how](frame, path)
    write = only_write(recorder)
    assert (write.dataset.namespace, write.dataset.name) == ("file", path)
    assert (write.rows, write.published) == (ROWS, True)
    assert write.bytes is None or write.bytes > 0
    results = measured(recorder)
    assert [results[m].value for m in recorder.answers["measure_write"]] == [ROWS, 0, 1]


def test_a_write_that_nobody_intercepted_is_found_and_marked(
    recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path
) -> None:
    frame._jdf.write().parquet(str(tmp_path / "behind"))
    watch.drain()
    (write,) = recorder.seen("on_write_finished")
    assert (write.intercepted, write.dataset.name, write.rows) == (False, str(tmp_path / "behind"), ROWS)
    results = measured(recorder)
    assert [results[m].value for m in recorder.answers["measure_write"]] == [ROWS, 0, 1]


def test_the_safety_net_judges_late_rather_than_never(
    recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path
) -> None:
    recorder.answers["judge_write"] = [Verdict("c", "critical", "failed", failing_rows=1)]
    frame._jdf.write().format("delta").save(str(tmp_path / "behind"))
    watch.drain()
    (write,) = recorder.seen("on_write_failed")
    assert not write.intercepted
    assert write.verdicts[0].refuses


def test_reads_are_named(recorder: RecordingPlugin, spark: SparkSession, frame: DataFrame, tmp_path: Path) -> None:
    source, target = str(tmp_path / "source"), str(tmp_path / "target")
    frame.write.parquet(source)
    recorder.calls.clear()
    spark.read.parquet(source).where("id in (select max(id) from range(3))").write.parquet(target)
    write = only_write(recorder)
    assert [read.dataset.name for read in write.inputs] == [source]
    assert [read.dataset.name for read in recorder.seen("on_read_observed")] == [source]


def test_a_read_without_a_write_is_seen(recorder: RecordingPlugin, spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "only read")
    spark.range(3).write.parquet(path)
    recorder.calls.clear()
    assert spark.read.parquet(path).count() == 3
    watch.drain()
    assert path in [read.dataset.name for read in recorder.seen("on_read_observed")]


def test_a_failed_write_fails_as_it_would_alone(recorder: RecordingPlugin, spark: SparkSession, tmp_path: Path) -> None:
    from pyspark.errors import SparkRuntimeException

    secret = "row value 4711"
    with pytest.raises(SparkRuntimeException, match=secret):
        spark.range(3).selectExpr(f"raise_error('{secret}') as v").write.parquet(str(tmp_path / "failed"))
    watch.drain()
    (write,) = recorder.seen("on_write_failed")
    assert write.error.condition == "USER_RAISED_EXCEPTION"
    assert secret not in repr(write)
    assert recorder.seen("on_write_finished") == []


def _mask(event: Write, frame: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    return frame.withColumn("name", F.lit("***"))


@pytest.mark.parametrize("how", PATH_WRITES)
def test_what_is_written_to_a_path_can_be_changed(
    how: str, recorder: RecordingPlugin, spark: SparkSession, frame: DataFrame, tmp_path: Path
) -> None:
    recorder.answers["transform_write"] = _mask
    path = str(tmp_path / "masked")
    PATH_WRITES[how](frame, path)
    kind = only_write(recorder).dataset.format or ""
    options = {"header": "true"} if kind == "csv" else {}
    written = spark.read.format(kind).options(**options).load(path)
    assert {row["name"] for row in written.collect()} == {"***"}


@pytest.mark.parametrize(
    ("kind", "way", "rows"), [("parquet", "proof", ROWS), ("csv", "none", None), ("json", "none", None)]
)
def test_rows_that_nobody_asked_for_are_told_only_where_they_cost_nothing(
    kind: str, way: str, rows: int | None, recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path
) -> None:
    recorder.answers["measure_write"] = None
    frame.write.format(kind).save(str(tmp_path / "out"))
    write = only_write(recorder)
    assert (write.way, write.rows) == (way, rows)


def test_a_critical_verdict_refuses(recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path) -> None:
    recorder.answers["judge_write"] = [Verdict("c", "critical", "failed", failing_rows=2, expected="none")]
    with pytest.raises(WriteRefusedError, match="2 rows fail, expected none"):
        frame.write.parquet(str(tmp_path / "bad"))
    (write,) = recorder.seen("on_write_failed")
    assert write.verdicts[0].check == "c"


def test_a_required_measure_of_a_missing_column_refuses_before_anything_is_written(
    recorder: RecordingPlugin, frame: DataFrame, tmp_path: Path
) -> None:
    recorder.answers["measure_write"] = [Measure.nulls("nmae", required=True)]
    with pytest.raises(WriteRefusedError, match="nothing was published"):
        frame.write.parquet(str(tmp_path / "never"))
    assert not (tmp_path / "never").exists()
