"""What runs where the files are: DuckDB over Parquet, in a Spark task or in a child process of the driver.

Self-contained on purpose: it is shipped by value, so that executors need duckdb and not hookline. A plan and its answer
are JSON-ready. Only the class of an error leaves this module, as its text may quote a value.

A plan: ``files``; ``queries``, each ``{id, select (expressions), from, params}``; ``letters``, each ``{query (the same by a query),
column, allowed, least, most}``; ``wholes``, for which rows of several files
have to be brought together, each ``{id, kind, cells, params, …}`` with the files of every cell (what cells give is added
up); ``threads``; ``memory_bytes``; ``storage`` (options for S3). A query reads the view ``hookline_rows``.
The answer: ``rows``; ``values``, id to the row of values; ``errors``, id to the class of what was raised, for a query by the
places of the expressions that raised it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any
from urllib.parse import unquote

# Above this share of rows, looking at the suspects alone costs as much as looking at all.
_FEW_TWINS = 0.05
_IDLE_S = 120.0
_LETTERS_ROWS = 65_536


Sketch = Callable[[Any, dict[str, Any], str, dict[str, Any], int], list[Any]]


def measure(plan: dict[str, Any], sketch: Sketch | None = None) -> dict[str, Any]:
    """The answer to a plan. Raises when DuckDB is missing or a file can't be opened at all.

    Args:
        sketch: takes work of this kind; None finds it in hookline itself.
    """
    plan["sketch"] = sketch
    scratch = tempfile.mkdtemp(prefix="hookline-measure-")
    connection = _connect(plan, scratch)
    try:
        answer: dict[str, Any] = {"rows": 0, "values": {}, "errors": {}}
        # Keys are sorted by one core, bytes are looked at by another; the queries are for all.
        others = [
            threading.Thread(target=_take_wholes, args=(connection.cursor(), plan, answer)),
            threading.Thread(target=_take_letters, args=(plan, answer)),
        ]
        for thread in others:
            thread.start()
        try:
            _take_queries(connection, plan["queries"], plan, answer)
        finally:
            for thread in others:
                thread.join()
        rest = [item["query"] for item in plan["letters"] if item["query"]["id"] not in answer["values"]]
        if rest:
            _take_queries(connection, rest, plan, answer)
        return answer
    finally:
        connection.close()
        shutil.rmtree(scratch, ignore_errors=True)


def _take_queries(connection: Any, queries: list[dict[str, Any]], plan: dict[str, Any], answer: dict[str, Any]) -> None:
    if not plan["files"]:
        return
    source, params = _source(connection, plan["files"], plan["storage"])
    (answer["rows"],) = connection.execute(f"SELECT count(*) FROM {source}", params).fetchone()
    for query in queries:
        _query(answer, connection, query, source, params)


def _take_letters(plan: dict[str, Any], answer: dict[str, Any]) -> None:
    for item in plan["letters"]:
        # Without pyarrow, or where it reads a column in another form, the query tells the same.
        with contextlib.suppress(Exception):
            answer["values"][item["query"]["id"]] = [_unlike(item, plan["files"], plan["storage"])]


def _take_wholes(connection: Any, plan: dict[str, Any], answer: dict[str, Any]) -> None:
    for item in plan["wholes"]:
        _try(answer, item["id"], lambda i=item: _whole(connection, i, plan))


def measure_all(plans: Iterable[dict[str, Any]], sketch: Sketch | None = None) -> Iterator[dict[str, Any]]:
    """For a Spark task: an answer per plan, ``failed`` in it when there is none, so that no task is retried in vain."""
    for plan in plans:
        try:
            yield measure(plan, sketch)
        except Exception as error:  # noqa: BLE001 - the driver decides what to do instead
            yield {"failed": _describe(error)}


def measure_rows(batches: Iterable[Any], plan: dict[str, Any], sketch: Sketch) -> Iterator[Any]:
    """For a Spark task with rows of its own, as Arrow hands them over: a file of them, and the answer to a plan about it."""
    import pyarrow as pa
    from pyarrow import parquet

    scratch = tempfile.mkdtemp(prefix="hookline-rows-")
    try:
        file, writer = os.path.join(scratch, "rows.parquet"), None
        for batch in batches:
            writer = writer or parquet.ParquetWriter(file, batch.schema, compression="lz4")
            writer.write_batch(batch)
        if writer is None:
            return
        writer.close()
        wholes = [{**item, "cells": [[file]]} for item in plan["wholes"]]
        answers = measure_all([{**plan, "wholes": wholes}], sketch)
        yield pa.RecordBatch.from_pydict({"answer": [json.dumps(answer) for answer in answers]})
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def serve() -> None:
    """For a child process: answer plans, a line of JSON each, until the parent closes the pipe or is long silent."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing that a library prints may get between the answers
    plans: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(plans,), daemon=True).start()
    sys.path[:] = json.loads(plans.get())
    _warm_up()
    with contextlib.suppress(queue.Empty, BrokenPipeError):
        while True:
            for answer in measure_all([json.loads(plans.get(timeout=_IDLE_S))]):
                answers.write(json.dumps(answer) + "\n")
                answers.flush()
    os._exit(0)


