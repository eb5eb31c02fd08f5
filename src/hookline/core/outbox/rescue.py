"""Carry messages over from a file that was deleted or damaged while it was open."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

from hookline.core.outbox.message import checksum_of
from hookline.core.outbox.schema import DELIVERED, PENDING

_COLUMNS = """sink, id, kind, payload, order_key, created_at, checksum,
    state, attempts, held_until, claimed_by, settled_at, reason"""
_READ = f"SELECT {_COLUMNS} FROM messages NOT INDEXED ORDER BY seq"  # noqa: S608 - constants
_WRITE = f"INSERT OR IGNORE INTO messages ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608 - constants


def carry_over(old: sqlite3.Connection, new: sqlite3.Connection) -> int:
    """Copy every intact row of ``old`` into ``new``; return how many undelivered messages that were.

    The table is read forwards until something is damaged, then backwards, which finds what lies behind the damage.
    """
    undelivered = 0
    new.execute("BEGIN IMMEDIATE")
    try:
        for statement in (_READ, f"{_READ} DESC"):
            for row in _intact(old, statement):
                added = new.execute(_WRITE, row).rowcount
                undelivered += added if row[7] == PENDING else 0
        new.execute("COMMIT")
    finally:
        if new.in_transaction:
            new.execute("ROLLBACK")
    return undelivered


def _intact(old: sqlite3.Connection, statement: str) -> Iterator[tuple[Any, ...]]:
    # One row at a time: what was read before the damage must not go down with it.
    with contextlib.suppress(sqlite3.Error, OverflowError):
        yield from (row for row in old.execute(statement) if _is_intact(row))


def _is_intact(row: tuple[Any, ...]) -> bool:
    text, state = row[:5], row[7]
    if not all(isinstance(part, str) for part in text) or not isinstance(row[5], float):
        return False
    # A delivered message has no payload left, so its checksum says nothing.
    return bool(state == DELIVERED or row[6] == checksum_of(*text))
