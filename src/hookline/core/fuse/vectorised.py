"""DuckDB over the Parquet files just written: one query per column and file group, merged exactly.

In a cluster the groups are tasks of one Spark job, where the files are; with ``local[*]``, where the driver is the
executor, they are one group for a child process (``child.py`` says why).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hookline.core.events import Measure, Measured
from hookline.core.fuse import task
from hookline.core.fuse.binding import Bound
from hookline.core.fuse.child import ChildError, shared_child
from hookline.core.fuse.domain import domain_of
from hookline.core.fuse.footers import Footers
from hookline.core.fuse.jobs import DeadlineError, run_job
from hookline.core.fuse.partitions import UnreadableValueError, key_of
from hookline.core.fuse.sql import Select, key_part, merge
from hookline.core.fuse.storage import storage_options
from hookline.core.fuse.target import Target

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Place = Literal["auto", "tasks", "child"]
FORMATS = ("parquet", "delta")
_MEMORY_BYTES = 512_000_000
_TASK_BYTES = 32_000_000  # a smaller group is not worth a Python worker
_MOST_KEY_BYTES = 4_000_000_000
_MOST_CELLS = 500
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Work:
    """What DuckDB is to do.

    Attributes:
        queries: column to its select list.
        places: measure to its column and the place of its values in that column's answer.
        keys: measure to the description of its key, for ``duplicates``.
    """

    queries: dict[str, Select]
    places: dict[Bound, tuple[str, slice]]
    keys: dict[Bound, dict[str, Any]]


def why_not_vectorised(target: Target, footers: Footers | None) -> str | None:
    """Why the files can't be read by another engine than Spark; None when they can."""
    if target.files is None or (target.format or "").lower() not in FORMATS:
        return "the target is not Parquet files"
    if len({column.name.lower() for column in target.columns}) < len(target.columns):
        return "column names differ in case only"
    if footers is None:
        return "no footer could be read"
    if footers.mapped and target.format == "delta" and not target.physical_names:
        return "the columns' names in the files are not known"
    return None


def measure_vectorised(
    bound: Sequence[Bound],
    target: Target,
    footers: Footers,
    deadline_s: float,
    *,
    rows: int | None,
    place: Place = "auto",
) -> dict[Measure, Measured]:
    """The measures that this way could take; the others are missing.

    Args:
        rows: how many rows the files hold by other accounts; when they turn out to hold another number, nothing is
            believed.

    Raises:
        DeadlineError: there was no time left.
    """
    able = [one for one in bound if _is_able(one, target, footers)]
    work = _work(able, target, footers)
    if not able:
        return {}
    try:
        answers = _run(target, work, deadline_s, place)
    except DeadlineError:
        raise
    except Exception as error:  # noqa: BLE001 - there is another way
        _log.warning("not measured by DuckDB: %s", error if isinstance(error, ChildError) else type(error).__name__)
        return {}
    failures = sorted({answer["failed"] for answer in answers if "failed" in answer})
    seen = sum(answer.get("rows", 0) for answer in answers)
    if failures:
        _log.warning("not measured by DuckDB: %s", "; ".join(failures))
        return {}
    if rows is not None and seen != rows:
        _log.warning("not measured by DuckDB: it found %d rows where %d were written", seen, rows)
        return {}
    return {one.measure: value for one in able if (value := _result(one, work, answers, seen)) is not None}


def _is_able(bound: Bound, target: Target, footers: Footers) -> bool:
    kind = bound.measure.kind
    if kind == "unmatched" and bound.regex is None:
        return False
    domains = [domain_of(column.type) for column in bound.columns]
    if any(domain.kind == "other" for domain in domains):
        return False
    if footers.rebased and any(domain.kind in ("date", "timestamp") for domain in domains):
        return False
    partitioned = {column.name for column in bound.columns} & target.partition_columns
    return kind == "duplicates" if partitioned else True


def _work(able: list[Bound], target: Target, footers: Footers) -> _Work:
    """Queries for all that is able; what turns out not to be is taken out of ``able``."""
    work = _Work({}, {}, {})
    for one in list(able):
        if one.measure.kind == "rows":
            continue
        if one.measure.kind == "duplicates":
            key = _key(one, target, footers)
            if key is None:
                able.remove(one)
            else:
                work.keys[one] = key | {"id": f"key {len(work.keys)}"}
            continue
        name = one.column.name
        select = work.queries.setdefault(name, Select())
        work.places[one] = name, select.add(one, target.physical_names.get(name, name))
    return work


