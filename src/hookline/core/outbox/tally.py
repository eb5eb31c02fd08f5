"""How many messages wait or were refused, by sink: queries for whichever connection is at hand."""

from __future__ import annotations

import sqlite3


def pending(connection: sqlite3.Connection) -> dict[str, int]:
    """How many messages wait."""
    return dict(connection.execute("SELECT sink, COUNT(*) FROM messages WHERE state = 0 GROUP BY sink"))


def dead(connection: sqlite3.Connection) -> dict[str, int]:
    """How many messages were refused for good."""
    return dict(connection.execute("SELECT sink, COUNT(*) FROM messages WHERE state = 2 GROUP BY sink"))


def last_reasons(connection: sqlite3.Connection) -> dict[str, str]:
    """Why the last of the messages that were refused for good was."""
    query = "SELECT sink, reason FROM messages WHERE state = 2 AND reason IS NOT NULL ORDER BY settled_at"
    return dict(connection.execute(query))


def oldest(connection: sqlite3.Connection, sink: str) -> float | None:
    """When the first message that waits for a sink was put, in seconds since the epoch."""
    query = "SELECT created_at FROM messages WHERE sink = ? AND state = 0 ORDER BY seq LIMIT 1"
    row = connection.execute(query, (sink,)).fetchone()
    return float(row[0]) if row else None
