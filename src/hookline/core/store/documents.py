"""Column lineage as the store keeps it, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from hookline.core.events import ColumnInput, ColumnLineage, Dataset


def as_document(payload: Mapping[str, Any] | None) -> str | None:
    """A fact's column lineage as text. Each dataset is told once; an edge is a list that begins with its number."""
    if payload is None:
        return None
    names: dict[tuple[str, str], int] = {}

    def edge(one: Mapping[str, Any]) -> list[Any]:
        dataset = one["dataset"]
        number = names.setdefault((dataset["namespace"], dataset["name"]), len(names))
        return [number, one["column"], one["kind"], one["transformation"], int(one["masking"]), one["note"]]

    document = {
        "columns": {column: [edge(one) for one in edges] for column, edges in payload["columns"].items()},
        "rows": [edge(one) for one in payload["dataset"]],
        "gaps": payload["gaps"],
        "degraded": payload["degraded"],
    }
    return json.dumps({"datasets": [*map(list, names)], **document}, separators=(",", ":"))


class KeptColumns(NamedTuple):
    """A document as it is kept: for a graph of a million edges, objects for each would take longer than reading them.

    Attributes:
        datasets: (namespace, name), by number.
        columns: of each written column its edges, of each the dataset's number, the column, its kind, its
            transformation, 1 for masking, and a note.
        rows: the edges to all rows.
    """

    datasets: list[tuple[str, str]]
    columns: Mapping[str, list[list[Any]]]
    rows: list[list[Any]]
    gaps: list[str]
    degraded: str | None


def kept_columns(document: str) -> KeptColumns:
    """What was kept."""
    return KeptColumns(**json.loads(document))


def from_document(document: str) -> ColumnLineage:
    """The same as an event has it."""
    kept = kept_columns(document)
    datasets = [Dataset(*name) for name in kept.datasets]

    def edge(one: list[Any]) -> ColumnInput:
        number, column, kind, transformation, masking, note = one
        return ColumnInput(datasets[number], column, kind, transformation, bool(masking), note)

    return ColumnLineage(
        columns={column: tuple(edge(one) for one in edges) for column, edges in kept.columns.items()},
        dataset=tuple(edge(one) for one in kept.rows),
        gaps=tuple(kept.gaps),
        degraded=kept.degraded,
    )
