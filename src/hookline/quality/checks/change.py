"""How a write compares with those before it."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import PlainValidator, model_validator

from hookline.core.events import Measure, Verdict
from hookline.quality.checks.base import Check, Options, OptionsT, Results, count
from hookline.quality.checks.between import exactly, read_number
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import percent
from hookline.quality.history import History


def no_verdict(verdict: Verdict) -> Verdict:
    """The verdict of a check that has too little history: it refuses nothing, or no first write would ever pass."""
    return dataclasses.replace(verdict, required=False)


@dataclass(frozen=True)
class HistoryCheck(Check[OptionsT]):
    """A check that looks at earlier writes as well."""

    def judge(self, results: Results) -> Verdict:
        """Without a history there is no answer."""
        message = "it compares a write with earlier ones, and there is no run history here"
        return self.verdict("error", results, message=message)

    @abstractmethod
    def judge_against(self, history: History, results: Results) -> Verdict:
        """The verdict."""


def read_change(given: object) -> Fraction:
    """A change as a share of what there was."""
    value = exactly(read_number(given))
    if not isinstance(value, Fraction) or value < -1:
        raise ValueError(
            "a share of the rows before is allowed: -0.1 is 10 % fewer, 0.5 is 50 % more, and -1 is none left"
        )
    return value


Change = Annotated[Fraction | None, PlainValidator(read_change)]


class RowCountChangeOptions(Options):
    """By which share of its rows a write may be smaller and larger than the one before."""

    min: Change = None
    max: Change = None

    @model_validator(mode="after")
    def _check_ends(self) -> RowCountChangeOptions:
        if self.min is None and self.max is None:
            raise ValueError("min, max or both are needed")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is greater than max: swap them")
        return self


@register("row_count_change", RowCountChangeOptions)
@dataclass(frozen=True)
class RowCountChange(HistoryCheck[RowCountChangeOptions]):
    """The write has about as many rows as the dataset's last published write by an earlier run."""

    no_exceptions: ClassVar[str] = "widen min and max instead"

    @property
    def columns(self) -> tuple[str, ...]:
        """None: it is about all of them."""
        return ()

    @property
    def expected(self) -> str:
        """In words."""
        low, high = self.options.min, self.options.max
        ends = [
            *([] if low is None else [f"at least {percent(1 + low)}"]),
            *([] if high is None else [f"at most {percent(1 + high)}"]),
        ]
        return f"{' and '.join(ends)} of the rows of the write before"

    def measures(self) -> tuple[Measure, ...]:
        """The rows."""
        return (Measure.rows(required=self.terms.must_answer),)

    def judge_against(self, history: History, results: Results) -> Verdict:
        """Observed is the change as a share; the first write, and one after an empty one, passes."""
        rows, before = count(results, self.measures()[0]), history.rows_before
        if not before:
            told = "there is no earlier write to compare with" if before is None else "the write before was empty"
            return self.verdict("passed", results, message=told)
        change = Fraction(rows - before, before)
        low, high = self.options.min, self.options.max
        fits = (low is None or change >= low) and (high is None or change <= high)
        return self.verdict("passed" if fits else "failed", results, observed=float(change))
