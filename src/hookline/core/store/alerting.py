"""Which alerts are open, who knows of them, and what runs that go on have gathered to tell."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping, delete, func, select

from hookline.core.events import content_id
from hookline.core.store.schema import alert_facts, alerts

if TYPE_CHECKING:
    from hookline.core.store.database import Store

# More would not fit into one query's parameters.
_CHUNK = 500
_LOCK = content_id("alerts")


@dataclass
class AlertState:
    """An alert as the store knows it.

    Attributes:
        open: whether it is not over.
        document: the latest fact.
        channels: those that were told of it.
        failures: how often it came since it was opened.
        opened_at, last_at, told_at: when it came first and last, and when it was told last; ISO 8601, in UTC.
    """

    key: str
    open: bool
    severity: str
    document: Mapping[str, Any]
    channels: list[str]
    failures: int
    opened_at: str
    last_at: str
    told_at: str


class AlertLedger:
    """The alerts of a store within one transaction, in which nobody else changes them."""

    def __init__(self, store: Store, connection: Connection) -> None:
        self._store = store
        self._connection = connection
        store.lock(connection, _LOCK)

    def gather(self, fact_id: str, group_id: str, at: str, document: Mapping[str, Any]) -> None:
        """Keep something to tell; the same id is kept once."""
        row = {"fact_id": fact_id, "group_id": group_id[:64], "at": at, "document": json.dumps(document)}
        self._store.upsert(self._connection, alert_facts, row)

    def gathered(self, group_id: str) -> list[dict[str, Any]]:
        """What was kept for a group, in the order in which it came."""
        table = alert_facts
        chosen = select(table.c.document).where(table.c.group_id == group_id[:64]).order_by(table.c.at, table.c.fact_id)
        return [json.loads(document) for (document,) in self._connection.execute(chosen)]

    def groups(self, *, before: str) -> list[str]:
        """The groups whose latest fact is older than that."""
        table = alert_facts
        latest = select(table.c.group_id).group_by(table.c.group_id).having(func.max(table.c.at) < before)
        return sorted(self._connection.execute(latest).scalars())

    def forget(self, group_id: str, *, recovered_before: str) -> None:
        """Drop what was told, and alerts that have long been over."""
        self._connection.execute(delete(alert_facts).where(alert_facts.c.group_id == group_id[:64]))
        old = (alerts.c.state == "recovered") & (alerts.c.last_at < recovered_before)
        self._connection.execute(delete(alerts).where(old))

    def states(self, keys: Iterable[str]) -> dict[str, AlertState]:
        """What is known of these alerts."""
        wanted = sorted(set(keys))
        found: dict[str, AlertState] = {}
        for begin in range(0, len(wanted), _CHUNK):
            chosen = select(alerts).where(alerts.c.alert_key.in_(wanted[begin : begin + _CHUNK]))
            found |= {row["alert_key"]: _state(row) for row in self._connection.execute(chosen).mappings()}
        return found

    def open(self) -> dict[str, AlertState]:
        """All alerts that are not over."""
        chosen = select(alerts).where(alerts.c.state == "open").order_by(alerts.c.opened_at)
        return {row["alert_key"]: _state(row) for row in self._connection.execute(chosen).mappings()}

    def keep(self, state: AlertState) -> None:
        """Write down what became of an alert."""
        row = {
            "alert_key": state.key,
            "state": "open" if state.open else "recovered",
            "document": json.dumps(state.document),
            "channels": json.dumps(state.channels),
            **{name: getattr(state, name) for name in ("severity", "failures", "opened_at", "last_at", "told_at")},
        }
        self._store.upsert(self._connection, alerts, row)


def _state(row: RowMapping) -> AlertState:
    plain = {name: row[name] for name in ("severity", "failures", "opened_at", "last_at", "told_at")}
    return AlertState(
        key=row["alert_key"],
        open=row["state"] == "open",
        document=json.loads(row["document"]),
        channels=json.loads(row["channels"]),
        **plain,
    )
