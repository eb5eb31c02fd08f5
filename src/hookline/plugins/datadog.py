"""``datadog``: metrics, spans, records, events and service checks of runs and writes, for Datadog."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from hookline.core.errors import ConfigError
from hookline.core.events import Run, RunEnded, RunStarted, Write, content_id
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.observability.datadog.intake import RecordSink, TraceSink
from hookline.observability.datadog.options import DatadogOptions, environment_of
from hookline.observability.datadog.profiling import Profiling
from hookline.observability.datadog.spans import SpanMaker
from hookline.observability.datadog.statsd import StatsdSink
from hookline.observability.datadog.telling import check_of_run, event_of_run, event_of_write, inputs_of, record_for
from hookline.observability.records import record_of_end, record_of_start, record_of_write, sample_wanted
from hookline.observability.telling import PointTeller, order_key
from hookline.pipelines.quarantine.sampling import fields_of

# Points of one series and second are one for Datadog: they are gathered.
_LINGER_S = 1.0


class DatadogConfig(DatadogOptions):
    """Options of ``datadog``."""


class DatadogPlugin:
    """Hands all of it to the outbox.

    Raises:
        ConfigError: on construction, when records are to be sent and there is no API key.
    """

    Config: ClassVar[type[PluginConfig]] = DatadogConfig
    requires: ClassVar[tuple[str, ...]] = ("msgpack",)
    needs_telemetry: ClassVar[bool] = True

    def __init__(self, config: DatadogConfig, context: PluginContext) -> None:
        self._config = config
        self._context = context
        self._environment = environment_of(context.environment)
        self._spans = SpanMaker(self._environment, context.labels, os.environ.get("DD_VERSION"))
        self._statsd, self._traces, self._logs = (f"{context.name} {part}" for part in ("statsd", "traces", "logs"))
        outbox, key = context.outbox, config.key()
        if config.logs and not key:
            raise ConfigError("records need an API key: set `api_key` or $DD_API_KEY, or `logs: false`")
        sink = StatsdSink(config.statsd, self._environment, historical=config.historical)
        outbox.register(self._statsd, sink, linger_s=_LINGER_S)
        self._points = PointTeller(context, self._statsd, config.max_tag_values)
        if config.traces:
            outbox.register(self._traces, TraceSink(config.trace_agent, config.timeout_s, context.store))
        if config.logs and key:
            outbox.register(self._logs, RecordSink(config.intake, key, config.timeout_s, fields_of))
        self._profiling = Profiling(config, self._environment) if config.profiling else None

    @hookimpl
    def on_run_started(self, event: RunStarted, run: Run) -> None:
        """A record; the profiler, where it is wanted."""
        self._log(record_of_start(event, run, self._context.labels), run)
        if self._profiling is not None:
            self._profiling.start(run.job)

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """Its points, spans and a record."""
        self._write_ended(event, run)

    @hookimpl
    def on_write_failed(self, event: Write, run: Run) -> None:
        """So of one that failed, or was refused; and an event."""
        self._write_ended(event, run)
        if self._config.events:
            told = event_of_write(event, run, self._context.labels, self._environment)
            self._put(self._statsd, "event", told, run, event.write_id)

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """Its points, its span, a record, a service check."""
        self._run_ended(event, run)

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """So of one that failed; and an event."""
        self._run_ended(event, run)
        if self._config.events:
            told = event_of_run(event, run, self._context.labels, self._environment)
            self._put(self._statsd, "event", told, run, run.run_id)

    def close(self) -> None:
        """End the profiler."""
        if self._profiling is not None:
            self._profiling.stop()

    def _write_ended(self, event: Write, run: Run) -> None:
        if self._config.metrics:
            self._points.write_ended(event, run)
        if self._config.traces:
            spans = self._spans.of_write(event, run, self._config.service_of(run.job))
            payload = {"spans": spans, "inputs": inputs_of(event), "run_id": run.run_id}
            self._put(self._traces, "spans", payload, run, event.write_id)
        sample = sample_wanted(event, self._config.masked_samples)
        record = record_of_write(event, run, self._context.labels)
        self._log(record if sample is None else {**record, "sample": sample}, run, event.write_id)

    def _run_ended(self, event: RunEnded, run: Run) -> None:
        cost = self._points.cost_of(event, run)
        total = None if cost is None else cost.total
        if self._config.metrics:
            self._points.run_ended(event, run)
        if self._config.traces:
            spans = self._spans.of_run(event, run, self._config.service_of(run.job), total)
            self._put(self._traces, "spans", {"spans": spans}, run, run.run_id)
        if self._config.service_checks:
            told = check_of_run(event, run, self._context.labels, self._environment)
            self._put(self._statsd, "check", told, run, run.run_id)
        self._log(record_of_end(event, run, self._context.labels, cost=total), run)

    def _log(self, record: Mapping[str, Any], run: Run, *key: str) -> None:
        if self._config.logs:
            told = record_for(record, run, self._config.service_of(run.job), self._environment, *key)
            self._put(self._logs, "record", told, run, str(record["event"]), *key)

    def _put(self, sink: str, kind: str, payload: Mapping[str, Any], run: Run, *key: str) -> None:
        id = content_id(kind, run.run_id, *key)
        self._context.outbox.put(sink, payload, kind=kind, id=id, order_key=order_key(run))
