"""Where a rule is enforced: by Lake Formation as it is, by a view or a copy that Spark makes, or by both in parts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from hookline.governance.access.decide import KnownTable, Rectangle
from hookline.governance.access.filters import LONGEST as LONGEST_FILTER
from hookline.governance.access.filters import Condition, IsNull, simple, to_text
from hookline.governance.access.leaves import leaves
from hookline.governance.access.loading import Access, OwnedRule
from hookline.governance.access.names import folded, same, written

MOST_FILTERS = 100
_NO_FILTER = ("date", "timestamp", "binary")


@dataclass(frozen=True)
class Place:
    """Where a rule is enforced, besides by ``hookline.secure``, which enforces all of them.

    Attributes:
        where: ``lake_formation`` (by a grant or a data cells filter), ``partly`` (Lake Formation shows less than the rule
            allows), ``copy`` (only a protected copy shows it), or ``nowhere`` (it is worth nothing).
        why: what Lake Formation can't do.
    """

    rule: str
    where: Literal["lake_formation", "partly", "copy", "nowhere"]
    why: tuple[str, ...] = ()


def place_of(
    access: Access, owned: OwnedRule, found: Sequence[tuple[KnownTable, Rectangle]], now: dt.datetime
) -> Place:
    """Where a rule is enforced.

    Args:
        found: the known tables that it shows something of, and what.
    """
    if not owned.rule.holds_at(now):
        return Place(owned.id, "nowhere")
    beyond = sorted({text for table, one in found for text in _beyond_filter(access, table, one)})
    if beyond:
        return Place(owned.id, "copy", tuple(beyond))
    why: list[str] = []
    if owned.rule.masks:
        why.append("it hides masked columns, and shows no masked values")
    if owned.rule.purpose is not None:
        why.append("it asks nobody for a purpose")
    if any(_divides(table, one) for table, one in found):
        why.append("of a struct it shows all fields or none")
    if owned.rule.expires is not None:
        why.append("a grant ends with the first apply after it expired")
    return Place(owned.id, "partly" if why else "lake_formation", tuple(why))


def _beyond_filter(access: Access, table: KnownTable, one: Rectangle) -> Iterator[str]:
    if one.condition is None:
        return
    if len(to_text(one.condition)) >= LONGEST_FILTER:
        yield f"its filter, written out, has more than {LONGEST_FILTER - 1:,} characters"
    declared = next((known for known in access.tables if same(known.names, (table.database, table.name))), None)
    partitions = {folded(name) for name in declared.partitioned_by} if declared is not None else set()
    for names in dict.fromkeys(part.column for part in simple(one.condition)):
        if len(one.names[names]) > 1:
            yield f"a filter on a field of a struct, {written(one.names[names])}, is not known to work there"
    for names in _asked_for_null(one.condition):
        leaf = one.names[names]
        if folded(leaf[0]) in partitions:
            yield f"a filter can't ask whether the partition {written(leaf)} is null"
        kind = next((kind for known, kind in _types(table) if known == leaf), "")
        if kind.startswith(_NO_FILTER):
            yield f"a filter can't ask for {written(leaf)} of type {kind}"


def _asked_for_null(condition: Condition) -> Iterator[tuple[str, ...]]:
    return (one.column for one in simple(condition) if isinstance(one, IsNull))


def _types(table: KnownTable) -> Iterator[tuple[tuple[str, ...], str]]:
    return ((names, column.type) for names, column in leaves(table.columns))


def _divides(table: KnownTable, one: Rectangle) -> bool:
    """Whether some fields of a struct are shown, and others of it not."""
    tops = {names[0] for names in one.shown}
    return any(names[0] in tops and names not in one.shown for names, _ in leaves(table.columns))
