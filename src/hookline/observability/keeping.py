"""What of a run and a write is kept as history: the points of the catalogue, and what a person wants to see again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hookline.core.events import Run, RunEnded, Write, jsonable
from hookline.core.labels import LabelsConfig
from hookline.core.store.records import Subject
from hookline.observability.advice import Advice
from hookline.observability.metrics import METRICS, Point, points_of_run, points_of_write
from hookline.observability.metrics.points import RunCost, Stored

# The keys of a write or a run: what a subject stands for already. Other tags tell points of one metric apart.
_OF_SUBJECT = frozenset({"job", "env", "dataset", "layer", "owner", "operation"})
# They say the same as others.
_LEFT_OUT = frozenset({"hookline.layer.rows", "hookline.layer.bytes", "hookline.cost.dataset_dollars"})


def measurement_of_write(write: Write, run: Run, labels: LabelsConfig) -> dict[str, Any]:
    """A write as the store's fact ``measurement``."""
    subject = Subject(run.job, run.environment, write.dataset.namespace, write.dataset.name)
    points = points_of_write(write, run, labels.model_copy(update={"tags": {}}))
    document: dict[str, Any] = {"points": _numbers(points)}
    if write.telemetry is not None:
        document["telemetry"] = jsonable(write.telemetry)
    at = write.finished_at or write.started_at
    return _fact(write.write_id, run, subject, at.isoformat(), write.error is None, document)


def measurement_of_run(
    ended: RunEnded, run: Run, labels: LabelsConfig, *, advice: Sequence[Advice] = (), cost: RunCost | None = None
) -> dict[str, Any]:
    """A run as the store's fact ``measurement``."""
    points = points_of_run(ended, run, labels.model_copy(update={"tags": {}}), cost=cost)
    document: dict[str, Any] = {"points": _numbers(points), "advice": [one.as_document() for one in advice]}
    if ended.telemetry is not None:
        document["telemetry"] = jsonable(ended.telemetry)
    if cost is not None:
        by_dataset = [[*dataset, amount] for dataset, amount in cost.by_dataset.items()]
        amounts = {"total": cost.total, "currency": cost.currency, "price": cost.price, "formula": cost.formula}
        document["cost"] = {**amounts, "by_dataset": by_dataset, "tags": dict(labels.tags)}
    good = ended.status == "finished"
    return _fact(run.run_id, run, Subject(run.job, run.environment), ended.finished_at.isoformat(), good, document)


def measurement_of_storage(stored: Stored, run: Run, at: str) -> dict[str, Any]:
    """What lies at a dataset's place, as the store's fact ``measurement``; a job's writes to it have a subject of their own."""
    points = {"hookline.storage.bytes": float(stored.bytes)}
    if stored.month is not None:
        points["hookline.cost.storage_dollars_month"] = stored.month
    subject = Subject("", run.environment, stored.dataset.namespace, stored.dataset.name)
    event_id = f"{run.run_id}/storage {subject.id}"
    return _fact(event_id, run, subject, at, True, {"points": points})


def amounts() -> dict[str, bool]:
    """By metric, whether it adds up over writes."""
    return {name: metric.kind == "count" or name.endswith("duration_s") for name, metric in METRICS.items()}


def _fact(event_id: str, run: Run, subject: Subject, at: str, good: bool, document: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "run_id": run.run_id,
        "subject": list(subject),
        "at": at,
        "good": good,
        "document": document,
    }


def _numbers(points: Iterable[Point]) -> dict[str, float]:
    found: dict[str, float] = {}
    for point in points:
        if point.name in _LEFT_OUT:
            continue
        own = ",".join(f"{key}={value}" for key, value in sorted(point.tags.items()) if key not in _OF_SUBJECT)
        found[f"{point.name}|{own}" if own else point.name] = point.value
    return found
