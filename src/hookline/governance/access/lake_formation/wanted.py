"""What access policies ask of an account: each rule as grants on tables, columns, tags or filters.

Lake Formation's permissions add up, as rules do. What it can't express is not granted at all rather than granted too widely, and
``Wanted.elsewhere`` says so: a masked column is hidden; a rule for a purpose that the account does not stand for is not granted,
and one with a filter on what Lake Formation can't compare is not either.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from hookline.core.store.classifying import StoredScan
from hookline.governance.access import tagging
from hookline.governance.access.lake_formation.assigning import assigned, unknown
from hookline.governance.access.lake_formation.choosing import Choice, chosen
from hookline.governance.access.lake_formation.diff import Wanted
from hookline.governance.access.lake_formation.items import (
    Admin,
    Filter,
    Grant,
    Item,
    Link,
    Registered,
    TagValue,
)
from hookline.governance.access.lake_formation.naming import HeldByTable, OtherNames, Tables, held_by_table
from hookline.governance.access.lake_formation.options import LakeFormationOptions
from hookline.governance.access.lake_formation.resources import Columns, Database, Resource, Table, Tagged
from hookline.governance.access.loading import Access, OwnedRule
from hookline.governance.access.model import Rule
from hookline.governance.access.names import Part, folded, parts
from hookline.governance.access.where import MOST_FILTERS


def wanted_of(
    access: Access,
    tables: Tables,
    scans: Iterable[StoredScan],
    options: LakeFormationOptions,
    catalog: str,
    now: dt.datetime,
    others: OtherNames | None = None,
) -> Wanted:
    """What policies ask for.

    Args:
        tables: the account's, by database.
        scans: what columns hold.
        catalog: the account.
        others: other names of datasets.
    """
    held = held_by_table(scans, tables, others)
    made = _Made(now)
    past = _Made(now)
    for owned in access.rules:
        rule = owned.rule
        if rule.catalog not in (None, catalog):
            made.tell(owned, f"it is about the catalog of account {rule.catalog}, and is granted there")
        elif rule.purpose is not None and rule.purpose not in options.purposes:
            made.tell(
                owned,
                f"it is for the purpose {rule.purpose!r}, which Lake Formation asks nobody for: it is granted once `purposes` "
                "names that, and enforced by hookline.secure until then",
            )
        else:
            _rule(owned, access, tables, held, made if rule.holds_at(now) else past)
    grants = {*_without_repetition(made.grants)}
    items: set[Item] = {*_tags(access), *assigned(access, tables, held), *_options(access, options, catalog)}
    items |= grants | {made.filters[one.resource] for one in grants if one.resource in made.filters}
    over: set[Item] = {*_without_repetition(made.grants | past.grants), *past.filters.values()}
    problems = tuple(_beyond_limits(grants))
    governed = {database: frozenset(own) for database, own in _governed(access, tables, held, catalog).items()}
    told = tuple(sorted((*made.told, *unknown(access, tables, held), *_absent(access, tables, catalog))))
    return Wanted(frozenset(items), governed, frozenset(over - items), told, problems)


def concerned(access: Access, options: LakeFormationOptions, database: str) -> bool:
    """Whether policies speak of a database."""
    patterns = [parts(text)[0] for owned in access.rules for text in (*owned.rule.databases, *owned.rule.tables)]
    carried = [one for tag in access.tags.values() for one in tag.carried]
    patterns += [parts(text)[0] for one in carried for text in (*one.databases, *one.tables)]
    patterns += [parts(table.name)[0] for table in access.tables]
    patterns += [Part(link.database, quoted=True) for link in options.links if link.table]
    return any(pattern.fits(database) for pattern in patterns)


@dataclass
class _Made:
    now: dt.datetime
    grants: set[Grant] = field(default_factory=set)
    filters: dict[Resource, Filter] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def tell(self, owned: OwnedRule, what: str) -> None:
        self.told.append(f"rule {owned.id}: {what}")


def _rule(owned: OwnedRule, access: Access, tables: Tables, held: HeldByTable, made: _Made) -> None:
    rule = owned.rule
    principals = [access.principals[name].id for name in rule.principals]
    for resource, action in _resources(owned, access, tables, held, made):
        for principal in principals:
            made.grants.add(Grant(principal, resource, action))
            if rule.grantable:
                made.grants.add(Grant(principal, resource, action, option=True))


def _resources(
    owned: OwnedRule, access: Access, tables: Tables, held: HeldByTable, made: _Made
) -> Iterator[tuple[Resource, str]]:
    rule = owned.rule
    actions = [action.upper() for action in rule.allow]
    partial = bool(rule.columns or rule.filter or rule.masks)
    if rule.databases:
        named = (Database(one) for one in tables if tagging.fits_database(rule.databases, one))
        yield from ((resource, action) for resource in named for action in actions)
    elif rule.tagged and not partial:
        expression = tuple(sorted((key, tuple(sorted({*values}))) for key, values in rule.tagged.items()))
        yield from ((Tagged("TABLE", expression), action) for action in actions)
    elif not partial:
        yield from ((resource, action) for resource in {*_whole(rule, tables)} for action in actions)
    else:
        for database, table, narrowed in _tables_of(rule, access, tables, held):
            choice = chosen(access, owned, database, table, tables[database][table].columns, narrowed, made.now)
            for sentence in choice.told:
                made.tell(owned, f"{database}.{table}: {sentence}")
            resource = _chosen(choice, database, table, made)
            if resource is not None:
                yield resource, "SELECT"


def _whole(rule: Rule, tables: Tables) -> Iterator[Table]:
    for database, held in tables.items():
        for own, table in rule.table_patterns():
            if not own.fits(database):
                continue
            if table == Part("*"):
                yield Table(database)
            else:
                yield from (Table(database, name) for name in held if table.fits(name))


def _tables_of(
    rule: Rule, access: Access, tables: Tables, held: HeldByTable
) -> Iterator[tuple[str, str, frozenset[str] | None]]:
    """Tables, and for a rule by tags the columns that carry them."""
    for database, own in tables.items():
        for table, info in own.items():
            if not rule.tagged:
                if tagging.fits(rule.tables, database, table):
                    yield database, table, None
                continue
            found = held.get((database, table))
            carry = tagging.carriers(access, rule.tagged, database, table, info.columns, found)
            if carry:
                yield database, table, frozenset(carry)


def _chosen(choice: Choice, database: str, table: str, made: _Made) -> Resource | None:
    if choice.nothing:
        return None
    if choice.rows is not None:
        own = Filter(database, table, choice.name, choice.rows, choice.columns, choice.excluded)
        made.filters[own.cells] = own
        return own.cells
    if choice.excluded and not choice.columns:
        return Table(database, table)
    return Columns(database, table, choice.columns, choice.excluded)


def _without_repetition(grants: Iterable[Grant]) -> Iterator[Grant]:
    """Without those of whom SELECT on the whole table says more; with columns of one table in one grant."""
    all_of = {*grants}
    whole = {(one.principal, one.resource, one.option) for one in all_of if one.permission == "SELECT"}
    some: dict[tuple[str, str, str, bool], list[Columns]] = {}
    for one in all_of:
        resource = one.resource
        place = getattr(resource, "database", None), getattr(resource, "table", None)
        if one.permission != "SELECT" or isinstance(resource, (Table, Tagged)) or None in place:
            yield one
            continue
        database, table = str(place[0]), str(place[1])
        covers = (Table(database, table), Table(database))
        if any((one.principal, cover, one.option) in whole for cover in covers):
            continue
        if isinstance(resource, Columns):
            some.setdefault((one.principal, database, table, one.option), []).append(resource)
        else:
            yield one
    for (principal, _, _, option), choices in some.items():
        both = _union(choices)
        yield Grant(principal, both, "SELECT", option)
        if option:
            yield Grant(principal, both, "SELECT")


def _union(choices: list[Columns]) -> Columns | Table:
    first = choices[0]
    included = {name for one in choices if not one.excluded for name in one.columns}
    without = [{*one.columns} for one in choices if one.excluded]
    if without:
        names = tuple(sorted(set.intersection(*without) - included))
        return (
            Columns(first.database, first.table, names, excluded=True) if names else Table(first.database, first.table)
        )
    return Columns(first.database, first.table, tuple(sorted(included)))


def _absent(access: Access, tables: Tables, catalog: str) -> Iterator[str]:
    there = {(folded(database), folded(table)) for database, held in tables.items() for table in held}
    for table in access.tables:
        if table.catalog in (None, catalog) and tuple(map(folded, table.names)) not in there:
            yield f"{table.name}: it is not in the catalog, and nothing can be granted on it before it is"


def _tags(access: Access) -> Iterator[TagValue]:
    for key, tag in access.tags.items():
        yield from (TagValue(key, value) for value in tag.values)


def _options(access: Access, options: LakeFormationOptions, catalog: str) -> Iterator[Item]:
    if options.register_locations:
        for table in access.tables:
            if table.location and table.catalog in (None, catalog):
                arn = f"arn:aws:s3:::{table.location.partition('://')[2].rstrip('/')}"
                yield Registered(arn, options.location_role)
    for link in options.links:
        yield Link(
            link.database,
            link.table,
            link.account,
            link.target_database,
            link.table and (link.target_table or link.table),
        )
    yield from map(Admin, options.admins)


def _beyond_limits(grants: Iterable[Grant]) -> Iterator[str]:
    counted: dict[tuple[str, str, str], int] = {}
    for one in grants:
        name = getattr(one.resource, "name", None)
        if name is not None and not one.option:
            key = (one.principal, getattr(one.resource, "database", ""), getattr(one.resource, "table", ""))
            counted[key] = counted.get(key, 0) + 1
    for (principal, database, table), count in sorted(counted.items()):
        if count > MOST_FILTERS:
            yield f"{principal} has {count} filters on {database}.{table}, and Lake Formation takes {MOST_FILTERS}"


def _governed(access: Access, tables: Tables, held: HeldByTable, catalog: str) -> dict[str, set[str]]:
    """What policies speak of."""
    governed: dict[str, set[str]] = {}
    declared = {table.names for table in access.tables if table.catalog in (None, catalog)}
    rules = [owned.rule for owned in access.rules if owned.rule.catalog in (None, catalog)]
    for database, own in tables.items():
        named = any(tagging.fits_database(rule.databases, database) for rule in rules)
        if named or any(name == database for name, _ in declared):
            governed.setdefault(database, set())
        for table in own:
            found = held.get((database, table))
            if (database, table) in declared or any(
                tagging.fits(rule.tables, database, table)
                or (rule.tagged and tagging.carriers(access, rule.tagged, database, table, own[table].columns, found))
                for rule in rules
            ):
                governed.setdefault(database, set()).add(table)
    return governed