def _key(bound: Bound, target: Target, footers: Footers) -> dict[str, Any] | None:
    """A key, and the cells of files within which its rows may be equal; None when Spark had better do it."""
    inside = [column for column in bound.columns if column.name not in target.partition_columns]
    outside = [(c.name, domain_of(c.type)) for c in bound.columns if c.name in target.partition_columns]
    names = [target.physical_names.get(column.name, column.name) for column in inside]
    files = target.files or ()
    size = sum(footers.column_bytes.get(name, sum(file.size_bytes for file in files)) for name in names)
    if size > _MOST_KEY_BYTES or not inside:
        return None
    cells: dict[Any, list[str]] = {}
    try:
        for file in files:
            value = key_of(file, outside)
            if value is not None:
                cells.setdefault(value, []).append(file.path)
    except UnreadableValueError:
        return None
    if len(cells) > _MOST_CELLS:
        return None
    parts = [key_part(domain_of(column.type), name) for column, name in zip(inside, names, strict=True)]
    return {"parts": parts, "cells": list(cells.values())}


def _run(target: Target, work: _Work, deadline_s: float, place: Place) -> list[dict[str, Any]]:
    if place == "child" or (place == "auto" and _driver_is_executor(target.spark)):
        threads = min(target.spark.sparkContext.defaultParallelism, os.cpu_count() or 1)
        plan = _plan(target, work, [file.path for file in target.files or ()], list(work.keys.values()), threads)
        try:
            return [shared_child().ask(plan, deadline_s)]
        except ChildError as error:
            _log.warning("measuring in Spark tasks instead: %s", error)
    return _run_tasks(target, work, deadline_s)


def _run_tasks(target: Target, work: _Work, deadline_s: float) -> list[dict[str, Any]]:
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(task)  # type: ignore[no-untyped-call]  # executors need not have hookline
    context = target.spark.sparkContext
    plans = [_plan(target, work, [], [key], 1) for key in work.keys.values()]
    plans += [_plan(target, work, group, [], 1) for group in _groups(target, context.defaultParallelism)]
    description = f"{len(work.places)} of {len(work.queries)} columns, {len(work.keys)} keys"
    return run_job(
        target.spark,
        description,
        deadline_s,
        lambda: context.parallelize(plans, len(plans)).mapPartitions(task.measure_all).collect(),
    )


def _plan(target: Target, work: _Work, files: list[str], keys: list[dict[str, Any]], threads: int) -> dict[str, Any]:
    queries = [
        {"id": name, "select": ", ".join(select.expressions), "params": select.params}
        for name, select in work.queries.items()
    ]
    return {
        "files": files,
        "queries": queries if files else [],
        "keys": keys,
        "threads": threads,
        "memory_bytes": _MEMORY_BYTES,
        "storage": storage_options(target),
    }


def _groups(target: Target, parallelism: int) -> list[list[str]]:
    """Files in groups of about equal bytes, the largest first into the emptiest."""
    files = sorted(target.files or (), key=lambda file: file.size_bytes, reverse=True)
    total = sum(file.size_bytes for file in files)
    count = max(1, min(parallelism, len(files), -(-total // _TASK_BYTES)))
    groups: list[list[str]] = [[] for _ in range(count)]
    sizes = [0] * count
    for file in files:
        least = sizes.index(min(sizes))
        groups[least].append(file.path)
        sizes[least] += file.size_bytes
    return groups


def _driver_is_executor(spark: SparkSession) -> bool:
    master = str(spark.sparkContext.master)
    return master == "local" or master.startswith("local[")


def _result(bound: Bound, work: _Work, answers: Iterable[dict[str, Any]], rows: int) -> Measured | None:
    """A measure's value; None when a query of its failed."""
    if bound.measure.kind == "rows":
        return Measured(rows, "vectorised")
    if bound.measure.kind == "duplicates":
        return _key_result(work.keys[bound]["id"], answers)
    name, place = work.places[bound]
    with_files = [answer for answer in answers if name in answer["values"] or name in answer["errors"]]
    errors = {answer["errors"][name] for answer in with_files if name in answer["errors"]}
    if errors:
        _log.info("%s not measured by DuckDB: %s", bound.measure, ", ".join(sorted(errors)))
        return None
    try:
        return merge(bound, [answer["values"][name][place] for answer in with_files])
    except OverflowError:
        return None


def _key_result(name: str, answers: Iterable[dict[str, Any]]) -> Measured | None:
    for answer in answers:
        if name in answer["errors"]:
            _log.info("a key not measured by DuckDB: %s", answer["errors"][name])
        if name in answer["values"]:
            return Measured(int(answer["values"][name][0]), "vectorised")
    return None
