"""Former writes as small pictures."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import get_args

from hookline.core.events import VerdictStatus, Write
from hookline.core.store import JudgedWrite, PastVerdict
from hookline.core.text import printable

_HEIGHT = 48
_STEP = 14


def squares(former: Sequence[tuple[PastVerdict | None, str]]) -> str:
    """What a check said before, a square for each write, the latest on the right."""
    if not any(verdict for verdict, _ in former):
        return '<span class="quiet">first time</span>'
    marks = []
    for verdict, at in former:
        status = "none" if verdict is None else verdict.status
        found = "" if verdict is None or verdict.observed is None else f", found {verdict.observed}"
        said = html.escape(printable(f"{at[:19]}: {status}{found}", 200), quote=True)
        kind = status if status in get_args(VerdictStatus) else "none"
        marks.append(f'<i class="mark {kind}" title="{said}"></i>')
    return f'<span class="marks">{"".join(marks)}</span>'


def bars(former: Sequence[JudgedWrite], write: Write) -> str:
    """Rows of the dataset's writes: what reached it, and on top of that what was set aside."""
    points = [(one.started_at[:19], one.rows or 0, one.rows_quarantined or 0) for one in former]
    points.append((f"{write.started_at:%Y-%m-%dT%H:%M:%S}", write.rows or 0, write.rows_quarantined or 0))
    most = max(rows + aside for _, rows, aside in points)
    if len(points) < 2 or not most:
        return ""
    shapes = []
    for number, (at, rows, aside) in enumerate(points):
        good, bad = _HEIGHT * rows / most, _HEIGHT * aside / most
        bad = max(bad, 2.0) if aside else 0.0
        x = number * _STEP
        title = html.escape(printable(f"{at}: {rows:,} rows, {aside:,} set aside", 200))
        shapes.append(
            f'<g><title>{title}</title><rect class="rows" x="{x}" y="{_HEIGHT - good:.1f}" width="10" height="{good:.1f}"/>'
            f'<rect class="aside" x="{x}" y="{max(_HEIGHT - good - bad, 0):.1f}" width="10" height="{bad:.1f}"/></g>'
        )
    width = len(points) * _STEP
    return (
        f'<figure><svg viewBox="0 0 {width} {_HEIGHT}" width="{width}" height="{_HEIGHT}" role="img" '
        f'aria-label="Rows of the last {len(points)} writes">{"".join(shapes)}</svg>'
        f"<figcaption>Rows of the last {len(points)} writes; at most {most:,}</figcaption></figure>"
    )
