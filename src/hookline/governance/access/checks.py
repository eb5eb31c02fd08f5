"""What is wrong with access policies, or looks so: told before they are applied to anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hookline.governance.access import tagging
from hookline.governance.access.covering import covers, undone
from hookline.governance.access.decide import KnownTable, Rectangle, WorthlessError, concerns, rectangle
from hookline.governance.access.leaves import SchemaError, leaves, under
from hookline.governance.access.loading import Access, OwnedRule
from hookline.governance.access.model import Carried, Tag
from hookline.governance.access.names import folded, parts, path
from hookline.governance.access.where import MOST_FILTERS, Place, place_of

Found = Mapping[str, Sequence[tuple[KnownTable, Rectangle]]]


@dataclass(frozen=True)
class Finding:
    """Something to look at.

    Attributes:
        severity: ``error``: it does not do what it says; ``warning``: it may not be meant.
        about: a rule's id, or ``tag KEY``.
    """

    severity: Literal["error", "warning"]
    about: str
    text: str


@dataclass(frozen=True)
class Report:
    """What was found, and where each rule is enforced."""

    findings: tuple[Finding, ...]
    places: tuple[Place, ...]


def check(access: Access, tables: Sequence[KnownTable], now: dt.datetime) -> Report:
    """Look policies through.

    Args:
        tables: what is known: the declared ones, and those of the store.
    """
    findings: list[Finding] = []
    shown: dict[str, list[tuple[KnownTable, Rectangle]]] = {}
    for owned in access.rules:
        shown[owned.id] = []
        findings += _of_rule(access, owned, tables, now, shown[owned.id])
    findings += _repeated(access, shown, tables, now)
    findings += _tags(access, tables)
    findings += _too_many(access, shown)
    places = tuple(place_of(access, owned, shown[owned.id], now) for owned in access.rules)
    return Report(tuple(dict.fromkeys(findings)), places)


def _of_rule(
    access: Access,
    owned: OwnedRule,
    tables: Sequence[KnownTable],
    now: dt.datetime,
    shown: list[tuple[KnownTable, Rectangle]],
) -> Iterator[Finding]:
    rule = owned.rule
    if not rule.holds_at(now):
        yield Finding("warning", owned.id, f"it expired at {rule.expires}, and is worth nothing; remove it")
    for key, values in rule.tagged.items():
        yield from _tag_of_rule(access, owned, key, values)
    concerned = [table for table in tables if concerns(access, rule, table)]
    yield from _unknown_tables(access, owned, tables)
    for table in concerned:
        try:
            known = list(leaves(table.columns))
            if rule.columns is not None and not rule.tagged:
                for name in rule.columns.include:
                    if not under(known, path(name)) and not _is_pattern(owned):
                        yield Finding("error", owned.id, f"{table} has no column {name}")
            if "select" in rule.allow:
                shown.append((table, rectangle(access, owned, table, known)))
        except (WorthlessError, SchemaError) as error:
            if not rule.tagged:
                yield Finding(
                    "warning" if _is_pattern(owned) else "error", owned.id, f"worth nothing on {table}: {error}"
                )
    if rule.tagged and tables and "select" in rule.allow and not shown:
        yield Finding("warning", owned.id, "no column of any known table carries its tags")


def _is_pattern(owned: OwnedRule) -> bool:
    return any(part.is_pattern for pattern in owned.rule.table_patterns() for part in pattern)


def _unknown_tables(access: Access, owned: OwnedRule, tables: Sequence[KnownTable]) -> Iterator[Finding]:
    """Names that lead nowhere; a table may be declared without its columns."""
    known = [(table.catalog, table.database, table.name) for table in tables]
    known += [(table.catalog, *table.names) for table in access.tables]
    if not known:
        return
    here = [(database, name) for catalog, database, name in known if catalog == owned.rule.catalog]
    for text in owned.rule.tables:
        if not any(tagging.fits((text,), *names) for names in here):
            yield Finding("error", owned.id, f"no known table is {text}: declare it under tables, or correct it")
    for text in owned.rule.databases:
        if not any(tagging.fits_database((text,), database) for database, _ in here):
            yield Finding("warning", owned.id, f"no known table is in the database {text}")


def _tag_of_rule(access: Access, owned: OwnedRule, key: str, values: Sequence[str]) -> Iterator[Finding]:
    tag = access.tags[key]
    given = {one.value for one in tag.carried} | set(tag.classified.values())
    if not given & set(values):
        yield Finding("warning", owned.id, f"nothing carries the tag {key} with {' or '.join(values)}")


def _repeated(access: Access, shown: Found, tables: Sequence[KnownTable], now: dt.datetime) -> Iterator[Finding]:
    valid = [owned for owned in access.rules if owned.rule.holds_at(now)]
    for owned in valid:
        for other in valid:
            if other is owned:
                continue
            if covers(other, owned, shown, tables) and not (
                covers(owned, other, shown, tables) and valid.index(owned) < valid.index(other)
            ):
                yield Finding("warning", owned.id, f"it adds nothing to {other.id}; remove one of the two")
                break
            for text in undone(owned, other, shown):
                yield Finding("warning", owned.id, text)


def _tags(access: Access, tables: Sequence[KnownTable]) -> Iterator[Finding]:
    for key, tag in access.tags.items():
        for table in tables:
            for what, carried in _said_of(tag, table):
                values = {one.value for one in carried}
                if len(values) > 1:
                    text = f"{what} of {table} is said to carry {' and '.join(sorted(values))}; {tag.strictest(values)} holds"
                    yield Finding("warning", f"tag {key}", text)
        yield from _carriers_unknown(key, tag, tables)


def _said_of(tag: Tag, table: KnownTable) -> Iterator[tuple[str, list[Carried]]]:
    by_table = [one for one in tag.carried if not one.columns and tagging.fits(one.tables, table.database, table.name)]
    yield "the table itself", by_table
    yield "the database", [one for one in tag.carried if tagging.fits_database(one.databases, table.database)]
    for column in table.columns:
        own = [
            one
            for one in tag.carried
            if tagging.fits(one.tables, table.database, table.name)
            and any(folded(path(name)[0]) == folded(column.name) for name in one.columns)
        ]
        yield f"the column {column.name}", own


def _carriers_unknown(key: str, tag: Tag, tables: Sequence[KnownTable]) -> Iterator[Finding]:
    for carried in tag.carried if tables else ():
        for text in carried.tables:
            found = [table for table in tables if tagging.fits((text,), table.database, table.name)]
            if not found:
                yield Finding(
                    "warning", f"tag {key}", f"no known table is {text}, which is said to carry {carried.value}"
                )
            for table in () if any(part.is_pattern for part in parts(text)) else found:
                for name in carried.columns:
                    if not _has(table, name):
                        yield Finding(
                            "error",
                            f"tag {key}",
                            f"{table} has no column {name}, which is said to carry {carried.value}",
                        )


def _has(table: KnownTable, name: str) -> bool:
    try:
        return bool(under(list(leaves(table.columns)), path(name)))
    except SchemaError:
        return False


def _too_many(access: Access, shown: Found) -> Iterator[Finding]:
    counts: dict[tuple[str, str], list[str]] = {}
    for owned in access.rules:
        for table, one in shown[owned.id]:
            if one.condition is not None:
                for principal in owned.rule.principals:
                    counts.setdefault((principal, str(table)), []).append(owned.id)
    for (principal, name), rules in counts.items():
        if len(rules) > MOST_FILTERS:
            text = f"{principal} has {len(rules)} row filters on {name}; Lake Formation takes {MOST_FILTERS}"
            yield Finding("error", rules[MOST_FILTERS], text)
