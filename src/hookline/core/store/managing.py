"""What was made in an account by declaration, so that it can be told from what others made there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from hookline.core.events import utc_now
from hookline.core.store.schema import managed_items

if TYPE_CHECKING:
    from hookline.core.store.database import Store

_AT_ONCE = 500


@dataclass(frozen=True)
class ManagedItem:
    """Something that was made.

    Attributes:
        id: tells it from all others within its scope.
        document: what it is, in the words of who made it.
    """

    id: str
    document: str


def keep(store: Store, scope: str, items: Sequence[ManagedItem]) -> None:
    """Keep items, all or none; one that is there already stays as it is.

    Raises:
        StoreError: the database did not do it.
    """
    if not items:
        return
    now = utc_now().isoformat(timespec="microseconds")
    with store.transaction() as connection:
        for item in items:
            row = {"scope": scope, "item_id": item.id, "document": item.document, "recorded_at": now}
            store.upsert(connection, managed_items, row, keep=tuple(row))


def forget(store: Store, scope: str, ids: Sequence[str]) -> None:
    """Take items out, all or none.

    Raises:
        StoreError: the database did not do it.
    """
    if not ids:
        return
    with store.transaction() as connection:
        for start in range(0, len(ids), _AT_ONCE):
            some = [*ids[start : start + _AT_ONCE]]
            own = managed_items.c.scope == scope
            connection.execute(delete(managed_items).where(own, managed_items.c.item_id.in_(some)))


def managed(store: Store, scope: str) -> list[ManagedItem]:
    """All items of a scope.

    Raises:
        StoreError: the database did not do it.
    """
    query = select(managed_items.c.item_id, managed_items.c.document).where(managed_items.c.scope == scope)
    with store.reading() as connection:
        return [ManagedItem(*row) for row in connection.execute(query.order_by(managed_items.c.item_id))]
