"""``openlineage``: OpenLineage events of every run and write, to any back end that openlineage-python can send to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from hookline.core.events import Run
from hookline.core.plugin import PluginConfig, PluginContext
from hookline.lineage.openlineage import Event, event_id
from hookline.lineage.options import EventOptions
from hookline.lineage.telling import EventTeller
from hookline.lineage.transports import Client


class OpenLineageConfig(EventOptions):
    """Options of ``openlineage``."""

    transport: Mapping[str, Any] | None = Field(
        None,
        repr=False,
        description="A transport as OpenLineage's client takes it: its type (http, kafka, file, console, composite …) and "
        "options. Default: where the client itself looks, such as $OPENLINEAGE_URL and openlineage.yml.",
    )


class OpenlineagePlugin(EventTeller):
    """Hands events to the outbox, which sends them by the client's transports."""

    Config: ClassVar[type[PluginConfig]] = OpenLineageConfig
    requires: ClassVar[tuple[str, ...]] = ("openlineage.client",)

    def __init__(self, config: OpenLineageConfig, context: PluginContext) -> None:
        super().__init__(config, self._send, context.store)
        self._outbox = context.outbox
        self._client = Client(config.transport)
        self._sinks: list[str] = []
        if self._client.disabled:
            return
        for name, sink in self._client.sinks():
            self._sinks.append(f"{context.name}.{name}")
            context.outbox.register(self._sinks[-1], sink)

    def writes_told(self, run_id: str) -> int | None:
        """As of every teller; None when OpenLineage is switched off."""
        return super().writes_told(run_id) if self._sinks else None

    def _send(self, run: Run, event: Event) -> bool:
        prepared = self._client.prepared(event) if self._sinks else None
        if prepared is None:  # by the client's own configuration
            return False
        for sink in self._sinks:
            self._outbox.put(sink, prepared, kind="openlineage", id=event_id(event), order_key=run.run_id)
        return True
