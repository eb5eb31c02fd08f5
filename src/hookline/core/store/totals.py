"""Totals that go on from run to run, as documents by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from hookline.core.store.packing import pack, unpack
from hookline.core.store.schema import totals

if TYPE_CHECKING:
    from hookline.core.store.database import Store


def read_totals(connection: Connection, key: str) -> dict[str, Any] | None:
    """The document of a key; None when there is none."""
    document = connection.execute(select(totals.c.document).where(totals.c.totals_key == key)).scalar()
    return None if document is None else unpack(document)


def keep_totals(store: Store, connection: Connection, key: str, at: str, document: Mapping[str, Any]) -> None:
    """Replace the document of a key."""
    store.upsert(connection, totals, {"totals_key": key, "changed_at": at, "document": pack(document)})
