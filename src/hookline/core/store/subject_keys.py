"""A key for each subject, wrapped under a key that the store does not have; and the destruction of such keys.

What was destroyed leaves its row behind, without a key: so that it is known of a value that it was erased and when, and so that
no new key is made for the subject.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, select, update

from hookline.core.store.schema import subject_keys as table

if TYPE_CHECKING:
    from hookline.core.store.database import Store

# SQLite takes 32,766 parameters in a statement.
_AT_ONCE = 5_000


@dataclass(frozen=True)
class SubjectKey:
    """One subject's key.

    Attributes:
        subject: the subject's token.
        key_id: names the key in the values that it encrypted; at random, it tells nothing of the subject.
        wrapped: the key as the master key encrypted it; None once it was destroyed.
        key_name, key_version: the master key.
        made_at, erased_at: ISO 8601, UTC.
    """

    subject: str
    key_id: str
    wrapped: str | None
    key_name: str
    key_version: int
    made_at: str
    erased_at: str | None = None


def find(store: Store, subjects: Iterable[str]) -> dict[str, SubjectKey]:
    """Those of some subjects that there are, destroyed ones too, by subject.

    Raises:
        StoreError: the database did not do it.
    """
    return {one.subject: one for one in _those(store, table.c.subject, subjects)}


def find_by_id(store: Store, key_ids: Iterable[str]) -> dict[str, SubjectKey]:
    """Those that some values name, by the key's id.

    Raises:
        StoreError: the database did not do it.
    """
    return {one.key_id: one for one in _those(store, table.c.key_id, key_ids)}


def wrapped_under(store: Store, key_name: str, subject: str = "", limit: int = 1_000) -> list[SubjectKey]:
    """Keys that a master key of this name wrapped, in the order of their subjects, from behind this one on.

    Raises:
        StoreError: the database did not do it.
    """
    own = select(*_columns()).where(table.c.key_name == key_name, table.c.wrapped.is_not(None))
    query = own.where(table.c.subject > subject).order_by(table.c.subject).limit(limit)
    with store.reading() as connection:
        return [SubjectKey(*row) for row in connection.execute(query)]


def add(store: Store, keys: Iterable[SubjectKey]) -> None:
    """Keep new keys, all or none; a subject that has one, or had one, is left as it is.

    Raises:
        StoreError: the database did not do it.
    """
    with store.transaction() as connection:
        for key in keys:
            row = asdict(key)
            store.upsert(connection, table, row, keep=tuple(row))


def rewrap(store: Store, keys: Mapping[str, tuple[str, int]]) -> None:
    """Put another wrapping of the same key in its place, by subject, with the master key's version; all or none.

    Raises:
        StoreError: the database did not do it.
    """
    with store.transaction() as connection:
        for subject, (wrapped, version) in keys.items():
            # One that was destroyed meanwhile stays so.
            there = (table.c.subject == subject) & table.c.wrapped.is_not(None)
            connection.execute(update(table).where(there).values(wrapped=wrapped, key_version=version))


def destroy(store: Store, subjects: Mapping[str, str], at: str) -> dict[str, SubjectKey]:
    """Destroy the keys of some subjects; one that never had a key is noted, so that it gets none.

    The key is overwritten before it is taken out. Call ``Store.scrub`` after it: until then the database's file, or its log,
    may hold what was there before.

    Args:
        subjects: by token, the master key's name.
        at: ISO 8601, UTC.

    Returns:
        Those that had a key until now.

    Raises:
        StoreError: the database did not do it; nothing is destroyed then.
    """
    before = {token: one for token, one in find(store, subjects).items() if one.wrapped is not None}
    with store.transaction() as connection:
        for token, name in subjects.items():
            noted = SubjectKey(token, secrets.token_urlsafe(16), None, name, 0, at, at)
            store.upsert(connection, table, asdict(noted), keep=tuple(asdict(noted)))
            there = (table.c.subject == token) & table.c.wrapped.is_not(None)
            if token in before:
                size = len(before[token].wrapped or "")
                connection.execute(update(table).where(there).values(wrapped=secrets.token_hex(size)[:size]))
            connection.execute(update(table).where(there).values(wrapped=None, erased_at=at))
    return before


def erased(store: Store, subjects: Collection[str]) -> dict[str, str]:
    """Of some subjects those whose keys were destroyed, with when.

    Raises:
        StoreError: the database did not do it.
    """
    return {token: one.erased_at for token, one in find(store, subjects).items() if one.erased_at is not None}


def _those(store: Store, column: ColumnElement[str], wanted: Iterable[str]) -> list[SubjectKey]:
    found: list[SubjectKey] = []
    rest = iter(wanted)
    with store.reading() as connection:
        while some := tuple(islice(rest, _AT_ONCE)):
            rows = connection.execute(select(*_columns()).where(column.in_(some)))
            found += [SubjectKey(*row) for row in rows]
    return found


def _columns() -> list[Any]:
    return [table.c[name] for name in SubjectKey.__dataclass_fields__]
