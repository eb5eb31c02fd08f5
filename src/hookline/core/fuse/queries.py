"""Measures by a query of the user's, run by Spark over views that exist while it runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hookline.core.errors import MeasureError
from hookline.core.events import Measure
from hookline.core.fuse.binding import Bound
from hookline.core.fuse.target import Target
from hookline.core.queries import MEASURED, read_query
from hookline.core.text import quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@contextmanager
def queryable(
    bound: Sequence[Bound], target: Target, read_back: Callable[[], DataFrame]
) -> Iterator[dict[Measure, DataFrame]]:
    """The rows that each measure's query returns. The views that it reads are gone afterwards."""
    views: list[str] = []
    try:
        yield {
            one.measure: _rows(one.measure, target, read_back, views) for one in bound if one.measure.kind == "returned"
        }
    finally:
        for view in views:
            target.spark.catalog.dropTempView(view)


def _rows(measure: Measure, target: Target, read_back: Callable[[], DataFrame], views: list[str]) -> DataFrame:
    query = measure.condition or ""
    read_query(query, (MEASURED, *(other.alias for other in measure.others)))
    named = {MEASURED: read_back()}
    for other in measure.others:
        found = target.find_other(other.dataset)
        if found.read_back is None:
            raise MeasureError(f"{other.dataset} can't be read")
        named[other.alias] = found.read_back()
    tables = []
    for name, frame in named.items():
        view = f"hookline_{uuid.uuid4().hex}"
        frame.createTempView(view)
        views.append(view)
        tables.append(f"{quoted(name)} AS (SELECT * FROM {quoted(view)})")
    # The line break ends a comment at the query's end.
    return target.spark.sql(f"WITH {', '.join(tables)} SELECT * FROM (\n{query}\n)")
