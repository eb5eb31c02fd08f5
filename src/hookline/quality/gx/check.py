"""The check ``expectation``: one of Great Expectations, in a suite of ours.

checks:
  - expectation: {expect_column_values_to_be_in_set: {column: state, value_set: [open, closed], mostly: 0.99}}
    severity: critical
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field, model_validator

from hookline.core.errors import HooklineError
from hookline.core.events import Column, Measure, Verdict, VerdictStatus
from hookline.quality.checks.base import Check, Options, Results
from hookline.quality.checks.registry import register
from hookline.quality.gx import arguments
from hookline.quality.gx.itself import great_expectations
from hookline.quality.gx.knowledge import as_mapped, problem_with
from hookline.quality.gx.model import Expectation, Outcome, Plan
from hookline.quality.gx.outcomes import plain
from hookline.quality.gx.plans import plan_for

_LONGEST = 60
# Results that are values of rows, or may be: never told.
OF_ROWS = ("expect_column_most_common_value_to_be_in_set",)


class ExpectationOptions(Options):
    """The type of an expectation with its arguments, or a mapping with both."""

    short: ClassVar[str] = "an expectation with its arguments"
    type: str
    kwargs: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def expand(cls, given: object) -> object:
        """``{expect_…: {column: …}}`` is its type and its arguments."""
        if isinstance(given, dict) and len(given) == 1 and "type" not in given:
            ((kind, kwargs),) = given.items()
            return {"type": kind, "kwargs": {} if kwargs is None else kwargs}
        return given

    @model_validator(mode="after")
    def _check_arguments(self) -> ExpectationOptions:
        problem = problem_with(self.type, self.kwargs)
        if problem is not None:
            raise ValueError(problem)
        return self


@register("expectation", ExpectationOptions)
@dataclass(frozen=True)
class ExpectationCheck(Check[ExpectationOptions]):
    """An expectation of Great Expectations holds, by its own reading of null, NaN and ``mostly``.

    Attributes:
        data: the columns that it will be asked of; None while they are not known.
        source: the expectation as it was read, where it came from a suite of Great Expectations.
    """

    no_exceptions: ClassVar[str] = "say with its argument 'mostly' which share of the values has to meet it"
    data: tuple[Column, ...] | None = None
    source: Expectation | None = None

    def fitted(self, columns: Sequence[Column]) -> ExpectationCheck:
        """The same, asked of data with these columns."""
        return dataclasses.replace(self, data=tuple(columns) or None)

    @property
    def expectation(self) -> Expectation:
        """What it is."""
        if self.source is not None:
            return self.source
        return Expectation.of(self.options.type, self.options.kwargs, severity=self.terms.severity)

    @property
    def plan(self) -> Plan | None:
        """The measures that tell it; None when Great Expectations itself has to."""
        expectation = self.expectation
        if self.data is None:
            return None
        mapped = as_mapped(expectation.type, expectation.text)
        return None if mapped is None else plan_for(*mapped, self.data)

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that it is about."""
        return self.expectation.columns

    @property
    def name(self) -> str:
        """The name given, or the expectation's type and its columns."""
        about = f"({', '.join(self.columns)})" if self.columns else ""
        return self.terms.name or f"{self.options.type}{about}"

    @property
    def expected(self) -> str:
        """The expectation's type as words, and its arguments."""
        words = self.options.type.replace("_", " ")
        given = {name: value for name, value in self.options.kwargs.items() if name not in arguments.UNTOLD}
        return words + ("" if not given else ": " + ", ".join(f"{name} {_short(given[name])}" for name in given))

    def measures(self) -> tuple[Measure, ...]:
        """What its plan needs, or the one that hands it to Great Expectations."""
        plan, required = self.plan, self.terms.must_answer
        if plan is not None:
            return tuple(dict.fromkeys(dataclasses.replace(one, required=required) for one in plan.measures))
        missing = self._missing
        if missing is not None:  # what can't be counted is known before anything is written
            return (Measure.nulls(missing, required=required),)
        return (Measure.examined(great_expectations, self._wanted, required=required),)

    @property
    def _missing(self) -> str | None:
        """A column that it is about and the data does not have, where that is certain."""
        if self.data is None or self.options.type == "expect_column_to_exist":
            return None
        there = {column.name.lower() for column in self.data}
        plain = (name for name in self.columns if name.isidentifier())
        return next((name for name in plain if name.lower() not in there), None)

    @property
    def _wanted(self) -> str:
        return json.dumps({"type": self.options.type, "kwargs": self.options.kwargs}, sort_keys=True)

    @property
    def set_aside(self) -> Measure | None:
        """What counts the failing rows, where all of them fail by themselves and none is borne."""
        plan = self.plan
        return None if plan is None or self.options.kwargs.get("mostly", 1) != 1 else plan.rows

    def outcome(self, results: Results) -> Outcome:
        """What was found, in Great Expectations' words."""
        measures = self.measures() if self.plan is None else self.plan.measures
        for measure in measures:
            found = results.get(measure)
            if found is None or not found.ok:
                return Outcome(False, error=f"{measure}: {found.error if found else 'it was not measured'}")
        values = [results[measure].value for measure in measures]
        if self.plan is None:
            return Outcome(**values[0])
        try:
            return self.plan.read(values)
        except HooklineError as error:
            return Outcome(False, error=str(error))

    def judge(self, results: Results) -> Verdict:
        """Observed is the number of failing rows, or the number that Great Expectations calls observed."""
        outcome = self.outcome(results)
        if outcome.error is not None:
            return self.verdict("error", results, message=outcome.error)
        failing = outcome.failing_rows
        status: VerdictStatus = "passed" if outcome.success else "failed"
        observed = failing if failing is not None else self._observed(outcome)
        return self.verdict(status, results, observed=observed, failing_rows=failing)

    def _observed(self, outcome: Outcome) -> str | int | float | None:
        if self.options.type in OF_ROWS:
            return None
        counts = [outcome.result[name] for name in ("unexpected_count", "missing_count") if name in outcome.result]
        found = plain(sum(counts) if counts else outcome.result.get("observed_value"))
        if found is None or isinstance(found, (bool, int, float)):
            return found
        if isinstance(found, dict):
            found = found.get("values", list(found.values()))
        return _short(found) if isinstance(found, (list, tuple)) else str(found)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]} …"
