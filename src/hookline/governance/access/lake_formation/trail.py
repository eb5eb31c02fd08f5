"""What CloudTrail tells of Lake Formation: who changed an access, and who was refused one."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hookline.governance.access.lake_formation.account import Account
from hookline.governance.audit import AuditLog, Entry
from hookline.governance.audit.records import Record

_SOURCE = "lakeformation.amazonaws.com"
_ACTION = "access.event"
_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})


@dataclass(frozen=True)
class TrailEvent:
    """One event.

    Attributes:
        id: CloudTrail's own.
        name: the operation.
        at: when, ISO 8601, UTC.
        by: the ARN of who called.
        what: the resources' names; nothing else of the request, which may quote rows.
        error: AWS's word for why it was refused; empty when it was done.
    """

    id: str
    name: str
    at: str
    by: str
    what: tuple[str, ...]
    error: str = ""

    def entry(self, scope: str) -> Entry:
        """As the audit log keeps it."""
        told = {"scope": scope, "event": self.id, "name": self.name, "at": self.at, "what": [*self.what]}
        return Entry(_ACTION, {**told, "error": self.error or None}, self.by)


def events(account: Account, since: dt.datetime) -> Iterator[TrailEvent]:
    """Changes and refusals since a moment, newest first; what only reads is left out.

    Raises:
        AccountError: CloudTrail does not tell.
    """
    chosen = [{"AttributeKey": "EventSource", "AttributeValue": _SOURCE}]
    for one in account.pages("cloudtrail", "lookup_events", "Events", LookupAttributes=chosen, StartTime=since):
        event = _event(one)
        if event is not None:
            yield event


def keep(log: AuditLog, scope: str, found: Sequence[TrailEvent], actor: str) -> int:
    """Put events into the audit log, each once, oldest first; return how many were new.

    Raises:
        AuditError: they could not be kept.
    """
    new: list[TrailEvent] = []

    def decide(records: Iterator[Record]) -> Sequence[Entry]:
        known = {record.entry.what.get("event") for record in records if record.entry.action == _ACTION}
        new.extend(one for one in sorted(found, key=lambda one: (one.at, one.id)) if one.id not in known)
        return [one.entry(scope) for one in new]

    log.append_by(decide)
    return len(new)


def _event(told: Mapping[str, Any]) -> TrailEvent | None:
    try:
        whole = json.loads(told["CloudTrailEvent"])
        error = str(whole.get("errorCode") or "")
        if whole.get("readOnly") in (True, "true") and error not in _DENIED:
            return None
        identity = whole.get("userIdentity") or {}
        by = str(identity.get("arn") or identity.get("invokedBy") or told.get("Username") or "")
        what = tuple(dict.fromkeys(_names(whole.get("requestParameters") or {})))
        return TrailEvent(str(told["EventId"]), str(told["EventName"]), _moment(whole), by, what, error)
    except (KeyError, TypeError, ValueError):
        return None


def _moment(whole: Mapping[str, Any]) -> str:
    at = dt.datetime.fromisoformat(str(whole["eventTime"]).replace("Z", "+00:00"))
    return at.astimezone(dt.timezone.utc).isoformat(timespec="seconds")


def _names(request: Any) -> Iterator[str]:
    """Names of principals, databases, tables, tags and locations, wherever they stand."""
    wanted = {"databaseName", "name", "tableName", "tagKey", "resourceArn", "dataLakePrincipalIdentifier"}
    if isinstance(request, Mapping):
        for key, value in request.items():
            if key in wanted and isinstance(value, str):
                yield value[:500]
            else:
                yield from _names(value)
    elif isinstance(request, list):
        for one in request:
            yield from _names(one)
