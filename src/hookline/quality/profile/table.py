"""A profile for people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from hookline.quality.profile.column import ColumnProfile
from hookline.quality.profile.model import Profile

HEAD = ("COLUMN", "TYPE", "NULLS", "DISTINCT", "MIN", "MEDIAN", "MAX", "MEAN", "MOST FREQUENT, OR SHAPES")
_LONGEST = 28
_STRONG = 0.7
_MOST = 12


def lines(profile: Profile) -> Iterator[tuple[str, ...]]:
    """A line under ``HEAD`` for each column. Of a text, numbers are those of its length."""
    for column in profile.columns:
        if column.error:
            yield column.name, column.type, "-", "-", "-", "-", "-", "-", column.error
            continue
        median = column.quantiles([0.5])
        text = column.kind == "string"
        least, greatest = (
            (column.state.get("shortest"), column.state.get("longest")) if text else (column.least, column.greatest)
        )
        yield (
            column.name,
            column.type,
            share(column.nulls, column.rows),
            _distinct(column),
            *(_cell(value, text) for value in (least, column.told(median[0]) if median else None, greatest)),
            _cell(column.mean, False),
            _frequent(column),
        )


def remarks(profile: Profile) -> Iterator[str]:
    """Sentences on what hangs together."""
    sampled = profile.relations["sampled"]
    if not sampled:
        return
    keys = [" + ".join(key) for key in profile.relations["keys"]]
    if keys:
        yield f"Keys in a sample of {sampled:,} rows: {_listed(keys)}"
    decided: dict[str, list[str]] = {}
    for one, other in profile.relations["decides"]:
        decided.setdefault(one, []).append(other)
    for one, others in list(decided.items())[:_MOST]:
        yield f"{one} decides {_listed(others)}"
    strong = [(names, value) for names, value in profile.correlations.items() if abs(value) >= _STRONG]
    for (one, other), value in sorted(strong, key=lambda pair: -abs(pair[1]))[:_MOST]:
        yield f"{one} and {other} correlate ({value:+.2f})"


def share(part: int, whole: int) -> str:
    """A share in per cent, in which what is there is never 0 and what is missing never 100."""
    if not part:
        return "0 %"
    percent = 100 * part / whole
    if percent < 0.01:
        return "< 0.01 %"
    return f"{percent:.3g} %" if percent < 99.99 or part == whole else "> 99.99 %"


def _distinct(column: ColumnProfile) -> str:
    if column.distinct is None:
        return "-"
    return f"{column.distinct:,}" if column.complete else f"~{column.distinct:,}"


def _cell(value: Any, text: bool) -> str:
    if value is None:
        return "-"
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "seconds")
    told = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"{told} chars" if text else told


def _frequent(column: ColumnProfile) -> str:
    hidden = column.kind == "string" and column.state.get("least") is None
    pairs, whole = (column.shapes, column.state.get("shaped", 0)) if hidden else (column.counts, column.values)
    if not hidden and pairs and pairs[0][0].startswith("#"):
        return "-"
    told = [f"{_cut(value)} {share(count, whole)}" for value, count in pairs[:3] if count > 1]
    return ", ".join(told) or "-"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")
