"""What passes through the outbox, and who takes it."""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from hookline.core.errors import OutboxError
from hookline.core.events import jsonable


@dataclass(frozen=True)
class Message:
    """A message as a sink sees it.

    Attributes:
        id: unique within the sink; the same id is never delivered on purpose twice, but may be after a crash.
        attempts: how often this message was sent alone and failed.
    """

    id: str
    sink: str
    kind: str
    payload: Mapping[str, Any]
    order_key: str
    created_at: dt.datetime
    attempts: int


class Sink(Protocol):
    """Where messages go. ``deliver`` runs in a thread of its own, one call at a time."""

    @property
    def batch_size(self) -> int:
        """How many messages one call takes at most."""

    def deliver(self, messages: Sequence[Message]) -> None:
        """Hand the messages over, all or none as far as the back end allows.

        Raises:
            SinkError: not delivered; any other exception counts as a retryable one.
        """


@dataclass(frozen=True)
class SinkStatus:
    """How a sink fares.

    Attributes:
        registered: whether this process can deliver to it.
        pending: messages that wait, on disk and in memory, those on their way included.
        in_memory: how many of them are in memory only, since the disk did not take them.
        dead: messages that the sink refused for good; they are kept.
        delivered: messages that this process delivered.
        failures: deliveries that failed in this process.
        refused: messages that were not taken, because there was no room.
        last_error: the last failure's text, without payload; of this process, or of the last message that is dead.
        oldest_pending_s: the age of the oldest message that waits, in seconds.
        in_flight_s: how long the current call of ``deliver`` has been running, in seconds.
    """

    name: str
    registered: bool
    pending: int = 0
    in_memory: int = 0
    dead: int = 0
    delivered: int = 0
    failures: int = 0
    refused: int = 0
    last_error: str | None = None
    oldest_pending_s: float | None = None
    in_flight_s: float | None = None


class Entry(NamedTuple):
    """A message as it is kept: the payload as JSON text, with a checksum over everything that a sink will see."""

    sink: str
    id: str
    kind: str
    payload: str
    order_key: str
    created_at: float
    checksum: int

    @classmethod
    def seal(cls, sink: str, payload: Mapping[str, Any], kind: str, id: str | None, order_key: str) -> Entry:
        """Make an entry of what a plugin hands over.

        Raises:
            OutboxError: the payload can't be written as JSON.
        """
        try:
            text = json.dumps(payload, default=jsonable, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError) as error:
            raise OutboxError(
                f"a message for sink {sink!r} can't be written as JSON ({type(error).__name__}): "
                "its payload must be a dict of plain values without cycles"
            ) from None
        parts = (
            storable(sink),
            uuid.uuid4().hex if id is None else storable(id),
            storable(kind),
            text,
            storable(order_key),
        )
        return cls(*parts, time.time(), checksum_of(*parts))

    @property
    def size_bytes(self) -> int:
        """About what this takes on disk or in memory."""
        return len(self.payload) + len(self.id) + len(self.order_key) + 200

    def message(self, attempts: int) -> Message:
        """As the sink sees it."""
        created_at = dt.datetime.fromtimestamp(self.created_at, dt.timezone.utc)
        payload = json.loads(self.payload)
        return Message(self.id, self.sink, self.kind, payload, self.order_key, created_at, attempts)


def checksum_of(sink: str, id: str, kind: str, payload: str, order_key: str) -> int:
    """CRC-32 of the parts; tells bytes that changed on disk from those that were put."""
    return zlib.crc32("\0".join((sink, id, kind, payload, order_key)).encode())


def storable(text: str) -> str:
    """Text that SQLite takes: half a surrogate pair can't be stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text
