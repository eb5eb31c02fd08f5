"""``opentelemetry`` against a receiver of OTLP in every kind of trouble, and its environment variables."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hookline.core.config_models import Config, OutboxConfig, PluginEntry
from hookline.core.errors import ConfigError
from hookline.core.runtime import Runtime
from hookline.observability.otel.options import OtelConfig
from hookline.observability.otel.settings import resource_attributes, settings_of, signals_of
from hookline.testing import sample_write

pytest.importorskip("opentelemetry.proto")

from .conftest import Receiver

KEY = "hunter2-api-key"
# Of a run with one write: two requests of spans, two of metrics, and three of logs.
REQUESTS = 7


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_") or name == "TRACEPARENT"]:
        monkeypatch.delenv(name)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Runtime]]:
    opened: list[Runtime] = []

    def start(**options: Any) -> Runtime:
        config = Config(
            state_dir=tmp_path / "state",
            plugins=(PluginEntry("opentelemetry", options),),
            outbox=OutboxConfig(flush_deadline_s=2.0),
        )
        opened.append(Runtime(config))
        return opened[-1]

    yield start
    for runtime in opened:
        runtime.outbox.close(0)


def run(runtime: Runtime, **changes: Any) -> str:
    scope = runtime.open_run("nightly")
    write = sample_write(write_id=scope.next_write_id(), **changes)
    scope.record_write_started(write)
    scope.record_write_ended(write, failed=False)
    runtime.tracing.drain()
    runtime.close_run(scope)
    return scope.run.run_id


def errors(runtime: Runtime) -> str:
    return " ".join(status.last_error or "" for status in runtime.outbox.status())


def wait_for_errors(runtime: Runtime) -> str:
    deadline = time.monotonic() + 10.0
    while not errors(runtime) and time.monotonic() < deadline:
        time.sleep(0.02)
    return errors(runtime)


def test_a_run_arrives_as_spans_metrics_and_logs(started: Any, receiver: Receiver) -> None:
    runtime = started(endpoint=receiver.url, headers={"api-key": KEY}, service="shop")
    run_id = run(runtime)
    assert runtime.outbox.flush(5) == 0
    assert [len(receiver.bodies[signal]) for signal in ("traces", "metrics", "logs")] == [2, 2, 3]
    assert {headers["api-key"] for headers in receiver.headers} == {KEY}
    assert {headers["content-type"] for headers in receiver.headers} == {"application/x-protobuf"}
    assert {headers["content-encoding"] for headers in receiver.headers} == {"gzip"}
    write, ended = receiver.spans()
    assert write.parent_span_id == ended.span_id
    assert {span.trace_id.hex() for span in receiver.spans()} == {run_id.replace("-", "")}
    assert {record.trace_id for record in receiver.records()} == {write.trace_id}
    assert [record.span_id for record in receiver.records()] == [ended.span_id, write.span_id, ended.span_id]
    names = {one.name for one in receiver.metrics()}
    assert {"hookline.write.rows", "hookline.run.duration_s", "hookline.outbox.pending"} <= names


# -- a collector in trouble --------------------------------------------------------------------------------------------


def partial(signal: str, count: int) -> bytes:
    from hookline.observability.otel.requests import _message_class

    answer: Any = _message_class(signal, "Response")()  # type: ignore[arg-type]
    field = {"traces": "rejected_spans", "metrics": "rejected_data_points", "logs": "rejected_log_records"}[signal]
    setattr(answer.partial_success, field, count)
    answer.partial_success.error_message = "too many <series>\nfor you"
    return bytes(answer.SerializeToString())


def hang_up(handler: Any) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def talk_nonsense(handler: Any) -> None:
    handler.wfile.write(b"\x00\xff not HTTP at all\r\n\r\n")


TROUBLES: dict[str, Callable[[Any], Any]] = {
    "slow": lambda handler: time.sleep(8.0),
    "HTTP 500": lambda handler: (500, {}, b""),
    "HTTP 429": lambda handler: (429, {"Retry-After": "0"}, b""),
    "HTTP 403": lambda handler: (403, {}, KEY.encode()),
    "HTTP 404": lambda handler: (404, {}, b""),
    "a redirect": lambda handler: (307, {"Location": "/login"}, b""),
    "a web page": lambda handler: (200, {"Content-Type": "text/html"}, b"<html>log in</html>"),
    "no OTLP": lambda handler: (200, {}, b"\xff\xff\xff\xff"),
    "other JSON": lambda handler: (200, {"Content-Type": "application/json"}, b"[1]"),
    "nonsense": talk_nonsense,
    "hangs up": hang_up,
}


@pytest.mark.parametrize("name", TROUBLES)
def test_a_collector_in_trouble_costs_nothing_and_gets_everything(started: Any, receiver: Receiver, name: str) -> None:
    receiver.trouble = TROUBLES[name]
    runtime = started(endpoint=receiver.url, headers={"api-key": KEY}, timeout_s=0.4)
    began = time.monotonic()
    scope = runtime.open_run("nightly")
    write = sample_write(write_id=scope.next_write_id())
    scope.record_write_started(write)
    scope.record_write_ended(write, failed=False)
    runtime.tracing.drain()
    assert time.monotonic() - began < 5.0, "the job waits for nobody"
    told = wait_for_errors(runtime)
    assert told
    assert KEY not in told
    receiver.trouble = None
    runtime.close_run(scope)
    assert runtime.outbox.replay() == 0
    assert [len(receiver.bodies[signal]) for signal in ("traces", "metrics", "logs")] == [2, 2, 3]
    assert all(status.dead == 0 for status in runtime.outbox.status())


def test_a_dead_collector_gets_everything_in_order_when_it_is_back(started: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    runtime = started(endpoint=f"http://127.0.0.1:{port}")
    for _ in range(3):
        run(runtime)
    assert runtime.outbox.flush(0.2) == 3 * REQUESTS
    receiver = Receiver(port)
    assert runtime.outbox.replay() == 0
    ended = [record.attributes[0].value.string_value for record in receiver.records()]
    assert ended == ["hookline.run.started", "hookline.write.finished", "hookline.run.finished"] * 3
    receiver.stop()


@pytest.mark.parametrize("status", [400, 413])
def test_a_request_that_is_refused_is_kept_and_holds_up_nothing(started: Any, receiver: Receiver, status: int) -> None:
    runtime = started(endpoint=receiver.url, signals=["traces"])
    receiver.trouble = lambda handler: (status, {}, b"") if receiver.asked == 1 else (200, {}, b"")
    run(runtime)
    runtime.outbox.flush(5)
    (traces,) = [one for one in runtime.outbox.status() if one.name.endswith("traces")]
    assert (traces.dead, traces.pending) == (1, 0)
    assert f"does not take the spans (HTTP {status})" in (traces.last_error or "")


@pytest.mark.parametrize(
    ("signal", "words"), [("traces", "spans"), ("metrics", "data points"), ("logs", "log records")]
)
def test_what_is_left_out_is_told_and_not_sent_again(started: Any, receiver: Receiver, signal: Any, words: str) -> None:
    receiver.trouble = lambda handler: (200, {"Content-Type": "application/x-protobuf"}, partial(signal, 3))
    runtime = started(endpoint=receiver.url, signals=[signal])
    run(runtime)
    runtime.outbox.flush(5)
    requests = 3 if signal == "logs" else 2
    assert receiver.asked == requests
    (told,) = [one for one in runtime.outbox.status() if one.name.endswith(signal)]
    assert (told.dead, told.pending) == (requests, 0)
    assert f"left out 3 {words} of a request: too many <series>?for you" in (told.last_error or "")
    assert any("rejected by" in problem for problem in runtime.outbox.problems())


def test_a_warning_with_nothing_left_out_is_a_success(started: Any, receiver: Receiver) -> None:
    receiver.trouble = lambda handler: (200, {}, partial("traces", 0))
    runtime = started(endpoint=receiver.url, signals=["traces"])
    run(runtime)
    assert runtime.outbox.flush(5) == 0
    assert all(status.dead == 0 for status in runtime.outbox.status())


def test_an_answer_in_json_is_understood(started: Any, receiver: Receiver) -> None:
    body = b'{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "no room"}, "vendor": 1}'
    receiver.trouble = lambda handler: (200, {"Content-Type": "application/json"}, body)
    runtime = started(endpoint=receiver.url, signals=["traces"])
    run(runtime)
    runtime.outbox.flush(5)
    assert "left out 2 spans of a request: no room" in errors(runtime)


def test_what_is_too_old_is_kept_and_told(started: Any, receiver: Receiver) -> None:
    receiver.trouble = TROUBLES["HTTP 500"]
    runtime = started(endpoint=receiver.url, signals=["traces"], max_age_s=0.2)
    run(runtime)
    runtime.outbox.flush(0.1)
    time.sleep(0.3)
    receiver.trouble = None
    assert runtime.outbox.replay() == 0
    assert receiver.bodies["traces"] == []
    (traces,) = [one for one in runtime.outbox.status() if one.name.endswith("traces")]
    assert traces.dead == 2
    assert "takes nothing older than" in (traces.last_error or "")


# -- the environment ---------------------------------------------------------------------------------------------------

E = "OTEL_EXPORTER_OTLP_"


def test_the_standard_variables_are_honoured(started: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{E}ENDPOINT", receiver.url)
    monkeypatch.setenv(f"{E}HEADERS", f"api-key={KEY}%21, tenant=a%20b")
    monkeypatch.setenv(f"{E}COMPRESSION", "none")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-the-environment")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=sales,deployment.environment.name=stage")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    monkeypatch.setenv("TRACEPARENT", f"00-{'a' * 32}-{'b' * 16}-01")
    runtime = started()
    run(runtime)
    assert runtime.outbox.flush(5) == 0
    assert receiver.metrics() == []
    assert receiver.headers[0]["api-key"] == f"{KEY}!"
    assert receiver.headers[0]["tenant"] == "a b"
    assert "content-encoding" not in receiver.headers[0]
    told = {
        one.key: one.value.string_value for one in receiver.bodies["traces"][0].resource_spans[0].resource.attributes
    }
    assert (told["service.name"], told["team"]) == ("from-the-environment", "sales")
    assert told["deployment.environment.name"] == "stage"
    write, ended = receiver.spans()
    assert {write.trace_id.hex(), ended.trace_id.hex()} == {"a" * 32}
    assert ended.parent_span_id.hex() == "b" * 16


def test_a_certificate_of_ones_own(started: Any, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver(certificate=certificate)
    runtime = started(endpoint=receiver.url, signals=["traces"])
    run(runtime)
    assert "can't be reached (SSLCertVerificationError)" in wait_for_errors(runtime)
    runtime.outbox.close(0)
    monkeypatch.setenv(f"{E}CERTIFICATE", str(certificate))
    runtime = started(endpoint=receiver.url, signals=["traces"])
    assert runtime.outbox.replay() == 0
    assert len(receiver.spans()) == 2
    runtime.outbox.close(0)
    monkeypatch.setenv(f"{E}CERTIFICATE", str(certificate.with_name("gone.pem")))
    runtime = started(endpoint=receiver.url, signals=["traces"])
    run(runtime)
    assert "certificates can't be read (No such file or directory)" in wait_for_errors(runtime)
    receiver.stop()


@pytest.mark.parametrize(
    ("environment", "options", "url"),
    [
        ({}, {}, "http://localhost:4318/v1/traces"),
        ({f"{E}ENDPOINT": "https://c:4318/base/"}, {}, "https://c:4318/base/v1/traces"),
        ({f"{E}TRACES_ENDPOINT": "https://t/x", f"{E}ENDPOINT": "https://c"}, {}, "https://t/x"),
        ({f"{E}TRACES_ENDPOINT": "https://t/x"}, {"endpoint": "http://mine"}, "http://mine/v1/traces"),
    ],
)
def test_the_address_of_a_signal(environment: dict[str, str], options: dict[str, Any], url: str) -> None:
    assert settings_of("traces", OtelConfig(**options), environment).url == url


def test_a_signals_own_variables_win() -> None:
    environment = {
        f"{E}HEADERS": "a=1",
        f"{E}TRACES_HEADERS": "b=2",
        f"{E}TIMEOUT": "20000",
        f"{E}LOGS_TIMEOUT": "500",
    }
    config = OtelConfig(headers={"c": "3"})
    assert settings_of("traces", config, environment).headers == {"b": "2", "c": "3"}
    assert settings_of("logs", config, environment).headers == {"a": "1", "c": "3"}
    assert settings_of("logs", config, environment).timeout_s == 0.5
    assert settings_of("metrics", OtelConfig(timeout_s=3), environment).timeout_s == 3.0
    shown = repr(settings_of("traces", OtelConfig(endpoint=f"https://c/{KEY}", headers={"a": KEY}), environment))
    assert KEY not in shown


@pytest.mark.parametrize(
    "environment",
    [
        {f"{E}PROTOCOL": "grpc"},
        {f"{E}METRICS_PROTOCOL": "http/json"},
        {f"{E}ENDPOINT": f"c:4317/{KEY}"},
        {f"{E}METRICS_ENDPOINT": f"https://u:{KEY}@c"},
        {f"{E}HEADERS": f"a={KEY}%0d%0ab: c"},
        {f"{E}COMPRESSION": "zstd"},
        {f"{E}TIMEOUT": "soon"},
    ],
)
def test_a_variable_that_cannot_be_used_is_named_and_not_quoted(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"\$OTEL_EXPORTER_OTLP_\w+: ") as caught:
        settings_of("metrics", OtelConfig(), environment)
    assert KEY not in str(caught.value)


def test_switches_and_attributes() -> None:
    assert signals_of(OtelConfig(), {"OTEL_SDK_DISABLED": "TRUE"}) == ()
    assert signals_of(OtelConfig(signals=("logs", "traces")), {"OTEL_LOGS_EXPORTER": "none"}) == ("traces",)
    assert resource_attributes({"OTEL_RESOURCE_ATTRIBUTES": "a=b%3Dc,broken, =x,d= e "}) == {"a": "b=c", "d": "e"}


def test_the_plugin_is_light() -> None:
    code = (
        "import sys, hookline.plugins.opentelemetry\n"
        "heavy = {'google.protobuf', 'opentelemetry.proto', 'sqlalchemy', 'http.client'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
