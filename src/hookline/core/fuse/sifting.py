"""Which rows fail: the rows that measures count, told apart by the very expressions that count them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookline.core.errors import MeasureError
from hookline.core.events import ROW_KINDS, Column, SetAside
from hookline.core.fuse.binding import Bound, bind
from hookline.core.fuse.expressions import comparable_column, counted, named, row_filter

if TYPE_CHECKING:
    import pyspark.sql
    from pyspark.sql import DataFrame

# Names that no column of the data has, as Spark compares names without case.
REASONS = "hookline reasons"
POSITION = "hookline position"
_SHARED = "hookline shared"


class Sieve:
    """Tells the rows that have to be set aside from the others.

    Args:
        rules: names, each with the rows that it sets aside; a name may come several times.
        columns: of the data.

    Raises:
        MeasureError: a rule is not about rows, or does not fit the data.
    """

    def __init__(self, rules: Sequence[tuple[str, SetAside]], columns: Sequence[Column]) -> None:
        self._rules: list[tuple[str, Bound, bool]] = []
        for name, aside in rules:
            if aside.measure.kind not in ROW_KINDS:
                raise MeasureError(f"{aside.measure} counts no rows that could be set aside")
            bound, errors = bind([aside.measure], columns)
            if not bound:
                raise MeasureError(str(errors[aside.measure].error))
            self._rules.append((name, bound[0], aside.keep_first))

    @property
    def rules(self) -> tuple[tuple[str, Bound, bool], ...]:
        """Each rule: its name, its measure, and whether the first of several rows with a key stays."""
        return tuple(self._rules)

    @property
    def needs_positions(self) -> bool:
        """Whether rows have to be told apart by more than their values, in a column named ``POSITION``."""
        return any(first for _, bound, first in self._rules if bound.measure.kind == "duplicates")

    def mark(self, rows: DataFrame, among: DataFrame) -> DataFrame:
        """The rows with the names of the rules that they fail, in an array named ``REASONS``; empty for good ones.

        Args:
            rows: all of the write's rows, or some.
            among: all of them, to find keys that come again.
        """
        from pyspark.sql import functions as F

        names: list[pyspark.sql.Column] = []
        for number, (name, bound, first) in enumerate(self._rules):
            if bound.measure.kind == "duplicates":
                flag = f"{_SHARED} {number}"
                rows = _flag_later(rows, among, bound, flag) if first else _flag_shared(rows, among, bound, flag)
                test: pyspark.sql.Column = named(flag).isNotNull()
            else:
                test = counted(bound)
            names.append(F.when(test, F.lit(name)))
        marked = rows.withColumn(REASONS, F.array_distinct(F.array_compact(F.array(*names))))
        return marked.drop(*(column for column in marked.columns if column.startswith(f"{_SHARED} ")))


def _parts(bound: Bound) -> list[pyspark.sql.Column]:
    return [comparable_column(column) for column in bound.columns]


def _looked_at(bound: Bound) -> pyspark.sql.Column:
    """Whether a row has a key that the measure looks at; null is no."""
    present = functools.reduce(lambda left, right: left & right, [part.isNotNull() for part in _parts(bound)])
    chosen = row_filter(bound)
    return present if chosen is None else present & chosen


def _flag_shared(rows: DataFrame, among: DataFrame, bound: Bound, flag: str) -> DataFrame:
    """Not null where another row has the same key."""
    from pyspark.sql import functions as F

    names = [f"{flag} {number}" for number in range(len(bound.columns))]
    keys = (
        among.where(_looked_at(bound))
        .groupBy(*(part.alias(name) for part, name in zip(_parts(bound), names, strict=True)))
        .agg(F.count(F.lit(1)).alias(flag))
        .where(named(flag) > 1)
    )
    same = [part == named(name) for part, name in zip(_parts(bound), names, strict=True)]
    return rows.join(keys, functools.reduce(lambda left, right: left & right, [*same, _looked_at(bound)]), "left")


def _flag_later(rows: DataFrame, among: DataFrame, bound: Bound, flag: str) -> DataFrame:
    """Not null where an earlier row has the same key."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    order = Window.partitionBy(*_parts(bound)).orderBy(named(POSITION))
    place = f"{flag} at"
    later = (
        among.where(_looked_at(bound))
        .select(named(POSITION).alias(place), F.row_number().over(order).alias(flag))
        .where(named(flag) > 1)
    )
    return rows.join(later, named(POSITION) == named(place), "left")
