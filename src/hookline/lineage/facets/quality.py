"""What was measured and judged, as OpenLineage's quality facets. No row's value: a least, a greatest or a sum may be one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hookline.core.events import Measure, Measured, Verdict, Write
from hookline.lineage.facets.base import Facet, FacetMaker


def metrics(make: FacetMaker, write: Write) -> Facet:
    """Rows, bytes, and per column the nulls and the different values, of those measures that count all rows."""
    columns: dict[str, dict[str, Any]] = {}
    for measure, result in write.measured:
        key = _metric(measure, result)
        if key is not None:
            columns.setdefault(measure.columns[0], {})[key] = result.value
    counts = {"rowCount": write.rows, "bytes": write.bytes, "fileCount": write.files}
    known = {name: count for name, count in counts.items() if count is not None}
    for column in columns.values():
        if write.rows is not None and "nullCount" in column:
            column["count"] = write.rows - column["nullCount"]
    return make("dataQualityMetrics", **known, columnMetrics=columns) if columns else {}


def assertions(make: FacetMaker, verdicts: Iterable[Verdict]) -> Facet:
    """Checks that passed or failed. One without an answer is neither, and the schema knows only these two."""
    answered = [_assertion(verdict) for verdict in verdicts if verdict.status in ("passed", "failed")]
    return make("dataQualityAssertions", assertions=answered) if answered else {}


def test(make: FacetMaker, verdicts: Iterable[Verdict]) -> Facet:
    """All checks of the run, also those without an answer, as the facet of test runs tells them."""
    statuses = {"passed": "pass", "failed": "fail", "error": "error", "skipped": "skip"}
    tests = [
        {
            "name": verdict.check,
            "status": statuses[verdict.status],
            "severity": verdict.severity,
            "type": "data quality",
        }
        for verdict in verdicts
    ]
    return make("test", tests=tests) if tests else {}


def _metric(measure: Measure, result: Measured) -> str | None:
    if not result.ok or measure.where is not None or len(measure.columns) != 1 or not isinstance(result.value, int):
        return None
    return {"nulls": "nullCount", "distinct": "distinctCount"}.get(measure.kind)


def _assertion(verdict: Verdict) -> Facet:
    """One check, in counts and the configuration's words; an observed text may be a row's value and is left out."""
    actual = verdict.failing_rows if verdict.failing_rows is not None else verdict.observed
    assertion: Facet = {
        "assertion": verdict.check,
        "name": verdict.check,
        "success": verdict.status == "passed",
        "severity": verdict.severity,
        "params": {"way": verdict.way, "plugin": verdict.plugin},
    }
    if len(verdict.columns) == 1:
        assertion["column"] = verdict.columns[0]
    elif verdict.columns:
        assertion["params"]["columns"] = list(verdict.columns)
    if verdict.expected:
        assertion["expected"] = verdict.expected
    if isinstance(actual, (int, float)):
        assertion["actual"] = str(actual)
    if verdict.failing_rows is not None:
        assertion["params"]["failing_rows"] = verdict.failing_rows
    return assertion
