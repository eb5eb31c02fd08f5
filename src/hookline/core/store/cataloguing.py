"""What is known of a dataset besides what its runs tell: where and how it lies, what people say of it, its certification."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, func, select

from hookline.core.errors import StoreError
from hookline.core.events import content_id
from hookline.core.store.evolution import columns_text
from hookline.core.store.reading import columns_of
from hookline.core.store.records import CertificationStep, Declared, Layout, Name
from hookline.core.store.schema import catalog_entries, catalog_layouts, catalog_steps

if TYPE_CHECKING:
    from hookline.core.store.database import Store

# What is only known of a dataset that was looked at where it rests; a write leaves it as it was.
_AT_REST = ("columns", "comments", "rows", "bytes")


def keep_layout(store: Store, connection: Connection, payload: Mapping[str, Any]) -> None:
    """Keep a layout, unless there is a later one of the dataset."""
    names = ("namespace", "name", "format", "location", "table_name", "rows", "bytes", "seen_at")
    row = {"dataset_id": content_id(payload["namespace"], payload["name"]), **{name: payload[name] for name in names}}
    row["partition_by"] = _json(payload["partition_by"])
    row["comments"] = _json(payload["comments"])
    row["columns"] = None if payload["columns"] is None else columns_text(payload["columns"])
    keep = _AT_REST if payload["columns"] is None else ()
    earlier = catalog_layouts.c.seen_at <= row["seen_at"]
    store.upsert(connection, catalog_layouts, row, keep=keep, where=earlier)


def declare(store: Store, declared: Declared) -> None:
    """Keep what people say of a dataset, in place of what they said before.

    Raises:
        StoreError: the database did not do it.
    """
    row = {"dataset_id": content_id(declared.namespace, declared.name), **asdict(declared)}
    texts = {name: json.dumps(row[name], ensure_ascii=False) for name in ("tags", "comments")}
    with store.transaction() as connection:
        store.upsert(connection, catalog_entries, {**row, **texts})


def add_step(store: Store, dataset: Name, step: CertificationStep, *, after: int) -> None:
    """Add a step of a dataset's certification.

    Args:
        after: how many steps there were when it was decided on.

    Raises:
        StoreError: somebody else made a step meanwhile; or the database did not do it.
    """
    key = content_id(*dataset)
    with store.transaction() as connection:
        store.lock(connection, key)
        table = catalog_steps
        there = connection.execute(select(func.count()).where(table.c.dataset_id == key)).scalar_one()
        if there != after:
            raise StoreError("its certification was changed by somebody else meanwhile: look at it again")
        row = {"dataset_id": key, "position": there + 1, "namespace": dataset[0], "name": dataset[1], **asdict(step)}
        store.upsert(connection, table, row)


def layouts(connection: Connection, dataset: Name | None = None) -> dict[Name, Layout]:
    """The layout of one dataset, or of every one."""
    return {(one.namespace, one.name): one for one in map(_layout, _rows(connection, catalog_layouts, dataset))}


def declarations(connection: Connection, dataset: Name | None = None) -> dict[Name, Declared]:
    """What people say of one dataset, or of every one."""
    found = {}
    for row in _rows(connection, catalog_entries, dataset):
        values = {name: row[name] for name in Declared.__dataclass_fields__}
        values |= {name: json.loads(row[name]) for name in ("tags", "comments")}
        found[row["namespace"], row["name"]] = Declared(**values)
    return found


def certification_steps(
    connection: Connection, dataset: Name | None = None
) -> dict[Name, tuple[CertificationStep, ...]]:
    """The steps of one dataset's certification, or of every one's, in their order."""
    found: dict[Name, tuple[CertificationStep, ...]] = {}
    for row in sorted(_rows(connection, catalog_steps, dataset), key=lambda row: int(row["position"])):
        name = (row["namespace"], row["name"])
        step = CertificationStep(row["state"], row["at"], row["actor"], row["reason"], bool(row["by_itself"]))
        found[name] = (*found.get(name, ()), step)
    return found


def _rows(connection: Connection, table: Table, dataset: Name | None) -> Iterator[Mapping[str, Any]]:
    query = select(table)
    if dataset is not None:
        query = query.where(table.c.dataset_id == content_id(*dataset))
    return iter([dict(row) for row in connection.execute(query).mappings()])


def _layout(row: Mapping[str, Any]) -> Layout:
    values = {name: row[name] for name in Layout.__dataclass_fields__}
    values["partition_by"] = None if row["partition_by"] is None else tuple(json.loads(row["partition_by"]))
    values["comments"] = None if row["comments"] is None else json.loads(row["comments"])
    values["columns"] = None if row["columns"] is None else columns_of(row["columns"])
    return Layout(**values)


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
