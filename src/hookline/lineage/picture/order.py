"""In which order tables stand in their column of the picture, so that few lines cross.

Each table moves to the mean place of what it is linked with, column by column, there and back; the best order that was seen
is kept. A link over several columns takes a lane in each column between, which is moved in the same way and keeps
the line from running behind a table.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

_SWEEPS = 12
_MOST_LANES = 1_500


@dataclass
class Arrangement:
    """Columns of items. An item below ``tables`` is a table, the others are lanes.

    Attributes:
        columns: the items of each column, from the top.
        lanes: for a pair of tables, the items between them from left to right.
    """

    tables: int
    columns: list[list[int]]
    lanes: dict[tuple[int, int], list[int]]


def arrange(ranks: Sequence[int], pairs: Sequence[tuple[int, int]]) -> Arrangement:
    """An order with few crossings."""
    columns: list[list[int]] = [[] for _ in range(max(ranks, default=-1) + 1)]
    for table, rank in enumerate(ranks):
        columns[rank].append(table)
    made = Arrangement(len(ranks), columns, {})
    links = _with_lanes(made, ranks, pairs)
    left: dict[int, list[int]] = {}
    right: dict[int, list[int]] = {}
    for source, target in links:
        right.setdefault(source, []).append(target)
        left.setdefault(target, []).append(source)
    best, fewest = [list(column) for column in columns], _crossings(columns, right)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        beside = left if forward else right
        for column in columns if forward else reversed(columns):
            _sort(column, beside, columns)
        crossings = _crossings(columns, right)
        if crossings < fewest:
            best, fewest = [list(column) for column in columns], crossings
        if not fewest:
            break
    made.columns = best
    return made


def _with_lanes(made: Arrangement, ranks: Sequence[int], pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The links between neighbouring columns that the pairs come to, with a lane in every column between."""
    forward = [pair for pair in pairs if ranks[pair[0]] < ranks[pair[1]]]
    needed = sum(ranks[target] - ranks[source] - 1 for source, target in forward)
    links: list[tuple[int, int]] = []
    item = made.tables
    for source, target in forward:
        between = range(ranks[source] + 1, ranks[target]) if needed <= _MOST_LANES else range(0)
        chain = [source]
        for rank in between:
            made.columns[rank].append(item)
            chain.append(item)
            item += 1
        if len(chain) > 1:
            made.lanes[(source, target)] = chain[1:]
        links += zip(chain, [*chain[1:], target], strict=True)
    return links


def _sort(column: list[int], beside: dict[int, list[int]], columns: list[list[int]]) -> None:
    """By the mean place of the neighbours, a place being the share of the way down; who has none stays."""
    where = {item: (place + 0.5) / len(one) for one in columns for place, item in enumerate(one)}
    means = {}
    for item in column:
        places = [where[one] for one in beside.get(item, ()) if one in where]
        means[item] = sum(places) / len(places) if places else where[item]
    column.sort(key=means.__getitem__)


def _crossings(columns: list[list[int]], right: dict[int, list[int]]) -> int:
    """Between neighbouring columns: pairs of links whose ends stand in opposite orders."""
    where = {item: place for column in columns for place, item in enumerate(column)}
    total = 0
    for column in columns:
        seen: list[int] = []
        for item in column:
            ends = sorted(where[one] for one in right.get(item, ()))
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total
