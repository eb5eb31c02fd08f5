"""Measures as Spark expressions, for riding along and for a pass of Spark's own.

Every expression is total (it can't fail the user's job under ANSI), and none uses DISTINCT or FILTER, which ``observe``
refuses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hookline.core.events import Measure, Measured, Way
from hookline.core.fuse.binding import Bound
from hookline.core.fuse.domain import Domain, days_of, present
from hookline.core.fuse.patterns import for_java

if TYPE_CHECKING:
    from pyspark.sql import Column

_DAY_S = 86_400


def reference(name: str) -> Column:
    """A top-level column, whatever its name."""
    from pyspark.sql import functions as F

    return F.col("`" + name.replace("`", "``") + "`")


def aggregates(bound: Bound) -> list[Column]:
    """The expressions, inside one ``agg`` or ``observe``, that ``read`` makes a value of."""
    from pyspark.sql import functions as F

    kind = bound.measure.kind
    if kind == "rows":
        return [F.count(F.lit(1))]
    column = comparable(bound)
    if kind == "nulls":
        return [F.count(F.lit(1)) - F.count(column)]
    if kind == "total":
        return _total(bound.domain, column)
    if kind in ("minimum", "maximum"):
        return [_extreme(bound, column)]
    return [F.count(F.when(_fails(bound, column), F.lit(1)))]


def read(bound: Bound, values: Sequence[Any], way: Way) -> Measured:
    """The value of a measure from those of its ``aggregates``."""
    kind, domain = bound.measure.kind, bound.domain if bound.columns else None
    try:
        if domain is None or kind not in ("total", "minimum", "maximum"):
            return Measured(int(values[0]), way)
        value = _read_total(domain, values) if kind == "total" else values[0]
        if kind == "total":
            return Measured(value, way)
        if domain.kind == "timestamp_ntz" and values[0] is not None:
            value = days_of(values[0][0]) * _DAY_S * 1_000_000 + values[0][1]
        return Measured(present(domain, value), way)
    except OverflowError:
        return Measured(error=f"{bound.measure}: the result is beyond what Python or decimal(38) can hold")


def read_all(
    bound: Sequence[Bound], row: Mapping[str, Any], names: Sequence[Sequence[str]], way: Way
) -> dict[Measure, Measured]:
    """Every measure's value, its aggregates' names in the row given."""
    return {one.measure: read(one, [row[name] for name in mine], way) for one, mine in zip(bound, names, strict=True)}


def comparable(bound: Bound) -> Column:
    """The column as every way compares it: strings by their bytes, -0.0 as 0.0."""
    return comparable_column(bound.column.name, bound.domain)


def comparable_column(name: str, domain: Domain) -> Column:
    """As ``comparable``, of any column."""
    from pyspark.sql import functions as F

    column = reference(name)
    if domain.collated:
        return F.collate(column, "UTF8_BINARY")
    return column.cast("double") + F.lit(0.0) if domain.floating else column


def _fails(bound: Bound, column: Column) -> Column:
    """True for a value that the measure counts; null or false for others."""
    from pyspark.sql import functions as F

    domain = bound.domain
    if bound.measure.kind == "unmatched":
        return ~column.rlike(for_java(bound.measure.pattern or ""))
    if bound.measure.kind == "not_in":
        if not bound.members and not bound.names_nan:
            return column.isNotNull()
        inside = column.isin([_literal(domain, value) for value in bound.members]) if bound.members else F.lit(False)
        if domain.floating:
            inside = (F.isnan(column) & F.lit(bound.names_nan)) | (~F.isnan(column) & inside)
        return column.isNotNull() & ~inside
    if bound.empty:
        return column.isNotNull()
    outside = F.isnan(column) if domain.floating else F.lit(False)
    if bound.low is not None:
        outside = outside | (column < _literal(domain, bound.low))
    if bound.high is not None:
        outside = outside | (column > _literal(domain, bound.high))
    return column.isNotNull() & outside


def _literal(domain: Domain, value: Any) -> Column:
    from pyspark.sql import functions as F

    if domain.kind == "date":
        return F.lit(present(domain, value).isoformat()).cast("date")
    if domain.kind == "timestamp":
        return F.timestamp_micros(F.lit(value).cast("bigint"))
    if domain.kind == "timestamp_ntz":
        return F.lit(present(domain, value).isoformat()).cast("timestamp_ntz")
    if domain.kind == "decimal":
        return F.lit(f"{value:f}").cast(f"decimal({domain.precision},{domain.scale})")
    return F.lit(value).cast("bigint") if domain.kind == "int" else F.lit(value)


def _total(domain: Domain, column: Column) -> list[Column]:
    from pyspark.sql import functions as F

    if not domain.floating:
        exact = f"decimal({domain.precision},{domain.scale})" if domain.kind == "decimal" else "decimal(20,0)"
        return [F.try_sum(column.cast(exact)), F.count(column)]
    infinity = F.lit(math.inf)
    finite = ~F.isnan(column) & (column != infinity) & (column != -infinity)
    special = (F.count(F.when(test, 1)) for test in (F.isnan(column), column == infinity, column == -infinity))
    return [F.sum(F.when(finite, column)), F.count(column), *special]


def _read_total(domain: Domain, values: Sequence[Any]) -> Any:
    total, count = values[0], values[1]
    if not count:
        return None
    if domain.floating:
        return merge_specials(total or 0.0, *values[2:])
    if total is None:
        raise OverflowError
    return int(total) if domain.kind == "int" else present(domain, Decimal(total))


def merge_specials(finite: float, nans: int, infinities: int, negative_infinities: int) -> float:
    """The sum of floats, from the sum of the finite ones and how many others there are."""
    if nans or (infinities and negative_infinities):
        return math.nan
    if infinities or negative_infinities:
        return math.inf if infinities else -math.inf
    return finite + 0.0


def _extreme(bound: Bound, column: Column) -> Column:
    from pyspark.sql import functions as F

    domain = bound.domain
    pick = F.min if bound.measure.kind == "minimum" else F.max
    if domain.floating:
        return pick(F.when(~F.isnan(column), column))
    if domain.kind == "date":
        return F.unix_date(pick(column))
    if domain.kind == "timestamp":
        return F.unix_micros(pick(column))
    if domain.kind == "timestamp_ntz":
        # Taken apart, as every conversion of a wall clock to a number goes through the session's time zone.
        moment = pick(column)
        seconds = F.hour(moment) * 3600 + F.minute(moment) * 60
        micros = (F.extract(F.lit("SECOND"), moment) * 1_000_000).cast("bigint") + seconds.cast("bigint") * 1_000_000
        return F.when(moment.isNotNull(), F.struct(moment.cast("date"), micros))
    return pick(column)
