"""What a page needs of a chart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 1000, 200
Words = Callable[[float], str]


@dataclass(frozen=True)
class Chart:
    """A chart with its labels and its numbers.

    Attributes:
        title: what it shows, also for who does not see it.
        summary: what it says in a sentence.
        scale: labels of the vertical axis, from the top.
        axis: labels of the horizontal axis, from the left.
        legend: (class, name) of each series; () for one alone.
        head, rows: the table behind it; rows newest first.
    """

    title: str
    summary: str
    svg: Markup
    scale: tuple[str, ...]
    axis: tuple[str, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    legend: tuple[tuple[str, str], ...] = ()


def ceiling(value: float) -> float:
    """The next round number: 1, 2, 2.5 or 5 times a power of ten."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value * (1 - 1e-9))


def ends(labels: Sequence[str]) -> tuple[str, ...]:
    """The first, the middle and the last of the labels, as many of these as differ in place."""
    if len(labels) < 3:
        return tuple(labels)
    return (labels[0], labels[len(labels) // 2], labels[-1])


def svg(shapes: str, label: str, *, kind: str = "plot", height: int = HEIGHT) -> Markup:
    """A drawing that is as wide as its place."""
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}" focusable="false">{}</svg>'
    ).format(kind, WIDTH, height, label, Markup(shapes))  # noqa: S704 - shapes are numbers, and texts that are escaped


def number(value: float) -> str:
    """A coordinate."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
