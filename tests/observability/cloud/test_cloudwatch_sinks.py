"""What the outbox delivers to CloudWatch, in good times and bad: moto keeps it, and a server in between misbehaves."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.observability.cloud.conftest import Moody, all_points, free_port, message, points_payload

from hookline.core.errors import SinkError
from hookline.core.events import utc_now
from hookline.core.outbox import Outbox
from hookline.observability.cloudwatch.client import Client
from hookline.observability.cloudwatch.options import CloudWatchOptions
from hookline.observability.cloudwatch.sinks import EmfSink, LogsSink, MetricsSink, log_event
from hookline.observability.metrics import Point, metric

pytestmark = pytest.mark.server
AT = utc_now().replace(microsecond=0) - dt.timedelta(minutes=5)
Make = Callable[..., Moody]


def options(url: str, **more: Any) -> CloudWatchOptions:
    return CloudWatchOptions(**({"region": "eu-west-1", "endpoint_url": url, "timeout_s": 0.5} | more))


def rows(value: float, at: dt.datetime = AT) -> dict[str, Any]:
    return points_payload([Point(metric("hookline.write.rows"), value, at, {"env": "prod", "job": "etl"})])


def total(client: Any, name: str = "hookline.write.rows", statistic: str = "Sum", **dimensions: str) -> list[float]:
    wanted = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    query = {"Metric": {"Namespace": "Hookline", "MetricName": name, "Dimensions": wanted}}
    asked = [{"Id": "a", "MetricStat": {**query, "Period": 86_400, "Stat": statistic}}]
    day = dt.timedelta(days=1)
    found = client.get_metric_data(StartTime=AT - day, EndTime=AT + day, MetricDataQueries=asked)
    return [float(value) for value in found["MetricDataResults"][0]["Values"]]


def record(number: int, at: dt.datetime | None = None) -> dict[str, Any]:
    when = (at or AT + dt.timedelta(seconds=number)).isoformat()
    return {"stream": "etl", "events": [log_event(when, {"number": number})]}


def logged(client: Any, group: str = "/hookline/test") -> list[int]:
    found = client.filter_log_events(logGroupName=group)["events"]
    return [json.loads(event["message"])["number"] for event in found]


def test_every_point_is_there_with_its_dimensions_and_its_totals(moto: Any, moto_url: str) -> None:
    points = all_points(AT)
    MetricsSink(options(moto_url)).deliver([message(points_payload(points)), message(points_payload(points), id="2")])
    client = moto("cloudwatch")
    listed = client.get_paginator("list_metrics").paginate(Namespace="Hookline")
    assert {one["MetricName"] for page in listed for one in page["Metrics"]} == {point.name for point in points}
    assert total(client, env="prod") == total(client, env="prod", job="sample") == [6]
    assert total(client, "hookline.write.duration_s", "Average", env="prod") == [0.5]


def test_emf_is_in_its_group_as_json(moto: Any, moto_url: str) -> None:
    EmfSink(options(moto_url)).deliver([message(points_payload(all_points(AT)))])
    events = moto("logs").filter_log_events(logGroupName="/hookline/metrics")["events"]
    told = [json.loads(event["message"]) for event in events]
    assert {"hookline.write.rows": 3} in [{key: one[key]} for one in told for key in one if key.endswith("write.rows")]
    assert {event["timestamp"] for event in events} == {int(AT.timestamp() * 1000)}


def test_records_are_in_a_stream_of_the_job_in_order_and_the_group_forgets_them(moto: Any, moto_url: str) -> None:
    sink = LogsSink(options(moto_url, log_retention_days=30), "/hookline/test")
    sink.deliver([message(record(number), "record", str(number)) for number in (2, 1, 3)])
    sink.deliver([message(record(4), "record", "4")])
    client = moto("logs")
    assert logged(client) == [1, 2, 3, 4]
    assert client.describe_log_groups()["logGroups"][0]["retentionInDays"] == 30
    assert [
        one["logStreamName"] for one in client.describe_log_streams(logGroupName="/hookline/test")["logStreams"]
    ] == ["etl"]


def test_log_events_of_two_days_are_two_requests(moody: Make, moto: Any, moto_url: str) -> None:
    between = moody(moto_url)
    sink = LogsSink(options(between.url), "/hookline/test")
    sink.deliver([message(record(1), "record", "1")])
    before = len(between.seen)
    old, new = record(2, AT - dt.timedelta(days=2)), record(3)
    sink.deliver([message(old, "record", "2"), message(new, "record", "3")])
    assert len(between.seen) - before == 2


MOODS: dict[str, Any] = {
    "slow": 1.0,
    "cut off": "cut",
    "throttled": (400, {"Retry-After": "0"}, b'{"__type":"ThrottlingException","message":"secret-arn"}'),
    "too many": (429, {}, b""),
    "broken": (503, {}, b"<html>"),
    "refused": (403, {}, b'{"__type":"AccessDeniedException","message":"secret-arn"}'),
    "a page": (200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html>please log in</html>"),
    "nonsense": (500, {"Content-Type": "application/json"}, b"\xff\xfe{not json"),
}


@pytest.mark.parametrize("mood", MOODS, ids=str)
def test_a_back_end_in_trouble_gets_everything_once_and_in_order_later(
    mood: str, moody: Make, moto: Any, moto_url: str, outbox: Outbox
) -> None:
    between = moody(moto_url)
    between.mood = MOODS[mood]
    outbox.register("metrics", MetricsSink(options(between.url)))
    outbox.register("logs", LogsSink(options(between.url), "/hookline/test"))
    for number in range(1, 6):
        outbox.put("metrics", rows(number), kind="points", id=f"m{number}", order_key="etl")
        outbox.put("logs", record(number), kind="record", id=f"l{number}", order_key="etl")
    deadline = time.monotonic() + 20
    while min(sink.failures for sink in outbox.status()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    waiting = {sink.name: sink for sink in outbox.status()}
    assert {name: sink.pending for name, sink in waiting.items()} == {"metrics": 5, "logs": 5}
    assert all("secret-arn" not in str(sink.last_error) for sink in waiting.values())
    assert sum(sink.dead for sink in waiting.values()) == 0
    between.mood = "well"
    assert outbox.replay(deadline_s=20) == 0
    assert total(moto("cloudwatch"), env="prod") == [15]
    assert logged(moto("logs")) == [1, 2, 3, 4, 5]


def test_answers_that_are_late_count_once(moody: Make, moto: Any, moto_url: str, outbox: Outbox) -> None:
    between = moody(moto_url)
    between.mood = dt.timedelta(seconds=0.25)
    outbox.register("metrics", MetricsSink(options(between.url, timeout_s=10.0)))
    for number in range(1, 6):
        outbox.put("metrics", rows(number), kind="points", id=f"m{number}", order_key="etl")
    assert outbox.flush(20) == 0
    assert outbox.status()[0].failures == 0
    assert total(moto("cloudwatch"), env="prod") == [15]


def test_a_dead_back_end_keeps_everything(outbox: Outbox) -> None:
    outbox.register("metrics", MetricsSink(options(f"http://127.0.0.1:{free_port()}")))
    outbox.put("metrics", rows(1), kind="points", id="1", order_key="etl")
    deadline = time.monotonic() + 20
    while not (status := outbox.status()[0]).failures:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert status.pending == 1
    assert "can't be reached" in str(status.last_error)


def test_what_is_too_old_is_kept_with_the_reason_and_holds_up_nothing(moto: Any, moto_url: str, outbox: Outbox) -> None:
    outbox.register("metrics", MetricsSink(options(moto_url)))
    outbox.register("logs", LogsSink(options(moto_url), "/hookline/test"))
    old = utc_now() - dt.timedelta(days=15)
    for number, at in enumerate((AT, old, AT)):
        outbox.put("metrics", rows(1, at), kind="points", id=f"m{number}", order_key="etl")
        outbox.put("logs", record(number, at), kind="record", id=f"l{number}", order_key="etl")
    assert outbox.flush(20) == 0
    assert [status.dead for status in outbox.status()] == [1, 1]
    assert all("older than" in str(status.last_error) for status in outbox.status())
    assert all("older than 14 days" in problem for problem in outbox.problems()), outbox.problems()
    assert total(moto("cloudwatch"), env="prod") == [2]
    assert sorted(logged(moto("logs"))) == [0, 2]


def test_what_is_ahead_of_the_clock_waits(moto_url: str) -> None:
    with pytest.raises(SinkError, match="ahead") as told:
        MetricsSink(options(moto_url)).deliver([message(rows(1, utc_now() + dt.timedelta(hours=3)))])
    assert told.value.retryable
    assert told.value.retry_after_s == pytest.approx(3_660, abs=5)


def test_a_request_that_fails_after_others_arrived_sends_only_the_rest(moody: Make, moto: Any, moto_url: str) -> None:
    between = moody(moto_url)
    sink = MetricsSink(options(between.url))
    tags = {"env": "prod", "job": "etl"}
    many = [Point(metric("hookline.write.rows"), 1, AT, {**tags, "dataset": f"/lake/{n}"}) for n in range(300)]
    parts = [message(points_payload(many[begin : begin + 100]), id=str(begin)) for begin in (0, 100, 200)]
    hand_on = between._hand_on

    def fail_at_second(*arguments: Any) -> Any:
        return hand_on(*arguments) if len(between.seen) != 2 else (503, {}, b"")

    between._hand_on = fail_at_second  # type: ignore[method-assign]
    sink._options = sink._options.model_copy(update={"rollups": True})
    import hookline.observability.cloudwatch.sinks as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_DATUMS", 150)
        with pytest.raises(SinkError, match="503"):
            sink.deliver(parts)
        sink.deliver(parts)
    assert total(moto("cloudwatch"), env="prod") == [300]


@pytest.mark.parametrize("key", ["tooOldLogEventEndIndex", "expiredLogEventEndIndex", "tooNewLogEventStartIndex"])
def test_an_answer_that_leaves_events_out_loses_none(key: str, moody: Make, outbox: Outbox) -> None:
    server = moody()
    index = {"tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}[key]
    partial = json.dumps({"rejectedLogEventsInfo": {key: index}}).encode()
    accepted: list[int] = []

    def answer(_method: str, _path: str, _headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        numbers = [json.loads(event["message"])["number"] for event in json.loads(body)["logEvents"]]
        left_out = {1} if index == 1 else {3}
        accepted.extend(number for number in numbers if number not in left_out)
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, partial if left_out & {*numbers} else b"{}"

    server._hand_on = answer  # type: ignore[method-assign]
    for number in (1, 2, 3):
        outbox.put("logs", record(number), kind="record", id=str(number), order_key="etl")
    outbox.register("logs", LogsSink(options(server.url), "/hookline/test"), linger_s=0.2)
    assert outbox.flush(10) == 0
    (status,) = outbox.status()
    assert status.dead == 1
    assert "left out" in str(status.last_error)
    assert {*accepted} == {1, 2, 3} - ({1} if index == 1 else {3})
    assert len(accepted) <= 3


@pytest.mark.parametrize(
    "payload", [{}, {"points": [{"metric": "hookline.no.such"}]}, {"points": [1]}, {"events": [{"at": "?"}]}]
)
def test_a_payload_of_another_version_is_refused_for_good(payload: dict[str, Any], moto_url: str) -> None:
    for sink in (
        MetricsSink(options(moto_url)),
        EmfSink(options(moto_url)),
        LogsSink(options(moto_url), "/hookline/x"),
    ):
        with pytest.raises(SinkError) as told:
            sink.deliver([message(payload)])
        assert not told.value.retryable


def test_a_long_record_is_shortened_to_what_an_event_may_be() -> None:
    event = log_event(AT.isoformat(), {"message": "m", "failed_checks": [{"check": "x" * 400_000}]})
    assert json.loads(event["text"]) == {"message": "m", "shortened": True}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"region": None}, "no region"),
        ({"profile": "nobody"}, "no such profile"),
        ({"endpoint_url": "nonsense"}, "can't be"),
    ],
)
def test_a_wrong_configuration_is_told_in_words(
    more: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SinkError, match=words) as told:
        Client("cloudwatch", CloudWatchOptions(**({"region": "eu-west-1", "timeout_s": 0.5} | more))).call(
            "list_dashboards"
        )
    assert told.value.retryable


def test_credentials_that_are_missing_are_told_in_words(monkeypatch: pytest.MonkeyPatch, moto_url: str) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with pytest.raises(SinkError, match="no credentials"):
        Client("cloudwatch", options(moto_url)).call("list_dashboards")
