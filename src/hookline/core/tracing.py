"""Where a write's columns came from is found out beside the job, and told when it is known.

One thread traces, in the order in which writes begin, mostly while Spark still writes; another one tells of writes that
ended, in their order, each as soon as its trace is there or has taken too long. The job waits for neither; the end of a run
waits for both, up to a deadline.
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from hookline.core.events import ColumnLineage

logger = logging.getLogger(__name__)
BUDGET_S = 10.0
DRAIN_DEADLINE_S = 5.0
MAX_WAITING = 2_000
_LOOK_AROUND_S = 0.2
_TELLING_DEADLINE_S = 30.0

Work = Callable[[], ColumnLineage]


class Trace:
    """Where the columns of one write came from, once that is known.

    Attributes:
        trouble: whether the answer is missing because of time, room or a failure.
    """

    def __init__(self, work: Work) -> None:
        self.trouble = False
        self.began: float | None = None
        self._work: Work | None = work
        self._lineage: ColumnLineage | None = None
        self._done = threading.Event()
        self._lock = threading.Lock()

    def run(self) -> None:
        """Find out. What goes wrong is a part of the answer."""
        work, self.began = self._work, time.monotonic()
        if work is None:
            return
        try:
            self._answer(work(), trouble=False)
        except BaseException as error:
            logger.debug("columns could not be traced", exc_info=True)
            self.give_up(f"its plan could not be read ({type(error).__name__})")

    def give_up(self, why: str) -> None:
        """Have an answer that says why there is none."""
        self._answer(ColumnLineage(degraded=why), trouble=True)

    def wait(self, seconds: float) -> ColumnLineage | None:
        """The answer, if it is there within this time."""
        self._done.wait(max(0.0, seconds))
        return self._lineage

    def _answer(self, lineage: ColumnLineage, *, trouble: bool) -> None:
        with self._lock:
            if self._lineage is None:
                self._lineage, self.trouble, self._work = lineage, trouble, None
        self._done.set()


class Tracing:
    """The two threads, started when they are first needed.

    Args:
        budget_s: how long one trace may take; then its write is told of without.
        leave: called by the tracing thread before it ends.
    """

    def __init__(self, *, budget_s: float = BUDGET_S, leave: Callable[[], None] | None = None) -> None:
        self.budget_s = budget_s
        self.leave = leave
        self._ready = threading.Condition()
        self._traces: deque[Trace] = deque()
        self._ended: deque[Callable[[], None]] = deque()
        self._untold = 0
        self._closed = False
        self._hurry: float | None = None
        self._tracer: threading.Thread | None = None
        self._teller: threading.Thread | None = None

    def trace(self, work: Work) -> Trace:
        """Find out beside the job."""
        trace = Trace(work)
        with self._ready:
            if len(self._traces) >= MAX_WAITING:
                trace.give_up("more writes than could be traced were going on")
                return trace
            self._traces.append(trace)
            if self._tracer is None:
                self._tracer = _start(self._run_traces, "hookline-columns")
            self._ready.notify_all()
        return trace

    def tell(self, trace: Trace | None, told: Callable[[Trace | None, ColumnLineage | None], None]) -> None:
        """Call ``told`` with the trace's answer, after everything that was to be told before."""
        context = contextvars.copy_context()
        with self._ready:
            self._untold += 1
            self._ended.append(lambda: context.run(told, trace, self._answer_of(trace)))
            if self._teller is None:
                self._teller = _start(self._run_ended, "hookline-telling")
            self._ready.notify_all()

    def drain(self, deadline_s: float = DRAIN_DEADLINE_S) -> None:
        """Everything that ended is told; a trace that is not there by the deadline is given up."""
        if threading.current_thread() is self._teller:
            return
        with self._ready:
            self._hurry = time.monotonic() + deadline_s
            self._ready.notify_all()
            self._ready.wait_for(lambda: self._untold == 0, deadline_s + _TELLING_DEADLINE_S)
            self._hurry = None

    def close(self) -> None:
        """End both threads, after what they have begun."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    # -- in the threads ------------------------------------------------------------------------------------------------

    def _run_traces(self) -> None:
        me = threading.current_thread()
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._traces or self._closed or self._tracer is not me)
                if self._tracer is not me or not self._traces:
                    break
                trace = self._traces.popleft()
            trace.run()
        if self.leave is not None:
            self.leave()

    def _run_ended(self) -> None:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._ended or self._closed)
                if not self._ended:
                    return
                told = self._ended.popleft()
            try:
                told()
            except Exception:  # this thread has to go on
                logger.exception("the end of a write could not be told")
            with self._ready:
                self._untold -= 1
                self._ready.notify_all()

    def _answer_of(self, trace: Trace | None) -> ColumnLineage | None:
        if trace is None:
            return None
        while (answer := trace.wait(self._patience(trace))) is None:
            if self._hurry is not None and time.monotonic() >= self._hurry:
                trace.give_up("the run ended before its plan was read")
            elif trace.began is not None and time.monotonic() - trace.began >= self.budget_s:
                trace.give_up(f"its plan could not be read within {self.budget_s:g} s")
                self._replace_tracer()
        return answer

    def _patience(self, trace: Trace) -> float:
        now = time.monotonic()
        ends = [now + _LOOK_AROUND_S]
        ends += [self._hurry] if self._hurry is not None else []
        ends += [trace.began + self.budget_s] if trace.began is not None else []
        return min(ends) - now

    def _replace_tracer(self) -> None:
        """The thread hangs in what was given up; it ends when it comes back, and another one goes on."""
        with self._ready:
            self._tracer = _start(self._run_traces, "hookline-columns") if self._traces else None


def _start(work: Callable[[], None], name: str) -> threading.Thread:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
