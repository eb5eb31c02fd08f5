"""Numbers about a write that differ from those of the writes before it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from hookline.core.events import Measure, Verdict
from hookline.core.statistics import usual
from hookline.quality.checks.base import Options, Results, count
from hookline.quality.checks.change import HistoryCheck, no_verdict
from hookline.quality.checks.registry import register
from hookline.quality.checks.scalars import ColumnName
from hookline.quality.history import History

Metric = Literal["rows", "nulls", "sum", "mean", "stddev", "minimum", "maximum", "median", "distinct"]
# So many writes on the same day of the week are enough to be compared with these alone.
_ENOUGH_OF_A_WEEKDAY = 5


class AnomalyOptions(Options):
    """Which number, and how unusual it may be."""

    short: ClassVar[str] = "rows"
    metric: Metric = "rows"
    column: ColumnName | None = None
    sensitivity: Annotated[float, Field(gt=0, strict=False)] = 4.0
    min_history: Annotated[int, Field(ge=3, le=1000)] = 8
    window: Annotated[int, Field(ge=3, le=1000)] = 60
    weekdays: bool = True

    @classmethod
    def expand(cls, given: object) -> object:
        """A text is a metric."""
        return {"metric": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _check_column(self) -> AnomalyOptions:
        if (self.metric == "rows") != (self.column is None):
            raise ValueError(
                "metric: rows is about no column"
                if self.metric == "rows"
                else f"the column of metric: {self.metric} is missing"
            )
        if self.min_history > self.window:
            raise ValueError("min_history is greater than window: so much history is never looked at")
        return self


@register("anomaly", AnomalyOptions)
@dataclass(frozen=True)
class Anomaly(HistoryCheck[AnomalyOptions]):
    """A number about the write is as usual: not too far from the median of earlier writes, in their own deviations."""

    no_exceptions: ClassVar[str] = "raise 'sensitivity' instead"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column, if it is about one."""
        return () if self.options.column is None else (self.options.column,)

    @property
    def name(self) -> str:
        """The name given, or by metric and column. Its history is found by it."""
        return self.terms.name or f"anomaly({', '.join((self.options.metric, *self.columns))})"

    @property
    def expected(self) -> str:
        """In words."""
        of = f" of {self.options.column}" if self.options.column else ""
        return f"{self.options.metric}{of} is at most {self.options.sensitivity:g} deviations from the median of earlier writes"

    def measures(self) -> tuple[Measure, ...]:
        """The number."""
        column = self.options.column
        if column is None:
            return (Measure.rows(required=self.terms.must_answer),)
        return _MEASURES[self.options.metric](column)

    def judge_against(self, history: History, results: Results) -> Verdict:
        """Observed is the number itself: what is observed now is history for later writes."""
        number = self._number(results)
        if number is None:
            return self.verdict("passed", results, message="there is no value")
        if not math.isfinite(number):
            return self.verdict("failed", results, observed=str(number))
        observed = int(number) if number.is_integer() and abs(number) < 2**53 else number
        past = self._past(history)
        if len(past) < self.options.min_history:
            told = f"no verdict: there are {len(past)} earlier writes, and {self.options.min_history} are needed"
            return no_verdict(self.verdict("skipped", results, observed=observed, message=told))
        same_day = [value for at, value in past if at.weekday() == history.now.weekday()]
        by_day = self.options.weekdays and len(same_day) >= _ENOUGH_OF_A_WEEKDAY
        numbers = same_day if by_day else [value for _, value in past]
        before = usual(numbers)
        reach = self.options.sensitivity * before.spread
        told = (
            f"between {before.middle - reach:.6g} and {before.middle + reach:.6g} is usual, "
            f"by {len(numbers)} earlier writes{' on this day of the week' if by_day else ''}"
        )
        fits = before.score(number) <= self.options.sensitivity
        return self.verdict("passed" if fits else "failed", results, observed=observed, message=told)

    def _past(self, history: History) -> Sequence[tuple[dt.datetime, float]]:
        found = []
        for write in history.writes:
            value = write.rows if self.options.column is None else write.observed.get(self.name)
            if value is not None and math.isfinite(value):
                found.append((dt.datetime.fromisoformat(write.started_at), float(value)))
        return found[-self.options.window :]

    def _number(self, results: Results) -> float | None:
        first, *others = self.measures()
        value = results[first].value
        if value is None:
            return None
        if self.options.metric == "nulls":
            rows = count(results, others[0])
            return value / rows if rows else None
        if self.options.metric == "mean":
            rows, nulls = (count(results, other) for other in others)
            return float(value) / (rows - nulls) if rows > nulls else None
        return math.sqrt(value) if self.options.metric == "stddev" else float(value)


_MEASURES: Mapping[str, Callable[[str], tuple[Measure, ...]]] = {
    "nulls": lambda column: (Measure.nulls(column), Measure.rows()),
    "sum": lambda column: (Measure.total(column),),
    "mean": lambda column: (Measure.total(column), Measure.rows(), Measure.nulls(column)),
    "stddev": lambda column: (Measure.variance(column),),
    "minimum": lambda column: (Measure.minimum(column),),
    "maximum": lambda column: (Measure.maximum(column),),
    "median": lambda column: (Measure.quantile(column, Decimal("0.5")),),
    "distinct": lambda column: (Measure.about_distinct(column),),
}
