"""Streaming queries that Spark's own sinks write, followed batch by batch.

Spark takes a query's progress lock to make a batch and to commit it, and signals when it has committed. The lock is fair:
who waits for that signal gets the lock before the next batch can be made. A thread per query waits there, reports the
batch, has it measured and judged, and only then lets go; so a refusal stops the query before the next batch, nothing is
reported twice or late, and a query that ends has been reported to its last batch when the job learns of it.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hookline.core.errors import WriteRefusedError
from hookline.core.events import ErrorInfo, utc_now
from hookline.core.runtime import RunScope
from hookline.pipelines import batch_sinks, chain, following, plans
from hookline.pipelines.progress import progress_of
from hookline.pipelines.tables import TableTarget
from hookline.pipelines.targets import Written
from hookline.pipelines.wording import describe

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
_PROGRESS_DEADLINE_S = 2.0
_STOP_DEADLINE_S = 10.0
_LOOK_AROUND_NS = 1_000_000_000
_ENDING_NS = 10_000_000


def why_not(spark: SparkSession, trigger: Any) -> str | None:
    """Why the batches of a query could not be followed; None when they can.

    Args:
        trigger: the JVM's trigger that the job set, or None.
    """
    from py4j.clientserver import ClientServer

    if trigger is not None and plans.simple_class(trigger) == "ContinuousTrigger":
        return "continuous processing has no batches"
    if not isinstance(spark._sc._gateway, ClientServer):
        return "Python's threads share the JVM's (PYSPARK_PIN_THREAD is false)"
    return None


class Follower:
    """One streaming query, from its start to its end, or to its run's."""

    def __init__(self, scope: RunScope, request: chain.Request, java_query: Any) -> None:
        if isinstance(request.target, TableTarget):
            request = dataclasses.replace(request, target=request.target.place())
        self.scope = scope
        self.run_id = str(java_query.runId().toString())
        self.refusal: WriteRefusedError | None = None
        self._query = java_query
        self._stream = java_query.streamingQuery()
        self._files = batch_sinks.reader(request, self._stream)
        self._request = request
        self._sink = str(request.target.dataset)
        self._next: int | None = None
        self._released = False
        self._thread = threading.Thread(target=self._follow, name=f"hookline-stream-{self.run_id[:8]}", daemon=True)

    @property
    def active(self) -> bool:
        """Whether the query's batches are being reported."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to wait for batches."""
        self._thread.start()

    def settle(self, end: float) -> None:
        """Wait until every batch that is committed by now is reported, or until a time of the monotonic clock."""
        try:
            if not self._stream.isActive():
                self._thread.join(max(0.0, end - time.monotonic()))
            committed = self._committed()
        except Exception as error:  # noqa: BLE001 - the JVM is gone, and the query with it
            logger.debug("a streaming query can't be asked: %s", type(error).__name__)
            return
        while self._misses(committed):
            if time.monotonic() > end:
                self._give_up("a batch was still being measured when the run ended")
                return
            time.sleep(0.005)

    def release(self) -> None:
        """Report no more."""
        if self.active and not self._released:
            self._released = True
            if self._stream.isActive():
                self.scope.note(
                    f"a streaming query to {self._sink} still ran when the run ended; what it writes after that is not seen"
                )

    def stop_query(self, end: float) -> None:
        """End the query, and wait for that until a time of the monotonic clock."""
        stopping = self._stop()
        stopping.join(max(0.0, end - time.monotonic()))
        self._thread.join(max(0.0, end - time.monotonic()))

    # -- in the thread of the query ------------------------------------------------------------------------------------

    def _follow(self) -> None:
        lock = self._stream.awaitProgressLock()
        try:
            lock.lock()
            try:
                self._watch_batches(self._stream.awaitProgressLockCondition())
            finally:
                lock.unlock()
        except Exception as error:  # Spark may stop under our feet
            if self._can_go_on():
                logger.warning("a streaming query can't be followed any longer: %s", describe(error))
                logger.debug("the reason", exc_info=True)
                self._give_up("the query could not be followed to its end")
                self._stop()
            else:
                logger.debug("Spark ended before a streaming query was left: %s", type(error).__name__)
        finally:
            following.forget(self)

    def _watch_batches(self, progressed: Any) -> None:
        self._next = self._first_batch()
        while not self._released:
            ended = not self._stream.queryExecutionThread().isAlive()
            self._report_committed()
            if self.refusal is not None:
                self._halt()
                return
            if ended:
                self._report_failure()
                return
            progressed.awaitNanos(_LOOK_AROUND_NS if self._stream.isActive() else _ENDING_NS)

    def _first_batch(self) -> int:
        """The first batch that this query commits, which it may have done already."""
        execution = self._stream.lastExecution()
        if execution is None:
            latest = plans.option(self._stream.commitLog().getLatestBatchId())
            return 0 if latest is None else int(latest) + 1
        told = [int(progress.batchId()) for progress in self._stream.recentProgress()]
        return min([int(execution.currentBatchId()), *told])

    def _committed(self) -> int:
        """The last batch that is committed; -1 when this query has none."""
        execution = self._stream.lastExecution()
        if execution is None:
            return -1
        current = int(execution.currentBatchId())
        return current if plans.option(self._stream.commitLog().get(current)) is not None else current - 1

    def _report_committed(self) -> None:
        committed = self._committed()
        while self._next is not None and self._next <= committed and self.refusal is None:
            began = time.perf_counter()
            self.refusal = self._report(self._next)
            if self.refusal is not None:
                following.refuse(self)
            self._next += 1
            self.scope.add_overhead(time.perf_counter() - began)

    def _report(self, batch_id: int) -> WriteRefusedError | None:
        progress = self._progress(batch_id)
        counted = -1 if progress is None else int(progress.sink().numOutputRows())
        started_at = utc_now() if progress is None else _time(str(progress.timestamp()))
        job_s = 0.0 if progress is None else _own_time_s(progress)
        return chain.assess_afterwards(
            self.scope,
            self._request,
            self._written(batch_id),
            job_s=job_s,
            spends=lambda spending: spending.of_batch(self.run_id, batch_id, started_at, progress_of(progress)),
            batch_id=batch_id,
            started_at=started_at,
            rows=counted if counted >= 0 else None,
        )

    def _report_failure(self) -> None:
        """The batch that a query failed in is a write that failed. A query that was stopped left off, and did not fail."""
        exception = plans.option(self._query.exception())
        execution = self._stream.lastExecution()
        if exception is None or execution is None or int(execution.currentBatchId()) != self._next:
            return
        cause = exception.getCause()
        try:
            condition = cause.getCondition()
        except Exception:  # noqa: BLE001 - not every exception of the JVM has one
            condition = None
        error = ErrorInfo(str(cause.getClass().getName()), None if condition is None else str(condition))
        failed = int(execution.currentBatchId())
        chain.record_failure(
            self.scope,
            self._request,
            error,
            spends=lambda spending: spending.of_batch(self.run_id, failed, utc_now(), None),
            batch_id=failed,
        )

    def _written(self, batch_id: int) -> Written:
        try:
            return self._files(batch_id)
        except Exception as error:  # noqa: BLE001 - the batch is done; that we can't look at it is a measure's error
            logger.warning("what batch %d left in %s can't be told: %s", batch_id, self._sink, describe(error))
            return Written()

    def _progress(self, batch_id: int) -> Any:
        """What Spark counted of a batch. It says so right after the commit, for which it does not need the lock."""
        end = time.monotonic() + _PROGRESS_DEADLINE_S
        while True:
            alive = self._stream.queryExecutionThread().isAlive()
            last = self._stream.lastProgress()
            if last is not None and last.batchId() >= batch_id:
                found = [progress for progress in self._stream.recentProgress() if progress.batchId() == batch_id]
                return found[-1] if found else None
            if not alive or time.monotonic() > end:
                return None
            time.sleep(0.002)

    def _halt(self) -> None:
        """Stop the query before its next batch. Stopping waits for the lock, which is ours; so another thread stops it."""
        logger.error("%s; the query is stopped", self.refusal)
        self._stop()
        end = time.monotonic() + _STOP_DEADLINE_S
        while self._stream.isActive() and time.monotonic() < end:
            time.sleep(0.001)
        # Its thread waits for the lock; with this it does not come far with the next batch when it gets it.
        self._stream.queryExecutionThread().interrupt()

    # -- from any thread -----------------------------------------------------------------------------------------------

    def _misses(self, committed: int) -> bool:
        if not self.active or self.refusal is not None or committed < 0:
            return False
        return self._next is None or self._next <= committed

    def _stop(self) -> threading.Thread:
        thread = threading.Thread(target=self._ask_to_stop, name="hookline-stream-stop", daemon=True)
        thread.start()
        return thread

    def _ask_to_stop(self) -> None:
        try:
            self._query.stop()
        except Exception as error:  # noqa: BLE001 - it may have ended in another way meanwhile
            logger.debug("a streaming query was not stopped: %s", type(error).__name__)

    def _can_go_on(self) -> bool:
        try:
            return bool(self._stream.isActive())
        except Exception:  # noqa: BLE001 - no JVM, no query
            return False

    def _give_up(self, why: str) -> None:
        """Batches that nobody judged count as refused where somebody would have judged them."""
        self.scope.note(f"not all batches of a streaming query to {self._sink} were looked at: {why}")
        if self.scope.runtime.judges_writes:
            self.scope.refused = True


