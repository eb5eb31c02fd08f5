"""The gate of schemas: what a write would make of its dataset's columns, held against the rule for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hookline.core.errors import HooklineError, SchemaError
from hookline.core.events import Column, Dataset, Write
from hookline.core.schema_changes import Change, changes
from hookline.governance.catalog.compatibility import Columns, all_nullable, by_position, obstacles, violations
from hookline.governance.catalog.options import SchemaRule

if TYPE_CHECKING:
    from hookline.core.store import Store
    from hookline.core.store.records import Layout

# Statements that bring no columns.
HARMLESS = frozenset({"delete", "update"})
# Formats that have no log of their own: how such files are partitioned is what their folders are called.
FOLDERS = frozenset({"parquet", "orc", "csv", "json", "avro", "text"})
_MOST_TOLD = 12
Name = tuple[str, str]


def hold(rule: SchemaRule, event: Write, columns: Columns, versions: Sequence[Columns]) -> None:
    """Let a write pass that keeps its dataset's rule.

    Args:
        columns: the rows', or, where these go into the target's own whatever theirs are called, the target's.
        versions: those that there are of the dataset's columns, oldest first.

    Raises:
        SchemaError: it breaks the rule, or can't be held against it.
    """
    if not columns:
        raise SchemaError(
            f"the columns of this {event.operation} can't be told before it is done, and its dataset has a rule for them "
            f"({rule.compatibility}): write it by a DataFrame, a query or an INSERT"
        )
    if not versions:
        return
    known = versions if rule.strict_nulls else [*map(all_nullable, versions)]
    new = tuple(columns) if rule.strict_nulls else all_nullable(columns)
    if event.dataset.format == "delta" and event.operation in ("append", "merge", "insert"):
        new = _merged(known[-1], new)
    found = violations(rule.compatibility, known, new, positional=by_position(event.dataset.format))
    if found:
        told = "; ".join(map(str, found[:_MOST_TOLD]))
        more = f"; and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
        hint = "".join(
            f" ({one.column} may be {one.before} renamed: {one.evidence})" for one in _renamed(known[-1], new)
        )
        raise SchemaError(
            f"the schema is not {rule.compatibility} compatible: {told}{more}{hint}. Keep the old columns beside new ones, "
            "write to another dataset, or change the rule"
        )


class SchemaGate:
    """Holds writes against the versions that are known: those in the store, and what this process has written since.

    Args:
        store: opens the store.
        look: tells the columns of what lies at a dataset's place; None where nothing is there. Raises SchemaError.
    """

    def __init__(self, store: Callable[[], Store], look: Callable[[Dataset], Columns | None]) -> None:
        self._store, self._look = store, look
        self._lock = threading.Lock()
        self._written: dict[Name, list[Columns]] = {}
        self._folders: dict[Name, tuple[str, ...]] = {}

    def check(self, rule: SchemaRule, event: Write, columns: Columns) -> None:
        """Let a write pass; see ``hold``."""
        if event.operation in HARMLESS:
            return
        versions = self.versions(event.dataset)
        if versions:
            self._check_folders(event)
        hold(rule, event, columns, versions)

    def _check_folders(self, event: Write) -> None:
        """Files beside files in folders of other names are read by nobody: Spark itself refuses to read both."""
        if event.operation not in ("append", "insert") or not _is_folder(event):
            return
        name = (event.dataset.namespace, event.dataset.name)
        with self._lock:
            before = self._folders.get(name)
        if before is None:
            layout = self._layout(name)
            before = None if layout is None else layout.partition_by
        if before is not None and before != event.partition_by:
            told = [f"by {', '.join(map(repr, names))}" if names else "not" for names in (before, event.partition_by)]
            raise SchemaError(
                f"the folder is partitioned {told[0]}, and this write {told[1]}: nobody could read both; partition it alike, or "
                "overwrite the whole"
            )

    def _layout(self, name: Name) -> Layout | None:
        from hookline.core.store.cataloguing import layouts  # brings SQLAlchemy

        try:
            with self._store().reading() as connection:
                return layouts(connection, name).get(name)
        except HooklineError as error:
            raise _unknown(error) from None

    def versions(self, dataset: Dataset) -> list[Columns]:
        """The versions of a dataset's columns, oldest first.

        Raises:
            SchemaError: the store does not answer.
        """
        name = (dataset.namespace, dataset.name)
        try:
            versions = self._store().schemas(*name)
        except HooklineError as error:
            raise _unknown(error) from None
        found: list[Columns] = [version.columns for version in versions]
        layout = self._layout(name)
        # What was seen at rest since: somebody altered the table, or no run wrote it.
        if layout is not None and layout.columns and (not versions or layout.seen_at > versions[-1].last_seen_at):
            found += [layout.columns] if layout.columns not in found[-1:] else []
        with self._lock:
            own = list(self._written.get(name, ()))
        if not found and not own and (there := self._look(dataset)) is not None:
            found = [there]
        return [*found, *(one for one in own if one not in found[-1:])]

    def remember(self, event: Write) -> tuple[Change, ...]:
        """A write is there for readers: what it changed of the columns that were known before."""
        name = (event.dataset.namespace, event.dataset.name)
        with self._lock:
            own = self._written.setdefault(name, [])
            before = own[-1] if own else None
        if before is None:
            older = [one.columns for one in self._store().schemas(*name) if one.write_id != event.write_id]
            before = older[-1] if older else ()
        with self._lock:
            if not own or own[-1] != event.columns:
                own.append(event.columns)
            if _is_folder(event):
                self._folders[name] = event.partition_by
        return changes(before, event.columns, dataset=event.dataset) if before else ()


def _unknown(error: HooklineError) -> SchemaError:
    return SchemaError(f"the versions of its schema can't be had: {error}")


def _is_folder(event: Write) -> bool:
    """Whether it goes to a path of plain files, where nothing but the writer says how it is partitioned."""
    return event.dataset.format in FOLDERS and event.target_columns is None and not event.dataset.symlinks


def _merged(table: Columns, rows: Columns) -> tuple[Column, ...]:
    """A Delta table's columns after rows were added to it: rows are cast to what the table has."""
    by_name = {one.name.lower(): one for one in rows}
    kept: list[Column] = []
    for one in table:
        came = by_name.pop(one.name.lower(), None)
        kept.append(one if came is None or not obstacles([one], [came], "new") else replace(came, name=one.name))
    return (*kept, *by_name.values())


def _renamed(before: Columns, after: Sequence[Column]) -> list[Change]:
    return [one for one in changes(before, after) if one.kind == "renamed"]
