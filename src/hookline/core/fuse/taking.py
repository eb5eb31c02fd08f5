"""All measures of a write, each by the first way that is exact."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence

from hookline.core.events import Measure, Measured, Way
from hookline.core.fuse.binding import bind
from hookline.core.fuse.domain import Domain, domain_of
from hookline.core.fuse.footers import Footers, read_footers, read_one_footer
from hookline.core.fuse.jobs import DeadlineError
from hookline.core.fuse.proof import footers_may_prove, prove_by_footers, prove_by_writer
from hookline.core.fuse.sparkpass import describe, measure_by_spark
from hookline.core.fuse.storage import storage_options
from hookline.core.fuse.target import Target
from hookline.core.fuse.vectorised import FORMATS, Place, measure_vectorised, why_not_vectorised

WAYS: tuple[Way, ...] = ("proof", "vectorised", "observe", "spark")
_log = logging.getLogger(__name__)


def take(
    measures: Iterable[Measure],
    target: Target,
    *,
    ways: Sequence[Way] = WAYS,
    deadline_s: float = 600.0,
    place: Place = "auto",
) -> dict[Measure, Measured]:
    """Every measure's value, or the sentence that says why it has none. Never raises for a measure.

    Args:
        ways: which ways may be used; always tried in the order of ``WAYS``.
        deadline_s: for everything together. What is not known by then is an error, and its jobs are cancelled.
        place: where DuckDB runs. ``auto`` is Spark tasks, and a child process of the driver under ``local[*]``.
    """
    return _Taking(measures, target, ways, deadline_s, place).run()


class _Taking:
    """The measures of one write, on their way from open to known."""

    def __init__(
        self, measures: Iterable[Measure], target: Target, ways: Sequence[Way], deadline_s: float, place: Place
    ) -> None:
        self._target = target
        self._ways = ways
        self._place = place
        self._ends = time.monotonic() + deadline_s
        self._asked = list(dict.fromkeys(measures))
        self._open, self._known = bind(self._asked, target.columns)
        self._footers: Footers | None = None
        self._footers_tried = False

    def run(self) -> dict[Measure, Measured]:
        for way, step in (
            ("proof", self._prove),
            ("vectorised", self._vectorise),
            ("observe", self._pick_up),
            ("spark", self._pass),
        ):
            if way in self._ways and self._open:
                try:
                    step()
                except DeadlineError as error:
                    self._known |= {one.measure: Measured(error=f"{one.measure}: {error}") for one in self._open}
                    self._open = []
                except Exception as error:  # noqa: BLE001 - the next way has its turn
                    _log.warning("measuring by %s failed: %s", way, describe(error))
        for one in self._open:
            reason = self._target.ridden.get(one.measure, Measured()).error
            self._known[one.measure] = Measured(error=reason or f"{one.measure}: no allowed way can take it")
        return {measure: self._known[measure] for measure in self._asked}

    def _settle(self, known: dict[Measure, Measured | None]) -> None:
        """Take what has a value off the list of open measures."""
        self._known |= {measure: value for measure, value in known.items() if value is not None and value.ok}
        self._open = [one for one in self._open if one.measure not in self._known]

    def _prove(self) -> None:
        if self._files_disagree(self._recorded_rows()):
            return
        self._settle({one.measure: prove_by_writer(one, self._target, self._recorded_rows()) for one in self._open})
        if not any(footers_may_prove(one, self._target) for one in self._open):
            return
        footers = self._read_footers()
        if footers is None or why_not_vectorised(self._target, footers) or self._files_disagree(footers.rows):
            return
        if len(footers.rows) == len(self._target.files or ()):
            self._settle({one.measure: prove_by_footers(one, self._target, footers) for one in self._open})
            self._settle({one.measure: prove_by_writer(one, self._target, footers.rows) for one in self._open})

    def _vectorise(self) -> None:
        footers = self._read_footers()
        reason = why_not_vectorised(self._target, footers)
        if reason is not None or footers is None:
            _log.info("not measured by DuckDB: %s", reason)
            return
        known = self._recorded_rows() or (footers.rows if len(footers.rows) == len(self._target.files or ()) else None)
        rows = self._target.rows if known is None else sum(known)
        if self._files_disagree(known):
            return
        left_s = self._ends - time.monotonic()
        self._settle(dict(measure_vectorised(self._open, self._target, footers, left_s, rows=rows, place=self._place)))

    def _pick_up(self) -> None:
        self._settle({one.measure: self._target.ridden.get(one.measure) for one in self._open})

    def _pass(self) -> None:
        self._known |= measure_by_spark(self._open, self._target, self._ends - time.monotonic())
        self._open = []

    def _recorded_rows(self) -> tuple[int, ...] | None:
        """Rows per file as the writer recorded them; None unless it did so for all."""
        rows = tuple(file.rows for file in self._target.files or () if file.rows is not None)
        return rows if self._target.files is not None and len(rows) == len(self._target.files) else None

    def _files_disagree(self, rows: Sequence[int] | None) -> bool:
        """Whether the files hold another number of rows than the writer wrote: then they aren't this write's files."""
        if rows is None or self._target.rows is None or sum(rows) == self._target.rows:
            return False
        _log.warning("the files hold %d rows and %d were written: not measured by files", sum(rows), self._target.rows)
        return True

    def _read_footers(self) -> Footers | None:
        """The footers of all files, or of one where that's too many; None when they can't be read. Read once."""
        if not self._footers_tried:
            self._footers_tried = True
            try:
                self._footers = self._load_footers()
            except Exception as error:  # noqa: BLE001 - pyarrow raises many types; Spark can still read the data
                _log.info("no footers: %s", describe(error))
        return self._footers

    def _load_footers(self) -> Footers | None:
        files = self._target.files
        if files is None or (self._target.format or "").lower() not in FORMATS:
            return None
        if not files:
            return Footers(())
        storage = storage_options(self._target)
        paths = [file.path for file in files]
        return read_footers(paths, self._wanted(), storage) or read_one_footer(paths[0], storage)

    def _wanted(self) -> dict[str, Domain]:
        physical = self._target.physical_names
        columns = {column for one in self._open for column in one.columns}
        return {physical.get(column.name, column.name): domain_of(column.type) for column in columns}
