"""Completeness: how many rows have a value."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from pydantic import PlainValidator

from hookline.core.events import Measure, Verdict
from hookline.quality.checks.base import ColumnCheck, OptionError, PlainColumnOptions, Results, count
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import exact_fraction, percent


def read_min_share(given: object) -> Fraction:
    """A share above 0, exactly as written."""
    if isinstance(given, (bool, str)) or not isinstance(given, (int, float, Fraction)) or not 0 < given <= 1:
        raise ValueError("a share above 0 and not above 1 is allowed (0.99 wants 99 % of the rows)")
    return exact_fraction(given) if isinstance(given, float) else Fraction(given)


class CompletenessOptions(PlainColumnOptions):
    """``completeness: column``, or a mapping with the least share of the rows that must have a value."""

    min_share: Annotated[Fraction, PlainValidator(read_min_share)] = Fraction(1)


@register("completeness", CompletenessOptions)
@dataclass(frozen=True)
class Completeness(ColumnCheck[CompletenessOptions]):
    """The column is not null."""

    def __post_init__(self) -> None:
        """A share can be said in one way only."""
        super().__post_init__()
        if self.terms.tolerance and self.options.min_share != 1:
            raise OptionError("tolerance", "min_share says already how many nulls are borne: keep one of the two")

    @property
    def rule(self) -> str:
        """In words."""
        if self.options.min_share != 1:
            return f"{self.options.column} is not null in at least {percent(self.options.min_share)} of the rows"
        return f"{self.options.column} is not null"

    def failing(self) -> Measure:
        """The nulls."""
        return Measure.nulls(self.options.column)

    def measures(self) -> tuple[Measure, ...]:
        """All rows as well when a share of them is asked for."""
        if self.options.min_share == 1:
            return super().measures()
        return (self.counted(), self.population())

    def judge(self, results: Results) -> Verdict:
        """With ``min_share``, observed is the share of the rows that have a value."""
        if self.options.min_share == 1:
            return super().judge(results)
        nulls, rows = count(results, self.counted()), count(results, self.population())
        enough = rows - nulls >= self.options.min_share * rows
        share = (rows - nulls) / rows if rows else 1.0
        return self.verdict("passed" if enough else "failed", results, observed=share, failing_rows=nulls)
