"""Runs and writes as structured log records: flat JSON objects that a log store can search and count by.

Names are short and free of control characters; there is no value of a row in them: of a check they have its counts.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Any

from hookline.core.events import ErrorInfo, Run, RunEnded, RunStarted, Verdict, Write
from hookline.core.labels import LabelsConfig
from hookline.core.telemetry import StageTelemetry
from hookline.core.text import printable, shorten

_MOST_CHECKS = 50
_LONGEST = 300


def record_of_start(event: RunStarted, run: Run, labels: LabelsConfig) -> dict[str, Any]:
    """A run began."""
    facts = {"tags": _texts(labels.tags), "owner": labels.owner}
    return _record("run.started", "info", event.started_at, run, f"run of {_name(run.job)} started", facts)


def record_of_write(write: Write, run: Run, labels: LabelsConfig) -> dict[str, Any]:
    """A write ended, well or not."""
    known = labels.of(write.dataset)
    status = write.status
    counts = Counter(verdict.status for verdict in write.verdicts)
    failed = [verdict for verdict in write.verdicts if verdict.status in ("failed", "error")]
    facts: dict[str, Any] = {
        "write_id": write.write_id,
        "status": status,
        "dataset": _name(str(write.dataset)),
        "namespace": _name(write.dataset.namespace),
        "layer": known.layer,
        "owner": known.owner,
        "operation": write.operation,
        "rows": write.rows,
        "bytes": write.bytes,
        "files": write.files,
        "duration_s": write.duration_s,
        "overhead_s": write.overhead_s,
        "batch_id": write.batch_id,
        "published": write.published,
        "rows_quarantined": write.rows_quarantined,
        "checks": dict(counts) or None,
        "failed_checks": [_of_verdict(verdict) for verdict in failed[:_MOST_CHECKS]] or None,
        "failed_checks_left_out": max(0, len(failed) - _MOST_CHECKS) or None,
        "tags": _texts(known.tags),
        **_of_error(write.error),
    }
    level = {"finished": "warn" if failed else "info"}.get(status, "error")
    at = write.finished_at or write.started_at
    return _record(f"write.{status}", level, at, run, f"write to {facts['dataset']} {status}", facts)


def sample_wanted(write: Write, most: int) -> dict[str, Any] | None:
    """What to look for, where rows of a write were set aside and a record may show some of them, masked."""
    if most <= 0 or write.quarantine is None or not write.rows_quarantined or not write.published:
        return None
    place = {"namespace": write.quarantine.namespace, "name": write.quarantine.name}
    return {**place, "write_id": write.write_id, "most": most}


def record_of_end(ended: RunEnded, run: Run, labels: LabelsConfig, *, cost: float | None = None) -> dict[str, Any]:
    """A run ended, well or not."""
    facts = {
        "status": ended.status,
        "duration_s": ended.duration_s,
        "overhead_s": ended.overhead_s,
        "writes": ended.writes_total,
        "reads": len(ended.reads),
        "exit_code": ended.exit_code,
        "plugin_failures": {_name(one.name): one.failures for one in ended.plugins if one.failures} or None,
        "cost": cost,
        "owner": labels.owner,
        "tags": _texts(labels.tags),
        **_of_error(ended.error),
    }
    level = "info" if ended.status == "finished" else "error"
    return _record(
        f"run.{ended.status}", level, ended.finished_at, run, f"run of {_name(run.job)} {ended.status}", facts
    )


def stage_numbers(stage: StageTelemetry) -> dict[str, float | None]:
    """What a stage's span says of it, by the names of its attributes; sizes in bytes, times in seconds."""
    return {
        "spark.tasks": stage.tasks,
        "spark.tasks_failed": stage.tasks_failed,
        "spark.attempt": stage.attempt,
        "spark.executor_run_s": stage.executor_run_s,
        "spark.executor_cpu_s": stage.executor_cpu_s,
        "spark.gc_s": stage.gc_s,
        "spark.input_bytes": stage.input_bytes,
        "spark.output_bytes": stage.output_bytes,
        "spark.shuffle_read_bytes": stage.shuffle_read_bytes,
        "spark.shuffle_write_bytes": stage.shuffle_write_bytes,
        "spark.disk_spill_bytes": stage.disk_spill_bytes,
        "spark.peak_memory_bytes": stage.peak_memory_bytes,
        "spark.skew": stage.skew,
    }


def _record(
    event: str, level: str, at: dt.datetime, run: Run, message: str, facts: Mapping[str, Any]
) -> dict[str, Any]:
    common = {
        "timestamp": at.isoformat(),
        "level": level,
        "event": event,
        "message": message,
        "run_id": run.run_id,
        "job": _name(run.job),
        "environment": run.environment,
        "parent_run_id": run.parent_run_id,
    }
    return {key: value for key, value in {**common, **facts}.items() if value is not None}


def _of_verdict(verdict: Verdict) -> dict[str, Any]:
    told = {
        "check": _name(verdict.check),
        "severity": verdict.severity,
        "status": verdict.status,
        "failing_rows": verdict.failing_rows,
        "columns": [_name(column) for column in verdict.columns[:10]] or None,
        "plugin": verdict.plugin or None,
    }
    return {key: value for key, value in told.items() if value is not None}


def _of_error(error: ErrorInfo | None) -> dict[str, Any]:
    return {} if error is None else {"error_type": _name(error.type), "error_condition": error.condition}


def _texts(tags: Mapping[str, str]) -> dict[str, str] | None:
    return {key: _name(value) for key, value in tags.items()} or None


def _name(text: str) -> str:
    return shorten(printable(text), _LONGEST)
