"""Numbers against those of earlier writes: too few, steady, seasonal, and with outliers among them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from hookline.core.errors import ConfigError
from hookline.core.events import Measured, Verdict
from hookline.core.store import PastWrite
from hookline.quality.judging import judge
from hookline.quality.suite import parse_suites

MONDAY = dt.datetime(2026, 3, 2, 12, tzinfo=dt.timezone.utc)


@dataclass
class Past:
    writes: Sequence[PastWrite] = ()
    now: dt.datetime = MONDAY
    rows_before: int | None = None
    profiles: Sequence[Any] = field(default_factory=tuple)


def daily(rows: Sequence[int | None]) -> Past:
    """A write a day, until the day before."""
    days = [MONDAY - dt.timedelta(days=len(rows) - place) for place in range(len(rows))]
    return Past([PastWrite(str(at), at.isoformat(), count) for at, count in zip(days, rows, strict=True)])


def judged(entry: str, past: Past | None, *values: Any) -> Verdict:
    ((check,),) = (suite.checks for suite in parse_suites(f"dataset: x\nchecks:\n  - {entry}\n", "s.yaml"))
    results = {m: Measured(value, "proof") for m, value in zip(check.measures(), values, strict=True)}
    (verdict,) = judge([check], results, past)
    return verdict


STEADY = [100, 101, 99, 100, 102, 98, 100, 101, 99, 100]


@pytest.mark.parametrize(
    ("rows", "status"),
    [(100, "passed"), (104, "passed"), (96, "passed"), (107, "failed"), (50, "failed"), (0, "failed")],
)
def test_a_write_is_held_against_those_before_it(rows: int, status: str) -> None:
    verdict = judged("anomaly: rows", daily(STEADY), rows)
    assert (verdict.check, verdict.status, verdict.observed) == ("anomaly(rows)", status, rows)
    assert "is usual, by 10 earlier writes" in verdict.message


def test_one_outlier_changes_nothing() -> None:
    assert judged("anomaly: rows", daily([*STEADY, 100_000]), 150).status == "failed"
    assert judged("anomaly: rows", daily([*STEADY, 100_000]), 102).status == "passed"


@pytest.mark.parametrize("known", [0, 1, 7])
def test_too_little_history_is_no_verdict_and_refuses_nothing(known: int) -> None:
    verdict = judged("{anomaly: rows, severity: critical}", daily(STEADY[:known]), 5)
    assert (verdict.status, verdict.refuses, verdict.observed) == ("skipped", False, 5)
    assert verdict.message == f"no verdict: there are {known} earlier writes, and 8 are needed"


def test_without_a_store_it_is_an_error() -> None:
    verdict = judged("{anomaly: rows, severity: critical}", None, 5)
    assert (verdict.status, verdict.refuses) == ("error", True)


def test_days_of_the_week_are_compared_with_each_other_when_there_are_enough() -> None:
    weekend = [1000 if (MONDAY - dt.timedelta(days=70 - n)).weekday() >= 5 else 100 for n in range(70)]
    assert judged("anomaly: {metric: rows, window: 70}", daily(weekend), 1000).status == "failed"
    verdict = judged("anomaly: {metric: rows, window: 70}", daily(weekend), 100)
    assert (verdict.status, "on this day of the week" in verdict.message) == ("passed", True)
    few = judged("anomaly: {metric: rows}", daily(weekend[:21]), 100)
    assert "on this day of the week" not in few.message


def test_a_metric_has_its_own_history() -> None:
    past = daily([10] * 10)
    past.writes = [one._replace(observed={"anomaly(mean, price)": 2.0 + n / 100}) for n, one in enumerate(past.writes)]
    entry = "anomaly: {metric: mean, column: price}"
    assert judged(entry, past, Decimal("20.4"), 12, 2).status == "passed"
    verdict = judged(entry, past, Decimal("40"), 12, 2)
    assert (verdict.status, verdict.observed, verdict.columns) == ("failed", 4, ("price",))
    assert judged(entry, past, None, 0, 0).status == "passed"
    assert judged(entry, past, math.nan, 12, 2).status == "failed"


@pytest.mark.parametrize(
    ("metric", "values", "observed"),
    [
        ("nulls", (3, 12), 0.25),
        ("sum", (Decimal("7.5"),), 7.5),
        ("stddev", (4.0,), 2),
        ("minimum", (-1,), -1),
        ("maximum", (Decimal("2.5"),), 2.5),
        ("median", (Decimal(3),), 3),
        ("distinct", (1234,), 1234),
    ],
)
def test_each_metric_is_observed(metric: str, values: tuple[Any, ...], observed: float) -> None:
    verdict = judged(f"anomaly: {{metric: {metric}, column: a}}", daily([1]), *values)
    assert (verdict.status, verdict.observed) == ("skipped", observed)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("anomaly: mean", "the column of metric: mean is missing"),
        ("anomaly: {column: a}", "metric: rows is about no column"),
        ("anomaly: {min_history: 2}", "min_history"),
        ("anomaly: {min_history: 90}", "so much history is never looked at"),
        ("anomaly: {metric: rows, sensitivity: 0}", "sensitivity"),
        ("{anomaly: rows, tolerance: 3}", "raise 'sensitivity' instead"),
    ],
)
def test_a_wrong_entry_is_told(entry: str, says: str) -> None:
    with pytest.raises(ConfigError, match=r"s\.yaml:3") as caught:
        judged(entry, None)
    assert says in str(caught.value)
