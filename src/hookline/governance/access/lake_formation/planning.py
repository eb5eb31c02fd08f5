"""A plan: everything that is to be done, in order, and what a reader has to know before it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from hookline.core.errors import HooklineError
from hookline.governance.access.lake_formation.actual import Actual
from hookline.governance.access.lake_formation.diff import Difference, Step, Wanted, compare
from hookline.governance.access.lake_formation.items import EVERYBODY, Admin, Grant, Item, is_everybody
from hookline.governance.access.lake_formation.ordering import ordered

Exclusive = Literal["never", "everybody", "tables"]


class LockoutError(HooklineError):
    """What is to be done would lock out who does it, or leave nobody who may grant."""


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        phases: steps; each phase begins when the one before is done.
        foreign: what others made where policies speak, and stays.
        gone: what is in the record of what policies made, and no longer true.
        elsewhere: what is not enforced by Lake Formation, and where it is.
        notes: what else is to be known.
        refusals: why it may not be done at all.
    """

    phases: tuple[tuple[Step, ...], ...]
    foreign: frozenset[Item] = frozenset()
    gone: frozenset[Item] = frozenset()
    elsewhere: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in order."""
        return tuple(step for phase in self.phases for step in phase)

    def check(self) -> None:
        """Whether it may be done.

        Raises:
            LockoutError: it may not.
        """
        if self.refusals:
            raise LockoutError("; ".join(self.refusals))


def make_plan(
    wanted: Wanted,
    actual: Actual,
    managed: Collection[Item],
    caller: str,
    catalog: str,
    exclusive: Exclusive = "never",
) -> Plan:
    """What brings an account to what is wanted.

    Args:
        managed: what policies made, by the record in the store.
        caller: the ARN of who applies it.
        catalog: the account.
    """
    admins = {item.principal for item in actual.items if isinstance(item, Admin)}
    found = compare(wanted, actual, managed, exclusive, spared={*admins})
    phases, exposed = ordered(found.steps, actual, wanted.items)
    notes = [
        f"{grant}: others gave it, and it may open tables for a moment while LF-tags move: move them by hand, or revoke it first"
        for grant in exposed
    ]
    notes += remarks(actual)
    notes += _abroad(wanted, actual, catalog)
    refusals = (*wanted.problems, *_refusals(found, actual, caller))
    return Plan(phases, found.foreign, found.gone, wanted.elsewhere, tuple(notes), refusals)


def remarks(actual: Actual) -> Iterator[str]:
    """What is to be known of an account besides: what is made from now on and open to everybody, and what it does not tell."""
    if actual.untold:
        yield (
            f"{len(actual.untold)} databases, tables or columns are taken for having no LF-tags, since the server failed to tell "
            f"them (GetResourceLFTags; AWS does not do that, Moto does): {', '.join(actual.untold[:3])}"
        )
    for what in actual.open_to_all:
        yield f"new {what} are open to everybody whom IAM lets in, by the account's default permissions ({EVERYBODY})"


def same_principal(one: str, other: str) -> bool:
    """Whether two ARNs mean one: a role's session is the role, whose path a session does not tell."""
    return one == other or (_role(one) is not None and _role(one) == _role(other))


def _role(arn: str) -> tuple[str, str] | None:
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return None
    kind, _, name = parts[5].partition("/")
    if kind == "assumed-role":
        return parts[4], name.partition("/")[0]
    return (parts[4], name.rpartition("/")[2]) if kind == "role" else None


def _abroad(wanted: Wanted, actual: Actual, catalog: str) -> Iterator[str]:
    grants = [item for item in wanted.items if isinstance(item, Grant)]
    accounts = sorted({account for item in grants if (account := account_of(item.principal)) not in (None, catalog)})
    if not accounts:
        return
    yield (
        f"grants to other accounts ({', '.join(map(str, accounts))}): Lake Formation shares by AWS RAM, and each of them has to "
        "accept that unless it is in the same organization; there a resource link gives the tables names of their own"
    )
    version = actual.cross_account_version
    if version is not None and version < "3":
        yield (
            f"the account's cross-account version is {version}: roles of other accounts, tags and filters need 3 or more, "
            "set in the data lake settings"
        )


def account_of(principal: str) -> str | None:
    """The account that a principal belongs to; of an organization the one that manages it."""
    if principal.isdigit() and len(principal) == 12:
        return principal
    parts = principal.split(":", 5)
    return parts[4] or None if len(parts) == 6 else None


def _refusals(found: Difference, actual: Actual, caller: str) -> Iterator[str]:
    gone = [step.item for step in found.steps if step.action == "delete"]
    admins = {item for item in actual.items if isinstance(item, Admin)}
    coming = {step.item for step in found.steps if isinstance(step.item, Admin) and step.action == "create"}
    is_admin = any(same_principal(caller, admin.principal) for admin in admins)
    left = (admins | coming) - {*gone}
    if admins and not left:
        yield "no data lake administrator would be left"
    elif is_admin and not any(same_principal(caller, admin.principal) for admin in left):
        yield f"{caller}, who applies this, would no longer be a data lake administrator"
    for item in gone:
        if not isinstance(item, Grant) or is_admin:
            continue  # an administrator can give it back
        if same_principal(caller, item.principal):
            yield f"{caller}, who applies this, would lose: {item}"
        elif is_everybody(item.principal):
            yield f"{caller}, who applies this and is no data lake administrator, may depend on: {item}"
