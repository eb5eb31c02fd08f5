"""What only the store can tell: numbers that are none of the usual, budgets that are spent.

Found in the background, when a run is told of.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline.core.events import Dataset, Run, Write, content_id
from hookline.core.labels import LabelsConfig
from hookline.observability.alerts.facts import DEFAULT_SEVERITIES, Fact, Kind, rank, shown
from hookline.observability.alerts.routing import Router

if TYPE_CHECKING:
    from hookline.core.costing import BudgetConfig
    from hookline.core.events import Severity
    from hookline.core.store import Store, Subject
    from hookline.observability.cost.budgets import BudgetState
    from hookline.observability.metrics import Point

# A stream writes to few datasets; a job that writes to very many is told of its first ones.
MOST_SUBJECTS = 200


def numbers_of(
    points: Iterable[Point], run: Run, write: Write | None = None, cost: float | None = None
) -> dict[str, Any] | None:
    """The points of a run, or of a write, that are watched, as a message carries them; None without any.

    Args:
        cost: the run's, where somebody set a budget for it.
    """
    from hookline.observability.history.anomalies import WATCHED

    dataset = (None, None) if write is None else (write.dataset.namespace, write.dataset.name)
    at = run.started_at if write is None else write.started_at
    told = {point.name: point.value for point in points if point.name in WATCHED}
    if not told and cost is None:
        return None
    return {"subject": [run.job, run.environment, *dataset], "at": at.isoformat(), "points": told, "cost": cost}


class Watcher:
    """Finds facts in numbers, by what the store knows of earlier ones."""

    def __init__(
        self,
        labels: LabelsConfig,
        router: Router,
        severities: Mapping[Kind, Severity],
        budgets: Sequence[BudgetConfig] = (),
    ) -> None:
        self._labels = labels
        self._budgets = budgets
        self._router = router
        self._severities = {**DEFAULT_SEVERITIES, **severities}

    def facts(self, store: Store, numbers: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], set[str]]:
        """Alerts as messages carry them, and the keys of what is well.

        Raises:
            StoreError: the store can't be read.
        """
        from hookline.core.store import Subject
        from hookline.observability.cost.budgets import budgets_of
        from hookline.observability.history import anomalies_of

        alerts: list[dict[str, Any]] = []
        well: set[str] = set()
        for one in numbers:
            subject, points = Subject(*one["subject"]), one["points"]
            at = dt.datetime.fromisoformat(one["at"])
            unusual = {found.metric: found.sentence for found in anomalies_of(store, subject, points, at)}
            well.update(_key(subject, metric) for metric in points if metric not in unusual)
            for metric, sentence in unusual.items():
                alerts += self._routed(self._unusual(subject, metric, sentence))
            if one.get("cost") is not None:
                for state in budgets_of(store, self._budgets, subject.job, subject.environment, one["cost"], at):
                    fact = self._spent(subject, state)
                    well.update({fact.key} if fact.well else ())
                    alerts += [] if fact.well else self._routed(fact)
        return alerts, well

    def _spent(self, subject: Subject, state: BudgetState) -> Fact:
        budget = state.budget
        key = content_id("alert", "budget", subject.environment, budget.job, budget.period, budget.amount)
        if state.state == "ok":
            return Fact(key, "budget")
        severity = self._severities["budget"]
        if state.state == "exceeded":
            severity = max(severity, "error", key=rank)
        about = f"Budget: {state.sentence}"
        return Fact(key, "budget", severity, about, None, self._labels.owner, subject.job, subject.environment)

    def _unusual(self, subject: Subject, metric: str, sentence: str) -> Fact:
        dataset = None if subject.name is None else Dataset(subject.namespace or "", subject.name)
        owner = self._labels.owner if dataset is None else self._labels.of(dataset).owner
        about = f"a run of {shown(subject.job)}" if dataset is None else f"a write to {shown(str(dataset))}"
        title = f"Unusual in {about}: {sentence}"
        key, severity = _key(subject, metric), self._severities["anomaly"]
        return Fact(key, "anomaly", severity, title, dataset, owner, subject.job, subject.environment, metric)

    def _routed(self, fact: Fact) -> list[dict[str, Any]]:
        way = self._router.way(fact)
        return [fact.document() | way.document()] if way.channels else []


def _key(subject: Subject, metric: str) -> str:
    return content_id("alert", "anomaly", *subject, metric)
