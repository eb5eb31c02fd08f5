"""Metrics, events and service checks as DogStatsD gets them: a listener of the suite's own keeps every datagram."""

from __future__ import annotations

import collections
import datetime as dt
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from tests.observability.cloud.conftest import (
    ERROR,
    HOSTILE,
    REFUSAL,
    Listener,
    a_write,
    all_points,
    an_end,
    free_port,
    message,
    points_payload,
)

from hookline.core.errors import SinkError
from hookline.core.events import Dataset, utc_now
from hookline.core.labels import LabelsConfig
from hookline.core.outbox import Outbox
from hookline.observability.datadog.datagrams import check_line, event_line, tags_of
from hookline.observability.datadog.statsd import StatsdSink
from hookline.observability.datadog.telling import check_of_run, event_of_run, event_of_write
from hookline.observability.metrics import CardinalityGuard, Point, metric, points_of_write
from hookline.testing import sample_run, sample_write

AT = utc_now().replace(microsecond=0) - dt.timedelta(minutes=5)
METRIC = re.compile(r"^(hookline\.[a-z0-9_.]+):(-?[0-9.e+-]+)\|([cg])\|#([^|\n]+)\|T([0-9]{10})$")
EVENT = re.compile(r"^_e\{(\d+),(\d+)\}:(.*)\|d:(\d{10})\|k:([^|]*)\|s:hookline\|t:(error|warning|info)\|#([^|]*)$")
CHECK = re.compile(r"^_sc\|hookline\.run\|([0-3])\|d:(\d{10})\|#([^|]*)\|m:([^|]*)$")


def rows(value: float, at: dt.datetime = AT, **tags: str) -> Point:
    return Point(metric("hookline.write.rows"), value, at, {"env": "prod", "job": "etl"} | tags)


def sink(listener: Listener, environment: str | None = None, *, historical: bool = False) -> StatsdSink:
    return StatsdSink(listener.url, environment, historical=historical)


def send(listener: Listener, *points: Point, **options: Any) -> list[str]:
    sink(listener, **options).deliver([message(points_payload(points))])
    return listener.wait_for(1)


def test_every_metric_comes_with_its_value_its_tags_and_its_own_time(listener: Listener) -> None:
    points = all_points(AT)
    sink(listener).deliver([message(points_payload(points))])
    lines = listener.wait_for(len(points))
    found = [METRIC.match(line) for line in lines]
    assert all(found), lines
    assert {one[1] for one in found if one} == {point.name for point in points}
    assert {one[5] for one in found if one} == {str(int(AT.timestamp()))}
    duration = next(one for one in found if one and one[1] == "hookline.write.duration_s")
    assert (duration[2], duration[3]) == ("0.5", "g")
    tags = "cost_center:4711,dataset:/lake/gold/orders,env:prod,job:sample,layer:gold,operation:append,owner:sales"
    assert duration[4] == tags


def test_a_burst_arrives_whole(listener: Listener) -> None:
    points = [rows(1, dataset=f"/lake/{number}") for number in range(2_000)]
    messages = [message(points_payload(points[begin : begin + 100]), id=str(begin)) for begin in range(0, 2_000, 100)]
    sink(listener).deliver(messages)
    assert len(listener.wait_for(2_000)) == 2_000
    assert max(map(len, listener.packets)) <= 1_432


