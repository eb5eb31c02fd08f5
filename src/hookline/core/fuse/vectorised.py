"""DuckDB over the Parquet files just written: one query per column and file group, merged exactly.

In a cluster the groups are tasks of one Spark job, where the files are; with ``local[*]``, where the driver is the
executor, they are one group for a child process (``child.py`` says why).
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from hookline.core.events import Measure, Measured
from hookline.core.fuse import sketch_task, task
from hookline.core.fuse.binding import FRAMED, QUANTILES, SKETCHED, TESTS, WHOLE, Bound
from hookline.core.fuse.child import ChildError, shared_child
from hookline.core.fuse.domain import domain_of
from hookline.core.fuse.footers import Footers
from hookline.core.fuse.forms import form_of
from hookline.core.fuse.jobs import DeadlineError, run_job
from hookline.core.fuse.letters import letters_of
from hookline.core.fuse.paths import Part, top_of
from hookline.core.fuse.sketching import SHIPPED, add_sketch, is_divided, read_sketch
from hookline.core.fuse.sql import Select, merge
from hookline.core.fuse.storage import storage_options
from hookline.core.fuse.target import Target
from hookline.core.fuse.wholes import Item, item_of, read_whole, source_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Place = Literal["auto", "tasks", "child"]
FORMATS = ("parquet", "delta")
_MEMORY_BYTES = 512_000_000
_TASK_BYTES = 32_000_000  # a smaller group is not worth a Python worker
_PLAIN_BYTES = 8  # a row, more than any dictionary's number takes
_LEAST_LETTERS_BYTES = 20_000_000  # of fewer the matcher takes less time than pyarrow takes to load
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Work:
    """What DuckDB is to do.

    Attributes:
        queries: what is read, by name, to its select list and what it is selected from.
        letters: by name, what is read as bytes, with the query that tells the same.
        places: measure to the name of what it reads and the place of its values in the answer.
        wholes: work, by name, that brings rows of all files together.
        parts: measure to the name of such work and the place of its values in the answer.
    """

    queries: dict[str, tuple[Select, str]] = field(default_factory=dict)
    letters: dict[str, Item] = field(default_factory=dict)
    places: dict[Bound, tuple[str, slice]] = field(default_factory=dict)
    wholes: dict[str, Item] = field(default_factory=dict)
    parts: dict[Bound, tuple[str, list[int]]] = field(default_factory=dict)


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


def stand_by(spark: SparkSession) -> None:
    """Begin what has to be there before the first plan, where that is a process of its own."""
    if _driver_is_executor(spark):
        shared_child().start()


def measure_vectorised(
    bound: Sequence[Bound],
    target: Target,
    footers: Footers,
    deadline_s: float,
    *,
    rows: int | None,
    others: Callable[[str], tuple[Target, Footers] | None] = lambda _: None,
    place: Place = "auto",
) -> dict[Measure, Measured]:
    """The measures that this way could take; the others are missing.

    Args:
        rows: how many rows the files hold by other accounts; when they turn out to hold another number, nothing is
            believed.
        others: another dataset by its path or name, when DuckDB can read it.

    Raises:
        DeadlineError: there was no time left.
    """
    able = [one for one in bound if is_able(one, target, footers)]
    work = _work(able, target, footers, others)
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


def is_able(bound: Bound, target: Target, footers: Footers) -> bool:
    """Whether DuckDB gives the measure's exact value, as far as can be told without the other datasets that it needs."""
    kind = bound.measure.kind
    if kind in ("rejected", *FRAMED) or (kind == "unmatched" and bound.regex is None) or not bound.portable:
        return False
    if kind == "malformed" and form_of(bound.measure.pattern or "").duckdb is None:
        return False
    if target.physical_names and any(isinstance(column, Part) for column in bound.columns):
        return False
    domains = [domain_of(column.type) for column in bound.all_columns]
    if kind != "sketch" and any(domain_of(column.type).kind == "other" for column in bound.columns):
        return False
    if footers.rebased and any(domain.kind in ("date", "timestamp") for domain in domains):
        return False
    if {top_of(column) for column in bound.all_columns if column not in bound.columns} & target.partition_columns:
        return False
    partitioned = {top_of(column) for column in bound.columns} & target.partition_columns
    return kind in WHOLE if partitioned else True


def _work(
    able: list[Bound],
    target: Target,
    footers: Footers,
    others: Callable[[str], tuple[Target, Footers] | None],
) -> _Work:
    """Queries for all that is able; what turns out not to be is taken out of ``able``."""
    work = _Work()
    for one in list(able):
        kind = one.measure.kind
        if kind == "rows":
            continue
        if kind in WHOLE:
            other = (
                others(one.measure.others[0].dataset) if kind == "orphans" and one.measure.others[0].dataset else None
            )
            item = item_of(one, target, footers, other)
            if item is None:
                able.remove(one)
            else:
                _add_whole(work, one, item)
            continue
        if _add_letters(work, one, target, footers):
            continue
        flat = one.repeated and kind not in TESTS
        name = "\n".join(column.name for column in one.all_columns)
        if flat:
            name += f"\n[]{one.where.text if one.where else ''}"
        if name not in work.queries:
            select = Select()
            tests = [select.condition(one, one.where, target.physical_names)] if flat and one.where else []
            work.queries[name] = select, source_of(one, tests)
        select, _ = work.queries[name]
        work.places[one] = name, select.add(one.flattened if flat else one, target.physical_names)
    return work


