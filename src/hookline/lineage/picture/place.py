"""Where everything stands. The script of a page moves tables by the same rules (``place`` in picture.js).

A column of the picture that would be too long is broken into several. Within each, items keep their order and their
distance and move towards the middle of what they are linked with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

WIDTH = 250
HEAD = 46
BADGES = 20
ROW = 20
FOOT = 6
GAP_X = 120
GAP_Y = 20
LANE = 10
MOST_IN_COLUMN = 30
PASSES = 8


@dataclass(frozen=True)
class Box:
    """A place with its size."""

    x: float
    y: float
    height: float

    @property
    def middle(self) -> float:
        """Half way down."""
        return self.y + self.height / 2


def height_of(rows: int, *, badges: bool, unfolded: bool) -> int:
    """How tall a table is."""
    head = HEAD + (BADGES if badges else 0)
    return head + (rows * ROW + FOOT if unfolded and rows else 0)


def place(
    columns: Sequence[Sequence[int]], heights: Mapping[int, float], links: Sequence[tuple[int, int]]
) -> dict[int, Box]:
    """A place for every item.

    Args:
        columns: the items of each column, from the top; columns without items take no room.
        heights: of each item.
        links: which items pull at each other.
    """
    broken = [piece for column in columns for piece in _broken(column)]
    beside: dict[int, list[int]] = {}
    for source, target in links:
        beside.setdefault(source, []).append(target)
        beside.setdefault(target, []).append(source)
    tops: dict[int, float] = {}
    for column in broken:
        y = 0.0
        for item in column:
            tops[item] = y
            y += heights[item] + GAP_Y
        for item in column:
            tops[item] -= (y - GAP_Y) / 2
    for passed in range(PASSES):
        for column in broken if passed % 2 == 0 else broken[::-1]:
            _pull(column, tops, heights, beside)
    least = min(tops.values(), default=0.0)
    xs = {item: number * (WIDTH + GAP_X) for number, column in enumerate(broken) for item in column}
    return {item: Box(xs[item], round(tops[item] - least), heights[item]) for item in xs}


def _broken(column: Sequence[int]) -> list[Sequence[int]]:
    pieces = -(-len(column) // MOST_IN_COLUMN)
    size = -(-len(column) // pieces) if pieces else 0
    return [column[start : start + size] for start in range(0, len(column), size)] if pieces else []


def _pull(
    column: Sequence[int], tops: dict[int, float], heights: Mapping[int, float], beside: Mapping[int, list[int]]
) -> None:
    """Move a column's items towards the mean of their neighbours; those that would overlap move as one block."""
    middle: Callable[[int], float] = lambda item: tops[item] + heights[item] / 2  # noqa: E731
    blocks: list[tuple[float, int, float, list[int]]] = []  # wanted top, weight, height, items
    for item in column:
        near = [middle(one) for one in beside.get(item, ()) if one in tops]
        wanted = sum(near) / len(near) - heights[item] / 2 if near else tops[item]
        block = (wanted, max(len(near), 1), heights[item] + GAP_Y, [item])
        while blocks and blocks[-1][0] + blocks[-1][2] > block[0]:
            block = _joined(blocks.pop(), block)
        blocks.append(block)
    for top, _, _, items in blocks:
        y = top
        for item in items:
            tops[item] = y
            y += heights[item] + GAP_Y


def _joined(
    above: tuple[float, int, float, list[int]], below: tuple[float, int, float, list[int]]
) -> tuple[float, int, float, list[int]]:
    """Two blocks that overlap, at the mean of what both want."""
    weight = above[1] + below[1]
    top = (above[0] * above[1] + (below[0] - above[2]) * below[1]) / weight
    return top, weight, above[2] + below[2], above[3] + below[3]
