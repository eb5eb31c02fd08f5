"""Policies and an account together: what commands and the plugin ask of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline.core.events import utc_now
from hookline.core.store.classifying import all_scans
from hookline.governance.access.lake_formation.account import Account
from hookline.governance.access.lake_formation.actual import Actual, read
from hookline.governance.access.lake_formation.applying import Applied, apply
from hookline.governance.access.lake_formation.diff import Step, Wanted
from hookline.governance.access.lake_formation.options import LakeFormationOptions
from hookline.governance.access.lake_formation.planning import Plan, make_plan
from hookline.governance.access.lake_formation.record import Record
from hookline.governance.access.lake_formation.verifying import Drift, counts, drift
from hookline.governance.access.lake_formation.wanted import concerned, wanted_of
from hookline.governance.audit import AuditLog, Entry

if TYPE_CHECKING:
    from hookline.core.store import Store
    from hookline.governance.access.loading import Access


@dataclass(frozen=True)
class Compared:
    """What is wanted, and what is there."""

    wanted: Wanted
    actual: Actual


class LakeFormation:
    """An account, and what policies say of it.

    Args:
        actor: who asks, for the audit log.
    """

    def __init__(
        self, account: Account, access: Access, options: LakeFormationOptions, store: Store, log: AuditLog, actor: str
    ) -> None:
        self.account = account
        self._access = access
        self._options = options
        self._store = store
        self._log = log
        self._actor = actor

    @property
    def record(self) -> Record:
        """What policies made there."""
        return Record(self._store, self.account.scope)

    def compared(self) -> Compared:
        """Read the account, and see what policies ask of it.

        Raises:
            AccountError: AWS does not tell.
            StoreError: the store can't be read.
        """
        actual = read(self.account, lambda name: concerned(self._access, self._options, name))
        scans = all_scans(self._store)
        wanted = wanted_of(self._access, actual.tables, scans, self._options, self.account.catalog, utc_now())
        return Compared(wanted, actual)

    def plan(self) -> Plan:
        """What is to be done.

        Raises:
            AccountError, StoreError, AuditError: as ``compared``, or it can't be recorded.
        """
        found = self.compared()
        own = self.record.items()
        plan = make_plan(
            found.wanted, found.actual, own, self.account.caller, self.account.catalog, self._options.exclusive
        )
        self._tell("access.planned", {"policies": self._access.digest(), "steps": len(plan.steps)})
        return plan

    def apply(self, plan: Plan, tell: Callable[[Step, str], None]) -> Applied:
        """Do it.

        Raises:
            LockoutError, StoreError, AuditError: as ``applying.apply``.
        """
        return apply(plan, self.account, self.record, self._log, self._actor, tell)

    def verify(self) -> tuple[Drift, ...]:
        """What differs.

        Raises:
            AccountError, StoreError, AuditError: as ``plan``.
        """
        found = self.compared()
        differing = drift(found.wanted, found.actual, self.record.items(), self._options.accepted)
        self._tell("access.verified", {"policies": self._access.digest(), "drift": counts(differing)})
        return differing

    def _tell(self, action: str, what: dict[str, object]) -> None:
        self._log.append(Entry(action, {"scope": self.account.scope, **what}, self._actor))
