"""What a plan's leaves are, as somebody found out who could ask Spark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hookline.core.events import Dataset, Transformation
from hookline.lineage.columns.model import Relation

RawPlan = list[dict[str, Any]]


@dataclass(frozen=True)
class SourceColumn:
    """A column of a dataset, and what a query that stands in for a table does with it."""

    dataset: Dataset
    column: str
    transformation: Transformation = "IDENTITY"


@dataclass(frozen=True)
class Leaf:
    """A relation that a plan begins with.

    Attributes:
        datasets: what its rows are read from; several for a list of folders or topics. None for rows that are made here.
        columns: what each of its columns (in lower case) is made from, where it is a query and not a table; ``*`` for all
            columns that keep their names.
        rows: what decides on its rows, where it is a query.
        origin: the query whose rows it holds, column by column: a checkpoint, a batch of a stream.
        opaque: why it can't be told where its rows are from, else None.
    """

    datasets: tuple[Dataset, ...] = ()
    columns: Mapping[str, tuple[SourceColumn, ...]] | None = None
    rows: tuple[SourceColumn, ...] = ()
    origin: Relation | None = field(default=None, repr=False)
    opaque: str | None = None
