"""From what happened to points: pure functions, so that each back end shows the same numbers.

A plugin with ``needs_telemetry = True`` calls ``points_of_write`` in ``on_write_finished`` and ``on_write_failed``,
``points_of_run`` in ``on_run_finished`` and ``on_run_failed``, and ``points_of_outbox`` at the end of a run. What is not
known makes no point: there is no zero for it, and never a NaN.
"""

from hookline.observability.metrics.of_runs import points_of_outbox, points_of_run, points_of_storage
from hookline.observability.metrics.of_writes import points_of_write
from hookline.observability.metrics.point import Point, RunCost, Stored

__all__ = [
    "Point",
    "RunCost",
    "Stored",
    "points_of_outbox",
    "points_of_run",
    "points_of_storage",
    "points_of_write",
]
