"""Runs and writes as spans. Their ids follow from the run's id, so that any process can link to them, and a span that is sent
again is the same span.

A trace is a run: below it its writes, below each the inputs that it read and the stages that Spark ran. Every span of a
dataset names it as its peer, by which Datadog's service map shows jobs around the data that they share; an input links to the
write that made it, whichever job's that was.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from hookline.core.events import Dataset, ErrorInfo, Run, RunEnded, RunStatus, Write
from hookline.core.labels import LabelsConfig
from hookline.core.text import printable, shorten
from hookline.observability.records import stage_numbers

_LONGEST = 300
_LONGEST_SERVICE = 100
_KEPT = 2  # by the user's wish, whatever the agent's sampling
_NS = 1_000_000_000
Span = dict[str, Any]


def trace_id(run_id: str) -> int:
    """The 128 bits of a run's trace: its id's own."""
    try:
        return uuid.UUID(run_id).int
    except ValueError:
        return int(hashlib.sha256(run_id.encode("utf-8", "surrogatepass")).hexdigest()[:32], 16)


def span_id(*parts: str) -> int:
    """The 63 bits of a span, never 0."""
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return (int.from_bytes(digest[:8], "big") >> 1) or 1


class SpanMaker:
    """Makes the spans of a service.

    Args:
        environment: the value of ``env``.
        version: the value of ``version``.
    """

    def __init__(self, environment: str | None, labels: LabelsConfig, version: str | None) -> None:
        self._labels = labels
        common = {"env": environment, "version": version, "component": "spark", "language": "python"}
        self._common = {key: value for key, value in common.items() if value}

    def of_run(self, ended: RunEnded, run: Run, service: str, cost: float | None) -> list[Span]:
        """The span of a run that ended."""
        meta = {
            "hookline.status": ended.status,
            "hookline.parent_run_id": run.parent_run_id,
            "span.kind": "internal",
            **{key: _text(value) for key, value in self._labels.tags.items()},
        }
        numbers = {
            "hookline.writes": ended.writes_total,
            "hookline.reads": len(ended.reads),
            "hookline.overhead_s": ended.overhead_s,
            "hookline.cost": cost,
            "_dd.top_level": 1,
            "_dd.measured": 1,
        }
        span = self._span(run, service, "hookline.run", run.job, (span_id(run.run_id), 0), meta, numbers)
        span["type"] = "worker"
        _timed(span, run.started_at, ended.duration_s)
        _failed(span, ended.status, ended.error)
        if run.parent_run_id:
            span["span_links"] = [link(run.parent_run_id, span_id(run.parent_run_id), "parent run")]
        return [span]

    def of_write(self, write: Write, run: Run, service: str) -> list[Span]:
        """The spans of a write that ended: its own, its inputs' and its stages'."""
        known = self._labels.of(write.dataset)
        own = span_id(write.write_id)
        status = write.status
        meta = {
            **_of_dataset(write.dataset, "producer"),
            "hookline.write_id": write.write_id,
            "hookline.operation": write.operation,
            "hookline.status": status,
            "hookline.layer": known.layer,
            "hookline.owner": known.owner,
            **{key: _text(value) for key, value in known.tags.items()},
        }
        numbers = {
            "hookline.rows": write.rows,
            "hookline.bytes": write.bytes,
            "hookline.files": write.files,
            "hookline.rows_quarantined": write.rows_quarantined,
            "hookline.failed_checks": sum(verdict.status == "failed" for verdict in write.verdicts),
            "hookline.batch_id": write.batch_id,
            "_dd.measured": 1,
        }
        ids = (own, span_id(run.run_id))
        span = self._span(run, service, "hookline.write", str(write.dataset), ids, meta, numbers)
        _timed(span, write.started_at, write.duration_s)
        _failed(span, status, write.error)
        return [span, *self._inputs(write, run, service), *self._stages(write, run, service)]

    def _inputs(self, write: Write, run: Run, service: str) -> Iterator[Span]:
        for read in write.inputs:
            own = span_id(write.write_id, "input", read.dataset.namespace, read.dataset.name)
            meta = _of_dataset(read.dataset, "client")
            ids = (own, span_id(write.write_id))
            span = self._span(run, service, "hookline.read", str(read.dataset), ids, meta, {})
            _timed(span, write.started_at, write.duration_s)
            yield span

    def _stages(self, write: Write, run: Run, service: str) -> Iterator[Span]:
        for stage in write.telemetry.stages if write.telemetry is not None else ():
            if stage.started_at_s is None:
                continue
            own = span_id(write.write_id, "stage", str(stage.stage_id), str(stage.attempt))
            meta = {"hookline.stage": str(stage.stage_id), "hookline.status": stage.status, "span.kind": "internal"}
            ids = (own, span_id(write.write_id))
            span = self._span(run, service, "spark.stage", stage.name, ids, meta, stage_numbers(stage))
            _timed(span, write.started_at + dt.timedelta(seconds=stage.started_at_s), stage.duration_s)
            span["error"] = int(stage.status == "failed")
            yield span

    def _span(
        self,
        run: Run,
        service: str,
        name: str,
        resource: str,
        ids: tuple[int, int],
        meta: Mapping[str, str | None],
        numbers: Mapping[str, float | None],
    ) -> Span:
        whole = trace_id(run.run_id)
        told = {**self._common, **meta, "hookline.run_id": run.run_id, "hookline.job": _text(run.job)}
        return {
            "service": shorten(printable(service), _LONGEST_SERVICE),
            "name": name,
            "resource": _text(resource) or name,
            "trace_id": whole & (2**64 - 1),
            "span_id": ids[0],
            "parent_id": ids[1],
            "start": 0,
            "duration": 0,
            "error": 0,
            "type": "",
            "meta": {**{key: value for key, value in told.items() if value}, "_dd.p.tid": f"{whole >> 64:016x}"},
            "metrics": {
                **{key: float(value) for key, value in numbers.items() if value is not None},
                "_sampling_priority_v1": float(_KEPT),
            },
        }


def link(run_id: str, span: int, reason: str) -> dict[str, Any]:
    """A link to a span of a run, as ``/v0.4/traces`` has it."""
    whole = trace_id(run_id)
    return {
        "trace_id": whole & (2**64 - 1),
        "trace_id_high": whole >> 64,
        "span_id": span,
        "attributes": {"reason": reason},
        "flags": (1 << 31) | 1,
    }


def _timed(span: Span, started_at: dt.datetime, duration_s: float | None) -> None:
    span["start"] = round(started_at.timestamp() * 1_000_000) * 1_000
    span["duration"] = max(0, round((duration_s or 0.0) * _NS))


def _failed(span: Span, status: RunStatus | str, error: ErrorInfo | None) -> None:
    span["error"] = int(status != "finished")
    if error is not None:
        span["meta"]["error.type"] = _text(error.type)
        span["meta"]["error.message"] = _text(error.condition or error.type)
    elif status != "finished":
        span["meta"]["error.message"] = status


def _of_dataset(dataset: Dataset, kind: str) -> dict[str, str | None]:
    name = _text(str(dataset))
    return {
        "span.kind": kind,
        "db.instance": name,
        "peer.db.name": name,
        "peer.db.system": dataset.format or "dataset",
        "hookline.dataset": name,
        "hookline.namespace": _text(dataset.namespace),
    }


def _text(text: str) -> str:
    return shorten(printable(text), _LONGEST)
