"""What is done in one write: which rule meets which column, with which version of which key. Holds no key and can be pickled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.core.errors import ProtectionError
from hookline.core.safekeeping import KeysConfig
from hookline.governance.protection.policy import Consent, Encrypt, Fake, KeyedRule, Policy, Redact, Rule

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

    from hookline.governance.keys import Keyring
    from hookline.governance.pii.settings import DetectionSettings

Names = tuple[str, ...]


@dataclass(frozen=True)
class Keyed:
    """How a key comes about where values are protected.

    Attributes:
        keys, base_dir: where it is kept.
        key, version: which it is.
        purpose, tenant, entity: what is derived from it.
        steps: what is done to a value first.
    """

    keys: KeysConfig
    base_dir: str
    key: str
    version: int
    purpose: str
    tenant: str
    entity: str
    steps: tuple[str, ...]

    @property
    def key_file(self) -> Path:
        """The file that the key is in, where it is in one."""
        return Path(self.base_dir) / self.keys.path

    @property
    def domain(self) -> bytes:
        """What is authenticated with an encrypted value."""
        return f"{self.tenant}\0{self.entity}".encode()


@dataclass(frozen=True)
class Deed:
    """A rule at a column.

    Attributes:
        names: the column's name, and those of fields in it; elements of arrays have none, keys and values of maps are
            ``key`` and ``value``.
        detection: what is looked for, of one that redacts.
        owner: how the tokens of those come about whose values these are, where each has a key of its own.
        carrier: the column that carries these keys, wrapped.
    """

    policy: str
    names: Names
    rule: Rule
    keyed: Keyed | None = None
    detection: DetectionSettings | None = None
    owner: Keyed | None = None
    carrier: str | None = None

    @property
    def in_workers(self) -> bool:
        """Whether a function of Python's does it, where there is no other way."""
        return self.keyed is not None or self.detection is not None

    @property
    def column(self) -> str:
        """For people."""
        return ".".join(self.names)

    @property
    def action(self) -> str:
        """The rule's."""
        return self.rule.deed

    @property
    def whose(self) -> str | None:
        """The column that goes with it, and says whose value it is."""
        return self.rule.subject if isinstance(self.rule, Fake) else self.carrier

    def document(self) -> dict[str, Any]:
        """For the audit log."""
        found: dict[str, Any] = {"policy": self.policy, "column": self.column, "action": self.action}
        if self.rule.entity is not None:
            found["entity"] = self.rule.entity
        if self.keyed is not None:
            found |= {"key": self.keyed.key, "version": self.keyed.version}
        if self.owner is not None:
            found["subject"] = self.owner.entity
        return found


def deeds_for(
    policies: Iterable[Policy],
    schema: StructType,
    keyring: Keyring,
    keys: tuple[KeysConfig, Path],
    *,
    case_sensitive: bool = False,
) -> tuple[Deed, ...]:
    """What the policies want of data with this schema, in the order of its columns.

    Args:
        keys: where keys come from, and what relative paths there start from.

    Raises:
        ProtectionError: a column is not there, or two rules want one column.
        KeyUnavailableError: a key can't be had.
    """
    found: list[Deed] = []
    for policy in policies:
        for rule in policy.rules:
            for column in rule.columns:
                names = find(column, schema, case_sensitive)
                if names is not None:
                    keyed = keyed_by(policy, rule, names[-1], keyring, keys) if isinstance(rule, KeyedRule) else None
                    detection = policy.looks_for if isinstance(rule, Redact) else None
                    owner = owner_of(policy, rule, keyring, keys)
                    found.append(Deed(policy.name, names, rule, keyed, detection, owner))
                elif rule.missing == "refuse":
                    raise ProtectionError(
                        f"policy {policy.name!r} protects the column {column!r}, which this write does not have: it may have come "
                        "under another name. Correct the policy, or say `missing: allow` there"
                    )
    for number, deed in enumerate(found):
        for other in found[:number]:
            shorter = min(len(deed.names), len(other.names))
            if deed.names[:shorter] == other.names[:shorter]:
                both = f"{other.action} by policy {other.policy!r} and {deed.action} by {deed.policy!r}"
                raise ProtectionError(f"the column {deed.column!r} is wanted by two rules: {both}")
    return tuple(found)


def keyed_by(policy: Policy, rule: KeyedRule, name: str, keyring: Keyring, keys: tuple[KeysConfig, Path]) -> Keyed:
    """How the key of a rule comes about for a column of this name.

    Raises:
        KeyUnavailableError: it can't be had.
    """
    key = keyring.get(rule.key or policy.key)
    # Without an entity a column's own name is the domain: equal names, equal tokens.
    entity = rule.entity or name.lower()
    return Keyed(keys[0], str(keys[1]), key.name, key.version, rule.deed, policy.tenant, entity, rule.steps())


def keyed_for_consent(policy: Policy, consent: Consent, keyring: Keyring, keys: tuple[KeysConfig, Path]) -> Keyed:
    """How the tokens of subjects come about that the consent ledger has.

    They are made with the first version of the key, whatever version is current: the ledger outlives rotations.

    Raises:
        KeyUnavailableError: it can't be had.
    """
    key = keyring.get(consent.key or policy.key, 1)
    entity = consent.entity or consent.subject.lower()
    return Keyed(keys[0], str(keys[1]), key.name, key.version, "consent", policy.tenant, entity, consent.steps())


def keyed_for_subjects(
    policy: Policy, entity: str, keyring: Keyring, keys: tuple[KeysConfig, Path], key: str | None = None
) -> Keyed:
    """How the tokens of subjects come about that their keys are found by.

    They are made with the first version of the key: who was erased must be known after it was rotated.

    Raises:
        KeyUnavailableError: it can't be had.
    """
    made = keyring.get(key or policy.key, 1)
    steps = policy.subject_steps(entity)
    return Keyed(keys[0], str(keys[1]), made.name, made.version, "subject", policy.tenant, entity, steps)


def owner_of(policy: Policy, rule: Rule, keyring: Keyring, keys: tuple[KeysConfig, Path]) -> Keyed | None:
    """Whose values a rule encrypts; None where the values have no keys of their own.

    Raises:
        KeyUnavailableError: the key can't be had.
    """
    if not isinstance(rule, Encrypt) or rule.subject is None:
        return None
    entity = policy.subject_entity(rule)
    return None if entity is None else keyed_for_subjects(policy, entity, keyring, keys, rule.key)


def find(column: str, schema: StructType, case_sensitive: bool) -> Names | None:
    """A column or a field, by what a policy calls it; None when it is not there."""
    parts = column.split(".")
    return next(_ways(parts, schema, case_sensitive), None)


def _ways(parts: Sequence[str], type: Any, case_sensitive: bool) -> Iterator[Names]:
    """The ways to read a path in a type; names may have dots of their own, the longest is tried first."""
    kind = type.typeName()
    if not parts:
        yield ()
    elif kind == "array":
        yield from _ways(parts, type.elementType, case_sensitive)
    elif kind == "map":
        inner = {"key": type.keyType, "value": type.valueType}.get(parts[0])
        if inner is not None:
            yield from ((parts[0], *rest) for rest in _ways(parts[1:], inner, case_sensitive))
    elif kind == "struct":
        for size in range(len(parts), 0, -1):
            wanted = ".".join(parts[:size])
            for field in type.fields:
                if field.name == wanted or (not case_sensitive and field.name.lower() == wanted.lower()):
                    yield from ((field.name, *rest) for rest in _ways(parts[size:], field.dataType, case_sensitive))