def open_source(path: str, storage: dict[str, Any] | None = None) -> Any:
    """A context manager that gives what pyarrow reads a file from: a local path, or an open file of an object store."""
    if is_local(path):
        return contextlib.nullcontext(local_path(path))
    system, inner = _file_system(path, storage)
    return system.open_input_file(inner)


def is_local(path: str) -> bool:
    """Whether a path or URI is on a local (or mounted) file system."""
    return path.startswith(("/", "file:"))


def local_path(path: str) -> str:
    """The path of a local path or ``file:`` URI."""
    return unquote(re.sub(r"^file:(//[^/]*)?", "", path)) if path.startswith("file:") else path


def _warm_up() -> None:
    """Load DuckDB before the first plan comes, where it is installed: the job may still be writing. What few plans need waits."""
    # DuckDB looks for pandas' types in every parameter; finding pandas would cost more than most measurements.
    sys.modules["pandas"] = None  # type: ignore[assignment]
    with contextlib.suppress(ImportError):
        importlib.import_module("duckdb")


def _listen(plans: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        plans.put(line)
    os._exit(0)  # the parent is gone: whatever is being computed, nobody waits for it


def _connect(plan: dict[str, Any], scratch: str) -> Any:
    import duckdb

    settings = {
        "threads": plan["threads"],
        "memory_limit": f"{plan['memory_bytes'] // 1_000_000}MB",
        "temp_directory": scratch,
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET enable_progress_bar = false")
    return connection


def _source(
    connection: Any, files: list[str], storage: dict[str, Any] | None, name: str = "files"
) -> tuple[str, dict[str, Any]]:
    """What to select from, and the parameters that it needs."""
    if all(is_local(file) for file in files):
        # A bracket around a wildcard makes it a plain character again.
        names = [re.sub(r"([*?\[])", r"[\1]", local_path(file)) for file in files]
        return f"read_parquet(${name}, hive_partitioning = false)", {name: names}
    from pyarrow import dataset

    opened = [_file_system(file, storage) for file in files]
    data = dataset.dataset([inner for _, inner in opened], filesystem=opened[0][0], format="parquet")
    connection.register(f"hookline_data_{name}", data)
    return f"hookline_data_{name}", {}


def _file_system(uri: str, storage: dict[str, Any] | None) -> tuple[Any, str]:
    from pyarrow import fs

    scheme, _, rest = uri.partition("://")
    if scheme in ("s3", "s3a", "s3n"):
        return fs.S3FileSystem(**(storage or {})), rest
    system, inner = fs.FileSystem.from_uri(uri)
    return system, inner


def _query(answer: dict[str, Any], connection: Any, query: dict[str, Any], source: str, params: dict[str, Any]) -> None:
    """A query's values. When it fails its expressions are taken one by one; those that still fail have the error's class."""

    def take(expressions: list[str]) -> list[Any]:
        text = f"{_reading(source)} SELECT {', '.join(expressions)} FROM {query['from']}"
        return list(connection.execute(text, _used(query["params"], text) | params).fetchone())

    try:
        answer["values"][query["id"]] = take(query["select"])
    except Exception:  # noqa: BLE001 - whichever expression it is, it will fail again
        values: list[Any] = []
        errors = {}
        for place, expression in enumerate(query["select"]):
            try:
                values += take([expression])
            except Exception as its:  # noqa: BLE001 - as above
                values.append(None)
                errors[str(place)] = type(its).__name__
        answer["values"][query["id"]], answer["errors"][query["id"]] = values, errors


def _unlike(item: dict[str, Any], files: list[str], storage: dict[str, Any] | None) -> int:
    """How many values are too short, too long, or have bytes that are not allowed."""
    from pyarrow import parquet

    found, allowed = 0, item["allowed"].encode("latin-1")
    for file in files:
        with open_source(file, storage) as opened, parquet.ParquetFile(opened) as source:
            for batch in source.iter_batches(_LETTERS_ROWS, columns=[item["column"]], use_threads=False):
                found += _unlike_in(batch.column(0), allowed, item["least"], item["most"])
    return found


def _unlike_in(column: Any, allowed: bytes, least: int, most: int | None) -> int:
    import numpy as np
    import pyarrow as pa

    if column.type != pa.string() or column.offset:
        raise TypeError
    _, places, data = column.buffers()
    if data is None:
        data = pa.py_buffer(b"")
    ends = np.frombuffer(places, np.int32, len(column) + 1)
    text = data.slice(int(ends[0]), int(ends[-1] - ends[0])).to_pybytes()
    lengths = np.diff(ends)
    bad = lengths < least
    if most is not None:
        bad |= lengths > most
    if text.translate(None, allowed):
        known = np.zeros(256, bool)
        known[list(allowed)] = True
        (strange,) = np.nonzero(~known[np.frombuffer(text, np.uint8)])
        bad[np.unique(np.searchsorted(ends, strange + ends[0], side="right") - 1)] = True
    if bad.any() and column.null_count:
        bad &= np.asarray(column.is_valid())
    return int(np.count_nonzero(bad))


def _used(params: dict[str, Any], text: str) -> dict[str, Any]:
    """The parameters that a query names: DuckDB refuses the others."""
    return {name: value for name, value in params.items() if re.search(rf"\${name}\b", text)}


def _try(answer: dict[str, Any], name: str, action: Any) -> None:
    """One query's values; a query that fails costs only itself."""
    try:
        answer["values"][name] = list(action())
    except Exception as error:  # noqa: BLE001 - named in the answer
        answer["errors"][name] = type(error).__name__


def _reading(source: str, other: str | None = None) -> str:
    """The beginning of a query: what its names stand for. Nothing but quoted names and parameters is in any of its parts."""
    views = {"hookline_rows": source} | ({"hookline_other": other} if other is not None else {})
    return "WITH " + ", ".join(f"{name} AS NOT MATERIALIZED (SELECT * FROM {what})" for name, what in views.items())


def _whole(connection: Any, item: dict[str, Any], plan: dict[str, Any]) -> list[Any]:
    """The values of what is about rows of several files, those of its cells added up."""
    take = {"duplicates": _duplicates, "quantiles": _quantiles, "text": _text, "sketch": _sketch}[item["kind"]]
    rows = [take(connection, item, cell, plan) for cell in item["cells"]]
    return rows[0] if len(rows) == 1 else [sum(values) for values in zip(*rows, strict=True)]


def _text(connection: Any, item: dict[str, Any], files: list[str], plan: dict[str, Any]) -> list[Any]:
    """The values of a query's only row."""
    source, params = _source(connection, files, plan["storage"])
    other, more = (
        (None, {}) if item["other"] is None else _source(connection, item["other"], item["other_storage"], "other")
    )
    query = f"{_reading(source, other)} {item['text']}"
    return list(connection.execute(query, params | more | item["params"]).fetchone())


def _sketch(connection: Any, item: dict[str, Any], files: list[str], plan: dict[str, Any]) -> list[Any]:
    """The states of its columns, of each part of the files by itself where it has parts: these make the whole."""
    take = plan["sketch"] or importlib.import_module("hookline.core.fuse.sketch_task").sketch
    known = set(files)
    parts = [(name, [file for file in own if file in known]) for name, own in item.get("parts", {}).items()]
    told = []
    for name, own in parts or [(None, files)]:
        if own:
            source, params = _source(connection, own, plan["storage"])
            states = take(connection, item, _reading(source), params, plan["threads"])
            told.append({"name": name, "states": states})
    return told


def _duplicates(connection: Any, key: dict[str, Any], files: list[str], plan: dict[str, Any]) -> list[int]:
    """How many rows of these files share their key with another one."""
    source, params = _source(connection, files, plan["storage"])
    where = " AND ".join([f"{part} IS NOT NULL" for part in key["parts"]] + key["where"])
    parts, reading = ", ".join(key["parts"]), _reading(source)
    counting = f"{reading} SELECT count(*) FROM {key['from']}"
    (rows,) = connection.execute(counting, params | _used(key["params"], counting)).fetchone()
    params |= key["params"]
    hashes = f"{reading} SELECT hash({parts}) AS h FROM {key['from']} WHERE {where}"
    twins = _twins(connection, hashes, params, rows, plan["memory_bytes"])
    if twins is not None:
        if not len(twins):
            return [0]
        connection.register("hookline_twins", {"h": twins})
        where += f" AND hash({parts}) IN (SELECT h FROM hookline_twins)"
    grouped = f"SELECT count(*) AS n FROM {key['from']} WHERE {where} GROUP BY {parts} HAVING count(*) > 1"
    (found,) = connection.execute(f"{reading} SELECT coalesce(sum(n), 0) FROM ({grouped})", params).fetchone()
    return [int(found)]


def _quantiles(connection: Any, item: dict[str, Any], files: list[str], plan: dict[str, Any]) -> list[Any]:
    """How many values there are, and for each fraction the value at its rank and the next one.

    In memory when they fit, else by a sort that DuckDB spills to disk.
    """
    source, params = _source(connection, files, plan["storage"])
    values = f"{_reading(source)} SELECT {item['value']} AS v FROM {item['from']} WHERE {item['where']}"
    params |= item["params"]
    (count,) = connection.execute(f"SELECT count(*) FROM ({values})", params).fetchone()
    if not count:
        return [0, *[None] * (2 * len(item["fractions"]))]
    ranks = [int((count - 1) * Fraction(fraction)) for fraction in item["fractions"]]
    at = _pick if item["small"] and count * 16 <= plan["memory_bytes"] else _sort
    found = at(connection, values, params, [r for rank in ranks for r in (rank, min(rank + 1, count - 1))])
    return [count, *found]


def _pick(connection: Any, values: str, params: dict[str, Any], ranks: list[int]) -> list[Any]:
    try:
        import numpy as np
    except ImportError:
        return _sort(connection, values, params, ranks)
    column = np.asarray(connection.execute(values, params).fetchnumpy()["v"])
    return [column.item(rank) for column in [np.partition(column, sorted(set(ranks)))] for rank in ranks]


def _sort(connection: Any, values: str, params: dict[str, Any], ranks: list[int]) -> list[Any]:
    found = {}
    for rank in set(ranks):
        query = f"SELECT v FROM ({values}) ORDER BY v LIMIT 1 OFFSET {rank}"
        (value,) = connection.execute(query, params).fetchone()
        found[rank] = value if isinstance(value, (int, float)) else str(value)
    return [found[rank] for rank in ranks]


def _twins(connection: Any, hashes: str, params: dict[str, Any], rows: int, memory_bytes: int) -> Any:
    """The hashes that occur more than once, or None when it's better to compare all keys.

    Keys that differ in their hash differ. Sorting hashes costs a fifth of grouping keys, and nearly always ends it.
    """
    try:
        import numpy as np
    except ImportError:
        return None
    if rows * 16 > memory_bytes:
        return None
    found = np.asarray(connection.execute(hashes, params).fetchnumpy()["h"])
    found.sort()
    twins = np.unique(found[1:][found[1:] == found[:-1]])
    return twins if len(twins) <= max(1000, len(found) * _FEW_TWINS) else None


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, ImportError) else type(error).__name__


if __name__ == "__main__":
    serve()
