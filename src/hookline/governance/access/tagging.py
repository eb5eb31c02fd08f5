"""Which tags a table and its columns carry: what is said of them, what was found in them, and what they have from above.

As with LF-tags, a table has its database's tags and a column its table's, except for keys that it carries itself. Of a column it
counts first what policies say of it, then what it was found to hold, then its table's. Tags are columns' alone: what is said of a
field of a struct, or was found in one, counts for the column that it is in, and of several values the strictest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from hookline.governance.access.loading import Access
from hookline.governance.access.model import Carried, Tag
from hookline.governance.access.names import Names, folded, parts, path

# What columns hold: the entities that a scan found, by path.
Held = Mapping[Names, Iterable[str]]


def database_tags(access: Access, database: str) -> dict[str, str]:
    """By key, what a database carries."""

    def said(tag: Tag) -> Iterator[str]:
        for carried in tag.carried:
            if fits_database(carried.databases, database):
                yield carried.value

    return _strictest(access, said)


def table_tags(access: Access, database: str, table: str) -> dict[str, str]:
    """By key, what a table carries, itself or from its database."""

    def said(tag: Tag) -> Iterator[str]:
        for carried in tag.carried:
            if not carried.columns and fits(carried.tables, database, table):
                yield carried.value

    return database_tags(access, database) | _strictest(access, said)


def carriers(
    access: Access,
    expression: Mapping[str, Iterable[str]],
    database: str,
    table: str,
    columns: Iterable[str],
    held: Held | None,
) -> set[str]:
    """Which columns a rule's ``tagged`` asks for.

    Args:
        held: what is known of the table's columns; None when nobody ever looked. Then a tag that goes by what columns hold is
            carried by those alone of which policies say it: what nobody knows is not shown.
    """
    above = table_tags(access, database, table)
    if held is None:
        above = {key: value for key, value in above.items() if not access.tags[key].classified}
    found: set[str] = set()
    for column in columns:
        tags = above | held_tags(access, column, held or {}) | own_column_tags(access, database, table, column)
        if satisfies(expression, tags):
            found.add(column)
    return found


def own_column_tags(access: Access, database: str, table: str, column: str) -> dict[str, str]:
    """By key, what policies say of the column itself."""

    def said(tag: Tag) -> Iterator[str]:
        for carried in tag.carried:
            if _names(carried, column) and fits(carried.tables, database, table):
                yield carried.value

    return _strictest(access, said)


def held_tags(access: Access, column: str, held: Held) -> dict[str, str]:
    """By key, what follows from what the column was found to hold."""
    entities = {one for names, found in held.items() if folded(names[0]) == folded(column) for one in found}
    return _strictest(access, lambda tag: (value for entity, value in tag.classified.items() if entity in entities))


def satisfies(expression: Mapping[str, Iterable[str]], tags: Mapping[str, str]) -> bool:
    """Whether something with these tags is what a rule's ``tagged`` asks for: for every key one of its values."""
    return all(tags.get(key) in tuple(values) for key, values in expression.items())


def fits(patterns: Iterable[str], database: str, table: str) -> bool:
    """Whether a table is one of those that patterns name."""
    return any(named[0].fits(database) and named[1].fits(table) for named in map(parts, patterns))


def fits_database(patterns: Iterable[str], database: str) -> bool:
    """Whether a database is one of those that patterns name."""
    return any(parts(pattern)[0].fits(database) for pattern in patterns)


def _names(carried: Carried, column: str) -> bool:
    return any(folded(path(name)[0]) == folded(column) for name in carried.columns)


def _strictest(access: Access, said: Callable[[Tag], Iterable[str]]) -> dict[str, str]:
    found = {key: tag.strictest(set(said(tag))) for key, tag in access.tags.items()}
    return {key: value for key, value in found.items() if value is not None}
