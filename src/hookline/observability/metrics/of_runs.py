"""The points of a run, of what is stored, and of the outbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping

from hookline.core.events import Run, RunEnded, RunStatus
from hookline.core.labels import LabelsConfig
from hookline.core.outbox.message import SinkStatus
from hookline.observability.metrics.point import Maker, Point, RunCost, Stored
from hookline.observability.metrics.tags import CardinalityGuard

_STATUS_NUMBER: Mapping[RunStatus, int] = {"finished": 0, "failed": 1, "refused": 2, "abandoned": 3}


def points_of_run(
    ended: RunEnded,
    run: Run,
    labels: LabelsConfig,
    *,
    cost: RunCost | None = None,
    guard: CardinalityGuard | None = None,
) -> tuple[Point, ...]:
    """The points of a run that ended; those of its writes are ``points_of_write``'s, when each ends.

    Args:
        cost: what it cost, where that is known (``observability.telling``).
    """
    own = {"job": run.job, "env": run.environment, "owner": labels.owner}
    make = Maker(ended.finished_at, own, labels.tags, guard)
    return tuple(_of_run(ended, make)) + tuple(_of_cost(cost, run, ended, labels, guard))


def _of_run(ended: RunEnded, make: Maker) -> Iterator[Point]:
    yield from make("run.ended", 1, status=ended.status)
    yield from make("run.status", _STATUS_NUMBER.get(ended.status))
    yield from make("run.success", 1 if ended.status == "finished" else 0)
    yield from make("run.duration_s", ended.duration_s)
    yield from make("run.overhead_s", ended.overhead_s)
    yield from make("run.writes", ended.writes_total)
    yield from make("run.unseen_writes", ended.unseen_writes)
    yield from make("run.reads", len(ended.reads))
    for report in ended.plugins:
        yield from make("plugin.failures", report.failures, plugin=report.name)
    told = ended.telemetry
    if told is None or not told.known:
        return
    yield from make("run.executor_run_s", told.executor_run_s)
    yield from make("run.gc_s", told.gc_s)
    yield from make("run.core_s", told.core_s)
    yield from make("run.busy_share", told.busy_share)
    yield from make("run.tasks", told.tasks)
    yield from make("run.tasks_failed", told.tasks_failed)
    yield from make("run.executors", told.executors)
    yield from make("run.peak_heap_bytes", told.peak_heap_bytes)
    yield from make("run.cached_bytes", sum(one.memory_bytes + one.disk_bytes for one in told.cached))


def _of_cost(
    cost: RunCost | None, run: Run, ended: RunEnded, labels: LabelsConfig, guard: CardinalityGuard | None
) -> Iterator[Point]:
    if cost is None:
        return
    own: dict[str, str | None] = {"job": run.job, "env": run.environment, "owner": labels.owner}
    yield from Maker(ended.finished_at, own, labels.tags, guard)("cost.run_dollars", cost.total)
    datasets = {(write.dataset.namespace, write.dataset.name): write.dataset for write in ended.writes}
    for key, amount in cost.by_dataset.items():
        if key in datasets:
            known = labels.of(datasets[key])
            of_dataset = own | {"dataset": str(datasets[key]), "layer": known.layer, "owner": known.owner}
            yield from Maker(ended.finished_at, of_dataset, known.tags, guard)("cost.dataset_dollars", amount)


def points_of_storage(
    stored: Stored,
    at: dt.datetime,
    *,
    environment: str | None,
    labels: LabelsConfig,
    guard: CardinalityGuard | None = None,
) -> tuple[Point, ...]:
    """What lies at a dataset's place and what it costs a month (``observability.cost.storage.stored``)."""
    known = labels.of(stored.dataset)
    own = {"env": environment, "dataset": str(stored.dataset), "layer": known.layer, "owner": known.owner}
    make = Maker(at, own, known.tags, guard)
    points = (make("storage.bytes", stored.bytes), make("cost.storage_dollars_month", stored.month))
    return tuple(point for made in points for point in made)


def points_of_outbox(
    statuses: Iterable[SinkStatus], at: dt.datetime, *, environment: str | None, labels: LabelsConfig
) -> tuple[Point, ...]:
    """How deliveries fare, by sink; ``delivered`` and ``failures`` are those of this process so far.

    Args:
        statuses: ``context.outbox.status()``.
    """
    found: list[Point] = []
    for status in statuses:
        make = Maker(at, {"env": environment, "sink": status.name}, labels.tags, None)
        found += make("outbox.pending", status.pending)
        found += make("outbox.dead", status.dead)
        found += make("outbox.oldest_pending_s", status.oldest_pending_s or 0.0)
        found += make("outbox.delivered", status.delivered)
        found += make("outbox.failures", status.failures)
    return tuple(found)
