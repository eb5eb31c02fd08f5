"""What follows from a failed check: nothing, a refusal, or rows that are set aside. Each suite may say so for its datasets.

- ``on``: a failed critical check refuses the write, before readers see it where the target allows that.
- ``audit``: the write is published, then told.
- ``publish``: as ``on``; a write that can't be held back is refused before it begins.
- ``quarantine``: as ``publish``; rows that fail an ``error`` or ``critical`` check about rows are set aside, and the others
  are judged again. A failed check about the dataset as a whole never sets rows aside.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from hookline.core.events import Breaker, Column, Dataset, Measure, SetAside, Verdict, Write, content_id
from hookline.quality.checks.base import Results
from hookline.quality.checks.scalars import percent
from hookline.quality.history import History
from hookline.quality.judging import AnyCheck, judge, soften, with_unique_names
from hookline.quality.suite import Suite

_STRENGTH: Sequence[Breaker] = ("audit", "on", "publish", "quarantine")
SET_ASIDE = "rows set aside"


@dataclass(frozen=True)
class Rule:
    """A check of a dataset, with what its failure leads to."""

    check: AnyCheck
    breaker: Breaker
    suite: Suite
    quarantine: str | None

    def measures(self) -> Iterable[Measure]:
        """What the check needs; in a quarantine, also how many rows there are."""
        needed = self.check.measures()
        if self.breaker == "quarantine":
            needed = (*needed, Measure.rows())
        for measure in needed:
            required = measure.required and self.breaker != "audit"
            yield dataclasses.replace(measure, required=required, breaker=self.breaker, quarantine=self.quarantine)

    def act_on(self, verdict: Verdict) -> Verdict:
        """The verdict, with what follows from it."""
        verdict = dataclasses.replace(verdict, suite=self.suite.digest)
        if self.breaker == "audit":
            return soften(verdict)
        check = self.check
        grave = check.terms.severity in ("error", "critical")
        if self.breaker != "quarantine" or not grave or not verdict.failing_rows or check.set_aside is None:
            return verdict
        measure = dataclasses.replace(check.set_aside, breaker=self.breaker, quarantine=self.quarantine)
        return dataclasses.replace(verdict, sets_aside=SetAside(measure, check.keeps_first))


def rules_for(
    dataset: Dataset,
    suites: Iterable[Suite],
    default: Breaker,
    quarantine: str | None = None,
    columns: Sequence[Column] = (),
) -> tuple[Rule, ...]:
    """The checks of all suites that match, their names unique.

    Args:
        default: of suites that name no breaker.
        quarantine: where rows of this dataset are set aside, unless its suite says; None is beside the target.
        columns: those of the data; none when they are not known.
    """
    pairs = [(check.fitted(columns), suite) for suite in suites if suite.matches(dataset) for check in suite.checks]
    named = with_unique_names([check for check, _ in pairs])
    return tuple(
        Rule(check, suite.breaker or default, suite, suite.quarantine.path or quarantine)
        for check, (_, suite) in zip(named, pairs, strict=True)
    )


def quarantine_of(folder: str | None, base_dir: Path, dataset: Dataset) -> str | None:
    """The dataset's own folder in one for all; a relative path starts from the configuration's folder."""
    if folder is None:
        return None
    root = folder if "://" in folder else str(base_dir / folder)
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", dataset.name).strip("-.")[-80:] or "dataset"
    # Two names may look alike without what no folder's name can hold.
    return f"{root.rstrip('/')}/{plain}-{content_id(dataset.namespace, dataset.name)[:8]}"


def measures_of(rules: Iterable[Rule]) -> list[Measure]:
    """What all rules need, each measure once, with the most that one of them asks of it."""
    needed: dict[Measure, Measure] = {}
    for rule in rules:
        for measure in rule.measures():
            known = needed.setdefault(measure, measure)
            needed[measure] = dataclasses.replace(
                known,
                required=known.required or measure.required,
                breaker=max(known.breaker, measure.breaker, key=_STRENGTH.index),
                quarantine=known.quarantine or measure.quarantine,
            )
    return list(needed.values())


def verdicts_of(rules: Sequence[Rule], results: Results, write: Write, history: History | None = None) -> list[Verdict]:
    """A verdict for every rule, and one on how many rows were set aside, where a suite bears so many only.

    Args:
        history: earlier writes, where they are known.
    """
    judged = judge([rule.check for rule in rules], results, history)
    verdicts = [rule.act_on(verdict) for rule, verdict in zip(rules, judged, strict=True)]
    limits = [rule.suite.quarantine.at_most for rule in rules if rule.breaker == "quarantine"]
    most = min((limit for limit in limits if limit is not None), default=None)
    if write.rows_quarantined is None or most is None:
        return verdicts
    return [*verdicts, _limit(most, write.rows_quarantined, write.rows or 0)]


def _limit(most: Fraction, aside: int, left: int) -> Verdict:
    borne = aside <= most * (aside + left)
    return Verdict(
        SET_ASIDE,
        "critical",
        "passed" if borne else "failed",
        observed=aside / (aside + left) if aside else 0.0,
        failing_rows=aside,
        expected=f"at most {percent(most)} of the rows are set aside",
        required=True,
    )
