"""The outbox's sink in which alerts are decided: facts come in, messages to channels go out, the store says what is known.

It works in the background, like every sink. What a run gathers is kept in the store until the run has ended. Messages to
channels have ids made from the facts' own: a desk that dies half way does the same again, and the outbox sends nothing twice.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline.core.errors import HooklineError, SinkError
from hookline.core.events import content_id, utc_now
from hookline.observability.alerts.facts import rank

if TYPE_CHECKING:
    from hookline.core.outbox import Message, Outbox
    from hookline.core.store import LazyStore
    from hookline.core.store.alerting import AlertLedger
    from hookline.observability.alerts.judging import Item, Judgement
    from hookline.observability.alerts.watching import Watcher

# A run that goes on is told of again and again; what was gathered so long ago is of one that died where nobody saw it.
_ORPHANED_S = 3_600.0
# A store that is in trouble is waited for so often; then alerts are told without it.
_PATIENCE = 3
_RECOVERED_KEPT_S = 90 * 86_400.0
_MOST_ITEMS = 100


class Desk:
    """Decides.

    Args:
        name: the plugin's; the sinks of its channels are named after it.
        channels: by name, the names of the two sinks of each (what is urgent, and what may be held), how bad something has
            to be to be urgent, whether the channel takes one alert a message, and whether it wants recoveries.
        repeat_s: within how many seconds the same alert is told once.
        group_s: after how many seconds what a run has gathered is told at the latest.
        watcher: finds further facts in a run's numbers; None for none.
    """

    # What a message changes in the store is recorded with the message: one that failed must not bring back others.
    batch_size = 1

    def __init__(
        self,
        name: str,
        outbox: Outbox,
        store: LazyStore | None,
        channels: Mapping[str, Outlet],
        repeat_s: float,
        watcher: Watcher | None = None,
        *,
        group_s: float = 300.0,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._name = name
        self._outbox = outbox
        self._store = store
        self._channels = channels
        self._repeat_s = repeat_s
        self._watcher = watcher
        self._orphaned_s = 2 * group_s + _ORPHANED_S
        self._clock = clock
        self._told_without_store: dict[str, float] = {}

    def deliver(self, messages: Sequence[Message]) -> None:
        """Take each message in.

        Raises:
            SinkError: the store is in trouble, or a message is not understood.
        """
        for message in messages:
            try:
                self._take(message)
            except HooklineError as error:
                # An end is nothing to tell by itself: what it is about is in the store, and waits there.
                if message.kind != "facts" or message.attempts < _PATIENCE:
                    raise SinkError(f"alerts wait for the store: {error}") from None
                self._tell_without_store(message)
            except (KeyError, TypeError, ValueError) as error:
                raise SinkError(
                    f"facts of alerts are not understood ({type(error).__name__})", retryable=False
                ) from None

    def _take(self, message: Message) -> None:
        if self._store is None:
            self._tell_without_store(message)
            return
        from hookline.core.store.alerting import AlertLedger

        store, payload = self._store.get(), message.payload
        seen: tuple[list[dict[str, Any]], set[str]] = ([], set())
        if self._watcher is not None and payload.get("numbers"):  # before the transaction: it reads by itself
            seen = self._watcher.facts(store, payload["numbers"])
        with store.transaction() as connection:
            ledger = AlertLedger(store, connection)
            if message.kind == "facts":
                ledger.gather(message.id, payload["group"], message.created_at.isoformat(), payload)
                return
            alerts = [*_alerts(ledger, payload["group"]), *payload["alerts"], *seen[0]]
            well = {*payload["well"], *seen[1]}
            orphans = {group: _alerts(ledger, group) for group in ledger.groups(before=self._before(self._orphaned_s))}
            orphans.pop(payload["group"], None)
            keys = {alert["key"] for some in (alerts, *orphans.values()) for alert in some} | well
            judgement = self._judgement(ledger.open() | ledger.states(keys))
            for left in filter(None, orphans.values()):
                judgement.about = str(left[0]["job"])
                judgement.facts(left, ())
            judgement.about = None
            judgement.facts(alerts, well)
            judgement.time_passes()
            # Before the transaction ends: what is decided and not sent would be forgotten.
            self._send(judgement, message)
            for state in judgement.changed.values():
                ledger.keep(state)
            for group in (payload["group"], *orphans):
                ledger.forget(group, recovered_before=self._before(_RECOVERED_KEPT_S))

    def _before(self, seconds: float) -> str:
        return (self._clock() - dt.timedelta(seconds=seconds)).isoformat()

    def _tell_without_store(self, message: Message) -> None:
        """A store that is away costs grouping, and what was told before this process is not known; never an alert."""
        now = time.monotonic()
        recent = {key: at for key, at in self._told_without_store.items() if now - at < self._repeat_s}
        alerts = [alert for alert in message.payload["alerts"] if alert["key"] not in recent]
        judgement = self._judgement({})
        judgement.facts(alerts, ())
        self._send(judgement, message)
        self._told_without_store = recent | {alert["key"]: now for alert in alerts}

    def _judgement(self, known: dict[str, Any]) -> Judgement:
        from hookline.observability.alerts.judging import Judgement

        return Judgement(known, frozenset(self._channels), self._repeat_s, self._clock())

    def _send(self, judgement: Judgement, cause: Message) -> None:
        for (name, job), items in judgement.items.items():
            outlet = self._channels[name]
            run = cause.payload.get("run") if job is None else {"job": job}
            wanted = [item for item in items if outlet.recoveries or item.news != "recovered"]
            for urgent in (True, False):
                some = [item for item in wanted if (rank(item.severity) >= outlet.urgent_from) is urgent]
                groups = [[item] for item in some] if outlet.single else [some] if some else []
                for group in groups:
                    key = group[0].key if outlet.single else ""
                    self._put(outlet.urgent if urgent else outlet.calm, group, run or {}, cause.id, key)

    def _put(self, sink: str, items: Sequence[Item], run: Mapping[str, Any], cause: str, key: str) -> None:
        """Send items; of one key, or of one job, in their order."""
        items = sorted(items, key=lambda item: (item.news == "recovered", -rank(item.severity)))
        payload = {
            "version": 1,
            "severity": max((item.severity for item in items), key=rank),
            "run": run,
            "at": self._clock().isoformat(),
            "items": [item.as_payload() for item in items[:_MOST_ITEMS]],
            "left_out": max(0, len(items) - _MOST_ITEMS),
        }
        job = run.get("job", "")
        id = content_id("alert", sink, cause, job, key)
        self._outbox.put(sink, payload, kind="alert", id=id, order_key=key or content_id("alerts", job))


def _alerts(ledger: AlertLedger, group: str) -> list[dict[str, Any]]:
    return [alert for one in ledger.gathered(group) for alert in one["alerts"]]


class Outlet:
    """How a channel is reached.

    Attributes:
        urgent, calm: the names of its sinks; the same where nothing is ever held.
        urgent_from: the rank of the severity from which on a message is urgent.
        single: whether each alert has a message of its own.
        recoveries: whether it is told of recoveries.
    """

    def __init__(self, urgent: str, calm: str, urgent_from: int, *, single: bool, recoveries: bool) -> None:
        self.urgent = urgent
        self.calm = calm
        self.urgent_from = urgent_from
        self.single = single
        self.recoveries = recoveries
