"""What is measured is what was written, on executors of their own: tasks that fail, run twice, or lose what they read.

One job with a small cluster of processes does all of it; the numbers it should find follow from how its rows are made.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Jobs

pytestmark = [pytest.mark.spark, pytest.mark.timeout(450)]

ROWS = 4000
JOB = '''
import json, os, signal, sys, time
from pathlib import Path

import pyspark
from pyspark import TaskContext
from pyspark.sql import SparkSession

import hookline
from hookline.core.config_models import Config, PluginEntry
from hookline.core.events import Measure
from hookline.testing import RecordingPlugin

os.environ["SPARK_HOME"] = os.path.dirname(pyspark.__file__)
here = os.getcwd()
spark = (
    SparkSession.builder.master("local-cluster[2,1,700]").config("spark.executor.memory", "600m")
    .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "4")
    .config("spark.sql.warehouse.dir", here + "/warehouse")
    .config("spark.speculation", "true").config("spark.speculation.interval", "100ms")
    .config("spark.speculation.quantile", "0.5").config("spark.speculation.multiplier", "1.1")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("OFF")
hookline.attach(spark, Config(state_dir=Path(here, "state"), plugins=(PluginEntry("hookline.testing:RecordingPlugin"),)))
recorder = RecordingPlugin.last
recorder.answers["measure_write"] = [
    Measure.rows(), Measure.nulls("v"), Measure.outside("v", maximum=50), Measure.total("id"), Measure.duplicates("k"),
]


def failing(batches):
    """Every second task fails when all its rows are on their way; the next attempt does not."""
    yield from batches
    task = TaskContext.get()
    if task.attemptNumber() == 0 and task.partitionId() % 2 == 0:
        raise RuntimeError("the first attempt")


def lagging(batches):
    """The first task takes so long that another one is begun beside it."""
    yield from batches
    task = TaskContext.get()
    if task.attemptNumber() == 0 and task.partitionId() == 0:
        Path(here, "lagged").touch()
        time.sleep(20)


def losing(batches):
    """The executor dies once, and what it had shuffled with it: the stage before has to run again."""
    mark = Path(here, "lost")
    if TaskContext.get().partitionId() == 0 and not mark.exists():
        mark.touch()
        time.sleep(1)  # another task has read what this executor holds
        daemon = os.getppid()
        executor = int(Path(f"/proc/{daemon}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(executor, signal.SIGKILL)
        time.sleep(60)
    yield from batches


columns = ["id", "if(id % 10 = 0, null, id % 100) v", "id div 2 k", "id % 3 part"]
rows = spark.range(ROWS, numPartitions=4).selectExpr(*columns)
cached = rows.selectExpr("*").cache()
cached.count()


def through(function, frame=rows):
    return frame.mapInPandas(function, frame.schema)


cases = {
    "failing": lambda: through(failing),
    "lagging": lambda: through(lagging),
    "losing": lambda: through(losing, rows.repartition(4, "id")),
    "cached": lambda: cached,
    "ordered": lambda: rows.orderBy("v"),
    "joined": lambda: rows.join(rows.select("id"), "id"),
    "grouped": lambda: rows.groupBy("id", "v", "k", "part").count().drop("count"),
    "empty": lambda: rows.where("id < 0"),
}
for case, make in cases.items():
    for mark in ("lost", "lagged"):
        Path(here, mark).unlink(missing_ok=True)
    make().write.parquet(f"{here}/{case}")
    for mark in ("lost", "lagged"):
        Path(here, mark).unlink(missing_ok=True)
    make().write.format("noop").mode("overwrite").save()
rows.write.partitionBy("part").parquet(f"{here}/partitioned")
rows.write.partitionBy("part").bucketBy(3, "k").saveAsTable("bucketed")
for write in recorder.seen("on_write_finished"):
    values = {str(one): [value.value, value.way] for one, value in write.measured}
    print(json.dumps({"name": write.dataset.name, "values": values}))
print(json.dumps({"failed": len(recorder.seen("on_write_failed"))}))
spark.stop()
'''.replace("ROWS", str(ROWS))


def truth(ids: range) -> dict[str, int | None]:
    values = [None if number % 10 == 0 else number % 100 for number in ids]
    return {
        "rows()": len(ids),
        "nulls(v)": sum(value is None for value in values),
        "outside(v)": sum(value is not None and value > 50 for value in values),
        "total(id)": sum(ids) if ids else None,
        "duplicates(k)": len(ids),
    }


def test_what_is_measured_is_what_was_written(jobs: Jobs) -> None:
    ended = jobs.finish(jobs.start(jobs.write("job.py", JOB)), deadline_s=400)
    assert ended.code == 0, ended.err
    *writes, last = [json.loads(line) for line in ended.out.splitlines()]
    assert last == {"failed": 0}
    files = {write["name"].rpartition("/")[2]: write["values"] for write in writes if "/" in write["name"]}
    assert len(files) == 10
    for name, values in files.items():
        expected = truth(range(0 if name == "empty" else ROWS))
        assert {measure: value for measure, (value, _) in values.items()} == expected, name
    # Nothing can be read back there: what rode along is right, or there is no value.
    ridden: list[dict[str, Any]] = [write["values"] for write in writes if "/" not in write["name"]]
    assert len(ridden) == 8
    for number, values in enumerate(ridden):
        expected = truth(range(0 if number == 7 else ROWS))
        for measure, (value, way) in values.items():
            assert value == expected[measure] if way == "observe" else value is None, (number, measure)
        assert values["rows()"][1] == "observe"
