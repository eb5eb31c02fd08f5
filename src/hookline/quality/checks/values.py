"""Checks on the values of one column. A null is not evaluated by any of them; completeness counts nulls."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from hookline.core.events import Measure, Other
from hookline.quality.checks.base import ColumnCheck, ColumnOptions
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import Bound, ColumnName, Values, ends, refuse_crossed, words

LONGEST_PATTERN = 1000
_SHOWN_VALUES = 5
# What Python's and Java's regular expressions both refuse; on other syntax they differ, and Java's decides.
_BROKEN_IN_BOTH = ("missing ), unterminated subpattern", "unbalanced parenthesis", "unterminated character set")


class RangeOptions(ColumnOptions):
    """The ends are part of the range; one may be left out."""

    min: Bound = None
    max: Bound = None

    @model_validator(mode="after")
    def _check_ends(self) -> RangeOptions:
        refuse_crossed(self.min, self.max)
        return self


@register("range", RangeOptions)
@dataclass(frozen=True)
class Range(ColumnCheck[RangeOptions]):
    """The column's values lie between two ends. NaN lies in no range."""

    @property
    def rule(self) -> str:
        """In words."""
        return f"{self.options.column} is {ends(self.options.min, self.options.max)}"

    def failing(self) -> Measure:
        """The values outside."""
        return Measure.outside(self.options.column, minimum=self.options.min, maximum=self.options.max)


class SetOptions(ColumnOptions):
    """The values that are allowed: listed, or those of another dataset's column."""

    values: Values | None = None
    dataset: Annotated[str, Field(min_length=1)] | None = None
    values_from: ColumnName | None = None

    @model_validator(mode="after")
    def _check_source(self) -> SetOptions:
        if (self.values is None) == (self.dataset is None):
            raise ValueError(
                "list values, or say with 'dataset' where they are" + (": not both" if self.values else "")
            )
        if self.values is not None and self.values_from is not None:
            raise ValueError("'values_from' is a column of 'dataset', which is missing")
        return self


@register("set", SetOptions)
@dataclass(frozen=True)
class MemberOfSet(ColumnCheck[SetOptions]):
    """The column's values are among those listed, or among those of another dataset's column."""

    @property
    def rule(self) -> str:
        """In words; a long list is cut."""
        values = self.options.values
        if values is None:
            return f"{self.options.column} is one of {self._source.columns[0]} in {self._source.dataset}"
        shown = ", ".join(words(value) for value in values[:_SHOWN_VALUES])
        more = f" … ({len(values)} values)" if len(values) > _SHOWN_VALUES else ""
        return f"{self.options.column} is one of {shown}{more}"

    def failing(self) -> Measure:
        """The values that are not listed."""
        if self.options.values is None:
            return Measure.orphans(self.options.column, among=self._source)
        return Measure.not_in(self.options.column, self.options.values)

    @property
    def _source(self) -> Other:
        return Other(self.options.dataset or "", (self.options.values_from or self.options.column,))


def read_regex(given: str) -> str:
    """A regular expression that Java may compile: neither empty nor too long, its brackets closed."""
    if not given:
        raise ValueError("an empty pattern matches empty text only: write the pattern that whole values must match")
    if len(given) > LONGEST_PATTERN:
        raise ValueError(f"the pattern has {len(given):,} characters; at most {LONGEST_PATTERN:,} are allowed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(given)
    except re.error as error:
        if error.msg in _BROKEN_IN_BOTH:
            raise ValueError(f"the pattern is broken at character {(error.pos or 0) + 1}: {error.msg}") from error
    except (RecursionError, OverflowError) as error:
        raise ValueError("the pattern nests too deeply or repeats too often to be compiled") from error
    return given


class PatternOptions(ColumnOptions):
    """A regular expression in java.util.regex's syntax."""

    regex: Annotated[str, AfterValidator(read_regex)]


@register("pattern", PatternOptions)
@dataclass(frozen=True)
class Pattern(ColumnCheck[PatternOptions]):
    """The column's values match a regular expression from end to end."""

    @property
    def rule(self) -> str:
        """In words."""
        return f"{self.options.column} matches {self.options.regex} from end to end"

    def failing(self) -> Measure:
        """The values that do not match."""
        return Measure.unmatched(self.options.column, self.options.regex)
