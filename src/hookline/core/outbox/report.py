"""The outbox's state for people: a status per sink, and sentences for the run's summary."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.core.outbox.courier import Courier
from hookline.core.outbox.database import Database
from hookline.core.outbox.journal import Journal
from hookline.core.outbox.message import Sink, SinkStatus
from hookline.core.outbox.overflow import Overflow
from hookline.core.outbox.trouble import Trouble

# A delivery that takes no longer is nothing to speak of.
_SOON_S = 0.5


def statuses(
    sinks: Mapping[str, Sink],
    couriers: Mapping[str, Courier],
    journal: Journal,
    overflow: Overflow,
    refused: Mapping[str, int],
) -> tuple[SinkStatus, ...]:
    """One status per sink that is registered or has messages."""
    in_memory = overflow.pending()
    on_disk, dead, oldest, reasons = _on_disk(journal)
    return tuple(
        SinkStatus(
            name=name,
            registered=name in sinks,
            pending=on_disk.get(name, 0) + in_memory.get(name, 0),
            in_memory=in_memory.get(name, 0),
            dead=dead.get(name, 0),
            refused=refused.get(name, 0),
            oldest_pending_s=oldest.get(name),
            **{"last_error": reasons.get(name), **_of_courier(couriers.get(name))},
        )
        for name in sorted({*sinks, *on_disk, *dead, *in_memory, *refused})
    )


def _on_disk(journal: Journal) -> tuple[dict[str, int], dict[str, int], dict[str, float], dict[str, str]]:
    try:
        pending, dead, reasons = journal.pending(), journal.dead(), journal.last_reasons()
        put_at = {name: journal.oldest(name) for name in pending}
    except Trouble:
        return {}, {}, {}, {}
    now = time.time()
    return pending, dead, {name: max(0.0, now - at) for name, at in put_at.items() if at is not None}, reasons


def _of_courier(courier: Courier | None) -> dict[str, Any]:
    if courier is None:
        return {}
    return {
        "delivered": courier.delivered,
        "failures": courier.failures,
        **({"last_error": courier.last_error} if courier.last_error else {}),
        "in_flight_s": courier.in_flight_s,
    }


def sentences(
    database: Database, trouble: Trouble | None, found: Sequence[SinkStatus], lost: int, *, delivering: bool
) -> tuple[str, ...]:
    """What is wrong, and what to do about it. While deliveries go on, what was put a moment ago is nothing to speak of."""
    late = [_without_pending(status) if delivering and not _is_late(status) else status for status in found]
    return (*database.incidents, *_of_the_disk(database, trouble, found, lost), *_of_sinks(late))


def _of_the_disk(database: Database, trouble: Trouble | None, found: Sequence[SinkStatus], lost: int) -> Iterator[str]:
    in_memory = sum(status.in_memory for status in found)
    if trouble is not None:
        yield (
            f"the outbox's file {database.path} can't be used: {trouble}; {messages(in_memory)} kept in memory only, "
            "and lost when the process ends before the delivery"
        )
    if lost:
        yield f"{messages(lost)} lost, neither delivered nor written to {database.path}"


def _of_sinks(found: Sequence[SinkStatus]) -> Iterator[str]:
    for status in found:
        because = f" (last failure: {status.last_error})" if status.last_error else ""
        if status.refused:
            yield (
                f"{messages(status.refused)} for {status.name!r} refused, since the outbox is full: "
                "raise outbox.max_bytes, or repair the sink and run `hookline outbox replay`"
            )
        if status.dead:
            yield f"{messages(status.dead)} rejected by {status.name!r} for good and kept{because}"
        if status.pending and status.registered:
            where = "in memory only" if status.in_memory >= status.pending else "in the outbox"
            yield f"{messages(status.pending)} for {status.name!r} not delivered yet{because}; kept {where}"
        elif status.pending:
            yield f"{messages(status.pending)} waiting for {status.name!r}, which is not loaded"


def messages(number: int) -> str:
    """``1 message`` or ``2 messages``."""
    return f"{number} message" if number == 1 else f"{number} messages"


def _is_late(status: SinkStatus) -> bool:
    """Whether messages wait for a reason."""
    waited_s = max(status.oldest_pending_s or 0.0, status.in_flight_s or 0.0)
    return not status.registered or status.failures > 0 or status.last_error is not None or waited_s > _SOON_S


def _without_pending(status: SinkStatus) -> SinkStatus:
    return dataclasses.replace(status, pending=0)
