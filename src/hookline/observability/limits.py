"""What back ends have in common in what they refuse: old news, and the same news twice."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hookline.core.errors import SinkError
from hookline.core.events import utc_now

if TYPE_CHECKING:
    from hookline.core.outbox import Message

_REMEMBERED = 20_000


@dataclass(frozen=True)
class Ages:
    """How old, and how far ahead of the clock, a back end takes news.

    Attributes:
        place: the back end, for people.
        past_s, ahead_s: in seconds.
    """

    place: str
    past_s: float
    ahead_s: float

    def check(self, moments: Iterable[dt.datetime]) -> None:
        """Whether it takes news of all these moments now.

        Raises:
            SinkError: for good when one is too old, so that the outbox keeps the message with this reason; for a while
                when one is too far ahead.
        """
        moments = tuple(moments)
        if not moments:
            return
        now = utc_now()
        age_s = (now - min(moments)).total_seconds()
        if age_s > self.past_s:
            raise SinkError(
                f"{self.place} takes nothing older than {_rounded(self.past_s)}, and this is of {min(moments):%Y-%m-%d %H:%M} UTC",
                retryable=False,
            )
        ahead_s = (max(moments) - now).total_seconds()
        if ahead_s > self.ahead_s:
            raise SinkError(
                f"{self.place} takes nothing from more than {_rounded(self.ahead_s)} ahead: check this machine's clock",
                retry_after_s=ahead_s - self.ahead_s,
            )


class Arrived:
    """The messages that a back end has, of a batch whose rest it did not take: they must not be sent with it again."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def without(self, messages: Sequence[Message]) -> list[Message]:
        """Those that are not there yet."""
        return [message for message in messages if message.id not in self._ids]

    def add(self, messages: Iterable[Message]) -> None:
        """These are there now."""
        for message in messages:
            self._ids[message.id] = None
        while len(self._ids) > _REMEMBERED:
            self._ids.popitem(last=False)


def _rounded(span_s: float) -> str:
    if span_s >= 2 * 86_400:
        return f"{span_s / 86_400:.0f} days"
    return f"{span_s / 3_600:.0f} hours" if span_s >= 5_400 else f"{span_s / 60:.0f} minutes"
