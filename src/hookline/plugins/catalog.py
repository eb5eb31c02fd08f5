"""``catalog``: what is written is in the local catalog, and a schema that breaks its dataset's rule is not written."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar

from hookline.core.errors import ConfigError, SchemaError
from hookline.core.events import Column, Dataset, Denial, Run, Write, content_id
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig
from hookline.core.store.records import Layout
from hookline.governance.audit import Entry, open_log
from hookline.governance.catalog.gate import SchemaGate
from hookline.governance.catalog.guard import SchemaGuard, about
from hookline.governance.catalog.options import CatalogConfig
from hookline.pipelines.layouts import columns_at, layout_of
from hookline.pipelines.wording import describe

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from hookline.core.plugin import PluginContext

logger = logging.getLogger(__name__)


class CatalogPlugin:
    """The catalog on the bus. It stands behind plugins that change data, and so sees the columns that are written.

    Raises:
        ConfigError: on construction, when schemas have rules and there is no store that knows their versions.
    """

    Config: ClassVar[type[PluginConfig]] = CatalogConfig

    def __init__(self, config: CatalogConfig, context: PluginContext) -> None:
        self._outbox = context.outbox
        self._log = open_log(context.audit, context.base_dir, context.state_dir)
        self._spark: SparkSession | None = None
        self._told: dict[str, Layout] = {}
        self._gate = None if context.store is None else SchemaGate(context.store.get, self._look)
        self._guard = None if self._gate is None else SchemaGuard(config.schemas, self._gate.check, self._log)
        if config.schemas and self._gate is None:
            raise ConfigError("schemas have rules, and there is no store that knows their versions")
        if not config.schemas:  # it decides on nothing then: pluggy passes over what is no method
            vars(self).update(dict.fromkeys(("authorize_write", "transform_write")))

    def meet_session(self, spark: SparkSession) -> None:
        """Whose catalog is asked how tables are laid out."""
        self._spark = spark

    @hookimpl
    def authorize_write(self, event: Write, run: Run) -> Denial | None:
        """A write whose rows don't pass as a DataFrame, or go into the target's own columns, is held against the rule here."""
        return None if self._guard is None else self._guard.authorize(event, run)

    @hookimpl
    def transform_write(self, event: Write, run: Run, frame: DataFrame) -> None:
        """Any other one here, where the rows are as they will be written; nothing of them is changed."""
        if self._guard is not None:
            self._guard.see(event, run, frame)

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """Where the dataset lies is kept; so is that its schema has another version."""
        if not event.published:
            return
        self._tell_layout(event, run)
        if self._gate is None or not event.columns:
            return
        changed = self._gate.remember(event)
        if changed:
            told = [
                {"column": one.column, "change": one.kind, "before": one.before, "after": one.after} for one in changed
            ]
            self._log.append(Entry("catalog.schema", {**about(event, run), "changes": told}, run.user))

    def _look(self, dataset: Dataset) -> tuple[Column, ...] | None:
        """What lies there that no run is known to have written: a rule holds for it too."""
        if self._spark is None:
            return None
        try:
            return columns_at(self._spark, dataset)
        except LookupError:
            logger.warning(
                "%s has a rule, and files that don't tell their columns: this write begins its versions", dataset
            )
            return None
        except Exception as error:  # noqa: BLE001 - storage has no one class
            raise SchemaError(f"what lies at its place can't be looked at: {describe(error)}") from None

    def _tell_layout(self, event: Write, run: Run) -> None:
        if self._spark is None:
            return
        key = content_id(event.dataset.namespace, event.dataset.name, event.columns, event.partition_by)
        if key in self._told:
            return
        into_table = event.target_columns is not None or bool(event.dataset.symlinks)
        layout = layout_of(self._spark, event.dataset, None if into_table else event.partition_by)
        self._told[key] = layout
        message = content_id("layout", event.write_id)
        self._outbox.put("store", layout.payload(), kind="layout", id=message, order_key=run.run_id)
