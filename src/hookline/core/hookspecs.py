"""Every hook, and beside it what happens when an implementation fails.

The kind of a hook is in its name, and the kind fixes the policy (``policy_of``):

- ``on_*`` notifies and fails **open**: the failure is counted, logged once and shown in the run's summary; the job goes on.
- ``measure_*`` contributes measures. One that fails is dropped for that plugin, unless it is required: then the write is
  refused.
- ``authorize_*``, ``transform_*`` and ``judge_*`` decide or change data and fail **closed**: the write is refused.

Hooks are called on the driver only, in the order in which the configuration names the plugins, one call at a time per
plugin. Every ``on_*_started`` is followed by exactly one ``on_*_finished`` or ``on_*_failed``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import pluggy

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from hookline.core.events import Denial, Measure, Measured, Read, Run, RunEnded, RunStarted, Verdict, Write
    from hookline.core.sealing import Sealed

PROJECT = "hookline"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Policy = Literal["open", "drop", "closed"]
_POLICY_OF_KIND: Mapping[str, Policy] = {
    "on": "open",
    "measure": "drop",
    "authorize": "closed",
    "transform": "closed",
    "judge": "closed",
}


def policy_of(hook: str) -> Policy:
    """What happens when an implementation of this hook fails; KeyError for a name outside the grammar."""
    return _POLICY_OF_KIND[hook.split("_", 1)[0]]


class Hooks:
    """The specifications. A plugin implements any of them with ``@hookline.hookimpl``."""

    @hookspec
    def on_run_started(self, event: RunStarted, run: Run) -> None:
        """A job began, before its first line runs. New in 0.1."""

    @hookspec
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """A job ended by itself with exit code 0 and without a refused write. New in 0.1."""

    @hookspec
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """A job failed, was refused a write, or was found dead by a later run (``event.status``). New in 0.1."""

    @hookspec
    def on_read_observed(self, event: Read, run: Run) -> None:
        """A dataset was read, once per dataset and run. New in 0.1."""

    @hookspec
    def authorize_write(self, event: Write, run: Run) -> Denial | None:
        """May this be written? Called before anything is written. A ``Denial`` or any failure refuses the write. New in 0.1.

        When ``event.transformable`` is False the data can't be changed on its way (a MERGE, an RDD): a plugin that must
        change it has to deny here. A plugin that implements ``transform_write`` and not this hook is taken to deny.
        """

    @hookspec
    def transform_write(self, event: Write, run: Run, frame: DataFrame) -> DataFrame | Sealed | None:
        """Change the data before it is written: return a new DataFrame built from ``frame``, or None to leave it. New in 0.1.

        The frames are chained in the order of the configuration. ``Sealed`` is a frame whose files are to be encrypted; where that
        can't be had, the write is refused.
        """

    @hookspec
    def on_write_started(self, event: Write, run: Run) -> None:
        """A write that was authorized begins. New in 0.1."""

    @hookspec
    def measure_write(self, event: Write, run: Run) -> list[Measure] | None:
        """What this plugin wants to know about the rows of this write. All plugins' measures are taken together. New in 0.1."""

    @hookspec
    def on_write_measured(self, event: Write, run: Run, results: Mapping[Measure, Measured]) -> None:
        """The measured values, for a plugin that records and does not judge. Its own measures only. New in 0.1."""

    @hookspec
    def judge_write(self, event: Write, run: Run, results: Mapping[Measure, Measured]) -> list[Verdict] | None:
        """Judge the measured values. ``results`` has this plugin's own measures, each with a value or an error. New in 0.1.

        A verdict that refuses (``Verdict.refuses``) stops the write. Readers can't see the data yet, except where
        ``event.published`` is true. What a plugin judges by has to be among its measures: ``event.rows`` and ``event.bytes``
        may not be known yet.

        A failed verdict with ``sets_aside`` asks for these rows to be kept out of the target. Then the measures are taken
        again of what is left, and this is called again with them: ``event.rows_quarantined`` says how many rows went.
        """

    @hookspec
    def on_write_finished(self, event: Write, run: Run) -> None:
        """A write is done and visible; rows, bytes and verdicts are filled in. New in 0.1."""

    @hookspec
    def on_write_failed(self, event: Write, run: Run) -> None:
        """A write failed or was refused (``event.error``, ``event.verdicts``). New in 0.1."""


HOOKS: tuple[str, ...] = tuple(name for name in vars(Hooks) if not name.startswith("_"))
