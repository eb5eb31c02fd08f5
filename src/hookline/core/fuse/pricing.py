"""What measuring will take: the way of each measure, and what it reads, before anything is read but footers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hookline.core.events import Column, Way
from hookline.core.fuse.binding import FRAMED, WHOLE, Bound
from hookline.core.fuse.footers import Footers
from hookline.core.fuse.paths import top_of
from hookline.core.fuse.target import Target
from hookline.core.fuse.vectorised import is_able, why_not_vectorised
from hookline.core.fuse.wholes import item_of


@dataclass(frozen=True)
class Price:
    """What a measure takes.

    Attributes:
        way: none when it has no value at all.
        columns: the columns that are read for it; none where footers or the writer's own records say it.
        size_bytes: how large these are, uncompressed where the footers tell, else at most the files; None when not known.
        why: why it takes no cheaper way, or has no value; empty for the cheapest.
    """

    way: Way
    columns: tuple[str, ...] = ()
    size_bytes: int | None = 0
    why: str = ""


def price_of(bound: Bound, target: Target, footers: Footers | None, ways: Iterable[Way], other: Any) -> Price:
    """What a measure takes that nothing proves.

    Args:
        other: the other dataset that it needs with its footers, when DuckDB can read it; else None.
    """
    columns = tuple(dict.fromkeys(top_of(column) for column in bound.all_columns))
    size = size_of(bound.all_columns, target, footers)
    if other is not None and size is not None:
        theirs = size_of(bound.partners, *other)
        size = None if theirs is None else size + theirs
    why = _why_not(bound, target, footers, other)
    if "vectorised" in ways and not why:
        return Price("vectorised", columns, size)
    if bound.measure in target.ridden and target.ridden[bound.measure].ok:
        return Price("observe", columns, 0, why)
    if "spark" in ways and target.read_back is not None:
        if bound.measure.kind in FRAMED:
            return Price("spark", ("*",), None, why)
        return Price("spark", columns, size, why)
    return Price("none", (), 0, why or "no allowed way can take it")


def size_of(columns: Iterable[Column], target: Target, footers: Footers | None) -> int | None:
    """How large columns are, each once."""
    if target.files is None:
        return None
    names = {
        target.physical_names.get(top_of(c), top_of(c)) for c in columns if top_of(c) not in target.partition_columns
    }
    known = {} if footers is None else footers.column_bytes
    if names <= set(known):
        return sum(known[name] for name in names)
    return sum(file.size_bytes for file in target.files)


def _why_not(bound: Bound, target: Target, footers: Footers | None, other: Any) -> str:
    """Why DuckDB does not take it."""
    reason = why_not_vectorised(target, footers)
    if reason is not None or footers is None:
        return reason or "no footer could be read"
    if not is_able(bound, target, footers):
        if bound.measure.kind == "examined":
            return str(getattr(bound.measure.function, "why", _REASONS["examined"]))
        return _REASONS.get(bound.measure.kind, "it may mean something else in DuckDB")
    if bound.measure.kind == "orphans" and bound.measure.others[0].dataset and other is None:
        return "the other dataset is not Parquet files"
    if bound.measure.kind in WHOLE and item_of(bound, target, footers, other) is None:
        return "its columns are too large to be brought together by one task, or partition the files"
    return ""


_REASONS = {
    "rejected": "it is a Python function",
    "returned": "it is a query",
    "examined": "a function looks at the rows as a frame",
    "unmatched": "its pattern may mean something else in RE2",
    "violations": "its condition may mean something else in DuckDB",
    "matching": "its condition may mean something else in DuckDB",
}
