"""The catalogue's names by Prometheus's conventions: base units spelt out, ``_total`` on counters, ``_ratio`` on shares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal, NamedTuple

from hookline.observability.metrics import Metric, Point

Type = Literal["counter", "gauge", "summary"]
# What Prometheus itself gives a meaning to, or a target's own label would hide.
_RESERVED = frozenset({"job", "instance", "le", "quantile"})


class Family(NamedTuple):
    """What ``# TYPE`` and ``# HELP`` are about."""

    name: str
    type: Type
    help: str


class Families(NamedTuple):
    """A metric's families.

    Attributes:
        main: counters add up, summaries count and add up, gauges are the latest value.
        last: of a distribution, the latest value by itself; of what ends, when that was.
    """

    main: Family
    last: Family | None


@cache
def families(metric: Metric) -> Families:
    """What a metric is called."""
    base = _spelt_out(metric)
    if metric.kind == "count":
        name = base if base.endswith("_total") else f"{base}_total"
        last = None
        if metric.name.endswith(".ended"):
            about = f"When the last one ended, in seconds since 1970 (UTC). {metric.description}"
            last = Family(f"{_inserted(base, 'last')}_timestamp_seconds", "gauge", about)
        return Families(Family(name, "counter", metric.description), last)
    if metric.kind == "gauge":
        return Families(Family(base, "gauge", metric.description), None)
    return Families(
        Family(base, "summary", metric.description),
        Family(_inserted(base, "last"), "gauge", f"The latest one. {metric.description}"),
    )


def labels(point: Point) -> Mapping[str, str]:
    """A point's tags as labels. Of two keys that become the same, the metric's own wins."""
    found: dict[str, str] = {}
    own = [key for key in point.tags if key in point.metric.tags]
    for key in (*own, *(key for key in point.tags if key not in point.metric.tags)):
        found.setdefault(_label(key), point.tags[key])
    return found


def _label(key: str) -> str:
    plain = re.sub(r"[^a-zA-Z0-9_]", "_", key)
    plain = plain if re.match(r"[a-zA-Z_]", plain) else f"_{plain}"
    if plain == "job":
        return "job_name"
    return f"tag_{plain}" if plain in _RESERVED or plain.startswith("__") else plain


def _spelt_out(metric: Metric) -> str:
    name = re.sub(r"[^a-zA-Z0-9_]", "_", metric.name)
    name = re.sub(r"_per_s$", "_per_second", name)
    if metric.unit == "seconds":
        return re.sub(r"_s$", "", name) + "_seconds"
    return f"{name}_ratio" if metric.unit == "ratio" and not name.endswith("_ratio") else name


def _inserted(name: str, word: str) -> str:
    """``hookline_write_duration_seconds`` becomes ``hookline_write_last_duration_seconds``."""
    parts = name.split("_")
    return "_".join([*parts[:2], word, *parts[2:]])


def all_families(metrics: Mapping[str, Metric]) -> Iterator[Family]:
    """Of every metric, for those who document or check them."""
    for metric in metrics.values():
        main, last = families(metric)
        yield main
        if last is not None:
            yield last
