"""Whether one rule says all that another one says, or undoes what another one withholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hookline.governance.access.decide import KnownTable, Rectangle
from hookline.governance.access.filters import digest
from hookline.governance.access.loading import OwnedRule
from hookline.governance.access.model import Rule
from hookline.governance.access.names import written

Found = Mapping[str, Sequence[tuple[KnownTable, Rectangle]]]


def covers(one: OwnedRule, other: OwnedRule, shown: Found, tables: Sequence[KnownTable]) -> bool:
    """Whether ``other`` adds nothing to ``one``, for as long as it holds and on every table that is known."""
    a, b = one.rule, other.rule
    if not (set(b.principals) <= set(a.principals) and set(b.allow) <= set(a.allow) and _as_long(a, b)):
        return False
    if a.catalog != b.catalog or (b.grantable and not a.grantable):
        return False
    if b.databases or a.databases:
        return set(b.databases) <= set(a.databases) and bool(b.databases)
    if set(b.allow) != {"select"} and not _same_reach(a, b):
        return False
    if "select" not in b.allow:
        return True
    return _shows_all(shown[one.id], shown[other.id]) if tables and shown[other.id] else written_alike(a, b)


def written_alike(a: Rule, b: Rule) -> bool:
    """Whether two rules are written the same, but for their names and whom they are for."""
    apart = {"name", "principals", "allow", "expires", "purpose", "grantable"}
    return a.model_dump(exclude=apart) == b.model_dump(exclude=apart)


def undone(one: OwnedRule, other: OwnedRule, shown: Found) -> Iterator[str]:
    """What ``one`` masks or leaves out and ``other`` shows plainly to the same principals, in all rows that ``one`` shows."""
    both = sorted(set(one.rule.principals) & set(other.rule.principals))
    if (
        not both
        or not (one.rule.masks or (one.rule.columns and one.rule.columns.exclude))
        or other.rule.purpose is not None
    ):
        return
    theirs = {str(table): rectangle for table, rectangle in shown[other.id]}
    for table, mine in shown[one.id]:
        other_one = theirs.get(str(table))
        if other_one is None or not _lets_more(other_one, mine):
            continue
        plain = [
            names for names, mask in other_one.shown.items() if mask is None and mine.shown.get(names, True) is not None
        ]
        if plain:
            names = ", ".join(map(written, plain))
            yield f"{other.id} shows {', '.join(both)} what this rule withholds of {table}: {names}"


def _as_long(a: Rule, b: Rule) -> bool:
    longer = a.expires is None or (b.expires is not None and b.expires <= a.expires)
    return longer and a.purpose in (None, b.purpose)


def _same_reach(a: Rule, b: Rule) -> bool:
    return set(b.tables) <= set(a.tables) and a.tagged == b.tagged


def _shows_all(more: Sequence[tuple[KnownTable, Rectangle]], less: Sequence[tuple[KnownTable, Rectangle]]) -> bool:
    by_table = {str(table): rectangle for table, rectangle in more}
    for table, wanted in less:
        found = by_table.get(str(table))
        if found is None or not _lets_more(found, wanted):
            return False
        for names, mask in wanted.shown.items():
            if names not in found.shown or found.shown[names] not in (None, mask):
                return False
    return True


def _lets_more(one: Rectangle, other: Rectangle) -> bool:
    """Whether every row of ``other`` is one of ``one``, as far as their filters say it the same way."""
    return one.condition is None or digest(one.condition) == digest(other.condition)
