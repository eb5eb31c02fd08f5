"""A dataset's registration in Glue: its table, its partitions, its schema version, its statistics."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hookline.core.errors import SinkError
from hookline.core.events import Column, Dataset, Partition
from hookline.governance.catalog.compatibility import Mode
from hookline.governance.catalog.entry import CatalogEntry
from hookline.governance.catalog.glue.client import Glue, GlueError, pause
from hookline.governance.catalog.glue.options import GlueConfig, Place
from hookline.governance.catalog.glue.partitions import Partitions, values_of
from hookline.governance.catalog.glue.registry import Registry
from hookline.governance.catalog.glue.statistics import send_statistics
from hookline.governance.catalog.glue.tables import created, laid_over
from hookline.governance.catalog.glue.wanted import OURS, Wanted, wanted

logger = logging.getLogger(__name__)
_TRIES = 6
_CHANGED_MEANWHILE = frozenset(
    {"ConcurrentModificationException", "VersionMismatchException", "AlreadyExistsException"}
)


@dataclass(frozen=True)
class Registration:
    """What is to be in Glue.

    Attributes:
        columns: as they were written.
        written_at: when; None of what was not written but found.
        partitions: those that the write brought, or all that there are now.
        extent: which of both; None where partitions are not known.
        statistics: of columns, for ``UpdateColumnStatisticsForTable``.
    """

    entry: CatalogEntry
    columns: tuple[Column, ...]
    location: str
    written_at: str | None = None
    partitions: Sequence[Partition] = ()
    extent: Literal["added", "all"] | None = None
    metadata_location: str | None = None
    statistics: Sequence[Mapping[str, Any]] = ()


class Registrar:
    """Puts registrations into Glue, over what others put there."""

    def __init__(self, options: GlueConfig, glue: Glue | None = None) -> None:
        self._options = options
        self.glue = glue or Glue(options)
        self.registry = None if options.registry is None else Registry(self.glue, options.registry, options)

    def register(self, place: Place, told: Registration) -> None:
        """Have it there. Done twice it is the same; what is older than what is there changes no table.

        Raises:
            SinkError: not all of it is there.
        """
        table = wanted(place.table, told.entry, told.columns, told.location, metadata_location=told.metadata_location)
        there, late = self._put(place, table, told.written_at)
        if told.extent is not None and table.keys:
            self._put_partitions(place, told, there, late=late)
        if late:
            return
        if self.registry is not None:
            self.registry.register(place, told.columns, self._mode(told.entry.dataset))
        if told.statistics and self._options.column_statistics:
            send_statistics(self.glue, place, told.statistics)

    def _put(self, place: Place, table: Wanted, written_at: str | None) -> tuple[Mapping[str, Any], bool]:
        """The table as it is now, and whether a later write told of it already."""
        for number in range(_TRIES):
            try:
                there = self._there(place)
                if there is None:
                    made = created(table)
                    self._make(place, made)
                    return made, False
                before = str((there.get("Parameters") or {}).get(f"{OURS}written_at", ""))
                if written_at is not None and before > written_at:
                    return there, True
                made = laid_over(there, table)
                if any(made[key] != there.get(key) for key in made):
                    version = {"VersionId": there["VersionId"]} if there.get("VersionId") else {}
                    self.glue.call(
                        "update_table",
                        DatabaseName=place.database,
                        TableInput=made,
                        SkipArchive=self._options.skip_archive,
                        **version,
                    )
                return made, False
            except GlueError as error:
                if error.code not in _CHANGED_MEANWHILE or number == _TRIES - 1:
                    raise
                pause(number)
        raise SinkError("Glue's table was changed by others each time that it was to be changed here")

    def _put_partitions(self, place: Place, told: Registration, there: Mapping[str, Any], *, late: bool) -> None:
        keys = [key["Name"] for key in there["PartitionKeys"]]
        folders = [one for one in told.entry.partition_by if one.lower() in keys]
        partitions = Partitions(self.glue, place, there["StorageDescriptor"], folders)
        values = (values_of(one, keys) for one in told.partitions)
        if told.extent == "all" and not late:
            partitions.make_equal(values)
        elif told.extent == "added":
            partitions.add(values)

    def _there(self, place: Place) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self.glue.call("get_table", DatabaseName=place.database, Name=place.table)[
                "Table"
            ]
        except GlueError as error:
            if error.code != "EntityNotFoundException":
                raise
            return None
        return found

    def _make(self, place: Place, table: Mapping[str, Any]) -> None:
        try:
            self.glue.call("create_table", DatabaseName=place.database, TableInput=table)
        except GlueError as error:
            if error.code != "EntityNotFoundException":
                raise
            if not self._options.create_database:
                cure = "make it, or set `plugins.glue.create_database`"
                raise SinkError(f"Glue has no database {place.database!r}: {cure}") from None
            self._make_database(place.database)
            self.glue.call("create_table", DatabaseName=place.database, TableInput=table)

    def _make_database(self, name: str) -> None:
        try:
            self.glue.call("create_database", DatabaseInput={"Name": name})
        except GlueError as error:
            if error.code != "AlreadyExistsException":
                raise

    def _mode(self, dataset: Dataset) -> Mode:
        rule = next((one for one in self._options.schemas if dataset.matches(*one.datasets)), None)
        return "NONE" if rule is None else rule.compatibility
