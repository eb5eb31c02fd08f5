"""What checks found, as Parquet files at a place of the user's: a folder, an object store, any Hadoop path.

One file per write, below ``run_date=YYYY-MM-DD``, with a row per verdict. A file's name is its message's id, so that what is
delivered twice is there once. Files are written through Spark's own Hadoop settings while a session is there, else by pyarrow.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.core.errors import SinkError
from hookline.core.events import Run, Write, jsonable

if TYPE_CHECKING:
    from hookline.core.outbox import Message

_OF_RUN = {"run_id": "string", "job": "string", "environment": "string", "run_by": "string"}
_OF_WRITE = {
    "write_id": "string",
    "namespace": "string",
    "name": "string",
    "operation": "string",
    "batch_id": "int64",
    "started_at": "time",
    "rows": "int64",
    "rows_quarantined": "int64",
    "data_version": "string",
    "published": "bool",
}
_OF_VERDICT = {
    "check": "string",
    "severity": "string",
    "status": "string",
    "observed": "string",
    "observed_number": "double",
    "failing_rows": "int64",
    "expected": "string",
    "columns": "list",
    "way": "string",
    "required": "bool",
    "message": "string",
    "suite": "string",
    "plugin": "string",
}


def results_of(write: Write, run: Run) -> dict[str, Any]:
    """What is to be told of a write, JSON-ready."""
    facts = {name: getattr(run, name) for name in ("run_id", "job", "environment")} | {"run_by": run.user}
    facts |= {"namespace": write.dataset.namespace, "name": write.dataset.name}
    facts |= {name: getattr(write, name) for name in _OF_WRITE if name not in facts}
    rows = []
    for verdict in write.verdicts:
        row = {name: getattr(verdict, name) for name in _OF_VERDICT if name != "observed_number"}
        number = verdict.observed if isinstance(verdict.observed, (int, float)) else None
        observed = None if verdict.observed is None else str(verdict.observed)
        rows.append(
            {**facts, **row, "observed": observed, "observed_number": None if number is None else float(number)}
        )
    return {"run_date": run.started_at.date().isoformat(), "rows": jsonable(rows)}


class ResultsSink:
    """An outbox sink.

    Args:
        place: a folder's path, or a URI.
    """

    batch_size = 20

    def __init__(self, place: str) -> None:
        self._place = place.rstrip("/")

    def deliver(self, messages: Sequence[Message]) -> None:
        """Write each message's file.

        Raises:
            SinkError: when the place can't be written.
        """
        for message in messages:
            payload = message.payload
            name = f"run_date={payload['run_date']}/{message.id}.parquet"
            try:
                _store(self._place, name, _parquet(payload["rows"]))
            except Exception as error:  # noqa: BLE001 - py4j and pyarrow raise types of their own
                reason = getattr(error, "strerror", None) or type(error).__name__
                raise SinkError(f"results can't be written to {self._place}: {reason}") from None


def _parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {
        "string": pa.string(),
        "int64": pa.int64(),
        "double": pa.float64(),
        "bool": pa.bool_(),
        "list": pa.list_(pa.string()),
        "time": pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in {**_OF_RUN, **_OF_WRITE, **_OF_VERDICT}.items()])
    table = pa.Table.from_pylist([_typed(row) for row in rows], schema=schema)
    buffer = pa.BufferOutputStream()
    parquet.write_table(table, buffer)
    content: bytes = buffer.getvalue().to_pybytes()
    return content


def _typed(row: Mapping[str, Any]) -> dict[str, Any]:
    import datetime as dt

    number = row["observed_number"]  # JSON has no NaN: it came as its name
    return {
        **row,
        "started_at": dt.datetime.fromisoformat(row["started_at"]),
        "observed_number": None if number is None else float(number),
    }


def _store(place: str, name: str, content: bytes) -> None:
    local = place.removeprefix("file://") if place.startswith("file:///") else place
    if "://" not in local:
        _store_locally(Path(local) / name, content)
    elif (context := _spark_context()) is not None:
        _store_by_hadoop(context, f"{place}/{name}", content)
    else:
        from pyarrow import fs

        scheme, mark, rest = place.partition("://")
        system, root = fs.FileSystem.from_uri(f"s3{mark}{rest}" if scheme in ("s3a", "s3n") else place)
        system.create_dir(f"{root}/{name}".rpartition("/")[0])
        with system.open_output_stream(f"{root}/{name}") as stream:
            stream.write(content)


def _store_locally(path: Path, content: bytes) -> None:
    """Under another name first: nobody reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}")
    hidden.write_bytes(content)
    os.replace(hidden, path)


def _spark_context() -> Any:
    module: Any = sys.modules.get("pyspark")
    return None if module is None else module.SparkContext._active_spark_context


def _store_by_hadoop(context: Any, uri: str, content: bytes) -> None:
    java = context._jvm.org.apache.hadoop.fs.Path
    path = java(uri)
    hidden = java(path.getParent(), f".{path.getName()}")
    system = path.getFileSystem(context._jsc.hadoopConfiguration())
    stream = system.create(hidden, True)
    try:
        stream.write(bytearray(content))
    finally:
        stream.close()
    system.delete(path, False)
    if not system.rename(hidden, path):
        raise OSError(0, "a file can't be renamed there")
