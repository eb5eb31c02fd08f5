"""Checks on the values of one column. A null is not evaluated by any of them; completeness counts nulls."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, model_validator

from hookline.core.events import Measure
from hookline.quality.checks.base import ColumnCheck, ColumnOptions
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import Bound, Values, refuse_crossed, words

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
        low, high = self.options.min, self.options.max
        if low is None or high is None:
            end = f"at most {words(high)}" if high is not None else f"at least {words(low)}" if low is not None else ""
            return f"{self.options.column} is {end}"
        return f"{self.options.column} is between {words(low)} and {words(high)}"

    def failing(self) -> Measure:
        """The values outside."""
        return Measure.outside(
            self.options.column, minimum=self.options.min, maximum=self.options.max, required=self.terms.must_answer
        )


class SetOptions(ColumnOptions):
    """The values that are allowed."""

    values: Values


@register("set", SetOptions)
@dataclass(frozen=True)
class MemberOfSet(ColumnCheck[SetOptions]):
    """The column's values are among those listed."""

    @property
    def rule(self) -> str:
        """In words; a long list is cut."""
        values = self.options.values
        shown = ", ".join(words(value) for value in values[:_SHOWN_VALUES])
        more = f" … ({len(values)} values)" if len(values) > _SHOWN_VALUES else ""
        return f"{self.options.column} is one of {shown}{more}"

    def failing(self) -> Measure:
        """The values that are not listed."""
        return Measure.not_in(self.options.column, self.options.values, required=self.terms.must_answer)


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
        return Measure.unmatched(self.options.column, self.options.regex, required=self.terms.must_answer)
