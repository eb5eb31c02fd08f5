"""Checks that want a number about a column to lie between two ends."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, TypeVar

from pydantic import PlainValidator, model_validator

from hookline.core.errors import MeasureError
from hookline.core.events import Scalar, Verdict
from hookline.quality.checks.base import Check, Options, Results
from hookline.quality.checks.scalars import ColumnName, ends, read_bound, refuse_crossed


def read_number(given: object) -> Scalar:
    """An end of a range of numbers."""
    value = read_bound(given)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError("a number is allowed here")
    return value


Number = Annotated[Scalar | None, PlainValidator(read_number)]


class EndsOptions(Options):
    """A range of numbers; the ends are part of it, and one may be left out."""

    min: Number = None
    max: Number = None

    @model_validator(mode="after")
    def _check_ends(self) -> EndsOptions:
        refuse_crossed(self.min, self.max)
        return self


class BetweenOptions(EndsOptions):
    """A column, and a range of numbers."""

    column: ColumnName


OptionsT = TypeVar("OptionsT", bound=EndsOptions)


@dataclass(frozen=True)
class Between(Check[OptionsT], ABC):
    """A number lies between two ends; without any value it passes, and NaN lies nowhere."""

    no_exceptions: ClassVar[str] = "widen min and max instead"

    @property
    @abstractmethod
    def what(self) -> str:
        """What the number is, in words."""

    @property
    def expected(self) -> str:
        """In words."""
        return f"{self.what} is {ends(self.options.min, self.options.max)}{self.terms.about}"

    @abstractmethod
    def number(self, results: Results) -> Fraction | float | None:
        """The number, exact where the column is."""

    def judge(self, results: Results) -> Verdict:
        """Observed is the number."""
        found = self.number(results)
        if found is None:
            return self.verdict("passed", results)
        low, high = (None if end is None else Fraction(end) for end in (self.options.min, self.options.max))  # type: ignore[arg-type]
        fits = found == found and (low is None or found >= low) and (high is None or found <= high)
        exact = isinstance(found, Fraction) and found.denominator == 1
        observed: int | float = int(found) if exact else float(found)
        if isinstance(observed, float) and not math.isfinite(observed):
            return self.verdict("passed" if fits else "failed", results, observed=str(observed))
        return self.verdict("passed" if fits else "failed", results, observed=observed)


@dataclass(frozen=True)
class ColumnBetween(Between[BetweenOptions], ABC):
    """A number about one column."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.options.column,)

    @property
    def what(self) -> str:
        """In words."""
        return f"the {self.kind} of {self.options.column}"


def exactly(value: object) -> Fraction | float | None:
    """A measured number, without losing a digit; a float when it is one."""
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, (int, Decimal)):
        return Fraction(value)
    raise MeasureError(f"this check is about numbers, and the column holds values of the type {type(value).__name__}")
