"""``metrics``: what Spark spent on runs and writes, with advice and cost, kept in the run history."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from hookline.core.events import Run, RunEnded, Write, content_id
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig, PluginContext

if TYPE_CHECKING:
    from hookline.observability.cost import Costing

_Days = Annotated[int, Field(ge=1, le=10_000)]


class MetricsConfig(PluginConfig):
    """Options of ``metrics``."""

    keep_days: _Days = Field(
        30,
        description="Days for which every run and write is kept by itself; then by the hour, without telemetry and advice.",
    )
    keep_hours_days: _Days = Field(400, description="Days for which the hours are kept.")


class MetricsPlugin:
    """Hands the numbers of runs and writes to the store, by the outbox.

    Raises:
        ConfigError: on construction, when the configuration's cost can't be reckoned.
    """

    Config: ClassVar[type[PluginConfig]] = MetricsConfig
    needs_telemetry: ClassVar[bool] = True

    def __init__(self, config: MetricsConfig, context: PluginContext) -> None:
        self._config = config
        self._labels = context.labels
        self._stored = context.cost.storage
        self._costing: Costing | None = None
        if context.cost.platform is not None:
            from hookline.observability.cost import Costing

            self._costing = Costing(context.cost, context.base_dir)
        self._outbox = context.outbox if context.store is not None else None

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """Keep it."""
        self._keep_write(event, run)

    @hookimpl
    def on_write_failed(self, event: Write, run: Run) -> None:
        """Keep it; it is no history for others."""
        self._keep_write(event, run)

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """Keep it, and fold the days past."""
        self._end(event, run)

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """As one that finished."""
        self._end(event, run)

    # What works on the numbers is loaded with the first write: a job that begins does not wait for it.

    def _keep_write(self, event: Write, run: Run) -> None:
        from hookline.observability.keeping import measurement_of_write

        self._keep(measurement_of_write(event, run, self._labels))

    def _end(self, event: RunEnded, run: Run) -> None:
        from hookline.observability.advice import advise
        from hookline.observability.keeping import measurement_of_run

        cost = None if self._costing is None else self._costing.of_run(event, run)
        self._keep(measurement_of_run(event, run, self._labels, advice=advise(event), cost=cost))
        if self._stored:
            self._keep_storage(event, run)
        self._fold(event.finished_at.astimezone(dt.timezone.utc).date())

    def _keep_storage(self, event: RunEnded, run: Run) -> None:
        from hookline.observability.cost.storage import stored_by
        from hookline.observability.keeping import measurement_of_storage

        price = None if self._costing is None else self._costing.storage_price()
        for one in stored_by(event, self._stored, price):
            self._keep(measurement_of_storage(one, run, event.finished_at.isoformat()))

    def _keep(self, measurement: dict[str, Any]) -> None:
        if self._outbox is not None:
            message = content_id("measurement", measurement["event_id"])
            self._outbox.put("store", measurement, kind="measurement", id=message, order_key=measurement["run_id"])

    def _fold(self, today: dt.date) -> None:
        """Once a day is enough: a message of the same id is delivered once."""
        if self._outbox is None:
            return
        before = {
            "fold_before": (today - dt.timedelta(days=self._config.keep_days)).isoformat(),
            "forget_before": (today - dt.timedelta(days=self._config.keep_hours_days)).isoformat(),
        }
        message = content_id("compact", today.isoformat(), *before.values())
        self._outbox.put("store", before, kind="compact", id=message, order_key="compact")
