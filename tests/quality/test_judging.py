from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pytest

from hookline.core.events import Measure, Measured, Verdict
from hookline.quality.checks import Check, ColumnCheck, ColumnOptions, Terms
from hookline.quality.checks.base import Results
from hookline.quality.judging import AnyCheck, judge, measures_of, soften
from hookline.quality.suite import parse_suites


def checks(*entries: str) -> tuple[AnyCheck, ...]:
    (suite,) = parse_suites("dataset: '*'\nchecks:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries), "s.yaml")
    return suite.checks


def test_a_shared_measure_is_taken_once_and_required_when_one_check_requires_it() -> None:
    first = checks("unique: a, tolerance: 0.1", "row_count: {min: 1}, severity: critical", "completeness: a")
    measures = measures_of(first)
    assert measures == [Measure.duplicates("a"), Measure.rows(), Measure.nulls("a")]
    assert [measure.required for measure in measures] == [False, True, False]
    assert [measure.required for measure in measures_of(reversed(first))] == [False, True, False]


def test_no_checks_need_no_measures() -> None:
    assert measures_of([]) == []
    assert judge([], {}) == []


def test_a_measure_with_an_error_gives_the_status_error_and_says_why() -> None:
    results = {Measure.nulls("gone"): Measured(error="there is no column gone"), Measure.rows(): Measured(5, "proof")}
    missing, present = judge(checks("completeness: gone", "row_count: {min: 1}"), results)
    assert (missing.status, missing.failing_rows, missing.observed) == ("error", None, None)
    assert missing.message == "nulls(gone): there is no column gone"
    assert not missing.refuses
    assert present.status == "passed"


def test_one_measure_of_two_with_an_error_is_an_error_too() -> None:
    results = {Measure.nulls("a"): Measured(0, "proof"), Measure.rows(): Measured(error="deadline of 600 s")}
    (verdict,) = judge(checks("completeness: {column: a, min_share: 0.5}"), results)
    assert (verdict.status, verdict.way, verdict.message) == ("error", "none", "rows(): deadline of 600 s")


@pytest.mark.parametrize(
    ("entry", "refuses"),
    [
        ("completeness: a", False),
        ("completeness: a, severity: critical", True),
        ("completeness: a, severity: critical, required: false", False),
        ("completeness: a, severity: info, required: true", True),
    ],
)
def test_a_check_that_was_not_measured_refuses_when_required(entry: str, refuses: bool) -> None:
    (verdict,) = judge(checks(entry), {})
    assert (verdict.status, verdict.message) == ("error", "nulls(a): it was not measured")
    assert verdict.refuses is refuses


@dataclass(frozen=True)
class Broken(ColumnCheck[ColumnOptions]):
    kind = "broken"

    @property
    def rule(self) -> str:
        return "anything"

    def failing(self) -> Measure:
        return Measure.nulls(self.options.column)

    def judge(self, results: Results) -> Verdict:
        raise RuntimeError("row 17 holds a secret")


def test_a_check_that_raises_is_an_error_without_its_text_and_hides_no_other() -> None:
    broken: Check[ColumnOptions] = Broken(ColumnOptions(column="a"), Terms(severity="critical"))
    results = {Measure.nulls("a"): Measured(0, "spark")}
    first, second = judge([broken, *checks("completeness: a")], results)
    assert (first.status, first.way) == ("error", "spark")
    assert first.message == "the check itself failed with RuntimeError"
    assert first.refuses
    assert second.status == "passed"


def test_a_count_of_the_wrong_type_never_passes() -> None:
    (verdict,) = judge(checks("unique: a"), {Measure.duplicates("a"): Measured(None, "spark")})
    assert (verdict.status, verdict.message) == ("error", "the check itself failed with TypeError")


class TestSoften:
    FAILED = Verdict("c", "critical", "failed", required=True)

    def test_a_critical_failure_becomes_an_error_that_says_so(self) -> None:
        soft = soften(self.FAILED)
        assert (soft.severity, soft.status, soft.required, soft.refuses) == ("error", "failed", False, False)
        assert soft.message == "critical in the suite; audit only tells"

    def test_a_required_check_without_an_answer_no_longer_refuses(self) -> None:
        soft = soften(Verdict("c", "warn", "error", required=True, message="no column a"))
        assert (soft.severity, soft.refuses) == ("warn", False)
        assert soft.message == "no column a (required in the suite; audit only tells)"

    @pytest.mark.parametrize("severity", ["info", "warn", "error"])
    def test_others_stay_as_they_are(self, severity: str) -> None:
        verdict = dataclasses.replace(self.FAILED, severity=severity, required=False)
        assert soften(verdict) is verdict
