"""The outbox's size limit. Delivered ids make room, oldest first; messages that wait never do."""

from __future__ import annotations

import sqlite3
import time

# How much may be put before the file is measured again, so that two processes overshoot by no more than this each.
_STEP_BYTES = 1024 * 1024
_CHUNK = 500
_CHUNKS_PER_PUT = 4
_FORGET = """DELETE FROM messages WHERE seq IN (
    SELECT seq FROM messages WHERE state = 1 AND settled_at <= ? ORDER BY settled_at LIMIT ?)"""


class Room:
    """What is left of ``max_bytes``, measured rarely and counted down in between."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._left_bytes = 0

    def take(self, connection: sqlite3.Connection, size_bytes: int) -> bool:
        """Reserve room for a message; False when there is none."""
        self._left_bytes -= size_bytes
        if self._left_bytes >= 0:
            return True
        free = self._max_bytes - used_bytes(connection) - size_bytes
        for _ in range(_CHUNKS_PER_PUT):
            if free >= 0 or self.forget(connection, time.time(), _CHUNK) == 0:
                break
            free = self._max_bytes - used_bytes(connection) - size_bytes
        self._left_bytes = min(_STEP_BYTES, free // 2)
        return free >= 0

    def forget(self, connection: sqlite3.Connection, before: float, chunk: int) -> int:
        """Delete up to ``chunk`` ids that were delivered before a moment; return how many."""
        return connection.execute(_FORGET, (before, chunk)).rowcount


def used_bytes(connection: sqlite3.Connection) -> int:
    """The bytes in use of a connection's main file, free pages excepted."""
    (pages,), (free,), (size,) = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
