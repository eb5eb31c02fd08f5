"""What follows from what a run has gathered: who is told of what, now that it is known what they were told before."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from hookline.core.store.alerting import AlertState
from hookline.observability.alerts.facts import rank

News = Literal["alert", "repeated", "escalated", "recovered"]


class Item(NamedTuple):
    """One thing to tell a channel."""

    news: News
    key: str
    severity: str
    document: Mapping[str, Any]
    failures: int
    opened_at: str
    recovered: bool

    def as_payload(self) -> dict[str, Any]:
        """As a message carries it: the fact, without where it goes."""
        fact = {name: value for name, value in self.document.items() if name not in ("to", "steps")}
        return {
            **fact,
            "severity": self.severity,
            "news": self.news,
            "failures": self.failures,
            "opened_at": self.opened_at,
            "recovered": self.recovered,
        }


@dataclass
class Judgement:
    """What is to be told, and what is known afterwards.

    Args:
        known: the alerts that there are, by key; changed ones are among ``changed`` afterwards.
        channels: those that there are; what an older configuration names besides is passed over.
        repeat_s: within how many seconds the same alert is told once.

    Attributes:
        items: by channel, and by the job of alerts that are not of the run at hand; None for those that are.
        about: the job that what follows is of, when it is not of the run at hand.
    """

    known: dict[str, AlertState]
    channels: frozenset[str]
    repeat_s: float
    now: dt.datetime
    items: defaultdict[tuple[str, str | None], list[Item]] = field(default_factory=lambda: defaultdict(list))
    changed: dict[str, AlertState] = field(default_factory=dict)
    about: str | None = None

    def facts(self, alerts: Sequence[Mapping[str, Any]], well: Iterable[str]) -> None:
        """Take in what went wrong, in its order, and what is well since."""
        well = set(well)
        by_key: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for alert in alerts:
            by_key[alert["key"]].append(alert)
        for key, ones in by_key.items():
            self._went_wrong(key, ones, over=key in well)
        for key in well - by_key.keys():
            self._is_well(key)

    def time_passes(self) -> None:
        """See which open alerts have been so for too long."""
        for state in self.known.values():
            if state.open:
                self.about = str(state.document.get("job", ""))
                self._escalate(state)
        self.about = None

    def _went_wrong(self, key: str, ones: Sequence[Mapping[str, Any]], *, over: bool) -> None:
        latest, worst = ones[-1], max((one["severity"] for one in ones), key=rank)
        state = self.known.get(key)
        new = state is None or not state.open
        if state is None or not state.open:
            state = AlertState(key, True, worst, latest, [], 0, self._iso, self._iso, "")
        worse = rank(worst) > rank(state.severity)
        state.failures += len(ones)
        state.document, state.last_at = latest, self._iso
        state.severity = worst if worse else state.severity
        self.known[key] = self.changed[key] = state
        late = not state.told_at or self._since(state.told_at) >= self.repeat_s
        told = [name for name in latest["to"] if name in self.channels]
        fresh = [name for name in told if new or worse or late or name not in state.channels]
        if new or worse or late:
            fresh += [name for name in state.channels if name in self.channels and name not in fresh]
            state.told_at = self._iso if fresh else state.told_at
        for name in fresh:
            self._tell(name, "alert" if name not in state.channels or new else "repeated", state, over)
        state.channels += [name for name in fresh if name not in state.channels]
        if over:
            self._close(state, but=fresh)
        else:
            self._escalate(state)

    def _is_well(self, key: str) -> None:
        state = self.known.get(key)
        if state is not None and state.open:
            self._close(state)

    def _close(self, state: AlertState, but: Iterable[str] = ()) -> None:
        """It is over; those who hear of it now for the first time hear that as well."""
        for name in state.channels:
            if name in self.channels and name not in but:
                self._tell(name, "recovered", state, True)
        state.open, state.last_at = False, self._iso
        self.changed[state.key] = state

    def _escalate(self, state: AlertState) -> None:
        for name in self._reached(state):
            if name in self.channels and name not in state.channels:
                self._tell(name, "escalated", state, False)
                state.channels.append(name)
                self.changed[state.key] = state

    def _reached(self, state: AlertState) -> Iterator[str]:
        for failures, after_s, channels in state.document.get("steps", ()):
            enough = failures is not None and state.failures >= failures
            if enough or (after_s is not None and self._since(state.opened_at) >= after_s):
                yield from channels

    def _tell(self, channel: str, news: News, state: AlertState, recovered: bool) -> None:
        told = (state.severity, state.document, state.failures, state.opened_at, recovered)
        self.items[channel, self.about].append(Item(news, state.key, *told))

    @property
    def _iso(self) -> str:
        return self.now.isoformat()

    def _since(self, moment: str) -> float:
        return (self.now - dt.datetime.fromisoformat(moment)).total_seconds()
