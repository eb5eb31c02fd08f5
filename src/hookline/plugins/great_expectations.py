"""Judges writes by suites of Great Expectations, and keeps what was found as its validation results."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from hookline.core.events import Breaker, Column, Dataset, Measure, Measured, Run, RunEnded, Verdict, Write
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig
from hookline.quality.breaker import Rule, measures_of, quarantine_of, rules_for, verdicts_of
from hookline.quality.checks.registry import import_modules
from hookline.quality.gx.suites import SuiteEntry, read_all
from hookline.quality.gx.telling import Teller
from hookline.quality.suite import Suite, as_breaker

if TYPE_CHECKING:
    from hookline.core.plugin import PluginContext

_REMEMBERED = 16


class GreatExpectationsConfig(PluginConfig):
    """Options of ``great_expectations``."""

    suites: Annotated[tuple[SuiteEntry, ...], Field(min_length=1)] = Field(description="The suites.")
    modules: tuple[str, ...] = Field((), description="Python modules to import, which bring expectations of your own.")
    parameters: Mapping[str, Any] = Field(
        default_factory=dict, description="Values of suite parameters (`$PARAMETER`)."
    )
    breaker: Annotated[Breaker, BeforeValidator(as_breaker)] = Field(
        "on", description="What follows from a failed expectation: as of the plugin `quality`."
    )
    quarantine: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="A folder for rows that are set aside; by default they are beside the datasets."
    )
    context: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="The folder of a data context that keeps suites and results, or `ephemeral`: in the process."
    )
    data_docs: bool = Field(False, description="Build the context's data docs when a run ends.")
    checks: tuple[str, ...] = Field(
        (),
        description="Suites of hookline's own, as globs, whose verdicts (by the plugin `quality`) the context keeps too.",
    )


class GreatExpectationsPlugin:
    """Suites of Great Expectations on the bus.

    Raises:
        ConfigError: on construction, when a suite can't be read, or an expectation of it not be understood.
    """

    Config: ClassVar[type[PluginConfig]] = GreatExpectationsConfig
    requires: ClassVar[tuple[str, ...]] = ("great_expectations",)

    def __init__(self, config: GreatExpectationsConfig, context: PluginContext) -> None:
        import_modules(config.modules)
        self._config = config
        self._base_dir = context.base_dir
        self._suites: dict[str, Suite] = read_all(config.suites, context.base_dir, config.parameters)
        # A write asks for its rules three times, and the next batch of a stream for the same ones.
        self._fitted = lru_cache(maxsize=_REMEMBERED)(self._fit)
        self._teller = None
        if config.context is not None:
            self._teller = Teller(config.context, self._suites, config.checks, context, docs=config.data_docs)

    @hookimpl
    def measure_write(self, event: Write, run: Run) -> list[Measure] | None:
        """What the matching suites need."""
        return measures_of(self._rules(event))

    @hookimpl
    def judge_write(self, event: Write, run: Run, results: Mapping[Measure, Measured]) -> list[Verdict]:
        """A verdict for every expectation of the matching suites."""
        return verdicts_of(self._rules(event), results, event)

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """Keep what was found."""
        self._tell(event, run)

    @hookimpl
    def on_write_failed(self, event: Write, run: Run) -> None:
        """So of a write that was refused."""
        self._tell(event, run)

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """Build the data docs."""
        self._end(run)

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """Those above all of a run that failed."""
        self._end(run)

    def _rules(self, event: Write) -> tuple[Rule, ...]:
        return self._fitted(event.dataset, event.dataset.symlinks, event.columns)

    def _fit(
        self, dataset: Dataset, symlinks: tuple[tuple[str, str], ...], columns: tuple[Column, ...]
    ) -> tuple[Rule, ...]:
        """The rules of data with these columns. Suites may name a dataset by its other names, which equal ones need not share."""
        folder = quarantine_of(self._config.quarantine, self._base_dir, dataset)
        return rules_for(dataset, self._suites.values(), self._config.breaker, folder, columns)

    def _tell(self, event: Write, run: Run) -> None:
        if self._teller is not None and event.verdicts:
            self._teller.tell(event, run, self._rules(event))

    def _end(self, run: Run) -> None:
        if self._teller is not None:
            self._teller.end(run)
