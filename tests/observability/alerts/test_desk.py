"""What is told, to whom, how often: decided in the background, known in the store, sent through the outbox."""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hookline.core.costing import BudgetConfig
from hookline.core.errors import SinkError
from hookline.core.events import (
    Dataset,
    ErrorInfo,
    PluginReport,
    Verdict,
    content_id,
)
from hookline.core.labels import DatasetLabels, LabelsConfig
from hookline.core.outbox import Message, Outbox
from hookline.core.store import LazyStore
from hookline.observability.alerts.channels.making import outlet_of
from hookline.observability.alerts.desk import Desk
from hookline.observability.alerts.facts import FactFinder
from hookline.observability.alerts.options import AlertsConfig
from hookline.observability.alerts.routing import Router
from hookline.observability.alerts.watching import Watcher
from hookline.testing import RecordingSink, sample_run, sample_run_ended, sample_write

AT = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.timezone.utc)
SLACK = {"type": "slack", "webhook_url": "https://slack.example.com/x"}
DUTY = {"type": "pagerduty", "routing_key": "k"}
HOUR = 3_600.0
LABELS = LabelsConfig(
    datasets=(DatasetLabels(match="*/gold/*", owner="team:finance"), DatasetLabels(match="*", owner="team:data"))
)


class World:
    """A desk with a clock of its own, a real store, and recorded channels."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.config = AlertsConfig(**{"channels": {"team": SLACK}, **options})
        self.now = AT
        self.store: LazyStore | None = LazyStore(f"sqlite:///{folder / 'store.db'}")
        self.outbox = Outbox(folder / "outbox.db")
        self.sinks: dict[str, RecordingSink] = {}
        outlets = {}
        for name, channel in self.config.channels.items():
            outlets[name] = outlet_of(name, channel)
            for sink in {outlets[name].urgent, outlets[name].calm}:
                self.sinks[sink] = RecordingSink()
                self.outbox.register(sink, self.sinks[sink])
        self.outbox.start()
        self.outlets = outlets
        self.number = 0
        self.desk = self.new_desk()
        self.finder = FactFinder(LABELS, self.config.severities)
        self.router = Router(self.config)

    def new_desk(self, watcher: Watcher | None = None) -> Desk:
        repeat_s = self.config.repeat_s
        return Desk("alerts", self.outbox, self.store, self.outlets, repeat_s, watcher, clock=lambda: self.now)

    def message(self, kind: str, facts: Any, group: str = "g", attempts: int = 0) -> Message:
        self.number += 1
        facts = list(facts)
        ways = [(fact, self.router.way(fact)) for fact in facts if not fact.well]
        payload = {
            "group": group,
            "run": {"run_id": group, "job": "nightly", "environment": None},
            "alerts": [fact.document() | way.document() for fact, way in ways if way.channels],
            "well": [fact.key for fact in facts if fact.well],
        }
        return Message(content_id(self.number), "alerts", kind, payload, group, self.now, attempts)

    def take(self, *facts: Any, kind: str = "end", group: str = "g") -> Message:
        message = self.message(kind, facts, group)
        self.desk.deliver([message])
        return message

    def run(self, status: Any, job: str = "nightly", **more: Any) -> Any:
        ended = sample_run_ended(status=status, error=ErrorInfo("ValueError") if status == "failed" else None, **more)
        return self.finder.of_run(ended, sample_run(job=job))

    def write(self, *verdicts: Verdict, name: str = "/lake/sales", **more: Any) -> Any:
        write = sample_write(dataset=Dataset("file", name), verdicts=verdicts, **more)
        return self.finder.of_write(write, sample_run())

    def later(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)

    def told(self, sink: str = "team") -> list[list[tuple[str, str, int]]]:
        """Of each message that arrived its items: what news, of what kind, how often."""
        assert self.outbox.flush(5) == 0
        messages = [message.payload["items"] for message in self.sinks[sink].messages]
        self.sinks[sink].messages.clear()
        return [[(item["news"], item["kind"], item["failures"]) for item in items] for items in messages]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(**options: Any) -> World:
        made.append(World(tmp_path, **options))
        return made[-1]

    yield make
    for one in made:
        one.outbox.close(1)
        if one.store is not None:
            one.store.close()


def failed(check: str, severity: Any = "error", rows: int | None = 3) -> Verdict:
    return Verdict(check, severity, "failed", observed="SECRET ROW VALUE", failing_rows=rows, message="SECRET")


def passed(check: str) -> Verdict:
    return Verdict(check, "error", "passed")


# -- what is a fact ----------------------------------------------------------------------------------------------------


def test_everything_that_goes_wrong_is_a_fact(world: Any) -> None:
    make = world()
    refused = ErrorInfo("hookline.core.errors.WriteRefusedError")
    wrong = [
        *make.write(failed("a", "critical"), error=refused, published=False, rows=10),
        *make.write(Verdict("b", "error", "error", required=False), Verdict("c", "critical", "error", required=True)),
        *make.write(error=ErrorInfo("java.io.IOException", "DISK_FULL"), published=False),
        *make.write(rows_quarantined=1_234),
        *make.run("failed", exit_code=1, plugins=(PluginReport("datadog", 3), PluginReport("lineage"))),
        *make.run("refused", exit_code=3),
        *make.run("abandoned"),
    ]
    assert [(fact.kind, fact.severity, fact.title) for fact in wrong if not fact.well] == [
        ("write_refused", "critical", "Write to /lake/sales refused (nothing was published)"),
        ("check_failed", "critical", "Check a on /lake/sales failed: 3 of 10 rows"),
        ("check_unanswered", "warn", "Check b on /lake/sales has no answer"),
        ("check_unanswered", "critical", "Check c on /lake/sales has no answer"),
        ("write_failed", "error", "Write to /lake/sales failed (IOException, DISK_FULL)"),
        ("rows_quarantined", "warn", "1,234 rows of /lake/sales set aside"),
        ("run_failed", "error", "Run of nightly failed with exit code 1 (ValueError)"),
        ("plugin_failed", "warn", "Plugin datadog failed 3 times in a run of nightly"),
        ("run_failed", "error", "Run of nightly refused with exit code 3"),
        ("run_abandoned", "error", "A run of nightly was found dead: its process ended without a word"),
    ]


def test_no_value_of_a_row_is_in_a_fact(world: Any) -> None:
    make = world()
    documents = [fact.document() for fact in make.write(failed("a"), failed("b", rows=None))]
    assert "SECRET" not in repr(documents)


def test_hostile_names_are_short_and_on_one_line(world: Any) -> None:
    make = world()
    name = "/a\nb\u202e\x1b[31m<script>" + "n" * 10_000
    for fact in (*make.write(failed(name), name=name), *make.run("failed", job=name)):
        told = fact.document()
        assert len(repr(told)) < 3_000
        assert not set("\n\u202e\x1b") & {char for value in told.values() if isinstance(value, str) for char in value}


# -- grouping, deduplication, recovery ---------------------------------------------------------------------------------


def test_a_run_is_one_message_with_all_that_it_gathered(world: Any) -> None:
    make = world()
    make.take(*make.write(failed("a"), failed("b")), kind="facts")
    make.take(*make.write(failed("c"), name="/lake/other"), kind="facts")
    assert make.told() == []
    make.take(*make.run("failed"))
    (items,) = make.told()
    assert sorted(items) == [*[("alert", "check_failed", 1)] * 3, ("alert", "run_failed", 1)]


def test_the_same_alert_is_told_once_in_its_window_across_runs(world: Any) -> None:
    make = world(repeat_s=4 * HOUR)
    for number in range(5):
        make.take(*make.write(failed("a")), group=f"run {number}")
        make.desk = make.new_desk()
        make.later(HOUR)
    assert make.told() == [[("alert", "check_failed", 1)], [("repeated", "check_failed", 5)]]


def test_what_gets_worse_is_told_at_once(world: Any) -> None:
    make = world()
    make.take(*make.write(failed("a", "warn")))
    make.take(*make.write(failed("a", "critical")))
    make.take(*make.write(failed("a", "critical")))
    assert make.told() == [[("alert", "check_failed", 1)], [("repeated", "check_failed", 2)]]


def test_what_is_over_is_told_once_and_a_new_failure_again(world: Any) -> None:
    make = world()
    make.take(*make.write(failed("a"), failed("b")))
    make.later(60)
    make.take(*make.write(passed("a"), failed("b")))
    make.take(*make.write(passed("a"), failed("b")))
    make.later(60)
    make.take(*make.write(failed("a"), failed("b")))
    assert make.told() == [
        [("alert", "check_failed", 1)] * 2,
        [("recovered", "check_failed", 1)],
        [("alert", "check_failed", 1)],
    ]


def test_a_run_that_finishes_ends_one_that_was_found_dead(world: Any) -> None:
    make = world()
    make.take(*make.run("abandoned"))
    make.take(*make.run("finished", job="another"))
    make.take(*make.run("finished"))
    assert make.told() == [[("alert", "run_abandoned", 1)], [("recovered", "run_abandoned", 1)]]


def test_what_passes_later_in_the_same_run_is_said_with_it(world: Any) -> None:
    make = world()
    make.take(*make.write(failed("a")), kind="facts")
    make.take(*make.write(passed("a")))
    make.take(*make.write(passed("a")))
    assert make.told() == [[("alert", "check_failed", 1)]]
    make.take(*make.write(failed("a")))
    assert make.told() == [[("alert", "check_failed", 1)]]


def test_a_channel_may_not_want_to_hear_of_recoveries(world: Any) -> None:
    make = world(channels={"team": {**SLACK, "recoveries": False}})
    make.take(*make.run("failed"))
    make.take(*make.run("finished"))
    assert make.told() == [[("alert", "run_failed", 1)]]


def test_pagerduty_has_a_message_an_alert(world: Any) -> None:
    make = world(channels={"duty": DUTY})
    make.take(*make.write(failed("a"), failed("b")))
    make.take(*make.write(passed("a"), passed("b")))
    assert make.told("duty") == [[("alert", "check_failed", 1)]] * 2 + [[("recovered", "check_failed", 1)]] * 2


# -- routes ------------------------------------------------------------------------------------------------------------

THREE = {"a": SLACK, "b": SLACK, "c": SLACK}


@pytest.mark.parametrize(
    ("route", "name", "severity", "goes"),
    [
        ({"severity": "error"}, "/lake/gold/x", "error", True),
        ({"severity": "error"}, "/lake/gold/x", "warn", False),
        ({}, "/lake/gold/x", "info", False),
        ({"owners": "team:fin*"}, "/lake/gold/x", "error", True),
        ({"owners": "team:fin*"}, "/lake/silver/x", "error", False),
        ({"datasets": ["*/silver/*", "*/gold/*"]}, "/lake/gold/x", "error", True),
        ({"datasets": ["*/silver/*"]}, "/lake/gold/x", "error", False),
        ({"kinds": "run_failed"}, "/lake/gold/x", "error", False),
        ({"jobs": "sam*", "kinds": ["check_failed"]}, "/lake/gold/x", "error", True),
        ({"jobs": "other"}, "/lake/gold/x", "error", False),
    ],
)
def test_a_route(world: Any, route: dict[str, Any], name: str, severity: str, goes: bool) -> None:
    make = world(channels=THREE, routes=[{**route, "to": "b"}])
    make.take(*make.write(failed("x", severity), name=name))
    assert [len(make.told(sink)) for sink in "abc"] == [0, int(goes), 0]


def test_routes_add_up_until_a_final_one(world: Any) -> None:
    routes = [{"to": "a"}, {"severity": "critical", "to": "b", "final": True}, {"to": "c"}]
    make = world(channels=THREE, routes=routes)
    make.take(*make.write(failed("x", "critical")))
    assert [len(make.told(sink)) for sink in "abc"] == [1, 1, 0]
    make.take(*make.write(failed("y")))
    assert [len(make.told(sink)) for sink in "abc"] == [1, 0, 1]


def test_a_fact_of_a_run_has_no_dataset(world: Any) -> None:
    make = world(routes=[{"datasets": "*", "to": "team"}])
    make.take(*make.run("failed"))
    assert make.told() == []


# -- escalation --------------------------------------------------------------------------------------------------------


def test_the_next_channel_hears_of_what_fails_again_and_again_and_of_its_end(world: Any) -> None:
    steps = [{"after_failures": 3, "to": "b"}, {"after_failures": 4, "to": ["b", "c"]}]
    make = world(channels=THREE, routes=[{"to": "a", "escalate": steps}])
    for _ in range(5):
        make.take(*make.run("failed"))
    assert make.told("a") == [[("alert", "run_failed", 1)]]
    assert make.told("b") == [[("escalated", "run_failed", 3)]]
    assert make.told("c") == [[("escalated", "run_failed", 4)]]
    make.take(*make.run("finished"))
    assert [make.told(sink) for sink in "abc"] == [[[("recovered", "run_failed", 5)]]] * 3


def test_the_next_channel_hears_of_what_lasts_when_anything_else_happens(world: Any) -> None:
    make = world(channels=THREE, routes=[{"to": "a", "escalate": [{"after_s": HOUR, "to": "b"}]}])
    make.take(*make.run("failed"))
    make.later(HOUR / 2)
    make.take(*make.run("finished", job="another"))
    assert make.told("b") == []
    make.later(HOUR / 2)
    make.take(*make.run("finished", job="another"))
    make.take(*make.run("finished", job="another"))
    assert make.told("b") == [[("escalated", "run_failed", 1)]]


# -- what only the store can tell --------------------------------------------------------------------------------------


def numbers(make: World, rows: float | None = None, cost: float | None = None) -> dict[str, Any]:
    subject = ["nightly", None, "file", "/lake/sales"] if cost is None else ["nightly", None, None, None]
    points = {} if rows is None else {"hookline.write.rows": rows}
    return {"subject": subject, "at": make.now.isoformat(), "points": points, "cost": cost}


def remember(make: World, number: int, name: str | None, **points: float) -> None:
    """A run of the past, as the plugin ``metrics`` keeps it."""
    from hookline.core.store.facts import APPLY

    assert make.store is not None
    store, at = make.store.get(), make.now - dt.timedelta(hours=number)
    subject = ["nightly", None, None if name is None else "file", name]
    told = {f"hookline.{key.replace('__', '.')}": value for key, value in points.items()}
    payload = {"subject": subject, "event_id": f"e{number}{name}", "run_id": f"r{number}", "at": at.isoformat()}
    with store.transaction() as connection:
        APPLY["measurement"](store, connection, {**payload, "good": True, "document": {"points": told}})


def take_numbers(make: World, one: dict[str, Any]) -> None:
    message = make.message("end", [])
    message.payload["numbers"] = [one]  # type: ignore[index]
    make.desk.deliver([message])


def test_a_number_that_is_none_of_the_usual_is_told_and_so_is_its_end(world: Any) -> None:
    make = world()
    make.desk = make.new_desk(Watcher(LABELS, make.router, {}))
    for number in range(1, 40):
        remember(make, number, "/lake/sales", write__rows=1_000 + number % 5)
    for rows in (1_003, 12, 12, 1_001):
        take_numbers(make, numbers(make, rows))
    assert make.told() == [[("alert", "anomaly", 1)], [("recovered", "anomaly", 2)]]
    take_numbers(make, numbers(make, 12))
    make.outbox.flush(5)
    (item,) = make.sinks["team"].messages[0].payload["items"]
    assert item["title"].startswith("Unusual in a write to /lake/sales: write.rows is 12; by ")
    assert (item["owner"], item["dataset"]) == ("team:data", "/lake/sales")


def test_a_budget_that_is_spent_is_told_when_it_is_nearly_and_when_it_is_exceeded(world: Any) -> None:
    make = world()
    budget = BudgetConfig(job="night*", amount=100, period="day")
    make.desk = make.new_desk(Watcher(LABELS, make.router, {}, (budget,)))
    remember(make, 1, None, cost__run_dollars=50.0)
    for cost in (20.0, 35.0, 36.0, 60.0):
        take_numbers(make, numbers(make, cost=cost))
    assert make.told() == [[("alert", "budget", 1)], [("repeated", "budget", 3)]]
    make.later(24 * HOUR)
    take_numbers(make, numbers(make, cost=1.0))
    assert make.told() == [[("recovered", "budget", 3)]]


# -- quiet hours -------------------------------------------------------------------------------------------------------


def test_what_may_be_held_does_not_hold_up_what_is_urgent(world: Any) -> None:
    make = world(channels={"team": {**SLACK, "quiet_hours": {"begin": "00:00", "end": "00:00"}}})
    make.sinks["team"].failure = SinkError("held in quiet hours", retry_after_s=60)
    make.take(*make.write(failed("a"), failed("b", "critical")))
    deadline = time.monotonic() + 10.0
    while not make.sinks["team.urgent"].messages and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [item["check"] for item in make.sinks["team.urgent"].messages[0].payload["items"]] == ["b"]
    make.sinks["team"].failure = None
    make.outbox.replay(["team"])
    assert make.told() == [[("alert", "check_failed", 1)]]


# -- nothing lost, nothing twice ---------------------------------------------------------------------------------------


def test_a_desk_that_dies_half_way_does_the_same_again(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from hookline.core.store.alerting import AlertLedger

    make = world()
    message = make.message("end", [*make.write(failed("a")), *make.run("failed")])
    with monkeypatch.context() as patch:
        patch.setattr(AlertLedger, "keep", lambda *_: (_ for _ in ()).throw(RuntimeError("killed")))
        with pytest.raises(RuntimeError, match="killed"):
            make.desk.deliver([message])
    make.desk.deliver([message])
    (items,) = make.told()
    assert sorted(items) == [("alert", "check_failed", 1), ("alert", "run_failed", 1)]


def test_a_channel_that_is_dead_gets_everything_once_and_in_order(world: Any) -> None:
    make = world()
    make.sinks["team"].failure = SinkError("dead")
    for status in ("failed", "finished", "failed"):
        make.take(*make.run(status))
    make.sinks["team"].failure = None
    make.outbox.replay()
    assert [items[0][0] for items in make.told()] == ["alert", "recovered", "alert"]


def test_a_store_that_is_locked_delays_and_one_that_is_away_costs_no_alert(world: Any, tmp_path: Path) -> None:
    make = world()
    make.take(*make.run("finished"))
    with sqlite3.connect(tmp_path / "store.db", isolation_level=None) as other:
        other.execute("DROP TABLE hookline_alert_facts")
    other.close()
    facts = make.write(failed("a"))
    message = make.message("facts", facts)
    with pytest.raises(SinkError, match="alerts wait for the store") as caught:
        make.desk.deliver([message])
    assert caught.value.retryable
    assert make.told() == []
    for attempts in (3, 4):
        late = Message(*(attempts if name == "attempts" else value for name, value in vars(message).items()))
        make.desk.deliver([late])
    make.desk.deliver([make.message("facts", make.write(failed("a")), attempts=9)])
    assert make.told() == [[("alert", "check_failed", 1)]]


def test_what_a_run_had_gathered_that_nobody_saw_die_is_told_by_another(world: Any) -> None:
    make = world()
    make.take(*make.write(failed("a")), kind="facts", group="dead")
    make.later(HOUR / 2)
    make.take(*make.run("failed", job="another"))
    assert make.told() == [[("alert", "run_failed", 1)]]
    make.later(2 * HOUR)
    make.take(*make.run("finished", job="another"))
    make.take(*make.run("finished", job="another"))
    make.outbox.flush(5)
    assert [message.payload["run"]["job"] for message in make.sinks["team"].messages] == ["sample", "nightly"]
    assert sorted(make.told()) == [[("alert", "check_failed", 1)], [("recovered", "run_failed", 1)]]


def test_what_is_gathered_waits_for_a_store_that_is_away_when_the_run_ends(world: Any) -> None:
    make = world()
    make.take(*make.write(failed("a")), kind="facts")
    end = make.message("end", make.run("finished"), attempts=9)
    away = Desk("alerts", make.outbox, LazyStore("sqlite:////proc/none/store.db"), make.outlets, HOUR)
    with pytest.raises(SinkError, match="alerts wait for the store") as caught:
        away.deliver([end])
    assert caught.value.retryable
    assert make.told() == []
    make.desk.deliver([end])
    assert make.told() == [[("alert", "check_failed", 1)]]


def test_a_message_that_is_no_fact_is_refused_for_good(world: Any) -> None:
    make = world()
    with pytest.raises(SinkError) as caught:
        make.desk.deliver([Message("x", "alerts", "end", {"group": "g"}, "", AT, 0)])
    assert not caught.value.retryable
