"""What a wrapped call of PySpark's or Delta's does: it describes itself as a request and goes through the chain.

Imported by the first such call (``intercept``), with all that a write needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hookline.core.events import Operation
from hookline.core.runtime import RunScope
from hookline.lineage.columns import Assigned
from hookline.pipelines import assigned, chain, plans, rdds, statements, streams, targets
from hookline.pipelines.writers import RecordingWriter, RecordingWriterV2

Bare = Callable[[], Any]


def record_writer(writer: Any) -> None:
    """A ``DataFrameWriter`` was made."""
    writer._jwrite = RecordingWriter(writer._jwrite, writer._df, lambda frame: frame._jdf.write())


def record_writer_v2(writer: Any, frame: Any, table: str) -> None:
    """A ``DataFrameWriterV2`` was made."""
    writer._jwriter = RecordingWriterV2(writer._jwriter, frame, table, lambda frame: frame._jdf.writeTo(table))


def record_stream_writer(writer: Any) -> None:
    """A ``DataStreamWriter`` was made."""
    writer._jwrite = streams.RecordingStreamWriter(writer._jwrite, writer._df, lambda frame: frame._jdf.writeStream())


def each_batch(writer: Any, *args: Any, **kwargs: Any) -> Any:
    """The function to give to ``foreachBatch`` instead of the job's."""
    return streams.each_batch(writer, *args, **kwargs)


def run_statement(
    scope: RunScope, session: Any, wrapped: Callable[..., Any], /, sqlQuery: str, args: Any = None, **kwargs: Any
) -> Any:
    """``SparkSession.sql``, with its arguments' own names.

    Named arguments are DataFrames and values that PySpark formats into the text; the text is parsed after that.
    """
    from pyspark.sql.sql_formatter import SQLStringFormatter

    if not kwargs:
        return _run_text(scope, session, wrapped, sqlQuery, args)
    formatter = SQLStringFormatter(session)
    try:
        return _run_text(scope, session, wrapped, formatter.format(sqlQuery, **kwargs), args)
    finally:
        formatter.clear()


def _run_text(scope: RunScope, session: Any, wrapped: Callable[..., Any], text: str, args: Any) -> Any:
    def bare() -> Any:
        return wrapped(text, args)

    with scope.overhead():
        statement = statements.parse(session, text, args)
    if statement is None:
        return bare()
    return chain.perform(scope, lambda: statements.request(session, statement, bare), bare)


def merge(scope: RunScope, source: Any, table: str, writer: Any, bare: Bare) -> Any:
    """``MergeIntoWriter.merge``. ``writer`` is the JVM's."""

    def request() -> chain.Request:
        return statements.merge_request(source.sparkSession, table, source, writer, bare)

    return chain.perform(scope, request, bare)


def delta_merge(scope: RunScope, builder: Any, bare: Bare) -> Any:
    """``DeltaMergeBuilder.execute``."""

    def request() -> chain.Request:
        java = builder._jbuilder
        table = plans.private_field(java, "targetTable")
        return _delta_request(builder._spark, table, "merge", bare, lambda: assigned.by_delta_merge(java))

    return chain.perform(scope, request, bare)


def delta_change(scope: RunScope, table: Any, operation: Operation, names: Iterable[str], bare: Bare) -> Any:
    """``DeltaTable.update`` and ``delete``. ``names`` are those of the columns that are set."""

    def request() -> chain.Request:
        spark = table._spark
        return _delta_request(spark, table._jdt, operation, bare, lambda: assigned.by_names(spark, names))

    return chain.perform(scope, request, bare)


def save_rdd(
    scope: RunScope, rdd: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], bare: Bare
) -> Any:
    """One of ``rdds.RDD_SAVES``."""
    return chain.perform(scope, lambda: rdds.rdd_request(rdd, method, args, kwargs, bare), bare)


def _delta_request(
    spark: Any, java_table: Any, operation: Operation, bare: Bare, named: Callable[[], Assigned]
) -> chain.Request:
    log = java_table.deltaLog()
    uri = str(log.dataPath().toString())
    return chain.Request(
        spark=spark,
        target=targets.path_target(spark, uri, "delta"),
        operation=operation,
        execute=lambda _: bare(),
        schema=lambda: spark.read.format("delta").load(uri).schema,
        assigned=named,
        late=True,
    )
