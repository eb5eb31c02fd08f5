"""Values that belong to somebody: encrypted under a key of their subject's own, whose destruction erases them everywhere.

An owned value reads ``s``, 22 characters that name the subject's key, a dot, and a sealed value: ``s…22….e1.…``. The name is at
random and tells nothing of the subject; the key itself is kept wrapped (AES-256-GCM) under a master key, and nowhere else.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from typing import NamedTuple

from hookline.core.errors import ProtectionError

KEY_BYTES = 32
OWNED = re.compile(r"s(?P<key>[A-Za-z0-9_-]{22})\.(?P<sealed>[ed]1\.[A-Za-z0-9_-]{22,})")
# A data key has one version: another one is another key.
VERSION = 1
_NONCE_BYTES = 12
_PURPOSE = b"hookline subject key\0"


class Parts(NamedTuple):
    """What an owned value is made of."""

    key_id: str
    sealed: str


def new_key() -> tuple[str, bytes]:
    """A key and its name, both at random."""
    return base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("="), os.urandom(KEY_BYTES)


def wrap(master: bytes, key_id: str, key: bytes) -> str:
    """A key as the store keeps it: it can't be put under another name.

    Args:
        master: derived for wrapping, the tenant and the subject's entity.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(master).encrypt(nonce, key, _PURPOSE + key_id.encode())
    return base64.urlsafe_b64encode(sealed).decode()


def unwrap(master: bytes, key_id: str, wrapped: str) -> bytes:
    """The key that ``wrap`` was given.

    Raises:
        ProtectionError: it was changed, or wrapped under another key or name.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        sealed = base64.urlsafe_b64decode(wrapped)
        return AESGCM(master).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _PURPOSE + key_id.encode())
    except (InvalidTag, ValueError):
        raise ProtectionError(
            "a subject's key can't be unwrapped: it was changed in the store, or the master key is another one"
        ) from None


def carried(key_id: str, version: int, wrapped: str) -> str:
    """A wrapped key with all that it takes to unwrap it, as rows carry it to where it is used."""
    return f"{key_id}.{version}.{wrapped}"


def opened(text: str, master: Callable[[int], bytes]) -> tuple[str, bytes]:
    """The key's name and the key, of what ``carried`` made.

    Args:
        master: by its version.

    Raises:
        ProtectionError: see ``unwrap``.
        KeyUnavailableError: the master key can't be had.
    """
    key_id, version, wrapped = text.split(".")
    return key_id, unwrap(master(int(version)), key_id, wrapped)


def owned(key_id: str, sealed: str) -> str:
    """The value: whose it is, and what was sealed with that key."""
    return f"s{key_id}.{sealed}"


def parts(value: str) -> Parts:
    """What an owned value is made of.

    Raises:
        ProtectionError: it is none.
    """
    match = OWNED.fullmatch(value)
    if match is None:
        raise ProtectionError("a value is not encrypted by hookline under a subject's key, and can't be turned back")
    return Parts(match["key"], match["sealed"])
