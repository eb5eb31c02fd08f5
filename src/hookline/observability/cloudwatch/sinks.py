"""Outbox sinks for CloudWatch: metrics by PutMetricData, and log events (records, or metrics as EMF) by PutLogEvents."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline.core.errors import SinkError
from hookline.observability.cloudwatch.client import Client, error_code
from hookline.observability.cloudwatch.datums import MOST_BYTES, MOST_DATUMS, datums, requests, size_bytes
from hookline.observability.cloudwatch.emf import emf_events
from hookline.observability.cloudwatch.options import CloudWatchOptions
from hookline.observability.cloudwatch.text import stream_name
from hookline.observability.limits import Ages, Arrived
from hookline.observability.metrics import Point

if TYPE_CHECKING:
    from hookline.core.outbox import Message

# CloudWatch takes two weeks back and two hours ahead; less a little, for the way there.
METRIC_AGES = Ages("CloudWatch", 14 * 86_400 - 600, 2 * 3_600 - 60)
LOG_AGES = Ages("CloudWatch Logs", 14 * 86_400 - 600, 2 * 3_600 - 60)
_EVENT_EXTRA_BYTES = 26
MOST_EVENTS = 10_000
MOST_LOG_BYTES = 1_048_576
LONGEST_EVENT_BYTES = 256 * 1024 - _EVENT_EXTRA_BYTES
_LONGEST_SPAN = dt.timedelta(hours=24)
Complete = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Events = list[tuple[dt.datetime, str]]


class MetricsSink:
    """Sends points. A message is wholly in one request, and one that arrived is not sent again with its neighbours."""

    batch_size = 200

    def __init__(self, options: CloudWatchOptions) -> None:
        self._options = options
        self._client = Client("cloudwatch", options)
        self._arrived = Arrived()

    def deliver(self, messages: Sequence[Message]) -> None:
        """Send what is not there yet.

        Raises:
            SinkError: what is too old, or refused, or not answered for.
        """
        waiting = [(message, _points(message)) for message in self._arrived.without(messages)]
        for _, points in waiting:
            METRIC_AGES.check(point.at for point in points)
        for group in self._groups(waiting):
            data = self._datums([point for _, points in group for point in points])
            for request in requests(data):  # one, but for a message that is larger than a request alone
                self._client.call("put_metric_data", Namespace=self._options.namespace, MetricData=request)
            self._arrived.add(message for message, _ in group)

    def _groups(self, waiting: Sequence[tuple[Message, list[Point]]]) -> Iterator[list[tuple[Message, list[Point]]]]:
        group: list[tuple[Message, list[Point]]] = []
        count = size = 0
        for message, points in waiting:
            data = self._datums(points)
            own = sum(map(size_bytes, data))
            if group and (count + len(data) > MOST_DATUMS or size + own > MOST_BYTES):
                yield group
                group, count, size = [], 0, 0
            group.append((message, points))
            count, size = count + len(data), size + own
        if group:
            yield group

    def _datums(self, points: Sequence[Point]) -> list[dict[str, Any]]:
        options = self._options
        return datums(points, extra=options.dimensions, rollups=options.rolled_up, resolution_s=options.resolution_s)


class LogsSink:
    """Sends log events to the streams of one group, which it makes when they are not there.

    A message has ``stream`` and ``events``, a list of ``{"at": ISO 8601, "text": …}``; or a ``record`` that ``complete``
    adds to.

    Args:
        complete: given a message's ``sample``, what its record says besides; called where nobody waits for it.
    """

    batch_size = 200

    def __init__(self, options: CloudWatchOptions, group: str, complete: Complete | None = None) -> None:
        self._complete = complete
        self._options = options
        self._group = group
        self._client = Client("logs", options)
        self._arrived = Arrived()

    def deliver(self, messages: Sequence[Message]) -> None:
        """Send what is not there yet.

        Raises:
            SinkError: what is too old, or refused, or not answered for.
        """
        waiting = [(message, *self._read(message)) for message in self._arrived.without(messages)]
        for _, _, events in waiting:
            LOG_AGES.check(at for at, _ in events)
        for stream, group in _by_request(waiting):
            self._put(stream, group)
            self._arrived.add(message for message, _ in group)

    def _read(self, message: Message) -> tuple[str, Events]:
        try:
            payload = message.payload
            told = payload["events"]
            if "sample" in payload and self._complete is not None:
                record = {**payload["record"], **self._complete(payload["sample"])}
                told = [log_event(record["timestamp"], record)]
            events = [(dt.datetime.fromisoformat(one["at"]), str(one["text"])) for one in told]
            return str(payload["stream"]), events
        except (KeyError, TypeError, ValueError):
            raise SinkError("a message holds no log events", retryable=False) from None

    def _put(self, stream: str, group: Sequence[tuple[Message, Events]]) -> None:
        events = sorted(
            ((round(at.timestamp() * 1000), text) for _, events in group for at, text in events),
            key=lambda event: event[0],
        )
        told = [{"timestamp": at, "message": text} for at, text in events]
        try:
            answer = self._call(stream, told)
        except SinkError as error:
            if error_code(error) != "ResourceNotFoundException":
                raise
            self._make(stream)
            answer = self._call(stream, told)
        rejected = answer.get("rejectedLogEventsInfo")
        if rejected:  # with HTTP 200: the others are there
            ranges = ", ".join(sorted(rejected))
            if len(group) == 1:
                raise SinkError(f"CloudWatch Logs left out events ({ranges})", retryable=False)
            at_fault = _rejected(events, rejected)
            self._arrived.add(
                message
                for message, own in group
                if not any((round(at.timestamp() * 1000), text) in at_fault for at, text in own)
            )
            raise SinkError(f"CloudWatch Logs left out some events ({ranges})", retryable=False)

    def _call(self, stream: str, events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        return self._client.call("put_log_events", logGroupName=self._group, logStreamName=stream, logEvents=events)

    def _make(self, stream: str) -> None:
        made = self._made("create_log_group", logGroupName=self._group)
        if made and self._options.log_retention_days is not None:
            days = self._options.log_retention_days
            self._client.call("put_retention_policy", logGroupName=self._group, retentionInDays=days)
        self._made("create_log_stream", logGroupName=self._group, logStreamName=stream)

    def _made(self, operation: str, **arguments: Any) -> bool:
        try:
            self._client.call(operation, **arguments)
        except SinkError as error:
            if error_code(error) != "ResourceAlreadyExistsException":
                raise
            return False
        return True


class EmfSink(LogsSink):
    """Sends points as log events of which CloudWatch makes the metrics."""

    def __init__(self, options: CloudWatchOptions) -> None:
        super().__init__(options, options.metrics_log_group)

    def _read(self, message: Message) -> tuple[str, Events]:
        options, points = self._options, _points(message)
        run_id = str(message.payload.get("run_id", ""))
        events = emf_events(
            points,
            options.namespace,
            extra=options.dimensions,
            rollups=options.rolled_up,
            resolution_s=options.resolution_s,
            facts={"run_id": run_id},
        )
        return stream_name(run_id), [(_moment(event), json.dumps(event, separators=(",", ":"))) for event in events]


def log_event(at: str, record: Mapping[str, Any]) -> dict[str, str]:
    """An event of a log message's payload: the record as JSON, of a length that CloudWatch takes."""
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=True)
    if len(text) > LONGEST_EVENT_BYTES:
        kept = {key: value for key, value in record.items() if isinstance(value, (str, int, float)) or key == "_aws"}
        text = json.dumps({**kept, "shortened": True}, separators=(",", ":"), ensure_ascii=True)
    return {"at": at, "text": text}


