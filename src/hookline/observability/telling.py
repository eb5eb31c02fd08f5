"""From a plugin's hooks to messages with points, the same for every back end that takes numbers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hookline.core.events import Run, RunEnded, Write, content_id, utc_now
from hookline.observability.cost import Costing
from hookline.observability.metrics import (
    CardinalityGuard,
    Point,
    points_of_outbox,
    points_of_run,
    points_of_storage,
    points_of_write,
)

if TYPE_CHECKING:
    from hookline.core.plugin import PluginContext
    from hookline.observability.cost import RunCost

logger = logging.getLogger(__name__)
# One message is one request of any back end, whatever its limits.
MOST_POINTS = 100


class PointFinder:
    """Finds the points of what happened.

    Args:
        max_tag_values: how many values of one tag are told apart.
    """

    def __init__(self, context: PluginContext, max_tag_values: int) -> None:
        self._context = context
        self._guard = CardinalityGuard(max_tag_values)
        self._costing = Costing(context.cost, context.base_dir)
        self._warned = False
        self._last_cost: tuple[str, RunCost | None] | None = None

    def of_write(self, write: Write, run: Run) -> tuple[Point, ...]:
        """Those of a write that ended, well or not."""
        return points_of_write(write, run, self._context.labels, guard=self._guard)

    def of_run(self, ended: RunEnded, run: Run) -> tuple[Point, ...]:
        """Those of a run that ended, what it cost among them, and what lies where it wrote."""
        if self._guard.replaced and not self._warned:
            self._warned = True
            logger.warning(
                "plugin %r: tags had more values than max_tag_values; %d of them were told as (other)",
                self._context.name,
                self._guard.replaced,
            )
        found = points_of_run(ended, run, self._context.labels, cost=self.cost_of(ended, run), guard=self._guard)
        return (*found, *self._of_storage(ended))

    def of_outbox(self) -> tuple[Point, ...]:
        """How this process's deliveries fare."""
        context = self._context
        found = context.outbox.status()
        return points_of_outbox(found, utc_now(), environment=context.environment, labels=context.labels)

    def cost_of(self, ended: RunEnded, run: Run) -> RunCost | None:
        """What a run cost, where that is known; reckoned once, whoever asks."""
        if self._last_cost is None or self._last_cost[0] != run.run_id:
            self._last_cost = run.run_id, self._costing.of_run(ended, run)
        return self._last_cost[1]

    def _of_storage(self, ended: RunEnded) -> Iterator[Point]:
        context = self._context
        if not context.cost.storage:
            return
        from hookline.observability.cost.storage import stored_by

        for one in stored_by(ended, context.cost.storage, self._costing.storage_price()):
            yield from points_of_storage(
                one, ended.finished_at, environment=context.environment, labels=context.labels, guard=self._guard
            )


class PointTeller:
    """Puts the points of what happened into the outbox.

    Args:
        sink: where to; of one job in the order in which they came. None: nowhere.
        max_tag_values: how many values of one tag are told apart.
        also: called with the points of each message, in the job's time.
    """

    def __init__(
        self,
        context: PluginContext,
        sink: str | None,
        max_tag_values: int,
        *,
        also: Callable[[Sequence[Point]], None] | None = None,
    ) -> None:
        self._context = context
        self._sink = sink
        self._also = also
        self._finder = PointFinder(context, max_tag_values)

    def write_ended(self, write: Write, run: Run) -> None:
        """Tell the points of a write that ended, well or not."""
        self._put(self._finder.of_write(write, run), run, "write", write.write_id)

    def run_ended(self, ended: RunEnded, run: Run) -> None:
        """Tell the points of a run that ended, and how the outbox fares."""
        self._put(self._finder.of_run(ended, run), run, "run", run.run_id)
        self._put(self._finder.of_outbox(), run, "process", run.run_id)

    def cost_of(self, ended: RunEnded, run: Run) -> RunCost | None:
        """What a run cost, where that is known."""
        return self._finder.cost_of(ended, run)

    def _put(self, points: Sequence[Point], run: Run, kind: str, *key: str) -> None:
        if self._also is not None:
            self._also(points)
        if self._sink is None:
            return
        for number, payload in enumerate(_payloads(points)):
            id = content_id("points", kind, *key, number)
            payload |= {"run_id": run.run_id, "job": run.job}
            self._context.outbox.put(self._sink, payload, kind="points", id=id, order_key=order_key(run))


def order_key(run: Run) -> str:
    """What keeps a job's messages in order: those of one job have its series."""
    return content_id("job", run.job)


def _payloads(points: Sequence[Point]) -> Iterator[dict[str, Any]]:
    for begin in range(0, len(points), MOST_POINTS):
        yield {"points": [point.as_payload() for point in points[begin : begin + MOST_POINTS]]}
