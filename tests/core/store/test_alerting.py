"""Alerts and totals on both databases: kept once, found again, and changed by one at a time."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from hookline.core.outbox import Message, Outbox
from hookline.core.store import LazyStore, Store
from hookline.core.store.alerting import AlertLedger, AlertState
from hookline.core.store.totals import keep_totals, read_totals
from hookline.observability.alerts.desk import Desk, Outlet
from hookline.testing import RecordingSink, utc_now

AT = "2026-03-02T12:00:00+00:00"


def state(key: str, **changes: Any) -> AlertState:
    told = {"open": True, "severity": "error", "document": {"title": "a\u202e"}, "channels": ["team"], "failures": 2}
    return AlertState(key, **{**told, "opened_at": AT, "last_at": AT, "told_at": AT, **changes})


def test_what_was_gathered_comes_in_its_order_and_once(store: Store) -> None:
    with store.transaction() as connection:
        ledger = AlertLedger(store, connection)
        for number, at in ((3, "2"), (1, "1"), (2, "1"), (1, "1")):
            ledger.gather(f"f{number}", "g" * 100, at, {"number": number, "text": "\0\ud800"})
        ledger.gather("other", "h", "1", {"number": 9})
    with store.transaction() as connection:
        ledger = AlertLedger(store, connection)
        assert [one["number"] for one in ledger.gathered("g" * 100)] == [1, 2, 3]
        ledger.forget("g" * 100, recovered_before=AT)
        assert ledger.gathered("g" * 100) == []
        assert len(ledger.gathered("h")) == 1


def test_states_are_kept_and_forgotten_when_they_are_long_over(store: Store) -> None:
    with store.transaction() as connection:
        ledger = AlertLedger(store, connection)
        for one in (state("a"), state("b", open=False), state("c", open=False, last_at="2026-03-03")):
            ledger.keep(one)
        ledger.keep(state("a", failures=3))
    with store.transaction() as connection:
        ledger = AlertLedger(store, connection)
        assert ledger.states(["a", "x", *(f"k{number}" for number in range(1_200))]) == {"a": state("a", failures=3)}
        assert [*ledger.open()] == ["a"]
        ledger.forget("g", recovered_before="2026-03-02T13:00:00+00:00")
        assert {*ledger.states("abc")} == {"a", "c"}


def test_totals_are_replaced(store: Store) -> None:
    with store.transaction() as connection:
        assert read_totals(connection, "k") is None
        keep_totals(store, connection, "k", AT, {"series": [1]})
        keep_totals(store, connection, "k", AT, {"series": [2]})
        assert read_totals(connection, "k") == {"series": [2]}


def test_two_processes_tell_of_the_same_alert_once(store_url: str, tmp_path: Path) -> None:
    outbox, sink = Outbox(tmp_path / "outbox.db"), RecordingSink()
    outbox.register("team", sink)
    outbox.start()
    alert = {"key": "k", "severity": "error", "to": ["team"], "steps": [], "title": "t", "kind": "run_failed"}
    stores = [LazyStore(store_url) for _ in range(4)]
    stores[0].get()

    def tell(number: int) -> None:
        outlet = Outlet("team", "team", 99, single=False, recoveries=True)
        desk = Desk("alerts", outbox, stores[number], {"team": outlet}, 3_600.0)
        payload = {"group": f"g{number}", "run": None, "alerts": [alert], "well": []}
        desk.deliver([Message(f"m{number}", "alerts", "end", payload, "", utc_now(), 0)])

    threads = [threading.Thread(target=tell, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outbox.flush(5) == 0
    assert len(sink.messages) == 1
    with stores[0].get().transaction() as connection:
        assert AlertLedger(stores[0].get(), connection).open()["k"].failures == 4
    outbox.close(1)
    for one in stores:
        one.close()
