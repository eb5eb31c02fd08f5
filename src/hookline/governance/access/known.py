"""The tables that are known without asking Spark or AWS: those that policies declare, and those of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hookline.core.column_types import parsed_column
from hookline.core.config_tree import plain
from hookline.core.config_yaml import parse
from hookline.core.declared import read_text
from hookline.core.errors import ConfigError
from hookline.core.events import Column
from hookline.core.store.classifying import StoredScan, all_scans
from hookline.core.store.naming import other_names
from hookline.governance.access.decide import KnownTable
from hookline.governance.access.loading import Access
from hookline.governance.access.names import Names, folded, parts, path
from hookline.governance.access.tagging import Held
from hookline.governance.kinds import MAX_BYTES

if TYPE_CHECKING:
    from hookline.core.store import Store

Columns = Mapping[str, str]


def known_tables(access: Access, schema: Mapping[Names, Columns], store: Store | None) -> list[KnownTable]:
    """All of them, each once: what is declared goes before what the store says.

    Args:
        schema: more declared ones, by database and table.

    Raises:
        StoreError: the store can't be read.
    """
    scans = {} if store is None else {(scan.namespace, scan.name): scan for scan in all_scans(store)}
    stored = {} if store is None else _stored(store)
    declared = {names: table for table in access.tables for names in (table.names,)}
    found: list[KnownTable] = []
    seen: set[Names] = set()
    for names in (*schema, *declared, *stored):
        key = tuple(map(folded, names))
        if key in seen:
            continue
        seen.add(key)
        dataset, own = stored.get(key, (None, ()))
        columns = (
            _columns(schema.get(names, {})) or _columns(declared[names].columns if names in declared else {}) or own
        )
        catalog = declared[names].catalog if names in declared else None
        held = None if dataset is None or dataset not in scans else held_in(scans[dataset], columns)
        if columns:
            found.append(KnownTable(names[0], names[1], columns, held, catalog))
    return found


def held_in(scan: StoredScan, columns: Sequence[Column]) -> Held:
    """What a scan found, by column. It writes paths with bare dots: every column that may be meant counts."""
    held: dict[Names, set[str]] = {}
    for found in scan.found:
        for column in columns:
            length = len(column.name)
            if folded(found.column[:length]) == folded(column.name) and found.column[length : length + 1] in ("", "."):
                held.setdefault((column.name,), set()).add(found.entity)
    return {names: tuple(sorted(entities)) for names, entities in held.items()}


def read_schema(file: Path) -> dict[Names, Columns]:
    """A file that declares tables: ``database.table: {column: type}``.

    Raises:
        ConfigError: it can't be read, or is no such thing.
    """
    root = parse(read_text(file, str(file), "schema", MAX_BYTES), str(file))
    if root is None or not isinstance(root.value, dict):
        raise ConfigError(
            f"{file}: it is no schema; a schema has tables with columns, such as crm.people: {{id: bigint}}"
        )
    found: dict[Names, Columns] = {}
    for name, node in root.value.items():
        columns = plain(node)
        try:
            good = (
                len(parts(name)) == 2
                and isinstance(columns, dict)
                and all(isinstance(kind, str) for kind in columns.values())
            )
        except ValueError:
            good = False
        if not good:
            raise ConfigError(f"{node.where}: {name}: it should be database.table with columns and their types")
        found[path(name)] = columns
    return found


def _columns(declared: Columns) -> tuple[Column, ...]:
    return tuple(parsed_column(name, kind) for name, kind in declared.items())


def _stored(store: Store) -> dict[Names, tuple[tuple[str, str], tuple[Column, ...]]]:
    """By their names in a catalog, in lower case: datasets and their latest columns."""
    others = other_names(store)
    found: dict[Names, tuple[tuple[str, str], tuple[Column, ...]]] = {}
    for own in store.schema_names():
        names = list(filter(None, (_table(name) for _, name in (own, *others.get(own, ())))))
        if names and (versions := store.schemas(*own)):
            found |= {table: (own, tuple(versions[-1].columns)) for table in names}
    return found


def _table(name: str) -> Names | None:
    """``database.table`` as catalogs have it, or Glue's ``table/database/table``; None of a path."""
    parted = name.split("/") if name.startswith("table/") else name.split(".")
    if "/" in name and len(parted) != 3:
        return None
    return (folded(parted[-2]), folded(parted[-1])) if len(parted) > 1 else None
