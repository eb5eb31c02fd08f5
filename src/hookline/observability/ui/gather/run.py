"""One run: what it read, wrote and took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from hookline.core.events import Dataset, ErrorInfo, Run, RunEnded, Write, content_id
from hookline.core.store import metered, reading
from hookline.core.store.records import Measurement
from hookline.observability.ui.documents import (
    AdviceRow,
    Fact,
    HistoryPoint,
    Named,
    PluginRow,
    RunCostRow,
    RunDetail,
    SettingHint,
    Span,
    VerdictRow,
    WriteRow,
)
from hookline.observability.ui.gather.runs import history

MOST_WRITES = 50
_MOST_SPANS = 120
_Measured = Mapping[str, Measurement]


def run(connection: Connection, run_id: str, skip: int = 0) -> RunDetail:
    """A run with its latest writes but for ``skip``.

    Raises:
        UnknownRunError: there is none.
    """
    found, ended = reading.run(connection, run_id, reading.Part(MOST_WRITES, skip))
    measured = metered.measured(connection, [found.run_id, *(write.write_id for write in ended.writes)])
    own = measured[found.run_id].document if found.run_id in measured else {}
    told = own.get("telemetry") or {}
    return RunDetail(
        run_id=found.run_id,
        job=found.job,
        status=ended.status,
        environment=found.environment,
        user=found.user,
        parent_job=found.parent_job,
        parent_run_id=found.parent_run_id,
        started_at=found.started_at.isoformat(),
        finished_at=None if ended.status == "running" else ended.finished_at.isoformat(),
        duration_s=ended.duration_s,
        overhead_s=ended.overhead_s,
        exit_code=ended.exit_code,
        error=_error(ended.error),
        notes=list(ended.notes),
        reads=[named(read.dataset) for read in ended.reads],
        writes=[_write(write, measured) for write in ended.writes],
        writes_total=ended.writes_total,
        writes_skipped=skip,
        plugins=[
            PluginRow(name=one.name, failures=one.failures, last_failure=one.last_failure) for one in ended.plugins
        ],
        advice=[*advice_of(own, found.run_id, found.job)],
        cost=_cost(own.get("cost")),
        facts=[Fact(metric=name, value=value) for name, value in sorted(own.get("points", {}).items())],
        missing=_missing(own, told, measured),
        timeline=[*_timeline(found, ended, measured)][:_MOST_SPANS],
        history=_history(connection, found),
    )


def advice_of(document: Mapping[str, Any], run_id: str, job: str) -> Iterator[AdviceRow]:
    """The advice that was kept with a run."""
    for one in document.get("advice", ()):
        settings = [
            SettingHint(name=each["name"], change=each["change"], now=each.get("now")) for each in one["settings"]
        ]
        plain = {name: one[name] for name in ("rule", "sentence", "evidence", "dataset", "worth_s", "times")}
        yield AdviceRow(**plain, settings=settings, run_id=run_id, job=job)


def named(dataset: Dataset) -> Named:
    """A dataset by its name and what its page is found by."""
    name = (dataset.namespace, dataset.name)
    return Named(namespace=name[0], name=name[1], dataset_id=content_id(*name))


def _history(connection: Connection, found: Run) -> list[HistoryPoint]:
    return history(connection, found.job, until=found.started_at.isoformat())


def _write(write: Write, measured: _Measured) -> WriteRow:
    told = (measured[write.write_id].document.get("telemetry") if write.write_id in measured else None) or {}
    known = told if told.get("attribution", "none") != "none" else {}
    shuffle = (known.get("shuffle_read_bytes"), known.get("shuffle_write_bytes"))
    return WriteRow(
        write_id=write.write_id,
        dataset=named(write.dataset),
        operation=write.operation,
        started_at=write.started_at.isoformat(),
        duration_s=write.duration_s,
        overhead_s=write.overhead_s,
        rows=write.rows,
        bytes=write.bytes,
        files=write.files,
        rows_quarantined=write.rows_quarantined,
        way=write.way,
        intercepted=write.intercepted,
        published=write.published,
        batch_id=write.batch_id,
        error=_error(write.error),
        verdicts=[
            VerdictRow(
                check=one.check,
                severity=one.severity,
                status=one.status,
                observed=one.observed,
                failing_rows=one.failing_rows,
                expected=one.expected,
                message=one.message,
            )
            for one in sorted(write.verdicts, key=lambda one: one.status == "passed")
        ],
        executor_run_s=known.get("executor_run_s"),
        shuffle_bytes=max((one for one in shuffle if one is not None), default=None),
        spill_bytes=known.get("disk_spill_bytes"),
        skew=known.get("skew"),
    )


def _error(error: ErrorInfo | None) -> str | None:
    if error is None:
        return None
    return f"{error.type} ({error.condition})" if error.condition else error.type


def _cost(told: Mapping[str, Any] | None) -> RunCostRow | None:
    if told is None:
        return None
    return RunCostRow(
        amount=told["total"],
        currency=told["currency"],
        price=told["price"],
        formula=told["formula"],
        datasets=[(one[0], one[1], one[2]) for one in told.get("by_dataset", ())],
    )


def _missing(own: Mapping[str, Any], told: Mapping[str, Any], measured: _Measured) -> list[str]:
    if not own:
        return [
            "What Spark spent is not known: the plugin `metrics` was not among the run's plugins, the run goes on, or its day "
            "was folded into hourly numbers."
        ]
    sentences = [*told.get("missing", ())]
    for one in measured.values():
        sentences += (one.document.get("telemetry") or {}).get("missing", ())
    return [*dict.fromkeys(sentences)][:10]


def _timeline(found: Run, ended: RunEnded, measured: _Measured) -> Iterator[Span]:
    """Each write, and below it the stages that worked for it."""
    for write in ended.writes:
        start = max(0.0, (write.started_at - found.started_at).total_seconds())
        yield Span(
            kind="write",
            name=str(write.dataset),
            status="refused" if any(one.refuses for one in write.verdicts) else "failed" if write.error else "complete",
            start_s=start,
            duration_s=write.duration_s or 0.0,
            write_id=write.write_id,
        )
        told = (measured[write.write_id].document.get("telemetry") if write.write_id in measured else None) or {}
        for stage in told.get("stages", ()):
            if stage.get("started_at_s") is not None and stage.get("duration_s") is not None:
                yield _stage(stage, start)


def _stage(stage: Mapping[str, Any], start: float) -> Span:
    spread, skew = stage.get("task_run_s"), None
    if spread and spread["median"] > 0 and stage["tasks_done"] > 1:
        skew = spread["maximum"] / spread["median"]
    attempt = f" (attempt {stage['attempt'] + 1})" if stage["attempt"] else ""
    return Span(
        kind="stage",
        name=f"stage {stage['stage_id']}{attempt}: {stage['name']}",
        status=stage["status"],
        start_s=start + stage["started_at_s"],
        duration_s=stage["duration_s"],
        tasks=stage["tasks"],
        executor_run_s=stage["executor_run_s"],
        skew=skew,
        spill_bytes=stage["disk_spill_bytes"],
    )
