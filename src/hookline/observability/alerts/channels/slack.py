"""Slack's incoming webhooks: one message with blocks, all names as plain text, so that nothing in them is markup.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hookline.core.errors import SinkError
from hookline.core.web import Address, check
from hookline.observability.alerts.options import SlackOptions
from hookline.observability.alerts.words import footer, headline, lines

# Slack's limits for a header, and for a text in a section.
_HEADER = 150
_SECTION = 3_000


class Slack:
    """A channel."""

    def __init__(self, options: SlackOptions) -> None:
        self._address = Address(options.webhook_url.get_secret_value(), timeout_s=options.timeout_s)

    def send(self, payload: Mapping[str, Any], id: str) -> str:
        """Post it; Slack answers ``ok``."""
        body = json.dumps(message(payload)).encode()
        reply = self._address.send(body, {"Content-Type": "application/json; charset=utf-8"})
        check(reply, self._address.place)
        if reply.body.strip() != b"ok":
            raise SinkError(f"{self._address.place} answered HTTP {reply.status} without Slack's ok: check the URL")
        return "ok"


def message(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The message as Slack takes it."""
    told = headline(payload)
    sections = [
        {"type": "section", "text": {"type": "plain_text", "text": line[:_SECTION], "emoji": False}}
        for line in lines(payload)
    ]
    return {
        "text": _escaped(told),  # for notifications, which show no blocks
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": told[:_HEADER], "emoji": False}},
            *sections,
            {
                "type": "context",
                "elements": [{"type": "plain_text", "text": footer(payload)[:_SECTION], "emoji": False}],
            },
        ],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
