"""Datasets as Glue's tables: by where they lie, or by their name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hookline.core.store.classifying import StoredScan
from hookline.governance.access.lake_formation.actual import TableInfo
from hookline.governance.access.names import Names, folded

Tables = Mapping[str, Mapping[str, TableInfo]]
# By database and table, of those that somebody looked into: what their columns hold.
HeldByTable = Mapping[tuple[str, str], Mapping[Names, Iterable[str]]]


def held_by_table(scans: Iterable[StoredScan], tables: Tables) -> dict[tuple[str, str], dict[Names, set[str]]]:
    """By database and table: which entities were found in which column. A column is a path with dots."""
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
        own = by_place.get(place(f"{scan.namespace}/{scan.name}")) or by_name.get(last_two(scan.name))
        if own is None:
            continue
        columns = found.setdefault(own, {})
        for one in scan.found:
            columns.setdefault(tuple(one.column.split(".")), set()).add(one.entity)
    return found


def place(location: str) -> str:
    """A location in one form: S3 has several schemes, and a folder may end with a slash."""
    scheme, colon, rest = location.partition("://")
    if not colon:
        return location.rstrip("/")
    return f"{'s3' if scheme in ('s3a', 's3n') else scheme}://{'/'.join(filter(None, rest.split('/')))}"


def last_two(name: str) -> tuple[str, str]:
    """Database and table of a table's name, which may have a catalog before them."""
    parts = [folded(part) for part in name.split(".")]
    return (parts[-2], parts[-1]) if len(parts) > 1 else ("", "")
