"""``lineage``: OpenLineage events of every run and write, in a file."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from hookline.core.events import Run, RunEnded, RunStarted, Write
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.lineage.openlineage import PRODUCER, Event, EventBuilder, event_id, parse_parent
from hookline.lineage.sink import FILE_NAME, NdjsonSink, events_path


class LineageConfig(PluginConfig):
    """Options of ``lineage``."""

    path: Path | None = Field(
        None, description=f"The file of OpenLineage events, one per line. Default: {FILE_NAME} in the state folder."
    )
    namespace: str | None = Field(
        None, min_length=1, description='The namespace of jobs. Default: $OPENLINEAGE_NAMESPACE, else "hookline".'
    )
    producer: str = Field(
        PRODUCER, pattern=r"^[a-z][a-z0-9+.-]*:\S+$", description="The URI that names the producer of the events."
    )


class LineagePlugin:
    """Turns runs and writes into OpenLineage events and hands them to the outbox."""

    Config: ClassVar[type[PluginConfig]] = LineageConfig

    def __init__(self, config: LineageConfig, context: PluginContext) -> None:
        self._outbox = context.outbox
        self._sink = context.name
        parent, root = (parse_parent(os.environ.get(f"OPENLINEAGE_{kind}_ID")) for kind in ("PARENT", "ROOT_PARENT"))
        self._builder = EventBuilder(
            namespace=config.namespace or os.environ.get("OPENLINEAGE_NAMESPACE") or "hookline",
            producer=config.producer,
            spark_version=_spark_version(),
            parent=parent,
            root=root,
        )
        path = events_path(config.path, state_dir=context.state_dir, base_dir=context.base_dir)
        context.outbox.register(self._sink, NdjsonSink(path))

    @hookimpl
    def on_run_started(self, event: RunStarted, run: Run) -> None:
        """START of the run."""
        self._put(run, self._builder.run_started(event, run))

    @hookimpl
    def on_run_finished(self, event: RunEnded, run: Run) -> None:
        """COMPLETE of the run."""
        self._put(run, self._builder.run_ended(event, run))

    @hookimpl
    def on_run_failed(self, event: RunEnded, run: Run) -> None:
        """FAIL of the run, or ABORT when it was found dead."""
        self._put(run, self._builder.run_ended(event, run))

    @hookimpl
    def on_write_finished(self, event: Write, run: Run) -> None:
        """START and COMPLETE of the write."""
        self._put(run, *self._builder.write_ended(event, run, failed=False))

    @hookimpl
    def on_write_failed(self, event: Write, run: Run) -> None:
        """START and FAIL of the write."""
        self._put(run, *self._builder.write_ended(event, run, failed=True))

    def _put(self, run: Run, *events: Event) -> None:
        for event in events:
            self._outbox.put(self._sink, event, kind="openlineage", id=event_id(event), order_key=run.run_id)


def _spark_version() -> str | None:
    """The installed pyspark's, read without importing it."""
    try:
        return version("pyspark")
    except PackageNotFoundError:
        return None
