"""What LF-tags open on their way from one place to another, and which grants have to wait for that, or to step aside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from hookline.governance.access.lake_formation.actual import Actual
from hookline.governance.access.lake_formation.diff import Step
from hookline.governance.access.lake_formation.items import Assigned, Grant, Item
from hookline.governance.access.lake_formation.resources import Tagged

# (table, column); neither is the database itself.
_Place = tuple[str | None, str | None]
_Held = frozenset[tuple[str, str]]


@dataclass
class Timing:
    """Grants that can't come and go at the usual time.

    Attributes:
        first: revoked before anything is granted.
        early: revoked before tags move.
        late: given after they have.
        suspended: taken back before, given again after.
        exposed: others gave these, so that they stay, and open something for the time in which tags move.
    """

    first: set[Grant] = field(default_factory=set)
    early: set[Grant] = field(default_factory=set)
    late: set[Grant] = field(default_factory=set)
    suspended: set[Grant] = field(default_factory=set)
    exposed: set[Grant] = field(default_factory=set)


def around_moves(
    moves: Sequence[Step],
    actual: Actual,
    kept: Iterable[Grant],
    created: Iterable[Grant],
    dropped: Iterable[Grant],
    wanted: frozenset[Item],
    timing: Timing,
) -> None:
    """Go through the moves in their order, and find the grants that would open what neither was nor is to be open."""
    stay, come, go = (tuple(_by_tag(some)) for some in (kept, created, dropped))
    if not moves or not (stay or come or go):
        return
    every = (*stay, *come, *go)
    is_new, is_old = frozenset((*stay, *come)), frozenset((*stay, *go))

    @cache
    def matched(held: _Held, of_database: bool) -> tuple[Grant, ...]:
        tags = dict(held)
        return tuple(one for one in every if _kind(one, of_database) and _expression(one).matches(tags))

    @cache
    def opened(old: _Held, new: _Held, now: _Held, of_database: bool) -> tuple[Grant, ...]:
        allowed = {_what(one) for one in matched(old, of_database) if one in is_old}
        allowed |= {_what(one) for one in matched(new, of_database) if one in is_new}
        return tuple(one for one in matched(now, of_database) if _what(one) not in allowed)

    for database in sorted({_of(move).database for move in moves}):
        own = [move for move in moves if _of(move).database == database]
        for old, new, now, of_database in _moments(database, own, actual):
            for grant in opened(old, new, now, of_database):
                if grant in is_old and grant in is_new:
                    (timing.suspended if grant in wanted else timing.exposed).add(grant)
                else:
                    (timing.late if grant in is_new else timing.early).add(grant)


def _moments(database: str, moves: Sequence[Step], actual: Actual) -> Iterator[tuple[_Held, _Held, _Held, bool]]:
    """For each place that a move concerns: its tags before all moves, after all of them, and at that moment."""
    before = _tags(item for item in actual.items if isinstance(item, Assigned) and item.database == database)
    after, now = _copy(before), _copy(before)
    for move in moves:
        _apply(after, move)
    places = _places({*actual.tables.get(database, ())}, {*before, *after})
    for place in {one for move in moves for one in _concerned(_place(move), places)}:
        yield _held(before, place), _held(after, place), _held(before, place), place == (None, None)
    for move in moves:
        _apply(now, move)
        for place in _concerned(_place(move), places):
            yield _held(before, place), _held(after, place), _held(now, place), place == (None, None)


def _places(tables: set[str], carrying: set[_Place]) -> dict[str, set[_Place]]:
    """By table its own place and those of its columns with tags; other columns are as their table."""
    found: dict[str, set[_Place]] = {table: {(table, None)} for table in tables}
    for table, column in carrying:
        if table is not None:
            found.setdefault(table, {(table, None)}).add((table, column))
    return found


def _concerned(place: _Place, places: Mapping[str, set[_Place]]) -> Iterator[_Place]:
    """What carries a tag, and what inherits it."""
    table, column = place
    if column is not None:
        yield place
    elif table is not None:
        yield from places[table]
    else:
        yield place
        for own in places.values():
            yield from own


def _held(tags: Mapping[_Place, Mapping[str, str]], place: _Place) -> _Held:
    table, column = place
    held = {**tags.get((None, None), {})}
    if table is not None:
        held |= tags.get((table, None), {})
    if column is not None:
        held |= tags.get(place, {})
    return frozenset(held.items())


def _tags(items: Iterable[Assigned]) -> dict[_Place, dict[str, str]]:
    found: dict[_Place, dict[str, str]] = {}
    for item in items:
        found.setdefault((item.table, item.column), {})[item.tag] = item.value
    return found


def _copy(tags: Mapping[_Place, Mapping[str, str]]) -> dict[_Place, dict[str, str]]:
    return {place: {**held} for place, held in tags.items()}


def _apply(tags: dict[_Place, dict[str, str]], move: Step) -> None:
    item = _of(move)
    held = tags.setdefault((item.table, item.column), {})
    if move.action == "delete":
        held.pop(item.tag, None)
    else:
        held[item.tag] = item.value


def _of(move: Step) -> Assigned:
    assert isinstance(move.item, Assigned)  # noqa: S101 - for the type checker
    return move.item


def _place(move: Step) -> _Place:
    item = _of(move)
    return item.table, item.column


def _by_tag(grants: Iterable[Grant]) -> Iterator[Grant]:
    return (one for one in grants if isinstance(one.resource, Tagged))


def _expression(grant: Grant) -> Tagged:
    assert isinstance(grant.resource, Tagged)  # noqa: S101 - for the type checker
    return grant.resource


def _kind(grant: Grant, of_database: bool) -> bool:
    return (_expression(grant).kind == "DATABASE") == of_database


def _what(grant: Grant) -> tuple[str, str, bool]:
    return grant.principal, grant.permission, grant.option
