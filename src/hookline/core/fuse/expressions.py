"""Measures as Spark expressions, for riding along and for a pass of Spark's own.

Every expression is total (it can't fail the user's job under ANSI), and none uses DISTINCT or FILTER, which ``observe``
refuses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from hookline.core.errors import MeasureError
from hookline.core.events import Column as DataColumn
from hookline.core.events import Measure, Measured, Way
from hookline.core.fuse.binding import CONDITIONAL, QUANTILES, TESTS, Bound
from hookline.core.fuse.domain import Domain, domain_of, present
from hookline.core.fuse.forms import form_of
from hookline.core.fuse.functions import as_udf, by_re2
from hookline.core.fuse.moments import QUANTILE, entropy, merge_correlation, merge_variance
from hookline.core.fuse.paths import Part, top_of
from hookline.core.fuse.patterns import explosive, for_java
from hookline.core.text import quoted

if TYPE_CHECKING:
    from pyspark.sql import Column

_DAY_S = 86_400
# How many numbers a measure is made of, where it's more than one.
_WIDTHS = {"variance": 4, "correlation": 7, "quantile": 3, "ranked": 3, "entropy": 2}
# Measures that are merged from the same numbers of every part of the data.
MERGED = {"variance": merge_variance, "correlation": merge_correlation}


def named(name: str) -> Column:
    """A top-level column, whatever its name."""
    from pyspark.sql import functions as F

    return F.col(quoted(name))


def reference(column: DataColumn) -> Column:
    """A column, or a field inside of one."""
    found = named(top_of(column))
    return _field(found, column.steps[1:]) if isinstance(column, Part) else found


def elements(column: Part) -> Column:
    """All values of a path through arrays, as one array. An array that is null has no elements."""
    from pyspark.sql import functions as F

    first, *others = column.levels()
    found = _field(named(first[0]), first[1:])
    for level in others[:-1]:
        found = F.flatten(F.filter(_of_each(found, level), lambda one: one.isNotNull()))
    return _of_each(found, others[-1])


def _of_each(array: Column, steps: Sequence[str]) -> Column:
    from pyspark.sql import functions as F

    return F.transform(array, lambda one: _field(one, steps)) if steps else array


def _field(column: Column, steps: Sequence[str]) -> Column:
    for step in steps:
        column = column.getField(step)
    return column


def aggregates(bound: Bound) -> list[Column]:
    """The expressions, inside one ``agg`` or ``observe``, that ``read`` makes a value of."""
    from pyspark.sql import functions as F

    kind = bound.measure.kind
    if kind == "rows":
        return [F.count(F.lit(1))]
    if kind in CONDITIONAL or kind == "rejected" or (kind in TESTS and bound.repeated):
        return [_count(bound, _test(bound))]
    if kind == "correlation":
        return _correlation(*(comparable_column(column) for column in bound.columns))
    column = comparable(bound)
    if kind == "nulls" and bound.where is None:
        return [F.count(F.lit(1)) - F.count(column)]
    if kind == "total":
        return _total(bound.domain, column)
    if kind == "variance":
        return _variance(column)
    if kind in ("minimum", "maximum"):
        return [_extreme(bound, column)]
    return [_count(bound, _test(bound))]


def _test(bound: Bound) -> Column:
    """True for a row that the measure counts, among those that it looks at; null or false for others."""
    from pyspark.sql import functions as F

    kind = bound.measure.kind
    if kind in CONDITIONAL:
        condition = F.expr(bound.measure.condition or "")
        return condition if kind == "matching" else ~condition
    if kind == "rejected":
        return ~accepted(bound)
    if bound.repeated:
        part = cast("Part", bound.column)
        return F.exists(elements(part), lambda one: _counts(bound, _plain(one, bound.domain)))
    return _counts(bound, comparable(bound))


def _counts(bound: Bound, value: Column) -> Column:
    return value.isNull() if bound.measure.kind == "nulls" else _fails(bound, value)


def accepted(bound: Bound) -> Column:
    """What the user's function says of each row."""
    if bound.measure.function is None:
        raise ValueError("there is no function")
    answer: Column = as_udf(bound.measure.function)(*(reference(column) for column in bound.columns))
    return answer


def width_of(bound: Bound) -> int:
    """How many numbers ``read`` wants."""
    if bound.measure.kind == "total":
        return 5 if bound.domain.floating else 2
    return _WIDTHS.get(bound.measure.kind, 1)


def counted(bound: Bound) -> Column:
    """Whether a row is among those that the measure counts; never null."""
    from pyspark.sql import functions as F

    chosen, test = row_filter(bound), _test(bound)
    return F.coalesce(test if chosen is None else chosen & test, F.lit(False))


def row_filter(bound: Bound) -> Column | None:
    """Which rows the measure looks at; None when at all of them."""
    from pyspark.sql import functions as F

    return None if bound.where is None else F.expr(bound.where.text)


