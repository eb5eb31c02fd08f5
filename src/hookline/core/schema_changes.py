"""What changed between two versions of a dataset's columns, and whether that breaks those who read it.

Readers read by name. What they counted on is gone when a column was dropped or has another name, and is not what it was
when it holds less, holds something else, or may be null now. More columns, wider types and values that are never null any
more break nobody who reads by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from hookline.core.events import Column, ColumnLineage, Dataset
from hookline.core.spark_types import holds, inside
from hookline.core.text import quoted

ChangeKind = Literal[
    "added", "dropped", "renamed", "widened", "narrowed", "retyped", "nullable", "required", "reordered"
]
_BREAKS: dict[ChangeKind, str] = {
    "dropped": "who reads it finds it no more",
    "renamed": "who reads it by its old name finds it no more",
    "narrowed": "values that were there may have been cut or refused",
    "retyped": "its values are of another kind",
    "nullable": "who counted on a value may find none",
}
_ALIKE = 0.6
Path = tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """One change.

    Attributes:
        column: where, as a name that Spark's parser reads; inside of columns ``a.b``, ``a._element``, ``a.key``. Empty for
            the order of all columns.
        before, after: type, or of a renamed one the name, or of nullability ``null`` and ``not null``; None where there is
            none.
        evidence: why a dropped and an added column are taken for one that was renamed.
    """

    kind: ChangeKind
    column: str
    before: str | None = None
    after: str | None = None
    evidence: str | None = None

    @property
    def breaking(self) -> bool:
        """Whether readers by name may be broken."""
        return self.kind in _BREAKS

    @property
    def why(self) -> str | None:
        """Of a breaking change, how it hurts."""
        return _BREAKS.get(self.kind)


def changes(
    before: Sequence[Column],
    after: Sequence[Column],
    *,
    dataset: Dataset | None = None,
    origins: ColumnLineage | None = None,
) -> tuple[Change, ...]:
    """All changes, in the order of the new columns, then what was dropped.

    Args:
        dataset: whose columns they are.
        origins: where the columns of the write came from that made the new version.
    """
    return tuple(_between((), before, after, _Own(dataset, origins), known=True))


@dataclass(frozen=True)
class _Own:
    """What is known of the write that made the new version."""

    dataset: Dataset | None
    origins: ColumnLineage | None

    def is_copy(self, path: Path, new: str, old: str) -> bool:
        """Whether the new column is the old one of the same dataset, unchanged."""
        if self.origins is None or self.dataset is None:
            return False
        found = [one for one in self.origins.columns.get(".".join((*path, new)), ()) if one.kind == "DIRECT"]
        return [(one.dataset, one.column, one.transformation) for one in found] == [
            (self.dataset, ".".join((*path, old)), "IDENTITY")
        ]


def _between(
    path: Path, before: Sequence[Column], after: Sequence[Column], own: _Own, *, known: bool
) -> Iterator[Change]:
    old, new = ({column.name: column for column in columns} for columns in (before, after))
    gone = [column for column in before if column.name not in new]
    come = [column for column in after if column.name not in old]
    renamed = dict(_renames(path, before, after, gone, come, own))
    for column in after:
        if column.name in old:
            yield from _of_one((*path, column.name), old[column.name], column, own, known=known)
        elif column.name in renamed:
            former, evidence = renamed[column.name]
            yield Change("renamed", _shown((*path, column.name)), former.name, column.name, evidence)
            yield from _of_one((*path, column.name), former, column, own, known=known)
        else:
            yield Change("added", _shown((*path, column.name)), None, column.type)
    kept = {former.name for former, _ in renamed.values()}
    for column in gone:
        if column.name not in kept:
            yield Change("dropped", _shown((*path, column.name)), column.type, None)
    common = [
        [column.name for column in columns if column.name in old and column.name in new] for columns in (before, after)
    ]
    if common[0] != common[1]:
        yield Change("reordered", _shown(path))


def _of_one(path: Path, before: Column, after: Column, own: _Own, *, known: bool) -> Iterator[Change]:
    """What changed of a column that is there in both."""
    if known and before.nullable != after.nullable:
        words = ("null" if before.nullable else "not null", "null" if after.nullable else "not null")
        yield Change("nullable" if after.nullable else "required", _shown(path), *words)
    (held, held_known), (holds_now, now_known) = inside(before), inside(after)
    if held and holds_now and _outer(before) == _outer(after):
        yield from _between(path, held, holds_now, own, known=known and held_known and now_known)
    elif before.type != after.type:
        kind: ChangeKind = "retyped"
        if holds(after.type, before.type):
            kind = "widened"
        elif holds(before.type, after.type) or _outer(before) == _outer(after) == "decimal":
            kind = "narrowed"
        yield Change(kind, _shown(path), before.type, after.type)


def _renames(
    path: Path,
    before: Sequence[Column],
    after: Sequence[Column],
    gone: Sequence[Column],
    come: Sequence[Column],
    own: _Own,
) -> Iterator[tuple[str, tuple[Column, str]]]:
    """New name to the old column, where there is evidence: each column once, the best evidence first."""
    places = {column.name: place for place, column in enumerate(before)}
    left = list(gone)
    waiting = []
    for column in come:
        former = next((one for one in left if own.is_copy(path, column.name, one.name)), None)
        if former is None:
            waiting.append(column)
            continue
        left.remove(former)
        yield column.name, (former, "the write took it from the old column unchanged")
    for column in waiting:
        same_name = [one for one in left if one.name.lower() == column.name.lower()]
        place = _place_before(before, after, column.name)
        former = next(iter(same_name), None) or next(
            (one for one in left if places[one.name] == place and _alike(one, column)), None
        )
        if former is not None:
            left.remove(former)
            evidence = "the same name but for case" if same_name else "the same place and type, and a name much like it"
            yield column.name, (former, evidence)


def _place_before(before: Sequence[Column], after: Sequence[Column], name: str) -> int:
    """The place among the old columns that a new one has, by its neighbour to the left."""
    names = [column.name for column in after]
    old = [column.name for column in before]
    position = names.index(name)
    if position == 0:
        return 0
    return old.index(names[position - 1]) + 1 if names[position - 1] in old else position


def _alike(one: Column, other: Column) -> bool:
    first, second = (name.lower().replace("_", "") for name in (one.name, other.name))
    return one.type == other.type and SequenceMatcher(None, first, second).ratio() >= _ALIKE


def _outer(column: Column) -> str:
    return column.type.partition("<")[0].partition("(")[0]


def _shown(path: Path) -> str:
    return ".".join(part if part.isidentifier() else quoted(part) for part in path)
