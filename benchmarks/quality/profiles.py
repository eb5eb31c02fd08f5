"""What a profile costs: all that ``hookline profile`` tells of a wide table, beside a bare ``count`` and ``sum`` of its columns.

    python benchmarks/quality/profiles.py [--rounds 5] [--rows 1000000] [--out FOLDER]

Both run in one warm Spark session on two cores, in turn. The table has 50 columns: integers and decimals with few and many
different values, doubles, texts, dates and timestamps. CPU is that of the session, its JVM and the measuring process.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import psutil

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "overhead"))

from quality_page import markdown  # noqa: E402
from results import save, surroundings  # noqa: E402

from hookline.core import fuse  # noqa: E402
from hookline.pipelines.at_rest import find_at_rest  # noqa: E402
from hookline.quality.profile.model import Profile, measures_for, profile_of  # noqa: E402

FILES = 4


def columns() -> list[str]:
    """Fifty columns, as DuckDB makes them."""
    found = [f"(random() * {10 ** (i % 6 + 1)})::BIGINT AS i{i}" for i in range(15)]
    found += [f"(random() * {10 ** (i % 6 + 1)})::DECIMAL(12,2) AS d{i}" for i in range(10)]
    found += [f"(random() * 1000 - 500)::DOUBLE AS f{i}" for i in range(10)]
    found += [f"'c' || (random() * {10 ** (i % 4 + 1)})::INT AS s{i}" for i in range(7)]
    found += [f"md5(random()::VARCHAR) AS h{i}" for i in range(3)]
    found += [f"DATE '2020-01-01' + (random() * 1000)::INT AS t{i}" for i in range(3)]
    return found + [f"TIMESTAMP '2020-01-01' + INTERVAL (random() * 86400000) SECOND AS u{i}" for i in range(2)]


def make(folder: Path, rows: int) -> None:
    """The table, the same every time."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute("SELECT setseed(0.5)")
    for number in range(FILES):
        target = folder / f"part{number}.parquet"
        connection.execute(
            f"COPY (SELECT {', '.join(columns())} FROM range({rows // FILES})) TO '{target}' (FORMAT parquet)"
        )


def session() -> Any:
    """Spark on two cores, silent."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.driver.memory", "2g").config("spark.ui.showConsoleProgress", "false").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def bare(spark: Any, folder: Path) -> Any:
    """How many values each column has, and what they add up to where they are numbers."""
    from pyspark.sql import functions as F

    frame = spark.read.parquet(str(folder))
    numbers = [f.name for f in frame.schema if f.dataType.typeName() in ("long", "double", "decimal")]
    counts = [F.count(name).alias(f"n_{name}") for name in frame.columns]
    return frame.agg(*counts, *(F.sum(name).alias(f"s_{name}") for name in numbers)).collect()


def profiled(spark: Any, folder: Path) -> Profile:
    """What the command does."""
    target = find_at_rest(spark, str(folder)).target()
    found = profile_of(target.columns, fuse.take(measures_for(target.columns), target))
    if problems := [column.error for column in found.columns if column.error]:
        raise RuntimeError(problems[0])
    return found


def used_s() -> float:
    """CPU of this process and all below it."""
    own = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in (own, *own.children(recursive=True)))


def measured(action: Callable[[], Any]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    before, began = used_s(), time.perf_counter()
    action()
    return time.perf_counter() - began, used_s() - before


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the results")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "wide"
        folder.mkdir()
        make(folder, args.rows)
        spark = session()
        sides = {"bare": lambda: bare(spark, folder), "profile": lambda: profiled(spark, folder)}
        costs: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
        for number in range(args.rounds + 1):
            for side in sides if number % 2 else reversed(sides):
                cost = measured(sides[side])
                sys.stderr.write(f"round {number} {side}: {cost[0]:.2f} s, {cost[1]:.2f} CPU-s\n")
                if number:  # the first one warms up
                    costs[side].append({"wall_s": cost[0], "cpu_s": cost[1]})
        spark.stop()
    part = {**surroundings(), "rows": args.rows, "columns": len(columns()), "rounds": costs}
    sys.stdout.write(save(args.out, {"profile": part}, markdown))


if __name__ == "__main__":
    main()