def _add_letters(work: _Work, bound: Bound, target: Target, footers: Footers) -> bool:
    """Take a pattern by the bytes of its column, where it is letters and that is cheaper; whether it is taken so."""
    if bound.measure.kind != "unmatched" or bound.where is not None or bound.regex is None or bound.repeated:
        return False
    column, letters = target.physical_names.get(bound.column.name, bound.column.name), letters_of(bound.regex.re2)
    # A column of few values is stored as their numbers; in pyarrow's names of columns a dot leads into a struct.
    least = max(_PLAIN_BYTES * sum(footers.rows), _LEAST_LETTERS_BYTES)
    if letters is None or "." in column or footers.column_bytes.get(column, 0) <= least:
        return False
    name, select = f"letters {len(work.letters)}", Select()
    work.places[bound] = name, select.add(bound, target.physical_names)
    work.letters[name] = {
        "query": {"id": name, "select": select.expressions, "from": source_of(bound), "params": select.params},
        "column": column,
        "allowed": letters.allowed.decode("latin-1"),
        "least": letters.least,
        "most": letters.most,
    }
    return True


def _add_whole(work: _Work, bound: Bound, item: Item) -> None:
    """Quantiles of the same values are picked together; everything else is work of its own."""
    if bound.measure.kind in QUANTILES:
        for name, known in work.wholes.items():
            if {**known, "fractions": 0, "id": 0} == {**item, "fractions": 0, "id": 0}:
                at = 1 + 2 * len(known["fractions"])
                known["fractions"] += item["fractions"]
                work.parts[bound] = name, [0, at, at + 1]
                return
    if bound.measure.kind in SKETCHED:
        work.parts[bound] = add_sketch(work.wholes, bound, item)
        return
    name = f"whole {len(work.wholes)}"
    work.wholes[name] = item | {"id": name}
    work.parts[bound] = name, [0, 1, 2] if bound.measure.kind in QUANTILES else [0, 1]


def _run(target: Target, work: _Work, deadline_s: float, place: Place) -> list[dict[str, Any]]:
    if place == "child" or (place == "auto" and _driver_is_executor(target.spark)):
        threads = min(target.spark.sparkContext.defaultParallelism, os.cpu_count() or 1)
        plan = _plan(target, work, [file.path for file in target.files or ()], list(work.wholes.values()), threads)
        try:
            return [shared_child().ask(plan, deadline_s)]
        except ChildError as error:
            _log.warning("measuring in Spark tasks instead: %s", error)
    return _run_tasks(target, work, deadline_s)


def _run_tasks(target: Target, work: _Work, deadline_s: float) -> list[dict[str, Any]]:
    from pyspark import cloudpickle

    for module in (task, *SHIPPED):
        cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]  # executors need not have hookline
    context = target.spark.sparkContext
    groups = _groups(target, context.defaultParallelism)
    items = [
        one
        for item in work.wholes.values()
        for one in ([{**item, "cells": [group]} for group in groups] if is_divided(item) else [item])
    ]
    plans = [_plan(target, work, [], [item], 1) for item in items]
    plans += [_plan(target, work, group, [], 1) for group in groups]
    measure_all = functools.partial(task.measure_all, sketch=sketch_task.sketch)
    description = f"{len(work.places)} of {len(work.queries) + len(work.letters)} columns, {len(work.parts)} keys"
    return run_job(
        target.spark,
        description,
        deadline_s,
        lambda: context.parallelize(plans, len(plans)).mapPartitions(measure_all).collect(),
    )


def _plan(target: Target, work: _Work, files: list[str], wholes: list[Item], threads: int) -> dict[str, Any]:
    queries = [
        {"id": name, "select": select.expressions, "from": rows, "params": select.params}
        for name, (select, rows) in work.queries.items()
    ]
    return {
        "files": files,
        "queries": queries if files else [],
        "letters": list(work.letters.values()) if files else [],
        "wholes": wholes,
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
    if bound in work.parts:
        return _whole_result(bound, *work.parts[bound], answers)
    name, place = work.places[bound]
    with_files = [answer for answer in answers if name in answer["values"]]
    failed = [answer["errors"].get(name, {}) for answer in with_files]
    errors = {one[str(at)] for one in failed for at in range(place.start, place.stop) if str(at) in one}
    if errors:
        _log.info("%s not measured by DuckDB: %s", bound.measure, ", ".join(sorted(errors)))
        return None
    try:
        return merge(bound, [answer["values"][name][place] for answer in with_files])
    except OverflowError:
        return None


def _whole_result(bound: Bound, name: str, places: list[int], answers: Iterable[dict[str, Any]]) -> Measured | None:
    if bound.measure.kind in SKETCHED:
        return read_sketch(bound, name, places[0], answers)
    for answer in answers:
        if name in answer["errors"]:
            _log.info("%s not measured by DuckDB: %s", bound.measure, answer["errors"][name])
        if name in answer["values"]:
            values = answer["values"][name]
            try:
                return read_whole(bound, [values[place] for place in places if place < len(values)])
            except OverflowError:
                return None
    return None
