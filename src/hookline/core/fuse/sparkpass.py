"""One pass of Spark's own over what was written: the way that can do everything and costs most."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hookline.core.events import Measure, Measured
from hookline.core.fuse.binding import Bound
from hookline.core.fuse.domain import domain_of
from hookline.core.fuse.expressions import aggregates, comparable_column, read, reference
from hookline.core.fuse.jobs import DeadlineError, run_job
from hookline.core.fuse.target import Target

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Names that no column of the data has, as Spark compares names without case.
_ROWS = "hookline rows"


def measure_by_spark(bound: Sequence[Bound], target: Target, deadline_s: float) -> dict[Measure, Measured]:
    """All measures in one action; if that fails, one by one, so that one bad measure costs only itself."""
    if target.read_back is None:
        return {one.measure: Measured(error=f"{one.measure}: what was written can't be read back") for one in bound}
    ends = time.monotonic() + deadline_s
    try:
        return _take(bound, target, target.read_back, deadline_s)
    except DeadlineError as error:
        return {one.measure: Measured(error=f"{one.measure}: {error}") for one in bound}
    except Exception as error:  # noqa: BLE001 - whatever Spark raises, a measure only loses its value
        if len(bound) == 1:
            return {bound[0].measure: Measured(error=f"{bound[0].measure}: Spark failed ({describe(error)})")}
    results: dict[Measure, Measured] = {}
    for one in bound:
        results |= measure_by_spark([one], target, ends - time.monotonic())
    return results


def describe(error: BaseException) -> str:
    """An error without its text, which may quote a row: its class and Spark's error condition."""
    condition = None
    if hasattr(error, "getCondition"):
        condition = error.getCondition()
    return f"{type(error).__name__}, {condition}" if condition else type(error).__name__


def _take(
    bound: Sequence[Bound], target: Target, read_back: Callable[[], DataFrame], deadline_s: float
) -> dict[Measure, Measured]:
    def action() -> dict[str, Any]:
        rows = _query(read_back(), bound).collect()
        return {name: value for row in rows for name, value in row.asDict(recursive=False).items() if value is not None}

    columns = {name for one in bound for name in (column.name for column in one.columns)}
    values = run_job(target.spark, f"{len(bound)} of {len(columns)} columns", deadline_s, action)
    if target.rows is not None and values[_ROWS] != target.rows:
        problem = f"{values[_ROWS]} rows were read back and {target.rows} were written"
        return {one.measure: Measured(error=f"{one.measure}: {problem}") for one in bound}
    return {one.measure: read(one, [values.get(name) for name in names], "spark") for one, names in _named(bound)}


def _named(bound: Sequence[Bound]) -> list[tuple[Bound, list[str]]]:
    def width(one: Bound) -> int:
        return 1 if one.measure.kind == "duplicates" else len(aggregates(one))

    return [(one, [f"m{i}_{j}" for j in range(width(one))]) for i, one in enumerate(bound)]


def _query(frame: DataFrame, bound: Sequence[Bound]) -> DataFrame:
    """One row of aggregates and one row per key, in one frame."""
    from pyspark.sql import functions as F

    expressions = [F.count(F.lit(1)).alias(_ROWS)]
    keys = []
    for one, names in _named(bound):
        if one.measure.kind == "duplicates":
            keys.append(_duplicates(frame, one, names[0]))
        else:
            expressions += [column.alias(name) for column, name in zip(aggregates(one), names, strict=True)]
    frames = [frame.agg(*expressions), *keys]
    return functools.reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), frames)


def _duplicates(frame: DataFrame, bound: Bound, name: str) -> DataFrame:
    from pyspark.sql import functions as F

    parts = [
        comparable_column(column.name, domain_of(column.type)).alias(f"k{i}") for i, column in enumerate(bound.columns)
    ]
    present = functools.reduce(
        lambda left, right: left & right, [reference(column.name).isNotNull() for column in bound.columns]
    )
    counted = frame.where(present).groupBy(*parts).agg(F.count(F.lit(1)).alias("n")).where(F.col("n") > 1)
    return counted.agg(F.coalesce(F.sum("n"), F.lit(0)).alias(name))
