"""What Spark's own progress says of a streaming batch, asked of the query."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from hookline.core.telemetry import StreamProgress

logger = logging.getLogger(__name__)
# In all for a batch. The wait ends with the batch, so that telling is never more than one batch behind.
_PATIENCE_S = 1.0
_REMEMBERED = 100


def progress_of(java_progress: Any) -> StreamProgress | None:
    """The JVM's ``StreamingQueryProgress`` as numbers; None when it is none, or is not understood."""
    from hookline.observability.telemetry import progress_of as understood

    if java_progress is None:
        return None
    try:
        return understood(str(java_progress.json()))
    except Exception as error:  # noqa: BLE001 - numbers are welcome, not needed
        logger.debug("the progress of a stream was not understood: %s", type(error).__name__)
        return None


class QueryProgress:
    """The progress of a query with a batch function, handed out once for each batch.

    Spark tells of a batch when it is committed, after the function. Who asks for a batch's numbers right after a write in it
    waits a moment, and gets those of the last batch that nobody has had yet when they don't come.

    Attributes:
        query: the JVM's, once it is started.
    """

    def __init__(self) -> None:
        self.query: Any = None
        self._lock = threading.Lock()
        self._handed_out = -1
        self._waited: tuple[int, float] = (-1, 0.0)

    def of(self, batch_id: int) -> StreamProgress | None:
        """The progress of this batch or an earlier one; None when there is nothing that was not handed out before."""
        with self._lock:
            try:
                return self._of(batch_id)
            except Exception as error:  # noqa: BLE001 - the query, or Spark, is gone
                logger.debug("the progress of a stream can't be had: %s", type(error).__name__)
                return None

    def _of(self, batch_id: int) -> StreamProgress | None:
        if self.query is None or self._handed_out >= batch_id:
            return None
        self._wait_for(batch_id)
        recent = self.query.recentProgress()
        for place in range(len(recent) - 1, max(-1, len(recent) - _REMEMBERED), -1):
            number = int(recent[place].batchId())
            if number <= self._handed_out:
                break
            if number <= batch_id:
                self._handed_out = number
                return progress_of(recent[place])
        return None

    def _wait_for(self, batch_id: int) -> None:
        began = time.monotonic()
        waited_s = self._waited[1] if self._waited[0] == batch_id else 0.0
        while True:
            alive = self.query.isActive()
            last = self.query.lastProgress()
            if (last is not None and int(last.batchId()) >= batch_id) or not alive:
                return
            spent_s = waited_s + time.monotonic() - began
            if spent_s >= _PATIENCE_S:
                self._waited = (batch_id, spent_s)
                return
            time.sleep(0.01)
