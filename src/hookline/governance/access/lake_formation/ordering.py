"""The order of steps: at no moment may anybody have more than before and after taken together.

Grants come before revocations, so that nobody who keeps an access loses it on the way. Where LF-tags move that alone would let
people see what they neither saw before nor are to see: a grant on tables tagged ``public`` that is given a moment before ``public``
is taken off a table opens that table. So the moves of tags are gone through one by one, with the grants that hold at that moment:

- a new grant that would open something on the way waits until the tags have moved;
- one that goes, and would, goes before they move;
- one that stays, and would, is taken back before and given again after. Who has it sees less for that time, never more.

The same goes for a filter whose content changes in its place. Where there is no room for old filters beside new ones, the old ones
go first, and so does what only rules ask for whose time is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from hookline.governance.access.lake_formation.actual import Actual
from hookline.governance.access.lake_formation.diff import EXPIRED, Step
from hookline.governance.access.lake_formation.items import Assigned, Filter, Grant, Item
from hookline.governance.access.lake_formation.moves import Timing, around_moves
from hookline.governance.access.lake_formation.resources import Cells
from hookline.governance.access.where import MOST_FILTERS


def ordered(
    steps: Sequence[Step], actual: Actual, wanted: frozenset[Item]
) -> tuple[tuple[tuple[Step, ...], ...], tuple[Grant, ...]]:
    """Steps in phases: those of one may be done in any order, and the next one begins when all of them are done.

    Returns:
        The phases; and grants that others made and that open something while LF-tags move, which nothing here prevents.
    """
    timing = _timing(steps, actual, wanted)
    phases: list[list[Step]] = [[] for _ in range(8)]
    for step in steps:
        phases[_phase(step, timing)].append(step)
    for grant in sorted(timing.suspended, key=str):
        phases[3].append(Step("delete", grant, why="while LF-tags move; it is given again", passing=True))
        phases[5].append(Step("create", grant, why="again, since LF-tags have moved"))
    # Tags move one after the other, in the order in which they were gone through; columns side by side.
    moves = [tuple(some) for _, some in groupby(sorted(phases[4], key=_move), key=lambda step: _move(step)[:-1])]
    whole = (*map(tuple, phases[:4]), *moves, *map(tuple, phases[5:]))
    return tuple(phase for phase in whole if phase), tuple(sorted(timing.exposed, key=str))


def _phase(step: Step, timing: Timing) -> int:
    item, goes = step.item, step.action == "delete"
    if isinstance(item, Grant):
        if goes:
            return 0 if step.why == EXPIRED or item in timing.first else 2 if item in timing.early else 6
        return 5 if item in timing.late else 1
    if isinstance(item, Assigned) or (isinstance(item, Filter) and step.action == "change"):
        return 4
    return 7 if goes else 0


def _timing(steps: Sequence[Step], actual: Actual, wanted: frozenset[Item]) -> Timing:
    timing = Timing()
    grants = {item for item in actual.items if isinstance(item, Grant)}
    created = {step.item for step in steps if step.action == "create" and isinstance(step.item, Grant)}
    dropped = {step.item for step in steps if step.action == "delete" and isinstance(step.item, Grant)}
    changed = {step.item.cells for step in steps if step.action == "change" and isinstance(step.item, Filter)}
    timing.late.update(one for one in created if isinstance(one.resource, Cells) and one.resource in changed)
    timing.early.update(one for one in dropped if isinstance(one.resource, Cells) and one.resource in changed)
    timing.first.update(_crowded(grants, created, dropped))
    moves = sorted((step for step in steps if isinstance(step.item, Assigned)), key=_move)
    around_moves(moves, actual, grants - dropped, created, dropped, wanted, timing)
    return timing


def _crowded(grants: Iterable[Grant], created: Iterable[Grant], dropped: Iterable[Grant]) -> Iterator[Grant]:
    """Grants on filters that have to go before others can come: there is room for so many for a principal on a table."""

    def by_place(some: Iterable[Grant]) -> dict[tuple[str, str, str], set[Cells]]:
        found: dict[tuple[str, str, str], set[Cells]] = {}
        for one in some:
            if isinstance(one.resource, Cells):
                key = (one.principal, one.resource.database, one.resource.table)
                found.setdefault(key, set()).add(one.resource)
        return found

    there, coming = by_place(grants), by_place(created)
    crowded = {key for key, own in coming.items() if len(own | there.get(key, set())) > MOST_FILTERS}
    for one in dropped:
        resource = one.resource
        if isinstance(resource, Cells) and (one.principal, resource.database, resource.table) in crowded:
            yield one


def _move(step: Step) -> tuple[str, ...]:
    """Where it is in the order of moves; what differs in the last part only is one call."""
    item = step.item
    if isinstance(item, Assigned):
        own = "columns" if item.column is not None else ""
        return item.database, item.table or "", own, item.tag, item.value, step.action, item.column or ""
    assert isinstance(item, Filter)  # noqa: S101 - for the type checker
    return item.database, item.table, "filter", item.name, "", step.action, ""
