"""A table as a principal sees it: a frame with the rows, columns and masks of a decision, for a view or a copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING

from hookline.core.errors import AccessDeniedError
from hookline.core.events import Column as Described
from hookline.governance.access.decide import Decision, Rectangle, freest
from hookline.governance.access.expressions import at, lets_through, masked
from hookline.governance.access.model import Mask
from hookline.governance.access.names import Names

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def shown(frame: DataFrame, decision: Decision, leaves: Sequence[tuple[Names, Described]]) -> DataFrame:
    """What the decision leaves of a frame.

    Args:
        frame: the whole table, with the columns that were decided on.
        leaves: the frame's.

    Raises:
        AccessDeniedError: it leaves nothing.
    """
    if not decision.readable:
        raise AccessDeniedError(f"{decision.principal} may see nothing of {decision.table}")
    view = _View(decision, leaves)
    rows = view.inside(decision.rectangles)
    return (frame if rows is None else frame.filter(rows)).select(*view.columns())


class _View:
    def __init__(self, decision: Decision, leaves: Sequence[tuple[Names, Described]]) -> None:
        self._rectangles = decision.rectangles
        self._seen = decision.leaves
        known = dict(leaves)
        self._rows = {one.rule: _lets(one, known) for one in decision.rectangles}

    def inside(self, rectangles: Sequence[Rectangle]) -> Column | None:
        """Whether a row is in one of these rectangles; None when every row is."""
        from pyspark.sql import functions as F

        conditions: list[Column] = []
        for one in rectangles:
            condition = self._rows[one.rule]
            if condition is None:
                return None
            conditions.append(condition)
        return reduce(lambda a, b: a | b, conditions) if conditions else F.lit(False)

    def columns(self) -> list[Column]:
        """What is seen, as the table has it."""
        tops = dict.fromkeys(names[0] for names in self._seen)
        return [self._part((top,)).alias(top) for top in tops]

    def _part(self, names: Names) -> Column:
        from pyspark.sql import functions as F

        if names in self._seen:
            return self._leaf(names)
        below = [leaf for leaf in self._seen if leaf[: len(names)] == names]
        fields = dict.fromkeys(leaf[len(names)] for leaf in below)
        struct = F.struct(*(self._part((*names, field)).alias(field) for field in fields))
        # Whether a struct is there is told of those rows only in which something is shown that is in it.
        tell = self._when([one for one in self._rectangles if any(_tells(one, leaf) for leaf in below)])
        there = at(names).isNotNull()
        return F.when(there if tell is None else there & tell, struct)

    def _leaf(self, names: Names) -> Column:
        from pyspark.sql import functions as F

        column = at(names)
        clear = [one for one in self._rectangles if names in one.shown and one.shown[names] is None]
        condition = self._when(clear)
        if condition is None:
            return column
        cell = F.when(condition, column)
        masks: dict[Mask, list[Rectangle]] = {}
        for one in self._rectangles:
            if (mask := one.shown.get(names)) is not None:
                masks.setdefault(mask, []).append(one)
        for mask in freest(list(masks)):
            condition = self._when(masks[mask])
            value = masked(column, mask)
            if condition is None:
                return cell.otherwise(value)
            cell = cell.when(condition, value)
        return cell

    def _when(self, rectangles: Sequence[Rectangle]) -> Column | None:
        """``inside``, for a row that is seen: it is in one of them all, so of all of them there is nothing to ask."""
        return None if len(rectangles) == len(self._rectangles) else self.inside(rectangles)


def _lets(one: Rectangle, known: Mapping[Names, Described]) -> Column | None:
    """Whether a row is in it, true or false."""
    from pyspark.sql import functions as F

    if one.condition is None:
        return None
    return F.coalesce(lets_through(one.condition, one.names, known), F.lit(False))


def _tells(one: Rectangle, leaf: Names) -> bool:
    mask = one.shown.get(leaf)
    return leaf in one.shown and (mask is None or mask.mask != "nullify")
