"""PySpark's two DataFrame writers, made to ask the bus.

Every way of writing through ``DataFrameWriter`` and ``DataFrameWriterV2`` (pandas-on-Spark's ``to_*`` among them) ends in
exactly one call on the JVM's writer. The stand-in for that writer records how it was set up, passes everything on, and
takes the last call through the chain; nested Python calls therefore count once. When the data was changed, the recorded
set-up is repeated on the new DataFrame's writer.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hookline.core.events import Operation
from hookline.pipelines import chain, plans, statements, table_files, tables, targets
from hookline.pipelines.staging.choice import Redirect
from hookline.pipelines.staging.folder import Replaces
from hookline.pipelines.state import current_scope

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_FORMATS = frozenset({"parquet", "csv", "json", "orc", "text", "xml"})
_V1_LAST = frozenset({"save", "saveAsTable", "insertInto", "jdbc", *_FORMATS})
_TO_TABLES = frozenset({"saveAsTable", "insertInto", "jdbc"})
_V1_SETTERS = frozenset({"mode", "format", "option", "options", "partitionBy", "bucketBy", "sortBy", "clusterBy"})
_V2_LAST: Mapping[str, Operation] = {
    "create": "create",
    "replace": "replace",
    "createOrReplace": "replace",
    "append": "append",
    "overwrite": "overwrite",
    "overwritePartitions": "overwrite",
}
_V2_SETTERS = frozenset({"using", "option", "options", "tableProperty", "partitionedBy", "clusterBy"})
_MODES: Mapping[str, Operation] = {
    "append": "append",
    "overwrite": "overwrite",
    "ignore": "ignore",
    "error": "errorifexists",
    "errorifexists": "errorifexists",
    "default": "errorifexists",
}


class RecordingWriter:
    """Stands where the JVM's DataFrameWriter stands in PySpark's."""

    last_calls = _V1_LAST
    setters = _V1_SETTERS

    def __init__(self, java: Any, frame: DataFrame, renew: Callable[[DataFrame], Any]) -> None:
        self._java = java
        self._frame = frame
        self._renew = renew
        self._calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._java, name)
        if name in self.last_calls:
            return lambda *arguments: self._ask(name, arguments, attribute)
        if name in self.setters:
            return lambda *arguments: self._set(name, arguments, attribute)
        return attribute

    def _set(self, name: str, arguments: tuple[Any, ...], attribute: Callable[..., Any]) -> RecordingWriter:
        attribute(*arguments)
        self._calls.append((name, arguments))
        return self

    def _ask(self, name: str, arguments: tuple[Any, ...], attribute: Callable[..., Any]) -> Any:
        scope = current_scope()
        if scope is None:
            return attribute(*arguments)

        def execute(frame: DataFrame | None) -> Any:
            return attribute(*arguments) if frame is None else getattr(self._again(frame), name)(*arguments)

        return chain.perform(scope, lambda: self._request(name, arguments, execute), lambda: attribute(*arguments))

    def _again(self, frame: DataFrame) -> Any:
        """The JVM writer of another DataFrame, set up in the same way."""
        java = self._renew(frame)
        for name, arguments in self._calls:
            self._repeat(java, frame, name, arguments)
        return java

    def _repeat(self, java: Any, frame: DataFrame, name: str, arguments: tuple[Any, ...]) -> None:
        getattr(java, name)(*arguments)

    def _request(
        self, name: str, arguments: tuple[Any, ...], execute: Callable[[DataFrame | None], Any]
    ) -> chain.Request:
        target = self._target(name, arguments)
        request = chain.Request(
            spark=self._spark,
            target=target,
            operation=self._operation(name),
            execute=execute,
            frame=self._frame,
            partition_by=self._partition_by,
        )
        if name == "insertInto" and isinstance(target, tables.TableTarget):
            return self._by_position(request, target)
        if name == "saveAsTable" and isinstance(target, tables.TableTarget):
            return self._by_name(request, target, arguments)
        if name in _TO_TABLES:
            return request
        return dataclasses.replace(
            request,
            redirect=lambda options: Redirect(
                functools.partial(self._write_to, name, arguments, options),
                self._replaces,
                partition_by=self._partition_by,
            ),
        )

    def _by_position(self, request: chain.Request, table: tables.TableTarget) -> chain.Request:
        """``insertInto`` is an INSERT: its columns go to the table's own one by one."""
        spark = self._spark
        statement = functools.cache(lambda: statements.insert(spark, table.parts, overwrite=self._mode == "overwrite"))
        return dataclasses.replace(
            request,
            schema=table.schema,
            stored=lambda frame: statements.stored(spark, statement(), frame),
            command=lambda changed: statements.analyzed(spark, statement(), changed or request.frame),
            redirect=lambda options: statements.redirect(spark, statement(), table, request.frame, options),
        )

    def _by_name(self, request: chain.Request, table: tables.TableTarget, arguments: tuple[Any, ...]) -> chain.Request:
        """``saveAsTable``: a table that is there gets the rows in its own columns, by their names."""
        spark = self._spark

        def analyze(frame: DataFrame | None) -> Any:
            java = self._java if frame is None else self._again(frame)
            return table_files.creation(spark, java.saveAsTableCommand(*arguments))

        request = dataclasses.replace(
            request, redirect=lambda options: table_files.redirect(spark, table, analyze, options)
        )
        if self._mode != "append" or not table.exists or not isinstance(table.place(), targets.FolderTarget):
            return request
        return dataclasses.replace(
            request,
            schema=table.schema,
            stored=lambda frame: plans.frame(spark, analyze(frame).query()),
        )

    def _write_to(
        self, name: str, arguments: tuple[Any, ...], options: Mapping[str, str], frame: DataFrame | None, uri: str
    ) -> Any:
        """The same write to a folder that is new."""
        java = self._again(self._frame if frame is None else frame)
        java.mode("errorifexists")
        for option, value in options.items():
            java.option(option, value)
        if name == "save" and not arguments:
            return java.option("path", uri).save()
        return getattr(java, name)(uri, *arguments[1:])

    @property
    def _replaces(self) -> Replaces:
        if self._mode != "overwrite":
            return "nothing"
        return "partitions" if self._partition_by and self._dynamic_partitions else "all"

    def _target(self, name: str, arguments: tuple[Any, ...]) -> targets.WriteTarget:
        replaces_all = self._mode == "overwrite" and not self._dynamic
        if name in ("saveAsTable", "insertInto"):
            return tables.TableTarget(
                self._spark,
                tables.table_parts(self._spark, arguments[0]),
                provider=self._format,
                location=self._options.get("path"),
                replaces_all=replaces_all and name == "saveAsTable",
                options=self._options,
            )
        if name == "jdbc":
            return targets.option_target("jdbc", {"url": arguments[0], "dbtable": arguments[1]})
        format_name = name if name in _FORMATS else self._format or self._default_format
        path = arguments[0] if arguments else self._options.get("path")
        if path is not None and (format_name == "delta" or format_name in targets.FILE_FORMATS):
            return targets.path_target(self._spark, path, format_name, replaces_all=replaces_all, options=self._options)
        return targets.option_target(format_name, {**self._options, **({"path": path} if path else {})})

    def _operation(self, name: str) -> Operation:
        if name == "insertInto":
            return "overwrite" if self._mode == "overwrite" else "insert"
        return _MODES.get(self._mode, "errorifexists")

    # -- how the writer was set up -------------------------------------------------------------------------------------

    @property
    def _spark(self) -> SparkSession:
        return self._frame.sparkSession

    @property
    def _default_format(self) -> str:
        return str(self._spark.conf.get("spark.sql.sources.default"))

    @property
    def _mode(self) -> str:
        return str(self._last("mode") or "default").lower()

    @property
    def _format(self) -> str | None:
        name = self._last("format")
        return None if name is None else str(name).lower()

    @property
    def _options(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, arguments in self._calls:
            if name == "option":
                found[str(arguments[0]).lower()] = str(arguments[1])
        return found

    @property
    def _dynamic(self) -> bool:
        """Whether an overwrite replaces only the partitions that it has rows for, or the rows of a condition."""
        return "replacewhere" in self._options or self._dynamic_partitions

    @property
    def _dynamic_partitions(self) -> bool:
        mode = self._options.get("partitionoverwritemode") or self._spark.conf.get(
            "spark.sql.sources.partitionOverwriteMode"
        )
        return str(mode).lower() == "dynamic"

    @property
    def _partition_by(self) -> tuple[str, ...]:
        for name, arguments in reversed(self._calls):
            if name in ("partitionBy", "partitionedBy"):
                return tuple(_column_names(arguments))
        return ()

    def _last(self, setter: str) -> Any:
        return next((arguments[0] for name, arguments in reversed(self._calls) if name == setter), None)


class RecordingWriterV2(RecordingWriter):
    """Stands where the JVM's DataFrameWriterV2 stands in PySpark's."""

    last_calls = frozenset(_V2_LAST)
    setters = _V2_SETTERS

    def __init__(self, java: Any, frame: DataFrame, table: str, renew: Callable[[DataFrame], Any]) -> None:
        super().__init__(java, frame, renew)
        self._table = table

    def _request(
        self, name: str, arguments: tuple[Any, ...], execute: Callable[[DataFrame | None], Any]
    ) -> chain.Request:
        provider = self._last("using")
        target = tables.TableTarget(
            self._spark,
            tables.table_parts(self._spark, self._table),
            provider=None if provider is None else str(provider).lower(),
            location=self._options.get("path"),
            replaces_all=_V2_LAST[name] == "replace",
        )
        return chain.Request(
            spark=self._spark,
            target=target,
            operation=_V2_LAST[name],
            execute=execute,
            frame=self._frame,
            partition_by=self._partition_by,
        )


def _column_names(arguments: tuple[Any, ...]) -> list[str]:
    """partitionBy gets a Scala Seq of names, partitionedBy a column and a Seq of columns."""
    found: list[str] = []
    for argument in arguments:
        if str(argument.getClass().getName()).startswith("scala.collection"):
            found += [str(item) for item in plans.sequence(argument)]
        else:
            found.append(str(argument.toString()))
    return found
