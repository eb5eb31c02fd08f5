"""A run, its writes and their stages as spans; their ids follow from the run's, so that a span that comes twice is one."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hookline.core.events import ErrorInfo, Run, RunEnded, Write
from hookline.core.labels import LabelsConfig
from hookline.core.telemetry import StageTelemetry
from hookline.observability.metrics import tag_value
from hookline.observability.otel.encoding import Json, attributes, nanos, span_id, text
from hookline.observability.records import stage_numbers

_INTERNAL, _PRODUCER = 1, 4
_OK, _ERROR = 1, 2


class Place(NamedTuple):
    """Where a run's span stands: its trace (32 hexadecimal digits) and the span above it (16, or none)."""

    trace_id: str
    parent_id: str = ""


def place_of(run: Run, outer: Mapping[str, Place], environment: Mapping[str, str]) -> Place:
    """A run inside another one is below it; else ``$TRACEPARENT`` says what it is below, as W3C's Trace Context has it.

    Args:
        outer: the places of the runs that go on.
    """
    if run.parent_run_id in outer:
        return Place(outer[run.parent_run_id or ""].trace_id, run_span_id(run.parent_run_id or ""))
    found = re.fullmatch(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}", environment.get("TRACEPARENT", ""))
    if found and found[1].strip("0") and found[2].strip("0"):
        return Place(found[1], found[2])
    return Place(trace_id_of(run.run_id))


def trace_id_of(run_id: str) -> str:
    """The trace of a run by itself: its id's own digits."""
    try:
        return uuid.UUID(run_id).hex
    except ValueError:
        return span_id("trace", run_id) + span_id("trace, too", run_id)


def run_span_id(run_id: str) -> str:
    """The id of a run's span."""
    return span_id("run", run_id)


def write_span_id(write: Write) -> str:
    """The id of a write's span."""
    return span_id("write", write.write_id)


def run_span(ended: RunEnded, run: Run, place: Place, labels: LabelsConfig) -> Json:
    """A run that ended."""
    told = ended.telemetry
    facts: dict[str, Any] = {
        "hookline.run.id": run.run_id,
        "hookline.job": text(run.job),
        "hookline.status": ended.status,
        "hookline.owner": labels.owner,
        "hookline.writes": ended.writes_total,
        "hookline.reads": len(ended.reads),
        "hookline.overhead_s": ended.overhead_s,
        "process.exit.code": ended.exit_code,
        "error.type": _error_type(ended.error, ended.status if ended.status != "finished" else None),
    }
    if told is not None and told.known:
        facts |= {
            "spark.app.id": told.application_id,
            "spark.version": told.spark_version,
            "spark.cores": told.cores,
            "spark.executors": told.executors,
            "spark.executor_run_s": told.executor_run_s,
            "spark.tasks": told.tasks,
            "spark.tasks_failed": told.tasks_failed,
        }
    begin, end = run.started_at, max(ended.finished_at, run.started_at)
    status = _OK if ended.status == "finished" else _ERROR
    own = Place(place.trace_id, place.parent_id)
    return _span(f"run {tag_value(run.job)}", run_span_id(run.run_id), own, begin, end, facts, status, ended.error)


def write_spans(write: Write, run: Run, place: Place, labels: LabelsConfig) -> Iterator[Json]:
    """A write that ended, and the stages that Spark ran for it.

    Args:
        place: the run's.
    """
    known, status = labels.of(write.dataset), write.status
    begin = write.started_at
    end = write.finished_at or begin + dt.timedelta(seconds=write.duration_s or 0.0)
    facts: dict[str, Any] = {
        "hookline.run.id": run.run_id,
        "hookline.write.id": write.write_id,
        "hookline.job": text(run.job),
        "hookline.status": status,
        "hookline.dataset.namespace": text(write.dataset.namespace),
        "hookline.layer": known.layer,
        "hookline.owner": known.owner,
        "hookline.rows": write.rows,
        "hookline.bytes": write.bytes,
        "hookline.files": write.files,
        "hookline.rows_quarantined": write.rows_quarantined,
        "hookline.published": write.published,
        "hookline.batch_id": write.batch_id,
        "hookline.checks_failed": sum(one.status == "failed" for one in write.verdicts) if write.verdicts else None,
        "db.collection.name": text(write.dataset.name),
        "db.operation.name": write.operation,
        "error.type": _error_type(write.error, status if status != "finished" else None),
    }
    told = write.telemetry
    if told is not None and told.known:
        facts |= {
            "spark.jobs": told.jobs,
            "spark.stages": told.stages_total,
            "spark.tasks": told.tasks,
            "spark.tasks_failed": told.tasks_failed,
            "spark.executor_run_s": told.executor_run_s,
            "spark.executor_cpu_s": told.executor_cpu_s,
            "spark.gc_s": told.gc_s,
            "spark.shuffle_read_bytes": told.shuffle_read_bytes,
            "spark.shuffle_write_bytes": told.shuffle_write_bytes,
            "spark.disk_spill_bytes": told.disk_spill_bytes,
            "spark.skew": told.skew,
        }
    own = Place(place.trace_id, run_span_id(run.run_id))
    code = _OK if status == "finished" else _ERROR
    name = f"write {tag_value(str(write.dataset))}"
    yield _span(name, write_span_id(write), own, begin, max(begin, end), facts, code, write.error, kind=_PRODUCER)
    below = Place(place.trace_id, write_span_id(write))
    for stage in told.stages if told is not None else ():
        if stage.started_at_s is not None:
            yield _stage_span(stage, write, below)


def _stage_span(stage: StageTelemetry, write: Write, place: Place) -> Json:
    begin = write.started_at + dt.timedelta(seconds=stage.started_at_s or 0.0)
    end = begin + dt.timedelta(seconds=max(0.0, stage.duration_s or 0.0))
    facts = {
        "spark.stage.id": stage.stage_id,
        "spark.stage.attempt": stage.attempt,
        "spark.stage.name": text(stage.name),
        "spark.stage.status": stage.status,
        **stage_numbers(stage),
    }
    own = span_id("stage", write.write_id, stage.stage_id, stage.attempt)
    status = _ERROR if stage.status.lower() == "failed" else _OK
    return _span("spark stage", own, place, begin, end, facts, status, None)


def _span(
    name: str,
    own: str,
    place: Place,
    begin: dt.datetime,
    end: dt.datetime,
    facts: Mapping[str, Any],
    status: int,
    error: ErrorInfo | None,
    *,
    kind: int = _INTERNAL,
) -> Json:
    span: Json = {
        "traceId": place.trace_id,
        "spanId": own,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": nanos(begin),
        "endTimeUnixNano": nanos(end),
        "attributes": attributes(facts),
        "status": {"code": status},
    }
    if place.parent_id:
        span["parentSpanId"] = place.parent_id
    if status == _ERROR and facts.get("error.type"):
        span["status"]["message"] = str(facts["error.type"])
    if error is not None:  # its text may quote data: there is none
        exception = attributes({"exception.type": text(error.type), "spark.error.condition": error.condition})
        span["events"] = [{"timeUnixNano": nanos(end), "name": "exception", "attributes": exception}]
    return span


def _error_type(error: ErrorInfo | None, otherwise: str | None) -> str | None:
    return otherwise if error is None else text(error.type)
