"""Outbox sinks that speak HTTP: spans to the trace agent, records to Datadog's intake of logs."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline.core.errors import SinkError, StoreError
from hookline.core.events import Dataset
from hookline.core.text import printable, shorten
from hookline.core.web import Address, check
from hookline.observability.datadog.spans import link, span_id
from hookline.observability.limits import Ages

if TYPE_CHECKING:
    from hookline.core.outbox import Message
    from hookline.core.store import LazyStore

logger = logging.getLogger(__name__)
_AGES = Ages("Datadog", 18 * 3_600 - 600, 2 * 3_600 - 60)
_LARGEST_BYTES = 4_000_000
_NS = 1_000_000_000
# The agent's own: a trace of a format that it does not have is no fault of this one.
_NEVER = frozenset({400, 413})


class TraceSink:
    """Sends spans to ``/v0.4/traces``. Before, an input is linked to the write that made it, where the store knows it."""

    batch_size = 50

    def __init__(self, url: str, timeout_s: float, store: LazyStore | None) -> None:
        self._address = Address(url + "/v0.4/traces", timeout_s=timeout_s)
        self._store = store

    def deliver(self, messages: Sequence[Message]) -> None:
        """Send them.

        Raises:
            SinkError: the agent does not answer, or does not take them, or a span is too old.
        """
        import msgpack

        traces = []
        for message in messages:
            spans = _spans(message)
            _AGES.check(_moment(span) for span in spans)
            self._add_links(spans, message.payload)
            traces.append(spans)
        for chunk in _chunks(traces):
            headers = {
                "Content-Type": "application/msgpack",
                "Datadog-Meta-Lang": "python",
                "Datadog-Meta-Tracer-Version": "hookline",
                "X-Datadog-Trace-Count": str(len(chunk)),
            }
            reply = self._address.send(msgpack.packb(chunk), headers)
            check(reply, self._address.place, "the spans", never=_NEVER)
            if not reply.body.lstrip().startswith(b"{"):
                raise SinkError(f"{self._address.place}: something else than a trace agent answered: check trace_url")

    def _add_links(self, spans: Sequence[dict[str, Any]], payload: Mapping[str, Any]) -> None:
        inputs = {span["span_id"]: span for span in spans if span["name"] == "hookline.read"}
        if self._store is None or not inputs:
            return
        try:
            store = self._store.get()
            for told in payload.get("inputs", ()):
                span = inputs[told["span_id"]]
                dataset = Dataset(told["namespace"], told["name"])
                made = store.made_by(dataset, payload["run_id"], _moment(span).isoformat())
                if made is not None:
                    run_id = made.write_id.rpartition("/")[0]
                    span["span_links"] = [link(run_id, span_id(made.write_id), "made by")]
                    span["meta"]["hookline.made_by"] = shorten(printable(made.job), 300)
        except (StoreError, KeyError) as error:  # spans are worth more than their links
            logger.debug("spans have no links: %s", type(error).__name__)


class RecordSink:
    """Sends records to the intake of logs.

    Args:
        complete: given a message's ``sample``, what its record says besides; called where nobody waits for it.
    """

    batch_size = 500

    def __init__(
        self,
        url: str,
        key: str,
        timeout_s: float,
        complete: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
    ) -> None:
        self._complete = complete
        self._address = Address(url + "/api/v2/logs", timeout_s=timeout_s)
        self._key = key

    def deliver(self, messages: Sequence[Message]) -> None:
        """Send them.

        Raises:
            SinkError: the intake does not answer, or does not take them, or a record is too old.
        """
        _AGES.check(_told_at(message) for message in messages)
        headers = {"Content-Type": "application/json", "DD-API-KEY": self._key}
        body = json.dumps([self._record(message) for message in messages], separators=(",", ":")).encode()
        if len(body) > _LARGEST_BYTES and len(messages) > 1:
            raise SinkError("too many records for one request")  # the outbox then sends fewer
        check(self._address.send(body, headers), self._address.place, "the records", never=_NEVER)

    def _record(self, message: Message) -> dict[str, Any]:
        record = dict(message.payload)
        sample = record.pop("sample", None)
        if sample is not None and self._complete is not None:
            record.update(self._complete(sample))
        return record


def _spans(message: Message) -> list[dict[str, Any]]:
    spans = message.payload.get("spans")
    if (
        not isinstance(spans, list)
        or not spans
        or not all(isinstance(span, dict) and "start" in span for span in spans)
    ):
        raise SinkError("a message holds no spans", retryable=False)
    return spans


def _told_at(message: Message) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(str(message.payload["timestamp"]))
    except (KeyError, ValueError):
        raise SinkError("a message holds no record", retryable=False) from None


def _moment(span: Mapping[str, Any]) -> dt.datetime:
    return dt.datetime.fromtimestamp(span["start"] / _NS, dt.timezone.utc)


def _chunks(traces: Sequence[list[dict[str, Any]]]) -> list[list[list[dict[str, Any]]]]:
    """Traces for requests of a size that agents take."""
    chunks: list[list[list[dict[str, Any]]]] = [[]]
    size = 0
    for spans in traces:
        own = len(json.dumps(spans))
        if chunks[-1] and size + own > _LARGEST_BYTES:
            chunks.append([])
            size = 0
        chunks[-1].append(spans)
        size += own
    return chunks
