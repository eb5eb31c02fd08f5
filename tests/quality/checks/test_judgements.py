"""Borders of tolerances and bounds, and what each kind measures and says."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from hookline.core.events import Column, Measure, Measured, Verdict, Way
from hookline.quality.checks import Check, OptionError, Terms, freshness, kinds

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)


def make(kind: str, given: object, **terms: Any) -> Check[Any]:
    check, options = kinds()[kind]
    return check(options.model_validate(options.expand(given)), Terms.model_validate(terms))


def results_of(values: Mapping[Measure, object], way: Way = "vectorised") -> dict[Measure, Measured]:
    return {measure: Measured(value, way) for measure, value in values.items()}


def judged_by(check: Check[Any], values: Mapping[str, Any]) -> Verdict:
    return check.judge({measure: Measured(values[measure.kind], "vectorised") for measure in check.measures()})


def judged(check: Check[Any], failing: int, rows: int = 1000) -> Verdict:
    values = {measure: rows if measure.kind == "rows" else failing for measure in check.measures()}
    return check.judge(results_of(values))


@pytest.mark.parametrize(
    ("tolerance", "rows", "failing", "status"),
    [
        (0, 10, 0, "passed"),
        (0, 10, 1, "failed"),
        (0.0, 10, 1, "failed"),
        (1, 10, 1, "passed"),
        (1, 10, 2, "failed"),
        (0.001, 1000, 1, "passed"),
        (0.001, 999, 1, "failed"),
        # 0.1 + 0.2 style noise: 0.3 of 10 rows is 3 exactly, 0.7 of 10 is 7, 0.29 of 100 is 29.
        (0.3, 10, 3, "passed"),
        (0.7, 10, 7, "passed"),
        (0.29, 100, 29, "passed"),
        (0.29, 100, 30, "failed"),
        (0.1, 10**17 + 10, 10**16 + 1, "passed"),
        (0.1, 10**17 + 10, 10**16 + 2, "failed"),
        (1e-9, 10**9, 1, "passed"),
        (1e-9, 10**9 - 1, 1, "failed"),
        (0.5, 0, 0, "passed"),
    ],
)
@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("completeness", "a"),
        ("range", {"column": "a", "min": 0}),
        ("set", {"column": "a", "values": [1]}),
        ("pattern", {"column": "a", "regex": "x"}),
        ("unique", ["a", "b"]),
    ],
)
def test_the_border_of_a_tolerance_is_exact(
    kind: str, given: object, tolerance: float, rows: int, failing: int, status: str
) -> None:
    verdict = judged(make(kind, given, tolerance=tolerance), failing, rows)
    assert verdict.status == status
    assert verdict.failing_rows == failing


@pytest.mark.parametrize(
    ("min_share", "rows", "nulls", "status"),
    [
        (0.99, 100, 1, "passed"),
        (0.99, 100, 2, "failed"),
        (0.7, 10, 3, "passed"),
        (0.7, 10, 4, "failed"),
        (1, 10, 1, "failed"),
        (1.0, 10, 0, "passed"),
        (0.99, 0, 0, "passed"),
        (0.9, 10**17 + 10, 10**16 + 1, "passed"),
        (0.9, 10**17 + 10, 10**16 + 2, "failed"),
    ],
)
def test_the_border_of_min_share_is_exact(min_share: float, rows: int, nulls: int, status: str) -> None:
    check = make("completeness", {"column": "a", "min_share": min_share})
    assert judged(check, nulls, rows).status == status


def test_observed_is_in_the_unit_of_what_is_expected() -> None:
    assert judged(make("completeness", "a"), 3).observed == 3
    assert judged(make("completeness", "a", tolerance=5), 3).observed == 3
    assert judged(make("completeness", "a", tolerance=0.5), 3).observed == 0.003
    assert judged(make("completeness", {"column": "a", "min_share": 0.5}), 3).observed == 0.997
    assert judged(make("completeness", {"column": "a", "min_share": 0.5}), 0, rows=0).observed == 1.0
    assert judged(make("row_count", {"min": 1}), 0, rows=7).observed == 7


@pytest.mark.parametrize(
    ("given", "rows", "status"),
    [
        ({"min": 1}, 0, "failed"),
        ({"min": 1}, 1, "passed"),
        ({"max": 5}, 5, "passed"),
        ({"max": 5}, 6, "failed"),
        ({"max": 0}, 0, "passed"),
        ({"min": 0}, 0, "passed"),
        ({"min": 3, "max": 3}, 3, "passed"),
        ({"min": 3, "max": 3}, 2, "failed"),
    ],
)
def test_both_ends_of_row_count_are_allowed(given: object, rows: int, status: str) -> None:
    verdict = judged(make("row_count", given), 0, rows)
    assert verdict.status == status
    assert verdict.failing_rows is None


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("completeness", "a"),
        ("completeness", {"column": "a", "min_share": 0.5}),
        ("range", {"column": "a", "max": 0}),
        ("set", {"column": "a", "values": ["x"]}),
        ("pattern", {"column": "a", "regex": "x"}),
        ("unique", "a"),
    ],
)
def test_an_empty_table_passes_all_but_row_count(kind: str, given: object) -> None:
    verdict = judged(make(kind, given), 0, rows=0)
    assert (verdict.status, verdict.failing_rows) == ("passed", 0)


@pytest.mark.parametrize(
    ("kind", "given", "terms", "measures", "columns", "expected"),
    [
        ("completeness", "a", {}, [Measure.nulls("a")], ("a",), "a is not null"),
        (
            "completeness",
            {"column": "a", "min_share": 0.995},
            {},
            [Measure.nulls("a"), Measure.rows()],
            ("a",),
            "a is not null in at least 99.5 % of the rows",
        ),
        (
            "range",
            {"column": "q", "min": 0, "max": 10},
            {"tolerance": 1},
            [Measure.outside("q", minimum=0, maximum=10)],
            ("q",),
            "q is between 0 and 10, save for at most 1 row",
        ),
        ("range", {"column": "q", "min": 0}, {}, [Measure.outside("q", minimum=0)], ("q",), "q is at least 0"),
        ("range", {"column": "q", "max": "M"}, {}, [Measure.outside("q", maximum="M")], ("q",), "q is at most 'M'"),
        (
            "set",
            {"column": "d", "values": list("abcdefg")},
            {"tolerance": 0.001},
            [Measure.not_in("d", tuple("abcdefg")), Measure.rows()],
            ("d",),
            "d is one of 'a', 'b', 'c', 'd', 'e' … (7 values), save for at most 0.1 % of the rows",
        ),
        (
            "pattern",
            {"column": "p", "regex": "[0-9]+"},
            {},
            [Measure.unmatched("p", "[0-9]+")],
            ("p",),
            "p matches [0-9]+ from end to end",
        ),
        (
            "unique",
            {"columns": ["b", "p"]},
            {},
            [Measure.duplicates("b", "p")],
            ("b", "p"),
            "no two rows have the same b, p",
        ),
        ("row_count", {"min": 1, "max": 9}, {}, [Measure.rows()], (), "between 1 and 9 rows"),
        ("row_count", {"min": 4, "max": 4}, {}, [Measure.rows()], (), "4 rows"),
        ("row_count", {"max": 4}, {}, [Measure.rows()], (), "at most 4 rows"),
        ("expression", "a <= b", {}, [Measure.violations("a <= b")], ("a", "b"), "a <= b"),
        (
            "expression",
            {"sql": "a > 0"},
            {"where": "b = 1", "tolerance": 0.5},
            [Measure.violations("a > 0", where="b = 1"), Measure.matching("b = 1")],
            ("a",),
            "a > 0, save for at most 50 % of the rows, where b = 1",
        ),
        (
            "compare",
            {"left": "a`b", "operator": "<", "right": "c d"},
            {},
            [Measure.violations("`a``b` < `c d`")],
            ("a`b", "c d"),
            "a`b < c d",
        ),
        (
            "length",
            {"column": "t", "min": 1, "max": 3},
            {},
            [Measure.malformed("t", "length:1:3")],
            ("t",),
            "t has between 1 and 3 characters",
        ),
        (
            "length",
            {"column": "t", "max": 3},
            {},
            [Measure.malformed("t", "length::3")],
            ("t",),
            "t has at most 3 characters",
        ),
        ("not_blank", "t", {}, [Measure.unmatched("t", r"(?s).*\S.*")], ("t",), "t is not blank"),
        (
            "castable",
            {"column": "t", "to": "int"},
            {},
            [Measure.malformed("t", "castable:int")],
            ("t",),
            "t can be read as int",
        ),
        (
            "completeness",
            {"column": "a", "min_share": 0.5},
            {"where": "b"},
            [Measure.nulls("a", where="b"), Measure.matching("b")],
            ("a",),
            "a is not null in at least 50 % of the rows, where b",
        ),
        ("row_count", {"min": 1}, {"where": "b"}, [Measure.matching("b")], (), "at least 1 row, where b"),
        (
            "unique",
            "a",
            {"where": "b"},
            [Measure.duplicates("a", where="b")],
            ("a",),
            "no two rows have the same a, where b",
        ),
        (
            "distinct_count",
            {"columns": ["a", "b"], "min": 2},
            {},
            [Measure.distinct("a", "b")],
            ("a", "b"),
            "a, b: at least 2 different values",
        ),
        ("sum", {"column": "a", "max": 9.5}, {}, [Measure.total("a")], ("a",), "the sum of a is at most 9.5"),
        (
            "mean",
            {"column": "a", "min": 1, "max": 2},
            {},
            [Measure.total("a"), Measure.rows(), Measure.nulls("a")],
            ("a",),
            "the mean of a is between 1 and 2",
        ),
        (
            "freshness",
            {"column": "at", "max_age": "36h"},
            {},
            [Measure.maximum("at")],
            ("at",),
            "the newest at is at most 36 h old",
        ),
        (
            "schema",
            {"columns": {"a": "INT", "b": None}, "ordered": True},
            {},
            [Measure.columns_written()],
            ("a", "b"),
            "the columns a int, b, and no others, in this order",
        ),
    ],
)
def test_what_each_kind_measures_and_says(
    kind: str,
    given: object,
    terms: dict[str, Any],
    measures: list[Measure],
    columns: tuple[str, ...],
    expected: str,
) -> None:
    check = make(kind, given, **terms)
    assert list(check.measures()) == measures
    assert (check.columns, check.expected) == (columns, expected)
    critical = make(kind, given, **terms, severity="critical")
    assert all(measure.required for measure in critical.measures())


def test_bounds_are_measured_as_the_decimals_that_were_written() -> None:
    (measure,) = make("range", {"column": "q", "min": 0.1, "max": 0.3}).measures()
    assert (str(measure.minimum_value), str(measure.maximum_value)) == ("0.1", "0.3")


@pytest.mark.parametrize(
    ("terms", "required"),
    [
        ({}, False),
        ({"severity": "critical"}, True),
        ({"severity": "critical", "required": False}, False),
        ({"severity": "info", "required": True}, True),
    ],
)
@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("completeness", {"column": "a", "min_share": 0.5}),
        ("range", {"column": "a", "min": 0}),
        ("set", {"column": "a", "values": [1]}),
        ("pattern", {"column": "a", "regex": "x"}),
        ("unique", "a"),
        ("row_count", {"min": 1}),
    ],
)
def test_measures_and_verdicts_are_required_as_the_terms_say(
    kind: str, given: object, terms: dict[str, Any], required: bool
) -> None:
    check = make(kind, given, **terms)
    assert {measure.required for measure in check.measures()} == {required}
    assert judged(check, 0).required is required


def test_a_shared_measure_of_rows_is_required_too() -> None:
    check = make("unique", "a", tolerance=0.5, severity="critical")
    assert [measure.required for measure in check.measures()] == [True, True]


def test_the_costliest_way_is_told() -> None:
    check = make("range", {"column": "a", "min": 0}, tolerance=0.5)
    outside, rows = check.measures()
    results = {outside: Measured(0, "spark"), rows: Measured(10, "proof")}
    assert check.judge(results).way == "spark"
    results = {outside: Measured(0, "proof"), rows: Measured(10, "observe")}
    assert check.judge(results).way == "observe"


def test_a_failed_critical_check_refuses_and_an_info_check_does_not() -> None:
    assert judged(make("unique", "a", severity="critical"), 2).refuses
    assert not judged(make("unique", "a", severity="info", required=True), 2).refuses


def test_derived_names() -> None:
    assert make("unique", ["a", "b"]).name == "unique(a, b)"
    assert make("row_count", {"min": 1}).name == "row_count"
    assert make("set", {"column": "a", "values": [1]}, name="mine").name == "mine"


def test_terms_that_contradict_options_name_the_key() -> None:
    with pytest.raises(OptionError, match="keep one of the two") as caught:
        make("completeness", {"column": "a", "min_share": 0.5}, tolerance=1)
    assert caught.value.key == "tolerance"
    with pytest.raises(OptionError, match="widen min and max"):
        make("row_count", {"min": 1}, tolerance=0.1)


@pytest.mark.parametrize("value", [None, "3", 3.0, True])
def test_a_count_that_is_no_number_of_rows_is_an_error(value: object) -> None:
    check = make("unique", "a")
    with pytest.raises(TypeError, match=r"duplicates\(a\) gave \w+ where a number of rows was due"):
        check.judge(results_of({Measure.duplicates("a"): value}))


@pytest.mark.parametrize("regex", [r"[0-9]+", r"\p{Lu}\w*+", r"(?<name>a)\k<name>", r"^abc$", r"(?i)x", r"[a&&[^b]]"])
def test_patterns_in_javas_syntax_are_taken(regex: str) -> None:
    assert make("pattern", {"column": "a", "regex": regex}).measures() == (Measure.unmatched("a", regex),)


@pytest.mark.parametrize(
    ("kind", "given", "values", "status", "observed"),
    [
        ("sum", {"column": "a", "min": 0.3, "max": 0.3}, {"total": Decimal("0.30")}, "passed", 0.3),
        ("sum", {"column": "a", "max": 9007199254740992}, {"total": 9007199254740993}, "failed", 9007199254740993),
        ("sum", {"column": "a", "min": 1}, {"total": None}, "passed", None),
        ("sum", {"column": "a", "min": -1}, {"total": math.nan}, "failed", "nan"),
        ("sum", {"column": "a", "min": -1}, {"total": math.inf}, "passed", "inf"),
        ("sum", {"column": "a", "max": 1}, {"total": math.inf}, "failed", "inf"),
        ("mean", {"column": "a", "max": 0.1}, {"total": Decimal("0.3"), "rows": 4, "nulls": 1}, "passed", 0.1),
        ("mean", {"column": "a", "max": 3}, {"total": 10, "rows": 3, "nulls": 0}, "failed", 10 / 3),
        ("mean", {"column": "a", "max": 3}, {"total": None, "rows": 3, "nulls": 3}, "passed", None),
        ("distinct_count", {"columns": ["a"], "min": 2}, {"distinct": 1}, "failed", 1),
        ("distinct_count", {"columns": ["a"], "max": 2}, {"distinct": 2}, "passed", 2),
        ("distinct_count", {"columns": ["a"], "min": 2}, {"distinct": 0}, "passed", 0),
    ],
)
def test_numbers_are_judged_exactly(
    kind: str, given: object, values: dict[str, Any], status: str, observed: object
) -> None:
    verdict = judged_by(make(kind, given), values)
    assert (verdict.status, verdict.observed) == (status, observed)


@pytest.mark.parametrize(
    ("newest", "status", "age_s"),
    [
        (NOW - dt.timedelta(hours=24), "passed", 86400),
        (NOW - dt.timedelta(hours=24, seconds=1), "failed", 86401),
        (NOW + dt.timedelta(days=400), "passed", -400 * 86400),
        ((NOW - dt.timedelta(hours=25)).replace(tzinfo=None), "failed", 90000),
        (dt.date(2026, 2, 28), "passed", 43200),
        (dt.date(2026, 2, 27), "failed", 43200 + 86400),
        (None, "passed", None),
    ],
)
def test_freshness_tells_an_age_and_no_value(
    newest: Any, status: str, age_s: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "utc_now", lambda: NOW)
    verdict = judged_by(make("freshness", {"column": "at", "max_age": "1d"}), {"maximum": newest})
    assert (verdict.status, verdict.observed) == (status, age_s)


@pytest.mark.parametrize(
    ("options", "found", "message"),
    [
        ({"columns": ["a", "b"]}, [("a", "int"), ("b", "string")], ""),
        ({"columns": ["b", "a"]}, [("a", "int"), ("b", "string")], ""),
        (
            {"columns": ["b", "a"], "ordered": True},
            [("a", "int"), ("b", "string")],
            "the columns stand in another order",
        ),
        ({"columns": ["a"]}, [("a", "int"), ("b", "string")], "b is not in the contract"),
        ({"columns": ["a"], "extras": True, "ordered": True}, [("b", "string"), ("a", "int")], ""),
        ({"columns": {"a": "Decimal(10, 2)"}}, [("a", "decimal(10,2)")], ""),
        (
            {"columns": {"a": "bigint", "c": None}},
            [("a", "int"), ("C", "int")],
            "a is int, not bigint; c is missing; C is not in the contract",
        ),
    ],
)
def test_a_schema_tells_every_difference(options: object, found: list[tuple[str, str]], message: str) -> None:
    columns = tuple(Column(name, kind) for name, kind in found)
    verdict = judged_by(make("schema", options), {"columns": columns})
    assert (verdict.status, verdict.message) == ("failed" if message else "passed", message)
    assert verdict.observed == (message.count(";") + 1 if message else 0)


def test_a_schema_that_differs_everywhere_is_told_in_short() -> None:
    columns = tuple(Column(f"c{i}", "int") for i in range(100))
    verdict = judged_by(make("schema", {"columns": ["c0"]}), {"columns": columns})
    assert verdict.observed == 99
    assert verdict.message.endswith("; and 89 more")


def test_a_tolerance_is_refused_where_nothing_can_be_borne() -> None:
    with pytest.raises(OptionError):
        make("mean", {"column": "a", "min": 1}, tolerance=1)
