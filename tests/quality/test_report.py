from __future__ import annotations

import json

import pytest

from hookline.core.errors import ConfigError
from hookline.core.events import Dataset, Measure, Measured
from hookline.quality.report import HEAD, choose_checks, judge_at_rest, measures_for
from hookline.quality.suite import Suite, parse_suites

SALES = Dataset("s3://lake", "silver/sales")


def suites(text: str) -> tuple[Suite, ...]:
    return parse_suites(text, "s.yaml")


def test_a_single_suite_is_meant_for_the_data_whatever_its_pattern_says() -> None:
    (check,) = choose_checks(suites("dataset: elsewhere\nchecks: [{unique: a}]"), SALES)
    assert check.name == "unique(a)"


TWO = "suites:\n- {dataset: '*sales', checks: [{unique: a}]}\n- {dataset: [b, c], checks: [{unique: b}]}\n"


def test_of_several_suites_those_that_match_are_chosen() -> None:
    assert [check.name for check in choose_checks(suites(TWO), SALES)] == ["unique(a)"]


def test_when_none_matches_the_patterns_are_told() -> None:
    with pytest.raises(ConfigError, match=r"none of 2 suites is for /x \(s\.yaml:2: \*sales; s\.yaml:3: b or c\)"):
        choose_checks(suites(TWO), Dataset("file", "/x"))


def test_rows_are_measured_once_in_any_case() -> None:
    (with_rows,) = suites("dataset: a\nchecks: [{row_count: {min: 1}, severity: critical}]")
    assert [measure.required for measure in measures_for(with_rows.checks)] == [True]
    (without,) = suites("dataset: a\nchecks: [{unique: a}]")
    assert measures_for(without.checks) == [Measure.duplicates("a"), Measure.rows()]


def test_the_report_as_json_and_as_a_table() -> None:
    checks = choose_checks(
        suites(
            "dataset: a\nchecks:\n"
            "- {completeness: {column: id, min_share: 0.9}, severity: critical}\n"
            "- {unique: id, severity: warn}\n"
            "- {completeness: gone}\n"
        ),
        SALES,
    )
    results = {
        Measure.nulls("id"): Measured(2, "proof"),
        Measure.rows(): Measured(3, "proof"),
        Measure.duplicates("id"): Measured(0, "vectorised"),
        Measure.nulls("gone"): Measured(error="no column gone"),
    }
    report = judge_at_rest(SALES, checks, results)
    assert report.refuses
    content = json.loads(json.dumps(report.as_json()))
    assert {key: content[key] for key in ("dataset", "namespace", "name", "rows")} == {
        "dataset": "s3://lake/silver/sales",
        "namespace": "s3://lake",
        "name": "silver/sales",
        "rows": 3,
    }
    assert content["verdicts"][0] == {
        "check": "completeness(id)",
        "severity": "critical",
        "status": "failed",
        "observed": 1 / 3,
        "failing_rows": 2,
        "expected": "id is not null in at least 90 % of the rows",
        "columns": ["id"],
        "way": "proof",
        "required": True,
        "kind": "completeness",
        "message": "",
    }
    rows = list(report.as_rows())
    assert all(len(row) == len(HEAD) for row in rows)
    assert rows[0][2:5] == ("failed", "0.333333", "2")
    assert rows[2] == ("completeness(gone)", "error", "error", "-", "-", "nulls(gone): no column gone")


def test_rows_that_could_not_be_counted_are_none() -> None:
    checks = choose_checks(suites("dataset: a\nchecks: [{unique: a}]"), SALES)
    report = judge_at_rest(SALES, checks, {Measure.rows(): Measured(error="deadline")})
    assert (report.rows, report.refuses) == (None, False)
