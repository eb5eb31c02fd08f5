"""Messages on disk: add, claim, settle. Every method is a short transaction, and raises ``Trouble`` when that fails."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from typing import Any

from hookline.core.outbox import tally
from hookline.core.outbox.claimant import claimant, is_dead
from hookline.core.outbox.database import Database
from hookline.core.outbox.message import Entry, Message, checksum_of
from hookline.core.outbox.room import Room

_ADD = """INSERT INTO messages (sink, id, kind, payload, order_key, created_at, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (sink, id) DO NOTHING"""
_ADD_DELIVERED = """INSERT INTO messages (sink, id, kind, payload, order_key, created_at, checksum, state, settled_at)
    VALUES (?, ?, ?, '', ?, ?, ?, 1, ?) ON CONFLICT (sink, id) DO UPDATE SET
    state = 1, payload = '', settled_at = excluded.settled_at"""
_ADD_DEAD = """INSERT INTO messages
    (sink, id, kind, payload, order_key, created_at, checksum, state, settled_at, reason)
    VALUES (?, ?, ?, ?, ?, ?, ?, 2, ?, ?) ON CONFLICT (sink, id) DO NOTHING"""
# An order key with a message that is claimed or waits is left alone as a whole, so that nothing overtakes.
_DUE = """SELECT sink, id, kind, payload, order_key, created_at, checksum, attempts FROM messages
    WHERE sink = :sink AND state = 0 AND held_until <= :now AND order_key NOT IN (
        SELECT order_key FROM messages
        WHERE sink = :sink AND state = 0 AND held_until > 0 AND held_until > :now AND order_key <> '')
    ORDER BY seq LIMIT :limit"""
_CLAIM = """UPDATE messages SET claimed_by = ?, held_until = ?
    WHERE sink = ? AND id = ? AND state = 0 AND held_until <= ?"""
_DONE = """UPDATE messages SET state = 1, payload = '', claimed_by = NULL, held_until = 0, settled_at = ?, reason = NULL
    WHERE sink = ? AND id = ?"""
_BURY = """UPDATE messages SET state = 2, claimed_by = NULL, held_until = 0, settled_at = ?, reason = ?,
    attempts = attempts + 1 WHERE sink = ? AND id = ? AND state = 0"""
_HOLD = """UPDATE messages SET claimed_by = NULL, held_until = ?, attempts = attempts + 1
    WHERE sink = ? AND id = ? AND state = 0 AND claimed_by = ?"""
_RELEASE = """UPDATE messages SET claimed_by = NULL, held_until = 0
    WHERE sink = ? AND id = ? AND state = 0 AND claimed_by = ?"""
# A wait further away than any that is ever set comes from a clock that was put back.
_LONGEST_HOLD_S = 7200.0


class Journal:
    """The durable place of messages."""

    def __init__(self, database: Database, *, max_bytes: int, lease_s: float) -> None:
        self._database = database
        self._room = Room(max_bytes)
        self._lease_s = lease_s
        self.renew_claimant()

    def renew_claimant(self) -> None:
        """Take a name of this process, as a forked child must."""
        self.claimant = claimant()

    def add(self, entry: Entry) -> bool:
        """Keep a message, unless its id is known already; False when there is no room for it."""
        with self._database.exclusive() as connection:
            if not self._room.take(connection, entry.size_bytes):
                return False
            connection.execute(_ADD, entry)
            return True

    def add_many(self, waiting: Iterable[Entry], delivered: Iterable[Entry], dead: Iterable[tuple[Entry, str]]) -> None:
        """Write down what was in memory. The size limit is not applied: these were taken already."""
        now = time.time()
        with self._database.writing() as connection:
            connection.executemany(_ADD, waiting)
            connection.executemany(_ADD_DELIVERED, [(*e[:3], *e[4:], now) for e in delivered])
            connection.executemany(_ADD_DEAD, [(*entry, now, reason) for entry, reason in dead])

    def claim(self, sink: str, limit: int) -> list[Message]:
        """Take the next due messages of a sink, in order; a message that failed before comes alone."""
        now = time.time()
        with self._database.reading() as connection:
            rows = connection.execute(_DUE, {"sink": sink, "now": now, "limit": limit}).fetchall()
            batch = _isolate([_message(row) for row in rows])
        if not batch:
            return []
        with self._database.exclusive() as connection:
            connection.execute("BEGIN IMMEDIATE")
            claims = [(self.claimant, now + self._lease_s, sink, message.id, now) for message in batch]
            if connection.executemany(_CLAIM, claims).rowcount != len(batch):
                return []  # Another process was faster; leaving without COMMIT rolls back.
            connection.execute("COMMIT")
        return batch

    def done(self, messages: Sequence[Message]) -> None:
        """Messages were delivered. Only their ids stay."""
        now = time.time()
        self._many(_DONE, [(now, message.sink, message.id) for message in messages])

    def bury(self, message: Message, reason: str) -> None:
        """A message can't be delivered ever; it is kept with the reason."""
        self._many(_BURY, [(time.time(), reason, message.sink, message.id)])

    def hold(self, message: Message, wait_s: float) -> None:
        """A message failed; it waits, and what has its order key waits behind it."""
        self._many(_HOLD, [(time.time() + wait_s, message.sink, message.id, self.claimant)])

    def release(self, messages: Sequence[Message]) -> None:
        """Messages go back as they were."""
        self._many(_RELEASE, [(message.sink, message.id, self.claimant) for message in messages])

    def renew(self, sink: str) -> None:
        """Prolong the leases of a sink's messages that are on their way."""
        self._many(
            "UPDATE messages SET held_until = ? WHERE claimed_by = ? AND sink = ? AND state = 0",
            [(time.time() + self._lease_s, self.claimant, sink)],
        )

    def retake(self) -> None:
        """Free what dead processes had claimed, and what a wrong clock put off too far."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT DISTINCT claimed_by FROM messages WHERE claimed_by IS NOT NULL"
            ).fetchall()
        dead = [(name,) for (name,) in found if name != self.claimant and is_dead(name)]
        self._many("UPDATE messages SET claimed_by = NULL, held_until = 0 WHERE claimed_by = ? AND state = 0", dead)
        self._many(
            "UPDATE messages SET claimed_by = NULL, held_until = 0 WHERE state = 0 AND held_until > ?",
            [(time.time() + _LONGEST_HOLD_S,)],
        )

    def make_due(self, sinks: Iterable[str], *, dead: bool) -> None:
        """End all waits of these sinks; with ``dead``, try what they refused for good again."""
        names = [(name,) for name in sinks]
        self._many("UPDATE messages SET held_until = 0 WHERE sink = ? AND state = 0 AND claimed_by IS NULL", names)
        if dead:
            self._many(
                "UPDATE messages SET state = 0, settled_at = NULL, reason = NULL WHERE sink = ? AND state = 2", names
            )

    def next_due_s(self, sink: str) -> float | None:
        """In how many seconds the first of a sink's held messages is due; None when none is held."""
        now = time.time()
        query = (
            "SELECT MIN(held_until) FROM messages WHERE sink = ? AND state = 0 AND held_until > 0 AND held_until > ?"
        )
        (until,) = self._rows(query, (sink, now))[0]
        return None if until is None else max(0.0, until - now)

    def pending(self) -> dict[str, int]:
        """How many messages wait, by sink."""
        with self._database.reading() as connection:
            return tally.pending(connection)

    def dead(self) -> dict[str, int]:
        """How many messages were refused for good, by sink."""
        with self._database.reading() as connection:
            return tally.dead(connection)

    def last_reasons(self) -> dict[str, str]:
        """Why the last of the messages that were refused for good was, by sink."""
        with self._database.reading() as connection:
            return tally.last_reasons(connection)

    def oldest(self, sink: str) -> float | None:
        """When the first message that waits for a sink was put, in seconds since the epoch."""
        with self._database.reading() as connection:
            return tally.oldest(connection, sink)

    def known(self, sink: str, ids: Sequence[str]) -> set[str]:
        """Which of these ids are on disk already, delivered or not."""
        query = "SELECT id FROM messages WHERE sink = ? AND id IN (SELECT value FROM json_each(?))"
        return {id for (id,) in self._rows(query, (sink, json.dumps(ids)))}

    def open_keys(self, sink: str, keys: Sequence[str]) -> set[str]:
        """Which of these order keys have a message on disk that waits."""
        query = """SELECT DISTINCT order_key FROM messages
            WHERE sink = ? AND state = 0 AND order_key IN (SELECT value FROM json_each(?))"""
        return {key for (key,) in self._rows(query, (sink, json.dumps(keys)))}

    def purge(self, retention_s: float, chunk: int = 500) -> None:
        """Forget ids that were delivered longer ago than ``retention_s``."""
        while True:
            with self._database.writing() as connection:
                if self._room.forget(connection, time.time() - retention_s, chunk) < chunk:
                    return

    def _many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            with self._database.writing() as connection:
                connection.executemany(statement, rows)

    def _rows(self, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._database.reading() as connection:
            return connection.execute(query, parameters).fetchall()


def _message(row: tuple[Any, ...]) -> Message:
    sink, id, kind, payload, order_key, created_at, checksum, attempts = row
    if checksum_of(sink, id, kind, payload, order_key) != checksum:
        raise sqlite3.DatabaseError("a row is malformed")
    return Entry(sink, id, kind, payload, order_key, created_at, checksum).message(attempts)


def _isolate(batch: list[Message]) -> list[Message]:
    """The messages before the first that failed already, or that one alone."""
    first_failed = next((place for place, message in enumerate(batch) if message.attempts), len(batch))
    return batch[: max(1, first_failed)]
