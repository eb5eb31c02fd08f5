"""What the plugins want to know of one write, and what is known of it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from hookline.core import fuse
from hookline.core.errors import WriteRefusedError
from hookline.core.events import Column, Measure, Measured, Verdict, Way, Write
from hookline.core.runtime import RunScope
from hookline.pipelines import announced
from hookline.pipelines.at_rest import Finder
from hookline.pipelines.staging.held import HeldStage
from hookline.pipelines.targets import FILES_TO_MEASURE, Written

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from hookline.pipelines.chain.request import Request
    from hookline.pipelines.staging.choice import Stage

_COST: Sequence[Way] = ("none", "proof", "vectorised", "observe", "spark")


class Measuring:
    """The measures of one write.

    Attributes:
        wanted: by plugin, once they were asked.
        results: of each measure that was taken, or can't be.
    """

    def __init__(self, scope: RunScope, request: Request) -> None:
        self.wanted: dict[str, tuple[Measure, ...]] = {}
        self.results: dict[Measure, Measured] = {}
        self._scope = scope
        self._request = request
        self._riding: fuse.Riding | None = None
        self._find = Finder(request.spark)

    @property
    def wants(self) -> bool:
        """Whether anything is to be measured."""
        return any(self.wanted.values())

    def ask(self, write: Write) -> None:
        """Ask every plugin what it wants."""
        self.wanted = self._scope.bus.measures(write, self._scope.run)

    def get_ready(self, write: Write, frame: DataFrame, columns: tuple[Column, ...], stage: Stage | None) -> DataFrame:
        """Find out before the write what can't be measured, and prepare the rest.

        Returns:
            The frame to write, which carries along what can only be counted while it passes.

        Raises:
            WriteRefusedError: a required measure can't be taken.
        """
        return self._ride(write, frame, self.resolve(write, columns), stage)

    def resolve(self, write: Write, columns: tuple[Column, ...]) -> list[Measure]:
        """Those that can be measured on such columns; a required one that can't stops the write.

        Raises:
            WriteRefusedError: a required measure can't be taken.
        """
        good, bad = fuse.resolve(_distinct(self.wanted), columns, self._columns_elsewhere)
        self.results.update(bad)
        self._refuse_unmeasured(write)
        return good

    def give_up(self, write: Write, reason: str) -> None:
        """Nothing of it can be measured.

        Raises:
            WriteRefusedError: a required measure can't be taken.
        """
        self.results.update(dict.fromkeys(_distinct(self.wanted), Measured(error=reason)))
        self._refuse_unmeasured(write)

    def forget(self) -> None:
        """Rows were taken out since: only what can't be measured is still known."""
        self.results = {measure: result for measure, result in self.results.items() if not result.ok}
        self._riding = None

    def take(self, write: Write, written: Written, columns: Callable[[], tuple[Column, ...]], *, held: bool) -> Write:
        """Measure what was written, where somebody wants to know or the files say it for nothing.

        Args:
            columns: those that it has; asked only where something is measured.
            held: the executors keep the rows, where the number of rows is counted with the rest.

        Returns:
            The write, with what was measured.

        Raises:
            WriteRefusedError: a required measure can't be taken.
        """
        # The number of rows is worth knowing by itself where files say it; nothing is read again for it alone.
        counts = held or (written.files is not None and write.dataset.format in FILES_TO_MEASURE)
        if not self.wanted and not counts:
            return write
        asked = dict.fromkeys((*_distinct(self.wanted), *([Measure.rows()] if counts else [])))
        measures = [measure for measure in asked if measure not in self.results]
        its_columns = columns()
        if self._request.frame is None:
            measures, bad = fuse.resolve(measures, its_columns, self._columns_elsewhere)
            self.results.update(bad)
        self._fuse(write, written, its_columns, measures)
        rows = self.results.get(Measure.rows())
        write = dataclasses.replace(
            write,
            way=_costliest(self.results),
            rows=rows.value if rows is not None and rows.ok else write.rows,
            measured=tuple(self.results.items()),
        )
        self._refuse_unmeasured(write)
        self._scope.bus.show_measured(write, self._scope.run, self.wanted, self.results)
        return write

    def judge(self, write: Write) -> tuple[Verdict, ...]:
        """What the plugins say of it.

        Raises:
            WriteRefusedError: a gate can't be asked.
        """
        try:
            return self._scope.bus.judge(write, self._scope.run, self.wanted, self.results)
        except WriteRefusedError as error:
            raise WriteRefusedError(error.dataset, error.reasons, published=write.published) from None

    def _ride(self, write: Write, frame: DataFrame, measures: list[Measure], stage: Stage | None) -> DataFrame:
        # What lands in files is measured there; the rest can only be counted while it passes.
        held = isinstance(stage, HeldStage)
        lands_in_files = write.dataset.format in FILES_TO_MEASURE and not held
        ways = self._scope.runtime.config.measure.ways
        if lands_in_files and "vectorised" in ways:
            fuse.get_ready(measures, self._request.spark, partition_by=write.partition_by)
        if lands_in_files or "observe" not in ways:
            return frame
        if stage is not None and self._request.stored is not None:
            return frame  # what rides along must know the columns as the target has them
        if held:
            measures = list(dict.fromkeys((*measures, Measure.rows())))
        frame, self._riding = fuse.ride(frame, measures)
        return frame

    def _fuse(self, write: Write, written: Written, columns: tuple[Column, ...], measures: list[Measure]) -> None:
        settings = self._scope.runtime.config.measure
        target = fuse.Target(
            spark=self._request.spark,
            format=write.dataset.format,
            columns=columns,
            files=written.files,
            rows=written.rows,
            read_back=written.read_back,
            ridden={} if self._riding is None else self._riding.collect(settings.deadline_s, written.rows),
            others=self._find,
        )
        with contextlib.ExitStack() as stack:
            for dataset in (write.dataset, *(other.dataset for other in self._find.found.values())):
                stack.enter_context(announced.window("measure", dataset))
            self.results.update(fuse.take(measures, target, ways=settings.ways, deadline_s=settings.deadline_s))

    def _columns_elsewhere(self, place: str) -> tuple[Column, ...]:
        return self._find(place).columns

    def _refuse_unmeasured(self, write: Write) -> None:
        reasons = tuple(
            f"{measure} is required and could not be measured: {result.error}"
            for measure, result in self.results.items()
            if not result.ok and any(m == measure and m.required for own in self.wanted.values() for m in own)
        )
        if reasons:
            raise WriteRefusedError(str(write.dataset), reasons, published=write.published)


def _distinct(wanted: Mapping[str, Sequence[Measure]]) -> list[Measure]:
    return list(dict.fromkeys(measure for own in wanted.values() for measure in own))


def _costliest(results: Mapping[Measure, Measured]) -> Way:
    return max((result.way for result in results.values()), key=_COST.index, default="none")
