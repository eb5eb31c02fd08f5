"""What looking for personal data costs, beside Presidio alone; in turn, in one run, in CPU-seconds.

    python benchmarks/pii/speed.py [--rows 1000000] [--rounds 3]

1. A table of 30 columns: `hookline scan` of it, and Presidio asked for every value of every row. The latter would take hours: it is
   measured on values drawn at random and multiplied, as the page says.
2. The very values that a scan looks at, by both, one after the other, in this process: what the gate alone is worth.
3. The same of columns that hold letters alone.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from labelled import LOOKALIKE, PERSONAL, _Maker

from hookline.governance.pii.analyzer import Analyzer, Recipe
from hookline.governance.pii.settings import DetectionSettings

ROOT = Path(__file__).parent
LETTERS = ("name", "first", "last", "company", "job", "color", "country", "word", "team", "sentence")
OTHERS = (
    "email", "phone", "card", "iban", "ipv4", "street", "note", "born_text", "mac", "city",
    "epoch", "ean", "order_id", "invoice", "amount", "zip", "when_text", "sku", "url", "user_agent",
)  # fmt: skip
POOL = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    settings = DetectionSettings()
    maker = _Maker("en_US", 77)
    pools = {kind: [str(_kind(kind)(maker)) for _ in range(POOL)] for kind in (*LETTERS, *OTHERS)}
    analyzer = Analyzer(Recipe(settings))
    presidio = analyzer.alone()
    chance = random.Random(5)
    few = {kind: chance.sample(values, settings.values) for kind, values in pools.items()}
    lettered = {kind: few[kind] for kind in LETTERS}

    same: list[tuple[float, float]] = []
    letters: list[tuple[float, float]] = []
    for _ in range(options.rounds):
        ours = _cpu(lambda: _all(few, analyzer.find))
        same.append((ours, _cpu(lambda: _all(few, _alone(presidio)))))
        # So short that one turn says nothing.
        often = _cpu(lambda: [_all(lettered, analyzer.find) for _ in range(50)]) / 50
        letters.append((often, _cpu(lambda: _all(lettered, _alone(presidio)))))
    scans = _scans(pools, options.rows, options.rounds, analyzer)
    values = len(few) * settings.values
    every = [theirs / values * options.rows * len(few) for _, theirs in same]
    drawn = f"{settings.rows:,} rows drawn, {settings.values:,} distinct values a column"
    size = f"{len(few)} columns and {options.rows:,} rows in Parquet"
    lines = [
        "# What looking for personal data costs",
        "",
        f"A table of {size}; {options.rounds} rounds, the sides in turn; medians, with",
        "least and most in brackets, in CPU-seconds; of the table, those of the whole machine. Measured",
        f"{dt.date.today().isoformat()} on 2 cores by `python benchmarks/pii/speed.py`.",
        "",
        "| what | hookline | Presidio alone | times faster |",
        "| --- | --- | --- | --- |",
        _row(f"the table: {drawn}; Presidio on every value, multiplied from {values:,}", scans, every),
        _row(f"the same {values:,} values, one process", *map(list, zip(*same, strict=True))),
        _row(f"of them {len(lettered) * settings.values:,} of letters alone", *map(list, zip(*letters, strict=True))),
        "",
        "The findings in the second and third row are the same, value by value: tests/governance/pii/test_analyzer.py",
        "holds the two against each other.",
    ]
    text = "\n".join(lines) + "\n"
    (ROOT / "RESULTS.md").write_text(text, "utf-8")
    print(text)


def _kind(name: str) -> Any:
    return (PERSONAL.get(name) or LOOKALIKE[name]).make


def _all(pools: dict[str, list[str]], find: Callable[[list[str]], object]) -> None:
    for values in pools.values():
        find(values)


def _alone(presidio: Any) -> Callable[[list[str]], object]:
    return lambda values: [presidio.analyze(value, "en") for value in values]


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _scans(pools: dict[str, list[str]], rows: int, rounds: int, analyzer: Analyzer) -> list[float]:
    """Of each round a scan, with Python's workers started anew, which is counted; after one to warm up."""
    from pyspark.sql import SparkSession

    from hookline.governance.pii.scan import scan

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.log.level", "OFF").config("spark.ui.showConsoleProgress", "false")
    spark = builder.config("spark.python.worker.reuse", "false").getOrCreate()
    chance = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as folder:
        places = {kind: pa.array(chance.integers(0, POOL, rows)) for kind in pools}
        columns = {kind: pa.array(values).take(places[kind]) for kind, values in pools.items()}
        pq.write_table(pa.table(columns), f"{folder}/t.parquet", row_group_size=100_000)
        frame = spark.read.parquet(f"{folder}/t.parquet")
        found = []
        for _ in range(rounds + 1):
            before = _spent()
            scan(frame, DetectionSettings(), analyzer.recipe)
            found.append(_spent() - before)
        spark.stop()
    return found[1:]


def _spent() -> float:
    """CPU-seconds of the machine so far: what Python's workers took is lost with them, so that no process can be asked for it."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


def _row(what: str, ours: list[float], theirs: list[float]) -> str:
    ratios = [other / own for own, other in zip(ours, theirs, strict=True)]
    return f"| {what} | {_told(ours)} | {_told(theirs)} | {_told(ratios)} |"


def _told(values: list[float]) -> str:
    def number(value: float) -> str:
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

    return f"{number(statistics.median(values))} [{number(min(values))} to {number(max(values))}]"


if __name__ == "__main__":
    main()
