"""The outbox's tables. ``PRAGMA user_version`` is the layout's number."""

from __future__ import annotations

import sqlite3

from hookline.core.outbox.trouble import Trouble

VERSION = 1
PENDING, DELIVERED, DEAD = 0, 1, 2

# held_until is a lease when claimed_by is set, else a wait after a failure. The partial indexes stay small: a delivered
# message leaves them, and only its id remains, so that the same id is not delivered again.
_TABLES = (
    """CREATE TABLE messages (
        seq INTEGER PRIMARY KEY,
        sink TEXT NOT NULL,
        id TEXT NOT NULL,
        kind TEXT NOT NULL,
        payload TEXT NOT NULL,
        order_key TEXT NOT NULL,
        created_at REAL NOT NULL,
        checksum INTEGER NOT NULL,
        state INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        held_until REAL NOT NULL DEFAULT 0,
        claimed_by TEXT,
        settled_at REAL,
        reason TEXT,
        UNIQUE (sink, id)
    )""",
    "CREATE INDEX messages_pending ON messages (sink, seq) WHERE state = 0",
    "CREATE INDEX messages_held ON messages (sink, order_key) WHERE state = 0 AND held_until > 0",
    "CREATE INDEX messages_claimed ON messages (claimed_by) WHERE claimed_by IS NOT NULL",
    "CREATE INDEX messages_delivered ON messages (settled_at) WHERE state = 1",
    "CREATE INDEX messages_dead ON messages (sink) WHERE state = 2",
    "CREATE TABLE syncs (one INTEGER PRIMARY KEY CHECK (one = 1), synced_at REAL NOT NULL)",
)


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables in a new file; leave an existing one as it is.

    Raises:
        Trouble: the file's layout is newer than this code.
    """
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection)
        if found > VERSION:
            raise Trouble("newer")
        if found < VERSION:
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION:d}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
