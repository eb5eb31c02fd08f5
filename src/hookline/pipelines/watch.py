"""What interception does not see: the safety net under it, reads, and the batches of Spark's own streaming sinks.

Spark calls a listener for every query that ran. The call only puts the query aside (Spark's bus waits meanwhile); a thread
of our own looks at it later. A write that no interception announced becomes an event all the same, marked as such.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hookline.core.runtime import RunScope
from hookline.pipelines import chain, seen
from hookline.pipelines.batch_sinks import BatchFollower
from hookline.pipelines.state import current_scope
from hookline.pipelines.wording import describe

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
MAX_WAITING = 2_000
DRAIN_DEADLINE_S = 10.0
_THREAD_NAME = "hookline-watch"


class Watch:
    """Listens to every session of a Spark application. One per process, made with the first session."""

    def __init__(self) -> None:
        self._tasks: queue.Queue[Callable[[], None]] = queue.Queue(MAX_WAITING)
        self._sessions: set[str] = set()
        self._lost = 0
        self._unregister: list[Callable[[], None]] = []
        self._bus: Any = None
        self._net = seen.Net()
        self._followers: dict[str, BatchFollower] = {}
        threading.Thread(target=self._work, name=_THREAD_NAME, daemon=True).start()

    def add(self, spark: SparkSession) -> None:
        """Listen to a session; once per session of the JVM."""
        identity = str(spark._jsparkSession.sessionUUID())
        if identity in self._sessions:
            return
        self._sessions.add(identity)
        from pyspark.java_gateway import ensure_callback_server_started

        ensure_callback_server_started(spark._sc._gateway)  # type: ignore[no-untyped-call]
        listener = _QueryListener(lambda execution, ok: self._put(lambda: self._net.look(spark, execution, ok)))
        manager = spark._jsparkSession.listenerManager()
        manager.register(listener)
        self._unregister.append(lambda: manager.unregister(listener))
        self._bus = spark._sc._jsc.sc().listenerBus()

    def follow(self, scope: RunScope, request: chain.Request, java_query: Any) -> None:
        """Report each batch of a streaming query that Spark's own sink writes."""
        follower = BatchFollower(scope, request, java_query)
        if not self._followers:
            request.spark.streams.addListener(_progress_listener(self._progressed))
        self._followers[follower.query_id] = follower

    def drain(self, deadline_s: float = DRAIN_DEADLINE_S) -> None:
        """Look at everything that Spark has told so far; waits no longer than the deadline."""
        end = time.monotonic() + deadline_s
        if self._bus is not None:
            try:
                self._bus.waitUntilEmpty(int(deadline_s * 1000))
            except Exception as error:  # noqa: BLE001 - a stopped context has nothing more to tell
                logger.debug("Spark's listener bus was not drained: %s", type(error).__name__)
        while self._tasks.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.005)
        self._net.settle()
        scope = current_scope()
        if scope is not None and (self._lost or self._tasks.unfinished_tasks):
            lost = self._lost + self._tasks.unfinished_tasks
            scope.note(f"{lost} queries were not looked at: the job ran faster than the listener")

    def close(self) -> None:
        """Stop listening; the callback server stays, since shutting it down hangs."""
        for unregister in self._unregister:
            try:
                unregister()
            except Exception:  # noqa: BLE001 - the JVM may be gone
                logger.debug("a listener could not be taken away")
        self._unregister.clear()
        self._sessions.clear()
        self._bus = None

    def _progressed(self, query_id: str, batch_id: int, rows: int) -> None:
        follower = self._followers.get(query_id)
        if follower is not None:
            self._put(lambda: follower.report(batch_id, rows))

    def _put(self, task: Callable[[], None]) -> None:
        try:
            self._tasks.put_nowait(task)
        except queue.Full:
            self._lost += 1

    def _work(self) -> None:
        while True:
            task = self._tasks.get()
            try:
                task()
            except Exception as error:  # this thread has to go on
                logger.warning("a query could not be looked at: %s", describe(error))
                logger.debug("the reason", exc_info=True)
            finally:
                self._tasks.task_done()


class _QueryListener:
    """Spark's QueryExecutionListener, implemented over py4j."""

    def __init__(self, put: Callable[[Any, bool], None]) -> None:
        self._put = put

    def onSuccess(self, function: str, execution: Any, duration_ns: int) -> None:
        self._put(seen.Execution(execution, function, duration_ns / 1e9), True)

    def onFailure(self, function: str, execution: Any, error: Any) -> None:
        self._put(seen.Execution(execution, function, 0.0), False)

    class Java:
        """What py4j asks for."""

        implements = ("org.apache.spark.sql.util.QueryExecutionListener",)


def _progress_listener(progressed: Callable[[str, int, int], None]) -> Any:
    from pyspark.sql.streaming.listener import StreamingQueryListener

    class Progress(StreamingQueryListener):
        def onQueryStarted(self, event: Any) -> None:
            """Nothing is written yet."""

        def onQueryProgress(self, event: Any) -> None:
            progress = event.progress
            progressed(str(progress.id), int(progress.batchId), int(progress.numInputRows))

        def onQueryIdle(self, event: Any) -> None:
            """Nothing was written."""

        def onQueryTerminated(self, event: Any) -> None:
            """Its batches were all reported before."""

    return Progress()


_watch: Watch | None = None
_lock = threading.Lock()


def watch_session(spark: SparkSession) -> None:
    """Listen to a session, when something is attached. A failure costs the listener, not the job."""
    global _watch
    scope = current_scope()
    if scope is None:
        return
    try:
        with scope.overhead(), _lock:
            _watch = _watch or Watch()
            _watch.add(spark)
    except Exception as error:  # noqa: BLE001
        logger.warning("Spark's listener could not be registered: %s", describe(error))
        scope.note("writes that are not intercepted and reads without a write are not seen: no listener")


def follow(scope: RunScope, request: chain.Request, java_query: Any) -> None:
    """See ``Watch.follow``."""
    if _watch is not None:
        _watch.follow(scope, request, java_query)


def drain() -> None:
    """Look at all that Spark has told so far: before a context stops, and before a run ends."""
    if _watch is not None and current_scope() is not None:
        _watch.drain()


def close() -> None:
    """Stop listening."""
    global _watch
    if _watch is not None:
        _watch.close()
        _watch = None
