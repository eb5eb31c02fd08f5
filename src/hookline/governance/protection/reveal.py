"""Turning values back: for those whom the policy allows it, so many an hour, and never without a record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.core.errors import ErasedError, ProtectionError
from hookline.core.events import utc_now
from hookline.governance.audit import Entry
from hookline.governance.crypto.ff1 import Format
from hookline.governance.crypto.owned import parts, unwrap
from hookline.governance.crypto.sealed import unseal, version_of
from hookline.governance.protection.deeds import keyed_by, owner_of
from hookline.governance.protection.policy import Encrypt, Fpe, Policy, Rule
from hookline.governance.protection.values import data_key, key_of, wrapping_key

if TYPE_CHECKING:
    from hookline.core.safekeeping import KeysConfig
    from hookline.core.store import Store
    from hookline.governance.audit import AuditLog
    from hookline.governance.audit.records import Record
    from hookline.governance.keys import Keyring
    from hookline.governance.protection.deeds import Keyed

REVEALED, REFUSED = "reveal.values", "reveal.refused"
_HOUR = dt.timedelta(hours=1)


class Revealer:
    """Turns back what one policy protected.

    Args:
        actor: who asks.
        store: gives the store that has the keys of subjects.
    """

    def __init__(
        self,
        policy: Policy,
        keyring: Keyring,
        keys: tuple[KeysConfig, Path],
        log: AuditLog,
        actor: str | None,
        store: Callable[[], Store] | None = None,
    ) -> None:
        self._store = store
        self._policy = policy
        self._keyring = keyring
        self._keys = keys
        self._log = log
        self._actor = actor

    def reveal(self, column: str, values: Sequence[str], *, version: int | None = None, reason: str = "") -> list[str]:
        """The values as they were.

        Args:
            column: as the policy's rule names it; of a rule by classification the entity.
            version: of the key, where the values don't tell it (fpe); by default the current one.
            reason: for the log.

        Raises:
            ProtectionError: the actor may not, or not so many now; or the values are not what the rule makes.
            ErasedError: the subject of one was erased. Nothing is revealed then.
            KeyUnavailableError: the key can't be had.
            AuditError: it can't be recorded. Nothing is revealed then.
        """
        rule = self._rule(column)
        if column in rule.classified:
            rule = rule.model_copy(update={"entity": rule.entity or column})
        keyed = keyed_by(self._policy, rule, column.rpartition(".")[2], self._keyring, self._keys)
        what = {"policy": self._policy.name, "column": column, "values": len(values), "reason": reason}
        problem: list[str] = []

        def decide(records: Iterator[Record]) -> Sequence[Entry]:
            refusal = self._refusal(records, len(values))
            if refusal is None:
                return [Entry(REVEALED, {**what, "key": keyed.key}, self._actor)]
            problem.append(refusal)
            return [Entry(REFUSED, {**what, "refusal": refusal}, self._actor)]

        self._log.append_by(decide)
        if problem:
            raise ProtectionError(problem[0])
        if isinstance(rule, Fpe):
            return _formatted(rule, keyed, values, version)
        owner = owner_of(self._policy, rule, self._keyring, self._keys)
        if owner is not None:
            return unsealed_of_subjects(values, keyed, owner, self._store)
        return [unseal(key_of(replace(keyed, version=version_of(one))), one, keyed.domain) for one in values]

    def _rule(self, column: str) -> Encrypt | Fpe:
        rules: list[Rule] = [rule for rule in self._policy.rules if column in (*rule.columns, *rule.classified)]
        if not rules:
            raise ProtectionError(f"the policy {self._policy.name!r} has no rule for the column {column!r}")
        (rule,) = rules[:1]
        if not isinstance(rule, (Encrypt, Fpe)):
            raise ProtectionError(
                f"the policy {self._policy.name!r} does not encrypt the column {column!r}: what it does there can't be turned back"
            )
        return rule

    def _refusal(self, records: Iterator[Record], count: int) -> str | None:
        """Why not; None when it may be."""
        rule = self._policy.reveal
        if rule is None or self._actor not in rule.allow:
            return f"the policy {self._policy.name!r} does not allow {self._actor or 'this user'} to turn values back"
        since = (utc_now() - _HOUR).isoformat(timespec="microseconds")
        done = sum(
            int(record.entry.what.get("values", 0))
            for record in records
            if record.entry.action == REVEALED
            and record.at >= since
            and record.entry.actor == self._actor
            and record.entry.what.get("policy") == self._policy.name
        )
        if done + count > rule.per_hour:
            return f"{self._actor} may turn back {rule.per_hour} values an hour, and has turned back {done}: wait, or ask for fewer"
        return None


def unsealed_of_subjects(
    values: Sequence[str], keyed: Keyed, owner: Keyed, store: Callable[[], Store] | None
) -> list[str]:
    """Values that were encrypted under the keys of their subjects, as they were.

    Raises:
        ErasedError: the subject of one was erased.
        ProtectionError: one is no such value, or its key is not in the store.
        StoreError: the store can't be read.
    """
    from hookline.core.store.subject_keys import find_by_id

    if store is None:
        raise ProtectionError("there is no store with the keys of subjects")
    split = [parts(value) for value in values]
    known = find_by_id(store(), {one.key_id for one in split})
    keys: dict[str, bytes] = {}
    for key_id in {one.key_id: None for one in split}:
        kept = known.get(key_id)
        if kept is None:
            raise ProtectionError("a value's subject has no key in this store: it was encrypted with another store")
        if kept.wrapped is None:
            raise ErasedError(f"a value can't be turned back: its subject was erased on {(kept.erased_at or '')[:10]}")
        key = unwrap(wrapping_key(owner, kept.key_version), key_id, kept.wrapped)
        keys[key_id] = data_key(key, keyed)
    return [unseal(keys[one.key_id], one.sealed, keyed.domain) for one in split]


def _formatted(rule: Fpe, keyed: Keyed, values: Sequence[str], version: int | None) -> list[str]:
    form = Format(key_of(keyed if version is None else replace(keyed, version=version)), rule.alphabet)
    try:
        return [form.decrypt(value) for value in values]
    except ValueError:
        raise ProtectionError(
            "a value has too few characters of its rule's alphabet: the rule did not make it"
        ) from None
