"""``prometheus``: metrics of runs and writes by a Pushgateway, the node exporter's textfile collector, or a scrape."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from hookline.core.events import Run, RunEnded, Write, content_id, utc_now
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.observability.metrics import CardinalityGuard, Point, points_of_outbox, points_of_run, points_of_write
from hookline.observability.prometheus.options import PrometheusConfig
from hookline.observability.prometheus.sink import PrometheusSink
from hookline.observability.prometheus.text import render
from hookline.observability.prometheus.totals import Totals

if TYPE_CHECKING:
    from hookline.observability.prometheus.endpoint import Endpoint

logger = logging.getLogger(__name__)
# Several writes at once are one push.
_LINGER_S = 1.0


class PrometheusPlugin:
    """Hands points to the outbox, and shows them while the process lives, where it is asked to."""

    Config: ClassVar[type[PluginConfig]] = PrometheusConfig
    needs_telemetry: ClassVar[bool] = True

    def __init__(self, config: PrometheusConfig, context: PluginContext) -> None:
        self._context = context
        self._guard = CardinalityGuard()
        self._sends = config.push is not None or config.textfile_dir is not None
        if self._sends:
            folder = None if config.textfile_dir is None else context.base_dir / config.textfile_dir
            context.outbox.register(context.name, PrometheusSink(config, context.store, folder), linger_s=_LINGER_S)
        self._lock = threading.Lock()
        self._totals = Totals()
        self._endpoint: Endpoint | None = None
        if config.port is not None:
            self._endpoint = self._open(config.host, config.port)

    @property
    def port(self) -> int | None:
        """Where it can be scraped."""
        return None if self._endpoint is None else self._endpoint.port

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """Its points."""
        self._tell(points_of_write(event, run, self._context.labels, guard=self._guard), run, event.write_id)

    @hookimpl
    def on_write_failed(self, event: Write, run: Run) -> None:
        """Its points."""
        self._tell(points_of_write(event, run, self._context.labels, guard=self._guard), run, event.write_id)

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """Its points, and how deliveries fare."""
        self._end(event, run)

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """Its points, and how deliveries fare."""
        self._end(event, run)

    def close(self) -> None:
        """Give the port back."""
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None

    def _end(self, event: RunEnded, run: Run) -> None:
        points = points_of_run(event, run, self._context.labels, guard=self._guard)
        deliveries = self._deliveries() if self._sends and event.status != "abandoned" else ()
        self._tell((*points, *deliveries), run, f"{run.run_id} {event.status}")

    def _tell(self, points: Iterable[Point], run: Run, about: str) -> None:
        points = tuple(points)
        if self._endpoint is not None:
            with self._lock:
                self._totals.add(points)
        if self._sends:
            payload = {"job": run.job, "points": [point.as_payload() for point in points]}
            message = content_id("points", self._context.name, about)
            self._context.outbox.put(self._context.name, payload, kind="points", id=message, order_key=run.job[:1_000])

    def _deliveries(self) -> tuple[Point, ...]:
        context = self._context
        found = context.outbox.status()
        return points_of_outbox(found, utc_now(), environment=context.environment, labels=context.labels)

    def _open(self, host: str, port: int) -> Endpoint | None:
        from hookline.observability.prometheus.endpoint import Endpoint

        try:
            return Endpoint(host, port, self._content)
        except OSError as error:
            # Another job of this machine may have it: no reason not to run.
            logger.warning("prometheus: port %d of %s can't be had (%s): no scrapes", port, host, error.strerror)
            return None

    def _content(self) -> bytes:
        deliveries = self._deliveries()
        with self._lock:
            self._totals.add(deliveries)
            return render(self._totals)
