"""The decision: what a principal gets of a table. Pure: from policies, the table's columns, the time and a purpose.

Every rule that holds gives a **rectangle**: the rows that its filter lets through, times the columns that it names, some of them
masked. The principal gets the union of the rectangles, cell by cell:

- a row is seen when it is in some rectangle;
- a cell of it is seen when it is in some rectangle, else it is null;
- it is seen as it is when some rectangle that it is in does not mask it, else under one of the masks of those rectangles.

So no cell is ever shown that not one rule alone shows just like that. A rule that can't be told what it means for this table
(a filter that does not fit, a column to mask that is not there, tags that nobody knows) is worth nothing, and says why.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hookline.core.events import Column
from hookline.governance.access import tagging
from hookline.governance.access.filters import Condition, FilterError, digest
from hookline.governance.access.fitting import fit, is_text
from hookline.governance.access.leaves import SchemaError, leaves, under
from hookline.governance.access.loading import Access, OwnedRule
from hookline.governance.access.model import Action, Mask, Rule
from hookline.governance.access.names import Names, path, written
from hookline.governance.access.tagging import Held

_NULLIFIED = Mask(mask="nullify")
# What shows more comes first: of several masks on one cell the first of these is shown.
_FREEST = ("partial", "hash", "redact", "nullify")


class WorthlessError(ValueError):
    """A rule is worth nothing for a table; the message says why, and quotes no constant."""


@dataclass(frozen=True)
class KnownTable:
    """A table as it is.

    Attributes:
        columns: all of them, in order.
        held: what they were found to hold, by path; None when nobody ever looked.
        catalog: the account of its Glue catalog; None for one's own.
    """

    database: str
    name: str
    columns: tuple[Column, ...] = ()
    held: Held | None = None
    catalog: str | None = None

    def __str__(self) -> str:
        return written((self.database, self.name))


@dataclass(frozen=True)
class Rectangle:
    """What one rule shows.

    Attributes:
        rule: its id.
        condition: which rows; None for all.
        names: what the filter calls columns, with the leaves that these are.
        shown: the leaves that are seen, with their masks.
    """

    rule: str
    condition: Condition | None
    names: Mapping[Names, Names]
    shown: Mapping[Names, Mask | None]


@dataclass(frozen=True)
class Reason:
    """Why a rule counts, or does not."""

    rule: str
    counts: bool
    text: str


@dataclass(frozen=True)
class Decision:
    """What a principal gets of a table.

    Attributes:
        actions: what else it may do with the table besides select.
        leaves: the table's leaves that some rectangle has, in the table's order, with their columns.
        reasons: one per rule that is about this principal and table.
    """

    principal: str
    table: str
    rectangles: tuple[Rectangle, ...] = ()
    actions: frozenset[Action] = frozenset()
    leaves: Mapping[Names, Column] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()

    @property
    def readable(self) -> bool:
        """Whether it sees any of it."""
        return bool(self.rectangles)

    @property
    def exists(self) -> bool:
        """Whether the table is there at all for this principal."""
        return self.readable or bool(self.actions)

    def document(self) -> dict[str, object]:
        """As JSON for logs: no filter is quoted, since its constants may be anybody's."""
        return {
            "principal": self.principal,
            "table": self.table,
            "actions": sorted(self.actions | ({"select"} if self.readable else set())),
            "rectangles": [
                {
                    "rule": one.rule,
                    "filter": digest(one.condition),
                    "columns": [written(names) for names in one.shown],
                    "masks": {written(names): mask.mask for names, mask in one.shown.items() if mask is not None},
                }
                for one in self.rectangles
            ],
        }


def decide(access: Access, principal: str, table: KnownTable, now: dt.datetime, purpose: str | None = None) -> Decision:
    """What a principal, by its short name, gets of a table.

    Args:
        now: the time, with its zone; rules that expired by then are worth nothing.
        purpose: what it says that it works for; without one, rules for a purpose are worth nothing.
    """
    rectangles: list[Rectangle] = []
    actions: set[Action] = set()
    reasons: list[Reason] = []
    try:
        known = list(leaves(table.columns))
    except SchemaError as error:
        return Decision(
            principal, str(table), reasons=(Reason("", False, f"no rule can be told what it means: {error}"),)
        )
    for owned in access.rules:
        rule = owned.rule
        if principal not in rule.principals or not concerns(access, rule, table):
            continue
        try:
            _in_force(rule, now, purpose)
            allowed = [action for action in rule.allow if action != "select"]
            if allowed and _for_table(access, rule, table):
                actions.update(allowed)
                reasons.append(Reason(owned.id, True, f"allows {', '.join(allowed)}"))
            if "select" in rule.allow:
                rectangles.append(rectangle(access, owned, table, known))
                reasons.append(Reason(owned.id, True, _told(rectangles[-1])))
        except WorthlessError as error:
            reasons.append(Reason(owned.id, False, str(error)))
    seen = {names: column for names, column in known if any(names in one.shown for one in rectangles)}
    return Decision(principal, str(table), tuple(rectangles), frozenset(actions), seen, tuple(reasons))


