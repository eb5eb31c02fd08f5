"""Our suites as suites of Great Expectations, and back; suites by rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import hookline.pipelines.retail as retail
from hookline.core.errors import ConfigError
from hookline.core.events import Dataset, Verdict
from hookline.pipelines.retail import flow
from hookline.quality.gx import exporting, reading
from hookline.quality.gx.generating import generate, read_rules
from hookline.quality.gx.results import result_of_verdict
from hookline.quality.gx.suites import as_suite
from hookline.quality.suite import find_suites, parse_suites

SUITE = r"""
dataset: "*/sales"
checks:
  - completeness: {column: id, min_share: 0.9}
    severity: critical
  - unique: id
    owner: sales
  - unique: [a, b]
    where: a > 0
  - range: {column: price, min: 0, max: 10.5}
    tolerance: 0.25
  - set: {column: state, values: [open, closed]}
  - pattern: {column: code, regex: "[A-Z]+"}
    severity: warn
  - length: {column: code, max: 3}
  - row_count: {min: 1}
    severity: info
  - distinct_count: {columns: [id], min: 5}
  - compare: {left: a, operator: "<", right: b}
  - expression: a + b > 0
  - mean: {column: price, max: 5}
  - quantile: {column: price, quantile: 0.5, max: 5}
  - schema: {columns: [id, a], extras: true}
  - expectation: {expect_column_values_to_be_unique: {column: id, mostly: 0.5}}
  - format: {column: code, format: country}
  - not_blank: code
"""
NOTHING_LIKE = """
dataset: "*/sales"
checks:
  - entropy: {column: a, min: 1}
  - format: {column: iban, format: iban}
  - range: {column: price, min: 0}
    tolerance: 5
  - row_count_change: {min: -0.5}
  - references: {columns: a, dataset: /other}
  - sql: SELECT * FROM data WHERE a > 5
  - distinct_count: {columns: [a, b], min: 2}
"""


def test_what_has_a_counterpart_is_exported_and_reads_back() -> None:
    (suite,) = parse_suites(SUITE, "s.yaml")
    document, remarks = exporting.export(suite, "sales")
    source = reading.read(json.loads(json.dumps(document)), "sales.json")
    back = as_suite(source, "sales.json")
    assert len(back.checks) == len(suite.checks)
    assert [check.terms.severity for check in back.checks] == [check.terms.severity for check in suite.checks]
    assert back.datasets == suite.datasets
    assert back.checks[1].terms.owner == "sales"
    by_type = {one["type"]: one["kwargs"] for one in document["expectations"]}
    assert by_type["expect_column_values_to_not_be_null"] == {"column": "id", "mostly": 0.9}
    assert by_type["expect_compound_columns_to_be_unique"] == {
        "column_list": ["a", "b"],
        "ignore_row_if": "any_value_is_missing",
        "row_condition": "a > 0",
        "condition_parser": "spark",
    }
    assert by_type["expect_column_values_to_be_between"] == {
        "column": "price",
        "min_value": 0,
        "max_value": 10.5,
        "mostly": 0.75,
    }
    assert by_type["expect_column_pair_values_a_to_be_greater_than_b"]["column_A"] == "b"
    assert "range(price): 'mostly' is a share of the values" in ": ".join(remarks[0])


def test_great_expectations_takes_every_counterpart() -> None:
    itself = pytest.importorskip("great_expectations.expectations.expectation_configuration")
    (suite,) = parse_suites(SUITE, "s.yaml")
    for one in exporting.export(suite, "sales")[0]["expectations"]:
        kwargs = {
            name: value for name, value in one["kwargs"].items() if name not in ("row_condition", "condition_parser")
        }
        itself.ExpectationConfiguration(type=one["type"], kwargs=kwargs, severity=one["severity"]).to_domain_obj()


def test_what_has_no_counterpart_is_told() -> None:
    (suite,) = parse_suites(NOTHING_LIKE, "s.yaml")
    document, remarks = exporting.export(suite, "sales")
    assert document["expectations"] == []
    assert [name for name, _ in remarks] == [check.name for check in suite.checks]
    assert all(text.startswith("left out: ") for _, text in remarks)


def test_every_suite_of_the_retail_platform_has_counterparts() -> None:
    pattern = Path(retail.__file__).parent
    for suite in find_suites(("suites/*.yaml",), pattern):
        document, _ = exporting.export(suite, "s")
        assert document["expectations"]
        reading.read(json.loads(json.dumps(document)), "s.json")


def test_verdicts_are_results_without_values() -> None:
    (suite,) = parse_suites(SUITE, "s.yaml")
    expectation = exporting.counterpart_of(suite.checks[3]).expectation
    assert expectation is not None
    found = result_of_verdict(expectation, Verdict("c", "error", "failed", 0.5, failing_rows=2), 4)
    assert found["result"] == {"element_count": 4, "unexpected_count": 2, "unexpected_percent": 50.0}
    broken = result_of_verdict(expectation, Verdict("c", "error", "error", message="no column"), 4)
    assert (broken["success"], broken["exception_info"]["exception_message"]) == (False, "no column")


EXAMPLE = Path(__file__).parents[3] / "examples" / "great_expectations"


def test_rules_make_a_suite_for_every_table_of_the_retail_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    rules = read_rules((EXAMPLE / "retail.yaml").read_text(), "retail.yaml")
    suites = [as_suite(reading.read(one, name), name) for name, one in generate(rules, lambda _: ()).items()]
    tables = [*(step.table for step in flow.steps()), "silver/quarantine"]
    assert len(suites) == len(tables)
    for table in tables:
        assert [suite for suite in suites if suite.matches(Dataset("file", f"/data/{table}"))], table
    kinds = {check.options.type for suite in suites for check in suite.checks}
    assert {
        "expect_column_values_to_be_key",
        "expect_column_values_to_be_money",
        "expect_no_sale_without_basket",
    } <= kinds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "rules are a mapping with datasets"),
        ("datasets: {a: {}}\nmore: 1", "unknown key 'more'"),
        ("datasets: {a: {column: [b]}}", "datasets.a: unknown key 'column'"),
        ("datasets: {a: 5}", "datasets.a: should be a mapping"),
        ("datasets: {a: {columns: [b]}}\ncolumns: {b: [{x: {}, y: {}}]}", "an expectation is a mapping of its type"),
        (
            "datasets: {a: {columns: []}}\neverywhere: [{expect_nothing: {}}]",
            "there is no expectation 'expect_nothing'",
        ),
        ("datasets: {a: {}}\nmodules: [no_such_module_at_all]", "can't be imported"),
    ],
)
def test_rules_that_are_wrong(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        generate(read_rules(text, "r.yaml"), lambda _: ())
