"""``glue``: after each write its table, its partitions and its schema are in AWS Glue, or wait in the outbox until they can be."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from hookline.core.errors import ConfigError
from hookline.core.events import Dataset, Denial, Run, Write, content_id, jsonable
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig
from hookline.governance.audit import open_log
from hookline.governance.catalog.entry import CatalogEntry
from hookline.governance.catalog.gate import FOLDERS
from hookline.governance.catalog.glue.options import GlueConfig, Place
from hookline.governance.catalog.glue.registering import Registrar
from hookline.governance.catalog.glue.sink import GlueSink
from hookline.governance.catalog.glue.statistics import statistics_of
from hookline.governance.catalog.glue.wanted import REGISTERED
from hookline.governance.catalog.guard import SchemaGuard
from hookline.governance.catalog.options import CatalogConfig
from hookline.pipelines.layouts import iceberg_metadata, layout_of, partitions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from hookline.core.plugin import PluginContext
    from hookline.core.store.inheriting import Known
    from hookline.core.store.records import Layout

# After these nothing else is there; these leave what was there.
_BEGINS = frozenset({"create", "replace", "errorifexists"})
_ADDS = frozenset({"append", "insert"})
# What columns hold is looked up no more often: it takes all lineage there is.
_REMEMBERED_S = 60.0


class GluePlugin:
    """Registration on the bus. Where schemas have rules, the registry is asked before a write.

    Raises:
        ConfigError: on construction, when schemas have rules and there is no registry to hold them against.
    """

    Config: ClassVar[type[PluginConfig]] = GlueConfig
    requires: ClassVar[tuple[str, ...]] = ("botocore",)

    def __init__(self, config: GlueConfig, context: PluginContext) -> None:
        self._config, self._context = config, context
        self._spark: SparkSession | None = None
        self._layouts: dict[str, Layout] = {}
        self._holds: tuple[float, dict[tuple[str, str], tuple[Known, ...]]] = (float("-inf"), {})
        registrar = Registrar(config)
        if config.schemas and registrar.registry is None:
            raise ConfigError("schemas have rules, and no `registry` has their versions")
        context.outbox.register(context.name, GlueSink(registrar, self._entry))
        self._guard: SchemaGuard | None = None
        if config.schemas and registrar.registry is not None:
            log = open_log(context.audit, context.base_dir, context.state_dir)
            self._guard = SchemaGuard(config.schemas, registrar.registry.check, log)
        else:  # it decides on nothing then: pluggy passes over what is no method
            vars(self).update(dict.fromkeys(("authorize_write", "transform_write")))

    def meet_session(self, spark: SparkSession) -> None:
        """Whose catalog is asked how tables are laid out."""
        self._spark = spark

    @hookimpl
    def authorize_write(self, event: Write, run: Run) -> Denial | None:
        """A write whose rows don't pass as a DataFrame is held against its rule here."""
        return None if self._guard is None else self._guard.authorize(event, run)

    @hookimpl
    def transform_write(self, event: Write, run: Run, frame: DataFrame) -> None:
        """Any other one here, as its rows will be written; nothing of them is changed."""
        if self._guard is not None:
            self._guard.see(event, run, frame)

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """What readers can see is on its way to Glue."""
        place = self._config.place_of(event.dataset)
        if place is None or not event.published or self._spark is None:
            return
        layout = self._layout(self._spark, event)
        columns = event.columns or layout.columns or ()
        if layout.location is None or layout.format not in REGISTERED or not columns:
            return
        folder = bool(layout.partition_by) and event.dataset.format in FOLDERS
        known = folder and event.partitions is not None
        whole = event.operation in _BEGINS
        types = {one.name: one.type for one in columns}
        payload = {
            "place": [*place],
            "dataset": {
                "namespace": event.dataset.namespace,
                "name": event.dataset.name,
                "format": event.dataset.format,
            },
            "location": layout.location,
            "columns": jsonable(columns),
            "partition_by": [*(layout.partition_by or event.partition_by)],
            "partitions": jsonable(event.partitions) if known else [],
            "extent": ("all" if whole else "added") if known else None,
            "metadata_location": iceberg_metadata(self._spark, layout),
            "statistics": [*statistics_of(event.measured, types)] if whole else [],
            "verdicts": [[one.check, one.severity, one.status] for one in event.verdicts],
            "write": {
                "write_id": event.write_id,
                "run_id": run.run_id,
                "job": run.job,
                "operation": event.operation,
                "at": (event.finished_at or event.started_at).isoformat(),
                "rows": event.rows,
                "bytes": event.bytes,
            },
        }
        self._put(place, payload, "table", event)
        if folder and not whole and (event.operation not in _ADDS or not known):
            # It may have taken some away. To list what is left may take long: the rest is on its way by then.
            left = jsonable(partitions(self._spark, layout.location))
            self._put(place, {**payload, "partitions": left, "extent": "all"}, "partitions", event)

    def _put(self, place: Place, payload: dict[str, Any], kind: str, event: Write) -> None:
        id = content_id("glue", kind, event.write_id)
        self._context.outbox.put(self._context.name, payload, kind=kind, id=id, order_key=".".join(place))

    def _layout(self, spark: SparkSession, event: Write) -> Layout:
        key = content_id(event.dataset.namespace, event.dataset.name, event.columns, event.partition_by)
        if key not in self._layouts:
            into_table = event.target_columns is not None or bool(event.dataset.symlinks)
            self._layouts[key] = layout_of(spark, event.dataset, None if into_table else event.partition_by)
        return self._layouts[key]

    def _entry(self, dataset: Dataset) -> CatalogEntry:
        name, labels = (dataset.namespace, dataset.name), self._context.labels
        if self._context.store is None:
            known = labels.of(dataset)
            return CatalogEntry(*name, format=dataset.format, owner=known.owner, layer=known.layer, tags=known.tags)
        from hookline.core.store.inheriting import known_in  # brings SQLAlchemy, which no job waits for
        from hookline.governance.catalog.gather import entries

        store, options = self._context.store.get(), CatalogConfig(lineage_url=self._config.lineage_url)
        if time.monotonic() - self._holds[0] > _REMEMBERED_S:
            self._holds = time.monotonic(), known_in(store)
        (entry,) = entries(store, labels, options, [name], self._holds[1])
        return entry
