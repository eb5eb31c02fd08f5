"""What runs where the files are: DuckDB over Parquet, in a Spark task or in a child process of the driver.

Self-contained on purpose: it is shipped by value, so that executors need duckdb and not hookline. A plan and its answer
are JSON-ready. Only the class of an error leaves this module, as its text may quote a value.

A plan: ``files``; ``queries``, each ``{id, select, params}``; ``keys``, each ``{id, parts, cells}`` with the files of
every cell (rows of different cells can't be equal); ``threads``; ``memory_bytes``; ``storage`` (options for S3).
The answer: ``rows``; ``values``, id to the row of the query's values; ``errors``, id to the class of what was raised.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

# Above this share of rows, looking at the suspects alone costs as much as looking at all.
_FEW_TWINS = 0.05
_IDLE_S = 120.0


def measure(plan: dict[str, Any]) -> dict[str, Any]:
    """The answer to a plan. Raises when DuckDB is missing or a file can't be opened at all."""
    scratch = tempfile.mkdtemp(prefix="hookline-measure-")
    connection = _connect(plan, scratch)
    try:
        answer: dict[str, Any] = {"rows": 0, "values": {}, "errors": {}}
        if plan["files"]:
            source, params = _source(connection, plan["files"], plan["storage"])
            (answer["rows"],) = connection.execute(f"SELECT count(*) FROM {source}", params).fetchone()  # noqa: S608
            for query in plan["queries"]:
                text = f"SELECT {query['select']} FROM {source}"  # noqa: S608 - quoted names and parameters only
                _try(
                    answer, query["id"], lambda t=text, p=query["params"] | params: connection.execute(t, p).fetchone()
                )
        for key in plan["keys"]:
            _try(answer, key["id"], lambda k=key: [sum(_duplicates(connection, k, cell, plan) for cell in k["cells"])])
        return answer
    finally:
        connection.close()
        shutil.rmtree(scratch, ignore_errors=True)


def measure_all(plans: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """For a Spark task: an answer per plan, ``failed`` in it when there is none, so that no task is retried in vain."""
    for plan in plans:
        try:
            yield measure(plan)
        except Exception as error:  # noqa: BLE001 - the driver decides what to do instead
            yield {"failed": _describe(error)}


def serve() -> None:
    """For a child process: answer plans, a line of JSON each, until the parent closes the pipe or is long silent."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing that a library prints may get between the answers
    plans: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(plans,), daemon=True).start()
    sys.path[:] = json.loads(plans.get())
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
    return duckdb.connect(":memory:", config=settings)


def _source(connection: Any, files: list[str], storage: dict[str, Any] | None) -> tuple[str, dict[str, Any]]:
    """What to select from, and the parameters that it needs."""
    if all(is_local(file) for file in files):
        # A bracket around a wildcard makes it a plain character again.
        names = [re.sub(r"([*?\[])", r"[\1]", local_path(file)) for file in files]
        return "read_parquet($files, hive_partitioning = false)", {"files": names}
    from pyarrow import dataset

    opened = [_file_system(file, storage) for file in files]
    data = dataset.dataset([inner for _, inner in opened], filesystem=opened[0][0], format="parquet")
    connection.register("hookline_data", data)
    return "hookline_data", {}


def _file_system(uri: str, storage: dict[str, Any] | None) -> tuple[Any, str]:
    from pyarrow import fs

    scheme, _, rest = uri.partition("://")
    if scheme in ("s3", "s3a", "s3n"):
        return fs.S3FileSystem(**(storage or {})), rest
    system, inner = fs.FileSystem.from_uri(uri)
    return system, inner


def _try(answer: dict[str, Any], name: str, action: Any) -> None:
    """One query's values; a query that fails costs only itself."""
    try:
        answer["values"][name] = list(action())
    except Exception as error:  # noqa: BLE001 - named in the answer
        answer["errors"][name] = type(error).__name__


def _duplicates(connection: Any, key: dict[str, Any], files: list[str], plan: dict[str, Any]) -> int:
    """How many rows of these files share their key with another one."""
    source, params = _source(connection, files, plan["storage"])
    where = " AND ".join(f"{part} IS NOT NULL" for part in key["parts"])
    parts = ", ".join(key["parts"])
    twins = _twins(connection, f"SELECT hash({parts}) AS h FROM {source} WHERE {where}", params, plan)  # noqa: S608
    if twins is not None:
        if not len(twins):
            return 0
        connection.register("hookline_twins", {"h": twins})
        where += f" AND hash({parts}) IN (SELECT h FROM hookline_twins)"  # noqa: S608
    grouped = f"SELECT count(*) AS n FROM {source} WHERE {where} GROUP BY {parts} HAVING count(*) > 1"  # noqa: S608
    (found,) = connection.execute(f"SELECT coalesce(sum(n), 0) FROM ({grouped})", params).fetchone()  # noqa: S608
    return int(found)


def _twins(connection: Any, hashes: str, params: dict[str, Any], plan: dict[str, Any]) -> Any:
    """The hashes that occur more than once, or None when it's better to compare all keys.

    Keys that differ in their hash differ. Sorting hashes costs a fifth of grouping keys, and nearly always ends it.
    """
    try:
        import numpy as np
    except ImportError:
        return None
    (rows,) = connection.execute(f"SELECT count(*) FROM ({hashes})", params).fetchone()  # noqa: S608
    if rows * 16 > plan["memory_bytes"]:
        return None
    found = np.asarray(connection.execute(hashes, params).fetchnumpy()["h"])
    found.sort()
    twins = np.unique(found[1:][found[1:] == found[:-1]])
    return twins if len(twins) <= max(1000, rows * _FEW_TWINS) else None


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, ImportError) else type(error).__name__


if __name__ == "__main__":
    serve()
