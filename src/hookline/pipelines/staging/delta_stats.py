"""Delta's statistics of a file that lost rows, as Delta itself would write them (PROTOCOL.md, "Per-file Statistics").

What a file's statistics are about, the table's schema and settings decide; that is the same for a file that lost rows. So the
old ones tell which leaves have to be looked at, and only their values are made anew.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from hookline.pipelines import plans

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hookline.core.fuse import Leaf, Left

_KNOWN = frozenset({"numRecords", "minValues", "maxValues", "nullCount", "tightBounds"})
_PREFIX = "spark.databricks.io.skipping.stringPrefixLength"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:\d\d(?::\d\d)?)")
_ORDERED = frozenset(
    {"byte", "short", "integer", "long", "float", "double", "date", "timestamp", "timestamp_ntz", "string"}
)
_UTC = frozenset({"UTC", "Z", "GMT", "Etc/UTC"})


class UnknownStatsError(Exception):
    """Statistics that are not written here; its text is the reason."""


class Wording:
    """How the values of a table are written in its statistics.

    Args:
        schema: the table's, as its log has it (JSON).

    Raises:
        UnknownStatsError: the session's time zone is none that is known here.
    """

    def __init__(self, spark: SparkSession, schema: str) -> None:
        self._types = dict(_types(json.loads(schema)))
        self._zone = _zone(str(spark.conf.get("spark.sql.session.timeZone")))
        self._collection = getattr(
            plans.jvm(spark).org.apache.spark.sql.delta.stats, "StatisticsCollection$"
        ).__getattr__("MODULE$")
        self._prefix = int(str(spark.conf.get(_PREFIX, "32")))

    def leaves(self, stats: str | None) -> tuple[Leaf, ...]:
        """What has to be known of the rows that are left.

        Args:
            stats: of a file as it was; None where the table keeps none.

        Raises:
            UnknownStatsError: they say something that would have to be left out, or say it in another way.
        """
        old = {} if stats is None else json.loads(stats)
        unknown = old.keys() - _KNOWN
        if unknown:
            raise UnknownStatsError(f"the files' statistics have {', '.join(sorted(unknown))}")
        if old.get("tightBounds") is False:
            raise UnknownStatsError("the files' statistics are wider than their rows")
        extremes = [*_leaves(old.get("minValues", {})), *_leaves(old.get("maxValues", {}))]
        for leaf, value in extremes:
            kind = self._types.get(leaf, "")
            if kind not in _ORDERED and not kind.startswith("decimal"):
                raise UnknownStatsError(f"values of the type {kind or 'unknown'} are in the files' statistics")
            if kind == "timestamp" and not _INSTANT.fullmatch(str(value)):
                raise UnknownStatsError("the files' statistics tell times in another way")
        return tuple(dict.fromkeys([leaf for leaf, _ in [*extremes, *_leaves(old.get("nullCount", {}))]]))

    def stats(self, old: str | None, left: Left) -> str | None:
        """What is to be said of the rows that are left, where there are some."""
        if old is None:
            return None
        makers: dict[str, Callable[[Any], str]] = {
            "numRecords": lambda _: str(left.rows),
            "minValues": lambda values: _rebuilt(values, lambda leaf: self._json(leaf, left.extents[leaf][0], "Min")),
            "maxValues": lambda values: _rebuilt(values, lambda leaf: self._json(leaf, left.extents[leaf][1], "Max")),
            "nullCount": lambda counts: _rebuilt(counts, lambda leaf: str(left.extents[leaf][2])),
            "tightBounds": json.dumps,
        }
        return _object({name: makers[name](value) for name, value in json.loads(old).items()})

    def _json(self, leaf: Leaf, value: Any, which: str) -> str | None:
        """A value as JSON; None when there is none."""
        kind = self._types[leaf]
        if value is None:
            return None
        if kind.startswith("decimal"):
            return str(value)  # all of its digits, as a number
        if kind == "timestamp":
            return json.dumps(instant(dt.datetime.fromisoformat(value).astimezone(self._zone)))
        if kind == "timestamp_ntz":
            return json.dumps(dt.datetime.fromisoformat(value).isoformat(timespec="milliseconds"))
        if kind == "string":
            shortened = getattr(self._collection, f"truncate{which}StringAgg")(self._prefix, value)
            return None if shortened is None else json.dumps(str(shortened), ensure_ascii=False)
        if isinstance(value, float) and not math.isfinite(value):
            return json.dumps("NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity")
        return json.dumps(value)


def instant(time: dt.datetime) -> str:
    """A time as Spark's JSON has it by default: to the millisecond, cut off, with the offset of its zone."""
    text = time.isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def _zone(name: str) -> dt.tzinfo:
    if name in _UTC:
        return dt.timezone.utc
    try:
        return ZoneInfo(name)
    except Exception as error:  # it raises many types: for a name that is none, is a folder, or leads out of them
        raise UnknownStatsError(f"the session's time zone {name} is not known to Python") from error


def _types(schema: Mapping[str, Any], above: Leaf = ()) -> Iterator[tuple[Leaf, str]]:
    """The leaves of a schema with the names of their types."""
    for field in schema["fields"]:
        leaf, kind = (*above, field["name"]), field["type"]
        if isinstance(kind, str):
            yield leaf, kind
        elif kind["type"] == "struct":
            yield from _types(kind, leaf)


def _leaves(values: Mapping[str, Any], above: Leaf = ()) -> Iterator[tuple[Leaf, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), value


def _rebuilt(values: Mapping[str, Any], make: Callable[[Leaf], str | None], above: Leaf = ()) -> str:
    made = {}
    for name, value in values.items():
        leaf = (*above, name)
        text = _rebuilt(value, make, leaf) if isinstance(value, dict) else make(leaf)
        if text is not None:
            made[name] = text
    return _object(made)


def _object(members: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{text}" for name, text in members.items()) + "}"
