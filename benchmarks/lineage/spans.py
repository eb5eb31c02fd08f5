"""How long one write's lineage takes, beside the job and on its way."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from pathlib import Path

_TURNS = 5


def measure(source: Path, queries: Mapping[int, str]) -> dict[str, float]:
    """Milliseconds, as medians over TPC-H's queries: reading a plan and walking it; and what the job itself does for it."""
    from pyspark.sql import SparkSession

    from hookline.core.tracing import Tracing
    from hookline.pipelines import columns

    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    for file in source.glob("*.parquet"):
        spark.read.parquet(str(file)).createOrReplaceTempView(file.stem)
    beside: list[float] = []
    on_path: list[float] = []
    tracing = Tracing()
    for turn in range(_TURNS + 1):
        for text in queries.values():
            frame = spark.sql(text)
            began = time.perf_counter()
            trace = tracing.trace(columns.of_frame(spark, frame._jdf.queryExecution().analyzed()))
            handed = time.perf_counter()
            found = trace.wait(60)
            ended = time.perf_counter()
            if found is None or found.degraded:
                raise RuntimeError("a query was not traced")
            if turn:
                on_path.append(1000 * (handed - began))
                beside.append(1000 * (ended - handed))
    tracing.close()
    spark.stop()
    return {
        "beside_median": statistics.median(beside),
        "beside_most": max(beside),
        "on_path_median": statistics.median(on_path),
        "on_path_most": max(on_path),
    }
