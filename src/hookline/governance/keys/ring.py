"""Keys at work: kept in memory for some time, and what is derived from them for each purpose."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.governance.keys.material import KEY_BYTES, KeyVersion
from hookline.governance.keys.providers import KeyProvider, provider_of

if TYPE_CHECKING:
    from hookline.core.safekeeping import KeysConfig

SALT = b"hookline/1"


def open_keyring(config: KeysConfig, base_dir: Path) -> Keyring:
    """The keys that a configuration tells of. Nothing is asked of their keeper yet.

    Raises:
        ConfigError: something that the keeper needs is not said.
    """
    return Keyring(provider_of(config, base_dir), config.cache_s)


class Keyring:
    """Keys of one keeper.

    Args:
        cache_s: how long a key is kept before the keeper is asked again. A key that was disabled meanwhile works that long.
    """

    def __init__(
        self, provider: KeyProvider, cache_s: float = 300.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._provider = provider
        self._cache_s = cache_s
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int | None], tuple[float, KeyVersion]] = {}

    def get(self, name: str, version: int | None = None) -> KeyVersion:
        """A version of a key; None is the current one.

        Raises:
            KeyUnavailableError: it is not there, or can't be had now.
            ConfigError: the keeper is not set up as it must be.
        """
        now = self._clock()
        with self._lock:
            until, key = self._known.get((name, version), (now, None))
            if key is not None and now < until:
                return key
            self._known.pop((name, version), None)
            key = self._provider.get(name, version)
            self._known[name, version] = self._known[name, key.version] = (now + self._cache_s, key)
            return key


def derived(key: KeyVersion, purpose: str, tenant: str, entity: str) -> bytes:
    """The key of 32 bytes for one purpose, tenant and entity: HKDF-SHA256 (RFC 5869).

    What is made with one tells nothing about what is made with another, and the same value has other tokens as a phone number
    and as a customer's number.
    """
    return hkdf_sha256(key.reveal(), SALT, info_of(purpose, tenant, entity), KEY_BYTES)


def info_of(purpose: str, tenant: str, entity: str) -> bytes:
    """HKDF's info: no two of these three texts lead to the same."""
    parts = [part.encode() for part in (purpose, tenant, entity)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def hkdf_sha256(material: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    """RFC 5869, extract and expand. The standard library's HMAC, so that tasks need no further package."""
    pseudorandom = hmac.digest(salt or bytes(32), material, hashlib.sha256)
    found, block = b"", b""
    for counter in range(1, -(-size // 32) + 1):
        block = hmac.digest(pseudorandom, block + info + bytes([counter]), hashlib.sha256)
        found += block
    return found[:size]
