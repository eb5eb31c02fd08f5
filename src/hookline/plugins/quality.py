"""Judges every write by the suites that match its dataset; its breaker says what follows from what fails."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from hookline.core.errors import MissingExtraError
from hookline.core.events import Measure, Measured, Run, RunEnded, RunStarted, Verdict, Write, content_id
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig
from hookline.quality.breaker import Rule, measures_of, quarantine_of, rules_for, verdicts_of
from hookline.quality.checks.registry import import_modules
from hookline.quality.history import StoredHistory
from hookline.quality.options import QualityConfig
from hookline.quality.results import ResultsSink, results_of
from hookline.quality.suite import Suite, find_suites

if TYPE_CHECKING:
    from hookline.core.plugin import PluginContext

logger = logging.getLogger(__name__)


class QualityPlugin:
    """Suites on the bus.

    Raises:
        ConfigError: on construction, when a pattern names no file, or a suite is not valid.
        MissingExtraError: datasets are to be profiled, and what sketches are made by is not installed.
    """

    Config: ClassVar[type[PluginConfig]] = QualityConfig

    def __init__(self, config: QualityConfig, context: PluginContext) -> None:
        if config.profile and find_spec("datasketches") is None:
            raise MissingExtraError("quality", "datasketches")
        import_modules(config.modules)
        self._suites = find_suites(config.suites, context.base_dir)
        self._store = context.store
        self._config = config
        self._base_dir = context.base_dir
        self._results = f"{context.name} results" if config.results is not None else None
        self._outbox = context.outbox
        if config.results is not None:
            place = config.results if "://" in config.results else str(context.base_dir / config.results)
            context.outbox.register(f"{context.name} results", ResultsSink(place))
        self._idle: list[Suite] = list(self._suites)
        self._anything_written = False
        self._open_runs: set[str] = set()

    @hookimpl
    def on_run_started(self, event: RunStarted, run: Run) -> None:
        """Know which runs go on, to tell an inner one from an outer one."""
        self._open_runs.add(run.run_id)

    @hookimpl
    def measure_write(self, event: Write, run: Run) -> list[Measure] | None:
        """What the matching suites need."""
        measures = measures_of(self._rules(event))
        if self._config.profile:
            from hookline.quality.profile.keeping import sketches_for

            measures = [*measures, *sketches_for(event, self._config.profile)]
        return measures

    @hookimpl
    def judge_write(self, event: Write, run: Run, results: Mapping[Measure, Measured]) -> list[Verdict]:
        """A verdict for every check of the matching suites."""
        return verdicts_of(self._rules(event), results, event, self._history(event, run))

    def _history(self, event: Write, run: Run) -> StoredHistory | None:
        return (
            None if self._store is None else StoredHistory(self._store.get, event.dataset, run.run_id, event.started_at)
        )

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """A suite that matches is of use; what was written has its profile kept."""
        self._use_suites(event)
        self._tell(event, run)
        if self._config.profile and self._store is not None:
            from hookline.quality.profile.keeping import keep_profile

            keep_profile(self._outbox, event, run, self._config.profile)

    @hookimpl
    def on_write_failed(self, event: Write, run: Run) -> None:
        """So is one that matches a write that failed, or was refused."""
        self._use_suites(event)
        self._tell(event, run)

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """Tell, once, which suites matched nothing: their pattern may be misspelt. Without writes it says nothing."""
        self._open_runs.discard(run.run_id)
        if run.parent_run_id in self._open_runs or not self._anything_written:
            return
        for suite in self._idle:
            logger.warning(
                "%s: no write of this run matched the suite's dataset %s; its %s not used",
                suite.where,
                " or ".join(map(repr, suite.datasets)),
                "check was" if len(suite.checks) == 1 else f"{len(suite.checks)} checks were",
            )
        self._idle = []

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """A run that failed may not have come to its writes: nothing is said of unused suites."""
        self._open_runs.discard(run.run_id)

    def _tell(self, event: Write, run: Run) -> None:
        if self._results is not None and event.verdicts:
            message = content_id("results", event.write_id)
            self._outbox.put(self._results, results_of(event, run), kind="results", id=message, order_key=run.run_id)

    def _rules(self, event: Write) -> tuple[Rule, ...]:
        folder = quarantine_of(self._config.quarantine, self._base_dir, event.dataset)
        return rules_for(event.dataset, self._suites, self._config.breaker, folder, event.columns)

    def _use_suites(self, event: Write) -> None:
        self._anything_written = True
        self._idle = [suite for suite in self._idle if not suite.matches(event.dataset)]
