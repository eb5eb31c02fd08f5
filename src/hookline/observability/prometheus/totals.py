"""What points add up to: counters that go on from run to run, and the latest of what is a state.

A batch job's process ends before Prometheus has seen it twice, so that its counters would begin at 0 for ever, and a rate
over them be 0 as well. Totals therefore outlive the process: they can be written down and go on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from hookline.observability.metrics import METRICS, Point
from hookline.observability.prometheus.names import Family, families, labels

# A message that comes twice does so soon.
_REMEMBERED = 500
_Labels = tuple[tuple[str, str], ...]


class Totals:
    """The series of one job (or of a process), each a number or two and the moment it changed.

    Args:
        most: how many series there may be; those that changed longest ago make room.
    """

    def __init__(self, most: int = 20_000) -> None:
        self._series: dict[tuple[str, _Labels], list[float]] = {}
        self._seen: dict[str, None] = {}
        self._most = most

    def __len__(self) -> int:
        return len(self._series)

    def knows(self, id: str) -> bool:
        """Whether a message was added."""
        return id in self._seen

    def add(self, points: Iterable[Point], id: str | None = None) -> None:
        """Add points, those of one message once."""
        if id is not None:
            if id in self._seen:
                return
            self._seen[id] = None
            for old in list(self._seen)[:-_REMEMBERED]:
                del self._seen[old]
        for point in points:
            self._add(point)
        if len(self._series) > self._most:
            kept = sorted(self._series.items(), key=lambda pair: pair[1][-1])[-self._most :]
            self._series = dict(kept)

    def forget(self, before: dt.datetime) -> None:
        """Drop series that have not changed since."""
        moment = before.timestamp()
        self._series = {key: numbers for key, numbers in self._series.items() if numbers[-1] >= moment}

    def samples(self) -> Mapping[Family, list[tuple[str, _Labels, float]]]:
        """By family its samples: what is appended to the name, labels, value."""
        found: dict[Family, list[tuple[str, _Labels, float]]] = {}
        for (name, own), numbers in sorted(self._series.items()):
            metric = METRICS.get(name)
            if metric is None:  # written down by another version
                continue
            main, last = families(metric)
            mine = found.setdefault(main, [])
            if main.type == "summary":
                mine += [("_sum", own, numbers[0]), ("_count", own, numbers[1])]
            else:
                mine.append(("", own, numbers[0]))
            if last is not None:
                value = numbers[2] if main.type == "summary" else numbers[-1]
                found.setdefault(last, []).append(("", own, value))
        return found

    def dump(self) -> dict[str, Any]:
        """As a document, to go on from."""
        series = [[name, own, numbers] for (name, own), numbers in self._series.items()]
        return {"version": 1, "seen": [*self._seen], "series": series}

    @classmethod
    def load(cls, document: Mapping[str, Any] | None) -> Totals:
        """What ``dump`` made; empty without it."""
        made, document = cls(), document or {}
        made._seen = dict.fromkeys(document.get("seen", ()))
        for name, own, numbers in document.get("series", ()):
            made._series[name, tuple((key, value) for key, value in own)] = numbers
        return made

    def _add(self, point: Point) -> None:
        key = (point.name, tuple(sorted(labels(point).items())))
        at, value = point.at.timestamp(), point.value
        known = self._series.get(key)
        if point.metric.kind == "count":
            self._series[key] = [value + (known[0] if known else 0.0), max(at, known[-1]) if known else at]
        elif point.metric.kind == "gauge":
            if known is None or known[-1] <= at:
                self._series[key] = [value, at]
        else:
            total, count, last, when = known or (0.0, 0.0, value, at)
            last = value if at >= when else last
            self._series[key] = [total + value, count + 1.0, last, max(at, when)]
