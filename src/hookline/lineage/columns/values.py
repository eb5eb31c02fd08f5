"""What a column is made from, so far, and how that changes on the way through expressions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from hookline.core.events import Transformation

# Steps of DIRECT edges: of two on one way, the greater is the way's.
IDENTITY, TRANSFORMATION, AGGREGATION = 0, 1, 2
# What decides on rows stays what it is, whatever its result is used for.
ON_ROWS = frozenset({"JOIN", "GROUP_BY", "FILTER", "SORT"})


class Origin(NamedTuple):
    """A column of a leaf, or a field in it."""

    leaf: int
    path: tuple[str, ...]


class Direct(NamedTuple):
    """A value was made from this one.

    Attributes:
        whole: it has the origin's shape, so that a field of it is that field of the origin.
    """

    origin: Origin
    step: int = IDENTITY
    masking: bool = False
    note: str = ""
    whole: bool = True


class Indirect(NamedTuple):
    """A value, or a row, depends on this one without being made from it."""

    origin: Origin
    kind: Transformation


_NOTHING: frozenset[Direct] = frozenset()


@dataclass(frozen=True)
class Value:
    """What a column's values are made from.

    Attributes:
        fields: of a struct or map that was put together here, what its parts are made from.
        relations: numbers of the relations whose columns are used; a comparison of two is a join.
    """

    direct: frozenset[Direct] = _NOTHING
    indirect: frozenset[Indirect] = frozenset()
    fields: Mapping[str, Value] | None = field(default=None, compare=False)
    relations: frozenset[int] = frozenset()


CONSTANT = Value()


def united(values: Iterable[Value]) -> Value:
    """One or the other of these. Their parts are kept apart where all that have any have the same ones."""
    several = [value for value in values if value is not CONSTANT]
    if len(several) < 2:
        return several[0] if several else CONSTANT
    return Value(
        frozenset().union(*(value.direct for value in several)),
        frozenset().union(*(value.indirect for value in several)),
        _common_fields(several),
        frozenset().union(*(value.relations for value in several)),
    )


def _common_fields(values: list[Value]) -> Mapping[str, Value] | None:
    made = [value for value in values if value.direct or value.fields]
    first = made[0].fields if made else None
    if first is None or any(value.fields is None or value.fields.keys() != first.keys() for value in made):
        return None
    return {name: united(value.fields[name] for value in made if value.fields) for name in first}


def stepped(value: Value, step: int, *, masking: bool = False, note: str = "", shaped: bool = False) -> Value:
    """The value after one more step.

    Args:
        shaped: the result has the shape of the value: an element of an array, the first of a group.
    """
    if not value.direct and value.fields is None:
        return value
    direct = frozenset(
        Direct(edge.origin, max(edge.step, step), edge.masking or masking, edge.note or note, edge.whole and shaped)
        for edge in value.direct
    )
    fields = None
    if shaped and value.fields is not None:
        fields = {
            name: stepped(part, step, masking=masking, note=note, shaped=True) for name, part in value.fields.items()
        }
    return Value(direct, value.indirect, fields, value.relations)


def decided_by(value: Value, conditions: Iterable[Value], kind: Transformation) -> Value:
    """The value, which also depends on these."""
    several = list(conditions)
    more = frozenset().union(*(used_for(condition, kind) for condition in several))
    # What a window is over is not compared with anything: `row_number() … = 1` is a filter, of a join as well.
    compared = () if kind == "WINDOW" else several
    relations = value.relations.union(*(condition.relations for condition in compared))
    if more <= value.indirect and relations == value.relations:
        return value
    return Value(value.direct, value.indirect | more, value.fields, relations)


def used_for(value: Value, kind: Transformation) -> frozenset[Indirect]:
    """What something depends on that uses this value to decide."""
    own = {Indirect(edge.origin, kind) for edge in value.direct}
    return frozenset(own | {edge if edge.kind in ON_ROWS else Indirect(edge.origin, kind) for edge in value.indirect})


def part_of(value: Value, name: str, *, step: int = IDENTITY) -> Value:
    """A field of a struct, or the keys or values of a map."""
    if value.fields is not None and name in value.fields:
        part = value.fields[name]
        found = replace(part, indirect=part.indirect | value.indirect, relations=part.relations | value.relations)
        return stepped(found, step, shaped=True) if step else found
    direct = frozenset(
        Direct(Origin(edge.origin.leaf, (*edge.origin.path, name)), max(edge.step, step), edge.masking, edge.note)
        if edge.whole
        else Direct(edge.origin, max(edge.step, TRANSFORMATION), edge.masking, edge.note, False)
        for edge in value.direct
    )
    return Value(direct, value.indirect, None, value.relations)


def put_together(fields: Mapping[str, Value]) -> Value:
    """A struct or map of these parts."""
    parts = united(stepped(part, TRANSFORMATION) for part in fields.values())
    return Value(parts.direct, parts.indirect, dict(fields), parts.relations)
