"""What ``hookline catalog sync`` tells Glue: all entries that have a table there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hookline.core.errors import HooklineError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from hookline.core.store import Store
    from hookline.core.store.records import Layout
    from hookline.governance.catalog.entry import CatalogEntry
    from hookline.governance.catalog.glue.options import GlueConfig


def registered(
    spark: SparkSession, store: Store, entries: list[CatalogEntry], options: GlueConfig
) -> Iterator[dict[str, Any]]:
    """Register each entry that has a place in Glue, and tell what became of it."""
    from hookline.core.store.cataloguing import layouts
    from hookline.governance.catalog.glue.registering import Registrar
    from hookline.governance.catalog.glue.wanted import REGISTERED

    registrar = Registrar(options)
    with store.reading() as connection:
        known = layouts(connection)
    for entry in entries:
        place = options.place_of(entry.dataset)
        layout = known.get((entry.namespace, entry.name))
        if place is None or layout is None or layout.location is None or entry.format not in REGISTERED:
            continue
        told = {"namespace": entry.namespace, "name": entry.name, "database": place.database, "table": place.table}
        try:
            registrar.register(place, _registration(spark, store, entry, layout))
        except HooklineError as error:
            yield {**told, "error": str(error)}
        else:
            yield {**told, "error": None}


def _registration(spark: SparkSession, store: Store, entry: CatalogEntry, layout: Layout) -> Any:
    from hookline.governance.catalog.gate import FOLDERS
    from hookline.governance.catalog.gather import columns_of
    from hookline.governance.catalog.glue.registering import Registration
    from hookline.pipelines.layouts import iceberg_metadata, partitions, reached
    from hookline.pipelines.storage import exists
    from hookline.pipelines.wording import describe

    columns = columns_of(store, (entry.namespace, entry.name), layout)
    if not columns or layout.location is None:
        raise HooklineError("its columns are not known: run a job that writes it, or name it in Spark's catalog")
    parted = bool(entry.partition_by) and entry.format in FOLDERS
    try:
        if not exists(spark, reached(spark, layout.location)):
            raise HooklineError("there is nothing at its place any more; nothing was changed in Glue")
        found = partitions(spark, layout.location) if parted else ()
        metadata = iceberg_metadata(spark, layout)
    except HooklineError:
        raise
    except Exception as error:  # noqa: BLE001 - storage has no one class
        raise HooklineError(f"its place can't be looked at: {describe(error)}") from None
    return Registration(
        entry, columns, layout.location, partitions=found, extent="all" if parted else None, metadata_location=metadata
    )
