"""What every channel's sink does: it refuses what is too old, holds what is to be held, and hands on the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from hookline.core.errors import SinkError
from hookline.core.events import utc_now

if TYPE_CHECKING:
    from hookline.core.outbox import Message
    from hookline.observability.alerts.options import ChannelOptions, QuietHours


class Channel(Protocol):
    """Sends one message at a time."""

    def send(self, payload: Mapping[str, Any], id: str) -> str:
        """Send it, and say in words what was answered.

        Args:
            id: of the message; the same for the same message.

        Raises:
            SinkError: it was not taken. The text names the channel's host at most, never its address.
        """


class ChannelSink:
    """An outbox sink.

    Args:
        make: makes the channel when the first message comes: a library that it needs takes its time.
        quiet: when messages are held back.
    """

    batch_size = 1

    def __init__(
        self,
        make: Callable[[], Channel],
        options: ChannelOptions,
        quiet: QuietHours | None = None,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._make = make
        self._max_age_s = options.max_age_s
        self._quiet = quiet
        self._clock = clock
        self._channel: Channel | None = None

    def deliver(self, messages: Sequence[Message]) -> None:
        """Send, one by one.

        Raises:
            SinkError: not taken, held back, or too old.
        """
        for message in messages:
            self._refuse_old(message)
            self._hold()
            if self._channel is None:
                self._channel = self._make()
            try:
                self._channel.send(message.payload, message.id)
            except (KeyError, TypeError, ValueError) as error:
                raise SinkError(f"a message is not understood ({type(error).__name__})", retryable=False) from None

    def _refuse_old(self, message: Message) -> None:
        age_s = (self._clock() - message.created_at).total_seconds()
        if age_s > self._max_age_s:
            hours = f"{age_s / 3600:,.0f} h"
            raise SinkError(f"an alert is {hours} old, which is too old to be sent (max_age_s)", retryable=False)

    def _hold(self) -> None:
        until = self._quiet.ends_at(self._clock()) if self._quiet is not None else None
        if until is not None:
            wait_s = (until - self._clock()).total_seconds()
            raise SinkError(f"held in quiet hours until {until:%Y-%m-%d %H:%M} UTC", retry_after_s=wait_s)
