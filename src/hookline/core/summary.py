"""A run's summary in the shape that scripts rely on (docs/reference, ``run --json``)."""

from __future__ import annotations

from typing import Any

from hookline.core.events import Read, Run, RunEnded, Verdict, Write, jsonable

VERSION = 1


def run_document(run: Run, ended: RunEnded) -> dict[str, Any]:
    """The summary as JSON-ready values. More keys may come; these stay."""
    return {
        "version": VERSION,
        "run_id": run.run_id,
        "job": run.job,
        "environment": run.environment,
        "status": ended.status,
        "started_at": run.started_at.isoformat(),
        "finished_at": None if ended.status == "running" else ended.finished_at.isoformat(),
        "duration_s": round(ended.duration_s, 6),
        "overhead_s": round(ended.overhead_s, 6),
        "exit_code": ended.exit_code,
        "error": jsonable(ended.error),
        "reads": [_name(read) for read in ended.reads],
        "writes": [_write(write) for write in ended.writes],
        "writes_total": ended.writes_total,
        "unseen_writes": ended.unseen_writes,
        "lineage": {"writes": ended.writes_total, "events": _events(ended), "with_columns": ended.traced_writes},
        "plugins": [
            {
                "name": plugin.name,
                "failures": plugin.failures,
                "last_failure": plugin.last_failure,
                "writes_told": plugin.writes_told,
            }
            for plugin in ended.plugins
        ],
        "notes": list(ended.notes),
    }


def _events(ended: RunEnded) -> int | None:
    """Of how many writes every plugin has told that tells of writes; None when there is no such plugin."""
    return min((one.writes_told for one in ended.plugins if one.writes_told is not None), default=None)


def _name(read: Read) -> dict[str, Any]:
    return {"namespace": read.dataset.namespace, "name": read.dataset.name}


def _write(write: Write) -> dict[str, Any]:
    return {
        "write_id": write.write_id,
        "namespace": write.dataset.namespace,
        "name": write.dataset.name,
        "format": write.dataset.format,
        "operation": write.operation,
        "rows": write.rows,
        "bytes": write.bytes,
        "files": write.files,
        "way": write.way,
        "intercepted": write.intercepted,
        "published": write.published,
        "rows_quarantined": write.rows_quarantined,
        "quarantine": None if write.quarantine is None else str(write.quarantine),
        "data_version": write.data_version,
        "batch_id": write.batch_id,
        "duration_s": write.duration_s,
        "overhead_s": write.overhead_s,
        "error": jsonable(write.error),
        "inputs": [_name(read) for read in write.inputs],
        "verdicts": [_verdict(verdict) for verdict in write.verdicts],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "check": verdict.check,
        "severity": verdict.severity,
        "status": verdict.status,
        "observed": verdict.observed,
        "failing_rows": verdict.failing_rows,
        "expected": verdict.expected,
        "columns": list(verdict.columns),
        "way": verdict.way,
        "message": verdict.message,
        "suite": verdict.suite,
        "plugin": verdict.plugin,
    }
