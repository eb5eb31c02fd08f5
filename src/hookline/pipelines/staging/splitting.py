"""Taking bad rows out of Parquet files that were staged: only the files that hold some are written again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from hookline.core import fuse
from hookline.core.fuse.expressions import named
from hookline.core.fuse.sifting import POSITION, REASONS
from hookline.pipelines import storage
from hookline.pipelines.staging.files import Files, join, parent_of
from hookline.pipelines.staging.held import hold, let_go
from hookline.pipelines.staging.journal import Proof
from hookline.pipelines.targets import FolderTarget, Put, Written

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from hookline.core.fuse import Sieve

_FILE = "hookline file"


def split(
    rows: Callable[[frozenset[str] | None], DataFrame],
    sieve: Sieve,
    put: Put,
    rewrite: Callable[[DataFrame, frozenset[str]], None],
) -> None:
    """Find the files with bad rows, hand these rows over, and have the good ones of these files written again.

    Args:
        rows: reads the rows of some files, by their paths, or of all; they have the column ``_metadata``.
        rewrite: gets the good rows of some files, and which files these were.
    """
    from pyspark.sql import functions as F

    def located(frame: DataFrame) -> DataFrame:
        return frame.withColumn(_FILE, F.col("_metadata.file_path"))

    kept = None
    bad = F.size(named(REASONS)) > 0
    try:
        everything = located(rows(None))
        if sieve.needs_positions:
            kept = everything = hold(everything.withColumn(POSITION, F.monotonically_increasing_id()))
        found = sieve.mark(everything, everything).where(bad).groupBy(named(_FILE)).count().collect()
        counts: Mapping[str, int] = {row[0]: row[1] for row in found}
        suspects = frozenset(path_of(path) for path in counts)
        if kept is None:
            some = sieve.mark(located(rows(suspects)), everything)
        else:
            some = sieve.mark(kept.where(named(_FILE).isin(list(counts))), kept)
        some = some.drop(_FILE, POSITION)
        put.put(some, sum(counts.values()))
        rewrite(some.where(~bad).drop(REASONS), suspects)
    finally:
        if kept is not None:
            let_go(kept)


def path_of(uri: str) -> str:
    """A file as ``WrittenFile`` names it, from Spark's ``_metadata.file_path``."""
    plain = unquote(uri)
    return storage.local_path(plain) or plain


def splittable(
    spark: SparkSession,
    target: FolderTarget,
    files: Files,
    data: str,
    written: Written,
    schema: Callable[[], StructType],
    write: Callable[[DataFrame, str], Any],
) -> Written:
    """What was staged for a folder, with the way to split it.

    Args:
        data: the folder that it was staged in.
        write: writes rows into a new folder, as the job does.
    """
    if written.files is None:
        return written
    staged = dataclasses.replace(target, uri=data)

    def read(paths: frozenset[str] | None) -> DataFrame:
        chosen = [file.path for file in written.files or () if paths is None or file.path in paths]
        return staged.read(chosen, schema())

    def rewrite(good: DataFrame, suspects: frozenset[str]) -> None:
        fresh = join(parent_of(data), "good")
        write(good, fresh)
        for file in storage.list_files(spark, data):
            if file.path in suspects:
                files.delete(join(data, file.relative))
        for file in storage.list_files(spark, fresh):
            place = join(data, file.relative)
            files.make_folder(parent_of(place))
            files.move(join(fresh, file.relative), place)
        files.delete(fresh)

    def take_out(sieve: Sieve, put: Put) -> Written:
        receipt = put.receipt()
        divided = None if receipt is None else fuse.divide(spark, sieve, written.files or (), receipt)
        if divided is None:
            split(read, sieve, put, rewrite)
        else:
            put.took(divided.bad)
        rest = storage.list_files(spark, data)
        return _proven(target, staged.written(storage.written_files(rest), schema()), rest)

    return dataclasses.replace(
        _proven(target, written, storage.list_files(spark, data)),
        split=take_out if target.dataset.format == "parquet" else None,
    )


def _proven(target: FolderTarget, written: Written, staged: tuple[storage.StoredFile, ...]) -> Written:
    """Files keep their names when they are moved into place."""
    if not staged:
        return written
    place = target.uri.rstrip("/")
    return dataclasses.replace(written, proof=Proof("file", place, join(place, staged[0].relative)))