def concerns(access: Access, rule: Rule, table: KnownTable) -> bool:
    """Whether a rule names a table, or may reach it by its tags."""
    if rule.databases or rule.catalog != table.catalog:
        return False
    return bool(rule.tagged) or tagging.fits(rule.tables, table.database, table.name)


def may_create(access: Access, principal: str, database: str, now: dt.datetime, purpose: str | None = None) -> bool:
    """Whether a principal may make tables in a database."""
    return any(
        principal in rule.principals and "create_table" in rule.allow and rule.catalog is None
        and tagging.fits_database(rule.databases, database) and _says_so(rule, now, purpose)
        for rule in (owned.rule for owned in access.rules)
    )  # fmt: skip


def rectangle(access: Access, owned: OwnedRule, table: KnownTable, known: Sequence[tuple[Names, Column]]) -> Rectangle:
    """What a rule that concerns a table shows of it, whoever asks and whenever.

    Raises:
        WorthlessError: nothing, and why.
    """
    rule, seen = owned.rule, [names for names, _ in known]
    if not seen:
        raise WorthlessError("no column of the table is known")
    if rule.tagged:
        carriers = tagging.carriers(
            access, rule.tagged, table.database, table.name, [c.name for c in table.columns], table.held
        )
        seen = [names for names in seen if names[0] in carriers]
        if not seen:
            raise WorthlessError("no column carries the tags")
    if rule.columns is not None:
        chosen = {names for column in rule.columns.include for names in under(known, path(column))}
        hidden = {names for column in rule.columns.exclude for names in _there(rule, known, path(column))}
        seen = [names for names in seen if (names in chosen if rule.columns.include else names not in hidden)]
        if not seen:
            raise WorthlessError("of its columns none is in the table")
    masks = _masks(rule, known)
    names: Mapping[Names, Names] = {}
    if rule.condition is not None:
        try:
            names = fit(rule.condition, dict(known))
        except FilterError as error:
            raise WorthlessError(str(error)) from None
    return Rectangle(owned.id, rule.condition, names, {one: masks.get(one) for one in seen})


def freest(masks: Sequence[Mask]) -> Sequence[Mask]:
    """Several masks of one cell, the one that is shown first: the same whatever the order of the rules."""
    return sorted(
        set(masks), key=lambda one: (_FREEST.index(one.mask), -one.keep_first - one.keep_last, -one.keep_first)
    )


def _masks(rule: Rule, known: Sequence[tuple[Names, Column]]) -> dict[Names, Mask]:
    """By leaf; a longer path goes before a shorter one, and what is no text is null under every mask."""
    kinds = {names: column.type for names, column in known}
    found: dict[Names, Mask] = {}
    for names, mask in sorted(rule.column_masks().items(), key=lambda item: len(item[0])):
        for leaf in _there(rule, known, names):
            found[leaf] = mask if is_text(kinds[leaf]) else _NULLIFIED
    return found


def _there(rule: Rule, known: Sequence[tuple[Names, Column]], names: Names) -> list[Names]:
    found = under(known, names)
    if not found and rule.missing == "deny":
        raise WorthlessError(f"the table has no column {written(names)}, which it excludes or masks (missing: deny)")
    return found


def _for_table(access: Access, rule: Rule, table: KnownTable) -> bool:
    return not rule.tagged or tagging.satisfies(rule.tagged, tagging.table_tags(access, table.database, table.name))


def _in_force(rule: Rule, now: dt.datetime, purpose: str | None) -> None:
    if not rule.holds_at(now):
        raise WorthlessError(f"it expired at {rule.expires}")
    if rule.purpose is not None and rule.purpose != purpose:
        stated = "no purpose was stated" if purpose is None else f"the purpose stated is {purpose!r}"
        raise WorthlessError(f"it is for the purpose {rule.purpose!r}, and {stated}")


def _says_so(rule: Rule, now: dt.datetime, purpose: str | None) -> bool:
    return rule.holds_at(now) and rule.purpose in (None, purpose)


def _told(one: Rectangle) -> str:
    rows = "all rows" if one.condition is None else "the rows that its filter lets through"
    masked = sum(mask is not None for mask in one.shown.values())
    columns = "1 column" if len(one.shown) == 1 else f"{len(one.shown)} columns"
    return f"shows {rows} of {columns}" + (f", {masked} of them masked" if masked else "")
