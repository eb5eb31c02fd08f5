"""Which micro-batch the code that runs now belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline.core.events import Read
from hookline.core.spending import Progress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Batch:
    """A micro-batch of a streaming query and what the query reads; ``progress`` is what Spark tells of it."""

    batch_id: int
    inputs: tuple[Read, ...]
    progress: Progress | None = None


_batch: ContextVar[Batch | None] = ContextVar("hookline_batch", default=None)
_of_session: dict[str, Batch] = {}


@contextmanager
def inside(batch: Batch, spark: SparkSession) -> Iterator[None]:
    """Writes of the enclosed code belong to this micro-batch.

    Args:
        spark: the batch's session. Each query has its own, by which writes are known that a batch function hands to
            threads of its own.
    """
    token = _batch.set(batch)
    session = _identity(spark)
    _of_session[session] = batch
    try:
        yield
    finally:
        del _of_session[session]
        _batch.reset(token)


def current(spark: SparkSession) -> Batch | None:
    """The micro-batch that a write of this session belongs to; None outside one."""
    batch = _batch.get()
    return batch if batch is not None or not _of_session else _of_session.get(_identity(spark))


def _identity(spark: SparkSession) -> str:
    return str(spark._jsparkSession.sessionUUID())
