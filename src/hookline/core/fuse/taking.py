"""All measures of a write, each by the first way that is exact."""

from __future__ import annotations

import dataclasses
import functools
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from hookline.core.errors import HooklineError
from hookline.core.events import Measure, Measured, Way
from hookline.core.fuse.binding import SKETCHED, Bound, bind
from hookline.core.fuse.domain import Domain, domain_of
from hookline.core.fuse.examining import describe
from hookline.core.fuse.footers import Footers, read_footers, read_one_footer
from hookline.core.fuse.jobs import DeadlineError
from hookline.core.fuse.pricing import Price, price_of
from hookline.core.fuse.proof import footers_may_prove, prove_by_footers, prove_by_writer
from hookline.core.fuse.sparkpass import measure_by_spark
from hookline.core.fuse.storage import storage_options
from hookline.core.fuse.target import Target
from hookline.core.fuse.vectorised import FORMATS, Place, measure_vectorised, stand_by, why_not_vectorised

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

WAYS: tuple[Way, ...] = ("proof", "vectorised", "observe", "spark")
# What statistics can answer; for anything else somebody looks at the data.
_PROVED = frozenset({"rows", "columns", "nulls", "minimum", "maximum", "outside"})
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
    asked = list(dict.fromkeys(measures))
    found = _Taking([one for one in asked if one.dataset is None], target, ways, deadline_s, place).run()
    for dataset in dict.fromkeys(one.dataset for one in asked if one.dataset is not None):
        found |= _take_elsewhere(
            [one for one in asked if one.dataset == dataset], dataset, target, ways, deadline_s, place
        )
    return {measure: found[measure] for measure in asked}


def explain(measures: Iterable[Measure], target: Target, *, ways: Sequence[Way] = WAYS) -> dict[Measure, Price]:
    """What ``take`` would do for each measure, and what that would read. Footers are read, and nothing else."""
    asked = list(dict.fromkeys(measures))
    found = _Taking([one for one in asked if one.dataset is None], target, ways, 60.0, "auto").plan()
    for measure in asked:
        if measure.dataset is not None:
            try:
                other = target.find_other(measure.dataset)
            except HooklineError as error:
                found[measure] = Price("none", why=str(error))
                continue
            plain = dataclasses.replace(measure, dataset=None)
            found[measure] = explain([plain], other, ways=ways)[plain]
    return {measure: found[measure] for measure in asked}


def _take_elsewhere(
    measures: Sequence[Measure], dataset: str, target: Target, ways: Sequence[Way], deadline_s: float, place: Place
) -> dict[Measure, Measured]:
    """Measures of another dataset, as they would be taken of it."""
    try:
        other = target.find_other(dataset)
    except HooklineError as error:
        return {measure: Measured(error=f"{measure}: {error}") for measure in measures}
    plain = {dataclasses.replace(measure, dataset=None): measure for measure in measures}
    return {
        plain[one]: value for one, value in take(plain, other, ways=ways, deadline_s=deadline_s, place=place).items()
    }


def get_ready(measures: Iterable[Measure], spark: SparkSession, *, partition_by: Collection[str] = ()) -> None:
    """Before files are written that will be measured: begin what takes its time, while Spark writes. Never raises.

    Args:
        partition_by: columns whose values stand in the files' paths.
    """
    if any(_needs_a_look(measure, partition_by) for measure in measures):
        try:
            stand_by(spark)
        except Exception as error:  # noqa: BLE001 - who measures finds out again
            _log.debug("measuring was not prepared: %s", type(error).__name__)


def _needs_a_look(measure: Measure, partition_by: Collection[str]) -> bool:
    told_by_paths = bool(measure.columns) and set(measure.columns) <= set(partition_by)
    return measure.where is not None or not (measure.kind in _PROVED or told_by_paths)


