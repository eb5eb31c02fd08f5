"""Facts of a run as rows: applied twice, or late, they leave the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, delete, select

from hookline.core.events import content_id
from hookline.core.store import schema
from hookline.core.store.cataloguing import keep_layout
from hookline.core.store.classifying import keep_scan
from hookline.core.store.database import Store
from hookline.core.store.documents import as_document
from hookline.core.store.evolution import Observed, columns_text, first_of, fold, richer, same
from hookline.core.store.metered import compact_measurements, keep_measurement
from hookline.core.store.past import forget

_Payload = Mapping[str, Any]


def _run_started(store: Store, connection: Connection, payload: _Payload) -> None:
    names = ("run_id", "job", "environment", "parent_run_id", "parent_job", "started_at")
    row = {name: payload.get(name) for name in names} | {"run_by": payload.get("user")}
    row["job_key"] = str(payload.get("job") or "")[: schema.JOB_KEY]
    # A run that ended stays ended when its beginning is delivered again.
    store.upsert(connection, schema.runs, {**row, "status": "running"}, keep=("status",))


def _run_ended(store: Store, connection: Connection, payload: _Payload) -> None:
    names = (
        "run_id",
        "status",
        "finished_at",
        "duration_s",
        "overhead_s",
        "exit_code",
        "writes_total",
        "unseen_writes",
    )
    row = {name: payload.get(name) for name in names}
    texts = {name: _json(payload.get(name)) for name in ("error", "notes", "plugins")}
    # What the run said of itself outweighs what others supposed when they found it dead.
    where = schema.runs.c.status.in_(("running", "abandoned")) if row["status"] == "abandoned" else None
    store.upsert(connection, schema.runs, {**row, **texts, "job": ""}, keep=("job",), where=where)


def _read(store: Store, connection: Connection, payload: _Payload) -> None:
    dataset = payload["dataset"]
    row = {"run_id": payload["run_id"], "namespace": dataset["namespace"], "name": dataset["name"]}
    store.upsert(connection, schema.reads, row)


def _write(store: Store, connection: Connection, payload: _Payload) -> None:
    dataset = payload["dataset"]
    plain = {column.name: payload.get(column.name) for column in schema.writes.columns}
    place = {"namespace": dataset["namespace"], "name": dataset["name"], "format": dataset["format"]}
    columns = columns_text(payload["columns"])
    texts = {
        "columns": columns,
        "error": _json(payload.get("error")),
        "quarantine": _json(payload.get("quarantine")),
    }
    ids = {"dataset_id": content_id(dataset["namespace"], dataset["name"]), "lineage_id": None}
    if (document := as_document(payload.get("column_lineage"))) is not None:
        ids["lineage_id"] = content_id(document)
        store.upsert(connection, schema.column_lineage, {"lineage_id": ids["lineage_id"], "document": document})
    store.upsert(connection, schema.writes, {**plain, **place, **texts, **ids})
    for position, verdict in enumerate(payload["verdicts"]):
        store.upsert(connection, schema.verdicts, _verdict(payload["write_id"], position, verdict))
    for read in payload["inputs"]:
        store.upsert(connection, schema.edges, _edge(payload["write_id"], read["dataset"], dataset))
    for named in (dataset, *(read["dataset"] for read in payload["inputs"])):
        for other in named.get("symlinks") or ():
            store.upsert(connection, schema.symlinks, _symlink(named, *other))
    if payload.get("published") and payload["columns"]:
        _see_schema(store, connection, payload, columns)


def _see_schema(store: Store, connection: Connection, payload: _Payload, columns: str) -> None:
    """Count the write's columns among the versions of its dataset's schema, at the write's own place in time."""
    dataset = payload["dataset"]
    key = {"dataset_id": content_id(dataset["namespace"], dataset["name"])}
    names = {"namespace": dataset["namespace"], "name": dataset["name"]}
    one = Observed(payload["started_at"], payload["write_id"], payload["run_id"], columns)
    table = schema.schemas
    own = table.c.dataset_id == key["dataset_id"]
    store.lock(connection, key["dataset_id"])
    last = connection.execute(select(table).where(own).order_by(table.c.version.desc()).limit(1)).mappings().first()
    if last is None or last["last_seen_at"] < one.started_at:
        if last is not None and same(last["columns"], columns):
            version = {**last, "last_seen_at": one.started_at, "columns": richer(last["columns"], columns)}
        else:
            version = first_of(one, 1 if last is None else last["version"] + 1)
        store.upsert(connection, table, {**key, **names, **version})
        return
    if same(last["columns"], columns) and last["first_seen_at"] < one.started_at:
        return
    # A fact that is late, or comes again: what all the writes say together is the answer.
    connection.execute(delete(table).where(own))
    for version in fold(_observed(connection, key["dataset_id"])):
        store.upsert(connection, table, {**key, **names, **version})


def _observed(connection: Connection, wanted: str) -> Iterator[Observed]:
    table = schema.writes
    found = select(table.c.started_at, table.c.write_id, table.c.run_id, table.c.columns).where(
        table.c.dataset_id == wanted, table.c.published, table.c.columns != "[]", table.c.started_at.is_not(None)
    )
    return (Observed(*row) for row in connection.execute(found))


def _profile(store: Store, connection: Connection, payload: _Payload) -> None:
    dataset_id = content_id(*payload["dataset"])
    names = ("write_id", "run_id", "part", "started_at", "rows", "document")
    row = {name: payload[name] for name in names}
    store.upsert(connection, schema.profiles, {**row, "dataset_id": dataset_id})
    forget(connection, dataset_id)


def _verdict(write_id: str, position: int, verdict: _Payload) -> dict[str, Any]:
    names = ("severity", "status", "failing_rows", "expected", "way", "required", "message", "plugin")
    observed = verdict["observed"]
    return {
        "write_id": write_id,
        "position": position,
        "check_name": verdict["check"],
        "observed": None if observed is None else str(observed),
        "observed_type": None if observed is None else type(observed).__name__,
        "columns": _json(verdict["columns"]),
        "suite": verdict.get("suite"),  # a message of an earlier version has none
        **{name: verdict[name] for name in names},
    }


def _edge(write_id: str, source: _Payload, target: _Payload) -> dict[str, Any]:
    return {
        "write_id": write_id,
        "source_namespace": source["namespace"],
        "source_name": source["name"],
        "target_namespace": target["namespace"],
        "target_name": target["name"],
    }


def _symlink(dataset: _Payload, other_namespace: str, other_name: str) -> dict[str, Any]:
    four = (dataset["namespace"], dataset["name"], other_namespace, other_name)
    keys = ("namespace", "name", "other_namespace", "other_name")
    return {"symlink_id": content_id(*four), **dict(zip(keys, four, strict=True))}


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


# By the kind of message.
APPLY: Mapping[str, Callable[[Store, Connection, _Payload], None]] = {
    "run_started": _run_started,
    "profile": _profile,
    "run_ended": _run_ended,
    "read": _read,
    "measurement": keep_measurement,
    "compact": compact_measurements,
    "scan": keep_scan,
    "layout": keep_layout,
    "write": _write,
}
