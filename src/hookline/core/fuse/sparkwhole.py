"""Measures that bring equal values together, as Spark frames of one row: keys, quantiles, order, other datasets."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from hookline.core.errors import MeasureError
from hookline.core.events import Column as DataColumn
from hookline.core.fuse.binding import ELEMENT, Bound
from hookline.core.fuse.domain import domain_of
from hookline.core.fuse.expressions import comparable_column, elements, number_of, reference, row_filter
from hookline.core.fuse.paths import Part
from hookline.core.fuse.target import Target

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def flatten(frame: DataFrame, bound: Bound) -> DataFrame:
    """A row for each element that the measure is about."""
    from pyspark.sql import functions as F

    chosen = row_filter(bound)
    if not isinstance(bound.column, Part):
        raise TypeError(f"{bound.measure} is about no elements")
    rows = frame if chosen is None else frame.where(chosen)
    return rows.select(F.explode(elements(bound.column)).alias(ELEMENT))


Wanted = Sequence[tuple[Bound, Sequence[str]]]
"""Measures of the same values, each with the names under which its numbers are to stand."""


def by_key(frame: DataFrame, wanted: Wanted) -> DataFrame:
    """How often keys occur, in one row."""
    from pyspark.sql import functions as F

    def numbers(kind: str) -> list[Column]:
        if kind == "duplicates":
            return [F.coalesce(F.sum(F.when(F.col("n") > 1, F.col("n"))), F.lit(0))]
        if kind == "distinct":
            return [F.count(F.lit(1))]
        return [F.sum("n"), F.sum(F.col("n") * F.log2("n"))]

    found = (zip(numbers(bound.measure.kind), names, strict=True) for bound, names in wanted)
    return _counted(_keys(frame, wanted[0][0])).agg(*(column.alias(name) for pairs in found for column, name in pairs))


def about_distinct(frame: DataFrame, wanted: Wanted) -> DataFrame:
    """Estimates, in one row."""
    from pyspark.sql import functions as F

    estimates = (F.approx_count_distinct("k0", 0.01).alias(names[0]) for _, names in wanted)
    return _keys(frame, wanted[0][0]).agg(*estimates)


def _keys(frame: DataFrame, bound: Bound) -> DataFrame:
    """The measure's columns as k0, k1 …, in the rows that it looks at and in which none of them is null."""
    chosen = row_filter(bound)
    rows = frame if chosen is None else frame.where(chosen)
    return _comparables(rows, bound.columns)


def _comparables(rows: DataFrame, columns: Sequence[DataColumn]) -> DataFrame:
    present = functools.reduce(lambda left, right: left & right, [reference(column).isNotNull() for column in columns])
    return rows.where(present).select(*(comparable_column(c).alias(f"k{i}") for i, c in enumerate(columns)))


def _counted(keys: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    return keys.groupBy(*keys.columns).agg(F.count(F.lit(1)).alias("n"))


def quantiles(frame: DataFrame, wanted: Wanted) -> DataFrame:
    """The two values around each quantile's rank, and how many there are, in one row.

    Spark's own ``percentile`` makes doubles of integers and decimals first.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    bound = wanted[0][0]
    domain = domain_of(bound.column.type)
    keys = _keys(frame, bound)
    keys = keys.where(~F.isnan("k0")) if domain.floating else keys
    before = Window.orderBy("k0").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    counted = _counted(keys.select(number_of(F.col("k0"), domain).alias("k0")))
    counted = counted.select("k0", "n", F.sum("n").over(before).alias("upto"))
    counted = counted.withColumn("rows", F.max("upto").over(Window.partitionBy()))

    def at(rank: Column) -> Column:
        return F.max(F.when((F.col("upto") > rank) & (F.col("upto") - F.col("n") <= rank), F.col("k0")))

    found = []
    for one, names in wanted:
        over, under = (one.measure.fraction or Decimal(0)).as_integer_ratio()
        rank = F.expr(f"(rows - 1) * {over}L div {under}L")
        columns = (F.max("rows"), at(rank), at(rank + 1))
        found += [column.alias(name) for column, name in zip(columns, names, strict=True)]
    return counted.agg(*found)


def orphans(frame: DataFrame, bound: Bound, name: str, target: Target, written: DataFrame) -> DataFrame:
    """How many rows have a key that the other dataset does not have.

    Args:
        written: all rows as they are, which may be the other dataset.
    """
    from pyspark.sql import functions as F

    (other,) = bound.measure.others
    theirs = written
    if other.dataset:
        found = target.find_other(other.dataset)
        if found.read_back is None:
            raise MeasureError(f"{other.dataset} can't be read")
        theirs = found.read_back()
    mine, known = _keys(frame, bound).alias("mine"), _comparables(theirs, bound.partners).distinct().alias("known")
    same = functools.reduce(
        lambda left, right: left & right,
        [F.col(f"mine.k{i}") == F.col(f"known.k{i}") for i in range(len(bound.columns))],
    )
    return mine.join(known, same, "left_anti").agg(F.count(F.lit(1)).alias(name))


def unordered(frame: DataFrame, bound: Bound, name: str) -> DataFrame:
    """How many rows break the order."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    order = bound.measure.order or "increasing"
    within = [f"k{i}" for i in range(2, len(bound.columns))]
    keys = _keys(frame, bound)
    is_nan = F.isnan("k0") if domain_of(bound.column.type).floating else F.lit(False)
    together = Window.partitionBy(*within, "nan")
    ranked = keys.withColumn("nan", is_nan).withColumn("step", F.dense_rank().over(together.orderBy("k1")))
    pick = F.max if order.endswith("increasing") else F.min
    compared = ranked.withColumn("before", pick("k0").over(together.orderBy("step").rangeBetween(-1, -1)))
    breaks = {
        "increasing": F.col("k0") < F.col("before"),
        "decreasing": F.col("k0") > F.col("before"),
        "strictly increasing": F.col("k0") <= F.col("before"),
        "strictly decreasing": F.col("k0") >= F.col("before"),
    }[order]
    return compared.agg(F.count(F.when(F.col("nan") | breaks, 1)).alias(name))