class _Taking:
    """The measures of one write, on their way from open to known."""

    def __init__(
        self, measures: Iterable[Measure], target: Target, ways: Sequence[Way], deadline_s: float, place: Place
    ) -> None:
        self._target = target
        self._ways = ways
        self._place = place
        self._ends = time.monotonic() + deadline_s
        self._asked = list(measures)
        self._others = functools.lru_cache(target.find_other)
        self._footers_of = functools.lru_cache(self._footers_of_other)
        self._open, self._known = bind(self._asked, target.columns, lambda name: self._others(name).columns)
        self._settle(
            {one.measure: Measured(target.columns, "proof") for one in self._open if one.measure.kind == "columns"}
        )
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

    def plan(self) -> dict[Measure, Price]:
        """What each measure will take."""
        if "proof" in self._ways:
            self._prove()
        prices = {m: Price(v.way) if v.ok else Price("none", why=v.error or "") for m, v in self._known.items()}
        footers = self._read_footers()
        for one in self._open:
            needs = one.measure.others[0].dataset if one.measure.kind == "orphans" else ""
            other = self._readable(needs) if needs else None
            prices[one.measure] = price_of(one, self._target, footers, self._ways, other)
        return prices

    def _settle(self, known: dict[Measure, Measured | None]) -> None:
        """Take what has a value off the list of open measures."""
        self._known |= {measure: value for measure, value in known.items() if value is not None and value.ok}
        self._open = [one for one in self._open if one.measure not in self._known]

    def _settle_proofs(self, proved: Callable[[Bound], Measured | None]) -> None:
        """What is proved of all rows holds for some of them only when it is that none is there."""
        values = {one: proved(one) for one in self._open if one.measure.kind not in SKETCHED}
        self._settle(
            {
                one.measure: value
                for one, value in values.items()
                if one.where is None or (value is not None and value.value == 0)
            }
        )

    def _prove(self) -> None:
        if self._files_disagree(self._recorded_rows()):
            return
        self._settle_proofs(lambda one: prove_by_writer(one, self._target, self._recorded_rows()))
        if not any(footers_may_prove(one, self._target) for one in self._open):
            return
        footers = self._read_footers()
        if footers is None or why_not_vectorised(self._target, footers) or self._files_disagree(footers.rows):
            return
        if len(footers.rows) == len(self._target.files or ()):
            self._settle_proofs(lambda one: prove_by_footers(one, self._target, footers))
            self._settle_proofs(lambda one: prove_by_writer(one, self._target, footers.rows))

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
        taken = measure_vectorised(
            self._open, self._target, footers, left_s, rows=rows, others=self._readable, place=self._place
        )
        self._settle(dict(taken))

    def _readable(self, dataset: str) -> tuple[Target, Footers] | None:
        """Another dataset with its footers, when its files can be read by DuckDB."""
        other = self._others(dataset)
        footers = self._footers_of(dataset) if other.files else None
        return None if footers is None or why_not_vectorised(other, footers) else (other, footers)

    def _footers_of_other(self, dataset: str) -> Footers | None:
        """Its columns' sizes, and how its files were written."""
        other = self._others(dataset)
        return load_footers(other, {column.name: domain_of(column.type) for column in other.columns})

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
                self._footers = load_footers(self._target, self._wanted())
            except Exception as error:  # noqa: BLE001 - pyarrow raises many types; Spark can still read the data
                _log.info("no footers: %s", describe(error))
        return self._footers

    def _wanted(self) -> dict[str, Domain]:
        physical = self._target.physical_names
        columns = {column for one in self._open for column in one.all_columns}
        return {physical.get(column.name, column.name): domain_of(column.type) for column in columns}


def load_footers(target: Target, wanted: Mapping[str, Domain]) -> Footers | None:
    """What the footers of a target's files say of some columns; of one file where there are too many, None where there is none."""
    files = target.files
    if files is None or (target.format or "").lower() not in FORMATS:
        return None
    if not files:
        return Footers(())
    storage = storage_options(target)
    paths = [file.path for file in files]
    return read_footers(paths, wanted, storage) or read_one_footer(paths[0], storage)
