"""What the columns of a frame hold that is about to be written: by its rows, and by where its columns came from."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from hookline.core.errors import HooklineError, ProtectionError
from hookline.governance.protection.classifying import Held, Sources

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from hookline.core.events import Write
    from hookline.core.store import LazyStore
    from hookline.core.store.inheriting import Known, Place
    from hookline.governance.pii.settings import DetectionSettings
    from hookline.governance.protection.policy import Policy


def held_by(frame: DataFrame, event: Write, store: LazyStore | None) -> Sources:
    """Looks at the rows, and at the store, when it is asked; at the rows once for the same settings."""

    @cache
    def scanned(settings: str) -> tuple[Held, ...]:
        from hookline.governance.pii.settings import DetectionSettings

        return tuple(_by_rows(frame, DetectionSettings.model_validate_json(settings)))

    def scan(policy: Policy) -> tuple[Held, ...]:
        return scanned(policy.looks_for.model_dump_json())

    @cache
    def lineage() -> tuple[Held, ...]:
        return tuple(_by_lineage(frame, event, store))

    return Sources(scan, lineage)


def _by_rows(frame: DataFrame, settings: DetectionSettings) -> Iterator[Held]:
    from hookline.governance.pii.scan import scan

    if frame.isStreaming:
        raise ProtectionError(
            "the rows of a stream can't be looked through before it runs: name the columns, say `classify: [lineage]` in the "
            "policy, or write each batch with foreachBatch"
        )
    for one in scan(frame, settings).found:
        yield Held(one.column, one.entity, one.confidence, "scan")


def _by_lineage(frame: DataFrame, event: Write, store: LazyStore | None) -> Iterator[Held]:
    """What comes down from the datasets that the frame reads.

    Raises:
        ProtectionError: a column's origin can't be told, or a dataset that is read was never looked through.
    """
    from hookline.core.store.inheriting import inherit
    from hookline.pipelines.columns import trace

    if store is None:
        raise ProtectionError("there is no store that knows what columns hold")
    plan: Any = frame._jdf.queryExecution().analyzed()
    lineage = trace(frame.sparkSession, plan)
    trouble = lineage.degraded or event.opaque or next(iter(lineage.gaps), None)
    if trouble:
        raise ProtectionError(f"it can't be told what the columns hold by where they came from: {trouble}")
    try:
        known, seen = _known(store)
    except HooklineError as error:
        raise ProtectionError(f"it is not known what the columns hold: {error}") from None
    for read in event.inputs:
        place = (read.dataset.namespace, read.dataset.name)
        if place not in seen:
            raise ProtectionError(
                f"it is not known what {read.dataset} holds, which this write reads: look with `hookline scan`, or with the plugin "
                "presidio where it is written"
            )
    for one in inherit(lineage, known):
        yield Held(one.column, one.entity, one.confidence, f"lineage from {'/'.join(one.origin[:2])}.{one.origin[2]}")


def _known(store: LazyStore) -> tuple[dict[Place, tuple[Known, ...]], set[Place]]:
    """What is known of all columns; and of which datasets anything is: looked through, or written from such alone."""
    from hookline.core.store.classifying import all_scans
    from hookline.core.store.inheriting import known_columns

    opened = store.get()
    scans, lineages = all_scans(opened), opened.column_lineages()
    seen = {(scan.namespace, scan.name) for scan in scans}
    made_of: dict[Place, set[Place]] = {}
    for one in lineages:
        inputs = {
            (source.dataset.namespace, source.dataset.name) for own in one.lineage.columns.values() for source in own
        }
        own = made_of.setdefault(one.target, set())
        own |= inputs if not (one.lineage.degraded or one.lineage.gaps) else {("", "")}
    grown = True
    while grown:
        more = {place for place, inputs in made_of.items() if inputs and inputs <= seen | {place}} - seen
        seen |= more
        grown = bool(more)
    return known_columns(scans, lineages), seen
