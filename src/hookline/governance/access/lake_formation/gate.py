"""May this be written? What policies say of the principal as which a job writes; no answer is no."""

from __future__ import annotations

from collections.abc import Iterator

from hookline.core.events import Dataset, utc_now
from hookline.governance.access.decide import KnownTable, decide, may_create
from hookline.governance.access.lake_formation.naming import place
from hookline.governance.access.lake_formation.options import LakeFormationOptions
from hookline.governance.access.lake_formation.planning import same_principal
from hookline.governance.access.loading import Access
from hookline.governance.access.model import Action
from hookline.governance.access.names import folded, same, written

# What an operation does to rows that are there.
_NEEDED: dict[str, tuple[Action, ...]] = {
    "append": ("insert",),
    "insert": ("insert",),
    "create": ("insert",),
    "ignore": ("insert",),
    "errorifexists": ("insert",),
    "delete": ("delete",),
}


def objection(access: Access, options: LakeFormationOptions, who: str, dataset: Dataset, operation: str) -> str | None:
    """Why it may not be written; None when it may.

    Args:
        who: a principal's short name, its id, or the ARN of a session of it.
    """
    principal = next(
        (name for name, one in access.principals.items() if who == name or same_principal(who, one.id)), None
    )
    if principal is None:
        return f"no access policy has the principal {who}"
    tables = [*_tables(access, dataset)]
    if not tables:
        return "it is no table that access policies could speak of: it has no name in a catalog, and none is declared there"
    for database, table in tables:
        declared = _place_of(access, database, table)
        if declared is not None and dataset.namespace.startswith("s3") and _where(dataset) != declared:
            return f"it lies elsewhere than {written((database, table))} is declared to"
    needed = _NEEDED.get(operation, ("insert", "delete"))
    # One dataset may have several names, and who may write one of them may not write the others by it.
    for database, table in tables:
        if not any(
            _may(access, principal, database, table, needed, operation, purpose)
            for purpose in (None, *options.purposes)
        ):
            return f"no access policy lets {principal} {' and '.join(needed)} in {written((database, table))}"
    return None


def _may(
    access: Access,
    principal: str,
    database: str,
    table: str,
    needed: tuple[Action, ...],
    operation: str,
    purpose: str | None,
) -> bool:
    now = utc_now()
    if decide(access, principal, KnownTable(database, table), now, purpose).actions.issuperset(needed):
        return True
    return operation == "create" and may_create(access, principal, database, now, purpose)


def _tables(access: Access, dataset: Dataset) -> Iterator[tuple[str, str]]:
    """As which tables a dataset is known: by its names in catalogs, and by where declared ones lie."""
    where = _where(dataset)
    seen: set[tuple[str, str]] = set()
    declared = (table.names for table in access.tables if table.location and place(table.location) == where)
    for names in (*declared, *_named(dataset)):
        key = (folded(names[0]), folded(names[1]))
        if key not in seen:
            seen.add(key)
            yield names


def _named(dataset: Dataset) -> Iterator[tuple[str, str]]:
    names = [name for _, name in dataset.symlinks]
    if "/" not in dataset.name:
        names.append(dataset.name)
    for name in names:
        parts = name.split(".")
        if len(parts) > 1:
            yield parts[-2], parts[-1]


def _where(dataset: Dataset) -> str:
    return place(f"{dataset.namespace}/{dataset.name}")


def _place_of(access: Access, database: str, table: str) -> str | None:
    """Where a table is declared to lie."""
    named = (one for one in access.tables if same(one.names, (database, table)) and one.location)
    return next((place(one.location) for one in named if one.location), None)
