"""``cloudwatch``: metrics and log records of runs and writes, for Amazon CloudWatch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from hookline.core.events import Run, RunEnded, RunStarted, Write, content_id
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.observability.cloudwatch.options import CloudWatchOptions
from hookline.observability.cloudwatch.sinks import EmfSink, LogsSink, MetricsSink, log_event
from hookline.observability.cloudwatch.text import stream_name
from hookline.observability.records import record_of_end, record_of_start, record_of_write, sample_wanted
from hookline.observability.telling import PointTeller, order_key
from hookline.pipelines.quarantine.sampling import fields_of


class CloudWatchConfig(CloudWatchOptions):
    """Options of ``cloudwatch``."""


class CloudwatchPlugin:
    """Hands points and records to the outbox, which sends them by botocore."""

    Config: ClassVar[type[PluginConfig]] = CloudWatchConfig
    requires: ClassVar[tuple[str, ...]] = ("botocore",)
    needs_telemetry: ClassVar[bool] = True

    def __init__(self, config: CloudWatchConfig, context: PluginContext) -> None:
        self._config = config
        self._context = context
        self._points: PointTeller | None = None
        if config.metrics != "off":
            name = f"{context.name} metrics"
            context.outbox.register(name, MetricsSink(config) if config.metrics == "api" else EmfSink(config))
            self._points = PointTeller(context, name, config.max_tag_values)
        self._logs = f"{context.name} logs" if config.log_group is not None else None
        if self._logs is not None and config.log_group is not None:
            context.outbox.register(self._logs, LogsSink(config, config.log_group, fields_of))

    @hookimpl
    def on_run_started(self, event: RunStarted, run: Run) -> None:
        """A record of it."""
        self._log(record_of_start(event, run, self._context.labels), run)

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """Its points, and a record."""
        self._write_ended(event, run)

    @hookimpl
    def on_write_failed(self, event: Write, run: Run) -> None:
        """So of one that failed, or was refused."""
        self._write_ended(event, run)

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """The run's points, the outbox's, and a record."""
        self._run_ended(event, run)

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """So of one that failed."""
        self._run_ended(event, run)

    def _write_ended(self, event: Write, run: Run) -> None:
        if self._points is not None:
            self._points.write_ended(event, run)
        sample = sample_wanted(event, self._config.masked_samples)
        self._log(record_of_write(event, run, self._context.labels), run, event.write_id, sample=sample)

    def _run_ended(self, event: RunEnded, run: Run) -> None:
        if self._points is not None:
            self._points.run_ended(event, run)
        self._log(record_of_end(event, run, self._context.labels), run)

    def _log(self, record: Mapping[str, Any], run: Run, *key: str, sample: Mapping[str, Any] | None = None) -> None:
        if self._logs is None:
            return
        payload: dict[str, Any] = {"stream": stream_name(run.job), "events": [log_event(record["timestamp"], record)]}
        if sample is not None:
            payload |= {"record": record, "sample": sample}
        id = content_id("record", record["event"], run.run_id, *key)
        self._context.outbox.put(self._logs, payload, kind="record", id=id, order_key=order_key(run))
