"""Any address that takes JSON, signed when there is a secret.

``X-Hookline-Signature: t=<unix seconds>,v1=<hex>``, where v1 is HMAC-SHA256 of ``<t>.<body>`` with the secret: whoever
receives it computes the same, compares in constant time, and refuses an old t. ``X-Hookline-Delivery`` is the message's id.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from hookline.core.web import Address, check
from hookline.observability.alerts.options import WebhookOptions
from hookline.observability.alerts.words import headline, lines


class Webhook:
    """A channel."""

    def __init__(self, options: WebhookOptions) -> None:
        self._address = Address(options.webhook_url.get_secret_value(), timeout_s=options.timeout_s)
        secret = options.signing_secret
        self._secret = None if secret is None else secret.get_secret_value().encode()
        self._headers = {name: value.get_secret_value() for name, value in options.headers.items()}

    def send(self, payload: Mapping[str, Any], id: str) -> str:
        """Post it."""
        body = json.dumps({**payload, "id": id, "headline": headline(payload), "lines": lines(payload)}).encode()
        headers = {"Content-Type": "application/json", "X-Hookline-Delivery": id, **self._headers}
        if self._secret is not None:
            headers["X-Hookline-Signature"] = signature(self._secret, body, int(time.time()))
        reply = self._address.send(body, headers)
        check(reply, self._address.place)
        return f"HTTP {reply.status}"


def signature(secret: bytes, body: bytes, at: int) -> str:
    """The header's value."""
    digest = hmac.new(secret, b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
