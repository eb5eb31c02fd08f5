"""When hookline itself knew of a write, or read back what was written: what the listener then sees is not news."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from hookline.core.events import Dataset
from hookline.pipelines import names

Kind = Literal["write", "measure"]
_KEPT = 5_000
_SLACK_MS = 5


@dataclass
class _Window:
    kind: Kind
    dataset: Dataset
    start_ms: float
    end_ms: float | None = None


_windows: deque[_Window] = deque(maxlen=_KEPT)
_lock = threading.Lock()


@contextmanager
def window(kind: Kind, dataset: Dataset) -> Iterator[None]:
    """What Spark does with this dataset in the enclosed code is known."""
    entry = _Window(kind, dataset, time.time() * 1000)
    with _lock:
        _windows.append(entry)
    try:
        yield
    finally:
        entry.end_ms = time.time() * 1000


def covers(kind: Kind, dataset: Dataset | None, at_ms: float) -> bool:
    """Whether a query on this dataset (None: not known) that began at this time (epoch milliseconds) was announced."""
    with _lock:
        entries = [entry for entry in _windows if entry.kind == kind]
    return any(
        entry.start_ms - _SLACK_MS <= at_ms <= (entry.end_ms or float("inf")) + _SLACK_MS
        and (dataset is None or same(dataset, entry.dataset) or _are_nowhere(dataset, entry.dataset))
        for entry in entries
    )


def same(one: Dataset, other: Dataset) -> bool:
    """Whether two names mean the same data: by place, or by a symlink."""
    return not _identities(one).isdisjoint(_identities(other))


def _are_nowhere(one: Dataset, other: Dataset) -> bool:
    """Sinks of which only their own code knows where they are: the job names them by their format, Spark's plan by their class."""
    return names.is_nowhere(one) and names.is_nowhere(other)


def _identities(dataset: Dataset) -> set[tuple[str, str]]:
    return {(dataset.namespace, dataset.name), *dataset.symlinks}
