"""The outbox's sink of one signal: a message is a request of OTLP, and is sent as one."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookline.core.errors import SinkError
from hookline.observability.limits import Ages
from hookline.observability.otel.options import Signal
from hookline.observability.otel.settings import Settings

if TYPE_CHECKING:
    from hookline.core.outbox import Message
    from hookline.core.web import Address

_AHEAD_S = 86_400.0
_WORDS = {"traces": "spans", "metrics": "data points", "logs": "log records"}


class OtlpSink:
    """Posts requests.

    A request whose answer says that something in it was left out is not sent again, as OTLP demands, but kept among the
    refused ones with the answer's own words.
    """

    batch_size = 1

    def __init__(self, signal: Signal, settings: Settings, max_age_s: float) -> None:
        self._signal = signal
        self._settings = settings
        self._ages = Ages("this collector (max_age_s)", max_age_s, _AHEAD_S)
        self._address: Address | None = None

    def deliver(self, messages: Sequence[Message]) -> None:
        """Send, one by one.

        Raises:
            SinkError: too old, refused, not answered for, or taken in part.
        """
        from hookline.core.web import check
        from hookline.observability.otel.requests import rejected, serialised

        address = self._connected()
        for message in messages:
            self._ages.check([message.created_at])
            try:
                body = serialised(self._signal, message.payload)
            except (ValueError, TypeError, AttributeError):
                raise SinkError(f"a message is no request of {self._signal}", retryable=False) from None
            headers = {**self._settings.headers, "Content-Type": "application/x-protobuf"}
            if self._settings.compression == "gzip":
                body = gzip.compress(body, 6, mtime=0)
                headers["Content-Encoding"] = "gzip"
            reply = address.send(body, headers)
            check(reply, address.place, f"the {_WORDS[self._signal]}")
            try:
                count, why = rejected(self._signal, reply.body, reply.headers.get("Content-Type") or "")
            except ValueError:
                told = f"{address.place} answered HTTP {reply.status} with what is no answer of OTLP: check the URL"
                raise SinkError(told) from None
            if count:
                told = f"{address.place} left out {count:,} {_WORDS[self._signal]} of a request: {why or 'it did not say why'}"
                raise SinkError(told, retryable=False)

    def _connected(self) -> Address:
        from hookline.core.web import Address

        if self._address is None:
            try:
                tls = self._settings.tls()
            except OSError as error:
                raise SinkError(f"certificates can't be read ({error.strerror or type(error).__name__})") from None
            self._address = Address(self._settings.url, timeout_s=self._settings.timeout_s, tls=tls)
        return self._address
