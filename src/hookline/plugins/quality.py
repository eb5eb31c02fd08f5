"""Judges every write by the suites that match its dataset; a failed critical check, or a required one, refuses it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from hookline.core.events import Measure, Measured, Run, RunEnded, RunStarted, Verdict, Write
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig
from hookline.quality.judging import judge, measures_of, soften
from hookline.quality.suite import Suite, checks_for, find_suites

if TYPE_CHECKING:
    from hookline.core.plugin import PluginContext

logger = logging.getLogger(__name__)


def _read_switch(given: object) -> object:
    return {True: "on", False: "off"}[given] if isinstance(given, bool) else given


class QualityConfig(PluginConfig):
    """Options of the plugin ``quality``."""

    suites: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="Files with suites: paths or glob patterns, from the configuration's own folder."
    )
    breaker: Annotated[Literal["on", "off"], BeforeValidator(_read_switch)] = Field(
        "on",
        description="off: failed critical checks, and required ones without an answer, are told and refuse nothing.",
    )


class QualityPlugin:
    """Suites on the bus.

    Raises:
        ConfigError: on construction, when a pattern names no file, or a suite is not valid.
    """

    Config: ClassVar[type[PluginConfig]] = QualityConfig

    def __init__(self, config: QualityConfig, context: PluginContext) -> None:
        self._suites = find_suites(config.suites, context.base_dir)
        self._refuses = config.breaker == "on"
        self._idle: list[Suite] = list(self._suites)
        self._open_runs: set[str] = set()

    @hookimpl
    def on_run_started(self, event: RunStarted, run: Run) -> None:
        """Know which runs go on, to tell an inner one from an outer one."""
        self._open_runs.add(run.run_id)

    @hookimpl
    def measure_write(self, event: Write, run: Run) -> list[Measure] | None:
        """What the matching suites need."""
        measures = measures_of(checks_for(event.dataset, self._suites))
        if self._refuses:
            return measures
        return [dataclasses.replace(measure, required=False) for measure in measures]

    @hookimpl
    def judge_write(self, event: Write, run: Run, results: Mapping[Measure, Measured]) -> list[Verdict]:
        """A verdict for every check of the matching suites."""
        verdicts = judge(checks_for(event.dataset, self._suites), results)
        return verdicts if self._refuses else [soften(verdict) for verdict in verdicts]

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """A suite that matches is of use."""
        self._use_suites(event)

    @hookimpl
    def on_write_failed(self, event: Write, run: Run) -> None:
        """So is one that matches a write that failed, or was refused."""
        self._use_suites(event)

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """Tell, once, which suites matched nothing: their pattern may be misspelt."""
        self._open_runs.discard(run.run_id)
        if run.parent_run_id in self._open_runs:
            return
        for suite in self._idle:
            logger.warning(
                "%s: no write of this run matched the suite's dataset %s; its %d checks were not used",
                suite.where,
                " or ".join(map(repr, suite.datasets)),
                len(suite.checks),
            )
        self._idle = []

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """A run that failed may not have come to its writes: nothing is said of unused suites."""
        self._open_runs.discard(run.run_id)

    def _use_suites(self, event: Write) -> None:
        self._idle = [suite for suite in self._idle if not suite.matches(event.dataset)]
