"""From checks to measures, and from measured values to verdicts; one broken check never hides another."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from hookline.core.errors import HooklineError
from hookline.core.events import Measure, Measured, Verdict
from hookline.quality.checks import Check
from hookline.quality.checks.base import Results
from hookline.quality.checks.change import HistoryCheck
from hookline.quality.history import History

AnyCheck = Check[Any]

_NOT_MEASURED = Measured(error="it was not measured")


def measures_of(checks: Iterable[AnyCheck]) -> list[Measure]:
    """What all checks need, each measure once; it is required when one of the checks that share it requires it."""
    needed: dict[Measure, Measure] = {}
    for check in checks:
        for measure in check.measures():
            known = needed.get(measure)
            if known is None or (measure.required and not known.required):
                needed[measure] = measure
    return list(needed.values())


def judge(checks: Iterable[AnyCheck], results: Results, history: History | None = None) -> list[Verdict]:
    """A verdict for every check. One without an answer gets the status ``error``, never ``passed``.

    Args:
        history: earlier writes, where they are known.
    """
    return [_judge_one(check, results, history) for check in checks]


def _judge_one(check: AnyCheck, results: Results, history: History | None) -> Verdict:
    missing = {measure: results.get(measure, _NOT_MEASURED) for measure in check.measures()}
    reasons = [f"{measure}: {measured.error}" for measure, measured in missing.items() if not measured.ok]
    if reasons and not check.bears_unknowns:
        return check.verdict("error", results, message="; ".join(reasons))
    try:
        if isinstance(check, HistoryCheck) and history is not None:
            return check.judge_against(history, results)
        return check.judge(results)
    except HooklineError as error:
        return check.verdict("error", results, message=str(error))
    except Exception as error:  # noqa: BLE001 - a check may come from a plugin; its text may quote data
        return check.verdict("error", results, message=f"the check itself failed with {type(error).__name__}")


def soften(verdict: Verdict) -> Verdict:
    """The same verdict where it is told after publication, and stops nothing."""
    if not (verdict.severity == "critical" or verdict.required):
        return verdict
    remark = f"{verdict.severity if verdict.severity == 'critical' else 'required'} in the suite; audit only tells"
    return dataclasses.replace(
        verdict,
        severity="error" if verdict.severity == "critical" else verdict.severity,
        required=False,
        message=f"{verdict.message} ({remark})" if verdict.message else remark,
    )


def with_unique_names(checks: Sequence[AnyCheck]) -> tuple[AnyCheck, ...]:
    """The same checks; of several with one name the later ones get a number (``range(price) #2``)."""
    taken = {check.terms.name for check in checks if check.terms.name}
    named: list[AnyCheck] = []
    seen: set[str] = set()
    for check in checks:
        name, number = check.name, 1
        # A derived name gives way to a given one, wherever that stands.
        while name in seen or (name in taken and not check.terms.name):
            number += 1
            name = f"{check.name} #{number}"
        seen.add(name)
        named.append(check if name == check.name else _renamed(check, name))
    return tuple(named)


def _renamed(check: AnyCheck, name: str) -> AnyCheck:
    return dataclasses.replace(check, terms=check.terms.model_copy(update={"name": name}))
