"""Taking bad rows out of a Delta table's new files without Spark: the commit says of these files what is left in them."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.core import fuse
from hookline.pipelines import plans
from hookline.pipelines.staging.delta_stats import UnknownStatsError, Wording

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hookline.core.fuse import Receipt, Sieve, WrittenFile

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Divided:
    """Files that were divided.

    Attributes:
        bad: the rows that were taken out.
        adds: by path, the ``add`` actions that take the place of others; None where nothing is left of a file.
    """

    bad: int
    adds: Mapping[str, Any]


def divide(
    spark: SparkSession,
    sieve: Sieve,
    files: Sequence[WrittenFile] | None,
    schema: str,
    adds: Mapping[str, Any],
    receipt: Receipt | None,
) -> Divided | None:
    """Take bad rows out of files that no version of the table has yet.

    Args:
        files: those that the commit adds; None where their columns have other names than the table's.
        schema: the table's, as the commit leaves it (JSON).
        adds: by path, their ``add`` actions in the JVM.
        receipt: where bad rows are put.

    Returns:
        None when Spark has to do it; nothing was changed then.
    """
    if receipt is None or not files:
        return None
    before = {file.path: adds[file.path].stats() for file in files}
    try:
        wording = Wording(spark, schema)
        leaves = {path: wording.leaves(stats) for path, stats in before.items()}
    except UnknownStatsError as reason:
        _log.info("rows are not set aside without Spark: %s", reason)
        return None
    division = fuse.divide(spark, sieve, files, receipt, leaves)
    if division is None:
        return None
    changed: dict[str, Any] = {}
    for path, left in division.files.items():
        if not left.rows:
            changed[path] = None
            continue
        fact = Path(path).stat()
        changed[path] = plans.copied(
            adds[path],
            size=fact.st_size,
            modificationTime=fact.st_mtime_ns // 1_000_000,
            stats=wording.stats(before[path], left),
        )
    return Divided(division.bad, changed)
