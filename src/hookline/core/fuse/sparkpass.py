"""One pass of Spark's own over what was written: the way that can do everything and costs most."""

from __future__ import annotations

import functools
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hookline.core.events import Measure, Measured
from hookline.core.fuse.binding import SKETCHED, TESTS, WHOLE, Bound
from hookline.core.fuse.examining import describe, examine
from hookline.core.fuse.expressions import aggregates, read, width_of
from hookline.core.fuse.jobs import DeadlineError, run_job
from hookline.core.fuse.queries import queryable
from hookline.core.fuse.sparksketch import sketch_by_spark
from hookline.core.fuse.sparkwhole import Wanted, about_distinct, by_key, flatten, orphans, quantiles, unordered
from hookline.core.fuse.target import Target

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

# Spark gives up generated code for an aggregate whose method is larger than the JVM compiles (64 kB, or 8 kB for what is
# compiled well): benchmarks/quality/scale.py --cliff shows where.
MOST_TOGETHER = 100
# Names that no column of the data has, as Spark compares names without case.
_ROWS = "hookline rows"


def measure_by_spark(bound: Sequence[Bound], target: Target, deadline_s: float) -> dict[Measure, Measured]:
    """All measures in one action, and after it those that are no aggregates."""
    read_back = target.read_back
    if read_back is None:
        return {one.measure: Measured(error=f"{one.measure}: what was written can't be read back") for one in bound}
    ends = time.monotonic() + deadline_s
    apart = {kind for kinds in _APART.values() for kind in kinds}
    found = _measure_together([one for one in bound if one.measure.kind not in apart], target, read_back, ends)
    for take, kinds in _APART.items():
        mine = [one for one in bound if one.measure.kind in kinds]
        if mine:
            found |= take(mine, target, read_back, ends - time.monotonic())
    return found


_APART: Mapping[
    Callable[[Sequence[Bound], Target, Callable[[], DataFrame], float], dict[Measure, Measured]], Collection[str]
] = {sketch_by_spark: SKETCHED, examine: ("examined",)}


def _measure_together(
    bound: Sequence[Bound], target: Target, read_back: Callable[[], DataFrame], ends: float
) -> dict[Measure, Measured]:
    """One action; if that fails, half of the measures each, so that one bad measure costs only itself."""
    if not bound:
        return {}
    try:
        return _take(bound, target, read_back, ends - time.monotonic())
    except DeadlineError as error:
        return {one.measure: Measured(error=f"{one.measure}: {error}") for one in bound}
    except Exception as error:  # noqa: BLE001 - whatever Spark raises, a measure only loses its value
        if len(bound) == 1:
            return {bound[0].measure: Measured(error=f"{bound[0].measure}: Spark failed ({describe(error)})")}
    half = len(bound) // 2
    first = _measure_together(bound[:half], target, read_back, ends)
    return first | _measure_together(bound[half:], target, read_back, ends)


def _take(
    bound: Sequence[Bound], target: Target, read_back: Callable[[], DataFrame], deadline_s: float
) -> dict[Measure, Measured]:
    def action() -> dict[str, Any]:
        with queryable(bound, target, read_back) as queries:
            stacked, schemas = _query(read_back(), bound, target, queries)
            return _unstacked(stacked.collect(), schemas)

    columns = {column.name for one in bound for column in one.all_columns}
    values = run_job(target.spark, f"{len(bound)} of {len(columns)} columns", deadline_s, action)
    if target.rows is not None and values[_ROWS] != target.rows:
        problem = f"{values[_ROWS]} rows were read back and {target.rows} were written"
        return {one.measure: Measured(error=f"{one.measure}: {problem}") for one in bound}
    return {one.measure: read(one, [values.get(name) for name in names], "spark") for one, names in _named(bound)}


def _named(bound: Sequence[Bound]) -> list[tuple[Bound, list[str]]]:
    return [(one, [f"m{i}_{j}" for j in range(width_of(one))]) for i, one in enumerate(bound)]


