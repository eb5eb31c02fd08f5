"""What needs no look at the data: counts and extents that the writer left behind, and partition columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from hookline.core.events import Measured
from hookline.core.fuse.binding import FRAMED, Bound
from hookline.core.fuse.domain import Domain, UnfitError, convert, domain_of
from hookline.core.fuse.extent import Extent, prove
from hookline.core.fuse.footers import Footers
from hookline.core.fuse.partitions import prove_partition
from hookline.core.fuse.paths import top_of
from hookline.core.fuse.target import Target, WrittenFile

# Delta cuts timestamps to milliseconds, the greatest ones too.
_CUT_MICROS = 999


def prove_by_writer(bound: Bound, target: Target, rows: Sequence[int] | None) -> Measured | None:
    """The measure by what the writer recorded: its row count, Delta's statistics, partition values.

    Args:
        rows: rows per file, when known.
    """
    if bound.measure.kind == "rows":
        known = target.rows if rows is None else sum(rows)
        return None if known is None else Measured(known, "proof")
    if target.files is None or rows is None or bound.measure.kind in FRAMED:
        return None
    if not any(rows):
        return prove(bound, [])
    if not bound.columns:
        return None
    if bound.measure.kind == "rejected":  # what the function says of nulls is its own business
        return None
    names = {top_of(column) for column in bound.columns}
    if names <= target.partition_columns:
        return prove_partition(bound, target, rows)
    if names & target.partition_columns or len(names) != 1:
        return None
    return prove(bound, (_delta_extent(bound, file, count) for file, count in zip(target.files, rows, strict=True)))


def prove_by_footers(bound: Bound, target: Target, footers: Footers) -> Measured | None:
    """The measure by the Parquet footers of all files."""
    if bound.measure.kind == "rows":
        return Measured(sum(footers.rows), "proof")
    if len(bound.columns) != 1 or bound.column.name in target.partition_columns or bound.measure.kind == "rejected":
        return None
    if footers.rebased and bound.measure.kind != "nulls" and bound.domain.kind in ("date", "timestamp"):
        return None
    extents = footers.extents.get(target.physical_names.get(bound.column.name, bound.column.name))
    return None if extents is None else prove(bound, extents)


def footers_may_prove(bound: Bound, target: Target) -> bool:
    """Whether it's worth reading the footers for this measure."""
    if bound.measure.kind == "rows":
        return True
    if len(bound.columns) != 1 or bound.column.name in target.partition_columns:
        return False
    return domain_of(bound.column.type).kind != "other"


def _delta_extent(bound: Bound, file: WrittenFile, rows: int) -> Extent:
    name = bound.column.name
    nulls = _integer(file.nulls, name)
    low = _statistic(bound.domain, file.minima, name)
    high = _statistic(bound.domain, file.maxima, name)
    cut = bound.domain.kind in ("timestamp", "timestamp_ntz")
    return Extent(rows, nulls, low, high + _CUT_MICROS if cut and high is not None else high, tight=not cut)


def _integer(statistics: Mapping[str, Any] | None, name: str) -> int | None:
    value = (statistics or {}).get(name)
    return value if type(value) is int else None


def _statistic(domain: Domain, statistics: Mapping[str, Any] | None, name: str) -> Any:
    """One of Delta's extremes in the column's domain; None when there is none that can be trusted."""
    value = (statistics or {}).get(name)
    fit = {
        "int": type(value) is int,
        "decimal": type(value) in (int, Decimal),  # a float has lost digits on its way through JSON
        "date": isinstance(value, str),
        "timestamp": isinstance(value, str) and value.endswith("Z"),
        "timestamp_ntz": isinstance(value, str) and not value.endswith("Z"),
    }.get(domain.kind, False)
    if not fit:
        return None
    try:
        return convert(domain, value if isinstance(value, (int, str, Decimal, dt.date)) else "")
    except UnfitError:
        return None
