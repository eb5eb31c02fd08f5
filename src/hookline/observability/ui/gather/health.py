"""How deliveries and plugins fare."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from hookline.core.errors import OutboxError
from hookline.core.outbox.glance import glance
from hookline.core.store import reading
from hookline.observability.ui.documents import Health, PluginHealth, SinkRow


def health(connection: Connection, outbox: Path) -> Health:
    """What waits, what was refused, which plugins failed."""
    trouble = None
    sinks: list[SinkRow] = []
    try:
        for one in glance(outbox):
            sinks.append(
                SinkRow(
                    name=one.name,
                    pending=one.pending,
                    dead=one.dead,
                    oldest_pending_s=one.oldest_pending_s,
                    last_error=one.last_error,
                )
            )
    except OutboxError as error:
        trouble = str(error)
    plugins = [
        PluginHealth(
            name=name,
            failures=record.report.failures,
            last_failure=record.report.last_failure,
            run_id=record.run_id,
            job=record.job,
            at=record.run_started_at,
        )
        for name, record in sorted(reading.plugin_records(connection).items())
    ]
    return Health(outbox=str(outbox) if outbox.exists() else None, trouble=trouble, sinks=sinks, plugins=plugins)
