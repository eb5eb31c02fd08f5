"""A small table that fits a width: the first column shrinks, then the least important columns go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hookline.core.text import display_width, pad, shorten_path
from hookline.observability.style import Style, Tone

Cell = tuple[str, Tone]
_GAP = "  "


@dataclass(frozen=True)
class Column:
    """A column; of those with a ``rank``, the highest is left out first when the width does not suffice."""

    title: str
    right: bool = False
    rank: int = 0


def layout(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int, style: Style) -> list[str]:
    """Lines of a heading and the rows, none wider than ``width``. The first column is the flexible one."""
    widths = [
        max(display_width(column.title), *(display_width(row[at][0]) for row in rows)) if rows else len(column.title)
        for at, column in enumerate(columns)
    ]
    kept = _fitting(columns, widths, width)
    room = max(8, width - sum(widths[at] + len(_GAP) for at in kept[1:]))
    widths[0] = min(widths[0], room)
    lines = [_line([(column.title, "dim") for column in columns], kept, columns, widths, style)]
    return lines + [_line(row, kept, columns, widths, style) for row in rows]


def _fitting(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    kept = list(range(len(columns)))
    least = min(widths[0], 24)
    while len(kept) > 1 and least + sum(widths[at] + len(_GAP) for at in kept[1:]) > width:
        kept.remove(max(kept[1:], key=lambda at: columns[at].rank))
    return kept


def _line(
    cells: Sequence[Cell], kept: Sequence[int], columns: Sequence[Column], widths: Sequence[int], style: Style
) -> str:
    parts = []
    for at in kept:
        text, tone = cells[at]
        fitted = pad(shorten_path(text, widths[at]), widths[at], right=columns[at].right)
        parts.append(style.paint(fitted.rstrip() if at == kept[-1] and not columns[at].right else fitted, tone))
    return _GAP.join(parts)
