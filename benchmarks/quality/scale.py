"""Many checks on many columns: how long planning takes, how many passes there are, and where Spark's generated code breaks.

    python benchmarks/quality/scale.py [--checks 500] [--columns 200] [--rows 20000] [--cliff]

Prints what the measured part of a write takes, by DuckDB (one pass) and by Spark alone (one job), and with ``--cliff`` how long
Spark needs per check when so many share one aggregate: the step where a generated method is larger than the JVM's 64 kB,
and whole-stage code generation is given up, is where ``sparkpass`` splits.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hookline.core.events import Measure
from hookline.core.fuse import Target, WrittenFile, columns_of, explain, resolve, take
from hookline.quality.judging import judge, measures_of
from hookline.quality.suite import parse_suites

KINDS = (
    "completeness: c{n}",
    "range: {{column: c{n}, min: 0, max: 1000000}}",
    "set: {{column: s{n}, values: [a, b, c, d, e, f, g, h]}}",
    "pattern: {{column: s{n}, regex: '[a-h]'}}",
    "length: {{column: s{n}, min: 1, max: 3}}",
    "mean: {{column: c{n}, min: 0}}",
    "expression: 'c{n} >= 0 OR s{n} IS NULL'",
    "completeness: s{n}",
    "sum: {{column: c{n}, min: 0}}",
    "stddev: {{column: c{n}, min: 0}}",
)


def suite_text(checks: int, columns: int) -> str:
    """A suite of so many checks, evenly over pairs of a number and a text."""
    pairs = columns // 2
    entries = (KINDS[(i // pairs + i) % len(KINDS)].format(n=i % pairs) for i in range(checks))
    return "dataset: x\nchecks:\n" + "".join(f"  - {entry}\n" for entry in entries)


def session() -> Any:
    """Spark on two cores, silent."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.shuffle.partitions", "4").config("spark.driver.memory", "2g").getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    return spark


def write(spark: Any, folder: Path, columns: int, rows: int) -> Target:
    """The table, and it as something to measure."""
    from pyspark.sql import functions as F

    numbers = [(F.rand(i) * 1000).alias(f"c{i}") for i in range(columns // 2)]
    letters = [
        F.substring(F.lit("abcdefgh"), F.col("id") % (i % 8 + 1) + 1, F.lit(1)).alias(f"s{i}")
        for i in range(columns // 2)
    ]
    frame = spark.range(0, rows, 1, 2).select(*numbers, *letters)
    frame.write.parquet(str(folder))
    files = tuple(WrittenFile(str(file), file.stat().st_size) for file in sorted(folder.glob("*.parquet")))
    schema = frame.schema
    return Target(
        spark, "parquet", columns_of(schema), files, read_back=lambda: spark.read.schema(schema).parquet(str(folder))
    )


def jobs(spark: Any) -> int:
    """How many Spark jobs there have been."""
    return len(spark.sparkContext.statusTracker().getJobIdsForGroup(None))


def timed(label: str, action: Any) -> Any:
    """Its result; how long it took is printed."""
    began = time.perf_counter()
    result = action()
    print(f"{label:45} {time.perf_counter() - began:8.2f} s")
    return result


def measured(spark: Any, target: Target, checks: Any) -> None:
    """Planning, and taking, both ways."""
    measures = measures_of(checks)
    print(f"{len(checks)} checks, {len(measures)} measures")
    timed("resolving", lambda: resolve(measures, target.columns))
    prices = timed("explaining (footers and every plan)", lambda: explain(measures, target))
    print(
        "ways:", {way: sum(price.way == way for price in prices.values()) for way in ("proof", "vectorised", "spark")}
    )
    for label, ways in (
        ("all ways, first time", None),
        ("all ways, again", None),
        ("Spark alone", ("spark",)),
        ("Spark again", ("spark",)),
    ):
        before = jobs(spark)
        found = timed(label, lambda ways=ways: take(measures, target, **({"ways": ways} if ways else {})))
        print(
            f"{'':45} {jobs(spark) - before:8d} Spark jobs, {sum(not one.ok for one in found.values())} without a value"
        )
    timed("judging", lambda: judge(checks, found))


def cliff(spark: Any, target: Target) -> Iterator[str]:
    """Time per measure by the number of measures in one pass of Spark's, without splitting."""
    from hookline.core.fuse import sparkpass

    sparkpass.MOST_TOGETHER = 10**9
    pairs = len(target.columns) // 2
    for count in (10, 25, 50, 100, 150, 200, 300, 400):
        measures = [Measure.outside(f"c{i % pairs}", minimum=i // pairs, maximum=10**6) for i in range(count)]
        take(measures, target, ways=("spark",))
        began = time.perf_counter()
        take(measures, target, ways=("spark",))
        took = time.perf_counter() - began
        yield f"{count:5d} in one aggregate: {took:7.2f} s, {1000 * took / count:7.1f} ms each"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=500)
    parser.add_argument("--columns", type=int, default=200)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--cliff", action="store_true")
    args = parser.parse_args()
    (suite,) = timed("reading the suite", lambda: parse_suites(suite_text(args.checks, args.columns), "scale.yaml"))
    spark = session()
    with tempfile.TemporaryDirectory() as folder:
        target = write(spark, Path(folder) / "t", args.columns, args.rows)
        if args.cliff:
            for line in cliff(spark, target):
                print(line, flush=True)
        else:
            measured(spark, target, suite.checks)
    spark.stop()


if __name__ == "__main__":
    main()
