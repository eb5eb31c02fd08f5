"""Parquet footers, read on the driver: counts and extents of columns, and whether the files hold a surprise.

What is trusted was looked at in files that Spark 4.2 (parquet-mr 1.17) wrote: NaN hides among a float column's extremes
and -0.0 is widened, so floats prove nothing; INT96 has no extremes; strings' may be cut. Integers, decimals, dates and
microsecond timestamps are exact.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hookline.core.fuse.domain import EXACT, Domain
from hookline.core.fuse.extent import Extent
from hookline.core.fuse.task import open_source

_MOST_FILES = 1000
_THREADS = 8
_LIKELY_BYTES = 64 * 1024
_WRITER = re.compile(r"parquet-mr version 1\.(\d+)\.")
_FIELD_ID = re.compile(r"field_id=\d")  # -1 when there is none
_LOGICAL = {"date": "Date", "timestamp": "Timestamp", "timestamp_ntz": "Timestamp", "decimal": "Decimal"}


@dataclass(frozen=True)
class Footers:
    """Facts of a write's files.

    Attributes:
        rows: rows per file.
        extents: column to its extents in all row groups; only of columns whose footers could be read everywhere.
        column_bytes: column to its uncompressed size.
        rebased: dates and timestamps before 1582 were written in the old hybrid calendar.
        mapped: fields carry ids, so that names in the files may differ from names in the table.
    """

    rows: tuple[int, ...]
    extents: Mapping[str, Sequence[Extent]] = field(default_factory=dict)
    column_bytes: Mapping[str, int] = field(default_factory=dict)
    rebased: bool = False
    mapped: bool = False


def read_footers(
    paths: Sequence[str], columns: Mapping[str, Domain], storage: dict[str, Any] | None = None
) -> Footers | None:
    """What the files' footers say of the columns (by their names in the files); None when there are too many files."""
    if len(paths) > _MOST_FILES:
        return None
    if len(paths) == 1:
        return _merge([_read(paths[0], columns, storage)])
    with ThreadPoolExecutor(min(_THREADS, len(paths)), "hookline-footer") as pool:
        try:
            found = pool.map(lambda path: _read(path, columns, storage), paths)
        except RuntimeError:  # Python is shutting down, and gives no pool any work
            return _merge([_read(path, columns, storage) for path in paths])
        return _merge(list(found))


def read_one_footer(path: str, storage: dict[str, Any] | None = None) -> Footers:
    """The facts of one file, without extents: files of one write have one writer, so they are alike in these."""
    return _read(path, {}, storage)


def _read(path: str, columns: Mapping[str, Domain], storage: dict[str, Any] | None) -> Footers:
    metadata, signed = _footer(path, storage)
    wanted = {}
    for index in () if signed else range(metadata.num_columns):
        leaf = metadata.schema.column(index)
        # A leaf inside of a struct has a path longer than its name; one in a list repeats.
        if leaf.name == leaf.path and leaf.max_repetition_level == 0 and leaf.name in columns:
            wanted[index] = leaf
    extents: dict[str, list[Extent]] = {leaf.name: [] for leaf in wanted.values()}
    sizes: dict[str, int] = dict.fromkeys(extents, 0)
    trusted = _trusted(metadata.created_by or "")
    for group in range(metadata.num_row_groups):
        chunk = metadata.row_group(group)
        for index, leaf in wanted.items():
            piece = chunk.column(index)
            sizes[leaf.name] += piece.total_uncompressed_size
            extents[leaf.name].append(_extent(piece, leaf, chunk.num_rows, columns[leaf.name], trusted))
    keys = metadata.metadata or {}
    rebased = any(key.startswith(b"org.apache.spark.legacy") for key in keys)
    return Footers((metadata.num_rows,), extents, sizes, rebased, _FIELD_ID.search(str(metadata.schema)) is not None)


def _footer(path: str, storage: dict[str, Any] | None) -> tuple[Any, bool]:
    """A file's footer, and whether it is signed: then columns are encrypted, and Arrow ends a process that asks for one."""
    import pyarrow as pa
    from pyarrow import parquet  # type: ignore[import-untyped,unused-ignore]

    with open_source(path, storage) as source, open(source, "rb") if isinstance(source, str) else source as file:
        size = file.seek(0, os.SEEK_END)
        end = _last(file, size, _LIKELY_BYTES)
        footer_bytes = int.from_bytes(end[-8:-4], "little")
        if footer_bytes + 8 > len(end):
            end = _last(file, size, footer_bytes + 8)
    metadata = parquet.read_metadata(pa.BufferReader(end))
    return metadata, footer_bytes > metadata.serialized_size


def _last(file: Any, size: int, wanted: int) -> bytes:
    file.seek(max(0, size - wanted))
    return bytes(file.read())


def _merge(footers: Sequence[Footers]) -> Footers:
    everywhere = [name for name in footers[0].extents if all(name in one.extents for one in footers)] if footers else []
    return Footers(
        rows=tuple(rows for one in footers for rows in one.rows),
        extents={name: [extent for one in footers for extent in one.extents[name]] for name in everywhere},
        column_bytes={name: sum(one.column_bytes[name] for one in footers) for name in everywhere},
        rebased=any(one.rebased for one in footers),
        mapped=any(one.mapped for one in footers),
    )


def _trusted(created_by: str) -> bool:
    match = _WRITER.match(created_by)
    return match is not None and int(match[1]) >= 10


def _extent(piece: Any, leaf: Any, rows: int, domain: Domain, trusted: bool) -> Extent:
    statistics = piece.statistics
    nulls = 0 if leaf.max_definition_level == 0 else None
    if statistics is None:
        return Extent(rows, nulls)
    if nulls is None and statistics.has_null_count:
        nulls = statistics.null_count
    if not trusted or not statistics.has_min_max:
        return Extent(rows, nulls)
    unit = _unit(domain, leaf)
    if unit is None:
        return Extent(rows, nulls)
    return Extent(rows, nulls, _value(domain, statistics.min_raw, unit), _value(domain, statistics.max_raw, unit), True)


def _unit(domain: Domain, leaf: Any) -> int | None:
    """What the raw number is multiplied with, or None when the physical form is none that is trusted."""
    logical = json.loads(leaf.logical_type.to_json())
    if leaf.physical_type not in ("INT32", "INT64") and (
        domain.kind != "decimal" or leaf.physical_type != "FIXED_LEN_BYTE_ARRAY"
    ):
        return None
    if domain.kind == "int":
        plain = logical["Type"] == "None" or (logical["Type"] == "Int" and logical.get("isSigned") is True)
        return 1 if plain else None
    if logical["Type"] != _LOGICAL.get(domain.kind):
        return None
    if domain.kind == "decimal":
        return 1 if logical.get("scale") == domain.scale else None
    if domain.kind == "date":
        return 1
    if logical.get("isAdjustedToUTC") is not (domain.kind == "timestamp"):
        return None
    return {"microseconds": 1, "milliseconds": 1000}.get(logical.get("timeUnit", ""))


def _value(domain: Domain, raw: Any, unit: int) -> Any:
    if isinstance(raw, bytes):
        raw = int.from_bytes(raw, "big", signed=True)
    return Decimal(raw).scaleb(-domain.scale, EXACT) if domain.kind == "decimal" else raw * unit
