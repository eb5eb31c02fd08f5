"""``alerts``: tells people of failures, once, and of their end; by Slack, mail, PagerDuty, SNS or a webhook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from hookline.core.events import Run, RunEnded, RunStarted, Write, content_id, utc_now
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.observability.alerts.channels.making import check_packages, outlet_of, sinks_of
from hookline.observability.alerts.desk import Desk
from hookline.observability.alerts.facts import Fact, FactFinder
from hookline.observability.alerts.gathering import Gathering
from hookline.observability.alerts.options import AlertsConfig
from hookline.observability.alerts.routing import Router
from hookline.observability.alerts.watching import Watcher, numbers_of
from hookline.observability.metrics import points_of_run, points_of_write

if TYPE_CHECKING:
    from hookline.observability.cost import Costing


class AlertsPlugin:
    """Finds facts, and hands them to the desk.

    Raises:
        MissingExtraError: on construction, when a channel needs a package that is not installed.
    """

    Config: ClassVar[type[PluginConfig]] = AlertsConfig

    def __init__(self, config: AlertsConfig, context: PluginContext) -> None:
        for options in config.channels.values():
            check_packages(options)
        self._name = context.name
        self._outbox = context.outbox
        self._router = Router(config)
        self._finder = FactFinder(context.labels, config.severities)
        self._labels = context.labels
        self._anomalies = config.anomalies
        self._costing: Costing | None = None
        if context.cost.budgets:
            from hookline.observability.cost import Costing

            self._costing = Costing(context.cost, context.base_dir)
        self.needs_telemetry = self._costing is not None  # what a run cost follows from what it took of Spark
        self._gathering = Gathering(config.group_s, self._flush)
        outlets = {}
        for name, options in config.channels.items():
            outlets[name] = outlet_of(f"{context.name}.{name}", options)
            for sink, channel in sinks_of(f"{context.name}.{name}", options, context.base_dir):
                context.outbox.register(sink, channel)
        watcher = Watcher(context.labels, self._router, config.severities, context.cost.budgets)
        group_s = config.group_s
        desk = Desk(context.name, context.outbox, context.store, outlets, config.repeat_s, watcher, group_s=group_s)
        context.outbox.register(context.name, desk)
        if any(step.after_s for route in config.routes for step in route.escalate):
            # Somebody has to look at the time: every process that begins, `hookline outbox replay` too.
            self._put("end", "", None, (), id=None)

    @hookimpl
    def on_run_started(self, event: RunStarted, run: Run) -> None:
        """A run inside another one is told of together with it."""
        self._gathering.open(run)

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """What its verdicts say, that it came about, and its numbers."""
        points = points_of_write(event, run, self._labels) if self._anomalies else ()
        self._take(self._finder.of_write(event, run), run, event.write_id, numbers_of(points, run, event))

    @hookimpl
    def on_write_failed(self, event: Write, run: Run) -> None:
        """That it did not."""
        self._take(self._finder.of_write(event, run), run, event.write_id)

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """Tell what was gathered, and that it is over."""
        self._end(event, run)

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """Tell what was gathered, and that it failed."""
        self._end(event, run)

    def close(self) -> None:
        """Tell what runs that did not end have gathered."""
        self._gathering.close()

    def _take(self, facts: Iterable[Fact], run: Run, about: str, numbers: Mapping[str, Any] | None = None) -> str:
        """Keep at once what is to be told: the process may die. The group that it belongs to."""
        alerts, well = self._sorted(facts)
        group = self._gathering.add(run, {alert["key"] for alert in alerts}, well, numbers)
        if alerts:
            self._put("facts", group, run, alerts, id=content_id("facts", self._name, about))
        return group

    def _end(self, event: RunEnded, run: Run) -> None:
        cost = None if self._costing is None else self._costing.of_run(event, run)
        good = self._anomalies and event.status == "finished"
        points = points_of_run(event, run, self._labels, cost=cost) if good else ()
        numbers = numbers_of(points, run, cost=None if cost is None else cost.total)
        about = f"{run.run_id} {event.status}"
        group = self._take(self._finder.of_run(event, run), run, about, numbers)
        outermost = self._gathering.is_outermost(run)
        well, gathered = self._gathering.close_run(run)
        if outermost:
            self._put("end", group, run, (), well, gathered, id=content_id("end", self._name, about))

    def _flush(self, run: Run, group: str, well: Iterable[str], numbers: Sequence[Mapping[str, Any]]) -> None:
        """The run goes on, and has gathered for long enough. Facts that come later need not wait for this."""
        id = content_id("flush", self._name, group, utc_now().isoformat())
        self._put("end", group, run, (), well, numbers, id=id, order_key=f"{group} flush")

    def _sorted(self, facts: Iterable[Fact]) -> tuple[list[dict[str, Any]], set[str]]:
        alerts, well = [], set()
        for fact in facts:
            if fact.well:
                well.add(fact.key)
            elif (way := self._router.way(fact)).channels:
                alerts.append(fact.document() | way.document())
        return alerts, well

    def _put(
        self,
        kind: str,
        group: str,
        run: Run | None,
        alerts: Iterable[Any],
        well: Iterable[str] = (),
        numbers: Sequence[Any] = (),
        *,
        id: str | None,
        order_key: str | None = None,
    ) -> None:
        told = None if run is None else {"run_id": run.run_id, "job": run.job[:1_000], "environment": run.environment}
        payload = {"group": group, "run": told, "alerts": list(alerts), "well": sorted(well), "numbers": list(numbers)}
        self._outbox.put(self._name, payload, kind=kind, id=id, order_key=order_key or group)
