"""Authenticated encryption of a value: AES-256-GCM (NIST SP 800-38D), or AES-SIV (RFC 5297) where equal values must stay equal.

A sealed value reads ``e2.`` (GCM) or ``d2.`` (SIV), and base64url of the nonce and the ciphertext with its tag, or of the tag
and the ciphertext. The domain (tenant and entity) is authenticated with it: a value that was moved to another column is not
turned back.
"""

from __future__ import annotations

import base64
import os
import re

from hookline.core.errors import ProtectionError

SEALED = re.compile(r"(?P<kind>[ed])(?P<version>[1-9][0-9]{0,8})\.(?P<body>[A-Za-z0-9_-]{22,})")
_NONCE_BYTES = 12


def seal(key: bytes, version: int, text: str, domain: bytes) -> str:
    """Encrypt with AES-256-GCM and a random nonce: the same text gives another value each time."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_BYTES)
    return _written("e", version, nonce + AESGCM(key).encrypt(nonce, _bytes(text), domain))


def seal_equally(key: bytes, version: int, text: str, domain: bytes) -> str:
    """Encrypt with AES-SIV: the same text gives the same value, which shows which rows are alike and nothing else."""
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    # RFC 5297 allows no empty plaintext in this library: the first byte is ours.
    return _written("d", version, AESSIV(key).encrypt(b"\0" + _bytes(text), [domain]))


def unseal(key: bytes, value: str, domain: bytes) -> str:
    """Turn a sealed value back.

    Args:
        key: of the version that ``version_of`` tells.

    Raises:
        ProtectionError: it is not sealed, was changed, or sealed with another key or for another domain.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

    match = SEALED.fullmatch(value)
    if match is None:
        raise ProtectionError("a value is not encrypted by hookline, and can't be turned back")
    try:
        body = base64.urlsafe_b64decode(match["body"] + "=" * (-len(match["body"]) % 4))
        if match["kind"] == "e":
            clear = AESGCM(key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], domain)
        else:
            clear = AESSIV(key).decrypt(body, [domain])[1:]
        return clear.decode("utf-8", "surrogatepass")
    except (InvalidTag, ValueError):
        raise ProtectionError(
            "a value can't be turned back: it was changed, or encrypted with another key, for another column or tenant"
        ) from None


def version_of(value: str) -> int:
    """The version of the key that a value was sealed with.

    Raises:
        ProtectionError: it is not sealed.
    """
    match = SEALED.fullmatch(value)
    if match is None:
        raise ProtectionError("a value is not encrypted by hookline, and can't be turned back")
    return int(match["version"])


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _written(kind: str, version: int, body: bytes) -> str:
    return f"{kind}{version}.{base64.urlsafe_b64encode(body).decode().rstrip('=')}"
