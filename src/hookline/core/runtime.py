"""What one process needs while its runs go on: plugins on a bus, the outbox, the store; and each run's facts.

Facts reach the store by the outbox, like everything else that leaves: a store that is locked, broken or away costs the
job nothing, and gets them later.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from hookline.core.bus import Bus
from hookline.core.config import Config
from hookline.core.errors import HooklineError
from hookline.core.events import (
    Column,
    ColumnLineage,
    Dataset,
    Engine,
    ErrorInfo,
    Read,
    Run,
    RunEnded,
    RunStarted,
    RunStatus,
    Write,
    as_dict,
    content_id,
    utc_now,
)
from hookline.core.liveness import RunLock, claim_dead_runs
from hookline.core.loader import load_plugins
from hookline.core.outbox import Outbox
from hookline.core.plugin import PluginContext
from hookline.core.spending import Spending, Spent
from hookline.core.store import LazyStore, StoreSink
from hookline.core.tracing import Trace, Tracing, Work

logger = logging.getLogger(__name__)
KEPT_WRITES = 1_000
_LAST_CALL_S = 1.0
# Opening the store loads SQLAlchemy: not while the job, which shares the interpreter, gets going.
_STORE_LINGER_S = 1.0
_scope: ContextVar[RunScope | None] = ContextVar("hookline_scope", default=None)


class RunScope:
    """One run while it goes on. Thread-safe; memory is bounded: all writes are in the store, the latest here."""

    def __init__(self, run: Run, runtime: Runtime, outer: RunScope | None = None) -> None:
        self.run = run
        self.runtime = runtime
        self.outer = outer
        self.unseen_writes = 0
        self.refused = False
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._reads: dict[tuple[str, str], Read] = {}
        self._writes: deque[Write] = deque(maxlen=KEPT_WRITES)
        self._writes_total = 0
        self._told = 0
        self._traced = 0
        self._overhead_s = 0.0
        self._notes: list[str] = []
        self._began = time.monotonic()
        self._ended = False
        self._open: dict[str, Write] = {}

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self._ended

    @property
    def bus(self) -> Bus:
        """The bus that this run's events go to."""
        return self.runtime.bus

    def next_write_id(self) -> str:
        """``<run id>/<number>``, counted from 1."""
        return f"{self.run.run_id}/{next(self._numbers)}"

    def note(self, sentence: str) -> bool:
        """Something that a person should read at the end of the run; said once. Whether it is new."""
        with self._lock:
            new = sentence not in self._notes
            if new:
                self._notes.append(sentence)
        return new

    def refuse(self) -> None:
        """A gate refused a write of this run, and so of the runs around it."""
        scope: RunScope | None = self
        while scope is not None:
            scope.refused = True
            scope = scope.outer

    @contextmanager
    def overhead(self) -> Iterator[None]:
        """Count the enclosed time as taken from the job."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add_overhead(time.perf_counter() - began)

    def add_overhead(self, seconds: float) -> None:
        """Count seconds as taken from the job."""
        with self._lock:
            self._overhead_s += seconds

    def record_read(self, read: Read) -> None:
        """A dataset was read; only the first time counts."""
        key = (read.dataset.namespace, read.dataset.name)
        with self._lock:
            if key in self._reads or self._ended:
                return
            self._reads[key] = read
        self._keep("read", as_dict(read), *key)
        self.bus.notify("on_read_observed", read, self.run)

    def record_write_started(self, write: Write) -> None:
        """A write was authorized and begins."""
        for read in write.inputs:
            self.record_read(read)
        with self._lock:
            self._open[write.write_id] = write
        self.bus.notify("on_write_started", write, self.run)

    def trace(self, work: Work) -> Trace:
        """Find out beside the job where a write's columns come from."""
        return self.runtime.tracing.trace(work)

    def record_write_ended(
        self, write: Write, *, failed: bool, trace: Trace | None = None, spent: Spent | None = None
    ) -> None:
        """A write is over; exactly once for each that was started.

        Args:
            trace: where its columns come from. The store and the plugins are told of the write when that is known, or has
                taken too long, in the order in which the run's writes ended.
            spent: asks Spark what it took, before they are told.
        """
        kept = write.kept()
        with self._lock:
            self._open.pop(write.write_id, None)
            self._writes.append(kept)
            self._writes_total += 1
            self.unseen_writes += not write.intercepted
        if any(verdict.refuses for verdict in write.verdicts):
            self.refuse()

        def tell(trace: Trace | None, lineage: ColumnLineage | None) -> None:
            telemetry = None if spent is None else spent()
            told = write if telemetry is None else dataclasses.replace(write, telemetry=telemetry)
            self._tell_write(told, kept, failed, trace, lineage)

        self.runtime.tracing.tell(trace, tell)

    def _tell_write(
        self, write: Write, kept: Write, failed: bool, trace: Trace | None, lineage: ColumnLineage | None
    ) -> None:
        if trace is not None and trace.trouble and lineage is not None:
            self.note(f"where the columns of a write to {write.dataset} come from is not known: {lineage.degraded}")
        told, remembered = write, dataclasses.replace(kept, telemetry=write.telemetry)
        if lineage is not None:
            plain = dataclasses.replace(lineage, read={})
            inputs = write.inputs or self._reads_seen_late(write, lineage)
            remembered = dataclasses.replace(remembered, column_lineage=plain, inputs=inputs)
            told = dataclasses.replace(
                write, column_lineage=plain, inputs=tuple(_with_columns(read, lineage.read) for read in inputs)
            )
        with self._lock:
            self._told += 1
            self._traced += lineage is not None and lineage.degraded is None
            for place in range(len(self._writes) - 1, -1, -1):
                if self._writes[place] is kept:
                    self._writes[place] = remembered
                    break
        self._keep("write", as_dict(remembered), write.write_id)
        self.bus.notify("on_write_failed" if failed else "on_write_finished", told, self.run)

    def _reads_seen_late(self, write: Write, lineage: ColumnLineage) -> tuple[Read, ...]:
        """What a write took its data from that could only be seen when it ran, such as a MERGE by Delta's own API."""
        found = () if write.opaque else tuple(Read(one) for one in lineage.read if one != write.dataset)
        for read in found:
            self.record_read(read)
        return found

    def begin(self) -> None:
        """Tell everyone that the run began."""
        if self.runtime.spending is not None:
            self.runtime.spending.run_began(self.run)
        self._keep("run_started", as_dict(self.run))
        self.bus.notify("on_run_started", RunStarted(self.run.started_at), self.run)

    def end(self, *, exit_code: int | None = None, error: ErrorInfo | None = None) -> RunEnded | None:
        """Close the run, once; None when it had been closed before."""
        with self._lock:
            if self._ended:
                return None
            self._ended = True
            cut_off = list(self._open.values())
        for write in cut_off:  # a signal ends the run in the middle of a write
            self.record_write_ended(dataclasses.replace(write, error=error), failed=True)
        self.runtime.tracing.drain()
        if self.outer is None:  # what is still on its way after this is worth a sentence in the summary
            self.runtime.outbox.flush(_LAST_CALL_S)
        status: RunStatus = "refused" if self.refused else "failed" if error or exit_code else "finished"
        ended = self._summary(status, exit_code, error)
        # The store has the reads and writes already, one by one.
        self._keep("run_ended", as_dict(dataclasses.replace(ended, reads=(), writes=())))
        self.bus.notify("on_run_finished" if status == "finished" else "on_run_failed", ended, self.run)
        return ended

    def _summary(self, status: RunStatus, exit_code: int | None, error: ErrorInfo | None) -> RunEnded:
        plugins = self.bus.reports(self.run)
        told = {f"plugin {report.name!r}": report.writes_told for report in plugins}
        untold = [
            f"{who} told of {count} of {self._writes_total} writes"
            for who, count in {"the run itself": self._told, **told}.items()
            if count is not None and count != self._writes_total
        ]
        return RunEnded(
            status=status,
            finished_at=utc_now(),
            duration_s=time.monotonic() - self._began,
            overhead_s=self._overhead_s,
            reads=tuple(self._reads.values()),
            writes=tuple(self._writes),
            writes_total=self._writes_total,
            traced_writes=self._traced,
            plugins=plugins,
            unseen_writes=self.unseen_writes,
            exit_code=exit_code,
            error=error,
            notes=(*self._notes, *untold, *self.runtime.outbox.problems()),
            telemetry=None if self.runtime.spending is None else self.runtime.spending.of_run(self.run),
        )

    def _keep(self, kind: str, payload: dict[str, Any], *key: str) -> None:
        self.runtime.keep(self.run, kind, payload, *key)


