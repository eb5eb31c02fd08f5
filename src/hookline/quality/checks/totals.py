"""Checks on the sum and the mean of a column, and on a sum that another dataset must have too."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import Field, PlainValidator, model_validator

from hookline.core.events import Measure, Verdict
from hookline.quality.checks.base import Check, Options, Results, count
from hookline.quality.checks.between import BetweenOptions, ColumnBetween, exactly, read_number
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import ColumnName


def total(results: Results, measure: Measure) -> Fraction | float | None:
    """A column's sum; a float when it is one, or not finite."""
    return exactly(results[measure].value)


@register("sum", BetweenOptions)
@dataclass(frozen=True)
class Sum(ColumnBetween):
    """The sum of the column's values."""

    def measures(self) -> tuple[Measure, ...]:
        """The sum."""
        return (Measure.total(self.options.column, required=self.terms.must_answer),)

    def number(self, results: Results) -> Fraction | float | None:
        """The sum; None when there is no value."""
        return total(results, self.measures()[0])


@register("mean", BetweenOptions)
@dataclass(frozen=True)
class Mean(ColumnBetween):
    """The mean of the column's values, nulls left out."""

    def measures(self) -> tuple[Measure, ...]:
        """The sum, and what it is divided by."""
        required = self.terms.must_answer
        return (
            Measure.total(self.options.column, required=required),
            Measure.rows(required=required),
            Measure.nulls(self.options.column, required=required),
        )

    def number(self, results: Results) -> Fraction | float | None:
        """The sum by the number of values; None when there is none."""
        values = count(results, Measure.rows()) - count(results, Measure.nulls(self.options.column))
        summed = total(results, Measure.total(self.options.column))
        return None if summed is None or not values else summed / values


def read_allowance(given: object) -> Fraction:
    """By how much two sums may differ."""
    value = exactly(read_number(given))
    if not isinstance(value, Fraction) or value < 0:
        raise ValueError("a number that is not negative is allowed here")
    return value


class ReconcileOptions(Options):
    """A column here and one of another dataset, whose sums are to be the same; without columns, the numbers of rows."""

    column: ColumnName | None = None
    dataset: Annotated[str, Field(min_length=1)]
    to: ColumnName | None = None
    within: Annotated[Fraction, PlainValidator(read_allowance)] = Fraction(0)

    @model_validator(mode="after")
    def _check_columns(self) -> ReconcileOptions:
        if self.column is None and self.to is not None:
            raise ValueError("'to' is a column to compare with: name the column here too, or leave both out")
        return self


@register("reconcile", ReconcileOptions)
@dataclass(frozen=True)
class Reconcile(Check[ReconcileOptions]):
    """A column's sum, or the number of rows, is that of another dataset. A sum of nothing is 0."""

    no_exceptions: ClassVar[str] = "say with 'within' by how much the two may differ"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return () if self.options.column is None else (self.options.column,)

    @property
    def expected(self) -> str:
        """In words."""
        about, to = self.options.column, self.options.to or self.options.column
        borne = f", give or take {float(self.options.within):.12g}" if self.options.within else ""
        if about is None:
            return f"there are as many rows as in {self.options.dataset}{borne}"
        return f"the sum of {about} is that of {to} in {self.options.dataset}{borne}"

    def measures(self) -> tuple[Measure, ...]:
        """Both sums."""
        dataset, required = self.options.dataset, self.terms.must_answer
        if self.options.column is None:
            return Measure.rows(required=required), Measure.rows(dataset=dataset, required=required)
        to = self.options.to or self.options.column
        return (
            Measure.total(self.options.column, required=required),
            Measure.total(to, dataset=dataset, required=required),
        )

    def judge(self, results: Results) -> Verdict:
        """Observed is by how much this sum is greater than the other; where one isn't finite, they differ."""
        mine, theirs = (total(results, measure) or Fraction(0) for measure in self.measures())
        apart = mine - theirs
        observed = int(apart) if isinstance(apart, Fraction) and apart.denominator == 1 else float(apart)
        most: Fraction = self.options.within
        same = bool(-most <= apart <= most)
        shown = observed if abs(observed) < float("inf") else str(observed)
        return self.verdict("passed" if same else "failed", results, observed=shown)
