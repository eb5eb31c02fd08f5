"""Rows taken out of plain Parquet files, file by file: each is as it was or as it shall be at every moment, never in between.

Only files that hold such a row are written anew: beside the old one, under a hidden name, on the disk before the new file takes
the old one's name in one step. Who is killed on the way loses nothing, and goes on by beginning again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from hookline.core.errors import ProtectionError
from hookline.governance.erasure.cells import array_of, at, loosened, names_of, not_null, with_nulls
from hookline.governance.erasure.matching import Matcher

_NULL = "__HIVE_DEFAULT_PARTITION__"
_NEW = ".hookline-erase"
_AT_ONCE = 4
_ROWS = 64 << 10


@dataclass(frozen=True)
class Found:
    """What there is of it, or was.

    Attributes:
        rows, files, partitions: how many; of a dataset without partitions their number is 0.
    """

    rows: int = 0
    files: int = 0
    partitions: int = 0


def is_parquet(path: Path) -> bool:
    """Whether there are Parquet files at a path, and no others."""
    files = [*_files(path)]
    return bool(files) and all(map(_begins_as_parquet, files))


def find(path: Path, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Found:
    """What is meant at a path.

    Args:
        column: what the matcher is to look at.
        columns: count only rows in which one of these is not null.

    Raises:
        ProtectionError: a file does not have the column, or not of such a type.
        OSError, pyarrow.ArrowException: a file can't be read.
    """
    return _summed(path, _each(path, lambda file: _count(path, file, column, matcher, columns)))


def take_out(path: Path, column: str, matcher: Matcher, columns: Sequence[str] = ()) -> Found:
    """Delete what is meant at a path; or make columns null there.

    Raises:
        ProtectionError: see ``find``.
        OSError, pyarrow.ArrowException: a file can't be read or written. Others may be done.
    """
    for stale in _walk(path):
        if stale.name.endswith(_NEW):
            stale.unlink(missing_ok=True)
    # Looked through before the first is changed: a file without the column is a reason to change none.
    find(path, column, matcher, columns)

    def change(file: Path) -> int:
        count = _count(path, file, column, matcher, columns)
        if count:
            _rewrite(path, file, column, matcher, columns)
        return count

    found = _summed(path, _each(path, change))
    _drop_empty(path)
    return found


def rows_of(path: Path, column: str, matcher: Matcher) -> Iterator[dict[str, Any]]:
    """The rows that are meant, with the values that their folders' names say.

    Raises:
        ProtectionError: see ``find``.
        OSError, pyarrow.ArrowException: a file can't be read.
    """
    for file in sorted(_files(path)):
        told = _in_folders(path, file)
        for batch, meant in _batches(path, file, column, matcher):
            for row in batch.filter(array_of(meant)).to_pylist():
                yield {**row, **told}


def columns_of(path: Path) -> list[str]:
    """The names of the columns, as the first file and the folders have them."""
    from pyarrow import parquet

    for file in sorted(_files(path)):
        return [*parquet.read_schema(file).names, *_in_folders(path, file)]
    return []


def _each(path: Path, work: Callable[[Path], int]) -> list[tuple[Path, int]]:
    files = sorted(_files(path))
    with ThreadPoolExecutor(min(_AT_ONCE, os.cpu_count() or 1)) as pool:
        return [*zip(files, pool.map(work, files), strict=True)]


def _summed(path: Path, counts: list[tuple[Path, int]]) -> Found:
    having = [(file, count) for file, count in counts if count]
    folders = {file.parent for file, _ in having if file != path and file.parent != path}
    return Found(sum(count for _, count in having), len(having), len(folders))


def _walk(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not hidden(name)]
        yield from (Path(folder, name) for name in names)


def _files(path: Path) -> Iterator[Path]:
    """What Spark takes for data."""
    yield from (file for file in _walk(path) if file == path or not hidden(file.name))


def hidden(name: str) -> bool:
    """What Spark takes for no data."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _begins_as_parquet(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(4) == b"PAR1"
    except OSError:
        return False


