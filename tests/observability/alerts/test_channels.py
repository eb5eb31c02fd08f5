"""Each channel against a server of its kind: what arrives, and what follows from every kind of trouble."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import hashlib
import hmac
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from hookline.core.errors import SinkError
from hookline.core.events import content_id
from hookline.core.outbox import Message
from hookline.observability.alerts.channels.base import ChannelSink
from hookline.observability.alerts.channels.making import make_channel
from hookline.observability.alerts.channels.slack import message as slack_message
from hookline.observability.alerts.options import Channel, QuietHours

AT = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.timezone.utc)
HOSTILE = "<!channel> *bold* `x`\r\nBcc: evil@example.com\u202e\x1b[31m <https://evil|ok> &amp; " + "n" * 10_000
ID = content_id("a message")


def options(**given: Any) -> Any:
    return TypeAdapter(Channel).validate_python(given)


def channel(folder: Path = Path(), **given: Any) -> Any:
    return make_channel(options(**given), folder)


def item(**changes: Any) -> dict[str, Any]:
    told = {
        "news": "alert",
        "key": "k" * 32,
        "kind": "check_failed",
        "severity": "error",
        "title": "Check unique(id) on /lake/sales failed: 3 of 10 rows",
        "dataset": "/lake/sales",
        "owner": "team:sales",
        "job": "nightly",
        "environment": "prod",
        "check": "unique(id)",
        "failing_rows": 3,
        "failures": 1,
        "opened_at": AT.isoformat(),
        "recovered": False,
    }
    return told | changes


def payload(*items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    run = {"run_id": "0d3c1b2a-5f6e-4d7c-8b9a-0a1b2c3d4e5f", "job": "nightly", "environment": "prod"}
    told = {"version": 1, "severity": "error", "run": run, "at": AT.isoformat(), "left_out": 0}
    return {**told, "items": list(items) or [item()], **changes}


# -- Slack -------------------------------------------------------------------------------------------------------------


def test_slack_gets_blocks(backend: Any) -> None:
    wrong = [item(), item(news="escalated", severity="critical", failures=3), item(news="recovered", recovered=True)]
    later = (AT + dt.timedelta(hours=2)).isoformat()
    assert channel(type="slack", webhook_url=backend.url).send(payload(*wrong, at=later, left_out=7), ID) == "ok"
    (request,) = backend.taken
    blocks = request.json["blocks"]
    assert [block["type"] for block in blocks] == ["header", "section", "section", "section", "section", "context"]
    assert blocks[0]["text"]["text"] == "🟠 escalated, error: 9 alerts in a run of nightly (prod)"
    texts = [block["text"]["text"] for block in blocks[1:5]]
    assert texts[0] == "🟠 Check unique(id) on /lake/sales failed: 3 of 10 rows [team:sales]"
    assert texts[1].startswith("🔴 not over: Check")
    assert "; 3 times in 2 h 00 min" in texts[1]
    assert texts[2].startswith("🟢 over: Check")
    assert "; since 2 h 00 min" in texts[2]
    assert texts[3] == "… and 7 more"
    assert "2026-03-02 14:00:00 UTC" in blocks[5]["elements"][0]["text"]


def test_slack_reads_no_markup_in_names_and_takes_the_longest() -> None:
    hostile = [item(title=HOSTILE, owner=HOSTILE) for _ in range(60)]
    run = {"run_id": HOSTILE, "job": HOSTILE, "environment": HOSTILE}
    made = slack_message(payload(*hostile, run=run))
    assert len(made["blocks"]) <= 50
    texts = [block["text"] for block in made["blocks"][:-1]] + made["blocks"][-1]["elements"]
    assert {text["type"] for text in texts} == {"plain_text"}
    assert len(made["blocks"][0]["text"]["text"]) <= 150
    assert all(len(text["text"]) <= 3_000 for text in texts)
    assert "<" not in made["text"]
    for text in [made["text"], *(text["text"] for text in texts)]:
        assert not set("\r\n\u202e\x1b") & set(text)


@pytest.mark.parametrize(
    ("answer", "retryable", "wait_s"),
    [
        ((429, {"Retry-After": "17"}, b""), True, 17.0),
        ((503, {}, b""), True, None),
        ((403, {}, b"invalid_token SECRETPATH"), True, None),
        ((404, {}, b"no_service"), True, None),
        ((400, {}, b"invalid_blocks"), False, None),
        ((200, {"Content-Type": "text/html"}, b"<html>log in</html>"), True, None),
        ((200, {}, b'{"ok": false}'), True, None),
        ((302, {"Location": "http://127.0.0.1/login"}, b""), True, None),
    ],
)
def test_slack_in_trouble(backend: Any, answer: Any, retryable: bool, wait_s: float | None) -> None:
    backend.trouble = [answer]
    with pytest.raises(SinkError) as caught:
        channel(type="slack", webhook_url=backend.url).send(payload(), ID)
    assert (caught.value.retryable, caught.value.retry_after_s) == (retryable, wait_s)
    assert "SECRETPATH" not in str(caught.value)
    assert f"127.0.0.1:{backend.port}" in str(caught.value)


def trickle(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(400):
        handler.wfile.write(b"o")
        handler.wfile.flush()
        time.sleep(0.05)


@pytest.mark.parametrize(
    "trouble",
    [
        lambda handler: time.sleep(8.0),
        lambda handler: handler.connection.shutdown(socket.SHUT_RDWR),
        lambda handler: handler.wfile.write(b"\x00\xff no HTTP\r\n\r\n"),
        trickle,
    ],
)
def test_an_answer_that_is_none(backend: Any, trouble: Any) -> None:
    backend.trouble = [trouble]
    began = time.monotonic()
    with pytest.raises(SinkError) as caught:
        channel(type="slack", webhook_url=backend.url, timeout_s=0.3).send(payload(), ID)
    assert caught.value.retryable
    assert time.monotonic() - began < 6.0
    assert "SECRETPATH" not in str(caught.value)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/SECRETPATH"
    with pytest.raises(SinkError, match="can't be reached \\(ConnectionRefusedError\\)") as caught:
        channel(type="webhook", webhook_url=url).send(payload(), ID)
    assert "SECRETPATH" not in str(caught.value)


# -- webhooks ----------------------------------------------------------------------------------------------------------


def test_a_webhook_is_signed(backend: Any) -> None:
    given = {"signing_secret": "s3cret", "headers": {"Authorization": "Bearer t0ken"}}
    assert channel(type="webhook", webhook_url=backend.url, **given).send(payload(), ID) == "HTTP 200"
    (request,) = backend.taken
    at, _, told = request.headers["X-Hookline-Signature"].partition(",")
    wanted = hmac.new(b"s3cret", f"{at[2:]}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert told == f"v1={wanted}"
    assert abs(int(at[2:]) - time.time()) < 60
    assert request.headers["X-Hookline-Delivery"] == request.json["id"] == ID
    assert request.headers["Authorization"] == "Bearer t0ken"
    assert request.json["items"][0]["check"] == "unique(id)"
    assert request.json["headline"].startswith("🟠 error: 1 alert")


# -- PagerDuty ---------------------------------------------------------------------------------------------------------


def test_pagerduty_triggers_and_resolves(backend: Any) -> None:
    backend.answer = (202, {}, b'{"status": "success"}')
    duty = channel(type="pagerduty", routing_key="R0UTING", webhook_url=backend.url)
    assert duty.send(payload(item(title=HOSTILE, severity="warn")), ID) == "accepted (HTTP 202)"
    duty.send(payload(item(news="recovered", recovered=True)), ID)
    duty.send(payload(item(recovered=True)), ID)
    told = [request.json for request in backend.taken]
    assert [event["event_action"] for event in told] == ["trigger", "resolve", "trigger", "resolve"]
    assert {event["dedup_key"] for event in told} == {"k" * 32}
    assert {event["routing_key"] for event in told} == {"R0UTING"}
    trigger = told[0]["payload"]
    assert (trigger["severity"], trigger["source"], trigger["component"]) == ("warning", "/lake/sales", "nightly")
    assert len(trigger["summary"]) <= 1_024
    assert "\n" not in trigger["summary"]
    assert trigger["custom_details"]["failing_rows"] == 3


# -- mail --------------------------------------------------------------------------------------------------------------


def mail_channel(mailbox: Any, certificate: Path, **changes: Any) -> Any:
    given = {
        "type": "email",
        "host": "127.0.0.1",
        "port": mailbox.port,
        "ca_file": certificate.name,
        "username": "hookline",
        "password": "p@ss",
        "sender": "hookline@example.com",
        "to": ["a@example.com", "b@example.com"],
        "timeout_s": 5,
    }
    return channel(certificate.parent, **{**given, **changes})


def test_mail_with_starttls_and_a_login(mailbox: Any, certificate: Path) -> None:
    answer = mail_channel(mailbox, certificate).send(payload(item(), item(title=HOSTILE)), ID)
    assert answer == "accepted for 2 of 2 recipients"
    ((recipients, content),) = mailbox.mails
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert recipients == ["a@example.com", "b@example.com"]
    assert mail["Subject"] == "🟠 error: 2 alerts in a run of nightly (prod)"
    assert mail["Message-ID"] == f"<{ID}@example.com>"
    assert mail["Bcc"] is None
    body = mail.get_content()
    assert "Check unique(id) on /lake/sales failed: 3 of 10 rows [team:sales]" in body
    assert "\nBcc:" not in body


def test_a_hostile_job_makes_no_header(mailbox: Any, certificate: Path) -> None:
    run = {"run_id": HOSTILE, "job": HOSTILE, "environment": HOSTILE}
    mail_channel(mailbox, certificate).send(payload(run=run), ID)
    mail = email.message_from_bytes(mailbox.mails[0][1], policy=email.policy.default)
    assert mail["Bcc"] is None
    assert "<!channel>" in mail["Subject"]


def test_recipients_that_are_refused_for_now_are_tried_again_alone(mailbox: Any, certificate: Path) -> None:
    mailbox.refused = {"b@example.com": "450 later"}
    post = mail_channel(mailbox, certificate)
    with pytest.raises(SinkError, match=r"refused 1 of 2 recipients \(450\)") as caught:
        post.send(payload(), ID)
    assert caught.value.retryable
    mailbox.refused = {}
    post.send(payload(), ID)
    assert [recipients for recipients, _ in mailbox.mails] == [["a@example.com"], ["b@example.com"]]
    post.send(payload(), content_id("another"))
    assert mailbox.mails[-1][0] == ["a@example.com", "b@example.com"]


@pytest.mark.parametrize(
    ("refused", "down", "changes", "retryable", "told"),
    [
        ({"a@example.com": "550 no", "b@example.com": "550 no"}, None, {}, False, "refused 2 of 2 recipients"),
        ({"a@example.com": "550 no"}, None, {}, False, "refused 1 of 2 recipients"),
        ({}, "451 busy", {}, True, "451"),
        ({}, None, {"password": "wr0ng"}, True, "refuses the login"),
        ({}, None, {"ca_file": None}, True, "did not take mail"),
        ({}, None, {"port": 1}, True, "did not take mail"),
    ],
)
def test_mail_in_trouble(
    mailbox: Any,
    certificate: Path,
    refused: dict[str, str],
    down: str | None,
    changes: dict[str, Any],
    retryable: bool,
    told: str,
) -> None:
    mailbox.refused, mailbox.down = refused, down
    with pytest.raises(SinkError, match=told) as caught:
        mail_channel(mailbox, certificate, **changes).send(payload(), ID)
    assert caught.value.retryable is retryable
    assert "wr0ng" not in str(caught.value)


# -- SNS ---------------------------------------------------------------------------------------------------------------

TOPIC = "arn:aws:sns:eu-west-1:123456789012:alerts"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("botocore")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def answer_of_sns(status: int, body: str) -> Any:
    return status, {"Content-Type": "text/xml"}, body.encode()


PUBLISHED = "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>"


@pytest.mark.usefixtures("aws")
def test_sns_publishes(backend: Any) -> None:
    from urllib.parse import parse_qs

    backend.answer = answer_of_sns(200, PUBLISHED)
    for topic in (TOPIC, f"{TOPIC}.fifo"):
        topic_channel = channel(type="sns", topic_arn=topic, endpoint_url=f"http://127.0.0.1:{backend.port}")
        assert topic_channel.send(payload(item(title=HOSTILE)), ID) == "published m-1"
    plain, fifo = (parse_qs(request.body.decode()) for request in backend.taken)
    assert plain["TopicArn"] == [TOPIC]
    assert plain["Subject"][0].isascii()
    assert plain["Subject"] == ["error: 1 alert in a run of nightly (prod)"]
    assert "Check" not in plain["Subject"][0]
    assert "MessageDeduplicationId" not in plain
    assert fifo["MessageDeduplicationId"] == [ID]


@pytest.mark.parametrize(
    ("code", "status", "retryable"),
    [("Throttling", 400, True), ("AuthorizationError", 403, True), ("InvalidParameter", 400, False)],
)
@pytest.mark.usefixtures("aws")
def test_sns_in_trouble(backend: Any, code: str, status: int, retryable: bool) -> None:
    error = f"<ErrorResponse><Error><Code>{code}</Code><Message>{TOPIC}</Message></Error></ErrorResponse>"
    backend.answer = answer_of_sns(status, error)
    with pytest.raises(SinkError, match=code) as caught:
        channel(type="sns", topic_arn=TOPIC, endpoint_url=f"http://127.0.0.1:{backend.port}").send(payload(), ID)
    assert caught.value.retryable is retryable
    assert backend.asked == 1, "the outbox tries again, not the client"


# -- what every channel does -------------------------------------------------------------------------------------------


def as_message(created_at: dt.datetime) -> Message:
    return Message(ID, "alerts.team", "alert", json.loads(json.dumps(payload())), "", created_at, 0)


def test_what_is_too_old_is_refused_for_good(backend: Any) -> None:
    given = options(type="slack", webhook_url=backend.url, max_age_s=3_600)
    sink = ChannelSink(lambda: make_channel(given, Path()), given, clock=lambda: AT)
    with pytest.raises(SinkError, match="2 h old, which is too old") as caught:
        sink.deliver([as_message(AT - dt.timedelta(hours=2))])
    assert not caught.value.retryable
    sink.deliver([as_message(AT - dt.timedelta(minutes=50))])
    assert len(backend.taken) == 1


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-02T20:59:00+00:00", None),
        ("2026-03-02T21:00:00+00:00", "2026-03-03T06:00:00+00:00"),
        ("2026-03-03T05:59:59+00:00", "2026-03-03T06:00:00+00:00"),
        ("2026-03-03T06:00:00+00:00", None),
        ("2026-03-07T03:00:00+00:00", "2026-03-07T06:00:00+00:00"),  # Saturday, begun on Friday
        ("2026-03-07T23:00:00+00:00", None),  # begun on Saturday
        ("2026-03-28T23:00:00+00:00", None),
        ("2026-03-30T20:30:00+00:00", "2026-03-31T05:00:00+00:00"),  # in summer
    ],
)
def test_quiet_hours_in_a_zone(now: str, until: str | None) -> None:
    working = ["mon", "tue", "wed", "thu", "fri"]
    quiet = QuietHours(begin="22:00", end="07:00", time_zone="Europe/Berlin", days=working)
    found = quiet.ends_at(dt.datetime.fromisoformat(now))
    assert (None if found is None else found.isoformat()) == until


def test_a_whole_day_is_quiet() -> None:
    quiet = QuietHours(begin="00:00", end="00:00", days=["sun"])
    assert quiet.ends_at(dt.datetime(2026, 3, 1, 23, 59, tzinfo=dt.timezone.utc)) is not None
    assert quiet.ends_at(dt.datetime(2026, 3, 2, 0, 0, tzinfo=dt.timezone.utc)) is None


def test_what_is_held_comes_afterwards(backend: Any) -> None:
    given = options(type="slack", webhook_url=backend.url, quiet_hours={"begin": "11:00", "end": "13:30"})
    now = AT
    sink = ChannelSink(lambda: make_channel(given, Path()), given, given.quiet_hours, clock=lambda: now)
    with pytest.raises(SinkError, match="held in quiet hours until 2026-03-02 13:30 UTC") as caught:
        sink.deliver([as_message(AT)])
    assert (caught.value.retryable, caught.value.retry_after_s) == (True, 5_400.0)
    now = AT + dt.timedelta(hours=2)
    sink.deliver([as_message(AT)])
    assert len(backend.taken) == 1


def test_no_secret_is_shown() -> None:
    shown = repr(options(type="slack", webhook_url="https://hooks.example.com/SECRETPATH"))
    shown += repr(options(type="pagerduty", routing_key="SECRETKEY"))
    shown += repr(options(type="webhook", webhook_url="https://x/SECRETPATH", headers={"A": "SECRETTOKEN"}))
    assert "SECRET" not in shown
