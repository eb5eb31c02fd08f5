"""Which rows it is about: those of a subject, or those that are too old. In Spark and in Arrow alike.

A subject's rows are found by tokens: the column's values are tokenized where they are, by a key that is fetched by its name, and
held against the tokens that are wanted. No plan, no log of a table's changes and no task has an id.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from hookline.core.errors import ProtectionError
from hookline.governance.protection.deeds import Keyed
from hookline.governance.protection.values import tokens_by

if TYPE_CHECKING:
    from pyspark.sql import Column

# A number's text, in whatever type it is stored: 4711, not 4711.0.
_WHOLE = re.compile(r"\.0+$")
_FRACTIONS = frozenset({"decimal", "float", "double"})
_TEXTLESS = frozenset({"array", "map", "struct", "binary", "variant"})


class Matcher(Protocol):
    """Tells of rows by one column."""

    def spark(self, column: Column, type: Any) -> Column:
        """True where a row is meant.

        Raises:
            ProtectionError: a column of this type can't be looked through.
        """

    def arrow(self) -> Callable[[Any], list[bool]]:
        """A function of an array that tells of each value whether its row is meant."""


class OfSubject:
    """Rows of a subject.

    Args:
        finder: how tokens are made.
        wanted: the tokens.
    """

    def __init__(self, finder: Keyed, wanted: frozenset[str]) -> None:
        self._finder = finder
        self._wanted = wanted

    def spark(self, column: Column, type: Any) -> Column:
        """See ``Matcher``."""
        from pyspark.sql import functions as F
        from pyspark.sql.pandas.functions import arrow_udf

        kind = type.typeName()
        if kind in _TEXTLESS:
            raise ProtectionError(f"a column of type {type.simpleString()} does not say whose row it is")
        text = column if kind == "string" else column.cast("string")
        if kind in _FRACTIONS:
            text = F.regexp_replace(text, _WHOLE.pattern, "")
        function: Any = arrow_udf
        made: Column = function(_teller(self._finder, self._wanted), "boolean")(text)
        return made

    def arrow(self) -> Callable[[Any], list[bool]]:
        """See ``Matcher``."""
        import pyarrow as pa
        import pyarrow.compute as pc

        tell = _told(self._finder, self._wanted)

        def told(array: Any) -> list[bool]:
            kind = array.type
            if pa.types.is_nested(kind) or pa.types.is_binary(kind):
                raise ProtectionError(f"a column of type {kind} does not say whose row it is")
            texts = array if pa.types.is_string(kind) else pc.cast(array, pa.string())
            if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
                texts = pc.replace_substring_regex(texts, _WHOLE.pattern, "")
            return tell(texts)

        return told


class Before:
    """Rows whose time is before a moment, in UTC where it has no zone of its own; those without a time are not meant."""

    def __init__(self, moment: dt.datetime) -> None:
        self._moment = moment.astimezone(dt.timezone.utc)

    def spark(self, column: Column, type: Any) -> Column:
        """See ``Matcher``."""
        from pyspark.sql import functions as F

        limits = {
            "date": F.lit(self._moment.date()),
            "timestamp": F.lit(self._moment),
            "timestamp_ntz": F.lit(self._moment.replace(tzinfo=None).isoformat(sep=" ")).cast("timestamp_ntz"),
        }
        if type.typeName() not in limits:
            raise ProtectionError(
                f"a column of type {type.simpleString()} is no time: rows are kept by a date or a timestamp"
            )
        return F.coalesce(column < limits[type.typeName()], F.lit(False))

    def arrow(self) -> Callable[[Any], list[bool]]:
        """See ``Matcher``."""
        import pyarrow as pa
        import pyarrow.compute as pc

        moment = self._moment

        def told(array: Any) -> list[bool]:
            kind = array.type
            if pa.types.is_string(kind):
                array, kind = _days(array), pa.date32()
            if pa.types.is_date(kind):
                limit = pa.scalar(moment.date(), kind)
            elif pa.types.is_timestamp(kind):
                limit = pa.scalar(moment if kind.tz else moment.replace(tzinfo=None), kind)
            else:
                raise ProtectionError(f"a column of type {kind} is no time: rows are kept by a date or a timestamp")
            return [bool(one) for one in pc.less(array, limit).to_pylist()]

        return told


def _days(texts: Any) -> Any:
    """Of a text, such as a folder's name, only a day is a time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.cast(texts, pa.date32())
    except pa.ArrowInvalid:
        raise ProtectionError("a column of text is no time: rows are kept by a date or a timestamp") from None


def _teller(finder: Keyed, wanted: frozenset[str]) -> Callable[[Any], Any]:
    import pyarrow as pa

    def tell(array: Any) -> Any:
        return pa.array(_told(finder, wanted)(array), pa.bool_())

    # Spark shows the name, and Delta's log has it.
    tell.__name__ = "hookline_is_meant"
    tell.__annotations__ = {"array": pa.Array, "return": pa.Array}
    return tell


def _told(finder: Keyed, wanted: frozenset[str]) -> Callable[[Any], list[bool]]:
    def told(texts: Any) -> list[bool]:
        make = tokens_by(finder)
        known: dict[str | None, bool] = {None: False}
        found: list[bool] = []
        for text in texts.to_pylist():
            if text not in known:
                known[text] = make(text) in wanted
            found.append(known[text])
        return found

    return told