class Runtime:
    """A process's plugins, outbox and store, opened from a configuration.

    Args:
        deliver: False to look at the outbox, or to replay it, without the background delivery.

    Raises:
        ConfigError: when a plugin can't be loaded. Nothing else raises: a state folder that can't be written, or a store
            that can't be reached, is said in the run's notes.
    """

    def __init__(self, config: Config, *, deliver: bool = True) -> None:
        self.config = config
        self._scopes: list[RunScope] = []
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._locks: dict[str, RunLock] = {}
        self._janitor: threading.Thread | None = None
        self.outbox = Outbox(config.state_dir / "outbox.db", max_bytes=config.outbox.max_bytes)
        self.store = LazyStore(config.store_url())
        self.tracing = Tracing()
        self.spending: Spending | None = None
        try:
            plugins = load_plugins(config, self._context)
            self.bus = Bus(
                plugins,
                required=frozenset(config.required_gates),
                notify_deadline_s=config.bus.notify_deadline_s,
                decide_deadline_s=config.bus.decide_deadline_s,
            )
        except BaseException:
            self.outbox.close(0)
            raise
        self.outbox.register("store", StoreSink(self.store), linger_s=_STORE_LINGER_S)
        if deliver:
            self.outbox.start()

    @property
    def decides_on_writes(self) -> bool:
        """Whether a write that nobody can describe has to be refused."""
        return bool(self.config.required_gates) or any(map(self.bus.implements, ("authorize_write", "transform_write")))

    @property
    def judges_writes(self) -> bool:
        """Whether a write that can't be looked at afterwards misses a gate."""
        return bool(self.config.required_gates) or self.bus.implements("judge_write")

    def open_run(self, job: str, *, engine: Engine = "spark") -> RunScope:
        """Begin a run; inside another one it is that one's child."""
        outer = self.current()
        run = Run.begin(job, environment=self.config.environment, engine=engine)
        parent = (outer.run.run_id, outer.run.job) if outer else _parent_from_environment()
        if parent:
            run = dataclasses.replace(run, parent_run_id=parent[0], parent_job=parent[1])
        scope = RunScope(run, self, outer)
        with self._lock:
            self._scopes.append(scope)
            self._locks[run.run_id] = RunLock.take(self.config.state_dir, run)
        if outer is None:
            self._janitor = threading.Thread(target=self._close_dead_runs, name="hookline-dead-runs", daemon=True)
            self._janitor.start()
        scope.begin()
        return scope

    def close_run(
        self, scope: RunScope, *, exit_code: int | None = None, error: ErrorInfo | None = None
    ) -> RunEnded | None:
        """End a run, and before it those inside it that did not end, and make their facts durable."""
        for inner in self._directly_inside(scope):
            self.close_run(inner, error=error)
        ended = scope.end(exit_code=exit_code, error=error)
        with self._lock:
            if scope in self._scopes:
                self._scopes.remove(scope)
            lock = self._locks.pop(scope.run.run_id, None)
        self.outbox.durable_sync()
        if lock is not None:
            lock.release()
        return ended

    def _directly_inside(self, outer: RunScope) -> list[RunScope]:
        with self._lock:
            return [scope for scope in self._scopes if scope.outer is outer]

    def current(self) -> RunScope | None:
        """The run that what happens now belongs to: this context's, else the one opened last."""
        if os.getpid() != self._pid:
            return None  # a forked child: hooks fire on the driver only
        scope = _scope.get()
        if scope is not None and scope in self._scopes:
            return scope
        with self._lock:
            return self._scopes[-1] if self._scopes else None

    @contextmanager
    def inside(self, scope: RunScope) -> Iterator[None]:
        """Make ``scope`` the current run of this context."""
        token = _scope.set(scope)
        try:
            yield
        finally:
            _scope.reset(token)

    def keep(self, run: Run, kind: str, payload: dict[str, Any], *key: str) -> None:
        """Put a fact on its way to the store."""
        self.outbox.put(
            "store",
            {"run_id": run.run_id, **payload},
            kind=kind,
            id=content_id(kind, run.run_id, *key),
            order_key=run.run_id,
        )

    def close(self) -> int:
        """Close plugins and outbox; how many messages wait for a later ``hookline outbox replay``."""
        if self._janitor is not None:
            self._janitor.join(self.config.outbox.flush_deadline_s)
        self.tracing.close()
        if self.spending is not None:
            self.spending.close()
        self.bus.close()
        waiting = self.outbox.close(self.config.outbox.flush_deadline_s)
        self.store.close()
        return waiting

    def _context(self, plugin: str) -> PluginContext:
        return PluginContext(
            name=plugin,
            environment=self.config.environment,
            state_dir=self.config.state_dir,
            base_dir=self.config.base_dir,
            outbox=self.outbox,
            store=self.store,
            labels=self.config.labels,
            cost=self.config.cost,
            keys=self.config.keys,
            audit=self.config.audit,
        )

    def _close_dead_runs(self) -> None:
        """Runs whose process died without a word are ended here, once, by whoever gets their lock first."""
        try:
            for run, lock in claim_dead_runs(self.config.state_dir):
                ended = RunEnded("abandoned", utc_now(), (utc_now() - run.started_at).total_seconds())
                self.keep(run, "run_ended", as_dict(ended))
                self.bus.notify("on_run_failed", ended, run)
                lock.release()
        except (HooklineError, OSError) as error:
            logger.warning("dead runs were not looked for: %s", error)


def _with_columns(read: Read, known: Mapping[Dataset, tuple[Column, ...]]) -> Read:
    return read if read.columns else dataclasses.replace(read, columns=known.get(read.dataset, ()))


def _parent_from_environment() -> tuple[str, str] | None:
    """OpenLineage's OPENLINEAGE_PARENT_ID, ``namespace/job/run id``, as schedulers set it."""
    parts = os.environ.get("OPENLINEAGE_PARENT_ID", "").rsplit("/", 2)
    return (parts[2], parts[1]) if len(parts) == 3 else None
