"""Why the outbox's file can't be used, told from SQLite's errors."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Literal

Kind = Literal["locked", "full", "readonly", "corrupt", "newer", "busy", "unusable"]

# SQLite's own words: error codes are on the exception only since Python 3.11.
_WORDS: tuple[tuple[str, Kind], ...] = (
    ("is locked", "locked"),
    ("is busy", "locked"),
    ("locking protocol", "locked"),
    ("is full", "full"),
    ("malformed", "corrupt"),
    ("not a database", "corrupt"),
    ("unsupported file format", "corrupt"),
    ("could not decode", "corrupt"),
    ("readonly", "readonly"),
)
_SENTENCES: dict[Kind, str] = {
    "locked": "another process keeps it locked",
    "full": "the disk is full",
    "readonly": "it is read-only",
    "corrupt": "it is damaged",
    "busy": "another thread of this process has been using it for long",
    "newer": "a newer hookline wrote it: upgrade hookline in this environment",
}


class Trouble(Exception):
    """The outbox's file can't be used right now. ``str()`` is a clause that completes "the outbox: …"."""

    def __init__(self, kind: Kind, detail: str = "") -> None:
        self.kind: Kind = kind
        super().__init__(_SENTENCES.get(kind, detail or "it can't be used"))


def trouble_of(error: BaseException, path: Path) -> Trouble:
    """Tell what an SQLite or operating system error on ``path`` means."""
    if isinstance(error, OSError):
        return Trouble("unusable", f"{error.strerror or type(error).__name__} ({path.parent})")
    text = str(error).lower()
    kind: Kind = next((kind for words, kind in _WORDS if words in text), "unusable")
    if kind == "readonly" and _is_writable(path):
        # A damaged header makes SQLite think that the file is of a kind that it may only read.
        kind = "corrupt"
    if kind == "unusable" and isinstance(error, sqlite3.OperationalError) and "no such table" in text:
        kind = "corrupt"
    return Trouble(kind, f"{error} ({path})")


def _is_writable(path: Path) -> bool:
    files = [path.parent, path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]
    return path.exists() and all(os.access(file, os.W_OK) for file in files if file.exists())
