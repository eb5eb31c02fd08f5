"""Datasets as Glue's tables: by where they lie, or by their name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hookline.core.events import Column
from hookline.core.store.classifying import StoredScan
from hookline.governance.access.known import held_in
from hookline.governance.access.lake_formation.actual import TableInfo
from hookline.governance.access.names import Names, folded
from hookline.governance.access.tagging import Held

Tables = Mapping[str, Mapping[str, TableInfo]]
# By database and table, of those that somebody looked into: what their columns hold.
HeldByTable = Mapping[tuple[str, str], Held]
OtherNames = Mapping[tuple[str, str], Iterable[tuple[str, str]]]


def held_by_table(scans: Iterable[StoredScan], tables: Tables, others: OtherNames | None = None) -> HeldByTable:
    """By database and table: which entities were found in which column.

    Args:
        others: what datasets are called besides, as the store knows it.
    """
    by_place = {
        place(info.location): (database, table)
        for database, held in tables.items()
        for table, info in held.items()
        if info.location
    }
    by_name = {
        (folded(database), folded(table)): (database, table) for database, held in tables.items() for table in held
    }
    found: dict[tuple[str, str], dict[Names, set[str]]] = {}
    for scan in scans:
        where = place(f"{scan.namespace}/{scan.name}")
        names = (scan.name, *(name for _, name in (others or {}).get((scan.namespace, scan.name), ())))
        named = next((by_name[key] for name in names if (key := last_two(name)) in by_name), None)
        own = by_place.get(where) or named
        if own is None or (own == named and _elsewhere(where, tables[own[0]][own[1]].location)):
            continue
        columns = found.setdefault(own, {})
        known = [Column(name, kind) for name, kind in tables[own[0]][own[1]].columns.items()]
        for column, entities in held_in(scan, known).items():
            columns.setdefault(column, set()).update(entities)
    return found


def _elsewhere(where: str, location: str | None) -> bool:
    """Whether something of a table's name is another table: it lies in S3 as well, and in another place."""
    return location is not None and where.startswith("s3://") and where != place(location)


def place(location: str) -> str:
    """A location in one form: S3 has several schemes, and a folder may end with a slash."""
    scheme, colon, rest = location.partition("://")
    if not colon:
        return location.rstrip("/")
    return f"{'s3' if scheme in ('s3a', 's3n') else scheme}://{'/'.join(filter(None, rest.split('/')))}"


def last_two(name: str) -> tuple[str, str]:
    """Database and table of a table's name, which may have a catalog before them, or be Glue's ``table/database/table``."""
    parts = [folded(part) for part in name.split("/" if name.startswith("table/") else ".")]
    return (parts[-2], parts[-1]) if len(parts) > 1 else ("", "")
