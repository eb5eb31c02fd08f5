"""Facts of a run as rows: applied twice, or late, they leave the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from hookline.core.store import schema
from hookline.core.store.database import Store

_Payload = Mapping[str, Any]


def _run_started(store: Store, connection: Connection, payload: _Payload) -> None:
    row = {name: payload.get(name) for name in ("run_id", "job", "environment", "parent_run_id", "started_at")}
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
    plain = {c.name: payload.get(c.name) for c in schema.writes.columns if c.name not in ("columns", "error")}
    place = {"namespace": dataset["namespace"], "name": dataset["name"], "format": dataset["format"]}
    texts = {"columns": _json(payload["columns"]), "error": _json(payload.get("error"))}
    store.upsert(connection, schema.writes, {**plain, **place, **texts})
    for position, verdict in enumerate(payload["verdicts"]):
        store.upsert(connection, schema.verdicts, _verdict(payload["write_id"], position, verdict))
    for read in payload["inputs"] if payload.get("published") else ():
        store.upsert(connection, schema.edges, _edge(payload["write_id"], read["dataset"], dataset))


def _verdict(write_id: str, position: int, verdict: _Payload) -> dict[str, Any]:
    names = ("severity", "status", "failing_rows", "expected", "way", "plugin")
    observed = None if verdict["observed"] is None else str(verdict["observed"])
    row = {"write_id": write_id, "position": position, "check_name": verdict["check"], "observed": observed}
    return {**row, **{name: verdict[name] for name in names}}


def _edge(write_id: str, source: _Payload, target: _Payload) -> dict[str, Any]:
    return {
        "write_id": write_id,
        "source_namespace": source["namespace"],
        "source_name": source["name"],
        "target_namespace": target["namespace"],
        "target_name": target["name"],
    }


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


# By the kind of message.
APPLY: Mapping[str, Callable[[Store, Connection, _Payload], None]] = {
    "run_started": _run_started,
    "run_ended": _run_ended,
    "read": _read,
    "write": _write,
}
