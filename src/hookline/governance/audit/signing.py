"""Signatures over the log's end: Ed25519 (RFC 8032), by the ``cryptography`` package."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.core.errors import AuditError
from hookline.governance.audit.records import canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_BEGIN = b"-----BEGIN PUBLIC KEY-----"


@dataclass(frozen=True)
class Checkpoint:
    """The log's end at some time, signed: whoever has it can tell that the log was cut or written anew.

    Attributes:
        log: the log's own id.
        seq: the number of its last record.
        hash: that record's hash.
        at: when, ISO 8601, UTC.
        key: the fingerprint of the key that signed.
        signature: base 64.
    """

    log: str
    seq: int
    hash: str
    at: str
    key: str
    signature: str

    def signed(self) -> bytes:
        """What the signature is over."""
        return _signed(self.log, self.seq, self.hash, self.at)

    def document(self) -> dict[str, Any]:
        """For a file."""
        return {"version": 1, **asdict(self)}

    @classmethod
    def parse(cls, document: Any) -> Checkpoint:
        """From a file.

        Raises:
            ValueError: it is no checkpoint.
        """
        names = ("log", "seq", "hash", "at", "key", "signature")
        if not isinstance(document, Mapping) or document.get("version") != 1 or any(n not in document for n in names):
            raise ValueError("it is not a checkpoint of an audit log")
        one = cls(**{name: document[name] for name in names})
        if not isinstance(one.seq, int) or not all(isinstance(getattr(one, n), str) for n in names if n != "seq"):
            raise ValueError("it is not a checkpoint of an audit log")
        return one


class Signer:
    """Signs with a private key that lies in a file; makes the file when it may and there is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: Ed25519PrivateKey | None = None

    def sign(self, log: str, seq: int, hash: str, at: str) -> Checkpoint:
        """The end of a log.

        Raises:
            AuditError: there is no key that can be used.
        """
        key = self._loaded()
        signature = base64.b64encode(key.sign(_signed(log, seq, hash, at))).decode()
        return Checkpoint(log, seq, hash, at, _fingerprint(key.public_key()), signature)

    def public_key(self) -> bytes:
        """PEM, for those who verify."""
        return _public_pem(self._loaded().public_key())

    def _loaded(self) -> Ed25519PrivateKey:
        if self._key is None:
            try:
                self._key = self._read() if self._path.exists() else self._make()
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise AuditError(f"the audit log's signing key {self._path} can't be used: {reason}") from None
        return self._key

    def _read(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        if self._path.stat().st_mode & 0o077:
            raise AuditError(f"others may read the audit log's signing key {self._path}: chmod 600 {self._path}")
        try:
            key = load_pem_private_key(self._path.read_bytes(), password=None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise AuditError(f"{self._path} is not an Ed25519 private key in PEM without a password")
        return key

    def _make(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._path.parent.mkdir(parents=True, exist_ok=True)
        hidden = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        hidden.unlink(missing_ok=True)
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(hidden, self._path)  # unlike a rename it does not replace a key that somebody else just made
        except FileExistsError:
            return self._read()
        finally:
            hidden.unlink()
        public = self._path.with_suffix(".pub")
        public.write_bytes(_public_pem(key.public_key()))
        return key


class Signatures:
    """Public keys by their fingerprints."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = dict(keys)

    @classmethod
    def read(cls, paths: Iterable[Path]) -> Signatures:
        """From PEM files, each with one or several public keys.

        Raises:
            AuditError: a file can't be read, or has no such key.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        found: dict[str, Ed25519PublicKey] = {}
        for path in paths:
            try:
                blocks = [_BEGIN + rest for rest in path.read_bytes().split(_BEGIN)[1:]]
                keys = [load_pem_public_key(block) for block in blocks]
            except (OSError, ValueError) as error:
                raise AuditError(f"the public key {path} can't be read: {type(error).__name__}") from None
            if not keys or not all(isinstance(key, Ed25519PublicKey) for key in keys):
                raise AuditError(f"{path} is not an Ed25519 public key in PEM")
            found |= {_fingerprint(key): key for key in keys if isinstance(key, Ed25519PublicKey)}
        return cls(found)

    def problem(self, checkpoint: Checkpoint) -> str | None:
        """What is wrong with its signature; None when it holds."""
        from cryptography.exceptions import InvalidSignature

        key = self._keys.get(checkpoint.key)
        if key is None:
            return f"it is signed with the key {checkpoint.key}, which is not among those to verify with"
        try:
            key.verify(base64.b64decode(checkpoint.signature, validate=True), checkpoint.signed())
        except (InvalidSignature, ValueError):
            return "its signature does not hold"
        return None


def _signed(log: str, seq: int, hash: str, at: str) -> bytes:
    return b"hookline audit checkpoint\n" + canonical({"log": log, "seq": seq, "hash": hash, "at": at})


def _fingerprint(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _public_pem(key: Ed25519PublicKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
