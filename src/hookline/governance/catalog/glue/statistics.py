"""Column statistics for Glue: counts of nulls and of different values, and no value of a row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.core.errors import SinkError
from hookline.core.events import Measure, Measured, utc_now
from hookline.core.fuse.sketches import distinct_of
from hookline.governance.catalog.glue.client import Glue
from hookline.governance.catalog.glue.options import Place
from hookline.governance.catalog.glue.types import column_name

MOST = 25
# Those that need no lengths and no values; ``column``'s type without its sizes to Glue's word for it.
_TYPES = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), ("LONG", "LongColumnStatisticsData")),
    **dict.fromkeys(("float", "double"), ("DOUBLE", "DoubleColumnStatisticsData")),
    "decimal": ("DECIMAL", "DecimalColumnStatisticsData"),
    "date": ("DATE", "DateColumnStatisticsData"),
}


def statistics_of(measured: Sequence[tuple[Measure, Measured]], types: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """What sketches of a write tell of columns; to be kept as JSON.

    Args:
        types: by column, Spark's simple type strings.
    """
    for measure, found in measured:
        if measure.kind != "sketch" or measure.by_partition or not found.ok or not isinstance(found.value, Mapping):
            continue
        kind = types.get(measure.columns[0], "")
        distinct = distinct_of(found.value)
        if kind.partition("(")[0] in _TYPES and distinct is not None:
            yield {
                "column": measure.columns[0],
                "type": kind,
                "nulls": int(found.value.get("nulls", 0)),
                "distinct": distinct,
                "at": utc_now().isoformat(),
            }


def inputs(told: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same as the API takes it."""
    found = []
    for one in told:
        kind, member = _TYPES[str(one["type"]).partition("(")[0]]
        data = {"NumberOfNulls": one["nulls"], "NumberOfDistinctValues": one["distinct"]}
        found.append(
            {
                "ColumnName": column_name(one["column"]),
                "ColumnType": one["type"],
                "AnalyzedTime": dt.datetime.fromisoformat(one["at"]),
                "StatisticsData": {"Type": kind, member: data},
            }
        )
    return found


def send_statistics(glue: Glue, place: Place, told: Sequence[Mapping[str, Any]]) -> None:
    """Send them.

    Raises:
        SinkError: some were not taken.
    """
    by_name = {one["ColumnName"]: one for one in inputs(told)}

    def send(batch: list[str]) -> Mapping[str, Any]:
        return glue.call(
            "update_column_statistics_for_table",
            DatabaseName=place.database,
            TableName=place.table,
            ColumnStatisticsList=[by_name[name] for name in batch],
        )

    lost = [code for _, code in glue.in_batches(by_name, MOST, send, _errors)]
    if lost:
        raise SinkError(f"Glue did not take the statistics of {len(lost)} columns ({', '.join(sorted(set(lost)))})")


def _errors(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (str(one.get("ColumnStatistics", {}).get("ColumnName", "")), str(one.get("Error", {}).get("ErrorCode", "")))
        for one in answer.get("Errors", ())
    ]
