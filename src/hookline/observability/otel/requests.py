"""Whole requests of OTLP, one for each message, in its JSON form; and from that form to the bytes that are sent."""

from __future__ import annotations

import base64
import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from hookline.observability.metrics import Point
from hookline.observability.otel.encoding import Json, attributes, nanos, scope, text
from hookline.observability.otel.options import Signal
from hookline.observability.otel.spans import Place

_UNITS: Mapping[str, str] = {"seconds": "s", "bytes": "By", "ratio": "1", "count": "1", "dollars": "{dollar}"}
_DELTA = 1
_BOUNDS = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 21_600.0)
_SEVERITIES: Mapping[str, int] = {"info": 9, "warn": 13, "error": 17, "critical": 21}
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


def traces(resource: Json, spans: Iterable[Json]) -> Json:
    """Spans."""
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope(), "spans": list(spans)}]}]}


def metrics(resource: Json, points: Iterable[Point], since: dt.datetime) -> Json:
    """Points: gauges as they are, counts as differences, a distribution's value as a histogram of one.

    Differences, not totals: a batch job's process does not live long enough for totals to be told twice.

    Args:
        since: when that which is counted began.
    """
    by_name: dict[str, list[Point]] = {}
    for point in points:
        by_name.setdefault(point.name, []).append(point)
    made = [_metric(some, since) for some in by_name.values()]
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": scope(), "metrics": made}]}]}


def logs(resource: Json, records: Iterable[Mapping[str, Any]], place: Place, span: str) -> Json:
    """Records of ``observability.records``, each with the trace and the span that it belongs to."""
    made = [_log(record, place.trace_id, span) for record in records]
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"scope": scope(), "logRecords": made}]}]}


def serialised(signal: Signal, request: Mapping[str, Any]) -> bytes:
    """The request in protobuf; the same request is the same bytes.

    Raises:
        ValueError: it is no request of this signal.
    """
    from google.protobuf import json_format

    message = _message_class(signal, "Request")()
    try:
        json_format.ParseDict(_with_binary_ids(request), message)
    except json_format.ParseError:
        raise ValueError(f"no request of {signal}") from None
    return bytes(message.SerializeToString(deterministic=True))


def rejected(signal: Signal, body: bytes, content_type: str) -> tuple[int, str]:
    """How many items an answer says were left out, and why, in its own words.

    Raises:
        ValueError: it is no answer of OTLP.
    """
    from google.protobuf import json_format
    from google.protobuf.message import DecodeError

    answer: Any = _message_class(signal, "Response")()
    try:
        if content_type.lower().startswith("application/json"):
            json_format.Parse(body or b"{}", answer, ignore_unknown_fields=True)
        else:
            answer.ParseFromString(body)
    except (DecodeError, json_format.ParseError, UnicodeDecodeError, RuntimeError):
        raise ValueError("no answer of OTLP") from None
    told = answer.partial_success
    counts = {"traces": "rejected_spans", "metrics": "rejected_data_points", "logs": "rejected_log_records"}
    return int(getattr(told, counts[signal])), text(told.error_message, 200)


def _metric(points: Sequence[Point], since: dt.datetime) -> Json:
    metric = points[0].metric
    told: Json = {"name": metric.name, "description": metric.description, "unit": _UNITS[metric.unit]}
    data = [_data_point(point, since) for point in points]
    if metric.kind == "gauge":
        return {**told, "gauge": {"dataPoints": data}}
    if metric.kind == "count":
        return {**told, "sum": {"dataPoints": data, "aggregationTemporality": _DELTA, "isMonotonic": True}}
    return {**told, "histogram": {"dataPoints": data, "aggregationTemporality": _DELTA}}


def _data_point(point: Point, since: dt.datetime) -> Json:
    value = point.value
    told: Json = {"timeUnixNano": nanos(point.at), "attributes": attributes(point.tags)}
    if point.metric.kind == "gauge":
        return {**told, "asDouble": value}
    told["startTimeUnixNano"] = nanos(min(since, point.at))
    if point.metric.kind == "count":
        return {**told, "asInt": str(int(value))} if value == int(value) else {**told, "asDouble": value}
    counts = ["0"] * (len(_BOUNDS) + 1)
    counts[bisect_left(_BOUNDS, value)] = "1"
    one = {"count": "1", "sum": value, "min": value, "max": value}
    return {**told, **one, "bucketCounts": counts, "explicitBounds": list(_BOUNDS)}


def _log(record: Mapping[str, Any], trace_id: str, span: str) -> Json:
    known = ("timestamp", "level", "event", "message")
    facts = {f"hookline.{name}": value for name, value in record.items() if name not in known}
    at = nanos(dt.datetime.fromisoformat(str(record["timestamp"])))
    level = str(record["level"])
    return {
        "timeUnixNano": at,
        "observedTimeUnixNano": at,
        "severityNumber": _SEVERITIES.get(level, 9),
        "severityText": level.upper(),
        "body": {"stringValue": text(str(record["message"]))},
        "attributes": attributes({"event.name": f"hookline.{record['event']}", **facts}),
        "traceId": trace_id,
        "spanId": span,
    }


def _with_binary_ids(value: Any) -> Any:
    """Protobuf's own JSON has bytes in base64, where OTLP's has ids in hexadecimal."""
    if isinstance(value, Mapping):
        return {
            key: base64.b64encode(bytes.fromhex(item)).decode() if key in _IDS else _with_binary_ids(item)
            for key, item in value.items()
        }
    return [_with_binary_ids(item) for item in value] if isinstance(value, list) else value


def _message_class(signal: Signal, kind: Literal["Request", "Response"]) -> Any:
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

    services: Mapping[Signal, tuple[Any, str]] = {
        "traces": (trace_service_pb2, "Trace"),
        "metrics": (metrics_service_pb2, "Metrics"),
        "logs": (logs_service_pb2, "Logs"),
    }
    module, name = services[signal]
    return getattr(module, f"Export{name}Service{kind}")
