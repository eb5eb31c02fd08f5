"""Our suites as suites of Great Expectations; what has no counterpart there is told, never left out in silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hookline.quality.gx.check import ExpectationCheck
from hookline.quality.gx.counterparts import MAKERS, Made
from hookline.quality.gx.model import Expectation
from hookline.quality.judging import AnyCheck
from hookline.quality.suite import Suite


@dataclass(frozen=True)
class Counterpart:
    """A check as an expectation.

    Attributes:
        expectation: None when there is none.
        remarks: why there is none, or in what it differs.
    """

    expectation: Expectation | None
    remarks: tuple[str, ...] = ()


def counterpart_of(check: AnyCheck) -> Counterpart:
    """The check as an expectation."""
    if isinstance(check, ExpectationCheck):
        made: Made | str = Made(check.options.type, check.options.kwargs)
    else:
        make = MAKERS.get(type(check))
        made = "Great Expectations has nothing like it" if make is None else make(check)
    if isinstance(made, str):
        return Counterpart(None, (made,))
    kwargs, remarks = dict(made.kwargs), list(made.remarks)
    if check.terms.where is not None:
        kwargs |= {"row_condition": check.terms.where, "condition_parser": "spark"}
    tolerance = check.terms.tolerance
    if tolerance.share is not None:
        kwargs["mostly"] = float(1 - tolerance.share)
        if made.type != "expect_column_values_to_not_be_null":
            remarks.append("'mostly' is a share of the values that are not null, and the tolerance one of all rows")
    elif tolerance.count:
        return Counterpart(None, ("Great Expectations bears a share of the rows ('mostly'), not a number of them",))
    own = {
        "name": check.terms.name,
        "severity": check.terms.severity,
        "owner": check.terms.owner,
        "tags": list(check.terms.tags),
    }
    found = Expectation.of(
        made.type,
        kwargs,
        severity="warn" if check.terms.severity == "error" else check.terms.severity,
        notes=check.terms.description,
        meta=_json({"hookline": {key: value for key, value in own.items() if value}}),
    )
    return Counterpart(found, tuple(remarks))


def _json(value: Any) -> str:
    import json

    return json.dumps(value, sort_keys=True)


def export(suite: Suite, name: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """A suite's JSON, and what is to be said of its checks: the check's name and a remark."""
    expectations, remarks = [], []
    for check in suite.checks:
        counterpart = counterpart_of(check)
        lost = counterpart.expectation is None
        remarks += [(check.name, f"left out: {text}" if lost else text) for text in counterpart.remarks]
        if counterpart.expectation is not None:
            expectations.append(counterpart.expectation.as_json())
    meta = {"hookline": {"dataset": list(suite.datasets)}}
    return {"name": name, "expectations": expectations, "meta": meta, "notes": None}, remarks


def suites_by_name(suites: Iterable[Suite], file: str) -> dict[str, Suite]:
    """Suites by names that Great Expectations can keep them under: the file's, with a number when there are several."""
    listed = list(suites)
    return {file if len(listed) == 1 else f"{file}_{at}": suite for at, suite in enumerate(listed, 1)}
