"""What has to be put down before a process forks, and picked up again afterwards.

SQLite keeps its file locks in state that is global to the process, so a child that inherits an open database trusts
locks that it does not hold. Everything that keeps such a thing open is guarded here and closes it before the fork.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Forkable(Protocol):
    """Something that must not be carried over a fork as it is."""

    def before_fork(self) -> None:
        """Close or lock what the child must not share."""

    def after_fork_in_parent(self) -> None:
        """Undo ``before_fork``."""

    def after_fork_in_child(self) -> None:
        """Start afresh; no other thread exists."""


_guarded: weakref.WeakSet[Forkable] = weakref.WeakSet()


def guard(thing: Forkable) -> None:
    """Call ``thing``'s methods around every fork of this process, as long as it lives."""
    _guarded.add(thing)


@contextmanager
def children_end_here() -> Iterator[None]:
    """Around a call of foreign code in a thread of hookline's: a child that this forks, and that comes back, ends.

    The thread's loop is nothing that the child may go on with. It would deliver messages twice, or wait for ever for work
    that nobody gives it, with the job's pipes open. The code is that of a ``sys.exit``; nothing buffered is written, since
    that is the parent's.
    """
    parent, code = os.getpid(), 1
    try:
        yield
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        raise
    finally:
        if os.getpid() != parent:
            os._exit(code & 0xFF)


def _before() -> None:
    for thing in list(_guarded):
        thing.before_fork()


def _after_in_parent() -> None:
    for thing in list(_guarded):
        thing.after_fork_in_parent()


def _after_in_child() -> None:
    for thing in list(_guarded):
        thing.after_fork_in_child()


os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
