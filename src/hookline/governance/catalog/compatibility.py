"""Whether data under one schema can be read under another, and the rules that a new version of a schema has to keep.

Readers read by name, as Parquet, ORC, Delta, Iceberg, Avro and JSON are read: what is not there is null, what is not asked for is
passed over, names that differ only in case are the same, and a type may be wider than the one in the files where Spark widens it
while it reads. Delimited text is read by position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal, get_args

from hookline.core.events import Column
from hookline.core.spark_types import inside
from hookline.core.text import quoted

Mode = Literal["NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"]
MODES: tuple[Mode, ...] = get_args(Mode)
Reader = Literal["new", "old"]
Columns = Sequence[Column]
# What Spark reads a column of each type as, besides the type itself.
_WIDER = {
    "tinyint": ("smallint", "int", "bigint", "double"),
    "smallint": ("int", "bigint", "double"),
    "int": ("bigint", "double"),
    "float": ("double",),
    "date": ("timestamp_ntz",),
}
# Digits before the point that a decimal needs to take an integer from the files: those of the type that is stored.
_DIGITS = {"tinyint": 10, "smallint": 10, "int": 10, "bigint": 20}
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_TEXT = re.compile(r"(?:char|varchar)\((\d+)\)")
_BY_POSITION = frozenset({"csv", "text"})
Path = tuple[str, ...]


@dataclass(frozen=True)
class Obstacle:
    """Why data of one schema can't be read under another.

    Attributes:
        column: where, as a name that Spark's parser reads; inside of columns ``a.b``, ``a._element``, ``a.key``.
        reader: who can't: who reads older data under the new schema, or new data under an older one.
        reason: a sentence without an end.
        version: the version that it is about, where the versions of a schema are numbered.
    """

    column: str
    reader: Reader
    reason: str
    version: int | None = None

    def __str__(self) -> str:
        whose = "the schema before" if self.version is None else f"version {self.version} of the schema"
        who = f"data under {whose}" if self.reader == "new" else f"who reads by {whose}"
        return f"{self.column}: {self.reason} ({who})"


def by_position(format_name: str | None) -> bool:
    """Whether files of this format are read by the columns' places."""
    return (format_name or "").lower() in _BY_POSITION


def violations(
    mode: Mode, versions: Sequence[Columns], new: Columns, *, positional: bool = False
) -> tuple[Obstacle, ...]:
    """What stands between a new schema and the rule.

    Args:
        versions: those that there are, oldest first; what is not transitive looks at the last one alone.
    """
    direction, _, reach = mode.partition("_")
    numbered = list(enumerate(versions, 1))
    found: list[Obstacle] = []
    for number, old in numbered if reach else numbered[-1:]:
        between: list[Obstacle] = []
        if direction in ("BACKWARD", "FULL"):
            between += obstacles(new, old, "new", positional=positional)
        if direction in ("FORWARD", "FULL"):
            between += obstacles(old, new, "old", positional=positional)
        found += (replace(one, version=number) if reach else one for one in between)
    return tuple(found)


def obstacles(reader: Columns, written: Columns, who: Reader, *, positional: bool = False) -> tuple[Obstacle, ...]:
    """Why rows that were written under one schema can't be read under another; nothing when they can."""
    found = _by_place(reader, written) if positional else _between((), reader, written, known=True)
    return tuple(Obstacle(_shown(path), who, reason) for path, reason in found)


def all_nullable(columns: Columns) -> tuple[Column, ...]:
    """The same columns as Spark gives those of files back: every one may be null."""
    return tuple(replace(one, nullable=True, fields=all_nullable(_inside(one)[0])) for one in columns)


def _between(path: Path, reader: Columns, written: Columns, *, known: bool) -> Iterator[tuple[Path, str]]:
    for wanted in reader:
        place = (*path, wanted.name)
        same = _named(wanted.name, written)
        if len(same) > 1:
            yield place, f"it may be {' or '.join(repr(one.name) for one in same)}, which differ only in case"
        elif same:
            yield from _of_one(place, wanted, same[0], known=known)
        elif known and not wanted.nullable:
            yield place, "it is never null for who reads, and the rows have no such column"


def _by_place(reader: Columns, written: Columns) -> Iterator[tuple[Path, str]]:
    for number, (wanted, there) in enumerate(zip_longest(reader, written), 1):
        if wanted is None:
            return
        if there is None:
            if not wanted.nullable:
                yield (wanted.name,), "it is never null for who reads, and the rows end before it"
        elif wanted.name.lower() != there.name.lower():
            yield (wanted.name,), f"column {number} of the rows is {there.name!r}, and they are read by position"
        else:
            yield from _of_one((wanted.name,), wanted, there, known=True)


def _of_one(path: Path, reader: Column, written: Column, *, known: bool) -> Iterator[tuple[Path, str]]:
    if known and written.nullable and not reader.nullable:
        yield path, "it is never null for who reads, and may be null in the rows"
    (wanted, one_known), (there, other_known) = _inside(reader), _inside(written)
    if wanted and there and _outer(reader) == _outer(written):
        yield from _between(path, wanted, there, known=known and one_known and other_known)
    elif not _reads(reader.type, written.type):
        yield path, f"{written.type} in the rows can't be read as {reader.type}"


def _inside(column: Column) -> tuple[tuple[Column, ...], bool]:
    held, known = inside(column)
    return held, known or not held


def _reads(reader: str, written: str) -> bool:
    """Whether Spark reads a column of one type as another without losing anything of it."""
    if reader == written or reader in _WIDER.get(written, ()):
        return True
    if (wider := _digits(reader)) is not None:
        there = _digits(written)
        if there is not None:
            return wider[0] >= there[0] and wider[1] >= there[1]
        return wider[0] >= _DIGITS.get(written, 1_000)
    length = _length(written)
    return length is not None and (reader == "string" or (_length(reader) or 0) >= length)


def _digits(kind: str) -> tuple[int, int] | None:
    """A decimal's digits before and behind the point."""
    found = _DECIMAL.fullmatch(kind)
    return None if found is None else (int(found[1]) - int(found[2]), int(found[2]))


def _length(kind: str) -> int | None:
    found = _TEXT.fullmatch(kind)
    return None if found is None else int(found[1])


def _named(name: str, columns: Columns) -> list[Column]:
    exact = [one for one in columns if one.name == name]
    return exact or [one for one in columns if one.name.lower() == name.lower()]


def _outer(column: Column) -> str:
    return column.type.partition("<")[0]


def _shown(path: Path) -> str:
    return ".".join(part if part.isidentifier() else quoted(part) for part in path)
