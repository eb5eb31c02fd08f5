"""The other names that datasets have, such as a table's in a catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from hookline.core.store.schema import symlinks

if TYPE_CHECKING:
    from hookline.core.store.database import Store

Name = tuple[str, str]


def other_names(store: Store) -> dict[Name, tuple[Name, ...]]:
    """By namespace and name, those of every dataset that has some.

    Raises:
        StoreError: the database did not do it.
    """
    names = symlinks.c
    found: dict[Name, list[Name]] = {}
    with store.reading() as connection:
        query = select(names.namespace, names.name, names.other_namespace, names.other_name)
        for namespace, name, other_namespace, other_name in connection.execute(query.order_by(names.symlink_id)):
            found.setdefault((namespace, name), []).append((other_namespace, other_name))
    return {own: tuple(others) for own, others in found.items()}
