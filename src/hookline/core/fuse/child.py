"""A child process of the driver that measures, for sessions whose driver is the executor as well (``local[*]``).

It runs the very code that Spark tasks run elsewhere, without what a first Python task costs Spark (some two seconds of
CPU for the job, the daemon and its workers), and outside of the driver, so that neither its memory nor a crash can hurt
the job.
It is kept for the next write and ends by itself when the driver does, or after two idle minutes.
"""

from __future__ import annotations

import atexit
import inspect
import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from hookline.core.fuse import task
from hookline.core.fuse.jobs import DeadlineError

# Where hookline itself is, which need not be on the path where an import hook finds it.
_HOME = str(Path(__file__).parents[3])


class ChildError(Exception):
    """The child could not be started, or died."""


class Child:
    """At most one process at a time; plans of several threads wait for each other.

    Args:
        work: the module that it runs, which stands for itself.
    """

    def __init__(self, work: ModuleType = task) -> None:
        self._work = work
        self._turn = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def ask(self, plan: dict[str, Any], deadline_s: float) -> dict[str, Any]:
        """The answer to a plan.

        Raises:
            DeadlineError: there was none in time; the child has been killed.
            ChildError: the child can't be started, or died over this plan.
        """
        ends = time.monotonic() + deadline_s
        if not self._turn.acquire(timeout=max(deadline_s, 0.001)):
            raise DeadlineError(f"other measurements took all of {deadline_s:.0f} s")
        try:
            return self._ask(plan, ends, deadline_s)
        except BaseException:
            self._end()
            raise
        finally:
            self._turn.release()

    def start(self) -> None:
        """Have the process ready for a plan that will come; it gets ready by itself. Nobody waits, and nothing is raised."""
        if not self._turn.acquire(blocking=False):
            return
        try:
            self._be_there()
        except OSError:
            self._end()  # the plan finds out again, and tells
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the process, if there is one. The next plan starts another."""
        with self._turn:
            self._end()

    def _ask(self, plan: dict[str, Any], ends: float, deadline_s: float) -> dict[str, Any]:
        line = json.dumps(plan)
        for last_try in (False, True):
            reused = self._process is not None and self._process.poll() is None
            try:
                self._send(line)
                answer = self._answers.get(timeout=max(ends - time.monotonic(), 0.001))
            except queue.Empty:
                raise DeadlineError(f"it was cancelled after {deadline_s:.0f} s") from None
            except OSError as error:
                answer, problem = None, type(error).__name__
            else:
                problem = "it died"
            if answer is not None:
                return json.loads(answer)  # type: ignore[no-any-return]
            self._end()
            if last_try or not reused:  # a child that was idle too long ends just as it is asked
                break
        raise ChildError(f"the measuring process failed ({problem})")

    def _be_there(self) -> None:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._start()

    def _send(self, line: str) -> None:
        self._be_there()
        stdin = _pipe(self._process.stdin if self._process else None)
        stdin.write(line + "\n")
        stdin.flush()

    def _start(self) -> None:
        # From source, as the package may be in a zip; isolated, so that no module of the job's folder gets in between.
        command = [sys.executable, "-I", "-S", "-c", inspect.getsource(self._work)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for the job, which decides what becomes of this
        )
        self._answers = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(self._process, self._answers), daemon=True).start()
        stdin = _pipe(self._process.stdin)
        stdin.write(json.dumps([*sys.path, _HOME]) + "\n")
        stdin.flush()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                continue  # what was left in the buffer has nowhere to go


def _listen(process: subprocess.Popen[str], answers: queue.SimpleQueue[str | None]) -> None:
    try:
        for line in _pipe(process.stdout):
            answers.put(line)
    except ValueError:  # closed while reading
        pass
    answers.put(None)


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise BrokenPipeError
    return pipe


_child: tuple[int, Child] | None = None
_making = threading.Lock()


def shared_child() -> Child:
    """The process's own child; a fork gets another."""
    global _child
    with _making:
        if _child is None or _child[0] != os.getpid():
            _child = (os.getpid(), Child())
            atexit.register(_child[1].close)
        return _child[1]
