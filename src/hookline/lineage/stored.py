"""Reads works from the store: the same as from the events of the same runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from hookline.core.events import Column
from hookline.lineage.nodes import About, EdgeKind, How, seconds
from hookline.lineage.works import Described, Traced, Work

if TYPE_CHECKING:
    from hookline.core.store import KeptColumns, StoredLineage, StoredWork

Name = tuple[str, str]


def works_from_store(lineage: StoredLineage, *, job_namespace: str) -> Iterator[Work]:
    """What the store knows to have been done.

    Args:
        lineage: what ``Store.lineage`` gave.
        job_namespace: the namespace of jobs, which the store does not keep.
    """
    columns = _Columns(lineage)
    for stored in lineage.works:
        known = columns.of(stored.lineage_id)
        target = stored.target
        yield Work(
            job=(job_namespace, stored.job),
            at=seconds(stored.at),
            run=stored.run_id,
            operation=stored.operation if target else "",
            environment=stored.environment,
            inputs=[_described(lineage, name) for name in stored.inputs],
            outputs=[_written(lineage, stored, target, known.missing)] if target else [],
            traced={target: known.traced} if target and known.traced else {},
            key=stored.operation,
        )


class _Known(NamedTuple):
    """What is known of where a write's columns came from, and what is not."""

    traced: Traced | None = None
    missing: str = ""


class _Columns:
    """Each document is read once: a job that runs every night has the same one in all its works."""

    def __init__(self, lineage: StoredLineage) -> None:
        self._lineage = lineage
        self._known: dict[str, _Known] = {}
        self._ways: dict[tuple[Any, ...], How] = {}

    def of(self, lineage_id: str | None) -> _Known:
        """What a document says."""
        if lineage_id is None:
            return _Known()
        if lineage_id not in self._known:
            self._known[lineage_id] = self._read(self._lineage.columns_of(lineage_id))
        return self._known[lineage_id]

    def _read(self, told: KeptColumns) -> _Known:
        missing = "; ".join(filter(None, (told.degraded, *told.gaps)))
        if told.degraded:
            return _Known(None, missing)
        edges: list[tuple[str | None, str, str, str, How]] = []
        by_target: list[tuple[str | None, list[list[Any]]]] = [*told.columns.items(), (None, told.rows)]
        for column, inputs in by_target:
            for number, source, *way in inputs:
                namespace, name = told.datasets[number]
                edges.append((column, namespace, name, source, self._way(*way)))
        return _Known(Traced(edges), missing)

    def _way(self, kind: EdgeKind, transformation: str, masking: int, note: str) -> How:
        key = kind, transformation, masking, note
        way = self._ways.get(key)
        if way is None:
            way = self._ways[key] = How(kind, transformation, bool(masking), note)
        return way


def _written(lineage: StoredLineage, stored: StoredWork, name: Name, missing: str) -> Described:
    dataset = _described(lineage, name)
    dataset.columns = dict(_columns(stored.columns))
    dataset.about.written_at, dataset.about.rows = seconds(stored.at), stored.rows
    dataset.about.incomplete = stored.opaque or missing
    dataset.about.passed, dataset.about.failed = stored.checks
    return dataset


def _described(lineage: StoredLineage, name: Name) -> Described:
    return Described(name, About(aliases=set(lineage.other_names.get(name, ()))))


def _columns(columns: Iterable[Column], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Columns and what is inside them, by their whole names, with their types."""
    for column in columns:
        yield f"{prefix}{column.name}", column.type.partition("<")[0] if column.fields else column.type
        yield from _columns(column.fields, f"{prefix}{column.name}.")
