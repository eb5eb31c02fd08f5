"""Batches of a streaming query that Spark's own sink writes: found in the sink's log, measured and judged afterwards."""

from __future__ import annotations

import json
import logging
from typing import Any

from hookline.core.events import utc_now
from hookline.core.fuse import WrittenFile
from hookline.core.runtime import RunScope
from hookline.pipelines import chain, storage
from hookline.pipelines.tables import TableTarget
from hookline.pipelines.targets import DeltaTarget, FolderTarget, Written

logger = logging.getLogger(__name__)


class BatchFollower:
    """One streaming query and where it writes."""

    def __init__(self, scope: RunScope, request: chain.Request, java_query: Any) -> None:
        self.query_id = str(java_query.id().toString())
        self._scope = scope
        self._request = request
        self._query = java_query
        self._version = -1
        self._reported = -1

    def report(self, batch_id: int, rows: int) -> None:
        """A batch was committed. Spark repeats the last batch's progress while it is idle: each is reported once."""
        if batch_id <= self._reported:
            return
        self._reported = batch_id
        now = utc_now()
        written = self._written(batch_id)
        refused = chain.assess_afterwards(
            self._scope, self._request, written, batch_id=batch_id, rows=rows, started_at=now, transformable=True
        )
        if refused is not None:
            logger.error("%s; the query is stopped", refused)
            self._query.stop()

    def _written(self, batch_id: int) -> Written:
        target = self._request.target
        if isinstance(target, TableTarget):
            target = target.place()
        if isinstance(target, DeltaTarget):
            written, self._version = target.batch(self.query_id, batch_id, after_version=self._version)
            return written
        if isinstance(target, FolderTarget):
            return _sink_log(target, batch_id, self._request)
        return Written()


def _sink_log(target: FolderTarget, batch_id: int, request: chain.Request) -> Written:
    """The file sink writes down each batch's files in ``_spark_metadata/<batch>``."""
    if request.frame is None:
        return Written()
    local = storage.local_path(target.uri)
    if local is None:
        return Written()
    try:
        with open(f"{local}/_spark_metadata/{batch_id}", encoding="utf-8") as log:
            entries = [json.loads(line) for line in list(log)[1:]]
    except FileNotFoundError:
        return Written()  # compacted: every tenth log holds the batches before it as well
    files = tuple(
        WrittenFile(
            storage.local_path(entry["path"].replace("file:///", "/")) or entry["path"],
            int(entry["size"]),
            partition=storage.partition_values(entry["path"].removeprefix(f"file://{local}/")),
        )
        for entry in entries
        if entry.get("action") == "add"
    )
    return target.written(files, request.frame.schema)
