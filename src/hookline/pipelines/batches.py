"""Which micro-batch the code that runs now belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from hookline.core.events import Read


@dataclass(frozen=True)
class Batch:
    """A micro-batch of a streaming query and what the query reads."""

    batch_id: int
    inputs: tuple[Read, ...]


_batch: ContextVar[Batch | None] = ContextVar("hookline_batch", default=None)


@contextmanager
def inside(batch: Batch) -> Iterator[None]:
    """Writes of the enclosed code belong to this micro-batch."""
    token = _batch.set(batch)
    try:
        yield
    finally:
        _batch.reset(token)


def current_batch_id() -> int | None:
    """The micro-batch's id, or None outside one."""
    batch = _batch.get()
    return None if batch is None else batch.batch_id


def current_inputs() -> tuple[Read, ...]:
    """What the streaming query reads; a micro-batch's own plan shows an RDD only."""
    batch = _batch.get()
    return () if batch is None else batch.inputs
