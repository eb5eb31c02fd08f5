"""What has to be put down before a process forks, and picked up again afterwards.

SQLite keeps its file locks in state that is global to the process, so a child that inherits an open database trusts
locks that it does not hold. Everything that keeps such a thing open is guarded here and closes it before the fork.
"""

from __future__ import annotations

import os
import weakref
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
