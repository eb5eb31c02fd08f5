"""What interception does not see: the safety net under it, and reads.

Spark calls a listener for every query that ran. The call only puts the query aside (Spark's bus waits meanwhile); a thread
of our own looks at it later. A write that no interception announced becomes an event all the same, marked as such.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.pipelines.staging import any_left
from hookline.pipelines.state import current_scope
from hookline.pipelines.wording import describe

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hookline.pipelines.seen import Net

logger = logging.getLogger(__name__)
MAX_WAITING = 2_000
DRAIN_DEADLINE_S = 10.0
_THREAD_NAME = "hookline-watch"


class Watch:
    """Listens to every session of a Spark application. One per process, made with the first session."""

    def __init__(self) -> None:
        self._tasks: queue.Queue[Callable[[], None] | None] = queue.Queue(MAX_WAITING)
        self._closed = False
        self._sessions: set[str] = set()
        self._lost = 0
        self._unregister: list[Callable[[], None]] = []
        self._bus: Any = None
        self._since_ms = math.floor(time.time() * 1000)
        self._net: Net | None = None
        threading.Thread(target=self._work, name=_THREAD_NAME, daemon=True).start()

    def add(self, spark: SparkSession) -> None:
        """Listen to a session; once per session of the JVM."""
        identity = str(spark._jsparkSession.sessionUUID())
        if identity in self._sessions:
            return
        self._sessions.add(identity)
        _start_callbacks(spark._sc._gateway)
        listener = _QueryListener(
            lambda execution, action, duration_s, ok: self._put(
                lambda: self._look(spark, execution, action, duration_s, ok)
            )
        )
        manager = spark._jsparkSession.listenerManager()
        manager.register(listener)
        self._unregister.append(lambda: manager.unregister(listener))
        self._bus = spark._sc._jsc.sc().listenerBus()

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
        if self._net is not None:
            self._net.settle()
        scope = current_scope()
        if scope is not None and (self._lost or self._tasks.unfinished_tasks):
            lost = self._lost + self._tasks.unfinished_tasks
            scope.note(f"{lost} queries were not looked at: the job ran faster than the listener")
        if scope is not None:  # what is not read of Spark's plans and numbers by now can't be read any more
            scope.runtime.tracing.drain()
            if scope.runtime.spending is not None:
                scope.runtime.spending.look()

    def close(self) -> None:
        """Stop listening; the callback server stays, since shutting it down hangs.

        The sessions of streaming queries are copies of the job's, listeners included. Those can't be taken away: what they
        still tell is passed over.
        """
        self._closed = True
        self._put(None)
        for unregister in self._unregister:
            try:
                unregister()
            except Exception:  # noqa: BLE001 - the JVM may be gone
                logger.debug("a listener could not be taken away")
        self._unregister.clear()
        self._sessions.clear()
        self._bus = None

    def _look(self, spark: SparkSession, execution: Any, action: str, duration_s: float, ok: bool) -> None:
        # Imported with the first query: it brings all that a write needs, and attaching alone needs none of it.
        from hookline.pipelines.seen import Execution, Net

        self._net = self._net or Net(self._since_ms)
        self._net.look(spark, Execution(execution, action, duration_s), ok)

    def _put(self, task: Callable[[], None] | None) -> None:
        if self._closed and task is not None:
            return
        try:
            self._tasks.put_nowait(task)
        except queue.Full:
            self._lost += 1

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            if self._closed:
                continue
            try:
                task()
            except Exception as error:  # this thread has to go on
                logger.warning("a query could not be looked at: %s", describe(error))
                logger.debug("the reason", exc_info=True)
            finally:
                self._tasks.task_done()


def _start_callbacks(gateway: Any) -> None:
    """Let the JVM call Python, without a line in the job's own log for every call."""
    from pyspark.java_gateway import ensure_callback_server_started

    if gateway.__dict__.get("_callback_server") is None:
        for name in ("py4j.java_gateway", "py4j.clientserver"):
            logging.getLogger(name).addFilter(_is_no_callback)
    ensure_callback_server_started(gateway)  # type: ignore[no-untyped-call]


def _is_no_callback(record: logging.LogRecord) -> bool:
    return record.levelno > logging.INFO or record.funcName not in ("run", "wait_for_commands")


class _QueryListener:
    """Spark's QueryExecutionListener, implemented over py4j."""

    def __init__(self, put: Callable[[Any, str, float, bool], None]) -> None:
        self._put = put

    def onSuccess(self, function: str, execution: Any, duration_ns: int) -> None:
        self._put(execution, function, duration_ns / 1e9, True)

    def onFailure(self, function: str, execution: Any, error: Any) -> None:
        self._put(execution, function, 0.0, False)

    class Java:
        """What py4j asks for."""

        implements = ("org.apache.spark.sql.util.QueryExecutionListener",)


_watch: Watch | None = None
_lock = threading.Lock()


def watch_session(spark: SparkSession) -> None:
    """Listen to a session, when something is attached. A failure costs the listener, not the job."""
    global _watch
    scope = current_scope()
    if scope is None:
        return
    try:
        # Spark makes its session's state for whoever asks first; that is a part of its own start, and not our time.
        spark._jsparkSession.sessionState()
        if scope.runtime.spending is not None:
            scope.runtime.spending.use(spark)
        with scope.overhead(), _lock:
            _watch = _watch or Watch()
            _watch.add(spark)
            _recover(spark, scope.runtime.config.state_dir)
    except Exception as error:  # noqa: BLE001
        logger.warning("Spark's listener could not be registered: %s", describe(error))
        scope.note("writes that are not intercepted and reads without a write are not seen: no listener")
    with scope.overhead():
        scope.bus.meet_session(spark)


def _recover(spark: SparkSession, state_dir: Path) -> None:
    if any_left(state_dir):
        from hookline.pipelines.staging.recovery import recover

        recover(spark, state_dir)


def leave_jvm() -> None:
    """A thread that spoke to the JVM ends: close its connection, and with it the JVM's own thread for it."""
    from pyspark import SparkContext

    context: Any = SparkContext._active_spark_context
    with suppress(Exception):  # no JVM, or one with a single connection: then there is nothing to close
        connection = context._gateway._gateway_client.get_thread_connection()
        if connection is not None:
            connection.close()


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
