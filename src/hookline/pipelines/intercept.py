"""Where PySpark and Delta are touched: every wrapped function is named here, and each only asks another module.

Modules are wrapped when the job imports them, not before, so that a job without Spark pays nothing; what a call needs of
ours (``calls``) is imported by the first call, so that attaching is quick. With nothing attached each wrapper is one
attribute look-up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hookline.core.errors import ConfigError
from hookline.core.events import Operation
from hookline.pipelines import following, origins, watch, wrapping
from hookline.pipelines.rdds import RDD_SAVES
from hookline.pipelines.state import current_scope

_installed = False


def install() -> None:
    """Wrap what is imported already, and the rest when it is."""
    global _installed
    if _installed:
        return
    _installed = True
    wrapping.when_imported("pyspark.sql.readwriter", _wrap_writers)
    wrapping.when_imported("pyspark.sql.session", _wrap_session)
    wrapping.when_imported("pyspark.sql.merge", _wrap_merge_writer)
    wrapping.when_imported("pyspark.sql.classic.dataframe", _wrap_checkpoints)
    wrapping.when_imported("pyspark.sql.streaming.readwriter", _wrap_streams)
    wrapping.when_imported("pyspark.sql.streaming.query", _wrap_queries)
    wrapping.when_imported("pyspark.core.context", _wrap_context)
    wrapping.when_imported("pyspark.core.rdd", _wrap_rdds)
    wrapping.when_imported("pyspark.sql.connect.session", _wrap_connect)
    wrapping.when_imported("delta.tables", _wrap_delta)


def _wrap_writers(module: Any) -> None:
    def v1(wrapped: Callable[..., None], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        wrapped(*args, **kwargs)
        from hookline.pipelines import calls

        calls.record_writer(instance)

    def v2(wrapped: Callable[..., None], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        wrapped(*args, **kwargs)
        from hookline.pipelines import calls

        calls.record_writer_v2(instance, *_frame_and_table(*args, **kwargs))

    wrapping.wrap_method(module, "DataFrameWriter.__init__", v1)
    wrapping.wrap_method(module, "DataFrameWriterV2.__init__", v2)


def _frame_and_table(df: Any, table: str, *_: Any, **__: Any) -> tuple[Any, str]:
    """The first two arguments of PySpark's constructors, however they were passed."""
    return df, table


