"""What runs outside of Spark to divide Parquet files: DuckDB finds the bad rows, pyarrow copies the others.

Self-contained, as ``task`` is and for the same reasons. A file comes out with the columns, types, metadata and compression
that it went in with, or not at all. Only the class of an error leaves this module.

A plan: ``files``, each ``{path, out, leaves}``, the leaves being paths of columns that are looked at; ``tests``, each
``{name, sql}``; ``params`` of them all; ``bad``, the file for bad rows; ``facts``, a column to its value and type, of that file;
``id``, what its rows' ids begin with; ``most``, the share of bad rows up to which this is worth its while; ``threads``;
``memory_bytes``.
The answer: ``bad`` (rows), ``files`` (the paths of those that hold some, each ``{rows, extents}`` of what is left; an extent is
``[least, greatest, nulls]`` of a leaf, in the leaves' order), or ``declined``.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import queue
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

# Encoded; decoded it may be some times as much, for each thread.
_GROUP_BYTES = 32_000_000
_IDLE_S = 120.0


class Declined(Exception):
    """This is not the way for these files."""


def divide(plan: dict[str, Any]) -> dict[str, Any]:
    """The answer to a plan."""
    try:
        places = _find(plan)
        found = [(file, places[file["path"]]) for file in plan["files"] if file["path"] in places]
        with ThreadPoolExecutor(plan["threads"]) as pool:
            parts = list(pool.map(lambda one: _copy(one[0], one[1][0]), found))
        _write_bad(plan, [part for _, part in parts], [reasons for _, (_, reasons) in found])
        left = {file["path"]: rest for (file, _), (rest, _) in zip(found, parts, strict=True)}
        return {"bad": sum(part.num_rows for _, part in parts), "files": left}
    except Declined as reason:
        return {"declined": str(reason)}
    except Exception as error:  # noqa: BLE001 - Spark can do it instead
        return {"declined": type(error).__name__}


def _find(plan: dict[str, Any]) -> dict[str, tuple[Any, list[list[str]]]]:
    """By file, the places of its bad rows in their order, and each one's reasons."""
    import duckdb
    import numpy as np

    settings = {"threads": plan["threads"], "memory_limit": f"{plan['memory_bytes'] // 1_000_000}MB"}
    connection = duckdb.connect(":memory:", config=settings)
    try:
        # A bracket around a wildcard makes it a plain character again.
        names = {re.sub(r"([*?\[])", r"[\1]", file["path"]): file["path"] for file in plan["files"]}
        source = "read_parquet($files, hive_partitioning = false, filename = true, file_row_number = true)"
        params = {**plan["params"], "files": list(names)}
        flags = [
            f"coalesce({test['sql'].replace('$source', source)}, false) AS t{n}" for n, test in enumerate(plan["tests"])
        ]
        bad = " OR ".join(f"t{n}" for n in range(len(flags)))
        query = f"SELECT filename, file_row_number, {', '.join(flags)} FROM {source}"
        chosen = f"SELECT * FROM ({query}) WHERE {bad} ORDER BY 1, 2"
        found = connection.execute(chosen, params).fetchnumpy()
        total = connection.execute(f"SELECT count(*) FROM {source}", {"files": list(names)}).fetchone()
    finally:
        connection.close()
    files, rows = found["filename"], found["file_row_number"]
    if total is None or len(rows) > plan["most"] * total[0]:
        raise Declined("too many rows are bad")
    marks = [(test["name"], found[f"t{number}"]) for number, test in enumerate(plan["tests"])]
    places: dict[str, tuple[Any, list[list[str]]]] = {}
    for name in np.unique(np.asarray(files, dtype=str)):
        (inside,) = np.nonzero(np.asarray(files, dtype=str) == name)
        reasons = [list(dict.fromkeys(mark for mark, flag in marks if flag[at])) for at in inside]
        places[str(name)] = np.asarray(rows[inside]), reasons
    return places


def _rows_at_once(meta: Any) -> int:
    """How many rows a group of the copy has: as many as the memory shall hold, whatever the writer had room for."""
    size = sum(meta.row_group(number).total_byte_size for number in range(meta.num_row_groups))
    rows: int = meta.num_rows * _GROUP_BYTES // max(size, _GROUP_BYTES)
    return max(1_000, rows)


def _int96(file: Any) -> list[str]:
    """The paths of those columns that are in the old form of timestamps, which is Spark's own default."""
    leaves = [file.schema.column(number) for number in range(len(file.schema))]
    return [leaf.path for leaf in leaves if leaf.physical_type == "INT96"]


