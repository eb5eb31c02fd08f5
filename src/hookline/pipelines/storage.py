"""Files at a place, listed through Python where they are local and through Hadoop's file systems elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from hookline.core.fuse import WrittenFile
from hookline.pipelines import gateway

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
# Spark and most readers pass over names that begin like this.
STAGING_PREFIX = ".hookline-"


@dataclass(frozen=True)
class StoredFile:
    """A data file: its path (absolute and local, or a URI), its size and its path relative to the root."""

    path: str
    size_bytes: int
    relative: str


def local_path(uri: str) -> str | None:
    """The local path behind ``file:/x``, ``file:///x`` or ``/x``; None when the URI points elsewhere.

    Hadoop's URIs are not percent-encoded, so nothing is decoded here.
    """
    if uri.startswith("/"):
        return uri
    if uri.startswith("file:"):
        return "/" + uri.removeprefix("file:").lstrip("/")
    return None


def is_staged(name: str) -> bool:
    """Whether a path leads into a staging folder."""
    return f"/{STAGING_PREFIX}" in name


def list_files(spark: SparkSession, root_uri: str) -> tuple[StoredFile, ...]:
    """Every data file below a root, hidden ones (``_x``, ``.x``) left out; empty when the root does not exist."""
    local = local_path(root_uri)
    found = _walk(Path(local)) if local is not None else _walk_hadoop(spark, root_uri)
    return tuple(sorted(found, key=lambda file: file.path))


def partition_values(relative: str) -> dict[str, str | None]:
    """Hive-style partition values in a relative path, unescaped; ``__HIVE_DEFAULT_PARTITION__`` is None."""
    values: dict[str, str | None] = {}
    for folder in relative.split("/")[:-1]:
        name, equals, value = folder.partition("=")
        if equals:
            values[unquote(name)] = None if value == _NULL_PARTITION else unquote(value)
    return values


def written_files(files: Iterable[StoredFile]) -> tuple[WrittenFile, ...]:
    """Stored files as the measurement takes them, with the partition that their folders name."""
    return tuple(WrittenFile(f.path, f.size_bytes, partition=partition_values(f.relative)) for f in files)


def exists(spark: SparkSession, uri: str) -> bool:
    """Whether there is a file or folder at a URI."""
    path = _hadoop_path(spark, uri)
    return bool(path.getFileSystem(_configuration(spark)).exists(path))


def _walk(root: Path) -> Iterator[StoredFile]:
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            entries = list(os.scandir(folder))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            if _hidden(entry.name):
                continue
            if entry.is_dir():
                pending.append(Path(entry.path))
            else:
                yield StoredFile(entry.path, entry.stat().st_size, os.path.relpath(entry.path, root))


def _walk_hadoop(spark: SparkSession, root_uri: str) -> Iterator[StoredFile]:
    root = _hadoop_path(spark, root_uri)
    system = root.getFileSystem(_configuration(spark))
    if not system.exists(root):
        return
    prefix = urlsplit(root_uri).path.rstrip("/") + "/"
    statuses = system.listFiles(root, True)
    while statuses.hasNext():
        status = statuses.next()
        uri = str(status.getPath().toString())
        relative = urlsplit(uri).path.removeprefix(prefix)
        if not any(_hidden(part) for part in relative.split("/")):
            yield StoredFile(uri, int(status.getLen()), relative)


def _hidden(name: str) -> bool:
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _hadoop_path(spark: SparkSession, path: str) -> Any:
    return gateway.java_class(spark, "org.apache.hadoop.fs.Path")(path)


def _configuration(spark: SparkSession) -> Any:
    return spark._jsparkSession.sessionState().newHadoopConf()
