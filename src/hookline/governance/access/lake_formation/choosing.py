"""What of one table a rule with columns, a filter or masks comes to in Lake Formation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from hookline.core.events import Column, content_id
from hookline.governance.access import filters
from hookline.governance.access.decide import KnownTable, Rectangle
from hookline.governance.access.fitting import fit
from hookline.governance.access.loading import Access, OwnedRule
from hookline.governance.access.names import Names, folded, path
from hookline.governance.access.where import place_of


@dataclass(frozen=True)
class Choice:
    """A choice.

    Attributes:
        columns: those that are seen; with ``excluded``, those that are not.
        rows: a condition, in Lake Formation's SQL; None for all rows.
        name: of the filter, if there has to be one: another content has another name.
        nothing: whether nothing is granted.
        told: what is enforced in another way.
    """

    columns: tuple[str, ...] = ()
    excluded: bool = True
    rows: str | None = None
    name: str = ""
    nothing: bool = False
    told: tuple[str, ...] = ()


def chosen(
    access: Access,
    owned: OwnedRule,
    database: str,
    table: str,
    types: Mapping[str, str],
    narrowed: frozenset[str] | None,
    now: dt.datetime,
) -> Choice:
    """What of a table.

    Args:
        types: the table's columns.
        narrowed: of a rule by tags the columns that carry them.
    """
    rule = owned.rule
    by_folded = {folded(name): name for name in types}
    told: list[str] = []
    masked = {*map(_top, rule.column_masks())}
    excluded = {*masked, *(_top(path(one)) for one in (rule.columns.exclude if rule.columns else ()))}
    missing = sorted(excluded - by_folded.keys())
    if missing and rule.missing == "deny":
        return Choice(nothing=True, told=(f"nothing is granted, since it has no column {', '.join(missing)}",))
    if masked & by_folded.keys():
        names = ", ".join(sorted(by_folded[name] for name in masked & by_folded.keys()))
        told.append(
            f"{names}: Lake Formation masks nothing, and hides it; masked by hookline.secure and protected copies"
        )
    out = {by_folded[name] for name in excluded if name in by_folded}
    names_in = _included(owned, by_folded, told)
    if narrowed is not None:
        names_in = narrowed if names_in is None else names_in & narrowed
    columns_of = tuple(Column(name, kind) for name, kind in types.items())
    rows, why = _rows(access, owned, KnownTable(database, table, columns_of), now)
    if why:
        return Choice(nothing=True, told=(*told, why))
    if names_in is not None:
        columns, left_out = tuple(sorted(names_in - out)), False
    else:
        columns, left_out = tuple(sorted(out)), True
    seen = columns if not left_out else tuple(name for name in types if name not in out)
    if not seen:
        return Choice(nothing=True, told=tuple(told))
    name = f"{owned.policy}_{owned.rule.name}_{content_id(database, table, rows, columns, left_out)[:8]}"
    return Choice(columns, left_out, rows, name, told=tuple(told))


def _top(names: Names) -> str:
    """The column that a path is in."""
    return folded(names[0])


def _included(owned: OwnedRule, by_folded: Mapping[str, str], told: list[str]) -> frozenset[str] | None:
    rule = owned.rule
    if rule.columns is None or not rule.columns.include:
        return None
    paths = [path(one) for one in rule.columns.include]
    whole = {folded(names[0]) for names in paths if len(names) == 1}
    for names in paths:
        if len(names) > 1 and folded(names[0]) not in whole:
            told.append(f"{'.'.join(names)}: Lake Formation grants whole columns; shown by hookline.secure")
    return frozenset(by_folded[name] for name in whole if name in by_folded)


def _rows(access: Access, owned: OwnedRule, known: KnownTable, now: dt.datetime) -> tuple[str | None, str]:
    condition = owned.rule.condition
    if condition is None:
        return None, ""
    try:
        names = fit(condition, {(column.name,): column for column in known.columns})
    except filters.FilterError as error:
        return None, f"nothing is granted: {error}; enforced by hookline.secure and protected copies, where it can be"
    place = place_of(access, owned, [(known, Rectangle(owned.id, condition, names, {}))], now)
    if place.where == "copy":
        return None, f"nothing is granted: {'; '.join(place.why)}; enforced by hookline.secure and protected copies"
    return filters.to_text(condition), ""
