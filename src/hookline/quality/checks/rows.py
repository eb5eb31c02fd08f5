"""Checks on whole rows: keys that are unique, and how many rows there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import model_validator

from hookline.core.events import Measure, Verdict
from hookline.quality.checks.base import Check, Options, Results, RowCheck, count
from hookline.quality.checks.limits import LimitOptions
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import ColumnNames
from hookline.quality.checks.spread import refuse_many


class UniqueOptions(Options):
    """``unique: column``, ``unique: [column, column]``, or a mapping."""

    short: ClassVar[str] = "a column, a list of columns"
    columns: ColumnNames
    keep: Literal["none", "first"] = "none"

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

    @property
    def keeps_first(self) -> bool:
        """Whether a quarantine leaves one of the copies."""
        return self.options.keep == "first"

    def failing(self) -> Measure:
        """The rows whose key stands elsewhere too."""
        return Measure.duplicates(*self.columns)


@register("row_count", LimitOptions)
@dataclass(frozen=True)
class RowCount(Check[LimitOptions]):
    """The write has so many rows; with ``where``, so many for which that holds."""

    takes_where: ClassVar[bool] = True
    no_exceptions: ClassVar[str] = "widen min and max instead"

    @property
    def columns(self) -> tuple[str, ...]:
        """None: it is about all of them."""
        return ()

    @property
    def expected(self) -> str:
        """In words."""
        return self.options.words("row") + self.terms.about

    def measures(self) -> tuple[Measure, ...]:
        """The rows."""
        if self.terms.where is not None:
            return (Measure.matching(self.terms.where, required=self.terms.must_answer),)
        return (Measure.rows(required=self.terms.must_answer),)

    def judge(self, results: Results) -> Verdict:
        """Observed is the number of rows."""
        (measure,) = self.measures()
        rows = count(results, measure)
        return self.verdict("passed" if self.options.holds(rows) else "failed", results, observed=rows)


class DistinctCountOptions(LimitOptions):
    """A key of one column or several, and how many different ones there are; estimated when ``approximate``."""

    columns: ColumnNames
    approximate: bool = False

    @model_validator(mode="after")
    def _check_columns(self) -> DistinctCountOptions:
        refuse_many(self.columns, self.approximate)
        return self


@register("distinct_count", DistinctCountOptions)
@dataclass(frozen=True)
class DistinctCount(Check[DistinctCountOptions]):
    """There are so many different keys. A key with a null part is not counted."""

    takes_where: ClassVar[bool] = True
    no_exceptions: ClassVar[str] = "widen min and max instead"

    @property
    def columns(self) -> tuple[str, ...]:
        """The key."""
        return self.options.columns

    @property
    def expected(self) -> str:
        """In words."""
        about = "about " if self.options.approximate else ""
        return f"{', '.join(self.columns)}: {about}{self.options.words('different value')}{self.terms.about}"

    def measures(self) -> tuple[Measure, ...]:
        """The different keys."""
        if self.options.approximate:
            (column,) = self.columns
            return (Measure.about_distinct(column, where=self.terms.where, required=self.terms.must_answer),)
        return (Measure.distinct(*self.columns, where=self.terms.where, required=self.terms.must_answer),)

    def judge(self, results: Results) -> Verdict:
        """Observed is the number of different keys; an empty dataset passes."""
        (measure,) = self.measures()
        found = count(results, measure)
        fits = self.options.holds(found) or found == 0
        return self.verdict("passed" if fits else "failed", results, observed=found)
