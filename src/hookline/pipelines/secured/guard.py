"""Who may what, asked and written down: every answer and every refusal is in the audit log before it is given."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from hookline.core.errors import AccessDeniedError, HooklineError
from hookline.core.events import Column, Dataset, user_of_process, utc_now
from hookline.core.store import Store
from hookline.core.store.classifying import scan_of
from hookline.governance.access.decide import Decision, KnownTable, decide, may_create
from hookline.governance.access.known import held_in
from hookline.governance.access.loading import Access
from hookline.governance.access.model import Action
from hookline.governance.access.tagging import Held
from hookline.governance.audit import AuditLog, Entry

logger = logging.getLogger(__name__)


class StoreOfHoldings:
    """What scans found in datasets, by the store; it is opened for each question, so that nothing is held open."""

    def __init__(self, url: str) -> None:
        self._url = url

    def of(self, dataset: Dataset, columns: Sequence[Column]) -> Held | None:
        """By column; None when there is no store, or the dataset was never looked through.

        Raises:
            StoreError: nobody can tell.
        """
        store = Store.existing(self._url)
        if store is None:
            return None
        try:
            scan = scan_of(store, dataset.namespace, dataset.name)
        finally:
            store.close()
        return None if scan is None else held_in(scan, columns)


class Guard:
    """Asks the policies for one principal.

    Args:
        purpose: what it says that it works for.
        log: where answers are written down.
        holdings: what columns are known to hold.
    """

    def __init__(
        self, access: Access, principal: str, purpose: str | None, log: AuditLog, holdings: StoreOfHoldings
    ) -> None:
        self.access, self.principal, self.purpose = access, principal, purpose
        self.holdings = holdings
        self._log = log

    def asks_for_holdings(self) -> bool:
        """Whether any tag goes by what columns hold."""
        return any(tag.classified for tag in self.access.tags.values())

    def decide(self, table: KnownTable) -> Decision:
        """What the principal gets of a table now."""
        return decide(self.access, self.principal, table, utc_now(), self.purpose)

    def may_create(self, database: str) -> bool:
        """Whether the principal may make tables in a database now."""
        return may_create(self.access, self.principal, database, utc_now(), self.purpose)

    def record(self, action: Action, table: str, decision: Decision | None = None) -> None:
        """Write down what is about to be done.

        Raises:
            AuditError: it can't be, and so must not be done.
        """
        what = {**self._about(table), "action": action}
        if decision is not None:
            what["decision"] = decision.document()
        self._log.append(Entry("access.allowed", what, user_of_process()))

    def opened(self) -> None:
        """Write down that a session for the principal is about to be opened.

        Raises:
            AuditError: it can't be, and so must not be done.
        """
        self._log.append(Entry("access.session", self._about(""), user_of_process()))

    def listed(self, database: str, tables: Sequence[str]) -> None:
        """Write down which tables of a database the principal is about to be told of.

        Raises:
            AuditError: it can't be, and so must not be done.
        """
        self._log.append(Entry("access.listed", {**self._about(database), "tables": sorted(tables)}, user_of_process()))

    def published(self, table: str, target: str) -> None:
        """Write down that a copy of what the principal sees is about to be made.

        Raises:
            AuditError: it can't be, and so must not be done.
        """
        self._log.append(Entry("access.published", {**self._about(table), "target": target}, user_of_process()))

    def refused(self, action: str, table: str, reason: str) -> AccessDeniedError:
        """The error to raise; it is refused whether or not that can be written down."""
        try:
            what = {**self._about(table), "action": action, "reason": reason}
            self._log.append(Entry("access.refused", what, user_of_process()))
        except HooklineError as error:
            logger.warning("%s", error)
        return AccessDeniedError(reason)

    def _about(self, table: str) -> dict[str, object]:
        return {
            "principal": self.principal,
            "purpose": self.purpose,
            **({"table": table} if table else {}),
            "policies": {policy.name: policy.digest() for policy in self.access.policies},
        }
