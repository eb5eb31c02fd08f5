"""``DataFrame.write`` and ``writeTo`` of frames that a secured session made: tables by name, where that is allowed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pyspark.sql import DataFrame, merge, readwriter
from pyspark.sql.readwriter import DataFrameWriter, DataFrameWriterV2

from hookline.pipelines import wrapping
from hookline.pipelines.secured.permits import Permits
from hookline.pipelines.tables import table_parts

_lock = threading.Lock()
_guarded = False
# An option that would put a table's rows elsewhere than its database has them.
_PLACES = frozenset({"path", "location"})
_CHAINED = frozenset({"mode", "format", "partitionBy", "bucketBy", "sortBy", "clusterBy", "using", "partitionedBy"})


def guard_writers() -> None:
    """From now on writers of secured sessions' frames ask first; all others are left alone."""
    global _guarded
    with _lock:
        if _guarded:
            return
        _guarded = True
        wrapping.wrap_method(readwriter, "DataFrameWriter.__init__", _take_over(SecuredWriter))
        wrapping.wrap_method(readwriter, "DataFrameWriterV2.__init__", _take_over(SecuredWriterV2))
        wrapping.wrap_method(merge, "MergeIntoWriter.__init__", _refuse_merge)


def _take_over(secured: type) -> wrapping.Wrapper:
    def made(wrapped: Callable[..., None], writer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        frame = args[0] if args else kwargs["df"]
        session: Any = frame.sparkSession
        if not hasattr(session, "hookline_guard"):
            wrapped(*args, **kwargs)
            return
        rest = [*args[1:], *(value for name, value in kwargs.items() if name != "df")]
        # What a permitted write does on its way, such as to look at its target, is not the user's doing.
        wrapped(DataFrame(frame._jdf, session.hookline_plain), *rest)
        writer.__class__ = secured
        writer.hookline_session = session
        writer.hookline_table = rest[0] if rest else ""

    return made


def _refuse_merge(wrapped: Callable[..., None], writer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    session: Any = (args[0] if args else kwargs["df"]).sparkSession
    if hasattr(session, "hookline_guard"):
        raise session.hookline_guard.refused("insert", "", "a secured session has no MERGE")
    wrapped(*args, **kwargs)


class _Guarded:
    """What both writers share."""

    hookline_session: Any

    def __getattribute__(self, name: str) -> Any:
        value = object.__getattribute__(self, name)
        if name.startswith(("_", "hookline_")) or name in type(self).__dict__ or name in _CHAINED:
            return value
        if name in ("option", "options", "tableProperty"):
            return self._hookline_placeless(value)
        raise self.hookline_session.hookline_guard.refused(
            "insert", "", f"{name}: a secured session writes to tables by their names, since policies know no files"
        )

    def _hookline_placeless(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def checked(*args: Any, **kwargs: Any) -> Any:
            for key in (*args[:1], *kwargs):
                if str(key).lower() in _PLACES or str(kwargs.get(key, "")).lower() in _PLACES:
                    raise self.hookline_session.hookline_guard.refused(
                        "create_table", "", "a secured session puts tables where their databases have them"
                    )
            return method(*args, **kwargs)

        return checked

    def _hookline_permits(self) -> Permits:
        return Permits(self.hookline_session.hookline_guard, self.hookline_session.hookline_tables)


class SecuredWriter(_Guarded, DataFrameWriter):
    """``DataFrame.write``."""

    _hookline_mode = "error"

    def mode(self, saveMode: str | None) -> Any:
        """As PySpark has it."""
        self._hookline_mode = (saveMode or self._hookline_mode).lower()
        return DataFrameWriter.mode(self, saveMode)

    def insertInto(self, tableName: str, overwrite: bool | None = None) -> None:
        """Add rows to a table, where that is allowed."""
        replacing = self._hookline_mode == "overwrite" if overwrite is None else overwrite
        self._hookline_permits().insert(table_parts(self.hookline_session, tableName), replacing=replacing)
        DataFrameWriter.insertInto(self, tableName, overwrite)

    def saveAsTable(
        self,
        name: str,
        format: str | None = None,
        mode: str | None = None,
        partitionBy: str | list[str] | None = None,
        **options: Any,
    ) -> None:
        """Make a table or add to one, where that is allowed."""
        how = (mode or self._hookline_mode).lower()
        self.options(**options)
        self._hookline_permits().save(table_parts(self.hookline_session, name), adding=how == "append")
        DataFrameWriter.saveAsTable(self, name, format, how, partitionBy)


class SecuredWriterV2(_Guarded, DataFrameWriterV2):
    """``DataFrame.writeTo``."""

    hookline_table: str

    def append(self) -> None:
        """Add rows to a table, where that is allowed."""
        self._hookline_permits().insert(self._hookline_parts())
        DataFrameWriterV2.append(self)

    def overwrite(self, condition: Any) -> None:
        """Put rows in place of others, where that is allowed."""
        self._hookline_permits().insert(self._hookline_parts(), replacing=True)
        DataFrameWriterV2.overwrite(self, condition)

    def overwritePartitions(self) -> None:
        """Put rows in place of partitions, where that is allowed."""
        self._hookline_permits().insert(self._hookline_parts(), replacing=True)
        DataFrameWriterV2.overwritePartitions(self)

    def create(self) -> None:
        """Make a table, where that is allowed."""
        self._hookline_permits().save(self._hookline_parts(), adding=False)
        DataFrameWriterV2.create(self)

    def _hookline_parts(self) -> tuple[str, ...]:
        return table_parts(self.hookline_session, self.hookline_table)
