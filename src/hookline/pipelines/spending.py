"""What Spark spends on writes and runs: which jobs belong to what, and when it is asked.

A write's jobs are known by a tag that its thread carries while Spark writes: tags add up, so that the job's own groups,
descriptions and tags stay as they are. A batch of a streaming sink is known by its query's job group and its number. Spark
is asked by a thread of its own, with a deadline; what it does not say in time is missing, and never awaited by the job.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import re
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hookline.core.events import Run
from hookline.core.lanes import BacklogError, CallFailedError, Lane, LaneTimeoutError
from hookline.core.spending import Progress, WriteSpending
from hookline.core.telemetry import Attribution, RunTelemetry, StreamProgress, Telemetry
from hookline.observability import telemetry
from hookline.observability.telemetry.asking import WRITE_TAG, own_jobs
from hookline.pipelines.watch import leave_jvm
from hookline.pipelines.write_spending import OneWrite

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
SETTLE_S = 1.0
DEADLINE_S = 5.0
_MOST_ELSEWHERE = 60
_MOST_REMEMBERED = 4_000
# A look at what a run took is as good as new for so long: its end looks when Spark is drained, and when it is told.
_FRESH_S = 1.0
_BATCH = re.compile(r"batch = (\d+)")
_CONNECT = "Spark Connect: there is no driver in this process to ask what Spark spent"


@dataclass
class _Open:
    """A run that goes on."""

    run: Run
    began_s: float
    extents: dict[str, telemetry.Extent]
    outer: str | None
    shared: bool = False


class SparkSpending:
    """Asks the status stores of this process's Spark applications."""

    def __init__(self) -> None:
        self._lane: Lane | None = None
        self._lock = threading.Lock()
        self._application: telemetry.Application | None = None
        self._session: SparkSession | None = None
        self._uses = telemetry.RddUses()
        self._open: dict[str, _Open] = {}
        self._hangs = False
        self._looked = float("-inf")
        # Jobs that a write had; what remains of a run's jobs belongs to none.
        self._of_writes: set[int] = set()

    # -- runs ----------------------------------------------------------------------------------------------------------

    def run_began(self, run: Run) -> None:
        """Remember what executors have counted by now, where there are any."""
        mine = _Open(run, run.started_at.timestamp(), {}, run.parent_run_id)
        with self._lock:
            for other in self._open.values():
                if run.parent_run_id != other.run.run_id and not self._inside(mine, other):
                    mine.shared = other.shared = True
            self._open[run.run_id] = mine
        context = _active_context()
        if context is None:
            return
        try:  # the job begins right after this: what it does must not be among what was there before it
            grabbed = telemetry.Grabbed.of(context)
            self._entered().submit(lambda: self._begin(mine, grabbed))
        except Exception as error:  # noqa: BLE001 - a context that is about to go
            logger.debug("Spark could not be asked what was there before a run: %s", type(error).__name__)

    def of_run(self, run: Run) -> RunTelemetry | None:
        """What the run took of all applications that it saw."""
        if time.monotonic() - self._looked > _FRESH_S:
            self.look()
        with self._lock:
            mine = self._open.pop(run.run_id, None)
        if mine is None or (not mine.extents and self._application is None and not _connected()):
            return None
        missing = [] if mine.extents else [_CONNECT if _connected() else "Spark could not be asked what the run took"]
        return telemetry.fold_run(list(mine.extents.values()), shared=mine.shared, missing=missing)

    def look(self) -> None:
        """Ask what the open runs have taken by now: before Spark stops, and before a run ends."""
        if self._open and _active_context() is not None:
            self._ask(self._look, None)

    def close(self) -> None:
        """Leave the JVM."""
        if self._lane is not None:
            with suppress(BacklogError):
                self._lane.submit(leave_jvm)
            self._lane.close(DEADLINE_S)
            self._lane = None

    def of_write(self, write_id: str, stream: Progress | None = None) -> WriteSpending:
        """See ``core.spending``."""
        return OneWrite(self, write_id, stream)

    def use(self, spark: SparkSession) -> None:
        """A session was seen: its settings are those that advice is about."""
        self._session = spark

    def _inside(self, one: _Open, other: _Open) -> bool:
        """Whether a run goes on inside another one, at whatever depth."""
        parent = one.outer
        while parent is not None and parent in self._open:
            if parent == other.run.run_id:
                return True
            parent = self._open[parent].outer
        return False

    # -- writes --------------------------------------------------------------------------------------------------------

    def of_tag(self, tag: str, began: dt.datetime, stream: Progress | None) -> Telemetry:
        """What the jobs with a tag spent."""

        def read(application: telemetry.Application) -> Telemetry:
            found = [application.job(number) for number in application.jobs_of_tag(tag)]
            return self._fold(application, found, "tag", began)

        answer = self._read(read)
        progress = None if stream is None else stream()
        return answer if progress is None else dataclasses.replace(answer, stream=progress)

    def of_batch(self, group: str, batch_id: int, began: dt.datetime, stream: StreamProgress | None) -> Telemetry:
        """What the jobs of a streaming batch spent; ``group`` is the query's run id, which its jobs are grouped by."""

        def read(application: telemetry.Application) -> Telemetry:
            own: list[dict[str, Any]] = []
            for number in reversed(application.jobs_of_group(group)):
                job = application.job(number)
                of_batch = None if job is None else _batch_of(job)
                if of_batch is not None and of_batch < batch_id:
                    break
                own += [job] if job is not None and of_batch == batch_id else []
            return self._fold(application, own[::-1], "batch", began)

        answer = self._read(read)
        return answer if stream is None else dataclasses.replace(answer, stream=stream)

    def of_window(self, began: dt.datetime, ended_s: float, why: str) -> Telemetry:
        """What ran between two times, which may be another thread's."""

        def read(application: telemetry.Application) -> Telemetry:
            jobs, _ = application.jobs_since(began.timestamp() * 1000)
            own = [job for job in own_jobs(jobs) if not _tagged(job) and job["submissionTime"] <= ended_s * 1000]
            return self._fold(application, own, "window", began, (why,))

        return self._read(read)

    def _fold(
        self,
        application: telemetry.Application,
        jobs: list[Any],
        attribution: Attribution,
        began: dt.datetime,
        missing: tuple[str, ...] = (),
    ) -> Telemetry:
        known = [job for job in jobs if job is not None]
        if len(known) < len(jobs):
            missing += (f"{len(jobs) - len(known)} jobs were forgotten by Spark already (spark.ui.retainedJobs)",)
        self._of_writes.update(job["jobId"] for job in known)
        if len(self._of_writes) > _MOST_REMEMBERED:
            self._of_writes = set(sorted(self._of_writes)[-_MOST_REMEMBERED // 2 :])
        return telemetry.fold_stages(
            known, application.stage, attribution=attribution, began=began, uses=self._uses, missing=missing
        )

    # -- asking --------------------------------------------------------------------------------------------------------

    def _read(self, read: Callable[[telemetry.Application], Telemetry]) -> Telemetry:
        began = time.perf_counter()

        def ask() -> Telemetry:
            application = self._current()
            if application is None:
                return Telemetry(missing=("Spark had stopped before it was asked what it spent",))
            settled = application.settle(SETTLE_S)
            answer = read(application)
            late = () if settled else ("Spark's own bookkeeping was late: numbers may be too low",)
            return dataclasses.replace(answer, missing=(*answer.missing, *late))

        answer: Telemetry = self._ask(ask, Telemetry(missing=("Spark could not be asked what it spent",)))
        return dataclasses.replace(answer, reading_s=time.perf_counter() - began)

    def _ask(self, call: Callable[[], Any], otherwise: Any) -> Any:
        lane = self._entered()
        if self._hangs and not lane.idle:
            return otherwise  # nobody waits a second time for what hangs
        self._hangs = False
        try:
            return lane.submit(call).result(DEADLINE_S)
        except LaneTimeoutError:
            self._hangs = True
            logger.warning("Spark did not say within %g s what was spent", DEADLINE_S)
        except (BacklogError, CallFailedError) as error:
            logger.debug("Spark could not be asked what it spent: %s", error, exc_info=True)
        return otherwise

    def _entered(self) -> Lane:
        with self._lock:
            self._lane = self._lane or Lane("telemetry")
            return self._lane

    def _current(self) -> telemetry.Application | None:
        """The application that runs now."""
        context = _active_context()
        if context is None:
            return None
        application_id = str(context.applicationId)
        if self._application is None or self._application.id != application_id:
            self._application = telemetry.Application(context)
            self._uses = telemetry.RddUses()
            self._of_writes = set()
        return None if self._application.stopped else self._application

    def _begin(self, mine: _Open, grabbed: telemetry.Grabbed) -> None:
        application = self._current()
        if application is not None:
            extent = self._extent(application, mine)
            extent.before = application.executors(grabbed)
            extent.cached_before = frozenset(rdd["id"] for rdd in application.cached(grabbed))

    def _look(self) -> None:
        application = self._current()
        if application is None:
            return
        application.settle(SETTLE_S)
        executors, cached, now_s = application.executors(), application.cached(), time.time()
        settings = application.settings(self._settings_session())
        with self._lock:
            runs = list(self._open.values())
        for one in runs:
            extent = self._extent(application, one)
            extent.after, extent.looked_at_s = executors, now_s
            extent.settings, extent.cached = settings, cached
            extent.elsewhere, extent.uses = self._elsewhere(application, one), self._uses
        self._looked = time.monotonic()

    def _extent(self, application: telemetry.Application, one: _Open) -> telemetry.Extent:
        began_s = max(one.began_s, application.started_ms / 1000)
        new = telemetry.Extent(application.id, application.version, application.master, began_s, began_s)
        return one.extents.setdefault(application.id, new)

    def _elsewhere(self, application: telemetry.Application, one: _Open) -> Telemetry:
        """What the run's jobs spent that belong to no write."""
        jobs, all_seen = application.jobs_since(one.began_s * 1000)
        others = [job for job in own_jobs(jobs) if job["jobId"] not in self._of_writes]
        uses = self._uses
        if not all_seen or len(others) > _MOST_ELSEWHERE:
            uses.complete = False
        told = len(others) <= _MOST_ELSEWHERE and all_seen
        missing = (
            () if told else (f"only the last {len(others[-_MOST_ELSEWHERE:])} jobs outside of writes were looked at",)
        )
        return telemetry.fold_stages(
            others[-_MOST_ELSEWHERE:],
            lambda number: application.stage(number, spreads=False),
            attribution="window",
            began=one.run.started_at,
            uses=uses,
            missing=missing,
        )

    def _settings_session(self) -> SparkSession | None:
        session = self._session
        if session is None or session._jsparkSession.sparkContext().isStopped():
            return None
        return session


def _active_context() -> SparkContext | None:
    module: Any = sys.modules.get("pyspark.core.context") or sys.modules.get("pyspark.context")
    context = None if module is None else module.SparkContext._active_spark_context
    return context if context is not None and context._jsc is not None else None


def _connected() -> bool:
    module: Any = sys.modules.get("pyspark.sql.connect.session")
    return module is not None and module.SparkSession.getActiveSession() is not None


def _batch_of(job: dict[str, Any]) -> int | None:
    found = _BATCH.search(job.get("description") or "")
    return int(found[1]) if found else None


def _tagged(job: dict[str, Any]) -> bool:
    return any(tag.startswith(WRITE_TAG) for tag in job.get("jobTags") or ())
