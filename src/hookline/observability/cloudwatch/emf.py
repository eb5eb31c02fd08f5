"""Points as CloudWatch's embedded metric format: log events of which CloudWatch makes metrics, and which stay searchable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hookline.observability.cloudwatch.datums import UNITS, dimension_sets, fits
from hookline.observability.metrics import Point

MOST_METRICS = 100
_KEY = tuple[float, tuple[tuple[tuple[str, str], ...], ...]]


def emf_events(
    points: Iterable[Point],
    namespace: str,
    *,
    extra: Sequence[str] = (),
    rollups: Sequence[Sequence[str]] = (),
    resolution_s: int = 60,
    facts: Mapping[str, str] | None = None,
) -> Iterator[dict[str, Any]]:
    """One event for each moment and set of tags, with at most a hundred metrics.

    Args:
        facts: what each event says besides, such as the run's id; no dimension.
    """
    groups: dict[_KEY, dict[str, Point]] = {}
    for point in points:
        if not fits(point.value):
            continue
        key = (point.at.timestamp(), dimension_sets(point, extra, rollups))
        while point.name in groups.setdefault(key, {}) or len(groups[key]) == MOST_METRICS:
            key = (key[0], (*key[1], ()))  # the same metric twice, or too many: an event of its own
        groups[key][point.name] = point
    for (moment, sets), chosen in groups.items():
        real = [one for one in sets if one]
        yield {
            "_aws": {
                "Timestamp": round(moment * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": namespace,
                        "Dimensions": [[name for name, _ in one] for one in real],
                        "Metrics": [
                            {"Name": name, "Unit": UNITS[point.metric.unit], "StorageResolution": resolution_s}
                            for name, point in chosen.items()
                        ],
                    }
                ],
            },
            **(facts or {}),
            **dict(real[0]),
            **{name: point.value for name, point in chosen.items()},
        }
