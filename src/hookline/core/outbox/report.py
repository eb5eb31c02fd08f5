"""The outbox's state for people: a status per sink, and sentences for the run's summary."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.core.outbox.courier import Courier
from hookline.core.outbox.database import Database
from hookline.core.outbox.journal import Journal
from hookline.core.outbox.message import Sink, SinkStatus
from hookline.core.outbox.overflow import Overflow
from hookline.core.outbox.trouble import Trouble


def statuses(
    sinks: Mapping[str, Sink],
    couriers: Mapping[str, Courier],
    journal: Journal,
    overflow: Overflow,
    refused: Mapping[str, int],
) -> tuple[SinkStatus, ...]:
    """One status per sink that is registered or has messages."""
    in_memory = overflow.pending()
    on_disk, dead, oldest = _on_disk(journal)
    return tuple(
        SinkStatus(
            name=name,
            registered=name in sinks,
            pending=on_disk.get(name, 0) + in_memory.get(name, 0),
            in_memory=in_memory.get(name, 0),
            dead=dead.get(name, 0),
            refused=refused.get(name, 0),
            oldest_pending_s=oldest.get(name),
            **_of_courier(couriers.get(name)),
        )
        for name in sorted({*sinks, *on_disk, *dead, *in_memory, *refused})
    )


def _on_disk(journal: Journal) -> tuple[dict[str, int], dict[str, int], dict[str, float]]:
    try:
        pending, dead = journal.pending(), journal.dead()
        put_at = {name: journal.oldest(name) for name in pending}
    except Trouble:
        return {}, {}, {}
    now = time.time()
    return pending, dead, {name: max(0.0, now - at) for name, at in put_at.items() if at is not None}


def _of_courier(courier: Courier | None) -> dict[str, Any]:
    if courier is None:
        return {}
    return {
        "delivered": courier.delivered,
        "failures": courier.failures,
        "last_error": courier.last_error,
        "in_flight_s": courier.in_flight_s,
    }


def sentences(database: Database, trouble: Trouble | None, found: Sequence[SinkStatus], lost: int) -> tuple[str, ...]:
    """What is wrong, and what to do about it."""
    return (*database.incidents, *_of_the_disk(database, trouble, found, lost), *_of_sinks(found))


def _of_the_disk(database: Database, trouble: Trouble | None, found: Sequence[SinkStatus], lost: int) -> Iterator[str]:
    in_memory = sum(status.in_memory for status in found)
    if trouble is not None:
        yield (
            f"the outbox's file {database.path} can't be used: {trouble}; {in_memory} messages are kept in memory "
            "only, and are lost when the process ends before they are delivered"
        )
    if lost:
        yield f"{lost} messages were lost: they could neither be delivered nor be written to {database.path}"


def _of_sinks(found: Sequence[SinkStatus]) -> Iterator[str]:
    for status in found:
        because = f" (last failure: {status.last_error})" if status.last_error else ""
        if status.refused:
            yield (
                f"{status.refused} messages for {status.name!r} were refused, since the outbox is full: "
                "raise outbox.max_bytes, or repair the sink and run `hookline outbox replay`"
            )
        if status.dead:
            yield f"{status.dead} messages were rejected by {status.name!r} for good and are kept{because}"
        if status.pending and status.registered:
            yield f"{status.pending} messages for {status.name!r} are not delivered yet{because}; the outbox keeps them"
        elif status.pending:
            yield f"{status.pending} messages wait for {status.name!r}, which is not loaded"