def follow(scope: RunScope, request: chain.Request, java_query: Any) -> None:
    """Report each batch of a query that was just started.

    Args:
        request: as the query was started; its frame is the one that is written.
        java_query: the JVM's ``StreamingQueryWrapper``.

    Raises:
        WriteRefusedError: when it can't be followed, and plugins judge what is written. The query is stopped then.
    """
    try:
        follower = Follower(scope, request, java_query)
    except Exception as error:
        logger.warning("a streaming query can't be followed: %s", describe(error))
        logger.debug("the reason", exc_info=True)
        if scope.runtime.judges_writes:
            java_query.stop()
            raise WriteRefusedError(
                str(request.target.dataset),
                (f"its batches can't be followed ({describe(error)}), and plugins judge what is written",),
                published=True,
            ) from None
        scope.note("the batches of a streaming query are not seen; see the log")
        return
    following.add(follower)
    follower.start()


def _own_time_s(progress: Any) -> float:
    """How long Spark worked on a batch; the time that it waited for us is in the whole trigger, and in no phase of it."""
    phases = progress.durationMs()
    return sum(int(phases.get(phase)) for phase in phases.keySet() if str(phase) != "triggerExecution") / 1000


def _time(text: str) -> datetime:
    """Spark's ``2026-01-02T03:04:05.678Z``."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
