"""Streaming writes. A micro-batch is a Write with a batch id.

With ``foreachBatch`` the job's own function writes, and each of its writes goes through the whole chain. Spark's own sinks
write inside the JVM: authorization and transformation happen once, when the query starts; measuring and judging follow
each batch (``followers``), when it is visible already, and a refusal stops the query before the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hookline.core.events import Operation, Read
from hookline.core.runtime import RunScope
from hookline.pipelines import batches, chain, followers, leaves, origins, plans, tables, targets
from hookline.pipelines.progress import QueryProgress
from hookline.pipelines.state import current_scope
from hookline.pipelines.writers import RecordingWriter

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

BatchFunction = Callable[["DataFrame", int], None]
_FOREACH_BATCH = "foreachBatch"


class RecordingStreamWriter(RecordingWriter):
    """Stands where the JVM's DataStreamWriter stands in PySpark's."""

    last_calls = frozenset({"start", "toTable"})
    setters = frozenset(
        {"outputMode", "format", "option", "queryName", "partitionBy", "clusterBy", "trigger", "foreach"}
    )

    def __init__(self, java: Any, frame: DataFrame, renew: Callable[[DataFrame], Any]) -> None:
        super().__init__(java, frame, renew)
        self._batches: list[_BatchesOf] = []

    def each_batch(self, function: BatchFunction) -> BatchFunction:
        """The job's batch function, with its writes marked with the batch's id, what the query reads, and the run."""
        marked = _BatchesOf(function)
        self._batches.append(marked)
        self._calls.append((_FOREACH_BATCH, ()))
        return marked

    def _ask(self, name: str, arguments: tuple[Any, ...], attribute: Callable[..., Any]) -> Any:
        scope = current_scope()
        if scope is None:
            return attribute(*arguments)
        if name == "start" and self._sink == _FOREACH_BATCH:
            self._batches[-1].belong_to(scope, self._frame)
            query = attribute(*arguments)
            self._batches[-1].progress.query = query
            return query

        def execute(frame: DataFrame | None) -> Any:
            return attribute(*arguments) if frame is None else getattr(self._again(frame), name)(*arguments)

        return chain.start_stream(
            scope,
            lambda: self._request(name, arguments, execute),
            lambda: attribute(*arguments),
            lambda request, query: followers.follow(scope, request, query),
            followers.why_not(self._spark, self._last("trigger")),
        )

    def _repeat(self, java: Any, frame: DataFrame, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "foreach":
            # Its Python function is handed rows by their schema, which may be another one now.
            writer = arguments[0]
            function = plans.private_field(writer, f"{writer.getClass().getName().replace('.', '$')}$$func")
            kind = getattr(self._spark._jvm, writer.getClass().getName())
            arguments = (kind(function, frame._jdf.schema()),)
        if name != _FOREACH_BATCH:
            super()._repeat(java, frame, name, arguments)

    def _target(self, name: str, arguments: tuple[Any, ...]) -> targets.WriteTarget:
        if name == "toTable":
            return tables.TableTarget(
                self._spark, tables.table_parts(self._spark, arguments[0]), self._format, self._options.get("path")
            )
        path = arguments[0] if arguments else self._options.get("path")
        format_name = self._sink
        if path is not None and (format_name == "delta" or format_name in targets.FILE_FORMATS):
            return targets.path_target(self._spark, path, format_name, options=self._options)
        query_name = self._last("queryName")
        return targets.option_target(
            format_name, {**self._options, **({"queryname": str(query_name)} if query_name else {})}
        )

    def _operation(self, name: str) -> Operation:
        return "overwrite" if str(self._last("outputMode")).lower() == "complete" else "append"

    @property
    def _sink(self) -> str:
        """Where it goes: a format's name, ``foreach`` or ``foreachBatch``; the one that was said last."""
        for name, arguments in reversed(self._calls):
            if name in ("foreach", _FOREACH_BATCH):
                return str(name)
            if name == "format":
                return str(arguments[0]).lower()
        return self._default_format


class _BatchesOf:
    """A batch function that knows, once its query is started, to which run its writes belong."""

    def __init__(self, function: BatchFunction) -> None:
        self._function = function
        self._scope: RunScope | None = None
        self._inputs: tuple[Read, ...] = ()
        self._plan: Any = None
        self.progress = QueryProgress()

    def belong_to(self, scope: RunScope, frame: DataFrame) -> None:
        """A query of this frame with this function is about to be started in this run."""
        self._plan = frame._jdf.queryExecution().analyzed()
        self._scope, self._inputs = scope, leaves.inputs_of(frame.sparkSession, self._plan)[0]
        for read in self._inputs:
            scope.record_read(read)

    def __call__(self, frame: DataFrame, batch_id: int) -> None:
        scope = self._scope
        if scope is None or scope.ended:
            self._function(frame, batch_id)
            return
        origins.remember_safely(frame, lambda: self._plan)
        batch = batches.Batch(batch_id, self._inputs, lambda: self.progress.of(batch_id))
        with scope.runtime.inside(scope), batches.inside(batch, frame.sparkSession):
            self._function(frame, batch_id)


def each_batch(writer: Any, func: BatchFunction) -> BatchFunction:
    """What ``DataStreamWriter.foreachBatch`` is given in place of the job's own function."""
    recording = writer._jwrite
    return recording.each_batch(func) if isinstance(recording, RecordingStreamWriter) else func
