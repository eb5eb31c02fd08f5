"""Parquet files divided without Spark, where that means the same: a third of what writing them again through Spark costs.

For sessions whose driver is the executor as well (``local[*]``), files on a local disk, and rules that DuckDB takes. All else
is Spark's own business, as is what a file turns out not to be fit for; nothing was changed then.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hookline.core.fuse import divide_task
from hookline.core.fuse.binding import Bound
from hookline.core.fuse.child import Child, ChildError
from hookline.core.fuse.domain import domain_of
from hookline.core.fuse.footers import read_one_footer
from hookline.core.fuse.jobs import DeadlineError
from hookline.core.fuse.sifting import Sieve
from hookline.core.fuse.sql import Select, key_part, value_of
from hookline.core.fuse.target import WrittenFile
from hookline.core.fuse.task import is_local, local_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_MOST_BAD = 0.2
_MEMORY_BYTES = 512_000_000
_log = logging.getLogger(__name__)
Facts = Mapping[str, tuple[Any, str]]
Leaf = tuple[str, ...]


@dataclass(frozen=True)
class Receipt:
    """What is to become of the bad rows.

    Attributes:
        path: the file for them; it does not exist yet.
        ids: what their ids begin with.
        facts: what every row has beside itself, a column to its value (JSON-ready) and Spark's type.
    """

    path: Path
    ids: str
    facts: Facts


@dataclass(frozen=True)
class Left:
    """What is left of a file that held bad rows.

    Attributes:
        rows: nothing is left of the file itself when there are none.
        extents: of each column that was asked for: its least and greatest value and the number of nulls. Values are JSON's;
            dates and times in ISO 8601, decimals as texts, NaN is a float. None where there are no values, or none that
            have an order.
    """

    rows: int
    extents: Mapping[Leaf, tuple[Any, Any, int]]


@dataclass(frozen=True)
class Division:
    """Files that were divided: how many bad rows there were, and by path the files that held some."""

    bad: int
    files: Mapping[str, Left]


def divide(
    spark: SparkSession,
    sieve: Sieve,
    files: Sequence[WrittenFile],
    receipt: Receipt,
    leaves: Mapping[str, Sequence[Leaf]] | None = None,
    deadline_s: float = 3600.0,
) -> Division | None:
    """Take the bad rows out of files, in their places.

    Args:
        leaves: the columns, or fields inside of structs, whose extents are told, by file.

    Returns:
        None when Spark has to do it.
    """
    try:
        reason = _why_not(spark, sieve, files)
    except Exception as error:  # noqa: BLE001 - pyarrow raises many types; Spark can still read the files
        reason = type(error).__name__
    if reason is not None:
        _log.info("rows are not set aside without Spark: %s", reason)
        return None
    plan = _plan(spark, sieve, files, receipt, leaves or {})
    outs = {file["path"]: file["out"] for file in plan["files"]}
    child = Child(divide_task)
    try:
        answer = child.ask(plan, deadline_s)
    except (ChildError, DeadlineError) as error:
        answer = {"declined": str(error)}
    finally:
        child.close()
    try:
        if "declined" in answer:
            _log.info("rows are not set aside without Spark: %s", answer["declined"])
            with suppress(OSError):
                receipt.path.unlink()
            return None
        told = {file["path"]: _left(file, answer["files"]) for file in plan["files"] if file["path"] in answer["files"]}
        for path, left in told.items():
            _exchange(path, outs[path], left.rows)
        return Division(int(answer["bad"]), told)
    finally:
        for out in outs.values():
            Path(out).unlink(missing_ok=True)


def _left(file: dict[str, Any], answers: dict[str, Any]) -> Left:
    answer = answers[file["path"]]
    extents = zip(file["leaves"], answer["extents"], strict=True)
    return Left(int(answer["rows"]), {tuple(leaf): tuple(extent) for leaf, extent in extents})


def _exchange(path: str, out: str, left: int) -> None:
    """A checksum that Hadoop keeps of the old file would make the new one unreadable."""
    folder, name = os.path.split(path)
    Path(folder, f".{name}.crc").unlink(missing_ok=True)
    if left:
        os.replace(out, path)
    else:
        os.unlink(path)


def _why_not(spark: SparkSession, sieve: Sieve, files: Sequence[WrittenFile]) -> str | None:
    master = str(spark.sparkContext.master)
    if master != "local" and not master.startswith("local["):
        return "the executors are elsewhere"
    if not files or not all(is_local(file.path) for file in files):
        return "the files are not on a local disk"
    if any(file.partition for file in files):
        return "they are partitioned"
    if read_one_footer(files[0].path).rebased:
        return "their times are rebased"
    return next((why for _, bound, first in sieve.rules if (why := _why_not_able(bound, first)) is not None), None)


def _why_not_able(bound: Bound, keeps_first: bool) -> str | None:
    if keeps_first:
        return "the first of several rows stays"
    if (
        not bound.portable
        or bound.measure.kind == "rejected"
        or (bound.measure.kind == "unmatched" and bound.regex is None)
    ):
        return f"{bound.measure} means something in Spark only"
    if any(domain_of(column.type).kind == "other" for column in bound.columns):
        return f"{bound.measure} is about a nested column"
    return None


def _plan(
    spark: SparkSession,
    sieve: Sieve,
    files: Sequence[WrittenFile],
    receipt: Receipt,
    leaves: Mapping[str, Sequence[Leaf]],
) -> dict[str, Any]:
    select = Select()
    tests = [{"name": name, "sql": _test(select, bound)} for name, bound, _ in sieve.rules]
    wanted = {local_path(file.path): [list(leaf) for leaf in leaves.get(file.path, ())] for file in files}
    return {
        # Not hidden: Delta's VACUUM finds what a killed job leaves in a table's folder.
        "files": [{"path": path, "out": f"{path}.left", "leaves": its} for path, its in wanted.items()],
        "tests": tests,
        "params": select.params,
        "bad": str(receipt.path),
        "facts": dict(receipt.facts),
        "id": receipt.ids,
        "most": _MOST_BAD,
        "threads": min(spark.sparkContext.defaultParallelism, os.cpu_count() or 1),
        "memory_bytes": _MEMORY_BYTES,
    }


def _test(select: Select, bound: Bound) -> str:
    """Whether a row is among those that the measure counts, in DuckDB's SQL; ``$source`` is all rows."""
    if bound.measure.kind != "duplicates":
        return " AND ".join(f"({test})" for test in select.tests(bound, {}))
    parts = [key_part(domain_of(column.type), value_of(column, {})) for column in bound.columns]
    looked_at = [f"{part} IS NOT NULL" for part in parts]
    if bound.where is not None:
        looked_at.append(select.condition(bound, bound.where, {}))
    where, key = " AND ".join(looked_at), ", ".join(parts)
    again = f"SELECT {key} FROM $source WHERE {where} GROUP BY {key} HAVING count(*) > 1"
    return f"({where} AND ({key}) IN ({again}))"
