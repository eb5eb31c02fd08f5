"""One record of the log: a line of JSON in one form only, with the hash of the line before it and its own.

A record's hash is SHA-256 (FIPS 180-4) over its canonical form without the hash: keys sorted, no spaces, ASCII, integers and no
other numbers. A line that is not in that form was changed, even when it means the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hookline.core.events import utc_now

START = "0" * 64
_VERSION = 1
_KEYS = frozenset({"v", "seq", "at", "actor", "action", "what", "prev", "hash"})
_MOST_CHARS = 2_000


@dataclass(frozen=True)
class Entry:
    """Something to be kept.

    Attributes:
        action: what was done, as ``room.deed``: ``protect.write``, ``keys.rotated``.
        what: to what and how: names, counts, ids. Never a value of a row, never a key.
        actor: who did it.
    """

    action: str
    what: Mapping[str, Any] = field(default_factory=dict)
    actor: str | None = None


@dataclass(frozen=True)
class Record:
    """An entry in its place.

    Attributes:
        seq: its number, from 1.
        at: when, ISO 8601, UTC.
        prev: the hash of the record before it; ``START`` for the first.
        hash: its own.
    """

    seq: int
    at: str
    entry: Entry
    prev: str
    hash: str

    def line(self) -> bytes:
        """Its line in the log."""
        return canonical({**_body(self.seq, self.at, self.entry, self.prev), "hash": self.hash}) + b"\n"


class NotARecordError(ValueError):
    """A line that is no record, or not in the one form that records have."""


def canonical(document: Mapping[str, Any]) -> bytes:
    """The one form that a document of texts, integers, booleans, lists and objects has."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def following(seq: int, prev: str, entry: Entry) -> Record:
    """The record that comes after one with this number and hash."""
    at = utc_now().astimezone(dt.timezone.utc).isoformat(timespec="microseconds")
    entry = Entry(entry.action, _plain(entry.what), entry.actor)
    return Record(seq + 1, at, entry, prev, _hash(_body(seq + 1, at, entry, prev)))


def parse(line: bytes) -> Record:
    """A record from its line, without the line's end.

    Raises:
        NotARecordError: it is none, is written in another way than records are, or its hash is not its content's.
    """
    try:
        found = json.loads(line)
    except ValueError:
        raise NotARecordError("it is not JSON") from None
    if not isinstance(found, dict) or found.keys() != _KEYS or found["v"] != _VERSION:
        raise NotARecordError("it does not have the keys of a record")
    if not isinstance(found["seq"], int) or not isinstance(found["what"], dict):
        raise NotARecordError("it does not have the types of a record")
    body = {key: value for key, value in found.items() if key != "hash"}
    try:
        same = canonical(found) == line
    except ValueError:
        same = False
    if not same:
        raise NotARecordError("it is not written as records are")
    if _hash(body) != found["hash"]:
        raise NotARecordError("its hash is not its content's")
    entry = Entry(found["action"], found["what"], found["actor"])
    return Record(found["seq"], found["at"], entry, found["prev"], found["hash"])


def _body(seq: int, at: str, entry: Entry, prev: str) -> dict[str, Any]:
    return {
        "v": _VERSION,
        "seq": seq,
        "at": at,
        "actor": entry.actor,
        "action": entry.action,
        "what": dict(entry.what),
        "prev": prev,
    }


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(body)).hexdigest()


def _plain(value: Any) -> Any:
    """With nothing that could be written in two ways, and no text without end."""
    if isinstance(value, Mapping):
        return {str(key)[:_MOST_CHARS]: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, (bool, int)):
        return value
    return str(value)[:_MOST_CHARS]
