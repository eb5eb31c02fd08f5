"""Checks what the job has written, by one of the peers, in the same Spark session; run by ``peers.py`` in the peers' environment.

python peer_job.py PEER INPUT OUTPUT
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "overhead"))

import job
from lineitem_checks import COMPLETE, FEWEST_ROWS, PATTERNS, RANGES, SETS


def by_cuallee(frame: Any) -> int:
    """How many checks were evaluated."""
    from cuallee import Check, CheckLevel

    check = Check(CheckLevel.WARNING, "lineitem")
    for name in COMPLETE:
        check.is_complete(name)
    for name, (low, high) in RANGES.items():
        check.is_between(name, (low, high))
    for name, values in SETS.items():
        check.is_contained_in(name, tuple(values))
    for name, pattern in PATTERNS.items():
        check.has_pattern(name, pattern)
    rows = check.validate(frame).collect()
    failed = [row["rule"] for row in rows if row["status"] != "PASS"]
    return _passed(len(rows), failed)


def by_pandera(frame: Any) -> int:
    """How many checks were evaluated; it says passed or failed, without counts."""
    import pandera.pyspark as pa

    plain = {field.name: field.dataType for field in frame.schema.fields}
    columns = {}
    for name in dict.fromkeys((*COMPLETE, *RANGES, *SETS, *PATTERNS)):
        checks = []
        if name in RANGES:
            checks.append(pa.Check.in_range(*RANGES[name]))
        if name in SETS:
            checks.append(pa.Check.isin(SETS[name]))
        if name in PATTERNS:
            checks.append(pa.Check.str_matches(PATTERNS[name]))
        columns[name] = pa.Column(plain[name], checks=checks, nullable=name not in COMPLETE)
    errors = pa.DataFrameSchema(columns).validate(frame).pandera.errors
    return _passed(len(COMPLETE) + len(RANGES) + len(SETS) + len(PATTERNS), [str(errors)] if errors else [])


def by_deequ(frame: Any) -> int:
    """How many checks were evaluated."""
    os.environ.setdefault("SPARK_VERSION", "3.5")  # it asks there
    from pydeequ.checks import Check, CheckLevel
    from pydeequ.verification import VerificationResult, VerificationSuite

    spark = frame.sparkSession
    check = Check(spark, CheckLevel.Warning, "lineitem")
    for name in COMPLETE:
        check = check.isComplete(name)
    for name, (low, high) in RANGES.items():
        ends = [f"DATE '{end}'" if hasattr(end, "year") else end for end in (low, high)]
        check = check.satisfies(f"{name} BETWEEN {ends[0]} AND {ends[1]}", f"range of {name}", _all)
    for name, values in SETS.items():
        check = check.isContainedIn(name, values)
    for name, pattern in PATTERNS.items():
        check = check.hasPattern(name, pattern, _all)
    check = check.hasSize(lambda rows: rows >= FEWEST_ROWS)
    found = VerificationSuite(spark).onData(frame).addCheck(check).run()
    rows = VerificationResult.checkResultsAsDataFrame(spark, found).collect()
    count = _passed(len(rows), [row["constraint"] for row in rows if row["constraint_status"] != "Success"])
    spark.sparkContext._gateway.shutdown_callback_server()
    return count


def _all(share: float) -> bool:
    return share == 1.0


def by_great_expectations(frame: Any) -> int:
    """How many checks were evaluated."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_spark("spark").add_dataframe_asset("lineitem")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": frame})
    kinds = gx.expectations
    wanted: list[Any] = [kinds.ExpectColumnValuesToNotBeNull(column=name) for name in COMPLETE]
    wanted += [
        kinds.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high)
        for name, (low, high) in RANGES.items()
    ]
    wanted += [kinds.ExpectColumnValuesToBeInSet(column=name, value_set=values) for name, values in SETS.items()]
    wanted += [kinds.ExpectColumnValuesToMatchRegex(column=name, regex=pattern) for name, pattern in PATTERNS.items()]
    wanted.append(kinds.ExpectTableRowCountToBeBetween(min_value=FEWEST_ROWS))
    found = batch.validate(gx.ExpectationSuite(name="lineitem", expectations=wanted))
    return _passed(len(found.results), [str(one.expectation_config) for one in found.results if not one.success])


def _passed(count: int, failed: list[str]) -> int:
    if failed:
        raise SystemExit(f"all checks should have passed: {failed[:3]}")
    return count


PEERS = {
    "cuallee": by_cuallee,
    "pandera": by_pandera,
    "deequ": by_deequ,
    "great_expectations": by_great_expectations,
}


def main(peer: str, source: str, target: str) -> None:
    """The job, and the peer's checks on what it wrote."""
    from pyspark.sql import SparkSession

    stop = SparkSession.stop
    SparkSession.stop = lambda self: None  # type: ignore[method-assign]  # the peer uses the job's own session
    job.main(source, target)
    SparkSession.stop = stop  # type: ignore[method-assign]
    spark = SparkSession.builder.getOrCreate()
    print(f"checks: {PEERS[peer](spark.read.parquet(target))}")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
