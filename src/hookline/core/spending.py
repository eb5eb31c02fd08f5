"""How a run learns what Spark spent on it: asked beside the job, once, when a plugin needs it (``core.telemetry``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from hookline.core.events import Run
from hookline.core.telemetry import RunTelemetry, StreamProgress, Telemetry

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Asks Spark what one write took. Called once, by the thread that tells of ended writes.
Spent = Callable[[], Telemetry | None]
# Gives the progress of a write's batch, when Spark has told it.
Progress = Callable[[], StreamProgress | None]


class WriteSpending(Protocol):
    """What marks one write's jobs, so that somebody can ask for them afterwards. One of these is called, once."""

    def tagged(self, spark: SparkSession) -> AbstractContextManager[None]:
        """Spark jobs of the enclosed code, in this thread and those that Spark starts for it, are the write's."""

    def of_batch(self, group: str, batch_id: int, began: dt.datetime, stream: StreamProgress | None) -> None:
        """The write is a batch of a streaming sink: its jobs are those of the query's group that name the batch."""

    def of_window(self, began: dt.datetime, duration_s: float) -> None:
        """The write was seen afterwards: its jobs are those that ran meanwhile."""

    @property
    def spent(self) -> Spent | None:
        """Asks Spark, once the write is over; None when nothing ran."""


class Spending(Protocol):
    """Knows what Spark spends while runs go on. No method raises."""

    def run_began(self, run: Run) -> None:
        """From now on what Spark spends is this run's."""

    def of_write(self, write_id: str, stream: Progress | None = None) -> WriteSpending:
        """A write begins.

        Args:
            stream: of a write in a batch function.
        """

    def use(self, spark: SparkSession) -> None:
        """A session was seen: its settings are those that advice is about."""

    def look(self) -> None:
        """Ask what the open runs have taken by now: Spark may be about to stop."""

    def of_run(self, run: Run) -> RunTelemetry | None:
        """What it spent on the run, which ends; None when there is no Spark in this process."""

    def close(self) -> None:
        """Nothing is asked any more."""
