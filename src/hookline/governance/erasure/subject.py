"""Whom it is about. Nothing that is planned, sent to executors or recorded has the id itself, but tokens of it.

Where a policy tokenized, encrypted or made up the column that says whose row it is, the id stands there in another form: each of
these, with each version of its key, is looked for as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.core.errors import HooklineError, KeyUnavailableError, ProtectionError
from hookline.governance.protection.deeds import Deed, Keyed, keyed_by, keyed_for_consent, keyed_for_subjects
from hookline.governance.protection.normal import normal
from hookline.governance.protection.policy import Encrypt, Fake, Fpe, KeyedRule, Policy, Tokenize
from hookline.governance.protection.values import change_of, tokens_by

if TYPE_CHECKING:
    from hookline.core.safekeeping import KeysConfig
    from hookline.governance.keys import Keyring


@dataclass(frozen=True)
class Subject:
    """A person, or whatever else has data.

    Attributes:
        entity: what the id is.
        finder: how the tokens come about that rows are compared by.
        wanted: the tokens of the id in every form that it may have in a dataset.
        owners: by token that the subject's keys are found by, the master key's name.
        consents: by policy that asks for consent, the token that the ledger has.
        unseen: by policy, why ids can't be told where it protected them.
    """

    entity: str
    finder: Keyed = field(repr=False)
    wanted: frozenset[str]
    owners: Mapping[str, str]
    consents: Mapping[str, str]
    unseen: Mapping[str, str]


def entities(policies: Sequence[Policy]) -> list[str]:
    """What the policies say that subjects' ids are."""
    found = {policy.erase.entity for policy in policies if policy.erase is not None}
    return sorted(found | {entity for policy in policies for entity, _ in _owned(policy)})


def concerned(policies: Sequence[Policy], entity: str | None, tenant: str | None = None) -> tuple[str, list[Policy]]:
    """The policies that are about ids of an entity; without one, of the only one that there is.

    Raises:
        ProtectionError: there is none, or it is not clear which.
    """
    known = entities(policies)
    if entity is None:
        if len(known) != 1:
            raise ProtectionError(
                f"whose id it is must be said with --entity: {', '.join(known)}"
                if known
                else "no policy says whose rows there are: it takes `erase`, or `subject` in a rule"
            )
        entity = known[0]
    found = [policy for policy in policies if _is_about(policy, entity)]
    if not found:
        raise ProtectionError(f"no policy is about {entity!r}; they are about {', '.join(known) or 'nobody'}")
    tenants = sorted({policy.tenant for policy in found})
    if tenant is not None:
        found = [policy for policy in found if policy.tenant == tenant]
        if not found:
            raise ProtectionError(f"no policy of the tenant {tenant!r} is about {entity!r}: {', '.join(tenants)}")
    elif len(tenants) > 1:
        raise ProtectionError(f"ids of {entity!r} are of several tenants: say one with --tenant: {', '.join(tenants)}")
    return entity, found


def subject(
    id: str, entity: str, policies: Sequence[Policy], keyring: Keyring, keys: tuple[KeysConfig, Path]
) -> Subject:
    """A subject by its id. The id itself is let go of.

    Args:
        policies: those that ``concerned`` gave.

    Raises:
        ProtectionError: the id is empty.
        KeyUnavailableError: a key can't be had.
    """
    owners: dict[str, str] = {}
    consents: dict[str, str] = {}
    unseen: dict[str, str] = {}
    forms = {id}
    finder = keyed_for_subjects(policies[0], entity, keyring, keys)
    if not normal(id, finder.steps).strip():
        raise ProtectionError("the id of the subject is empty")
    for policy in policies:
        names = {rule.key for owned, rule in _owned(policy) if owned == entity} | {None}
        for name in names:
            owner = keyed_for_subjects(policy, entity, keyring, keys, name)
            owners[tokens_by(owner)(id)] = owner.key
        if policy.consent is not None and _consents(policy, entity):
            consents[policy.name] = tokens_by(keyed_for_consent(policy, policy.consent, keyring, keys))(id)
        if policy.erase is not None and policy.erase.entity == entity:
            made, problem = _forms(id, policy, policy.erase.subject, keyring, keys)
            forms |= made
            if problem is not None:
                unseen[policy.name] = problem
    return Subject(entity, finder, frozenset(map(tokens_by(finder), forms)), owners, consents, unseen)


def _owned(policy: Policy) -> Iterator[tuple[str, Encrypt]]:
    """What the ids are of those who have keys of their own, with the rule that gives them these."""
    for rule in policy.rules:
        if isinstance(rule, Encrypt) and rule.subject is not None:
            entity = policy.subject_entity(rule)
            if entity is not None:
                yield entity, rule


def _is_about(policy: Policy, entity: str) -> bool:
    own = policy.erase is not None and policy.erase.entity == entity
    return own or any(owned == entity for owned, _ in _owned(policy)) or _consents(policy, entity)


def _consents(policy: Policy, entity: str) -> bool:
    consent, erase = policy.consent, policy.erase
    if consent is None:
        return False
    if consent.entity is not None:
        return consent.entity == entity
    return erase is not None and erase.entity == entity and erase.subject.lower() == consent.subject.lower()


def _forms(
    id: str, policy: Policy, column: str, keyring: Keyring, keys: tuple[KeysConfig, Path]
) -> tuple[set[str], str | None]:
    """The forms that the id has in a column that the policy protects, and why one of them is not among them."""
    for rule in policy.rules:
        if column.lower() not in {name.lower() for name in rule.columns}:
            continue
        if not isinstance(rule, (Tokenize, Encrypt, Fpe, Fake)):
            return (
                set(),
                f"policy {policy.name!r} leaves no id in {column!r} ({rule.deed}): whose rows they are can't be told",
            )
        if isinstance(rule, Encrypt) and (not rule.deterministic or rule.subject is not None):
            return set(), (
                f"policy {policy.name!r} encrypts {column!r}, each value otherwise: whose rows they are can't be told; tokenize "
                "it, or say `deterministic: true`"
            )
        if isinstance(rule, Fake) and rule.subject is not None:
            return (
                set(),
                f"policy {policy.name!r} makes {column!r} up by {rule.subject!r}: whose rows they are can't be told",
            )
        return {
            form for change in _changes(policy, rule, column, keyring, keys) if (form := _changed(change, id))
        }, None
    return set(), None


def _changes(
    policy: Policy, rule: KeyedRule, column: str, keyring: Keyring, keys: tuple[KeysConfig, Path]
) -> Iterator[Callable[[str, str | None], str | None]]:
    """What the rule makes of texts, with each version of its key that there still is."""
    keyed = keyed_by(policy, rule, column.rpartition(".")[2], keyring, keys)
    for version in range(1, keyed.version + 1):
        try:
            yield change_of(Deed(policy.name, (column,), rule, replace(keyed, version=version)))
        except KeyUnavailableError:
            if version == keyed.version:
                raise


def _changed(change: Callable[[str, str | None], str | None], id: str) -> str | None:
    try:
        return change(id, None)
    except HooklineError:
        return None  # FF1 takes no text that short: it is in no row either
