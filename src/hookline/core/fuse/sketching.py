"""Sketches as work for DuckDB: one piece of work for all columns, and their states put together."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from hookline.core.events import Measured
from hookline.core.fuse import array_task, count_task, relation_task, shape_task, sketch_task, sketches
from hookline.core.fuse.binding import Bound
from hookline.core.fuse.wholes import Item

# What executors need not have is sent to them.
SHIPPED = (sketch_task, array_task, count_task, relation_task, shape_task)
_log = logging.getLogger(__name__)


def add_sketch(wholes: dict[str, Item], bound: Bound, item: Item) -> tuple[str, list[int]]:
    """All columns are looked at together, and relations are about those that are; the work's name, and the place of the state."""
    sketches_there = (one for one in wholes.values() if one["kind"] == "sketch" and not one["params"])
    same = (one for one in sketches_there if one["from"] == item["from"])
    known = None if item["params"] else next(same, None)
    if known is None:
        name = f"sketch {len(wholes)}"
        known = wholes[name] = {**item, "columns": [], "id": name}
    names = {column["name"]: place for place, column in enumerate(known["columns"])}
    for column in item["columns"]:
        if column["name"] not in names:
            names[column["name"]] = len(known["columns"])
            known["columns"].append(column)
    known["relations"] = known["relations"] or item["relations"]
    known["parts"] = known["parts"] or item["parts"]
    # Relations stand behind all columns, at a place that is not known before.
    return known["id"], [-1 if bound.measure.kind == "relations" else names[bound.column.name]]


def is_divided(item: Item) -> bool:
    """Whether it is taken of groups of files; what stands in paths is told of all files at once."""
    return bool(item["kind"] == "sketch" and not item["params"])


def read_sketch(bound: Bound, name: str, place: int, answers: Iterable[dict[str, Any]]) -> Measured | None:
    """The states of all groups of files together; None where one has none."""
    answers = list(answers)
    failed = {answer["errors"][name] for answer in answers if name in answer["errors"]}
    found = [answer["values"][name] for answer in answers if name in answer["values"]]
    states = [part["states"][place] for one in found for part in one]
    failed |= {state["error"] for state in states if "error" in state}
    if failed or not states:
        _log.info("%s not measured by DuckDB: %s", bound.measure, ", ".join(sorted(failed)))
        return None
    merge_states = sketches.merge_relations if bound.measure.kind == "relations" else sketches.merge
    state = merge_states(states)
    names = sorted({part["name"] for one in found for part in one if part["name"] is not None})
    if bound.measure.by_partition and names:
        of = {name: [part["states"][place] for one in found for part in one if part["name"] == name] for name in names}
        state = {**state, "parts": {name: sketches.merge(own) for name, own in of.items()}}
    return Measured(state, "vectorised")
