"""What a person asks of a page, read from the address; anything that makes no sense is as if it was not there."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, get_args

from hookline.core.events import RunStatus, utc_now
from hookline.core.store.browse.runs import Cursor, RunFilter

STATUSES: tuple[RunStatus, ...] = get_args(RunStatus)
PERIODS = (1, 7, 30, 90)
_MOST_TEXT = 500
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:\+00:00|Z)?)?")


class Asked(NamedTuple):
    """The parts of an address."""

    query: Mapping[str, str]
    statuses: Sequence[str] = ()

    def text(self, name: str) -> str:
        """A text, shortened."""
        return self.query.get(name, "").strip()[:_MOST_TEXT]

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number from 0 on."""
        text = self.query.get(name, "")
        return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 10 else default

    def period(self) -> int:
        """Of how many days the page is about."""
        days = self.number("days", PERIODS[1], PERIODS[-1])
        return days if days in PERIODS else PERIODS[1]

    def moment(self, name: str) -> str | None:
        """A day or a moment, as times are kept."""
        text = self.text(name)
        if not _MOMENT.fullmatch(text):
            return None
        try:
            moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            return None
        return moment.replace(tzinfo=dt.timezone.utc).isoformat()

    def cursor(self) -> Cursor | None:
        """Where a list goes on."""
        at, _, run_id = self.text("before").partition("~")
        return Cursor(at, run_id) if at and run_id else None

    def runs(self) -> RunFilter:
        """Which runs."""
        chosen = tuple(status for status in STATUSES if status in self.statuses)
        job = self.query.get("job", "")[:_MOST_TEXT]
        return RunFilter(job or None, self.text("named") or None, chosen, self.moment("since"), self._until())

    def _until(self) -> str | None:
        until = self.moment("until")
        if until is None or "T" in self.text("until"):
            return until
        return (dt.datetime.fromisoformat(until) + dt.timedelta(days=1)).isoformat()  # a day counts until its end


def since(days: int) -> str:
    """So many days ago, from the hour or the day on."""
    now = utc_now()
    if days == 1:
        return (now - dt.timedelta(hours=23)).replace(minute=0, second=0, microsecond=0).isoformat()
    start = (now - dt.timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return start.isoformat()
