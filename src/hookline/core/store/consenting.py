"""What people allowed and took back: a ledger that only grows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import delete, select

from hookline.core.events import content_id
from hookline.core.store.schema import consents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hookline.core.store.database import Store


@dataclass(frozen=True)
class ConsentEntry:
    """One entry.

    Attributes:
        subject: the subject's token.
        purpose: what for.
        kind: whether it was given or taken back.
        basis: the lawful basis, of what was given.
        valid_from, valid_to: from and until when, ISO 8601, UTC; without an end until it is taken back.
        source: where it is from: a form, a call, a system.
        actor: who recorded it.
        recorded_at: when, ISO 8601, UTC.
    """

    subject: str
    purpose: str
    kind: Literal["granted", "withdrawn"]
    valid_from: str
    recorded_at: str
    basis: str | None = None
    valid_to: str | None = None
    source: str | None = None
    actor: str | None = None


def record(store: Store, entries: Iterable[ConsentEntry]) -> int:
    """Keep entries, all or none; one that is there already stays as it is.

    Returns:
        How many were given.

    Raises:
        StoreError: the database did not do it.
    """
    count = 0
    with store.transaction() as connection:
        for entry in entries:
            row = asdict(entry)
            said = {name: value for name, value in row.items() if name not in ("recorded_at", "actor")}
            store.upsert(connection, consents, {"entry_id": content_id(said), **row}, keep=tuple(row))
            count += 1
    return count


def forget(store: Store, subjects: Iterable[str]) -> int:
    """Take all entries of some subjects out of the ledger, which then no longer shows what was allowed.

    Raises:
        StoreError: the database did not do it.
    """
    with store.transaction() as connection:
        return connection.execute(delete(consents).where(consents.c.subject.in_([*subjects]))).rowcount


def entries_of(store: Store, *, purpose: str | None = None, subject: str | None = None) -> list[ConsentEntry]:
    """Entries in the order in which they hold.

    Raises:
        StoreError: the database did not do it.
    """
    names = tuple(ConsentEntry.__dataclass_fields__)
    query = select(*(consents.c[name] for name in names)).order_by(consents.c.valid_from, consents.c.recorded_at)
    for column, wanted in ((consents.c.purpose, purpose), (consents.c.subject, subject)):
        if wanted is not None:
            query = query.where(column == wanted)
    with store.reading() as connection:
        return [ConsentEntry(*row) for row in connection.execute(query)]
