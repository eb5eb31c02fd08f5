"""What the bus itself costs: an event with ten plugins, attaching, and memory over many writes in one session.

    python benchmarks/overhead/bus.py event [--events 10000]
    python benchmarks/overhead/bus.py attach [--rounds 20]
    python benchmarks/overhead/bus.py writes [--writes 10000]
    python benchmarks/overhead/bus.py telemetry [--rounds 20]

Each prints one JSON object and puts it into results.json and RESULTS.md. The last one writes a small Parquet file with
real Spark each time, so it takes a while; what it has seen so far is told on standard error.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from results import compile_package, load, save, surroundings

import hookline

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PLUGINS = 10
SAMPLES = 20
WRITES_A_ROUND = 5
HERE = Path(__file__).resolve().parent
_CONFIG = "job: writes\nplugins:\n  console: {}\n  lineage: {}\n  quality:\n    suites: [suite.yaml]\n"
_SUITE = (
    "dataset: '*/out'\nchecks:\n  - completeness: id\n  - range: {column: id, min: 0}\n"
    "  - unique: id\n    severity: critical\n"
)


class Listener:
    """A plugin that only hears."""

    @hookline.hookimpl
    def on_write_finished(self, event: hookline.Write, run: hookline.Run) -> None:
        """Do nothing: what is left is the bus."""


def measure_event(events: int) -> dict[str, Any]:
    """Milliseconds of bus time for one event, with ten plugins."""
    from hookline.core.bus import Bus
    from hookline.core.loader import LoadedPlugin
    from hookline.testing import sample_run, sample_write

    bus = Bus([LoadedPlugin(f"listener{number}", Listener(), ("on_write_finished",)) for number in range(PLUGINS)])
    run, write = sample_run(), sample_write()
    took_ms = []
    for _ in range(events):
        began = time.perf_counter()
        bus.notify("on_write_finished", write, run)
        took_ms.append((time.perf_counter() - began) * 1000)
    bus.close()
    took_ms.sort()
    return {
        "plugins": PLUGINS,
        "events": events,
        "median_ms": round(statistics.median(took_ms), 4),
        "p99_ms": round(took_ms[int(events * 0.99)], 4),
    }


def measure_attach(rounds: int) -> dict[str, Any]:
    """Milliseconds of ``hookline.attach`` with every plugin, each time in a fresh process that has a session."""
    took_ms = [float(_in_fresh_process()) for _ in range(rounds)]
    return {"rounds": rounds, "median_ms": round(statistics.median(took_ms), 1), "most_ms": round(max(took_ms), 1)}


def attach_once() -> float:
    """Milliseconds of the first attach of this process, loading hookline's modules included.

    Without Spark's own start: a session makes its state for whoever first asks it something.
    """
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HOOKLINE_DIR"] = scratch
        spark = _session()
        spark.range(1).collect()
        began = time.perf_counter()
        attachment = hookline.attach(spark, config=HERE / "hookline.yaml")
        took_ms = (time.perf_counter() - began) * 1000
        attachment.detach()
        spark.stop()
    return took_ms


def measure_writes(writes: int) -> dict[str, Any]:
    """What the driver holds after more and more writes: every plugin, two checks proved and one computed."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["HOOKLINE_DIR"] = str(folder / "state")
        (folder / "hookline.yaml").write_text(_CONFIG, "utf-8")
        (folder / "suite.yaml").write_text(_SUITE, "utf-8")
        spark = _session()
        attachment = hookline.attach(spark, config=folder / "hookline.yaml")
        began = time.perf_counter()
        samples = []
        for number in range(1, SAMPLES + 1):
            _write(spark, folder / "out", max(1, writes // SAMPLES))
            samples.append(_sample(spark, folder, number * max(1, writes // SAMPLES)))
            sys.stderr.write(f"{json.dumps(samples[-1])}\n")
        took_s = time.perf_counter() - began
        attachment.detach()
        spark.stop()
    return {"writes": writes, "per_write_ms": round(took_s * 1000 / writes, 1), "samples": samples}


def measure_telemetry(rounds: int) -> dict[str, Any]:
    """How long Spark is asked what a write of two stages spent, and what that does to the job: with and without, in turn."""
    from hookline.core.config import load_config

    asked: list[float] = []
    took: dict[str, list[float]] = {"without": [], "with": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["HOOKLINE_DIR"] = str(folder / "state")
        spark = _session()
        for number in range(rounds + 1):  # the first one warms up
            for side, plugins in (("without", "lineage: {}"), ("with", "lineage: {}\n  metrics: {}")):
                (folder / "hookline.yaml").write_text(f"job: {side}\nplugins:\n  {plugins}\n", "utf-8")
                attachment = hookline.attach(spark, config=load_config(folder / "hookline.yaml"))
                began = time.perf_counter()
                for _ in range(WRITES_A_ROUND):
                    rows = spark.range(0, 200_000, 1, 2).selectExpr("id % 10 AS part").groupBy("part").count()
                    rows.write.mode("overwrite").parquet(str(folder / "out"))
                ended = attachment.detach()
                if number:
                    took[side].append(time.perf_counter() - began)
                    told = [write.telemetry for write in ended.writes] if ended is not None else []
                    asked += [one.reading_s * 1000 for one in told if one is not None]
        spark.stop()
    asked.sort()
    medians = {side: statistics.median(times) for side, times in took.items()}
    return {
        "rounds": rounds,
        "writes": WRITES_A_ROUND,
        "median_ms": round(statistics.median(asked), 1),
        "p99_ms": round(asked[int(len(asked) * 0.99)], 1),
        "without_s": round(medians["without"], 3),
        "with_s": round(medians["with"], 3),
        "ratio": round(medians["with"] / medians["without"], 3),
    }


def _write(spark: SparkSession, target: Path, times: int) -> None:
    frame = spark.range(10).coalesce(1)
    for _ in range(times):
        frame.write.mode("overwrite").parquet(str(target))


def _sample(spark: Any, folder: Path, writes: int) -> dict[str, float]:
    gc.collect()
    java = spark._jvm.java.lang
    java.System.gc()
    heap = java.Runtime.getRuntime()
    driver = psutil.Process()
    files = [path for path in (folder / "state").rglob("*") if path.is_file()]
    return {
        "writes": writes,
        "python_mb": round(driver.memory_info().rss / 1e6, 1),
        "java_heap_mb": round((heap.totalMemory() - heap.freeMemory()) / 1e6, 1),
        "threads": driver.num_threads(),
        "open_files": driver.num_fds(),
        "files_mb": round(sum(path.stat().st_size for path in files) / 1e6, 1),
    }


def _session() -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("overhead").config("spark.driver.memory", "1g")
    return builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false").getOrCreate()


def _in_fresh_process() -> str:
    command = [sys.executable, __file__, "attach-once"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description="What the bus itself costs.")
    parser.add_argument("what", choices=["event", "attach", "attach-once", "writes", "telemetry"])
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--writes", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the results")
    args = parser.parse_args()
    if args.what == "attach-once":
        print(attach_once())
        return
    compile_package()
    measured = {
        "event": lambda: measure_event(args.events),
        "attach": lambda: measure_attach(args.rounds),
        "writes": lambda: measure_writes(args.writes),
        "telemetry": lambda: measure_telemetry(args.rounds),
    }[args.what]()
    save(args.out, {"bus": load(args.out).get("bus", {}) | {args.what: {**surroundings(), **measured}}})
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
