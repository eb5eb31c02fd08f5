"""What one batch of a streaming query left in one of Spark's own sinks, as the sink's own log tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from hookline.core.fuse import WrittenFile
from hookline.pipelines import plans, storage
from hookline.pipelines.chain.request import Request
from hookline.pipelines.targets import DeltaTarget, FolderTarget, Written

BatchReader = Callable[[int], Written]


def reader(request: Request, stream: Any) -> BatchReader:
    """What tells a batch's files by the batch's id.

    Args:
        request: its target is a place, and its frame is what is written.
        stream: Spark's ``StreamExecution``.
    """
    target = request.target
    if isinstance(target, DeltaTarget):
        return _DeltaBatches(target, str(stream.id().toString()))
    if isinstance(target, FolderTarget) and plans.simple_class(stream.sink()) == "FileStreamSink":
        return _FolderBatches(target, request, plans.private_field(stream.sink(), "fileLog"))
    return lambda batch_id: Written()


class _DeltaBatches:
    """Each commit of a streaming query carries the query's id and the batch's."""

    def __init__(self, target: DeltaTarget, query_id: str) -> None:
        self._target = target
        self._query_id = query_id
        self._version = target.before()
        self._first = True

    def __call__(self, batch_id: int) -> Written:
        # A batch that was committed to the table before a crash, and not in the checkpoint, is skipped when it comes again.
        repeated = self._first and self._target.has_batch(self._query_id, batch_id)
        self._first = False
        after = -1 if repeated else self._version
        written, self._version = self._target.batch(self._query_id, batch_id, after_version=after)
        return written


class _FolderBatches:
    """The file sink keeps a log of each batch's files; every tenth one is compacted and repeats those before it."""

    def __init__(self, target: FolderTarget, request: Request, log: Any) -> None:
        self._target = target
        self._request = request
        self._log = log
        self._root = storage.local_path(target.uri) or target.uri

    def __call__(self, batch_id: int) -> Written:
        frame = self._request.frame
        if frame is None:
            return Written()
        return self._target.written(tuple(self._files(batch_id)), frame.schema)

    def _files(self, batch_id: int) -> Iterator[WrittenFile]:
        entries = self._entries(batch_id)
        before = self._last_before(batch_id) if self._is_compacted(batch_id) else None
        for position in range(len(entries) - 1, -1, -1):
            uri = unquote(str(entries[position].path()))
            if uri == before:
                return
            path = storage.local_path(uri) or uri
            relative = path.removeprefix(self._root).lstrip("/")
            yield WrittenFile(path, int(entries[position].size()), partition=storage.partition_values(relative))

    def _last_before(self, batch_id: int) -> str | None:
        """The last file that any batch before this one wrote; None when there is none."""
        for earlier in range(batch_id - 1, -1, -1):
            entries = self._entries(earlier)
            if len(entries):
                return unquote(str(entries[len(entries) - 1].path()))
            if self._is_compacted(earlier):
                break
        return None

    def _entries(self, batch_id: int) -> Any:
        """LookupError when the sink has no such log (any more): then files can't be told to be a batch's."""
        found = plans.option(self._log.get(batch_id))
        if found is None:
            raise LookupError(f"no log of batch {batch_id}")
        return found

    def _is_compacted(self, batch_id: int) -> bool:
        return str(self._log.batchIdToPath(batch_id).getName()).endswith(".compact")
