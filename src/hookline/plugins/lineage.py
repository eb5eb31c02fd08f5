"""``lineage``: OpenLineage events of every run and write, in a file."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from hookline.core.events import Run
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.lineage.openlineage import Event, event_id
from hookline.lineage.options import EventOptions
from hookline.lineage.sink import FILE_NAME, NdjsonSink, events_path
from hookline.lineage.telling import EventTeller

# Each delivery ends with an fsync, which makes the file system write the job's own new files as well. The outbox has the
# events already, so that nothing is lost meanwhile.
_LINGER_S = 1.0


class LineageConfig(EventOptions):
    """Options of ``lineage``."""

    path: Path | None = Field(
        None, description=f"The file of OpenLineage events, one per line. Default: {FILE_NAME} in the state folder."
    )


class LineagePlugin(EventTeller):
    """Hands events to the outbox, which appends them to a file."""

    Config: ClassVar[type[PluginConfig]] = LineageConfig

    def __init__(self, config: LineageConfig, context: PluginContext) -> None:
        super().__init__(config, self._keep, context.store)
        self._outbox = context.outbox
        self._sink = context.name
        path = events_path(config.path, state_dir=context.state_dir, base_dir=context.base_dir)
        context.outbox.register(self._sink, NdjsonSink(path), linger_s=_LINGER_S)

    def _keep(self, run: Run, event: Event) -> bool:
        self._outbox.put(self._sink, event, kind="openlineage", id=event_id(event), order_key=run.run_id)
        return True
