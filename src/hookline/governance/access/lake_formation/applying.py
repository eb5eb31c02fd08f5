"""Doing what a plan says, and nothing else.

It may be ended at any moment, and begun again: a new plan then has what is left. What is about to be made is in the record of
what policies made before it is there, and what is taken away leaves the record after it is gone, so that nothing that was made
here is ever taken for somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hookline.core.errors import HooklineError
from hookline.governance.access.lake_formation import calls
from hookline.governance.access.lake_formation.account import Account
from hookline.governance.access.lake_formation.diff import Step
from hookline.governance.access.lake_formation.items import Assigned, Filter, Grant, Item, TagValue, for_log
from hookline.governance.access.lake_formation.planning import Plan
from hookline.governance.access.lake_formation.record import Record
from hookline.governance.audit import AuditLog, Entry

# Whoever was not granted, or would see too much, must not be hurt by what comes next. A location or a link hurts nobody.
_OTHERS_DEPEND = (Grant, Assigned, Filter, TagValue)


@dataclass
class Applied:
    """What became of a plan.

    Attributes:
        done: how many steps were done.
        failed: steps that AWS did not do, with the reason.
        left: steps that were not tried, since others before them failed.
    """

    done: int = 0
    failed: dict[Step, str] = field(default_factory=dict)
    left: tuple[Step, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything is done."""
        return not self.failed and not self.left


def apply(
    plan: Plan, account: Account, record: Record, log: AuditLog, actor: str, tell: Callable[[Step, str], None]
) -> Applied:
    """Do it.

    Args:
        tell: called with each step and what became of it: an empty text, or why it failed.

    Raises:
        LockoutError: it would lock somebody out; nothing was done.
        AuditError: it can't be recorded; what was not recorded was not done.
    """
    try:
        plan.check()
    except HooklineError as error:
        log.append(Entry("access.apply_refused", {"scope": account.scope, "reason": str(error)}, actor))
        raise
    made = Applied()
    record.forget(plan.gone)
    phases = [*plan.phases]
    while phases and not any(isinstance(step.item, _OTHERS_DEPEND) for step in made.failed):
        for batch in calls.batches(phases.pop(0)):
            _do(batch, account, record, log, actor, made)
            for step in batch:
                tell(step, made.failed.get(step, ""))
    made.left = tuple(step for phase in phases for step in phase)
    counts = {"done": made.done, "failed": len(made.failed), "left": len(made.left)}
    log.append(Entry("access.applied", {"scope": account.scope, **counts}, actor))
    return made


def _do(batch: Sequence[Step], account: Account, record: Record, log: AuditLog, actor: str, made: Applied) -> None:
    log.append(
        *(
            Entry(_deed(step), {"scope": account.scope, "what": for_log(step.item), "why": step.why}, actor)
            for step in batch
        )
    )
    record.keep(step.item for step in batch if step.action != "delete")
    failed = calls.do(account, batch)
    made.failed |= failed
    made.done += len(batch) - len(failed)
    record.forget(_gone(batch, failed))
    if failed:
        log.append(
            *(
                Entry("access.failed", {"what": for_log(step.item), "reason": why}, actor)
                for step, why in failed.items()
            )
        )


def _gone(batch: Sequence[Step], failed: calls.Failed) -> list[Item]:
    """What is not there any longer; a grant that comes again after a moment stays in the record."""
    gone: list[Item] = []
    for step in batch:
        if step in failed:
            continue
        if step.action == "delete" and not step.passing:
            gone.append(step.item)
        elif step.before is not None:
            gone.append(step.before)
    return gone


def _deed(step: Step) -> str:
    if isinstance(step.item, Grant):
        return "access.revoked" if step.action == "delete" else "access.granted"
    return {"create": "access.made", "change": "access.changed", "delete": "access.removed"}[step.action]
