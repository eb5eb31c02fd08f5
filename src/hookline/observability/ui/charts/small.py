"""Charts without axes, for a cell of a table."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from hookline.observability.ui.charts.model import WIDTH, number, svg

_HEIGHT = 24
_SQUARE, _GAP = 10, 2


def spark(values: Sequence[float | None], label: str, *, top: float | None = None) -> Markup:
    """A small line; nothing for fewer than two known numbers.

    Args:
        label: what it says, for who does not see it.
        top: the number at the upper edge; by default the greatest.
    """
    known = [one for one in values if one is not None]
    if len(known) < 2:
        return Markup("")
    highest, lowest = (top, 0.0) if top is not None else (max(known), min(min(known), 0.5 * max(known)))
    reach = (highest - lowest) or 1.0
    step = (WIDTH - 30) / (len(values) - 1)
    path, pen, end = [], "M", ""
    for place, one in enumerate(values):
        if one is None:
            pen = "M"
            continue
        x, y = 15 + place * step, 3 + (_HEIGHT - 6) * (1 - (one - lowest) / reach)
        path.append(f"{pen}{number(x)} {number(y)}")
        pen, end = "L", f'<path class="dot s-main" d="M{number(x)} {number(y)}h0"/>'
    drawn = f'<title>{escape(label)}</title><path class="line" d="{"".join(path)}"/>{end}'
    return svg(drawn, label, kind="spark", height=_HEIGHT)


def squares(kinds: Sequence[tuple[str, str]], label: str) -> Markup:
    """A square for each, from the left; (class, words) of each."""
    width = max(1, len(kinds)) * (_SQUARE + _GAP) - _GAP
    shapes = "".join(
        f'<g class="datum"><title>{escape(words)}</title><rect class="{kind}" x="{place * (_SQUARE + _GAP)}" y="0" rx="2" '
        f'width="{_SQUARE}" height="{_SQUARE}"/></g>'
        for place, (kind, words) in enumerate(kinds)
    )
    return Markup(
        '<svg class="squares" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">{}</svg>'
    ).format(width, _SQUARE, width, _SQUARE, label, Markup(shapes))  # noqa: S704 - texts in it are escaped


def gantt(start: float, length: float, whole: float, kind: str, label: str) -> Markup:
    """A bar from ``start`` on in a row that stands for ``whole``."""
    scale = WIDTH / whole if whole > 0 else 0.0
    x = min(max(start * scale, 0.0), WIDTH - 4.0)
    width = min(max(length * scale, 4.0), WIDTH - x)
    shapes = (
        f'<path class="grid" d="M0 0V10M250 0V10M500 0V10M750 0V10M1000 0V10"/><g class="datum"><title>{escape(label)}</title>'
        f'<rect class="bar {kind}" x="{number(x)}" y="1" width="{number(width)}" height="8"/></g>'
    )
    return svg(shapes, label, kind="gantt", height=10)
