"""Which datasets the catalog knows, and which one a person means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline.core.errors import CatalogError
from hookline.core.events import Dataset
from hookline.core.store import cataloguing
from hookline.core.store.browse import datasets as browse
from hookline.core.store.classifying import all_scans
from hookline.core.text import printable

if TYPE_CHECKING:
    from hookline.core.store import Store

Name = tuple[str, str]
_MOST_DATASETS = 100_000
_MOST_NAMED = 8


def names(store: Store) -> list[Name]:
    """Every dataset that the catalog knows: that was written, looked through, described, or found in Spark's catalog."""
    with store.reading() as connection:
        written = {(one.namespace, one.name) for one in browse.all_datasets(connection, _MOST_DATASETS)}
        told = (cataloguing.layouts(connection), cataloguing.declarations(connection))
    scanned = {(one.namespace, one.name) for one in all_scans(store)}
    return sorted(written.union(scanned, *told))


def find(store: Store, wanted: str) -> Name:
    """The dataset that a person means: its whole name, a table's name in a catalog, or the end of either.

    Raises:
        CatalogError: no dataset is meant, or several.
    """
    with store.reading() as connection:
        tables = {name: one.table_name for name, one in cataloguing.layouts(connection).items() if one.table_name}
    known = {name: (str(Dataset(*name)), name[1], tables.get(name, name[1])) for name in names(store)}
    ends = (f"/{wanted.strip('/')}", f".{wanted}")
    for fits in (
        [name for name, shown in known.items() if wanted in shown],
        [name for name, shown in known.items() if any(f"/{one}".endswith(ends) for one in shown)],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            told = ", ".join(printable(known[name][0], 200) for name in fits[:_MOST_NAMED])
            raise CatalogError(
                f"{wanted!r} may mean {told}{' and more' if len(fits) > _MOST_NAMED else ''}: give more of it"
            )
    cure = (
        "run a job with `hookline run`, or `hookline catalog sync`"
        if not known
        else "`hookline catalog search` lists them"
    )
    raise CatalogError(f"no dataset in the catalog is named {wanted!r}: {cure}")
