"""Values and resources in OTLP's JSON form, which is what a message holds: the same event gives the same text, always.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: ids are hexadecimal, 64-bit integers are strings.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import hookline
from hookline.core.events import Run
from hookline.core.text import printable, shorten

_LONGEST = 400
_MOST_ITEMS = 50
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
Json = dict[str, Any]


def text(value: str, width: int = _LONGEST) -> str:
    """A name as an attribute's value: one line of bounded length, free of control characters."""
    return shorten(printable(value), width)


def nanos(moment: dt.datetime) -> str:
    """Nanoseconds since 1970."""
    return str((moment - _EPOCH) // dt.timedelta(microseconds=1) * 1_000)


def span_id(*parts: object) -> str:
    """16 hexadecimal digits that follow from what the span is about."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return digest if digest.strip("0") else "1" * 16


def attributes(values: Mapping[str, Any]) -> list[Json]:
    """Key-value pairs; what is None is left out."""
    return [{"key": key, "value": _any(value)} for key, value in values.items() if value is not None]


def resource(service: str, run: Run, own: Mapping[str, str]) -> Json:
    """Who tells this.

    Args:
        own: the user's attributes, which win.
    """
    told = {
        "service.name": text(service),
        "service.instance.id": run.run_id,
        "deployment.environment.name": run.environment,
        "host.name": socket.gethostname(),
        "process.pid": os.getpid(),
        "telemetry.sdk.name": "hookline",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": hookline.__version__,
        **{text(key): text(value) for key, value in own.items()},
    }
    return {"attributes": attributes(told)}


def scope() -> Json:
    """What measured."""
    return {"name": "hookline", "version": hookline.__version__}


def _any(value: Any, depth: int = 0) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return {"intValue": str(value)}
    if isinstance(value, (int, float)):
        return (
            {"doubleValue": float(value)}
            if value == value and abs(value) != float("inf")
            else {"stringValue": str(value)}
        )
    if isinstance(value, Mapping) and depth < 4:
        pairs = [
            {"key": text(str(key)), "value": _any(item, depth + 1)} for key, item in list(value.items())[:_MOST_ITEMS]
        ]
        return {"kvlistValue": {"values": pairs}}
    if isinstance(value, Sequence) and not isinstance(value, str) and depth < 4:
        return {"arrayValue": {"values": [_any(item, depth + 1) for item in value[:_MOST_ITEMS]]}}
    return {"stringValue": text(str(value))}