def _copy(file: dict[str, Any], bad: Any) -> tuple[dict[str, Any], Any]:
    """Copy the good rows; what is to be told of them, and the bad rows as a table."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetFile(file["path"], coerce_int96_timestamp_unit="us") as source:
        old_times, meta = _int96(source), source.metadata
        if any("." in path for path in old_times):
            raise Declined("timestamps inside of other columns are written as INT96")
        schema = source.schema_arrow
        for name in old_times:
            place = schema.get_field_index(name)
            schema = schema.set(place, schema.field(place).with_type(pa.timestamp("us", "UTC")))
        first = meta.row_group(0)
        codecs = {first.column(n).path_in_schema: first.column(n).compression for n in range(meta.num_columns)}
        taken, start = [], 0
        extents = [_Extent(leaf) for leaf in file["leaves"]]
        # Names that stand for several leaves have one codec in Spark's own files.
        codec = next(iter(codecs.values())) if len(set(codecs.values())) == 1 else codecs
        codec = "NONE" if codec == "UNCOMPRESSED" else codec
        # As Spark does: short decimals are integers.
        options = {"compression": codec, "store_schema": False, "store_decimal_as_integer": True}
        options["use_deprecated_int96_timestamps"] = bool(old_times)
        with parquet.ParquetWriter(file["out"], schema, **options) as writer:
            # What Spark notes of its own types is there; what pyarrow would note of its own is not wanted.
            writer.add_key_value_metadata({k: v for k, v in (meta.metadata or {}).items() if k != b"ARROW:schema"})
            for batch in source.iter_batches(batch_size=_rows_at_once(meta), use_threads=False):
                table = pa.Table.from_batches([batch]).cast(schema)
                inside = bad[(bad >= start) & (bad < start + table.num_rows)] - start
                keep = np.ones(table.num_rows, dtype=bool)
                keep[inside] = False
                good = table.filter(pa.array(keep)) if len(inside) else table
                if good.num_rows:
                    writer.write_table(good, row_group_size=good.num_rows)
                    for extent in extents:
                        extent.look_at(good)
                taken.append(table.take(pa.array(inside)))
                start += table.num_rows
        with parquet.ParquetFile(file["out"]) as copy:
            if not copy.schema.equals(source.schema):
                raise Declined("its columns would be written in another way")
            rows = copy.metadata.num_rows
    part = pa.concat_tables(taken)
    if rows + part.num_rows != meta.num_rows:
        raise Declined("the rows of a file do not add up")
    return {"rows": rows, "extents": [extent.told() for extent in extents]}, part


class _Extent:
    """Least, greatest and nulls of a column, or of a field in one, as Spark orders values: NaN is the greatest.

    Only what JSON and Python's own types tell exactly: any other type is declined, as are times at the ends of Python's.
    """

    def __init__(self, leaf: list[str]) -> None:
        self._leaf = leaf
        self._nulls = 0
        self._found: list[Any] = []
        self._nan = False

    def look_at(self, table: Any) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        column = table.column(self._leaf[0])
        for name in self._leaf[1:]:
            column = pc.struct_field(column, name)
        self._nulls += column.null_count
        kind = column.type
        if pa.types.is_floating(kind):
            nan = pc.is_nan(column)
            self._nan = self._nan or bool(pc.any(nan).as_py())
            column = column.filter(pc.invert(nan))
        if not (pa.types.is_nested(kind) or pa.types.is_boolean(kind) or pa.types.is_binary(kind)):
            least = pc.min_max(column)
            self._found += [value for value in (least["min"], least["max"]) if value.is_valid]

    def told(self) -> list[Any]:
        values = sorted(_plain(value) for value in self._found)
        least = values[0] if values else float("nan") if self._nan else None
        greatest = float("nan") if self._nan else values[-1] if values else None
        return [_jsonable(least), _jsonable(greatest), self._nulls]


def _plain(scalar: Any) -> Any:
    """A value as Python has it; single precision as the number that its shortest text means."""
    import numpy as np
    import pyarrow as pa

    value = scalar.as_py()
    if pa.types.is_float32(scalar.type):
        return float(str(np.float32(value)))
    if isinstance(value, dt.datetime) and not 1 < value.year < dt.MAXYEAR:
        raise Declined("a time is at the end of what can be told")
    return value


def _jsonable(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else str(value) if isinstance(value, Decimal) else value


def _write_bad(plan: dict[str, Any], parts: list[Any], reasons: list[list[list[str]]]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    rows = pa.concat_tables(parts).combine_chunks()
    flat = [one for part in reasons for one in part]
    kinds = {
        "string": pa.string(),
        "bigint": pa.int64(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "array<string>": pa.list_(pa.string()),
    }
    columns: dict[str, Any] = {
        "quarantine_id": pa.array([f"{plan['id']}{n}" for n in range(rows.num_rows)], pa.string())
    }
    for name, (value, kind) in plan["facts"].items():
        given = dt.datetime.fromisoformat(value) if kind == "timestamp" else value
        columns[name] = pa.array([given] * rows.num_rows, kinds[kind])
    columns["reasons"] = pa.array(flat, pa.list_(pa.string()))
    chunks = [column.chunk(0) if column.num_chunks else pa.array([], column.type) for column in rows.columns]
    columns["row"] = pa.StructArray.from_arrays(chunks, fields=[field.remove_metadata() for field in rows.schema])
    os.makedirs(os.path.dirname(plan["bad"]), exist_ok=True)
    options = {"compression": "snappy", "store_schema": False, "store_decimal_as_integer": True}
    parquet.write_table(pa.table(columns), plan["bad"], **options)


def serve() -> None:
    """For a child process: answer plans, a line of JSON each, until the parent closes the pipe or is long silent."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing that a library prints may get between the answers
    plans: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(plans,), daemon=True).start()
    sys.path[:] = json.loads(plans.get())
    with contextlib.suppress(queue.Empty, BrokenPipeError):
        while True:
            answers.write(json.dumps(divide(json.loads(plans.get(timeout=_IDLE_S)))) + "\n")
            answers.flush()
    os._exit(0)


def _listen(plans: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        plans.put(line)
    os._exit(0)  # the parent is gone: whatever is being done, nobody waits for it


if __name__ == "__main__":
    serve()
