"""Rows for a place that can't be staged: kept by the executors, judged there, and written from there when they passed.

A database or a catalog's table takes rows as they come. So Spark computes them once and keeps them (``localCheckpoint``, on
the executors' disks); what is written afterwards is what was judged, in the same partitions and order. When an executor is
lost with its rows the write fails: nothing is computed again that nobody has judged.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hookline.core.fuse.expressions import named
from hookline.core.fuse.sifting import POSITION, REASONS
from hookline.pipelines.targets import Put, Written
from hookline.pipelines.wording import describe

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from hookline.core.fuse import Sieve

logger = logging.getLogger(__name__)


class HeldStage:
    """One write of rows that are held back.

    Args:
        frame: what is written, when it is not changed on its way.
        write: the job's own call, with the held rows.
        stored: makes of the rows those that the target will have, where these differ.
    """

    always_judges = True
    version: str | None = None

    def __init__(
        self,
        frame: DataFrame,
        write: Callable[[DataFrame | None], Any],
        stored: Callable[[DataFrame], DataFrame] | None = None,
    ) -> None:
        self._frame = self._rows = frame
        self._write = write
        self._stored = stored

    def run(
        self,
        execute: Callable[[Callable[[], Any]], Any],
        judge: Callable[[Written], None],
        frame: DataFrame | None,
        schema: Callable[[], StructType],
    ) -> Any:
        """Compute, judge, write."""
        held = execute(lambda: hold(self._frame if frame is None else frame))
        self._rows = held
        try:
            judge(dataclasses.replace(self._written(held), split=self._split))
            return execute(lambda: self._write(self._rows))
        finally:
            let_go(held)

    def _written(self, rows: DataFrame) -> Written:
        return Written(read_back=lambda: rows if self._stored is None else self._stored(rows))

    def _split(self, sieve: Sieve, put: Put) -> Written:
        """Both shapes of a row stand at the same place among the others: nothing but a projection lies between them."""
        from pyspark.sql import functions as F

        held = self._rows
        position = F.monotonically_increasing_id()
        shaped = held if self._stored is None else self._stored(held)
        shaped = shaped.withColumn(POSITION, position)
        marked = sieve.mark(shaped, shaped)
        bad = F.size(named(REASONS)) > 0
        places = marked.where(bad).select(POSITION)
        put.put(marked.drop(POSITION), places.count())
        rest = held.withColumn(POSITION, position).join(places, POSITION, "left_anti")
        self._rows = rest.drop(POSITION)
        return self._written(self._rows)


def hold(frame: DataFrame) -> DataFrame:
    """The rows, computed once and kept."""
    from pyspark import StorageLevel

    # On disk: memory is for what the job itself has cached.
    return frame.localCheckpoint(eager=True, storageLevel=StorageLevel.DISK_ONLY)


def let_go(held: DataFrame) -> None:
    """Rows that nobody needs any more."""
    try:
        held._jdf.queryExecution().analyzed().rdd().unpersist(False)
    except Exception as error:  # noqa: BLE001 - Spark lets go by itself when nobody refers to the rows any more
        logger.debug("held rows were not released: %s", describe(error))
