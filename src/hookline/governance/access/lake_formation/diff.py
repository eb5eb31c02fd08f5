"""What has to be done so that an account has what is wanted: a list of steps, in an order in which they are safe."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hookline.core.errors import ConfigError
from hookline.governance.access.lake_formation.actual import Actual
from hookline.governance.access.lake_formation.governing import carried_tags, concerns, place_of
from hookline.governance.access.lake_formation.items import (
    Filter,
    Grant,
    Item,
    Link,
    Registered,
    is_everybody,
)

Action = Literal["create", "change", "delete"]
EXPIRED = "its time is over"


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        item: what is there afterwards; for a deletion, what goes.
        before: what is there now, for a change.
        why: what a reader may want to know of it.
        passing: whether it is undone by a later step.
    """

    action: Action
    item: Item
    before: Item | None = None
    why: str = ""
    passing: bool = False


@dataclass(frozen=True)
class Wanted:
    """What policies ask of an account.

    Attributes:
        items: all that it is to have.
        governed: the databases that policies speak of, with the tables of each.
        expired: what only rules whose time is over ask for.
        elsewhere: what Lake Formation does not enforce, and what does: a sentence each.
        problems: why it may not be applied.
    """

    items: frozenset[Item]
    governed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    expired: frozenset[Item] = frozenset()
    elsewhere: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """Between what is wanted and what is there.

    Attributes:
        steps: what brings the one to the other, in no order yet.
        foreign: what others made where policies speak, and stays.
        gone: what is in the record of what policies made, and no longer true.
    """

    steps: tuple[Step, ...]
    foreign: frozenset[Item] = frozenset()
    gone: frozenset[Item] = frozenset()


def compare(
    wanted: Wanted,
    actual: Actual,
    managed: Collection[Item],
    exclusive: Literal["never", "everybody", "tables"] = "never",
    spared: Collection[str] = (),
) -> Difference:
    """Hold one against the other.

    Args:
        managed: what policies made. Nothing else is taken away, unless ``exclusive`` says so.
        spared: principals from whom nothing is taken that others gave them.
    """
    there = {item.key: item for item in actual.items}
    keys = {item.key for item in wanted.items}
    if len(keys) < len(wanted.items):
        raise ConfigError(_twice(wanted.items))
    steps: list[Step] = []
    for item in wanted.items:
        before = there.get(item.key)
        if before is None:
            steps.append(Step("create", item))
        elif before != item:
            steps.append(Step("change", item, before))
    own = frozenset(managed)
    carried = carried_tags(wanted, actual)
    extra = [item for item in actual.items if item.key not in keys]
    foreign: set[Item] = set()
    for item in extra:
        if item in own or _stale(item, own):
            why = EXPIRED if item in wanted.expired else "no policy asks for it any longer"
            steps.append(Step("delete", item, why=why))
        elif concerns(item, wanted, carried):
            if isinstance(item, Grant) and _excluded(item, wanted, exclusive, spared):
                steps.append(Step("delete", item, why="policies are exclusive, and others granted it"))
            else:
                foreign.add(item)
    return Difference(tuple(sorted(steps, key=_sorting)), frozenset(foreign), frozenset(_gone(own, wanted, there)))


def _gone(own: frozenset[Item], wanted: Wanted, there: Mapping[object, Item]) -> Iterator[Item]:
    """What is in the record and nowhere else; or was changed since, which is in the record as well."""
    asked = {item.key: item for item in wanted.items}
    for item in own - wanted.items:
        if (asked[item.key] in own) if item.key in asked else item.key not in there:
            yield item


def _excluded(
    grant: Grant, wanted: Wanted, exclusive: Literal["never", "everybody", "tables"], spared: Collection[str]
) -> bool:
    if exclusive == "never" or place_of(grant.resource)[0] is None:
        return False
    if is_everybody(grant.principal):
        return True
    return exclusive == "tables" and grant.principal not in spared


def _stale(item: Item, own: frozenset[Item]) -> bool:
    """Whether policies made it, and somebody changed it since: the filter, link or location is theirs all the same."""
    return isinstance(item, (Filter, Link, Registered)) and any(
        type(one) is type(item) and one.key == item.key for one in own
    )


def _sorting(step: Step) -> tuple[str, ...]:
    return type(step.item).__name__, str(step.item), step.action


def _twice(items: Iterable[Item]) -> str:
    seen: dict[object, Item] = {}
    told: list[str] = []
    for item in sorted(items, key=str):
        other = seen.setdefault(item.key, item)
        if other is not item:
            told.append(f"policies ask for two things at once: {other}; and {item}")
    return "\n".join(told)
