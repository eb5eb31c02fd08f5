"""Which Spark jobs belong to one write, and who asks for them afterwards."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hookline.core.events import utc_now
from hookline.core.spending import Progress, Spent
from hookline.core.telemetry import StreamProgress
from hookline.observability.telemetry.asking import WRITE_TAG

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    from hookline.pipelines.spending import SparkSpending

logger = logging.getLogger(__name__)


class OneWrite:
    """One write's: what marks its jobs, and who asks afterwards."""

    def __init__(self, spending: SparkSpending, write_id: str, stream: Progress | None) -> None:
        self._spending = spending
        self._tag = WRITE_TAG + write_id
        self._stream = stream
        self._ask: Spent | None = None
        self._began: dt.datetime | None = None

    @contextmanager
    def tagged(self, spark: SparkSession) -> Iterator[None]:
        """See ``core.spending``."""
        context = spark.sparkContext
        # A write that is held back runs in two steps: it began with the first.
        self._began = began = self._began or utc_now()
        if not self._tag_jobs(context):
            try:
                yield
            finally:
                self._meanwhile(began, time.time(), "its jobs could not be tagged")
            return
        self._ask = lambda: self._spending.of_tag(self._tag, began, self._stream)
        try:
            yield
        finally:
            with suppress(Exception):  # Spark may be gone by now
                context.removeJobTag(self._tag)

    def of_batch(self, group: str, batch_id: int, began: dt.datetime, stream: StreamProgress | None) -> None:
        """See ``core.spending``."""
        self._ask = lambda: self._spending.of_batch(group, batch_id, began, stream)

    def of_window(self, began: dt.datetime, duration_s: float) -> None:
        """See ``core.spending``."""
        self._meanwhile(began, began.timestamp() + duration_s, "only the listener saw the write")

    @property
    def spent(self) -> Spent | None:
        """See ``core.spending``."""
        return self._ask

    def _tag_jobs(self, context: SparkContext) -> bool:
        """Whether this thread's jobs carry the tag now; where Python's threads share the JVM's, they can't."""
        from py4j.clientserver import ClientServer

        if not isinstance(context._gateway, ClientServer):
            return False
        try:
            context.addJobTag(self._tag)
        except Exception as error:  # noqa: BLE001 - the write itself will say what is wrong
            logger.debug("a write's jobs could not be tagged: %s", type(error).__name__)
            return False
        return True

    def _meanwhile(self, began: dt.datetime, ended_s: float, why: str) -> None:
        reason = f"{why}: they are taken to be those that ran meanwhile"
        self._ask = lambda: self._spending.of_window(began, ended_s, reason)
