"""``prometheus``: metrics of runs and writes by a Pushgateway, the node exporter's textfile collector, or a scrape."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from hookline.core.events import Run, RunEnded, Write
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.observability.metrics import Point
from hookline.observability.prometheus.options import PrometheusConfig
from hookline.observability.prometheus.sink import Keeper, ShowingSink, TotalsSink
from hookline.observability.prometheus.text import render
from hookline.observability.prometheus.totals import Totals
from hookline.observability.telling import PointTeller

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
        self._sink: str | None = None
        if config.push is not None or config.textfile_dir is not None:
            self._sink, show = context.name, f"{context.name} show"
            folder = None if config.textfile_dir is None else context.base_dir / config.textfile_dir
            keeper = Keeper(context.store, config.forget_s)
            context.outbox.register(self._sink, TotalsSink(keeper, context.outbox, show), linger_s=_LINGER_S)
            context.outbox.register(show, ShowingSink(keeper, folder, config.push))
        self._lock = threading.Lock()
        self._totals = Totals()
        self._endpoint: Endpoint | None = None
        if config.port is not None:
            self._endpoint = self._open(config.host, config.port)
        also = None if self._endpoint is None else self._show
        self._teller = PointTeller(context, self._sink, config.max_tag_values, also=also)

    @property
    def port(self) -> int | None:
        """Where it can be scraped; None where it can't."""
        return None if self._endpoint is None else self._endpoint.port

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """Its points."""
        self._teller.write_ended(event, run)

    @hookimpl
    def on_write_failed(self, event: Write, run: Run) -> None:
        """Its points."""
        self._teller.write_ended(event, run)

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """Its points, and how deliveries fare."""
        self._teller.run_ended(event, run)

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """Its points, and how deliveries fare."""
        self._teller.run_ended(event, run)

    def close(self) -> None:
        """Give the port back."""
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None

    def _show(self, points: Sequence[Point]) -> None:
        with self._lock:
            self._totals.add(points)

    def _content(self) -> bytes:
        with self._lock:
            return render(self._totals)

    def _open(self, host: str, port: int) -> Endpoint | None:
        from hookline.observability.prometheus.endpoint import Endpoint

        try:
            return Endpoint(host, port, self._content)
        except OSError as error:
            # Another job of this machine may have it: no reason not to run.
            logger.warning("prometheus: port %d of %s can't be had (%s): no scrapes", port, host, error.strerror)
            return None
