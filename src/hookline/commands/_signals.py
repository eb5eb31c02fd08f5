"""What SIGTERM and SIGHUP do to a process that runs a job: the run ends first, and then the process, as it would have."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_GRACE_S = 8.0


def end_on_signals(end_run: Callable[[int], None]) -> None:
    """Call ``end_run`` with the signal's number, for a bounded time, before the process dies of it.

    A job may set its own handlers; what it had set to be ignored stays so.
    """

    def handle(number: int, frame: Any) -> None:
        # In a thread, since this code may have interrupted one that holds a lock which ending the run needs.
        thread = threading.Thread(target=end_run, args=(number,), name="hookline-signal", daemon=True)
        thread.start()
        thread.join(_GRACE_S)
        die_of(number)

    for number in _SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, handle)
    _leave_children_alone(handle)


def die_of(number: int) -> None:
    """End this process by a signal."""
    from hookline.pipelines.script import flush_output

    flush_output()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _leave_children_alone(handle: Callable[[int, Any], None]) -> None:
    """A forked child dies of these signals at once: the run is its parent's.

    They are held back while it forks, since Python forgets those that reach a child before it has come to itself.
    """
    here = threading.local()

    def hold_back() -> None:
        here.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)

    def let_through() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, here.mask)

    def become_a_child() -> None:
        for number in _SIGNALS:
            if signal.getsignal(number) is handle:
                signal.signal(number, signal.SIG_DFL)
        let_through()

    os.register_at_fork(before=hold_back, after_in_parent=let_through, after_in_child=become_a_child)