def test_the_environment_is_one_tag_wherever_it_comes_from(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DD_ENV", "elsewhere")
    with_own = Point(metric("hookline.run.reads"), 1, AT, {"env": "prod", "job": "a"})
    without = Point(metric("hookline.run.reads"), 1, AT, {"job": "b"})
    sink(listener, "prod").deliver([message(points_payload([with_own, without]))])
    for line in listener.wait_for(2):
        assert line.count("env:") == 1
        assert "env:prod" in line


def test_points_of_one_second_are_not_lost(listener: Listener) -> None:
    duration = Point(metric("hookline.write.duration_s"), 1, AT, {"job": "etl"})
    longer = Point(metric("hookline.write.duration_s"), 4, AT, {"job": "etl"})
    one = sink(listener)
    one.deliver([message(points_payload([rows(2), longer, rows(3), duration]))])
    one.deliver([message(points_payload([rows(7)]))])
    second = int(AT.timestamp())
    told = [match.groups() for line in listener.wait_for(3) if (match := METRIC.match(line))]
    assert [(name.removeprefix("hookline."), value, int(at) - second) for name, value, _, _, at in told] == [
        ("write.rows", "5", 0),
        ("write.duration_s", "4", 0),
        ("write.rows", "7", 1),
    ]


def test_a_tag_with_too_many_values_is_told_as_other() -> None:
    guard = CardinalityGuard(most=3)
    points = [
        point
        for number in range(10)
        for point in points_of_write(
            sample_write(dataset=Dataset("file", f"/t{number}")), sample_run(), LabelsConfig(), guard=guard
        )
    ]
    values = collections.Counter(point.tags["dataset"] for point in points)
    assert len(values) == 4
    assert "(other)" in values


def test_metrics_go_through_a_unix_socket_as_well(tmp_path: Path) -> None:
    place = tmp_path / "dsd.socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as agent:
        agent.bind(str(place))
        StatsdSink(f"unix://{place}", None, historical=False).deliver([message(points_payload([rows(2)]))])
        assert METRIC.match(agent.recv(9_000).decode())
    with pytest.raises(SinkError, match="can't be reached"):
        StatsdSink(f"unix://{place}", None, historical=False).deliver([message(points_payload([rows(2)]))])


def test_an_agent_at_the_second_address_of_a_name_is_found(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    port = listener.socket.getsockname()[1]
    dead = (socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.1", free_port()))
    good = (socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.1", port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [dead, good])
    StatsdSink("udp://localhost:8125", None, historical=False).deliver([message(points_payload([rows(2)]))])
    assert len(listener.wait_for(1)) == 1


def test_a_dead_agent_is_noticed_and_gets_all_of_it_in_order_when_it_is_back(outbox: Outbox) -> None:
    port = free_port()
    outbox.register("statsd", StatsdSink(f"udp://127.0.0.1:{port}", None, historical=False))
    for number in range(1, 4):
        at = AT + dt.timedelta(seconds=number)
        outbox.put("statsd", points_payload([rows(number, at)]), kind="points", id=str(number), order_key="etl")
    deadline = time.monotonic() + 10
    while outbox.status()[0].failures < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert outbox.status()[0].pending == 3
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", port))
        agent.settimeout(10)
        assert outbox.replay(deadline_s=10) == 0
        lines: list[str] = []
        while len(lines) < 3:
            lines += agent.recv(9_000).decode().split("\n")
    assert [match[2] for line in lines if (match := METRIC.match(line))] == ["1", "2", "3"]


def test_what_is_older_than_datadog_takes_is_refused_with_the_reason(listener: Listener) -> None:
    old = rows(1, utc_now() - dt.timedelta(hours=2))
    with pytest.raises(SinkError, match="older than 59 minutes") as told:
        send(listener, old)
    assert not told.value.retryable
    assert send(listener, old, historical=True)
    event = event_of_run(an_end(finished_at=utc_now() - dt.timedelta(hours=20)), sample_run(), LabelsConfig(), None)
    with pytest.raises(SinkError, match="older than 18 hours"):
        sink(listener).deliver([message(event, "event")])


def test_a_line_that_is_too_long_is_refused_and_not_cut(listener: Listener) -> None:
    tags = {f"tag{number}": "x" * 120 for number in range(80)}
    with pytest.raises(SinkError, match="too many tags") as told:
        send(listener, rows(1, **tags))
    assert not told.value.retryable


def test_failures_and_refusals_are_events_and_a_runs_end_is_a_check(listener: Listener) -> None:
    run, labels = sample_run(environment="prod"), LabelsConfig(owner="sales", tags={"cost_center": "4711", "env": "x"})
    failed = an_end(status="failed", error=ERROR)
    one = sink(listener, "prod")
    one.deliver([message(event_of_write(a_write(published=False, error=REFUSAL), run, labels, "prod"), "event")])
    one.deliver([message(event_of_run(failed, run, labels, "prod"), "event")])
    one.deliver([message(check_of_run(failed, run, labels, "prod"), "check")])
    one.deliver([message(check_of_run(an_end(), run, labels, "prod"), "check")])
    refused, ended, bad, good = listener.wait_for(4)
    told = EVENT.match(refused)
    assert told, refused
    assert "sample: write refused|file" in refused or "sample: write refused|/lake/gold/orders: ids: 3 rows" in refused
    assert told[7] == "cost_center:4711,dataset:/lake/gold/orders,env:prod,job:sample,layer:gold,owner:sales"
    title, _, text = told[3].partition("|")
    assert (len(title), len(text)) == (int(told[1]), int(told[2]))
    assert "ValueError" in ended
    assert [CHECK.match(line)[1] for line in (bad, good)] == ["2", "0"]  # type: ignore[index]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_breaks_no_line(name: str, listener: Listener) -> None:
    run, labels = sample_run(job=name, environment=name), LabelsConfig(owner="o", tags={"team": "a|b,c\nd"})
    write = a_write(dataset=Dataset("file", name), published=False)
    points = points_of_write(write, run, labels)
    event = message(event_of_write(write, run, labels, name), "event", "2")
    check = message(check_of_run(an_end(), run, labels, name), "check", "3")
    sink(listener, name).deliver([message(points_payload(points)), event, check])
    *lines, told, checked = listener.wait_for(len(points) + 2)
    assert all(map(METRIC.match, lines)), lines
    assert EVENT.match(told), told
    assert CHECK.match(checked), checked


def test_text_has_no_line_breaks_and_its_length_is_in_bytes() -> None:
    event = {
        "title": "a\nb|c",
        "text": "größe\n" * 500,
        "at": AT.isoformat(),
        "level": "error",
        "key": "k|1",
        "tags": ["a:b"],
    }
    found = EVENT.match(event_line(event))
    assert found
    title, _, text = found[3].partition("|")
    assert (title, len(text.encode())) == ("a?b_c", int(found[2]))
    check = {"name": "hookline.run", "status": 2, "at": AT.isoformat(), "message": "m:\n|", "tags": ["a:b"]}
    assert CHECK.match(check_line(check))
    assert tags_of({"b": "2", "a": "1", "c": ""}, None) == ("a:1", "b:2")


@pytest.mark.parametrize("payload", [{}, {"points": [1]}, {"at": "?"}, {"at": AT.isoformat()}])
@pytest.mark.parametrize("kind", ["points", "event", "check"])
def test_a_payload_of_another_version_is_refused_for_good(
    kind: str, payload: dict[str, Any], listener: Listener
) -> None:
    with pytest.raises(SinkError) as told:
        sink(listener).deliver([message(payload, kind)])
    assert not told.value.retryable


def test_a_host_that_there_is_not_is_told_in_words() -> None:
    with pytest.raises(SinkError, match="can't be reached"):
        StatsdSink("udp://no.such.host.invalid:8125", None, historical=False).deliver(
            [message(points_payload([rows(1)]))]
        )
