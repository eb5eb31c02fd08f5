"""What is measured, by which name, and how runs and writes become points; what every back end shows comes from here.

- ``catalogue``: ``METRICS``, every metric that there is; ``metric(name)``.
- ``points``: ``points_of_write``, ``points_of_run``, ``points_of_storage``, ``points_of_outbox``: pure functions from events
  to ``Point``.
- ``tags``: tag values that are safe and few, whatever names the data has.
"""

from hookline.observability.metrics.catalogue import METRICS, Kind, Metric, Unit, metric
from hookline.observability.metrics.points import (
    Point,
    points_of_outbox,
    points_of_run,
    points_of_storage,
    points_of_write,
)
from hookline.observability.metrics.tags import CardinalityGuard, tag_value

__all__ = [
    "METRICS",
    "CardinalityGuard",
    "Kind",
    "Metric",
    "Point",
    "Unit",
    "metric",
    "points_of_outbox",
    "points_of_run",
    "points_of_storage",
    "points_of_write",
    "tag_value",
]
