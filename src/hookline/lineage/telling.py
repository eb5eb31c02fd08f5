"""From hooks to OpenLineage events: what every plugin that tells them has in common."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from hookline.core.errors import HooklineError
from hookline.core.events import Dataset, Run, RunEnded, RunStarted, Write
from hookline.core.hookspecs import hookimpl
from hookline.core.store import LazyStore
from hookline.lineage.about import AboutWrite
from hookline.lineage.facets import JobRun
from hookline.lineage.openlineage import Event, EventBuilder
from hookline.lineage.options import EventOptions, builder
from hookline.lineage.redaction import redacted

if TYPE_CHECKING:
    from hookline.core.store.inheriting import Known, Place

logger = logging.getLogger(__name__)
_KEPT = 1_000
_KNOWN_S = 60.0


class EventTeller:
    """Turns runs and writes into events and hands each to ``put``, in order.

    A subclass is a plugin; its constructor says where events go.

    Args:
        put: takes an event, and says whether it did; the run is what it must stay in order with.
        store: where the versions of schemas are; looked into while it is open.
    """

    def __init__(
        self, options: EventOptions, put: Callable[[Run, Event], bool], store: LazyStore | None = None
    ) -> None:
        self._store = store
        self._events: EventBuilder = builder(options)
        self._sql = options.sql
        self._put = put
        self._running_every = dt.timedelta(seconds=options.running_every_s)
        self._runs: dict[str, _Progress] = {}
        # When it was asked what columns hold, and the answer.
        self._known: tuple[float, dict[Place, tuple[Known, ...]]] | None = None
        # Who wrote a dataset last, of the runs of this process.
        self._writers: OrderedDict[Dataset, JobRun] = OrderedDict()

    @hookimpl
    def on_run_started(self, event: RunStarted, run: Run) -> None:
        """START of the run."""
        self._progress(run).told_at = event.started_at
        self._put(run, self._events.run_started(event, run))

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """COMPLETE of the run."""
        self._end(event, run)

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """FAIL of the run, or ABORT when it was found dead."""
        self._end(event, run)

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """START and COMPLETE of the write."""
        self._write(event, run, failed=False)
        self._remember_writer(event.dataset, JobRun(self._events.namespace, run.job, run.run_id))

    @hookimpl
    def on_write_failed(self, event: Write, run: Run) -> None:
        """START and FAIL of the write."""
        self._write(event, run, failed=True)

    def writes_told(self, run_id: str) -> int | None:
        """How many of a run's writes were told of; None for a run that nobody knows here."""
        told = self._runs.get(run_id)
        return None if told is None else told.writes_told

    def _write(self, event: Write, run: Run, *, failed: bool) -> None:
        both = self._events.write_ended(event, run, failed=failed, about=self._about(event, run))
        taken = [self._put(run, one) for one in both]
        progress = self._progress(run)
        progress.writes_told += all(taken)
        at = event.finished_at or event.started_at
        if at - progress.told_at >= self._running_every:
            progress.told_at = at
            self._put(run, self._events.run_goes_on(at, run, writesTold=progress.writes_told))

    def _end(self, event: RunEnded, run: Run) -> None:
        told = self._runs.pop(run.run_id, None)
        # A run that was found dead had another process, and nobody here knows what was told of it.
        counts = {} if told is None else {"writes": event.writes_total, "writesTold": told.writes_told}
        self._put(run, self._events.run_ended(event, run, **counts))

    def _about(self, event: Write, run: Run) -> AboutWrite:
        text = event.statement.text if self._sql and event.statement is not None else ""
        return AboutWrite(
            redacted(text) if text else None,
            tuple(self._upstream(event, run)),
            self._schema_change(event),
            self._personal(event),
        )

    def _personal(self, event: Write) -> tuple[tuple[str, str], ...]:
        """What its columns hold: found there before, or come from where it was found."""
        store = self._store.opened if self._store is not None else None
        if store is None:
            return ()
        from hookline.core.store.inheriting import inherit, known_in

        try:
            if self._known is None or time.monotonic() - self._known[0] > _KNOWN_S:
                self._known = time.monotonic(), known_in(store)
        except HooklineError as error:
            logger.warning("what columns hold is not told: %s", error)
            return ()
        known = self._known[1]
        found = {(one.column, one.entity) for one in known.get((event.dataset.namespace, event.dataset.name), ())}
        if event.column_lineage is not None:
            found |= {(one.column, one.entity) for one in inherit(event.column_lineage, known)}
        return tuple(sorted(found))

    def _schema_change(self, event: Write) -> dict[str, Any] | None:
        """What a visible write changed of its dataset's schema, and who is downstream when that may break them."""
        store = self._store.opened if self._store is not None else None
        if store is None or not event.published or not event.columns:
            return None
        from hookline.lineage.schema_history import change_document, downstream_document, new_step

        try:
            name = (event.dataset.namespace, event.dataset.name)
            at = event.started_at.isoformat()
            step = new_step(store.schemas(*name), event.columns, at, event.column_lineage, event.dataset)
            if step is None:
                return None
            breaking = any(change.breaking for change in step[1])
            affected = store.dependants(*name) if breaking else ()
        except HooklineError as error:
            logger.warning("what a write changed of a schema is not told: %s", error)
            return None
        told = {"previousVersion": step[0], "breaking": breaking, "changes": list(map(change_document, step[1]))}
        return told | ({"downstream": downstream_document(affected)} if breaking else {})

    def _upstream(self, event: Write, run: Run) -> Iterable[JobRun]:
        """The other runs of this process that wrote what this write was made from."""
        found = (self._writers.get(read.dataset) for read in event.inputs)
        return dict.fromkeys(one for one in found if one is not None and one.run_id != run.run_id)

    def _remember_writer(self, dataset: Dataset, writer: JobRun) -> None:
        self._writers[dataset] = writer
        self._writers.move_to_end(dataset)
        if len(self._writers) > _KEPT:
            self._writers.popitem(last=False)

    def _progress(self, run: Run) -> _Progress:
        return self._runs.setdefault(run.run_id, _Progress(run.started_at))


class _Progress:
    """What was told of a run that goes on."""

    def __init__(self, at: dt.datetime) -> None:
        self.told_at = at
        self.writes_told = 0
