"""Spark's progress of a streaming batch, as numbers."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from hookline.core.telemetry import StreamProgress


def progress_of(text: str, published_at: dt.datetime | None = None) -> StreamProgress:
    """What ``StreamingQueryProgress.json`` says.

    Args:
        published_at: when the batch's rows could be read; by default the batch's end.

    Raises:
        ValueError, KeyError, TypeError: it says something else.
    """
    raw = json.loads(text)
    sources = raw.get("sources") or []
    trigger_ms = (raw.get("durationMs") or {}).get("triggerExecution")
    latest = _time((raw.get("eventTime") or {}).get("max"))
    watermark = _time((raw.get("eventTime") or {}).get("watermark"))
    published = published_at or _end(raw, trigger_ms)
    states = raw.get("stateOperators") or []
    lags = [lag for source in sources if (lag := _lag(source)) is not None]
    # Before the first rows the watermark stands at 1970, which is no delay.
    moved = watermark is not None and watermark.timestamp() > 0
    return StreamProgress(
        query_id=str(raw["id"]),
        query_run_id=str(raw["runId"]),
        batch_id=int(raw["batchId"]),
        input_rows=sum(_number(source.get("numInputRows")) or 0 for source in sources),
        input_rows_per_s=_sum(source.get("inputRowsPerSecond") for source in sources),
        processed_rows_per_s=_sum(source.get("processedRowsPerSecond") for source in sources),
        trigger_s=None if trigger_ms is None else trigger_ms / 1000,
        lag_rows=sum(lags) if lags else None,
        state_rows=sum(int(state["numRowsTotal"]) for state in states) if states else None,
        state_bytes=sum(int(state["memoryUsedBytes"]) for state in states) if states else None,
        state_dropped_rows=(
            sum(int(state.get("numRowsDroppedByWatermark") or 0) for state in states) if states else None
        ),
        watermark_delay_s=(latest - watermark).total_seconds() if latest and watermark and moved else None,
        event_time_lag_s=(published - latest).total_seconds() if latest and published else None,
    )


def _end(raw: Mapping[str, Any], trigger_ms: Any) -> dt.datetime | None:
    began = _time(raw.get("timestamp"))
    return began + dt.timedelta(milliseconds=trigger_ms) if began and trigger_ms is not None else None


def _lag(source: Mapping[str, Any]) -> int | None:
    """How many rows the latest offsets are ahead of what was read: of topics and partitions, as Kafka has them."""
    latest, end = _offsets(source.get("latestOffset")), _offsets(source.get("endOffset"))
    if not latest or not end:
        return None
    return sum(max(0, offset - end.get(place, offset)) for place, offset in latest.items())


def _offsets(value: Any) -> dict[tuple[str, str], int]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    if not isinstance(value, dict):
        return {}
    return dict(_places(value))


def _places(topics: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], int]]:
    for topic, partitions in topics.items():
        for partition, offset in partitions.items() if isinstance(partitions, dict) else ():
            if isinstance(offset, int) and not isinstance(offset, bool):
                yield (str(topic), str(partition)), offset


def _sum(values: Iterator[Any]) -> float | None:
    known = [number for value in values if (number := _number(value)) is not None]
    return sum(known) if known else None


def _number(value: Any) -> Any:
    """A finite number; Spark has NaN and infinity for a rate over no time."""
    try:
        return value if value is not None and math.isfinite(value) else None
    except TypeError:
        return None


def _time(text: Any) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")) if isinstance(text, str) else None
