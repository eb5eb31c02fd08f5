"""One thread per plugin, so that a plugin that hangs costs the job a deadline and nothing more.

A plugin's code never runs twice at once, and its calls run in the order in which the bus made them.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable
from typing import Any

BACKLOG = 10_000


class LaneTimeoutError(Exception):
    """The plugin did not answer within the deadline."""


class CallFailedError(Exception):
    """The plugin raised. A type of its own, since Python delivers a Ctrl-C to the waiting thread, and never to a lane.

    Attributes:
        error: what the plugin raised.
    """

    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__(type(error).__name__)


class BacklogError(Exception):
    """The plugin hangs, and its backlog of notifications is full."""


class Call:
    """One call on its way through a lane."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._context = contextvars.copy_context()
        self._done = threading.Event()
        self._value: Any = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Run in the lane's thread; whatever is raised is kept for the caller."""
        try:
            self._value = self._context.run(self._function)
        except BaseException as error:  # noqa: BLE001 - sys.exit() in a plugin must not end the lane
            self._error = error
        finally:
            self._done.set()

    def result(self, deadline_s: float) -> Any:
        """The value.

        Raises:
            CallFailedError: the plugin raised, whatever it was.
            LaneTimeoutError: when there is neither within ``deadline_s`` seconds.
        """
        if not self._done.wait(deadline_s):
            raise LaneTimeoutError(f"did not answer within {deadline_s:g} s")
        if self._error is not None:
            raise CallFailedError(self._error)
        return self._value


class Lane:
    """A plugin's thread and what waits for it."""

    def __init__(self, plugin: str) -> None:
        self._calls: queue.Queue[Call | None] = queue.Queue()
        self._last: Call | None = None
        self._thread = threading.Thread(target=self._work, name=f"hookline-{plugin}", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[[], Any]) -> Call:
        """Queue a call.

        Raises:
            BacklogError: when more than ``BACKLOG`` calls wait already.
        """
        if self._calls.qsize() >= BACKLOG:
            raise BacklogError(f"hangs, and {BACKLOG} calls wait already")
        call = Call(function)
        self._calls.put(call)
        return call

    @property
    def idle(self) -> bool:
        """Whether everything that was submitted has run."""
        return self._calls.unfinished_tasks == 0

    def close(self, deadline_s: float) -> bool:
        """Let what waits run, for ``deadline_s`` at most; whether the lane came to its end."""
        self._calls.put(None)
        self._thread.join(deadline_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call.run()
            self._calls.task_done()
