"""Checks that are conditions on a row: any in SQL, and those that have a shorter way of being said.

A row for which a condition is null is not evaluated, as everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from hookline.core.conditions import read_condition
from hookline.core.events import Measure
from hookline.quality.checks.base import ColumnCheck, ColumnOptions, Options, RowCheck
from hookline.quality.checks.limits import LimitOptions
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import ColumnName, path, read_condition_text

_TYPE = re.compile(
    r"(tinyint|smallint|int|bigint|float|double|boolean|date|timestamp|timestamp_ntz|decimal\(\d{1,2}, ?\d{1,2}\))"
)


class ExpressionOptions(Options):
    """``expression: "a <= b"``, or a mapping."""

    short: ClassVar[str] = "a condition in SQL"
    sql: Annotated[str, AfterValidator(read_condition_text)]

    @classmethod
    def expand(cls, given: object) -> object:
        """A text is the condition."""
        return {"sql": given} if isinstance(given, str) else given


@register("expression", ExpressionOptions)
@dataclass(frozen=True)
class Expression(RowCheck[ExpressionOptions]):
    """A condition in Spark's SQL is not false."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names."""
        return read_condition(self.options.sql).columns

    @property
    def rule(self) -> str:
        """The condition."""
        return self.options.sql

    def failing(self) -> Measure:
        """The rows for which it is false."""
        return Measure.violations(self.options.sql)


class CompareOptions(Options):
    """Two columns and what holds between them."""

    left: ColumnName
    operator: Literal["=", "<>", "<", "<=", ">", ">="]
    right: ColumnName


@register("compare", CompareOptions)
@dataclass(frozen=True)
class Compare(RowCheck[CompareOptions]):
    """Two columns of a row compare as wanted; a row in which one is null is not evaluated."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The two."""
        return (self.options.left, self.options.right)

    @property
    def rule(self) -> str:
        """In words."""
        return f"{self.options.left} {self.options.operator} {self.options.right}"

    def failing(self) -> Measure:
        """The rows in which it does not hold."""
        left, right = path(self.options.left), path(self.options.right)
        return Measure.violations(f"{left} {self.options.operator} {right}")


class LengthOptions(LimitOptions, ColumnOptions):
    """The least and the greatest number of characters; one may be left out."""

    min: Annotated[int | None, Field(ge=0)] = None
    max: Annotated[int | None, Field(ge=0)] = None


@register("length", LengthOptions)
@dataclass(frozen=True)
class Length(ColumnCheck[LengthOptions]):
    """The column's texts have so many characters (Unicode code points)."""

    @property
    def rule(self) -> str:
        """In words."""
        return f"{self.options.column} has {self.options.words('character')}"

    def failing(self) -> Measure:
        """The texts that are longer or shorter."""
        low, high = ("" if end is None else str(end) for end in (self.options.min, self.options.max))
        return Measure.malformed(self.options.column, f"length:{low}:{high}")


def read_type(given: str) -> str:
    """A type that text can be cast to."""
    if not _TYPE.fullmatch(given):
        raise ValueError(
            "a simple type is allowed here: int, bigint, double, decimal(10,2), boolean, date, timestamp …"
        )
    return given


class CastableOptions(ColumnOptions):
    """The type that values must be readable as."""

    to: Annotated[str, AfterValidator(read_type)]


@register("castable", CastableOptions)
@dataclass(frozen=True)
class Castable(ColumnCheck[CastableOptions]):
    """Spark can cast the column's values to a type."""

    @property
    def rule(self) -> str:
        """In words."""
        return f"{self.options.column} can be read as {self.options.to}"

    def failing(self) -> Measure:
        """The values that can't."""
        return Measure.malformed(self.options.column, f"castable:{self.options.to}")
