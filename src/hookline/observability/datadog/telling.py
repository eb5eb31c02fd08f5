"""Runs and writes as Datadog's events, service checks and log records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hookline.core.events import Run, RunEnded, Write
from hookline.core.labels import LabelsConfig
from hookline.core.text import printable, shorten
from hookline.observability.datadog.datagrams import Status, tags_of
from hookline.observability.datadog.spans import span_id, trace_id
from hookline.observability.metrics import tag_value
from hookline.observability.records import record_of_end, record_of_write

RUN_CHECK = "hookline.run"
_STATUS: Mapping[str, Status] = {"finished": 0, "failed": 2, "refused": 2, "abandoned": 2}
_LEVELS = {"info": "info", "warn": "warning", "error": "error"}


def event_of_write(write: Write, run: Run, labels: LabelsConfig, environment: str | None) -> dict[str, Any]:
    """An event of a write that failed or was refused."""
    record = record_of_write(write, run, labels)
    known = labels.of(write.dataset)
    own = {"job": run.job, "dataset": str(write.dataset), "layer": known.layer, "owner": known.owner}
    checks = [f"{one['check']}: {one.get('failing_rows', '?')} rows" for one in record.get("failed_checks", ())]
    # That of a refusal is the checks that failed.
    reason = None if write.refused and checks else record.get("error_condition") or record.get("error_type")
    text = "; ".join([reason, *checks] if reason else checks) or "no reason is known"
    return _event(
        record,
        f"{record['job']}: write {record['status']}",
        f"{record['dataset']}: {text}",
        own,
        run,
        known.tags,
        environment,
    )


def event_of_run(ended: RunEnded, run: Run, labels: LabelsConfig, environment: str | None) -> dict[str, Any]:
    """An event of a run that failed."""
    record = record_of_end(ended, run, labels)
    reason = record.get("error_condition") or record.get("error_type") or "no error is known"
    text = f"{reason}; {ended.writes_total} writes, {ended.duration_s:.1f} s"
    own = {"job": run.job, "owner": labels.owner}
    return _event(record, f"{record['job']}: run {ended.status}", text, own, run, labels.tags, environment)


def check_of_run(ended: RunEnded, run: Run, labels: LabelsConfig, environment: str | None) -> dict[str, Any]:
    """The service check of a job: well, or critical."""
    own = {"job": run.job, "owner": labels.owner}
    return {
        "name": RUN_CHECK,
        "status": _STATUS.get(ended.status, 3),
        "at": ended.finished_at.isoformat(),
        "message": f"run {run.run_id} {ended.status}",
        "tags": _tags(own, labels.tags, run, environment),
    }


def record_for(
    record: Mapping[str, Any], run: Run, service: str, environment: str | None, *write_id: str
) -> dict[str, Any]:
    """A record as the intake of logs takes it, with the ids of its trace and span."""
    tags = {key: value for key, value in dict(record.get("tags", {})).items() if key != "env"}
    return {
        **{key: value for key, value in record.items() if key not in ("level", "tags")},
        "outcome": record.get("status"),
        "status": _LEVELS.get(str(record["level"]), "info"),
        "ddsource": "hookline",
        "service": shorten(printable(service), 100),
        "ddtags": ",".join(tags_of({key: tag_value(value) for key, value in tags.items()}, environment)),
        "dd.trace_id": f"{trace_id(run.run_id):032x}",
        "dd.span_id": str(span_id(*write_id) if write_id else span_id(run.run_id)),
    }


def inputs_of(write: Write) -> list[dict[str, Any]]:
    """The inputs of a write with their spans, so that these can be linked to what made them."""
    names = ((read.dataset.namespace, read.dataset.name) for read in write.inputs)
    return [
        {"span_id": span_id(write.write_id, "input", namespace, name), "namespace": namespace, "name": name}
        for namespace, name in names
    ]


def _event(
    record: Mapping[str, Any],
    title: str,
    text: str,
    own: Mapping[str, str | None],
    run: Run,
    tags: Mapping[str, str],
    environment: str | None,
) -> dict[str, Any]:
    return {
        "title": title,
        "text": f"{text} (run {run.run_id})",
        "at": record["timestamp"],
        "level": "error",
        "key": f"hookline-{run.job}",
        "tags": _tags(own, tags, run, environment),
    }


def _tags(own: Mapping[str, str | None], tags: Mapping[str, str], run: Run, environment: str | None) -> list[str]:
    known = {**tags, **own}
    return list(tags_of({key: tag_value(value) for key, value in known.items()}, run.environment or environment))
