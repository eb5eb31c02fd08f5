"""Which LF-tags stand where, so that what inherits them carries what policies say, and no more.

A tag that goes by what columns hold is put on no database, and on a table only once somebody looked into it: a new table would
inherit it, with all that nobody knows of its columns. Until then those of its columns carry it of which policies say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hookline.governance.access import tagging
from hookline.governance.access.lake_formation.items import Assigned
from hookline.governance.access.lake_formation.naming import HeldByTable, Tables
from hookline.governance.access.loading import Access


def assigned(access: Access, tables: Tables, held: HeldByTable) -> Iterator[Assigned]:
    """Tags where they are not those of what is above."""
    by_content = {key for key, tag in access.tags.items() if tag.classified}
    for database, own in tables.items():
        above = _without(tagging.database_tags(access, database), by_content)
        yield from _differing(above, {}, database, None, None)
        for table, info in own.items():
            found = held.get((database, table))
            carried = tagging.table_tags(access, database, table)
            if found is None:
                carried = _without(carried, by_content)
            yield from _differing(carried, above, database, table, None)
            for column in info.columns:
                said = tagging.own_column_tags(access, database, table, column)
                tags = carried | tagging.held_tags(access, column, found or {}) | said
                yield from _differing(tags, carried, database, table, column)


def unknown(access: Access, tables: Tables, held: HeldByTable) -> Iterator[str]:
    """Tables that nobody looked into, where that leaves a tag out."""
    by_content = {key for key, tag in access.tags.items() if tag.classified}
    for database, own in tables.items():
        for table in own:
            left_out = sorted(by_content & tagging.table_tags(access, database, table).keys())
            if left_out and (database, table) not in held:
                yield (
                    f"{database}.{table}: nobody looked yet for what its columns hold, so that it does not carry "
                    f"{', '.join(left_out)}; `hookline scan`, or the plugin presidio, does that"
                )


def _without(tags: Mapping[str, str], keys: set[str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in keys}


def _differing(
    tags: Mapping[str, str], above: Mapping[str, str], database: str, table: str | None, column: str | None
) -> Iterator[Assigned]:
    for key, value in tags.items():
        if above.get(key) != value:
            yield Assigned(database, table, column, key, value)
