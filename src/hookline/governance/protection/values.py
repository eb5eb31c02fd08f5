"""One text after the other: what a deed that needs Python makes of it. Runs in Spark's Python workers, which fetch keys by name."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.core.errors import ProtectionError
from hookline.governance.crypto.ff1 import Format
from hookline.governance.crypto.owned import VERSION, opened, owned
from hookline.governance.crypto.sealed import seal, seal_equally
from hookline.governance.crypto.tokens import token
from hookline.governance.keys.material import KeyVersion
from hookline.governance.keys.ring import Keyring, derived, open_keyring
from hookline.governance.protection.normal import normal
from hookline.governance.protection.policy import Encrypt, Fake, Fpe, Redact, Rule, Tokenize

if TYPE_CHECKING:
    from hookline.core.safekeeping import KeysConfig
    from hookline.governance.protection.deeds import Deed, Keyed

# A text, and whose it is: a subject's id, or the key that the subject's values have, wrapped.
Change = Callable[[str, str | None], str | None]


def change_of(deed: Deed) -> Change:
    """What the deed makes of a text.

    Raises:
        KeyUnavailableError: its key can't be had here.
    """
    rule, keyed = deed.rule, deed.keyed
    if isinstance(rule, Redact) and deed.detection is not None:
        from hookline.governance.protection.redacting import redactor

        redact = redactor(rule, deed.detection, deed.column)
        return lambda text, _: redact(text)
    if keyed is None:
        raise ValueError(f"{deed.action} is an expression of Spark's")
    if isinstance(rule, Tokenize):
        make = tokens_by(keyed)
        return lambda text, _: make(text)
    if isinstance(rule, Encrypt) and deed.owner is not None:
        return _owned(deed, rule, keyed, deed.owner)
    key, steps = key_of(keyed), keyed.steps
    if isinstance(rule, Encrypt):
        sealing = seal_equally if rule.deterministic else seal
        return lambda text, _: sealing(key, keyed.version, normal(text, steps), keyed.domain)
    if isinstance(rule, Fpe):
        return _formatted(deed, rule, key, steps)
    if isinstance(rule, Fake):
        return _made_up(rule, key, steps)
    raise ValueError(f"{deed.action} is an expression of Spark's")


def tokens_by(keyed: Keyed) -> Callable[[str], str]:
    """Makes tokens of texts.

    Raises:
        KeyUnavailableError: the key can't be had here.
    """
    key = key_of(keyed)
    return lambda text: token(key, keyed.version, normal(text, keyed.steps))


def repeats(rule: Rule) -> bool:
    """Whether equal texts become equal ones, so that each needs to be looked at once."""
    return not isinstance(rule, Encrypt) or rule.deterministic


def key_of(keyed: Keyed) -> bytes:
    """The derived key.

    Raises:
        KeyUnavailableError: it can't be had here.
    """
    return derived(
        _ring(keyed.keys, keyed.base_dir).get(keyed.key, keyed.version), keyed.purpose, keyed.tenant, keyed.entity
    )


def wrapping_key(owner: Keyed, version: int) -> bytes:
    """What the keys of subjects are wrapped under.

    Raises:
        KeyUnavailableError: it can't be had here.
    """
    return key_of(replace(owner, purpose="wrap", version=version))


def data_key(subject_key: bytes, keyed: Keyed) -> bytes:
    """What a column's values are encrypted with, from the key of their subject."""
    return derived(KeyVersion("subject", VERSION, subject_key), keyed.purpose, keyed.tenant, keyed.entity)


def _owned(deed: Deed, rule: Encrypt, keyed: Keyed, owner: Keyed) -> Change:
    sealing = seal_equally if rule.deterministic else seal
    master = cache(lambda version: wrapping_key(owner, version))

    @lru_cache(maxsize=10_000)
    def key_in(carried: str) -> tuple[str, bytes]:
        key_id, key = opened(carried, master)
        return key_id, data_key(key, keyed)

    def change(text: str, carried: str | None) -> str | None:
        if carried is None:
            raise ProtectionError(
                f"a value of the column {deed.column!r} has no subject: {rule.subject!r} is null in its row, or the rows are not "
                "those that subjects' keys were looked up for. It could never be erased, and is not written"
            )
        if not carried:  # whose it was is erased
            return None
        key_id, key = key_in(carried)
        return owned(key_id, sealing(key, VERSION, normal(text, keyed.steps), keyed.domain))

    return change


@cache
def _ring(keys: KeysConfig, base_dir: str) -> Keyring:
    """One for each keeper and process, so that KMS is not asked by every task."""
    return open_keyring(keys, Path(base_dir))


def _formatted(deed: Deed, rule: Fpe, key: bytes, steps: tuple[str, ...]) -> Change:
    form = Format(key, rule.alphabet)

    def change(text: str, _: str | None) -> str | None:
        try:
            return form.encrypt(normal(text, steps))
        except ValueError:
            if rule.unfit == "null":
                return None
            raise ProtectionError(
                f"a value of the column {deed.column!r} has fewer than {form.least} characters of its rule's alphabet, or too "
                "many: FF1 is not safe for it. Say `unfit: null` in the rule, or tokenize the column"
            ) from None

    return change


def _made_up(rule: Fake, key: bytes, steps: tuple[str, ...]) -> Change:
    from faker import Faker

    faker = Faker(rule.locale)
    provide = getattr(faker, rule.provider)

    def change(text: str, subject: str | None) -> str:
        whose = normal(text if rule.subject is None or subject is None else subject, steps)
        faker.seed_instance(int.from_bytes(hmac.digest(key, whose.encode(), hashlib.sha256)[:8], "big"))
        return str(provide())

    return change
