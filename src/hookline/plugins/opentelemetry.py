"""``opentelemetry``: spans, metrics and logs of runs and writes, by OTLP over HTTP to any collector."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from hookline.core.events import Run, RunEnded, RunStarted, Write, content_id
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.observability.otel import requests
from hookline.observability.otel.encoding import Json, resource
from hookline.observability.otel.options import OtelConfig, Signal
from hookline.observability.otel.settings import resource_attributes, settings_of, signals_of
from hookline.observability.otel.sink import OtlpSink
from hookline.observability.otel.spans import Place, place_of, run_span, run_span_id, write_span_id, write_spans
from hookline.observability.records import record_of_end, record_of_start, record_of_write
from hookline.observability.telling import PointFinder, order_key


class OpenTelemetryPlugin:
    """Makes requests of OTLP, and hands them to the outbox.

    Raises:
        ConfigError: on construction, when an environment variable can't be used.
    """

    Config: ClassVar[type[PluginConfig]] = OtelConfig
    requires: ClassVar[tuple[str, ...]] = ("opentelemetry.proto",)
    needs_telemetry: ClassVar[bool] = True

    def __init__(self, config: OtelConfig, context: PluginContext) -> None:
        self._context = context
        self._service = config.service or os.environ.get("OTEL_SERVICE_NAME") or None
        self._attributes = resource_attributes(os.environ)
        self._signals = signals_of(config, os.environ)
        self._finder = PointFinder(context, config.max_tag_values)
        self._places: dict[str, Place] = {}
        self._lock = threading.Lock()
        for signal in self._signals:
            sink = OtlpSink(signal, settings_of(signal, config, os.environ), config.max_age_s)
            context.outbox.register(self._sink(signal), sink)

    @hookimpl
    def on_run_started(self, event: RunStarted, run: Run) -> None:
        """Find its place among traces; a log record."""
        with self._lock:
            self._places[run.run_id] = place_of(run, self._places, os.environ)
        self._log(record_of_start(event, run, self._context.labels), run, run_span_id(run.run_id))

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """Its spans, points and record."""
        self._write_ended(event, run)

    @hookimpl
    def on_write_failed(self, event: Write, run: Run) -> None:
        """Its spans, points and record."""
        self._write_ended(event, run)

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """Its span, points and record."""
        self._run_ended(event, run)

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """Its span, points and record."""
        self._run_ended(event, run)

    def _write_ended(self, event: Write, run: Run) -> None:
        labels, about = self._context.labels, event.write_id
        spans = write_spans(event, run, self._place(run), labels)
        self._put("traces", requests.traces(self._resource(run), spans), run, about)
        points = self._finder.of_write(event, run)
        self._put("metrics", requests.metrics(self._resource(run), points, event.started_at), run, about)
        self._log(record_of_write(event, run, labels), run, write_span_id(event), about)

    def _run_ended(self, event: RunEnded, run: Run) -> None:
        labels, about = self._context.labels, f"{run.run_id} {event.status}"
        span = run_span(event, run, self._place(run), labels)
        self._put("traces", requests.traces(self._resource(run), [span]), run, about)
        points = (*self._finder.of_run(event, run), *self._finder.of_outbox())
        self._put("metrics", requests.metrics(self._resource(run), points, run.started_at), run, about)
        self._log(record_of_end(event, run, labels), run, run_span_id(run.run_id), about)
        with self._lock:
            self._places.pop(run.run_id, None)

    def _log(self, record: Mapping[str, Any], run: Run, span: str, about: str = "") -> None:
        request = requests.logs(self._resource(run), [record], self._place(run), span)
        self._put("logs", request, run, about or f"{run.run_id} started")

    def _place(self, run: Run) -> Place:
        with self._lock:
            return self._places.get(run.run_id) or place_of(run, {}, {})

    def _resource(self, run: Run) -> Json:
        return resource(self._service or run.job, run, self._attributes)

    def _put(self, signal: Signal, request: Json, run: Run, about: str) -> None:
        if signal in self._signals:
            id = content_id("otlp", signal, about)
            self._context.outbox.put(self._sink(signal), request, kind="otlp", id=id, order_key=order_key(run))

    def _sink(self, signal: Signal) -> str:
        return f"{self._context.name} {signal}"
