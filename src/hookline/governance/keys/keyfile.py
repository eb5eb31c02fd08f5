"""A key file: JSON with named keys and their versions. In it a key is base 64, or what KMS made of it.

    {"version": 1, "keys": {"customers": {"current": 2, "versions": {"1": {"material": "…", "made_at": "…"}, "2": {…}}}}}

``material`` is the key, ``wrapped`` the key as KMS encrypted it. Old versions stay for as long as something is to be read that they
protected.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hookline.core.errors import ConfigError, KeyUnavailableError
from hookline.core.events import utc_now
from hookline.governance.keys.material import KEY_BYTES

NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
Wrap = Callable[[str, bytes], bytes]


@dataclass(frozen=True)
class Kept:
    """One version of a key, as the file has it.

    Attributes:
        material: the key, or what KMS made of it.
        wrapped: which of the two.
        made_at: when, ISO 8601, UTC.
    """

    material: bytes = field(repr=False)
    wrapped: bool
    made_at: str | None = None


@dataclass(frozen=True)
class KeySet:
    """What a key file says: of each key the current version, and all versions."""

    current: Mapping[str, int]
    versions: Mapping[tuple[str, int], Kept]

    def kept(self, name: str, version: int | None, where: str) -> tuple[int, Kept]:
        """A version; None is the current one.

        Raises:
            KeyUnavailableError: it is not there.
        """
        number = self.current.get(name) if version is None else version
        if number is None or (name, number) not in self.versions:
            what = f"no key {name!r}" if name not in self.current else f"no version {number} of the key {name!r}"
            cure = (
                f"`hookline keys new {name}` makes one"
                if name not in self.current
                else "it was destroyed, or never there"
            )
            raise KeyUnavailableError(f"{where} has {what}: {cure}")
        return number, self.versions[name, number]


def parse(text: bytes | str, where: str) -> KeySet:
    """A key file's content.

    Raises:
        ConfigError: it is none. The message quotes nothing of it.
    """
    try:
        document = json.loads(text)
        if document["version"] != 1:
            raise ValueError
        current = {_name(name): int(key["current"]) for name, key in document["keys"].items()}
        versions = {
            (name, int(number)): _kept(kept)
            for name, key in document["keys"].items()
            for number, kept in key["versions"].items()
        }
        if any((name, number) not in versions for name, number in current.items()):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error):
        raise ConfigError(
            f"{where} is not a key file: it wants keys by name, each with its current version and its versions, every one with "
            f"{KEY_BYTES} bytes in base 64 as material (see docs/reference/keys.md)"
        ) from None
    return KeySet(current, versions)


def read(path: Path) -> KeySet:
    """A key file of this machine.

    Raises:
        KeyUnavailableError: it can't be read.
        ConfigError: it is no key file, or others may read it.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except OSError as error:
        cure = "`hookline keys new NAME` makes one" if isinstance(error, FileNotFoundError) else "nothing is protected"
        raise KeyUnavailableError(f"the key file {path} can't be read ({error.strerror}): {cure}") from None
    if mode & 0o077:
        raise ConfigError(f"others may read the key file {path}: chmod 600 {path}")
    return parse(text, str(path))


def add_version(path: Path, name: str, wrap: Wrap | None = None, *, new: bool) -> int:
    """Make a key, or its next version, which is the current one from then on.

    Args:
        wrap: encrypts a key of this name; None keeps it as it is.
        new: there must be no key of this name yet; otherwise there must be one.

    Returns:
        The version's number.

    Raises:
        ConfigError: the name is not fit, taken, or unknown.
        KeyUnavailableError: the file can't be read or written.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name for a key: lower-case letters, digits, - and _, at most 64")
    known = read(path) if path.exists() else KeySet({}, {})
    if new == (name in known.current):
        raise ConfigError(
            f"{path} has a key {name!r} already: `hookline keys rotate {name}` makes its next version"
            if new
            else f"{path} has no key {name!r}: `hookline keys new {name}` makes it"
        )
    number = 1 + max((version for key, version in known.versions if key == name), default=0)
    material = secrets.token_bytes(KEY_BYTES)
    made_at = utc_now().isoformat(timespec="seconds")
    kept = Kept(material if wrap is None else wrap(name, material), wrap is not None, made_at)
    write(path, KeySet({**known.current, name: number}, {**known.versions, (name, number): kept}))
    return number


def destroy(path: Path, name: str, version: int) -> None:
    """Take a version out of the file: what it protected can't be read any more, here or in a backup.

    Raises:
        ConfigError: it is the current one.
        KeyUnavailableError: it is not there, or the file can't be read or written.
    """
    known = read(path)
    known.kept(name, version, str(path))
    if known.current[name] == version:
        raise ConfigError(f"version {version} of {name!r} is the current one: rotate the key first")
    write(path, KeySet(known.current, {key: kept for key, kept in known.versions.items() if key != (name, version)}))


def write(path: Path, keys: KeySet) -> None:
    """Replace the file, readable by its owner alone.

    Raises:
        KeyUnavailableError: it can't be written; the file is as it was.
    """
    document: dict[str, Any] = {"version": 1, "keys": {}}
    for name, current in sorted(keys.current.items()):
        several = {str(number): _document(kept) for (key, number), kept in sorted(keys.versions.items()) if key == name}
        document["keys"][name] = {"current": current, "versions": several}
    hidden = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        hidden.unlink(missing_ok=True)
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as file:
            json.dump(document, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        hidden.rename(path)
    except OSError as error:
        raise KeyUnavailableError(f"the key file {path} can't be written: {error.strerror}") from None


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError
    return name


def _kept(kept: Mapping[str, Any]) -> Kept:
    wrapped = "wrapped" in kept
    material = base64.b64decode(kept["wrapped" if wrapped else "material"], validate=True)
    if not wrapped and len(material) != KEY_BYTES:
        raise ValueError
    return Kept(material, wrapped, kept.get("made_at"))


def _document(kept: Kept) -> dict[str, Any]:
    text = base64.b64encode(kept.material).decode()
    return {"wrapped" if kept.wrapped else "material": text, **({"made_at": kept.made_at} if kept.made_at else {})}
