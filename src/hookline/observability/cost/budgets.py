"""Budgets: what was spent of them, and whether somebody has to be told."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hookline.core.costing import BudgetConfig
from hookline.core.store.records import Subject

if TYPE_CHECKING:
    from hookline.core.store import Store

COST = "hookline.cost.run_dollars"


@dataclass(frozen=True)
class BudgetState:
    """How a budget stands: the fact that alerts are about.

    Attributes:
        period: which run, day or month (``2026-11-26``, ``2026-11``).
        state: ``ok``, ``warn`` (``warn_at`` of it is spent) or ``exceeded``.
    """

    budget: BudgetConfig
    period: str
    spent: float
    state: Literal["ok", "warn", "exceeded"]

    @property
    def sentence(self) -> str:
        """What a person reads."""
        whole = self.budget.amount
        return (
            f"{self.spent:,.2f} of {whole:,.2f} ({100 * self.spent / whole:.0f} %) of the budget of jobs {self.budget.job!r} "
            f"is spent, {self.period}"
        )


def budgets_of(
    store: Store, budgets: Sequence[BudgetConfig], job: str, environment: str | None, cost: float, at: dt.datetime
) -> Iterator[BudgetState]:
    """How the budgets that a run counts for stand with it.

    Args:
        cost: the run's, which the store need not have yet.

    Raises:
        StoreError: the store can't be read.
    """
    moment = at.astimezone(dt.timezone.utc)
    for budget in budgets:
        if not fnmatch.fnmatchcase(job, budget.job):
            continue
        period, begins = _period(budget, moment)
        spent = cost
        if begins is not None:
            spent += _spent(store, budget, environment, begins, moment)
        state: Literal["ok", "warn", "exceeded"] = (
            "exceeded" if spent > budget.amount else "warn" if spent >= budget.warn_at * budget.amount else "ok"
        )
        yield BudgetState(budget, period, spent, state)


def _period(budget: BudgetConfig, moment: dt.datetime) -> tuple[str, str | None]:
    if budget.period == "run":
        return f"run of {moment:%Y-%m-%d %H:%M} UTC", None
    if budget.period == "day":
        return f"{moment:%Y-%m-%d}", f"{moment:%Y-%m-%d}"
    return f"{moment:%Y-%m}", f"{moment:%Y-%m}-01"


def _spent(store: Store, budget: BudgetConfig, environment: str | None, begins: str, moment: dt.datetime) -> float:
    """By earlier runs of the period, good or not."""
    total = 0.0
    for subject in store.subjects():
        if subject.namespace is None and subject.environment == environment and _counts(subject, budget):
            total += store.spent(subject, COST, begins, moment.isoformat())
    return total


def _counts(subject: Subject, budget: BudgetConfig) -> bool:
    return fnmatch.fnmatchcase(subject.job, budget.job)
