"""Sketches of rows that are no files: every task of Spark's makes a file of its rows, and looks at that."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hookline.core.events import Measure, Measured
from hookline.core.fuse import sketch_task, task
from hookline.core.fuse.binding import Bound
from hookline.core.fuse.domain import domain_of
from hookline.core.fuse.expressions import reference
from hookline.core.fuse.jobs import DeadlineError, run_job
from hookline.core.fuse.relation_task import NOTHING_RELATED
from hookline.core.fuse.sketches import merge, merge_relations
from hookline.core.fuse.sketching import SHIPPED
from hookline.core.fuse.sparkwhole import flatten
from hookline.core.fuse.sql import column_of
from hookline.core.fuse.target import Target

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_MEMORY_BYTES = 512_000_000


def sketch_by_spark(
    bound: Sequence[Bound], target: Target, read_back: Callable[[], DataFrame], deadline_s: float
) -> dict[Measure, Measured]:
    """All sketches in one job; those of elements in one each."""
    together = [one for one in bound if not one.repeated]
    found: dict[Measure, Measured] = {}
    for group in [together, *([one] for one in bound if one.repeated)]:
        if not group:
            continue
        try:
            found |= _take(group, target, read_back, deadline_s)
        except DeadlineError as error:
            found |= {one.measure: Measured(error=f"{one.measure}: {error}") for one in group}
        except Exception as error:  # noqa: BLE001 - whatever Spark raises, a measure only loses its value
            found |= {one.measure: Measured(error=f"{one.measure}: {_describe(error)}") for one in group}
    return found


def _describe(error: Exception) -> str:
    return str(error) if isinstance(error, _FailedError) else f"Spark failed ({type(error).__name__})"


class _FailedError(Exception):
    """A task could not do it; the text says why, without a value."""


def _take(
    group: Sequence[Bound], target: Target, read_back: Callable[[], DataFrame], deadline_s: float
) -> dict[Measure, Measured]:
    from pyspark import cloudpickle

    for module in (task, *SHIPPED):
        cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]  # executors need not have hookline
    columns = {column.name: column for one in group for column in one.columns}
    frame = flatten(read_back(), group[0]) if group[0].repeated else read_back()
    told = list(group[0].flattened.columns) if group[0].repeated else list(columns.values())
    asked: list[dict[str, Any]] = [
        {**column_of(column, {column.name: f"c{at}"}), "name": name}
        for at, (name, column) in enumerate(zip(columns, map(_flat, told), strict=True))
    ]
    relating = any(one.measure.kind == "relations" for one in group)
    plan = {
        "files": [],
        "queries": [],
        "letters": [],
        "wholes": [
            {"id": "sketch", "kind": "sketch", "from": "hookline_rows", "params": {}, "columns": asked, "parts": {}}
        ],
        "threads": 1,
        "memory_bytes": _MEMORY_BYTES,
        "storage": {},
    }
    plan["wholes"][0]["relations"] = relating  # type: ignore[index]
    rows = frame.select(*(_selected(column).alias(f"c{at}") for at, column in enumerate(told)))
    work = functools.partial(task.measure_rows, plan=plan, sketch=sketch_task.sketch)
    answers = run_job(
        target.spark,
        f"sketches of {len(asked)} columns",
        deadline_s,
        lambda: [json.loads(row[0]) for row in rows.mapInArrow(work, "answer string").collect()],
    )
    return _read(group, list(columns), answers)


def _flat(column: Any) -> Any:
    from hookline.core.events import Column as DataColumn

    return DataColumn(column.name, column.type)


def _selected(column: Any) -> Column:
    """The column; of what has no order, only whether it is there."""
    from pyspark.sql import functions as F

    found = reference(column)
    return F.when(found.isNotNull(), True) if domain_of(column.type).kind == "other" else found


def _of_nothing(group: Sequence[Bound]) -> list[dict[str, Any]]:
    """What there is to say where no task had a row."""
    columns = {column.name: column for one in group for column in one.columns}
    states = [{"kind": domain_of(column.type).kind, "rows": 0, "nulls": 0} for column in columns.values()]
    return [*states, NOTHING_RELATED]


def _read(group: Sequence[Bound], names: Sequence[str], answers: Sequence[dict[str, Any]]) -> dict[Measure, Measured]:
    problems = {answer["failed"] for answer in answers if "failed" in answer}
    problems |= {problem for answer in answers for problem in answer.get("errors", {}).values()}
    if problems:
        raise _FailedError(f"no sketch: {'; '.join(sorted(problems))}")
    states = [answer["values"]["sketch"][0]["states"] for answer in answers] or [_of_nothing(group)]
    found: dict[Measure, Measured] = {}
    for one in group:
        if one.measure.kind == "relations":
            found[one.measure] = Measured(merge_relations([mine[-1] for mine in states]), "spark")
            continue
        state = merge([mine[names.index(one.column.name)] for mine in states])
        broken = f"{one.measure}: no sketch ({state['error']})" if "error" in state else None
        found[one.measure] = Measured(error=broken) if broken else Measured(state, "spark")
    return found