def _query(
    frame: DataFrame, bound: Sequence[Bound], target: Target, queries: Mapping[Measure, DataFrame]
) -> tuple[DataFrame, list[StructType]]:
    """One row of aggregates, and one row for each measure that needs a plan of its own, in one frame."""
    from pyspark.sql import functions as F

    counted = [F.count(F.lit(1)).alias(_ROWS)]
    others: list[DataFrame] = []
    plain: list[tuple[Bound, list[str]]] = []
    together: defaultdict[object, list[tuple[Bound, list[str]]]] = defaultdict(list)
    for one, names in _named(bound):
        kind = one.measure.kind
        if kind == "returned":
            others.append(queries[one.measure].agg(F.count(F.lit(1)).alias(names[0])))
        elif kind in WHOLE or _is_flattened(one):
            alone = (one.measure,) if kind in ("orphans", "unordered") else ()
            together[_TAKEN_BY.get(kind), one.columns, one.where, alone].append((one, names))
        else:
            plain.append((one, names))
    others += [_of_group(frame, group, target) for group in together.values()]
    for group in _together(plain) or [[]]:
        others.append(frame.agg(*counted, *(column for one, names in group for column in _aliased(one, names))))
        counted = []
    return _stacked(others)


def _stacked(frames: Sequence[DataFrame]) -> tuple[DataFrame, list[StructType]]:
    """All frames' only rows as arrays of text, each with its frame's number; and the frames' columns.

    One row wide enough for all columns would take Spark minutes and gigabytes to plan where there are a hundred frames.
    """
    from pyspark.sql import functions as F

    schemas = [frame.schema for frame in frames]
    parts = (
        frame.select(F.lit(number).alias("frame"), F.array(*(F.col(name).cast("string") for name in frame.columns)))
        for number, frame in enumerate(frames)
    )
    return functools.reduce(lambda left, right: left.union(right), parts), schemas


def _unstacked(rows: Iterable[Any], schemas: Sequence[StructType]) -> dict[str, Any]:
    """The values by name, of their own types; without those that are null."""
    found: dict[str, Any] = {}
    for number, texts in rows:
        for field, text in zip(schemas[number].fields, texts, strict=True):
            if text is not None:
                found[field.name] = _READ[field.dataType.typeName()](text)
    return found


# Each of these types has a text that says exactly what it is.
_READ: dict[str, Callable[[str], Any]] = {
    "boolean": lambda text: text == "true",
    "byte": int,
    "short": int,
    "integer": int,
    "long": int,
    "decimal": Decimal,
    "float": float,
    "double": float,
    "string": str,
}


def _of_group(frame: DataFrame, group: Sequence[tuple[Bound, list[str]]], target: Target) -> DataFrame:
    """One row for measures that look at the same values in the same way."""
    first = group[0][0]
    rows = flatten(frame, first) if first.repeated else frame
    wanted = [(one.flattened if one.repeated else one, names) for one, names in group]
    (bound, (name, *_)), kind = wanted[0], first.measure.kind
    if kind == "orphans":
        return orphans(rows, bound, name, target, frame)
    if kind == "unordered":
        return unordered(rows, bound, name)
    take = _TAKEN_BY.get(kind)
    if take is not None:
        return take(rows, wanted)
    return rows.agg(*(column for one, names in wanted for column in _aliased(one, names)))


_TAKEN_BY: dict[str, Callable[[DataFrame, Wanted], DataFrame]] = {
    "duplicates": by_key,
    "distinct": by_key,
    "entropy": by_key,
    "about_distinct": about_distinct,
    "quantile": quantiles,
    "ranked": quantiles,
}


def _together(plain: list[tuple[Bound, list[str]]]) -> list[list[tuple[Bound, list[str]]]]:
    """Measures that share one aggregate, those of the same columns next to each other: each group reads its columns only."""
    ordered = sorted(plain, key=lambda pair: [column.name for column in pair[0].all_columns])
    count = -(-len(ordered) // MOST_TOGETHER)
    ends = [len(ordered) * group // count for group in range(count + 1)] if count else []
    return [ordered[start:end] for start, end in itertools.pairwise(ends)]


def _aliased(bound: Bound, names: Sequence[str]) -> list[Column]:
    return [column.alias(name) for column, name in zip(aggregates(bound), names, strict=True)]


def _is_flattened(bound: Bound) -> bool:
    """Whether it's about elements themselves, and not about the rows that hold them."""
    return bound.repeated and bound.measure.kind not in TESTS
