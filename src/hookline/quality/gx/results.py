"""What was found, as validation results of Great Expectations: never with a row's value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hookline.core.events import Measure, Measured, Run, Verdict, Write, jsonable
from hookline.quality.gx.check import OF_ROWS, ExpectationCheck
from hookline.quality.gx.model import Expectation, Outcome
from hookline.quality.gx.outcomes import plain

_NOTHING = {"raised_exception": False, "exception_message": None, "exception_traceback": None}
_TEXTS = ("expect_column_min_to_be_between", "expect_column_max_to_be_between")


def result_of(check: ExpectationCheck, verdict: Verdict, results: Mapping[Measure, Measured]) -> dict[str, Any]:
    """Of one expectation."""
    outcome = check.outcome(results)
    if verdict.status in ("error", "skipped"):
        outcome = Outcome(False, error=verdict.message or outcome.error or "it has no answer")
    shown = plain(dict(outcome.result))
    if check.options.type in OF_ROWS:
        shown.pop("observed_value", None)
    if check.options.type in _TEXTS and isinstance(shown.get("observed_value"), str):
        shown["observed_value"] = None  # a date that a row holds
    return _result(check.expectation, outcome.success, shown, outcome.error, verdict)


def result_of_verdict(expectation: Expectation, verdict: Verdict, rows: int | None) -> dict[str, Any]:
    """Of a check of ours that has this counterpart, from its verdict."""
    failing = verdict.failing_rows
    shown: dict[str, Any] = {"observed_value": jsonable(verdict.observed)}
    if failing is not None and rows is not None:
        share = failing / rows * 100 if rows else None
        shown = {"element_count": rows, "unexpected_count": failing, "unexpected_percent": share}
    error = (verdict.message or "it has no answer") if verdict.status in ("error", "skipped") else None
    return _result(expectation, verdict.status == "passed", {} if error else shown, error, verdict)


def _result(
    expectation: Expectation, success: bool, shown: Mapping[str, Any], error: str | None, verdict: Verdict
) -> dict[str, Any]:
    raised = {"raised_exception": True, "exception_message": error, "exception_traceback": None}
    return {
        "success": success and error is None,
        "expectation_config": expectation.as_json(),
        "result": {} if error else dict(shown),
        "exception_info": raised if error else dict(_NOTHING),
        "meta": {"hookline": {"check": verdict.check, "status": verdict.status, "way": verdict.way}},
    }


def validation(
    suite: str, expectations: Sequence[Expectation], results: Iterable[Mapping[str, Any]], write: Write, run: Run
) -> dict[str, Any]:
    """Of a suite on one write, JSON-ready: the suite, the validation result, and the names that it is kept under."""
    results = list(results)
    met = sum(bool(result["success"]) for result in results)
    moment = run.started_at.isoformat()
    return {
        "suite": {"name": suite, "expectations": [one.as_json() for one in expectations], "meta": {}},
        "run_name": run.job,
        "run_time": moment,
        "batch": re.sub(r"[^A-Za-z0-9._-]+", "-", write.write_id),
        "validation": {
            "success": met == len(results),
            "results": results,
            "suite_name": suite,
            "suite_parameters": {},
            "statistics": {
                "evaluated_expectations": len(results),
                "successful_expectations": met,
                "unsuccessful_expectations": len(results) - met,
                "success_percent": met / len(results) * 100 if results else None,
            },
            "meta": {
                "run_id": {"run_name": run.job, "run_time": moment},
                "validation_time": (write.finished_at or run.started_at).isoformat(),
                "active_batch_definition": {
                    "datasource_name": "hookline",
                    "data_connector_name": "fluent",
                    "data_asset_name": str(write.dataset),
                    "batch_identifiers": {"write_id": write.write_id},
                },
                "batch_kwargs": {"data_asset_name": str(write.dataset)},  # where data docs look for it
                "hookline": {
                    "run_id": run.run_id,
                    "write_id": write.write_id,
                    "dataset": str(write.dataset),
                    "rows": write.rows,
                    "published": write.published,
                    "data_version": write.data_version,
                },
            },
        },
    }
