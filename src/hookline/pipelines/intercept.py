"""Where PySpark and Delta are touched: every wrapped function is named here, and each only asks another module.

Modules are wrapped when the job imports them, not before, so that a job without Spark pays nothing. With nothing attached
each wrapper is one attribute look-up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hookline.core.errors import ConfigError
from hookline.core.events import Operation
from hookline.pipelines import chain, followers, origins, plans, statements, streams, targets, watch, wrapping
from hookline.pipelines.rdds import RDD_SAVES, rdd_request
from hookline.pipelines.state import current_scope
from hookline.pipelines.writers import RecordingWriter, RecordingWriterV2

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
        instance._jwrite = RecordingWriter(instance._jwrite, instance._df, lambda frame: frame._jdf.write())

    def v2(wrapped: Callable[..., None], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        wrapped(*args, **kwargs)
        frame, table = _frame_and_table(*args, **kwargs)
        instance._jwriter = RecordingWriterV2(instance._jwriter, frame, table, lambda frame: frame._jdf.writeTo(table))

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
        return _run_statement(scope, session, wrapped, *args, **kwargs)

    def created(wrapped: Callable[..., None], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        wrapped(*args, **kwargs)
        watch.watch_session(session)

    wrapping.wrap_method(module, "SparkSession.sql", sql)
    wrapping.wrap_method(module, "SparkSession.__init__", created)


def _run_statement(
    scope: Any, session: Any, wrapped: Callable[..., Any], sqlQuery: str, args: Any = None, **kwargs: Any
) -> Any:
    """Named arguments are DataFrames and values that PySpark formats into the text; the text is parsed after that."""
    from pyspark.sql.sql_formatter import SQLStringFormatter

    if not kwargs:
        return _run_text(scope, session, wrapped, sqlQuery, args)
    formatter = SQLStringFormatter(session)
    try:
        return _run_text(scope, session, wrapped, formatter.format(sqlQuery, **kwargs), args)
    finally:
        formatter.clear()


def _run_text(scope: Any, session: Any, wrapped: Callable[..., Any], text: str, args: Any) -> Any:
    def bare() -> Any:
        return wrapped(text, args)

    with scope.overhead():
        statement = statements.parse(session, text, args)
    if statement is None:
        return bare()
    return chain.perform(scope, lambda: statements.request(session, statement, bare), bare)


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
        followers.stop_queries()
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
        def describe(bare: Callable[[], Any]) -> chain.Request:
            source = writer._hookline_source
            return statements.merge_request(source.sparkSession, writer._hookline_table, source, bare)

        return _through_chain(describe, wrapped, args, kwargs)

    wrapping.wrap_method(module, "MergeIntoWriter.__init__", remember)
    wrapping.wrap_method(module, "MergeIntoWriter.merge", merge)


def _through_chain(
    describe: Callable[[Callable[[], Any]], chain.Request],
    wrapped: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """The chain for a call that stays as it is; the call alone when nothing is attached."""

    def bare() -> Any:
        return wrapped(*args, **kwargs)

    scope = current_scope()
    return bare() if scope is None else chain.perform(scope, lambda: describe(bare), bare)


def _wrap_delta(module: Any) -> None:
    operations: dict[str, tuple[Operation, Callable[[Any], Any]]] = {
        "DeltaMergeBuilder.execute": ("merge", lambda builder: _merge_target(builder)),
        "DeltaTable.update": ("update", lambda table: table._jdt),
        "DeltaTable.delete": ("delete", lambda table: table._jdt),
    }

    def wrap(name: str, operation: Operation, java_table: Callable[[Any], Any]) -> None:
        def changes_rows(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
            def describe(bare: Callable[[], Any]) -> chain.Request:
                return _delta_request(instance._spark, java_table(instance), operation, bare)

            return _through_chain(describe, wrapped, args, kwargs)

        wrapping.wrap_method(module, name, changes_rows)

    for name, (operation, java_table) in operations.items():
        wrap(name, operation, java_table)


def _merge_target(builder: Any) -> Any:
    return plans.private_field(builder._jbuilder, "targetTable")


def _delta_request(spark: Any, java_table: Any, operation: Operation, bare: Callable[[], Any]) -> chain.Request:
    log = java_table.deltaLog()
    uri = str(log.dataPath().toString())
    return chain.Request(
        spark=spark,
        target=targets.path_target(spark, uri, "delta"),
        operation=operation,
        execute=lambda _: bare(),
        schema=lambda: spark.read.format("delta").load(uri).schema,
        late=True,
    )


def _wrap_streams(module: Any) -> None:
    def record(wrapped: Callable[..., None], writer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        wrapped(*args, **kwargs)
        writer._jwrite = streams.RecordingStreamWriter(
            writer._jwrite, writer._df, lambda frame: frame._jdf.writeStream()
        )

    def batches(wrapped: Callable[..., Any], writer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return wrapped(streams.each_batch(writer, *args, **kwargs))

    wrapping.wrap_method(module, "DataStreamWriter.__init__", record)
    wrapping.wrap_method(module, "DataStreamWriter.foreachBatch", batches)


def _wrap_queries(module: Any) -> None:
    def waits(wrapped: Callable[..., Any], query: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        answer = wrapped(*args, **kwargs)
        followers.raise_refusal(query._jsq)
        return answer

    def waits_for_any(wrapped: Callable[..., Any], manager: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        answer = wrapped(*args, **kwargs)
        followers.raise_any_refusal()
        return answer

    wrapping.wrap_method(module, "StreamingQuery.awaitTermination", waits)
    wrapping.wrap_method(module, "StreamingQuery.processAllAvailable", waits)
    wrapping.wrap_method(module, "StreamingQueryManager.awaitAnyTermination", waits_for_any)


def _wrap_rdds(module: Any) -> None:
    def wrap(name: str) -> None:
        def saves(wrapped: Callable[..., Any], rdd: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            return _through_chain(lambda bare: rdd_request(rdd, name, args, kwargs, bare), wrapped, args, kwargs)

        wrapping.wrap_method(module, f"RDD.{name}", saves)

    for name in RDD_SAVES:
        wrap(name)
