"""Freshness: how old the newest row is."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import PlainValidator

from hookline.core.errors import MeasureError
from hookline.core.events import Measure, Verdict, utc_now
from hookline.quality.checks.base import Check, ColumnOptions, Results
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import percent
from hookline.quality.checks.spread import FractionOfAll

_AGE = re.compile(r"([0-9]{1,6}) ?(s|min|h|d)")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def read_age(given: object) -> dt.timedelta:
    """A length of time: ``36h``."""
    match = _AGE.fullmatch(given) if isinstance(given, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError("a length of time above 0 is allowed here: 90s, 15min, 36h, 7d")
    return dt.timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


class FreshnessOptions(ColumnOptions):
    """A column of dates or timestamps, and how old its newest value may be."""

    max_age: Annotated[dt.timedelta, PlainValidator(read_age)]


@register("freshness", FreshnessOptions)
@dataclass(frozen=True)
class Freshness(Check[FreshnessOptions]):
    """The column's newest value is young enough when the check is judged.

    A date is the last moment of its day, and a moment without a zone is UTC. Moments to come are fresh.
    """

    no_exceptions: ClassVar[str] = "raise max_age instead"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.options.column,)

    @property
    def expected(self) -> str:
        """In words."""
        return f"the newest {self.options.column} is at most {_words(self.options.max_age)} old"

    def measures(self) -> tuple[Measure, ...]:
        """The newest value."""
        return (Measure.maximum(self.options.column, required=self.terms.must_answer),)

    def judge(self, results: Results) -> Verdict:
        """Observed is the age in seconds, not the value; without any value there is nothing fresh, save in an empty write."""
        (measure,) = self.measures()
        newest = _moment(results[measure].value)
        if newest is None:
            return self.verdict("passed", results, message="there is no value to be old")
        age_s = int((utc_now() - newest).total_seconds())
        old = age_s > self.options.max_age.total_seconds()
        return self.verdict("failed" if old else "passed", results, observed=age_s)


class LatencyOptions(ColumnOptions):
    """A column of dates or timestamps, how old its values may be, and which share of them has to be so."""

    max_age: Annotated[dt.timedelta, PlainValidator(read_age)]
    quantile: FractionOfAll = Decimal("0.95")


@register("latency", LatencyOptions)
@dataclass(frozen=True)
class Latency(Check[LatencyOptions]):
    """A share of the column's values is young enough when the check is judged. A date is the first moment of its day."""

    no_exceptions: ClassVar[str] = "raise max_age or lower quantile instead"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.options.column,)

    @property
    def expected(self) -> str:
        """In words."""
        share = percent(Fraction(self.options.quantile))
        return f"{share} of {self.options.column} are at most {_words(self.options.max_age)} old"

    def measures(self) -> tuple[Measure, ...]:
        """The moment that this share of the values does not lie before."""
        return (Measure.quantile(self.options.column, 1 - self.options.quantile, required=self.terms.must_answer),)

    def judge(self, results: Results) -> Verdict:
        """Observed is the age in seconds at that share, not a value."""
        found = results[self.measures()[0]].value
        if isinstance(found, dt.date) and not isinstance(found, dt.datetime):
            found = dt.datetime.combine(found, dt.time.min)
        moment = _moment(found)
        if moment is None:
            return self.verdict("passed", results, message="there is no value to be old")
        age_s = int((utc_now() - moment).total_seconds())
        old = age_s > self.options.max_age.total_seconds()
        return self.verdict("failed" if old else "passed", results, observed=age_s)


def _moment(value: object) -> dt.datetime | None:
    if value is None:
        return None
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=dt.timezone.utc)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time.max, tzinfo=dt.timezone.utc)
    raise MeasureError(
        f"this check is about dates or timestamps, and the column holds values of the type {type(value).__name__}"
    )


def _words(age: dt.timedelta) -> str:
    seconds = int(age.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
