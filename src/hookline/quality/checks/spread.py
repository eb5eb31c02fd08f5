"""Checks on how a column's values are spread: extremes, quantiles, deviation, entropy, and how two go together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import PlainValidator, model_validator

from hookline.core.events import Measure
from hookline.quality.checks.base import Results, count
from hookline.quality.checks.between import Between, BetweenOptions, ColumnBetween, EndsOptions, exactly
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import ColumnNames, exact, path


@register("stddev", BetweenOptions)
@dataclass(frozen=True)
class Deviation(ColumnBetween):
    """The sample standard deviation of the column's values, in doubles."""

    def measures(self) -> tuple[Measure, ...]:
        """Its square."""
        return (Measure.variance(self.options.column, required=self.terms.must_answer),)

    def number(self, results: Results) -> float | None:
        """None for fewer than two values."""
        value = results[self.measures()[0]].value
        return None if value is None else math.sqrt(value)


def read_fraction(given: object) -> Decimal:
    """Which quantile, exactly as written."""
    if isinstance(given, bool) or not isinstance(given, (int, float, Decimal)) or not 0 <= given <= 1:
        raise ValueError("a number from 0 to 1 is allowed here (0.95: 95 % of the values are not above)")
    value = exact(given) if isinstance(given, float) else Decimal(given)
    if int(value.as_tuple().exponent) < -6:
        raise ValueError("at most six decimal places are allowed here")
    return value


FractionOfAll = Annotated[Decimal, PlainValidator(read_fraction)]


class QuantileOptions(BetweenOptions):
    """Which quantile of a column, and a range of numbers."""

    quantile: FractionOfAll


@register("quantile", QuantileOptions)
@dataclass(frozen=True)
class Quantile(Between[QuantileOptions]):
    """A quantile of the column's values, exactly; NaN is passed over."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.options.column,)

    @property
    def name(self) -> str:
        """Several quantiles of a column are told apart."""
        return self.terms.name or f"quantile({self.options.column}, {self.options.quantile})"

    @property
    def what(self) -> str:
        """In words."""
        return f"the {self.options.quantile} quantile of {self.options.column}"

    def measures(self) -> tuple[Measure, ...]:
        """The quantile."""
        return (Measure.quantile(self.options.column, self.options.quantile, required=self.terms.must_answer),)

    def number(self, results: Results) -> Fraction | float | None:
        """None when there is no value."""
        return exactly(results[self.measures()[0]].value)


@register("median", BetweenOptions)
@dataclass(frozen=True)
class Median(ColumnBetween):
    """The value in the middle, exactly; NaN is passed over."""

    def measures(self) -> tuple[Measure, ...]:
        """The middle quantile."""
        return (Measure.quantile(self.options.column, Decimal("0.5"), required=self.terms.must_answer),)

    def number(self, results: Results) -> Fraction | float | None:
        """None when there is no value."""
        return exactly(results[self.measures()[0]].value)


@register("minimum", BetweenOptions)
@dataclass(frozen=True)
class Minimum(ColumnBetween):
    """The least of the column's numbers; NaN is passed over."""

    def measures(self) -> tuple[Measure, ...]:
        """The minimum."""
        return (Measure.minimum(self.options.column, required=self.terms.must_answer),)

    def number(self, results: Results) -> Fraction | float | None:
        """None when there is no value."""
        return exactly(results[self.measures()[0]].value)


@register("maximum", BetweenOptions)
@dataclass(frozen=True)
class Maximum(ColumnBetween):
    """The greatest of the column's numbers; NaN is passed over."""

    def measures(self) -> tuple[Measure, ...]:
        """The maximum."""
        return (Measure.maximum(self.options.column, required=self.terms.must_answer),)

    def number(self, results: Results) -> Fraction | float | None:
        """None when there is no value."""
        return exactly(results[self.measures()[0]].value)


@register("entropy", BetweenOptions)
@dataclass(frozen=True)
class Entropy(ColumnBetween):
    """Shannon's entropy of the column's values, in bits: 0 when all are the same, log2(n) when n are equally frequent."""

    takes_where = True

    def measures(self) -> tuple[Measure, ...]:
        """The entropy."""
        return (Measure.entropy(self.options.column, where=self.terms.where, required=self.terms.must_answer),)

    def number(self, results: Results) -> Fraction | float | None:
        """None when there is no value."""
        return exactly(results[self.measures()[0]].value)


class CorrelationOptions(EndsOptions):
    """Two columns, and a range within -1 and 1."""

    columns: ColumnNames

    @model_validator(mode="after")
    def _check_columns(self) -> CorrelationOptions:
        if len(self.columns) != 2:
            raise ValueError("two columns are needed")
        return self


@register("correlation", CorrelationOptions)
@dataclass(frozen=True)
class Correlation(Between[CorrelationOptions]):
    """Pearson's coefficient of two columns. A column that is constant has none, and fails."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The two."""
        return self.options.columns

    @property
    def what(self) -> str:
        """In words."""
        return f"the correlation of {' and '.join(self.columns)}"

    def measures(self) -> tuple[Measure, ...]:
        """The coefficient."""
        one, other = self.options.columns
        return (Measure.correlation(one, other, required=self.terms.must_answer),)

    def number(self, results: Results) -> Fraction | float | None:
        """None for fewer than two pairs."""
        return exactly(results[self.measures()[0]].value)


class DistinctShareOptions(EndsOptions):
    """A key, and which share of the rows that have it may have a different one; estimated when ``approximate``."""

    columns: ColumnNames
    approximate: bool = False

    @model_validator(mode="after")
    def _check_columns(self) -> DistinctShareOptions:
        refuse_many(self.columns, self.approximate)
        if any("[]" in column for column in self.columns):
            raise ValueError("a share of rows can't be told of the elements of an array: use distinct_count")
        return self


def refuse_many(columns: tuple[str, ...], approximate: bool) -> None:
    """Raise ValueError for an estimate of a composite key."""
    if approximate and len(columns) > 1:
        raise ValueError("an estimate is of one column: leave 'approximate' out for a composite key")


@register("distinct_share", DistinctShareOptions)
@dataclass(frozen=True)
class DistinctShare(Between[DistinctShareOptions]):
    """How many different keys there are for each row that has one: 1 when all are unique. A key with a null part is none."""

    takes_where = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The key."""
        return self.options.columns

    @property
    def what(self) -> str:
        """In words."""
        about = "about how many" if self.options.approximate else "how many"
        return f"{about} different {', '.join(self.columns)} there are for each"

    def measures(self) -> tuple[Measure, ...]:
        """The different keys, all rows, and those without a key."""
        where, required = self.terms.where, self.terms.must_answer
        if self.options.approximate:
            keys = Measure.about_distinct(self.columns[0], where=where, required=required)
        else:
            keys = Measure.distinct(*self.columns, where=where, required=required)
        present = " AND ".join(f"{path(column)} IS NOT NULL" for column in self.columns)
        if len(self.columns) == 1 and where is None:
            return keys, Measure.rows(required=required), Measure.nulls(self.columns[0], required=required)
        return keys, Measure.matching(present if where is None else f"({where}) AND {present}", required=required)

    def number(self, results: Results) -> Fraction | float | None:
        """None when no row has a key."""
        keys, rows, *nulls = (count(results, measure) for measure in self.measures())
        with_key = rows - sum(nulls)
        return min(Fraction(1), Fraction(keys, with_key)) if with_key else None
