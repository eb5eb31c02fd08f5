"""Checks on whole rows: keys that are unique, and how many rows there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import PlainValidator, model_validator

from hookline.core.events import Measure, Verdict
from hookline.quality.checks.base import Check, OptionError, Options, Results, RowCheck, count
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import ColumnNames


class UniqueOptions(Options):
    """``unique: column``, ``unique: [column, column]``, or a mapping."""

    short: ClassVar[str] = "a column, a list of columns"
    columns: ColumnNames

    @classmethod
    def expand(cls, given: object) -> object:
        """A text is a key of one column, a list a composite key."""
        if isinstance(given, str):
            return {"columns": [given]}
        return {"columns": given} if isinstance(given, list) else given


@register("unique", UniqueOptions)
@dataclass(frozen=True)
class Unique(RowCheck[UniqueOptions]):
    """No two rows have the same key. All copies count as failing; a key with a null part is not evaluated."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The key."""
        return self.options.columns

    @property
    def rule(self) -> str:
        """In words."""
        return f"no two rows have the same {', '.join(self.columns)}"

    def failing(self) -> Measure:
        """The rows whose key stands elsewhere too."""
        return Measure.duplicates(*self.columns, required=self.terms.must_answer)


def read_row_limit(given: object) -> int:
    """A number of rows."""
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise ValueError("a whole number of rows, 0 or more, is allowed")
    return given


RowLimit = Annotated[int | None, PlainValidator(read_row_limit)]


class RowCountOptions(Options):
    """The least and the greatest number of rows; one may be left out."""

    min: RowLimit = None
    max: RowLimit = None

    @model_validator(mode="after")
    def _check_ends(self) -> RowCountOptions:
        if self.min is None and self.max is None:
            raise ValueError("min, max or both are needed")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min ({self.min}) is greater than max ({self.max}): swap them")
        return self


@register("row_count", RowCountOptions)
@dataclass(frozen=True)
class RowCount(Check[RowCountOptions]):
    """The write has so many rows."""

    def __post_init__(self) -> None:
        if self.terms.tolerance:
            raise OptionError("tolerance", "row_count has no failing rows to bear: widen min and max instead")

    @property
    def columns(self) -> tuple[str, ...]:
        """None: it is about all of them."""
        return ()

    @property
    def expected(self) -> str:
        """In words."""
        low, high = self.options.min, self.options.max
        if low is None or high is None:
            return f"at most {high} rows" if low is None else f"at least {low} rows"
        return f"{low} rows" if low == high else f"between {low} and {high} rows"

    def measures(self) -> tuple[Measure, ...]:
        """The rows."""
        return (Measure.rows(required=self.terms.must_answer),)

    def judge(self, results: Results) -> Verdict:
        """Observed is the number of rows."""
        rows = count(results, Measure.rows())
        low, high = self.options.min, self.options.max
        fits = (low is None or rows >= low) and (high is None or rows <= high)
        return self.verdict("passed" if fits else "failed", results, observed=rows)
