"""``console``: a live line while Spark works, and a summary at the end, on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from hookline.core import voice
from hookline.core.events import Run, RunEnded, RunStarted, Write
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.observability.terminal import Switch, Terminal

if TYPE_CHECKING:
    from hookline.observability.advice import Advice
    from hookline.observability.cost import RunCost
    from hookline.observability.progress import Progress


class ConsoleConfig(PluginConfig):
    """Options of ``console``."""

    progress: Switch = Field("auto", description="The live line: on, off, or when standard error is a terminal (auto).")
    color: Switch = Field("auto", description="Colours: on, off, or on a terminal unless NO_COLOR is set (auto).")
    verdicts: Literal["failed", "all"] = Field("failed", description="Which checks the summary spells out.")


class ConsolePlugin:
    """Shows how a run goes and what came of it."""

    Config: ClassVar[type[PluginConfig]] = ConsoleConfig

    def __init__(self, config: ConsoleConfig, context: PluginContext) -> None:
        self._config = config
        # Taken now: a job that replaces sys.stderr later does so to catch its own output, not ours.
        self._terminal = Terminal(voice.stream(), color=config.color)
        self._progress: Progress | None = None
        self._runs = 0
        self._context = context

    @hookimpl
    def on_run_started(self, event: RunStarted, run: Run) -> None:
        """Begin to watch."""
        self._runs += 1
        wanted = self._config.progress == "on" or (self._config.progress == "auto" and self._terminal.interactive)
        if wanted and self._progress is None:
            from hookline.observability.progress import Progress

            self._progress = Progress(self._terminal)
            self._progress.start()

    @hookimpl
    def on_write_started(self, event: Write) -> None:
        """The live line says what is written."""
        if self._progress is not None:
            self._progress.write_started(event.write_id, str(event.dataset))

    @hookimpl
    def on_write_finished(self, event: Write) -> None:
        """It is no longer."""
        if self._progress is not None:
            self._progress.write_ended(event.write_id)

    @hookimpl
    def on_write_failed(self, event: Write) -> None:
        """It is no longer."""
        if self._progress is not None:
            self._progress.write_ended(event.write_id)

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """Show the summary."""
        self._show(event, run)

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """Show the summary, or say that an earlier run was found dead."""
        if event.status == "abandoned":
            self._terminal.write(self._abandoned(run))
        else:
            self._show(event, run)

    def _abandoned(self, run: Run) -> str:
        from hookline.observability.summary import render_abandoned

        return render_abandoned(run, width=self._terminal.line_width, style=self._terminal.style)

    def _advice(self, event: RunEnded) -> list[Advice]:
        from hookline.observability.advice import advise

        return advise(event)

    def _cost(self, event: RunEnded, run: Run) -> RunCost | None:
        if self._context.cost.platform is None:
            return None
        from hookline.observability.cost import Costing

        return Costing(self._context.cost, self._context.base_dir).of_run(event, run)

    def close(self) -> None:
        """Stop watching."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _show(self, event: RunEnded, run: Run) -> None:
        from hookline.observability.summary import render

        self._runs -= 1
        if self._runs <= 0:
            self.close()
        known = event.telemetry is not None  # when another plugin needs it
        text = render(
            run,
            event,
            width=self._terminal.line_width,
            style=self._terminal.style,
            verdicts=self._config.verdicts,
            advice=self._advice(event) if known else (),
            cost=self._cost(event, run) if known else None,
        )
        self._terminal.write(text)
