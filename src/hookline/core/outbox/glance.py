"""The outbox's state for who only looks: the file is neither made, nor repaired, nor locked."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

from hookline.core.errors import OutboxError
from hookline.core.outbox import tally
from hookline.core.outbox.message import SinkStatus
from hookline.core.outbox.trouble import trouble_of

_WAIT_S = 1.0


def glance(file: Path) -> tuple[SinkStatus, ...]:
    """One status per sink that has messages; () where there is no outbox yet.

    Raises:
        OutboxError: the file can't be read.
    """
    if not file.exists():
        return ()
    try:
        with contextlib.closing(_opened(file)) as connection:
            pending, dead, reasons = tally.pending(connection), tally.dead(connection), tally.last_reasons(connection)
            put_at = {name: tally.oldest(connection, name) for name in pending}
    except sqlite3.Error as error:
        raise OutboxError(f"the outbox {file} can't be read: {trouble_of(error, file)}") from None
    return tuple(
        SinkStatus(
            name,
            registered=False,
            pending=pending.get(name, 0),
            dead=dead.get(name, 0),
            oldest_pending_s=None if (at := put_at.get(name)) is None else max(0.0, time.time() - at),
            last_error=reasons.get(name),
        )
        for name in sorted({*pending, *dead})
    )


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAIT_S)
