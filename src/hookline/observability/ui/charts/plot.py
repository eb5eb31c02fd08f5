"""Charts with axes: bars, stacked bars, a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from markupsafe import escape

from hookline.observability.ui.charts.model import HEIGHT, WIDTH, Chart, Words, ceiling, ends, number, svg


class Datum(NamedTuple):
    """A place on the horizontal axis.

    Attributes:
        label: on the axis and in the table.
        value: None where nothing is known.
        kind: a class for its colour.
        note: more words for the tip and the table.
    """

    label: str
    value: float | None
    kind: str = ""
    note: str = ""


def bars(title: str, data: Sequence[Datum], words: Words, *, unit: str) -> Chart:
    """A bar for each datum.

    Args:
        words: a number as a person reads it.
        unit: the heading of the numbers in the table.
    """
    top = ceiling(max((one.value for one in data if one.value is not None), default=0.0))
    step = WIDTH / max(1, len(data))
    shapes = []
    for place, one in enumerate(data):
        height = HEIGHT * (one.value or 0.0) / top
        height = max(height, 2.0) if one.value else height
        rect = _rect(place * step, step, HEIGHT - height, height, one.kind or "s-main")
        shapes.append(_datum(place, step, rect, one, words))
    return _chart(title, data, words, unit, top, "".join(_grid()) + "".join(shapes))


def line(title: str, data: Sequence[Datum], words: Words, *, unit: str, top: float | None = None) -> Chart:
    """A line through the known data, with a dot for each.

    Args:
        top: the end of the vertical axis; by default a round number above the data.
    """
    highest = top or ceiling(max((one.value for one in data if one.value is not None), default=0.0))
    step = WIDTH / max(1, len(data))
    shapes, path, pen = [], [], "M"
    for place, one in enumerate(data):
        if one.value is None:
            pen = "M"
            continue
        x, y = place * step + step / 2, HEIGHT - HEIGHT * min(one.value / highest, 1.0)
        path.append(f"{pen}{number(x)} {number(y)}")
        pen = "L"
        dot = f'<path class="dot {one.kind or "s-main"}" d="M{number(x)} {number(y)}h0"/>'
        shapes.append(_datum(place, step, dot, one, words))
    drawn = f'<path class="line" d="{"".join(path)}"/>' if path else ""
    return _chart(title, data, words, unit, highest, "".join(_grid()) + drawn + "".join(shapes))


def stacked(
    title: str, labels: Sequence[str], series: Mapping[str, Sequence[int]], kinds: Mapping[str, str], *, unit: str
) -> Chart:
    """A bar for each label, made of the series from below.

    Args:
        series: by name, a number for each label.
        kinds: by name, the class for the colour.
    """
    totals = [sum(values[place] for values in series.values()) for place in range(len(labels))]
    top = ceiling(max(totals, default=0))
    step = WIDTH / max(1, len(labels))
    shapes = []
    for place, label in enumerate(labels):
        y, parts = float(HEIGHT), []
        for name, values in series.items():
            height = HEIGHT * values[place] / top
            if values[place]:
                height = max(height, 2.0)
                y -= height
                parts.append(_rect(place * step, step, y, height, kinds[name]))
        told = ", ".join(f"{values[place]:,} {name}" for name, values in series.items() if values[place]) or "none"
        shapes.append(_tipped(place, step, "".join(parts), f"{label}: {told}"))
    used = [name for name, values in series.items() if any(values)]
    rows = tuple(
        (label, *(f"{series[name][place]:,}" for name in series)) for place, label in reversed([*enumerate(labels)])
    )
    summary = ", ".join(f"{sum(series[name]):,} {name}" for name in used) or "nothing"
    return Chart(
        title,
        f"{summary} from {labels[0]} to {labels[-1]}" if labels else summary,
        svg("".join(_grid()) + "".join(shapes), f"{title}: {summary}"),
        (f"{top:,.0f}", "0"),
        ends(labels),
        (unit, *series),
        rows,
        tuple((kinds[name], name) for name in used),
    )


def _chart(title: str, data: Sequence[Datum], words: Words, unit: str, top: float, shapes: str) -> Chart:
    known = [one.value for one in data if one.value is not None]
    summary = "no numbers"
    if known:
        summary = f"{len(known)} numbers from {words(min(known))} to {words(max(known))}, the last {words(known[-1])}"
    labels = [one.label for one in data]
    notes = any(one.note for one in data)
    rows = tuple(
        (one.label, "\u2013" if one.value is None else words(one.value), *([one.note] if notes else []))
        for one in reversed(data)
    )
    head = ("Time (UTC)", unit, *(["Note"] if notes else []))
    return Chart(title, summary, svg(shapes, f"{title}: {summary}"), (words(top), words(0)), ends(labels), head, rows)


def _datum(place: int, step: float, shape: str, one: Datum, words: Words) -> str:
    value = "not known" if one.value is None else words(one.value)
    return _tipped(place, step, shape, f"{one.label}: {value}" + (f", {one.note}" if one.note else ""))


def _tipped(place: int, step: float, shape: str, tip: str) -> str:
    area = f'<rect class="hit" x="{number(place * step)}" y="0" width="{number(step)}" height="{HEIGHT}"/>'
    return f'<g class="datum"><title>{escape(tip)}</title>{area}{shape}</g>'


def _rect(x: float, step: float, y: float, height: float, kind: str) -> str:
    gap = min(step * 0.18, 6.0)
    return (
        f'<rect class="bar {kind}" x="{number(x + gap / 2)}" y="{number(y)}" width="{number(step - gap)}" '
        f'height="{number(height)}"/>'
    )


def _grid() -> Iterator[str]:
    for y in (0.5, HEIGHT / 2, HEIGHT - 0.5):
        yield f'<path class="grid" d="M0 {number(y)}H{WIDTH}"/>'
