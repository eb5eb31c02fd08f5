"""Policies and an account together: what commands and the plugin ask of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline.core.events import utc_now
from hookline.core.store.classifying import all_scans, scan_of
from hookline.core.store.naming import other_names
from hookline.governance.access.lake_formation.account import Account
from hookline.governance.access.lake_formation.actual import Actual, Tagging, read
from hookline.governance.access.lake_formation.applying import Applied, apply
from hookline.governance.access.lake_formation.diff import Step, Wanted, compare
from hookline.governance.access.lake_formation.items import Assigned, TagValue, for_log
from hookline.governance.access.lake_formation.options import LakeFormationOptions
from hookline.governance.access.lake_formation.ordering import ordered
from hookline.governance.access.lake_formation.planning import Plan, make_plan, remarks
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

    def compared(self, tagged: Tagging = lambda *_: True) -> Compared:
        """Read the account, and see what policies ask of it.

        Args:
            tagged: of which tables LF-tags are looked at.

        Raises:
            AccountError: AWS does not tell.
            StoreError: the store can't be read.
        """
        actual = read(self.account, lambda name: concerned(self._access, self._options, name), tagged)
        scans, others = all_scans(self._store), other_names(self._store)
        catalog = self.account.catalog
        wanted = wanted_of(self._access, actual.tables, scans, self._options, catalog, utc_now(), others)
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

    def adopt(self) -> int:
        """Take what policies ask for and what is there already for made by them; return how much was not before.

        Raises:
            AccountError, StoreError, AuditError: as ``plan``.
        """
        found = self.compared()
        items = sorted((found.wanted.items & found.actual.items) - self.record.items(), key=str)
        scope = self.account.scope
        self._log.append(
            *(Entry("access.adopted", {"scope": scope, "what": for_log(one)}, self._actor) for one in items)
        )
        self.record.keep(items)
        return len(items)

    def verify(self) -> tuple[tuple[Drift, ...], tuple[str, ...]]:
        """What differs, and what else is to be known.

        Raises:
            AccountError, StoreError, AuditError: as ``plan``.
        """
        found = self.compared()
        differing = drift(found.wanted, found.actual, self.record.items(), self._options.accepted)
        self._tell("access.verified", {"policies": self._access.digest(), "drift": counts(differing)})
        return differing, tuple(remarks(found.actual))

    def looked_into(self, namespace: str, name: str, since: str) -> bool:
        """Whether the store has a scan of a dataset from this moment (ISO 8601, UTC) or later.

        Raises:
            StoreError: it can't be read.
        """
        scan = scan_of(self._store, namespace, name)
        return scan is not None and scan.scanned_at >= since

    def follow(self, which: Tagging) -> int:
        """Make the LF-tags of some tables what policies say, and touch nothing else; return how many were not set.

        Raises:
            AccountError, StoreError, AuditError: as ``apply``.
        """
        found = self.compared(which)
        tables = found.actual.tables

        def chosen(step: Step) -> bool:
            item = step.item
            if isinstance(item, TagValue):
                return step.action == "create"
            if not isinstance(item, Assigned) or item.table is None:
                return False
            info = tables.get(item.database, {}).get(item.table)
            return info is not None and which(item.database, item.table, info.location)

        steps = [*filter(chosen, compare(found.wanted, found.actual, self.record.items()).steps)]
        used = {step.item.tag for step in steps if isinstance(step.item, Assigned)}
        steps = [one for one in steps if not isinstance(one.item, TagValue) or one.item.tag in used]
        if not steps:
            return 0
        phases, _ = ordered(steps, found.actual, found.wanted.items)
        made = self.apply(Plan(phases), lambda *_: None)
        return len(made.failed) + len(made.left)

    def _tell(self, action: str, what: dict[str, object]) -> None:
        self._log.append(Entry(action, {"scope": self.account.scope, **what}, self._actor))
