"""Streaming writes. A micro-batch is a Write with a batch id.

With ``foreachBatch`` the job's own function writes, and each of its writes goes through the whole chain. Spark's own sinks
write inside the JVM: authorization and transformation happen once, when the query starts; measuring and judging follow
each batch (``watch``), when it is visible already, and a refusal stops the query before the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hookline.core.events import Operation, Read
from hookline.pipelines import batches, chain, plans, tables, targets, watch
from hookline.pipelines.state import current_scope, installed
from hookline.pipelines.writers import RecordingWriter

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SETTERS = frozenset({"outputMode", "format", "option", "queryName", "partitionBy", "clusterBy", "trigger", "foreach"})


class RecordingStreamWriter(RecordingWriter):
    """Stands where the JVM's DataStreamWriter stands in PySpark's."""

    last_calls = frozenset({"start", "toTable"})
    setters = _SETTERS

    def __init__(self, java: Any, frame: DataFrame, renew: Callable[[DataFrame], Any]) -> None:
        super().__init__(java, frame, renew)
        self.by_batch = False

    def _ask(self, name: str, arguments: tuple[Any, ...], attribute: Callable[..., Any]) -> Any:
        scope = current_scope()
        if scope is None:
            return attribute(*arguments)
        if self.by_batch:
            for read in stream_inputs(self._frame):
                scope.record_read(read)
            return attribute(*arguments)

        def execute(frame: DataFrame | None) -> Any:
            return attribute(*arguments) if frame is None else getattr(self._again(frame), name)(*arguments)

        return chain.start_stream(
            scope,
            lambda: self._request(name, arguments, execute),
            lambda: attribute(*arguments),
            lambda request, query: watch.follow(scope, request, query),
        )

    def _target(self, name: str, arguments: tuple[Any, ...]) -> targets.WriteTarget:
        if name == "toTable":
            return tables.TableTarget(
                self._spark, tables.table_parts(self._spark, arguments[0]), self._format, self._options.get("path")
            )
        path = arguments[0] if arguments else self._options.get("path")
        format_name = self._format or self._default_format
        if path is not None and (format_name == "delta" or format_name in targets.FILE_FORMATS):
            return targets.path_target(self._spark, path, format_name, options=self._options)
        return targets.option_target(format_name, self._options)

    def _operation(self, name: str) -> Operation:
        return "overwrite" if str(self._last("outputMode")).lower() == "complete" else "append"


def stream_inputs(frame: DataFrame) -> tuple[Read, ...]:
    """What a streaming DataFrame reads."""
    return plans.inputs_of(frame.sparkSession, frame._jdf.queryExecution().analyzed())[0]


def numbered(writer: Any, func: Callable[[DataFrame, int], None]) -> Callable[[DataFrame, int], None]:
    """The job's batch function, with its writes marked with the batch's id and what the query reads."""
    recording = writer._jwrite
    if not isinstance(recording, RecordingStreamWriter):
        return func
    recording.by_batch = True
    runtime, scope = installed(), current_scope()
    if runtime is None or scope is None:
        return func
    inputs = stream_inputs(writer._df)

    def in_batch(frame: DataFrame, batch_id: int) -> None:
        with runtime.inside(scope), batches.inside(batches.Batch(batch_id, inputs)):
            func(frame, batch_id)

    return in_batch