def _wrap_session(module: Any) -> None:
    def sql(wrapped: Callable[..., Any], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        scope = current_scope()
        if scope is None:
            return wrapped(*args, **kwargs)
        from hookline.pipelines import calls

        return calls.run_statement(scope, session, wrapped, *args, **kwargs)

    def created(wrapped: Callable[..., None], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        wrapped(*args, **kwargs)
        watch.watch_session(session)

    wrapping.wrap_method(module, "SparkSession.sql", sql)
    wrapping.wrap_method(module, "SparkSession.__init__", created)


def _wrap_checkpoints(module: Any) -> None:
    """A checkpoint's plan begins anew: what it was made by is remembered, for its lineage."""

    def cut(wrapped: Callable[..., Any], frame: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        answer = wrapped(*args, **kwargs)
        scope = current_scope()
        if scope is not None:
            with scope.overhead():
                origins.remember_safely(answer, lambda: frame._jdf.queryExecution().analyzed())
        return answer

    wrapping.wrap_method(module, "DataFrame.checkpoint", cut)
    wrapping.wrap_method(module, "DataFrame.localCheckpoint", cut)


def _wrap_context(module: Any) -> None:
    def stop(wrapped: Callable[..., Any], context: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        following.stop_queries()
        watch.drain()
        return wrapped(*args, **kwargs)

    wrapping.wrap_method(module, "SparkContext.stop", stop)


def _wrap_connect(module: Any) -> None:
    def created(wrapped: Callable[..., None], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        scope = current_scope()
        if scope is not None:
            _refuse_connect(scope)
        wrapped(*args, **kwargs)

    wrapping.wrap_method(module, "SparkSession.__init__", created)


def _refuse_connect(scope: Any) -> None:
    """There is no JVM to talk to under Spark Connect: say so, and let no gate be passed by."""
    if scope.runtime.decides_on_writes:
        raise ConfigError(
            "Spark Connect: writes can't be intercepted, and plugins are configured that decide on writes; run the job on "
            "a classic session, or configure an environment without those plugins"
        )
    scope.note("Spark Connect: reads and writes of this session are not seen")


def _wrap_merge_writer(module: Any) -> None:
    def remember(wrapped: Callable[..., None], writer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        wrapped(*args, **kwargs)
        writer._hookline_source, writer._hookline_table = _frame_and_table(*args, **kwargs)

    def merge(wrapped: Callable[..., Any], writer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        scope = current_scope()
        if scope is None:
            return wrapped(*args, **kwargs)
        from hookline.pipelines import calls

        return calls.merge(
            scope, writer._hookline_source, writer._hookline_table, writer._jwriter, lambda: wrapped(*args, **kwargs)
        )

    wrapping.wrap_method(module, "MergeIntoWriter.__init__", remember)
    wrapping.wrap_method(module, "MergeIntoWriter.merge", merge)


def _wrap_delta(module: Any) -> None:
    def merge(wrapped: Callable[..., Any], builder: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        scope = current_scope()
        if scope is None:
            return wrapped(*args, **kwargs)
        from hookline.pipelines import calls

        return calls.delta_merge(scope, builder, lambda: wrapped(*args, **kwargs))

    def wrap(operation: Operation) -> None:
        def change(wrapped: Callable[..., Any], table: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            scope = current_scope()
            if scope is None:
                return wrapped(*args, **kwargs)
            from hookline.pipelines import calls

            named = kwargs.get("set", args[1] if len(args) > 1 else None)
            return calls.delta_change(scope, table, operation, tuple(named or ()), lambda: wrapped(*args, **kwargs))

        wrapping.wrap_method(module, f"DeltaTable.{operation}", change)

    wrapping.wrap_method(module, "DeltaMergeBuilder.execute", merge)
    wrap("update")
    wrap("delete")


def _wrap_streams(module: Any) -> None:
    def record(wrapped: Callable[..., None], writer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        wrapped(*args, **kwargs)
        from hookline.pipelines import calls

        calls.record_stream_writer(writer)

    def batches(wrapped: Callable[..., Any], writer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        from hookline.pipelines import calls

        return wrapped(calls.each_batch(writer, *args, **kwargs))

    wrapping.wrap_method(module, "DataStreamWriter.__init__", record)
    wrapping.wrap_method(module, "DataStreamWriter.foreachBatch", batches)


def _wrap_queries(module: Any) -> None:
    def waits(wrapped: Callable[..., Any], query: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        answer = wrapped(*args, **kwargs)
        following.raise_refusal(query._jsq)
        return answer

    def waits_for_any(wrapped: Callable[..., Any], manager: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        answer = wrapped(*args, **kwargs)
        following.raise_any_refusal()
        return answer

    wrapping.wrap_method(module, "StreamingQuery.awaitTermination", waits)
    wrapping.wrap_method(module, "StreamingQuery.processAllAvailable", waits)
    wrapping.wrap_method(module, "StreamingQueryManager.awaitAnyTermination", waits_for_any)


def _wrap_rdds(module: Any) -> None:
    def wrap(name: str) -> None:
        def saves(wrapped: Callable[..., Any], rdd: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            scope = current_scope()
            if scope is None:
                return wrapped(*args, **kwargs)
            from hookline.pipelines import calls

            return calls.save_rdd(scope, rdd, name, args, kwargs, lambda: wrapped(*args, **kwargs))

        wrapping.wrap_method(module, f"RDD.{name}", saves)

    for name in RDD_SAVES:
        wrap(name)
