"""Points as PutMetricData takes them, with all of its limits kept here: a server may not say what it left out.

Observations of one series in one step of time are one datum: values with their counts, or, of counts, a statistic set.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hookline.observability.cloudwatch.text import dimension_value
from hookline.observability.metrics import Point, Unit

MOST_DATUMS = 1_000
# One megabyte, less what a request has besides.
MOST_BYTES = 1_000_000
MOST_VALUES = 150
MOST_DIMENSIONS = 30
LARGEST_VALUE = 2.0**360
UNITS: Mapping[Unit, str] = {
    "count": "Count",
    "bytes": "Bytes",
    "seconds": "Seconds",
    "ratio": "None",
    "dollars": "None",
}
Dimensions = tuple[tuple[str, str], ...]


@dataclass
class _Series:
    """What was observed of a series within one step of time."""

    point: Point
    dimensions: Dimensions
    at: dt.datetime
    values: Counter[float] = field(default_factory=Counter)


def dimension_sets(
    point: Point, extra: Sequence[str] = (), rollups: Sequence[Sequence[str]] = ()
) -> tuple[Dimensions, ...]:
    """The sets of dimensions that a point is told for, the most detailed first.

    Args:
        extra: tags beyond the metric's own that are dimensions too.
        rollups: sets of tags that are told as well, where the metric has them all.
    """
    own = (*point.metric.tags, *(key for key in extra if key not in point.metric.tags))[:MOST_DIMENSIONS]
    chosen = [own, *(keys for keys in rollups if set(keys) < set(own))]
    return tuple(tuple(sorted((key, dimension_value(point.tags.get(key))) for key in keys)) for keys in chosen)


def fits(value: float) -> bool:
    """Whether CloudWatch takes a number."""
    return math.isfinite(value) and abs(value) <= LARGEST_VALUE


def datums(
    points: Iterable[Point],
    *,
    extra: Sequence[str] = (),
    rollups: Sequence[Sequence[str]] = (),
    resolution_s: int = 60,
) -> list[dict[str, Any]]:
    """Points as ``MetricData``, those of one series and step together, in the order of their first ones."""
    series: dict[tuple[str, Dimensions, float], _Series] = {}
    for point in points:
        if not fits(point.value):
            continue
        at = _step(point.at, resolution_s)
        for dimensions in dimension_sets(point, extra, rollups):
            key = (point.name, dimensions, at.timestamp())
            series.setdefault(key, _Series(point, dimensions, at)).values[point.value] += 1
    return [datum for one in series.values() for datum in _datums(one, resolution_s)]


def size_bytes(datum: Mapping[str, Any]) -> int:
    """About how large a datum is in a request, rather more than less."""
    dimensions = sum(len(one["Name"]) + len(one["Value"]) for one in datum["Dimensions"])
    numbers = len(datum.get("Values", ())) + len(datum.get("Counts", ())) + len(datum.get("StatisticValues", ()))
    return 150 + 2 * dimensions + 100 * len(datum["Dimensions"]) + 60 * numbers


def requests(data: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """The data in lists that one request each may carry."""
    chosen: list[Mapping[str, Any]] = []
    taken = 0
    for datum in data:
        size = size_bytes(datum)
        if chosen and (len(chosen) == MOST_DATUMS or taken + size > MOST_BYTES):
            yield chosen
            chosen, taken = [], 0
        chosen.append(datum)
        taken += size
    if chosen:
        yield chosen


def _step(at: dt.datetime, resolution_s: int) -> dt.datetime:
    seconds = at.timestamp()
    return dt.datetime.fromtimestamp(seconds - seconds % resolution_s, dt.timezone.utc)


def _datums(series: _Series, resolution_s: int) -> Iterator[dict[str, Any]]:
    common: dict[str, Any] = {
        "MetricName": series.point.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in series.dimensions],
        "Timestamp": series.at,
        "Unit": UNITS[series.point.metric.unit],
        "StorageResolution": resolution_s,
    }
    values, counts = list(series.values), list(series.values.values())
    if sum(counts) == 1:
        yield {**common, "Value": values[0]}
    elif series.point.metric.kind == "count":
        total = math.fsum(value * count for value, count in series.values.items())
        statistics = {"SampleCount": float(sum(counts)), "Sum": total, "Minimum": min(values), "Maximum": max(values)}
        yield {**common, "StatisticValues": statistics}
    else:
        for begin in range(0, len(values), MOST_VALUES):
            part = slice(begin, begin + MOST_VALUES)
            yield {**common, "Values": values[part], "Counts": [float(count) for count in counts[part]]}