def _count(bound: Bound, test: Column) -> Column:
    """How many of the rows that the measure looks at pass a test."""
    from pyspark.sql import functions as F

    chosen = row_filter(bound)
    return F.count(F.when(test if chosen is None else chosen & test, F.lit(1)))


def read(bound: Bound, values: Sequence[Any], way: Way) -> Measured:
    """The value of a measure from those of its ``aggregates``."""
    kind, domain = bound.measure.kind, bound.domain if bound.columns else None
    try:
        if kind in MERGED:
            return Measured(MERGED[kind]([values]), way)
        if kind == "entropy":
            return Measured(entropy(values[0], values[1]), way)
        if kind in QUANTILES:
            count, low, high = values
            found = QUANTILE[kind](bound.domain, bound.measure.fraction or Decimal(0), count, low, high)
            return Measured(found, way)
        if domain is None or kind not in ("total", "minimum", "maximum"):
            return Measured(int(values[0]), way)
        if kind == "total":
            return Measured(_read_total(domain, values), way)
        return Measured(present(domain, values[0]), way)
    except OverflowError:
        return Measured(error=f"{bound.measure}: the result is beyond what Python or decimal(38) can hold")


def read_all(
    bound: Sequence[Bound], row: Mapping[str, Any], names: Sequence[Sequence[str]], way: Way
) -> dict[Measure, Measured]:
    """Every measure's value, its aggregates' names in the row given."""
    return {one.measure: read(one, [row[name] for name in mine], way) for one, mine in zip(bound, names, strict=True)}


def comparable(bound: Bound) -> Column:
    """The column as every way compares it: strings by their bytes, -0.0 as 0.0."""
    return comparable_column(bound.column)


def comparable_column(column: DataColumn) -> Column:
    """As ``comparable``, of any column."""
    return _plain(reference(column), domain_of(column.type))


def number_of(column: Column, domain: Domain) -> Column:
    """A comparable column as the number that its domain has for it."""
    from pyspark.sql import functions as F

    if domain.kind == "date":
        return F.unix_date(column)
    if domain.kind == "timestamp":
        return F.unix_micros(column)
    return _wall_clock(column) if domain.kind == "timestamp_ntz" else column


def _wall_clock(moment: Column) -> Column:
    """Taken apart, as every conversion of a wall clock to a number goes through the session's time zone."""
    from pyspark.sql import functions as F

    seconds = F.hour(moment).cast("bigint") * 3600 + F.minute(moment) * 60
    micros = (F.extract(F.lit("SECOND"), moment) * 1_000_000).cast("bigint") + seconds * 1_000_000
    return F.unix_date(moment.cast("date")).cast("bigint") * (_DAY_S * 1_000_000) + micros


def _plain(column: Column, domain: Domain) -> Column:
    from pyspark.sql import functions as F

    if domain.collated:
        return F.collate(column, "UTF8_BINARY")
    return column.cast("double") + F.lit(0.0) if domain.floating else column


def _fails(bound: Bound, column: Column) -> Column:
    """True for a value that the measure counts; null or false for others."""
    from pyspark.sql import functions as F

    domain = bound.domain
    if bound.measure.kind == "malformed":
        return ~form_of(bound.measure.pattern or "").in_spark(column) & column.isNotNull()
    if bound.measure.kind == "unmatched" and explosive(bound.measure.pattern or "") and bound.regex is not None:
        if bound.repeated:
            raise MeasureError(
                "Java might never end on its pattern, and nothing else matches elements: write it more simply"
            )
        matched: Column = by_re2(bound.regex.re2)(column)
        return ~matched
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


def _variance(column: Column) -> list[Column]:
    from pyspark.sql import functions as F

    value = column.cast("double")
    finite = F.when(_is_finite(value), value)
    return [F.count(finite), F.avg(finite), F.var_pop(finite), F.count(F.when(~_is_finite(value), 1))]


def _correlation(one: Column, other: Column) -> list[Column]:
    from pyspark.sql import functions as F

    x, y = one.cast("double"), other.cast("double")
    finite = _is_finite(x) & _is_finite(y)
    both = F.when(finite, x), F.when(finite, y)
    # Spark's functions take the dependent variable, which is y elsewhere, first.
    sums = (f(*both) for f in (F.regr_count, F.regr_avgy, F.regr_avgx, F.regr_syy, F.regr_sxx, F.regr_sxy))
    return [*sums, F.count(F.when(x.isNotNull() & y.isNotNull() & ~finite, 1))]


def _is_finite(value: Column) -> Column:
    from pyspark.sql import functions as F

    return ~F.isnan(value) & (F.abs(value) != F.lit(math.inf))


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
    return number_of(pick(column), domain)