def _points(message: Message) -> list[Point]:
    try:
        return [Point.from_payload(one) for one in message.payload["points"]]
    except (KeyError, TypeError, ValueError):
        raise SinkError("a message holds no points that this version knows", retryable=False) from None


def _moment(event: Mapping[str, Any]) -> dt.datetime:
    return dt.datetime.fromtimestamp(event["_aws"]["Timestamp"] / 1000, dt.timezone.utc)


def _by_request(waiting: Sequence[tuple[Message, str, Events]]) -> Iterator[tuple[str, list[tuple[Message, Events]]]]:
    """Messages that one call each may carry: of one stream, not too many, not too large, of one day."""
    open_: dict[str, tuple[list[tuple[Message, Events]], int, int]] = {}
    for message, stream, events in waiting:
        group, count, size = open_.get(stream, ([], 0, 0))
        own = sum(len(text.encode()) + _EVENT_EXTRA_BYTES for _, text in events)
        moments = [at for _, told in [*group, (message, events)] for at, _ in told]
        too_long = bool(moments) and max(moments) - min(moments) > _LONGEST_SPAN
        if group and (count + len(events) > MOST_EVENTS or size + own > MOST_LOG_BYTES or too_long):
            yield stream, group
            group, count, size = [], 0, 0
        open_[stream] = ([*group, (message, events)], count + len(events), size + own)
    for stream, (group, _, _) in open_.items():
        yield stream, group


def _rejected(events: Sequence[tuple[int, str]], told: Mapping[str, int]) -> set[tuple[int, str]]:
    """The events that an answer says were left out: those up to an end, and those from a start.

    AWS has the end as the first that was taken; others have it as the last that was not. One too many is sent again, no
    event is lost.
    """
    ends = [int(told[key]) for key in ("tooOldLogEventEndIndex", "expiredLogEventEndIndex") if key in told]
    start = int(told.get("tooNewLogEventStartIndex", len(events)))
    return {*events[: max(ends, default=-1) + 1], *events[start:]}
