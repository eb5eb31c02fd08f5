"""What in an account is where policies speak, and so their business."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from hookline.governance.access.lake_formation.actual import Actual
from hookline.governance.access.lake_formation.items import (
    Admin,
    Assigned,
    Filter,
    Grant,
    Item,
    Registered,
    TagValue,
)
from hookline.governance.access.lake_formation.resources import (
    Cells,
    Columns,
    Database,
    Place,
    Resource,
    Table,
    Tagged,
    TagKey,
)

if TYPE_CHECKING:
    from hookline.governance.access.lake_formation.diff import Wanted


def concerns(item: Item, wanted: Wanted, carried: Collection[Mapping[str, str]]) -> bool:
    """Whether something is where policies speak: on their tables and databases, or wide enough to reach these.

    Args:
        carried: the LF-tags of each of their tables and columns.
    """
    if isinstance(item, Grant):
        resource = item.resource
        if isinstance(resource, Tagged):
            return any(map(resource.matches, carried)) or bool({*dict(resource.expression)} & _tags(wanted))
        if isinstance(resource, TagKey):
            return resource.key in _tags(wanted)
        if isinstance(resource, Place):
            return any(isinstance(one, Registered) and _within(resource.arn, one.arn) for one in wanted.items)
        database, table = place_of(resource)
        return database is None or _governs(wanted, database, table)
    if isinstance(item, Assigned):
        return item.tag in _tags(wanted) and _governs(wanted, item.database, item.table)
    if isinstance(item, Filter):
        return _governs(wanted, item.database, item.table)
    return isinstance(item, Admin) and any(isinstance(one, Admin) for one in wanted.items)


def _governs(wanted: Wanted, database: str, table: str | None) -> bool:
    tables = wanted.governed.get(database)
    return tables is not None and (table is None or table in tables)


def _tags(wanted: Wanted) -> set[str]:
    return {item.tag for item in wanted.items if isinstance(item, TagValue)}


def _within(arn: str, other: str) -> bool:
    """Whether one of two places is in the other."""
    one, two = arn.rstrip("/") + "/", other.rstrip("/") + "/"
    return one.startswith(two) or two.startswith(one)


def carried_tags(wanted: Wanted, actual: Actual) -> list[dict[str, str]]:
    """The LF-tags of each table and column that policies speak of."""
    own: dict[tuple[str, str | None, str | None], dict[str, str]] = {}
    for item in actual.items:
        if isinstance(item, Assigned):
            own.setdefault((item.database, item.table, item.column), {})[item.tag] = item.value
    found: list[dict[str, str]] = []
    for database, tables in wanted.governed.items():
        above = own.get((database, None, None), {})
        for table in tables:
            carries = above | own.get((database, table, None), {})
            columns = [held for place, held in own.items() if place[:2] == (database, table) and place[2] is not None]
            found += [carries, *(carries | held for held in columns)]
    return found


def place_of(resource: Resource) -> tuple[str | None, str | None]:
    """The database and the table that something is, or is in."""
    if isinstance(resource, Database):
        return resource.database, None
    if isinstance(resource, (Table, Columns, Cells)):
        return resource.database, resource.table
    return None, None
