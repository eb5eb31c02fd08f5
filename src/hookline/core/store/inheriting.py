"""Personal data goes where its column goes: from where it was found down the column lineage, until a step makes it unrecognizable.

A column inherits what a column holds that it was made from directly, unless the step masks it (a hash, a token, a mask, a count).
What decided only on which rows there are (a filter, a join) hands nothing on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline.core.store.classifying import all_scans

if TYPE_CHECKING:
    from hookline.core.events import ColumnLineage
    from hookline.core.store.classifying import StoredScan
    from hookline.core.store.database import Store
    from hookline.core.store.records import StoredColumns

Place = tuple[str, str]
# A column that two jobs put into each other would have fields without end.
_DEEPEST = 32


@dataclass(frozen=True)
class Known:
    """What a column is known to hold.

    Attributes:
        column: its path.
        entity: as Presidio names it.
        confidence: that of the scan which found it.
        origin: the dataset and the column in which it was found.
    """

    column: str
    entity: str
    confidence: float
    origin: tuple[str, str, str]

    def inherited_by(self, place: Place) -> bool:
        """Whether it was found in another dataset than this."""
        return self.origin[:2] != place


def known_columns(scans: Iterable[StoredScan], lineages: Iterable[StoredColumns]) -> dict[Place, tuple[Known, ...]]:
    """What is known of the columns of every dataset, by its namespace and name: found there, or come from elsewhere.

    Args:
        lineages: in the order of their writes; of the writes of one job into one dataset the last says where columns come from.
    """
    held: dict[Place, dict[tuple[str, str], Known]] = {}
    for scan in scans:
        place = (scan.namespace, scan.name)
        for found in scan.found:
            known = Known(found.column, found.entity, found.confidence, (*place, found.column))
            held.setdefault(place, {})[found.column, found.entity] = known
    latest = {(one.target, one.job, one.operation): one for one in lineages}
    steps = [(one.target, one.lineage) for one in latest.values()]
    changed = True
    while changed:
        changed = False
        for place, lineage in steps:
            own = held.setdefault(place, {})
            # A job may write what it reads: all that comes down is taken before any of it is added.
            for one in tuple(inherit(lineage, {where: columns.values() for where, columns in held.items()})):
                if (one.column, one.entity) not in own:
                    own[one.column, one.entity] = one
                    changed = True
    return {place: tuple(own.values()) for place, own in held.items()}


def known_in(store: Store) -> dict[Place, tuple[Known, ...]]:
    """The same of all that a store knows; nothing is looked for where no scan found anything.

    Raises:
        StoreError: the database did not do it.
    """
    scans = all_scans(store)
    return known_columns(scans, store.column_lineages()) if any(scan.found for scan in scans) else {}


def inherit(lineage: ColumnLineage, known: Mapping[Place, Iterable[Known]]) -> Iterable[Known]:
    """What the columns of a write take over from those that it was made from."""
    for column, inputs in lineage.columns.items():
        for source in inputs:
            if source.kind != "DIRECT" or source.masking:
                continue
            for one in known.get((source.dataset.namespace, source.dataset.name), ()):
                rest = _below(source.column, one.column)
                if rest is not None and rest.count(".") <= _DEEPEST:
                    yield Known(column + rest, one.entity, one.confidence, one.origin)


def _below(read: str, held: str) -> str | None:
    """What of the path of a column that holds something goes on in one that was made from ``read``; None when it has no part in it.

    ``read`` may be the very field, a struct that has it inside, or a field within a text or array that holds it.
    """
    if held == read or read.startswith(f"{held}."):
        return ""
    return held[len(read) :] if held.startswith(f"{read}.") else None
