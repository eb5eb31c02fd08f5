"""``alerts``: tells people of failures, once, and of their end; by Slack, mail, PagerDuty, SNS or a webhook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from hookline.core.events import Run, RunEnded, RunStarted, Write, content_id, utc_now
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.observability.alerts.channels.making import check_packages, outlet_of, sinks_of
from hookline.observability.alerts.desk import Desk
from hookline.observability.alerts.facts import Fact, FactFinder
from hookline.observability.alerts.gathering import Gathering
from hookline.observability.alerts.options import AlertsConfig
from hookline.observability.alerts.routing import Router


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
        self._gathering = Gathering(config.group_s, self._flush)
        outlets = {}
        for name, options in config.channels.items():
            outlets[name] = outlet_of(f"{context.name}.{name}", options)
            for sink, channel in sinks_of(f"{context.name}.{name}", options, context.base_dir):
                context.outbox.register(sink, channel)
        desk = Desk(context.name, context.outbox, context.store, outlets, config.repeat_s)
        context.outbox.register(context.name, desk)
        if any(step.after_s for route in config.routes for step in route.escalate):
            # Somebody has to look at the time: every process that begins, `hookline outbox replay` too.
            self._put("end", "", None, (), (), id=None)

    @hookimpl
    def on_run_started(self, event: RunStarted, run: Run) -> None:
        """A run inside another one is told of together with it."""
        self._gathering.open(run)

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """What its verdicts say, and that it came about."""
        self._take(self._finder.of_write(event, run), run, event.write_id)

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

    def _take(self, facts: Iterable[Fact], run: Run, about: str) -> None:
        """Keep at once what is to be told: the process may die."""
        alerts, well = self._sorted(facts)
        group = self._gathering.add(run, {alert["key"] for alert in alerts}, well)
        if alerts:
            self._put("facts", group, run, alerts, (), id=content_id("facts", self._name, about))

    def _end(self, event: RunEnded, run: Run) -> None:
        alerts, well = self._sorted(self._finder.of_run(event, run))
        group = self._gathering.add(run, {alert["key"] for alert in alerts}, well)
        if not self._gathering.is_outermost(run):
            if alerts:
                self._put("facts", group, run, alerts, (), id=content_id("facts", self._name, run.run_id))
            self._gathering.close_run(run)
            return
        well = self._gathering.close_run(run)
        self._put("end", group, run, alerts, well, id=content_id("end", self._name, run.run_id, event.status))

    def _flush(self, run: Run, group: str, well: Iterable[str]) -> None:
        """The run goes on, and has gathered for long enough."""
        self._put("end", group, run, (), well, id=content_id("flush", self._name, group, utc_now().isoformat()))

    def _sorted(self, facts: Iterable[Fact]) -> tuple[list[dict[str, Any]], set[str]]:
        alerts, well = [], set()
        for fact in facts:
            if fact.well:
                well.add(fact.key)
            elif (way := self._router.way(fact)).channels:
                alerts.append(fact.document() | way.document())
        return alerts, well

    def _put(
        self, kind: str, group: str, run: Run | None, alerts: Iterable[Any], well: Iterable[str], *, id: str | None
    ) -> None:
        told = None if run is None else {"run_id": run.run_id, "job": run.job[:1_000], "environment": run.environment}
        payload = {"group": group, "run": told, "alerts": list(alerts), "well": sorted(well)}
        self._outbox.put(self._name, payload, kind=kind, id=id, order_key=group)
