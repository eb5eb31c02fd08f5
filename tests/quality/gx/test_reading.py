"""Suites from JSON and Python: both forms of it, parameters, and what is said of mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hookline.core.errors import ConfigError
from hookline.core.events import Column, Dataset
from hookline.quality.checks.terms import Terms
from hookline.quality.gx import python_suites, reading
from hookline.quality.gx.check import ExpectationCheck, ExpectationOptions
from hookline.quality.gx.conditions import literal, row_condition
from hookline.quality.gx.suites import SuiteEntry, as_suite, read_all
from hookline.quality.gx.writing import as_yaml
from hookline.quality.suite import load_suites, parse_suites

UNIQUE = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}}
MODERN = {
    "name": "sales",
    "expectations": [
        {**UNIQUE, "severity": "critical", "id": "1c", "meta": {}, "notes": "each once"},
        {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "p", "min_value": 0}, "severity": "warning"},
        {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}, "severity": "info"},
    ],
    "meta": {"great_expectations_version": "1.24.1"},
    "notes": None,
}
OLD = {
    "expectation_suite_name": "sales",
    "ge_cloud_id": None,
    "data_asset_type": None,
    "evaluation_parameters": {"lowest": 2},
    "expectations": [
        {
            "expectation_type": "expect_column_values_to_be_between",
            "kwargs": {"column": "p", "min_value": {"$PARAMETER": "lowest"}, "result_format": "BASIC"},
            "meta": {},
        },
    ],
    "meta": {"great_expectations_version": "0.18.22"},
}


def test_a_suite_of_1_x_is_read() -> None:
    source = reading.read(MODERN, "sales.json")
    suite = as_suite(source, "sales.json")
    assert [(check.name, check.terms.severity) for check in suite.checks] == [
        ("expect_column_values_to_be_unique(id)", "critical"),
        ("expect_column_mean_to_be_between(p)", "warn"),
        ("expect_table_row_count_to_be_between", "info"),
    ]
    assert suite.checks[0].terms.description == "each once"
    assert suite.matches(Dataset("file", "/lake/sales"))
    assert not suite.matches(Dataset("file", "/lake/sales2"))
    assert suite.checks[1].expected == "expect column mean to be between: min_value 0"


def test_a_suite_of_0_18_is_read() -> None:
    (expectation,) = reading.read(OLD, "sales.json").expectations
    assert expectation.kwargs == {"column": "p", "min_value": 2, "result_format": "BASIC"}
    (check,) = as_suite(reading.read(OLD, "sales.json"), "sales.json").checks
    assert check.terms.severity == "error"  # it names none
    (given,) = reading.read(OLD, "sales.json", {"lowest": 5}).expectations
    assert given.kwargs["min_value"] == 5


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"kwargs": {}}, "its type is missing"),
        ([], "is an object with a type"),
        ({**UNIQUE, "severity": "fatal"}, "severity should be one of critical, warning, info"),
        ({**UNIQUE, "kwarg": {}}, "unknown key 'kwarg' (did you mean 'kwargs'?)"),
        ({**UNIQUE, "kwargs": {}}, "column is missing"),
        ({**UNIQUE, "kwargs": {"column": "a", "mostyl": 1}}, "did you mean 'mostly'?"),
        ({**UNIQUE, "kwargs": {"column": "a", "mostly": 90}}, "mostly: a share from 0 to 1"),
        (
            {"type": "expect_column_values_to_be_unqiue", "kwargs": {"column": "a"}},
            "did you mean 'expect_column_values_to_be_unique'?",
        ),
        ({"type": "expect_column_values_to_be_between", "kwargs": {"column": "a"}}, "min_value, max_value or both"),
        (
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": "a", "min_value": "soon"}},
            "min_value: a number, or a date or moment as ISO text",
        ),
        (
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {"column": "a", "min_value": 1, "parse_strings_as_datetimes": True},
            },
            "before 1.0, which took it out; leave it out, and write dates as ISO text",
        ),
        ({**UNIQUE, "kwargs": {"column": {"$PARAMETER": "which"}}}, "the suite parameter 'which' has no value"),
        ({**UNIQUE, "kwargs": {"column": "a", "row_condition": {"type": "xor"}}}, "no condition of type 'xor'"),
        (
            {"type": "expect_column_value_z_scores_to_be_less_than", "kwargs": {"column": "a"}},
            "threshold",
        ),
    ],
)
def test_mistakes_are_told_by_their_place(entry: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        reading.read({"name": "s", "expectations": [UNIQUE, entry]}, "s.json")
    assert str(caught.value).startswith("s.json: expectations[1]")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "f.json:1:2: this is no JSON"),
        ("[]", "is an object with a name and a list"),
        ('{"expectations": []}', "its name is missing"),
        ('{"name": "\xff"}'.encode("latin-1"), "not UTF-8"),
        ("[" * 200_000, "nests too deeply"),
    ],
)
def test_files_that_are_no_suites(content: str | bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=said):
        reading.load(file, shown="f.json")


def test_a_large_suite_is_read_in_time_and_a_larger_one_refused(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    many = [{**UNIQUE, "kwargs": {"column": f"c{at}"}, "notes": "x" * 900} for at in range(9_000)]
    file.write_text(json.dumps({"name": "s", "expectations": many}))
    assert len(reading.load(file).expectations) == 9_000
    file.write_text(json.dumps({"name": "s", "expectations": many * 2}))
    with pytest.raises(ConfigError, match="larger than 10,000,000 bytes"):
        reading.load(file)


def test_all_mistakes_of_all_suites_are_told(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.json").write_text(
            json.dumps({"name": name, "expectations": [{"type": "?"}, {"type": "?"}]})
        )
    with pytest.raises(ConfigError) as caught:
        read_all([SuiteEntry.model_validate("*.json"), SuiteEntry.model_validate({"suite": "c.json"})], tmp_path, {})
    assert len(str(caught.value).splitlines()) == 5
    assert "c.json: the suite can't be read" in str(caught.value)


def test_suites_in_json_stand_beside_those_in_yaml(tmp_path: Path) -> None:
    (tmp_path / "sales.json").write_text(json.dumps(MODERN))
    (suite,) = load_suites(tmp_path / "sales.json")
    assert suite.datasets == ("sales", "*/sales")


def test_an_imported_suite_says_the_same_in_yaml() -> None:
    source = reading.read(MODERN, "sales.json")
    (suite,) = parse_suites(as_yaml(source, ("*/lake/sales",)), "sales.yaml")
    assert suite.datasets == ("*/lake/sales",)
    wanted = as_suite(source, "sales.json").checks
    assert [(c.name, c.terms.severity, c.expectation.kwargs) for c in suite.checks] == [
        (c.name, c.terms.severity, c.expectation.kwargs) for c in wanted
    ]


def test_an_expectation_in_yaml_that_is_wrong_is_told_by_its_line() -> None:
    text = "dataset: a\nchecks:\n  - expectation: {expect_column_values_to_be_unique: {column: a, mostly: 2}}\n"
    with pytest.raises(ConfigError, match=r"s.yaml:3.*mostly: a share from 0 to 1"):
        parse_suites(text, "s.yaml")


def test_python_builds_suites(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text(
        "import great_expectations as gx, great_expectations.expectations as gxe, datetime as dt\n"
        "from great_expectations.expectations.row_conditions import Column\n"
        "sales = gx.ExpectationSuite(name='sales', expectations=[gxe.ExpectColumnValuesToBeBetween(\n"
        "    column='day', min_value=dt.date(2020, 1, 1), mostly=0.5, severity='warning',\n"
        "    row_condition=(Column('a') > 3) & Column('b').is_not_null())])\n"
        "def made(): return sales\n"
        "def fails(): raise KeyError(1)\n"
        "number = 5\n"
    )
    for name in ("sales", "made"):
        source = python_suites.load(f"my.py:{name}", tmp_path)
        (expectation,) = source.expectations
        assert expectation.severity == "warn"
        assert expectation.kwargs["min_value"] == "2020-01-01"
        assert row_condition(expectation.kwargs["row_condition"], None) == "(`a` > 3 AND `b` IS NOT NULL)"
    for name, said in (
        ("no", "there is no 'no'"),
        ("number", "is int, and no ExpectationSuite"),
        ("fails", "KeyError"),
    ):
        with pytest.raises(ConfigError, match=said):
            python_suites.load(f"my.py:{name}", tmp_path)
    with pytest.raises(ConfigError, match="there is no file"):
        python_suites.load("other.py:a", tmp_path)
    with pytest.raises(ConfigError, match="can't be imported"):
        python_suites.load("no_such_module:a", tmp_path)


def test_an_own_expectation_that_only_has_other_defaults_is_measured(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import great_expectations as gx, great_expectations.expectations as gxe\n"
        "class ExpectColumnValuesToBePercent(gxe.ExpectColumnValuesToBeBetween):\n"
        "    min_value: float = 0\n    max_value: float = 100\n"
        "class ExpectColumnValuesToBeOdd(gxe.ExpectColumnValuesToBeUnique):\n"
        "    def _validate(self, *a, **k): return {'success': True}\n"
        "suite = gx.ExpectationSuite(name='own', expectations=[\n"
        "    ExpectColumnValuesToBePercent(column='p', mostly=0.9), ExpectColumnValuesToBeOdd(column='p')])\n"
    )
    suite = as_suite(python_suites.load("own.py:suite", tmp_path), "own.py")
    percent, odd = (check.fitted([Column("p", "int")]) for check in suite.checks)
    assert [str(measure) for measure in percent.measures()] == ["rows()", "nulls(p)", "outside(p)"]
    assert [measure.kind for measure in odd.measures()] == ["examined"]
    assert percent.name == "expect_column_values_to_be_percent(p)"


@pytest.mark.parametrize(
    ("given", "parser", "sql"),
    [
        ("a > 1 OR b", "spark", "a > 1 OR b"),
        ('col("a b") >= -1.5', "great_expectations", "`a b` >= -1.5"),
        ('col("a") == "it\'s"', "great_expectations", r"`a` = 'it\'s'"),
        ("col('a').notNull()", "great_expectations__experimental__", "`a` IS NOT NULL"),
        ({"type": "pass_through", "pass_through_filter": "x"}, None, "x"),
        ({"type": "nullity", "column": {"name": "a"}, "is_null": True}, None, "`a` IS NULL"),
        (
            {"type": "comparison", "column": {"name": "a"}, "operator": "NOT_IN", "parameter": [1, 2]},
            None,
            "`a` NOT IN (1, 2)",
        ),
        (None, None, None),
    ],
)
def test_row_conditions(given: Any, parser: str | None, sql: str | None) -> None:
    assert row_condition(given, parser) == sql


def test_literals() -> None:
    assert [literal(one) for one in (None, True, 5, 0.1, 1e300, "a\\'")] == [
        "NULL",
        "true",
        "5",
        "0.1",
        "1e+300",
        "'a\\\\\\''",
    ]


def test_without_columns_great_expectations_is_asked() -> None:
    options = ExpectationOptions(type=UNIQUE["type"], kwargs=UNIQUE["kwargs"])  # type: ignore[arg-type]
    check = ExpectationCheck(options, Terms())
    assert [measure.kind for measure in check.measures()] == ["examined"]
    assert [m.kind for m in check.fitted([Column("id", "int")]).measures()] == ["rows", "nulls", "duplicates"]
