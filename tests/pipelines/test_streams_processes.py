"""A streaming job in a process of its own, under ``hookline run``: exit codes, summary, and a clean end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.spark, pytest.mark.slow]

SESSION = """\
import os, sys, time
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

folder = os.path.dirname(os.path.abspath(__file__))
spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
         .config("spark.sql.warehouse.dir", folder + "/warehouse").getOrCreate())
for number in range(2):
    spark.range(number * 5, number * 5 + 5).coalesce(1).write.mode("append").json("in")
stream = spark.readStream.schema("id long").option("maxFilesPerTrigger", 1).json("in")
writer = stream.writeStream.option("checkpointLocation", "checkpoint").trigger(availableNow=True)
def write(frame, batch_id):
    frame.write.mode("append").parquet("out")
"""
SUITE = """\
dataset: "*/out"
checks:
  - range: {column: id, max: 6}
    severity: critical
"""


def run(folder: Path, body: str, *, gated: bool) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """The job under ``hookline run``, and its summary."""
    (folder / "job.py").write_text(SESSION + body)
    (folder / "suite.yaml").write_text(SUITE)
    (folder / "hookline.yaml").write_text("plugins:\n  quality: {suites: [suite.yaml]}\n" if gated else "plugins: {}\n")
    command = [sys.executable, "-m", "hookline", "run", "--config", "hookline.yaml", "--json", "summary.json", "--"]
    done = subprocess.run(
        [*command, "job.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        stdin=subprocess.DEVNULL,
    )
    summary = folder / "summary.json"
    return done, json.loads(summary.read_text()) if summary.exists() else {}


def out(summary: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Batch id, rows and way of each write of a batch."""
    return [(w["batch_id"], w["rows"], w["intercepted"]) for w in summary["writes"] if w["batch_id"] is not None]


def test_the_summary_lists_the_batches_of_a_job_that_stops_spark_in_the_middle(tmp_path: Path) -> None:
    body = """
writer.foreachBatch(write).start().awaitTermination()
endless = stream.writeStream.option("checkpointLocation", "checkpoint 2").start("copy", format="json")
while not (endless.lastProgress and endless.lastProgress.batchId >= 1):
    time.sleep(0.01)
print("the job's own line")
spark.stop()
"""
    done, summary = run(tmp_path, body, gated=False)
    assert (done.returncode, done.stdout) == (0, "the job's own line\n"), done.stderr
    assert summary["status"] == "finished"
    found = [(w["name"], w["batch_id"], w["intercepted"]) for w in summary["writes"] if w["batch_id"] is not None]
    assert found == [(str(tmp_path / name), number, True) for name in ("out", "copy") for number in (0, 1)]
    assert [w["rows"] for w in summary["writes"] if w["name"].endswith("/out")] == [5, 5]
    assert [read["name"] for read in summary["reads"]] == [str(tmp_path / "in")]


def test_a_job_that_ends_while_its_query_runs_ends(tmp_path: Path) -> None:
    body = """
endless = stream.writeStream.option("checkpointLocation", "checkpoint 2").start("copy", format="parquet")
endless.processAllAvailable()
"""
    done, summary = run(tmp_path, body, gated=False)
    assert done.returncode == 0, done.stderr
    assert out(summary) == [(0, 5, True), (1, 5, True)]
    assert any("still ran when the run ended" in note for note in summary["notes"])


ENDS_OF_REFUSED_JOBS = {
    "awaits a batch function": "writer.foreachBatch(write).start().awaitTermination()",
    "awaits a sink": "writer.start('out')\nspark.streams.awaitAnyTermination()",
    "catches what Spark raises": """
try:
    writer.foreachBatch(write).start().awaitTermination()
except StreamingQueryException:
    pass
""",
    "only polls": """
query = writer.start("out")
while query.isActive:
    time.sleep(0.01)
""",
}


@pytest.mark.parametrize("how", ENDS_OF_REFUSED_JOBS)
def test_a_refused_batch_is_exit_code_3(how: str, tmp_path: Path) -> None:
    done, summary = run(tmp_path, ENDS_OF_REFUSED_JOBS[how], gated=True)
    assert done.returncode == 3, done.stderr
    assert summary["status"] == "refused"
    assert out(summary) == [(0, 5, True), (1, 5, True)]
    assert [w["verdicts"][0]["status"] for w in summary["writes"] if w["batch_id"] is not None] == ["passed", "failed"]
