"""Entries from the store: what runs told of datasets, joined with what people say of them. Nothing is kept twice."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hookline.core.events import Column, Dataset, content_id, utc_now
from hookline.core.fuse.sketches import distinct_of
from hookline.core.store import cataloguing, past, reading, records
from hookline.core.store.browse import datasets as browse
from hookline.core.store.classifying import all_scans
from hookline.core.store.inheriting import known_in
from hookline.governance.catalog.certification import broken, facts_of
from hookline.governance.catalog.entry import (
    CatalogEntry,
    Certification,
    EntryColumn,
    Held,
    Judgement,
    LastWrite,
    Profiled,
    Quality,
    age_s,
    flat,
    quality_of,
)
from hookline.governance.catalog.finding import names

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hookline.core.labels import LabelsConfig
    from hookline.core.store import Store
    from hookline.core.store.browse.datasets import ListedWrite
    from hookline.core.store.classifying import StoredScan
    from hookline.core.store.inheriting import Known
    from hookline.governance.catalog.options import CatalogConfig

Name = tuple[str, str]
_MOST_WRITES = 200
_AT_ONCE = 200
# Among so many of the last published writes the one is looked for that was judged last.
_MOST_JUDGED = 5
_BEGINS = frozenset({"create", "replace", "errorifexists"})
_ADDS = frozenset({"append", "insert"})


@dataclass(frozen=True)
class _Known:
    """What holds for many datasets, read once."""

    layouts: Mapping[Name, records.Layout]
    declared: Mapping[Name, records.Declared]
    steps: Mapping[Name, tuple[records.CertificationStep, ...]]
    scans: Mapping[Name, StoredScan]
    holds: Mapping[Name, tuple[Known, ...]]


def entries(
    store: Store,
    labels: LabelsConfig,
    config: CatalogConfig,
    wanted: Sequence[Name] | None = None,
    holds: Mapping[Name, tuple[Known, ...]] | None = None,
) -> list[CatalogEntry]:
    """The entries of some datasets, or of all.

    Args:
        holds: what is known of the columns of all datasets (``known_in``), for who asks for one after the other: what one
            holds may have been found in any other that it was made from, so all are looked at.

    Raises:
        StoreError: the database did not do it.
    """
    chosen = names(store) if wanted is None else list(wanted)
    scans = all_scans(store)
    holds = known_in(store) if holds is None else holds
    found: list[CatalogEntry] = []
    with store.reading() as connection:
        one = chosen[0] if len(chosen) == 1 else None
        known = _Known(
            cataloguing.layouts(connection, one),
            cataloguing.declarations(connection, one),
            cataloguing.certification_steps(connection, one),
            {(scan.namespace, scan.name): scan for scan in scans},
            holds,
        )
        for start in range(0, len(chosen), _AT_ONCE):
            some = chosen[start : start + _AT_ONCE]
            written = browse.last_writes(connection, [content_id(*name) for name in some], _MOST_WRITES)
            published = ([one.write_id for one in own if one.published] for own in written.values())
            checks = browse.checks_of(connection, [one for own in published for one in own[-_MOST_JUDGED:]])
            for name in some:
                own = written.get(content_id(*name), [])
                found.append(_entry(connection, name, own, checks, known, labels, config))
    return found


def columns_of(store: Store, name: Name, layout: records.Layout | None) -> tuple[Column, ...]:
    """The columns of a dataset, with what is inside of them; nothing where they are not known.

    Raises:
        StoreError: the database did not do it.
    """
    return _columns(store.schemas(*name), layout)


def _entry(
    connection: Connection,
    name: Name,
    written: Sequence[ListedWrite],
    checks: Mapping[str, Sequence[browse.ListedCheck]],
    known: _Known,
    labels: LabelsConfig,
    config: CatalogConfig,
) -> CatalogEntry:
    now = utc_now()
    layout, said = known.layouts.get(name), known.declared.get(name)
    other_names = tuple(browse.other_names(connection, *name))
    if layout is not None and layout.table_name and layout.table_name not in {other for _, other in other_names}:
        other_names = (*other_names, ("spark_catalog", layout.table_name))
    listed = browse.dataset(connection, content_id(*name))
    kind = (listed.format if listed else None) or (layout.format if layout else None)
    given = labels.of(Dataset(*name, kind, other_names))
    schemas = reading.schemas(connection, *name)
    last = browse.last_published(written)
    scan, steps = known.scans.get(name), known.steps.get(name, ())
    facts = facts_of(connection, name, written, checks, schemas, scan, holds=bool(known.holds.get(name)))
    partition_by = (layout.partition_by if layout else None) or ()
    total = _total(written, wholly=kind != "delta" and not partition_by)
    if (
        total is None
        and layout is not None
        and layout.rows is not None
        and (last is None or last.started_at < layout.seen_at)
    ):
        total = (layout.rows, layout.bytes)
    profiles = past.past_profiles(connection, content_id(*name), "", 1, "")
    profile = profiles[-1] if profiles else None
    columns = _columns(schemas, layout)
    comments = {**((layout.comments if layout else None) or {}), **(said.comments if said else {})}
    stats = _statistics(profile.document) if profile else {}
    entry = CatalogEntry(
        *name,
        other_names=other_names,
        format=kind,
        location=layout.location if layout else None,
        partition_by=partition_by,
        columns=tuple(
            EntryColumn(
                path,
                column.type,
                column.nullable,
                comments.get(path),
                path in partition_by,
                tuple(_held(one, name) for one in known.holds.get(name, ()) if one.column == path),
                *stats.get(path, (None, None)),
            )
            for path, column in flat(columns)
        ),
        schema_version=schemas[-1].version if schemas else None,
        owner=(said.owner if said else None) or given.owner,
        description=(said.description if said else None) or comments.get(""),
        layer=given.layer,
        tags={**given.tags, **(said.tags if said else {})},
        rows=total[0] if total else None,
        bytes=total[1] if total else None,
        last_write=None if last is None else _last(connection, last),
        fresh_s=None if last is None else age_s(last.finished_at or last.started_at, now),
        quality=_quality(written, checks),
        profile=None if profile is None else Profiled(profile.started_at, profile.rows),
        scanned_at=scan.scanned_at if scan else None,
        lineage=_link(name, config),
    )
    state = steps[-1].state if steps else "draft"
    return replace(entry, certification=Certification(state, broken(entry, facts, config.certified), steps))


def _columns(schemas: Sequence[records.SchemaVersion], layout: records.Layout | None) -> tuple[Column, ...]:
    """As they were seen last: written, or at rest."""
    at_rest = None if layout is None else layout.columns
    if not schemas or (layout is not None and at_rest and layout.seen_at > schemas[-1].last_seen_at):
        return at_rest or ()
    return schemas[-1].columns


def _held(one: Known, name: Name) -> Held:
    return Held(one.entity, one.confidence, one.origin if one.inherited_by(name) else None)


def _last(connection: Connection, write: ListedWrite) -> LastWrite:
    made = past.job_of(connection, write.run_id)
    at = write.finished_at or write.started_at
    return LastWrite(write.write_id, write.run_id, made, write.operation, at, write.rows, write.bytes)


def _quality(written: Sequence[ListedWrite], checks: Mapping[str, Sequence[browse.ListedCheck]]) -> Quality | None:
    for write in reversed(written):
        if write.published and (told := checks.get(write.write_id)):
            judged = (Judgement(one.check_name, one.severity, one.status) for one in told)
            return quality_of(judged, write.finished_at or write.started_at)
    return None


def _total(written: Iterable[ListedWrite], *, wholly: bool) -> tuple[int, int | None] | None:
    """All rows and bytes, where the writes since the dataset began anew tell them.

    Args:
        wholly: whether an overwrite leaves nothing else there, as it may do of partitions, or where a condition says so.
    """
    rows, size = 0, 0
    for write in reversed([one for one in written if one.published]):
        if write.rows is None or write.operation not in _BEGINS | _ADDS | ({"overwrite"} if wholly else set()):
            return None
        rows, size = rows + write.rows, size + (write.bytes or 0)
        if write.operation not in _ADDS:
            return rows, size or None
    return None


def _statistics(document: Mapping[str, Any]) -> dict[str, tuple[float | None, int | None]]:
    """Of each column of a profile, the share of nulls and how many different values there are."""
    found: dict[str, tuple[float | None, int | None]] = {}
    for name, _, state, error in document["columns"]:
        rows = int(state.get("rows", 0))
        if not error and rows:
            found[name] = int(state.get("nulls", 0)) / rows, distinct_of(state)
    return found


def _link(name: Name, config: CatalogConfig) -> str:
    if config.lineage_url is None:
        return f"hookline lineage show {shlex.quote(str(Dataset(*name)))}"
    return f"{config.lineage_url.rstrip('/')}/datasets/{content_id(*name)}"
