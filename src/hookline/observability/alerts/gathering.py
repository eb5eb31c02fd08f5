"""What runs that go on have found to be well, and when it is time to tell what they have gathered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hookline.core.events import Run
from hookline.observability.alerts.watching import MOST_SUBJECTS


@dataclass
class _Group:
    run: Run
    well: set[str] = field(default_factory=set)
    numbers: dict[tuple[Any, ...], Mapping[str, Any]] = field(default_factory=dict)
    timer: threading.Timer | None = None


class Gathering:
    """The outermost runs of this process, each a group with the runs inside it. Thread-safe.

    Args:
        after_s: after how many seconds a group is told of although its run goes on.
        tell: called then, with the run, the group's name, what is well, and the latest numbers.
    """

    def __init__(self, after_s: float, tell: Callable[[Run, str, set[str], list[Mapping[str, Any]]], None]) -> None:
        self._after_s = after_s
        self._tell = tell
        self._lock = threading.Lock()
        self._group_of: dict[str, str] = {}
        self._groups: dict[str, _Group] = {}

    def open(self, run: Run) -> None:
        """A run began; one inside another that goes on is of its group."""
        with self._lock:
            self._open(run)

    def is_outermost(self, run: Run) -> bool:
        """Whether the run's end is its group's."""
        with self._lock:
            return self._group_of.get(run.run_id, run.run_id) == run.run_id

    def add(self, run: Run, wrong: Iterable[str], well: Iterable[str], numbers: Mapping[str, Any] | None = None) -> str:
        """Note what went wrong, which is no longer well, what is well, and numbers of a subject; the group's name."""
        with self._lock:
            name = self._open(run)
            group = self._groups[name]
            group.well.difference_update(wrong)
            group.well.update(well)
            if numbers is not None and len(group.numbers) < MOST_SUBJECTS:
                group.numbers[tuple(numbers["subject"])] = numbers
            if group.timer is None:
                group.timer = threading.Timer(self._after_s, self._ring, (name,))
                group.timer.name, group.timer.daemon = "hookline-alerts", True
                group.timer.start()
        return name

    def close_run(self, run: Run) -> tuple[set[str], list[Mapping[str, Any]]]:
        """A run ended; what its group found to be well, and its numbers, when it was the outermost one."""
        with self._lock:
            if self._group_of.pop(run.run_id, run.run_id) != run.run_id:
                return set(), []
            return self._taken(run.run_id)

    def close(self) -> None:
        """Tell what is left, and wait for nobody."""
        for name in list(self._groups):
            self._ring(name)
            with self._lock:
                self._taken(name)

    def _open(self, run: Run) -> str:
        outer = self._group_of.get(run.parent_run_id or "")
        name = self._group_of.setdefault(run.run_id, outer or run.run_id)
        self._groups.setdefault(name, _Group(run))
        return name

    def _ring(self, name: str) -> None:
        with self._lock:
            group = self._groups.get(name)
            if group is None:
                return
            group.timer, well, group.well = None, group.well, set()
            numbers, group.numbers = [*group.numbers.values()], {}
        self._tell(group.run, name, well, numbers)

    def _taken(self, name: str) -> tuple[set[str], list[Mapping[str, Any]]]:
        group = self._groups.pop(name, None)
        if group is None:
            return set(), []
        if group.timer is not None:
            group.timer.cancel()
        return group.well, [*group.numbers.values()]
