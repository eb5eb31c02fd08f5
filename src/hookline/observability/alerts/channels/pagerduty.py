"""PagerDuty's Events API v2: one alert, one incident; what recovers is resolved.

https://developer.pagerduty.com/docs/events-api-v2-overview
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hookline.core.web import Address, check
from hookline.observability.alerts.options import PagerDutyOptions
from hookline.observability.alerts.words import line_of

_SEVERITIES: Mapping[str, str] = {"critical": "critical", "error": "error", "warn": "warning", "info": "info"}
_SUMMARY = 1_024


class PagerDuty:
    """A channel."""

    def __init__(self, options: PagerDutyOptions) -> None:
        self._address = Address(options.webhook_url.get_secret_value(), timeout_s=options.timeout_s)
        self._key = options.routing_key.get_secret_value()

    def send(self, payload: Mapping[str, Any], id: str) -> str:
        """Send an event for each item; the same event twice is one incident."""
        for item in payload["items"]:
            for event in events(item, payload):
                body = json.dumps({"routing_key": self._key, **event}).encode()
                reply = self._address.send(body, {"Content-Type": "application/json"})
                check(reply, self._address.place)
        return f"accepted (HTTP {reply.status})"


def events(item: Mapping[str, Any], payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The events of one item, without the key: a trigger, a resolution, or one after the other."""
    resolution = {"event_action": "resolve", "dedup_key": item["key"]}
    if item["news"] == "recovered":
        return [resolution]
    run = payload.get("run") or {}
    details = {
        name: value
        for name, value in {**item, **run}.items()
        if name in ("kind", "dataset", "check", "failing_rows", "owner", "failures", "opened_at", "run_id")
        and value is not None
    }
    trigger = {
        "event_action": "trigger",
        "dedup_key": item["key"],
        "client": "hookline",
        "payload": {
            "summary": line_of(item, payload["at"])[:_SUMMARY],
            "source": item.get("dataset") or item.get("job") or "hookline",
            "severity": _SEVERITIES[item["severity"]],
            "timestamp": payload["at"],
            "component": item.get("job") or "hookline",
            "group": item.get("environment") or "default",
            "class": item["kind"],
            "custom_details": details,
        },
    }
    return [trigger, resolution] if item["recovered"] else [trigger]