def _in_folders(path: Path, file: Path) -> dict[str, str | None]:
    """The columns that the names of the folders tell: ``country=DE``."""
    found: dict[str, str | None] = {}
    for name in file.relative_to(path).parts[:-1]:
        column, equals, value = name.partition("=")
        if equals:
            found[unquote(column)] = None if value == _NULL else unquote(value)
    return found


def _count(path: Path, file: Path, column: str, matcher: Matcher, columns: Sequence[str]) -> int:
    count = 0
    for batch, meant in _batches(path, file, column, matcher, (column, *columns)):
        if columns:
            full = [not_null(batch, name) for name in columns]
            meant = [one and any(each[place] for each in full) for place, one in enumerate(meant)]
        count += sum(meant)
    return count


def _batches(
    path: Path, file: Path, column: str, matcher: Matcher, wanted: Sequence[str] | None = None
) -> Iterator[tuple[Any, list[bool]]]:
    """The rows, some at once, and of each whether it is meant."""
    import pyarrow as pa
    from pyarrow import parquet

    tell, told = matcher.arrow(), _in_folders(path, file)
    with parquet.ParquetFile(file) as source:
        schema = source.schema_arrow
        place = None if column in told else names_of(column, schema)
        tops = sorted({names_of(name, schema)[0] for name in wanted or () if name not in told})
        for batch in source.iter_batches(_ROWS, columns=tops or None):
            if place is None:
                (one,) = tell(pa.array([told[column]], pa.string()))
                yield batch, [one] * batch.num_rows
            else:
                yield batch, tell(at(batch, place))


def _rewrite(path: Path, file: Path, column: str, matcher: Matcher, columns: Sequence[str]) -> None:
    from pyarrow import parquet

    before = file.stat()
    hidden = file.with_name(f".{file.name}{_NEW}")
    rows = 0
    with parquet.ParquetFile(file) as source:
        schema, options = source.schema_arrow, _options(source)
    nulled = [names_of(name, schema) for name in columns]
    for names in nulled:
        schema = loosened(schema, names)
    with parquet.ParquetWriter(hidden, schema, **options) as sink:
        for batch, meant in _batches(path, file, column, matcher):
            if columns:
                kept = batch
                for names in nulled:
                    kept = with_nulls(kept, names, meant)
            else:
                kept = batch.filter(array_of([not one for one in meant]))
            rows += kept.num_rows
            if kept.num_rows:
                sink.write_batch(kept)
    os.chmod(hidden, before.st_mode & 0o7777)
    _flush(hidden)
    after = file.stat()
    if (before.st_mtime_ns, before.st_ino, before.st_size) != (after.st_mtime_ns, after.st_ino, after.st_size):
        hidden.unlink()
        raise ProtectionError("a file was changed by somebody else meanwhile: erase again")
    # Hadoop's sum of the old content goes first: a file without one is read all the same.
    file.with_name(f".{file.name}.crc").unlink(missing_ok=True)
    if rows or _is_last(path, file):
        hidden.replace(file)
    else:
        file.unlink()
        hidden.unlink()
    _flush(file.parent)


def _options(source: Any) -> dict[str, Any]:
    """As the file was written: its codec, and times as Spark's older versions have them."""
    kinds = {source.schema.column(place).physical_type for place in range(len(source.schema))}
    options: dict[str, Any] = {"use_deprecated_int96_timestamps": "INT96" in kinds}
    if source.metadata.num_row_groups and source.metadata.num_columns:
        codec = source.metadata.row_group(0).column(0).compression.lower()
        options["compression"] = "none" if codec == "uncompressed" else codec
    return options


def _is_last(path: Path, file: Path) -> bool:
    """Without any file nobody could tell what the dataset's columns were."""
    return not any(one != file for one in _files(path))


def _drop_empty(path: Path) -> None:
    """Folders of partitions that nothing is left of: their names may tell whose rows they had."""
    for folder, _, _ in os.walk(path, topdown=False):
        here = Path(folder)
        if here == path or "=" not in here.name or any(not name.startswith(".") for name in os.listdir(here)):
            continue
        for name in os.listdir(here):
            if name.endswith(".crc"):
                (here / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            here.rmdir()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
