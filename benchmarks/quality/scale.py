"""Many checks on many columns: how long planning takes, how many passes there are, and where Spark's generated code breaks.

    python benchmarks/quality/scale.py [--checks 500] [--columns 200] [--rows 20000] [--cliff]

Tells what the measured part of a write takes, by DuckDB (one pass) and by Spark alone (one job), and with ``--cliff`` how long
Spark needs per check when so many share one aggregate: the step where a generated method is larger than the JVM's 64 kB,
and whole-stage code generation is given up, is where ``sparkpass`` splits.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "overhead"))

from quality_page import markdown  # noqa: E402
from results import save, surroundings  # noqa: E402

from hookline.core.events import Measure  # noqa: E402
from hookline.core.fuse import Target, WrittenFile, columns_of, explain, resolve, take  # noqa: E402
from hookline.quality.judging import judge, measures_of  # noqa: E402
from hookline.quality.suite import parse_suites  # noqa: E402

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


class Steps:
    """What is done, one thing after the other; each is told as it ends, and kept."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []

    def take(self, label: str, action: Callable[[], Any], **facts: Any) -> Any:
        """Its result."""
        began = time.perf_counter()
        result = action()
        self.taken.append({"step": label, "took_s": time.perf_counter() - began, **facts})
        print(self.taken[-1], flush=True)
        return result


def measured(spark: Any, target: Target, checks: Any, steps: Steps) -> str:
    """Planning, and taking, both ways; what there was to take."""
    measures = measures_of(checks)
    steps.take("resolving", lambda: resolve(measures, target.columns))
    prices = steps.take("explaining (footers and every plan)", lambda: explain(measures, target))
    without = 0
    for label, ways in (
        ("all ways, first time", None),
        ("all ways, again", None),
        ("Spark alone", ("spark",)),
        ("Spark alone, again", ("spark",)),
    ):
        before = jobs(spark)
        found = steps.take(label, lambda ways=ways: take(measures, target, **({"ways": ways} if ways else {})))
        steps.taken[-1]["jobs"] = jobs(spark) - before
        without += sum(not one.ok for one in found.values())
    steps.take("judging", lambda: judge(checks, found))
    ways = {way: sum(price.way == way for price in prices.values()) for way in ("proof", "vectorised", "spark")}
    told = ", ".join(f"{count} {way}" for way, count in ways.items() if count)
    return f"{len(measures)} measures by the cheapest way: {told}; {without} without a value."


def cliff(spark: Any, target: Target) -> Iterator[dict[str, float]]:
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
        yield {"measures": count, "took_s": took, "each_ms": 1000 * took / count}


def main() -> None:
    """Measure, keep, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=500)
    parser.add_argument("--columns", type=int, default=200)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--cliff", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the results")
    args = parser.parse_args()
    steps = Steps()
    (suite,) = steps.take(
        "reading the suite", lambda: parse_suites(suite_text(args.checks, args.columns), "scale.yaml")
    )
    spark = session()
    part = {**surroundings(), "checks": args.checks, "columns": args.columns, "rows": args.rows}
    with tempfile.TemporaryDirectory() as folder:
        target = write(spark, Path(folder) / "t", args.columns, args.rows)
        part["told"] = measured(spark, target, suite.checks, steps)
        part["steps"] = steps.taken
        if args.cliff:
            part["cliff"] = list(cliff(spark, target))
    spark.stop()
    print(save(args.out, {"scale": part}, markdown))


if __name__ == "__main__":
    main()
