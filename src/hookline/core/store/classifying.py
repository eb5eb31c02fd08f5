"""Which columns of which datasets hold personal data, by the latest scan of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, select

from hookline.core.events import content_id
from hookline.core.store.schema import classifications, scans

if TYPE_CHECKING:
    from hookline.core.store.database import Store


@dataclass(frozen=True)
class StoredClassification:
    """A verdict on a column, as ``governance.pii`` gave it; ``column`` is a path, ``reasons`` are words and numbers."""

    column: str
    entity: str
    confidence: float
    share: float
    within: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoredScan:
    """A scan of a dataset.

    Attributes:
        namespace, name: the dataset's.
        scanned_at: ISO 8601, UTC.
        run_id: of the run whose write was looked at; None of data at rest.
        columns_id: of the names and types that it had.
        rows, sampled: how many rows there were, and how many of them were drawn.
        found: columns with personal data.
    """

    namespace: str
    name: str
    scanned_at: str
    run_id: str | None
    columns_id: str
    rows: int
    sampled: int
    found: tuple[StoredClassification, ...] = ()

    def payload(self) -> dict[str, Any]:
        """As a fact for the outbox."""
        return asdict(self)


def keep_scan(store: Store, connection: Connection, payload: Mapping[str, Any]) -> None:
    """Keep a scan, unless there is a later one of the dataset."""
    key = content_id(payload["namespace"], payload["name"])
    store.lock(connection, key)
    known = connection.execute(select(scans.c.scanned_at).where(scans.c.dataset_id == key)).scalar()
    if known is not None and known > payload["scanned_at"]:
        return
    names = ("namespace", "name", "scanned_at", "run_id", "columns_id", "rows", "sampled")
    store.upsert(connection, scans, {"dataset_id": key, **{name: payload[name] for name in names}})
    connection.execute(delete(classifications).where(classifications.c.dataset_id == key))
    for position, found in enumerate(payload["found"]):
        told = {name: found[name] for name in ("entity", "confidence", "share", "within")}
        place = {"dataset_id": key, "position": position, "column_name": found["column"]}
        store.upsert(connection, classifications, {**place, **told, "reasons": json.dumps(list(found["reasons"]))})


def scan_of(store: Store, namespace: str, name: str) -> StoredScan | None:
    """The latest scan of a dataset.

    Raises:
        StoreError: the database did not do it.
    """
    with store.reading() as connection:
        return next(_scans(connection, content_id(namespace, name)), None)


def all_scans(store: Store) -> tuple[StoredScan, ...]:
    """The latest scan of every dataset.

    Raises:
        StoreError: the database did not do it.
    """
    with store.reading() as connection:
        return tuple(_scans(connection, None))


def _scans(connection: Connection, wanted: str | None) -> Iterator[StoredScan]:
    own = select(scans).order_by(scans.c.namespace, scans.c.name)
    found = select(classifications).order_by(classifications.c.dataset_id, classifications.c.position)
    if wanted is not None:
        own, found = own.where(scans.c.dataset_id == wanted), found.where(classifications.c.dataset_id == wanted)
    by_dataset: dict[str, list[StoredClassification]] = {}
    for row in connection.execute(found).mappings():
        by_dataset.setdefault(row["dataset_id"], []).append(
            StoredClassification(
                row["column_name"],
                row["entity"],
                row["confidence"],
                row["share"],
                bool(row["within"]),
                tuple(json.loads(row["reasons"])),
            )
        )
    for row in connection.execute(own).mappings():
        values = {name: row[name] for name in StoredScan.__dataclass_fields__ if name != "found"}
        yield StoredScan(**values, found=tuple(by_dataset.get(row["dataset_id"], ())))
