"""What the bus itself costs: an event with ten plugins, attaching, and memory over many writes in one session.

    python benchmarks/overhead/bus.py event [--events 10000]
    python benchmarks/overhead/bus.py attach [--rounds 20]
    python benchmarks/overhead/bus.py writes [--writes 10000]

Each prints one JSON object. The last one writes a small Parquet file with real Spark each time, so it takes a while.
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

import hookline
from hookline.core.bus import Bus
from hookline.core.loader import LoadedPlugin
from hookline.testing import sample_run, sample_write

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PLUGINS = 10
SAMPLES = 20
HERE = Path(__file__).resolve().parent


class Listener:
    """A plugin that only hears."""

    @hookline.hookimpl
    def on_write_finished(self, event: hookline.Write, run: hookline.Run) -> None:
        """Do nothing: what is left is the bus."""


def measure_event(events: int) -> dict[str, Any]:
    """Milliseconds of bus time for one event, with ten plugins."""
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
    """Milliseconds of the first attach of this process."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HOOKLINE_DIR"] = scratch
        spark = _session()
        began = time.perf_counter()
        attachment = hookline.attach(spark, config=HERE / "hookline.yaml")
        took_ms = (time.perf_counter() - began) * 1000
        attachment.detach()
        spark.stop()
    return took_ms


def measure_writes(writes: int) -> dict[str, Any]:
    """Megabytes of the driver's Python and of its Java over many writes."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HOOKLINE_DIR"] = str(Path(scratch) / "state")
        spark = _session()
        attachment = hookline.attach(spark, config=HERE / "hookline.yaml")
        frame = spark.range(10).coalesce(1)
        samples = [_write(frame, Path(scratch) / "out", max(1, writes // SAMPLES)) for _ in range(SAMPLES)]
        attachment.detach()
        spark.stop()
    halfway = samples[SAMPLES // 2 - 1]
    growth = {key: round(samples[-1][key] - halfway[key], 1) for key in halfway}
    return {"writes": writes, "samples": samples, "growth_in_second_half": growth}


def _write(frame: Any, target: Path, times: int) -> dict[str, float]:
    for _ in range(times):
        frame.write.mode("overwrite").parquet(str(target))
    gc.collect()
    driver = psutil.Process()
    java = [child for child in driver.children(recursive=True) if child.name() == "java"]
    return {
        "python_mb": round(driver.memory_info().rss / 1e6, 1),
        "java_mb": round(sum(child.memory_info().rss for child in java) / 1e6, 1),
        "threads": driver.num_threads(),
        "open_files": driver.num_fds(),
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
    """Run one of the three."""
    parser = argparse.ArgumentParser(description="What the bus itself costs.")
    parser.add_argument("what", choices=["event", "attach", "attach-once", "writes"])
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--writes", type=int, default=10_000)
    args = parser.parse_args()
    if args.what == "attach-once":
        print(attach_once())
        return
    measured = {
        "event": lambda: measure_event(args.events),
        "attach": lambda: measure_attach(args.rounds),
        "writes": lambda: measure_writes(args.writes),
    }[args.what]()
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
