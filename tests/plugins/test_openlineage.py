"""``openlineage``: the client's transports behind the outbox, against back ends in every kind of trouble."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hookline.cli import main
from hookline.core.config import load_config
from hookline.core.errors import ConfigError
from hookline.core.events import ColumnInput, ColumnLineage, Dataset, Read, Statement
from hookline.core.loader import check_plugins
from hookline.core.runtime import Runtime
from hookline.testing import BusUnderTest, PluginContract, sample_run, sample_run_ended, sample_write

pytest.importorskip("openlineage.client")
# Of one whole run: START, START and COMPLETE of its write, COMPLETE.
EVENTS = 4
KEY = "hunter2-api-key"


class Backend:
    """An HTTP server that takes events as Marquez does: 201 for valid ones, 422 for others, 400 for what is no JSON.

    Attributes:
        trouble: answers in its place, as long as it is not None.
    """

    def __init__(self, validate: Callable[[dict[str, Any]], list[str]], port: int = 0) -> None:
        self.trouble: Callable[[Handler], None] | None = None
        self.events: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.requests = 0
        self.validate = validate
        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.backend = self  # type: ignore[attr-defined]
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.scheme = "http"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    def secure(self, certificate: Path) -> Backend:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "https"
        return self

    def start(self) -> Backend:
        self._thread.start()
        return self

    def stop(self) -> None:
        if self._thread.is_alive():
            self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def take(self, body: bytes) -> int:
        try:
            event = json.loads(body)
        except ValueError:
            return 400
        if self.validate(event):
            return 422
        self.events.append(event)
        return 201

    def story(self, run_id: str) -> list[tuple[str, bool]]:
        """The transitions that arrived, in order, and whether each is the application's."""
        return [(event["eventType"], event["run"]["runId"] == run_id) for event in self.events]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        backend: Backend = self.server.backend  # type: ignore[attr-defined]
        backend.requests += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if backend.trouble is not None:
            backend.trouble(self)
            return
        backend.headers.append(dict(self.headers))
        backend.paths.append(self.path)
        packed = self.headers.get("Content-Encoding") == "gzip"
        self.answer(backend.take(gzip.decompress(body) if packed else body))

    def do_GET(self) -> None:
        self.answer(200)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests' output is theirs."""


@pytest.fixture
def backend(validate: Callable[[dict[str, Any]], list[str]]) -> Iterator[Backend]:
    running = Backend(validate).start()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no file of OpenLineage's client, and no scheduler."""
    for name in [name for name in os.environ if name.startswith(("OPENLINEAGE", "AIRFLOW", "DAGSTER"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def http(url: str, **options: Any) -> dict[str, Any]:
    return {"transport": {"type": "http", "url": url, "timeout": 0.5, **options}}


def waiting(bus: BusUnderTest) -> int:
    return sum(status.pending for status in bus.outbox.status())


def errors(bus: BusUnderTest) -> str:
    return " ".join(status.last_error or "" for status in bus.outbox.status())


class TestContract(PluginContract):
    plugin = "openlineage"
    good_options: ClassVar = {"transport": {"type": "console"}, "namespace": "prod", "owners": ["team:x"]}
    bad_options: ClassVar = (
        {},
        {"transport": {"type": "no.such.Transport"}},
        {"transport": {"type": "http"}},
        {"transport": {"type": "async_http", "url": "http://127.0.0.1:1"}},
        {"transport": "http://marquez"},
        {"transport": {"type": "http", "url": "http://127.0.0.1:1", "tiemout": 3}},
        {"transport": {"type": "console", "url": "http://127.0.0.1:1"}},
        {"transport": {"type": "composite", "transports": [{"type": "http", "url": "http://x", "compresion": "gzip"}]}},
        {
            "transport": {
                "type": "composite",
                "transports": {"a": {"type": "file", "log_file_path": "x", "apend": True}},
            }
        },
        {"transport": {"type": "console"}, "source": "everything"},
        {"transport": {"type": "console"}, "datasets": {"*": {"owner": "typo"}}},
    )


# -- a back end in trouble ---------------------------------------------------------------------------------------------


def hang_up(handler: Handler) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def talk_nonsense(handler: Handler) -> None:
    handler.wfile.write(b"\x00\xff not HTTP at all\r\n\r\n")
    handler.close_connection = True


def break_off(handler: Handler) -> None:
    """An answer that is longer than what comes."""
    handler.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{")
    handler.close_connection = True


TROUBLES: dict[str, Callable[[Handler], None]] = {
    "slow": lambda handler: time.sleep(1.0),
    "HTTP 500": lambda handler: handler.answer(500),
    "HTTP 503": lambda handler: handler.answer(503, Retry_After="0"),
    "HTTP 429": lambda handler: handler.answer(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
    "HTTP 401": lambda handler: handler.answer(401, b"key hunter2-api-key is unknown"),
    "HTTP 404": lambda handler: handler.answer(404),
    "nonsense": talk_nonsense,
    "hangs up": hang_up,
    "a web page": lambda handler: handler.answer(200, b"<html>log in</html>", Content_Type="text/html; charset=utf-8"),
    "a redirect": lambda handler: handler.answer(302, Location="/login"),
    "half an answer": break_off,
}


@pytest.mark.parametrize("name", TROUBLES)
def test_a_back_end_in_trouble_costs_nothing_and_gets_everything_in_order(
    hookline_bus: BusUnderTest, backend: Backend, name: str
) -> None:
    backend.trouble = TROUBLES[name]
    hookline_bus.load("openlineage", http(backend.url, auth={"type": "api_key", "apiKey": KEY}))
    began = time.monotonic()
    hookline_bus.whole_run()
    assert time.monotonic() - began < 2.0, "the job waits for nobody"
    assert hookline_bus.failures == 0
    deadline = time.monotonic() + 5.0
    while not errors(hookline_bus) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (waiting(hookline_bus), backend.events) == (EVENTS, [])
    assert errors(hookline_bus)
    assert KEY not in errors(hookline_bus)
    backend.trouble = None
    assert hookline_bus.outbox.replay() == 0
    assert backend.story(hookline_bus.run.run_id) == [
        ("START", True),
        ("START", False),
        ("COMPLETE", False),
        ("COMPLETE", True),
    ]


def test_a_dead_back_end_gets_everything_when_it_is_back(
    hookline_bus: BusUnderTest, validate: Callable[[dict[str, Any]], list[str]]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    hookline_bus.load("openlineage", http(f"http://127.0.0.1:{port}"))
    hookline_bus.whole_run()
    hookline_bus.failed_run()
    assert hookline_bus.outbox.flush(0.3) == 2 * EVENTS - 1, "the second start of one run is no news"
    backend = Backend(validate, port).start()
    assert hookline_bus.outbox.replay() == 0
    kinds = [kind for kind, _ in backend.story(hookline_bus.run.run_id)]
    assert kinds == ["START", "START", "COMPLETE", "COMPLETE", "START", "FAIL", "FAIL"]
    backend.stop()


def test_a_certificate_that_is_not_trusted_and_then_one_that_is(
    hookline_bus: BusUnderTest, validate: Callable[[dict[str, Any]], list[str]], tmp_path: Path
) -> None:
    good, bad = (certificate(tmp_path / f"{name}.pem") for name in ("good", "bad"))
    first = Backend(validate).secure(bad).start()
    hookline_bus.load("openlineage", http(first.url, sslContext={"caCertPath": str(good)}))
    hookline_bus.whole_run()
    assert hookline_bus.outbox.flush(0.5) == EVENTS
    assert "SSLError" in errors(hookline_bus)
    first.stop()
    second = Backend(validate, first.port).secure(good).start()
    assert hookline_bus.outbox.replay() == 0
    assert len(second.events) == EVENTS
    second.stop()


def certificate(path: Path) -> Path:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("there is no openssl to make a certificate with")
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-out", str(path), "-keyout", str(path.with_suffix(".key"))]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run([program, "req", *kind, *names, *files], check=True, capture_output=True)
    return path


def test_an_event_that_the_back_end_refuses_is_kept_and_does_not_hold_up_the_next(
    hookline_bus: BusUnderTest, backend: Backend
) -> None:
    answers = iter([422, 400])

    def refuse(handler: Handler) -> None:
        status = next(answers, None)
        if status is None:
            backend.trouble = None
            status = 201
        handler.answer(status)

    backend.trouble = refuse
    hookline_bus.load("openlineage", http(backend.url))
    hookline_bus.whole_run()
    assert hookline_bus.outbox.flush(5) == 0
    (status,) = hookline_bus.outbox.status()
    assert status.dead == 2
    assert "HTTP 4" in (status.last_error or "")


def test_a_token_that_is_refused_is_not_the_events_fault(hookline_bus: BusUnderTest, backend: Backend) -> None:
    backend.trouble = lambda handler: handler.answer(400 if handler.path == "/token" else 201)
    auth = {"type": "jwt", "apiKey": KEY, "tokenEndpoint": f"{backend.url}/token"}
    hookline_bus.load("openlineage", http(backend.url, auth=auth))
    hookline_bus.whole_run()
    assert hookline_bus.outbox.flush(0.3) == EVENTS
    assert all(status.dead == 0 for status in hookline_bus.outbox.status())
    assert KEY not in errors(hookline_bus)


def test_one_delivery_is_one_request(hookline_bus: BusUnderTest, backend: Backend) -> None:
    """The client would repeat a 503 five times by itself, each time holding up what waits."""
    backend.trouble = TROUBLES["HTTP 503"]
    plugin = hookline_bus.load("openlineage", http(backend.url))
    assert plugin._sinks == ["openlineage.http"] or plugin._sinks[0].endswith(".http")
    hookline_bus.whole_run()
    hookline_bus.outbox.flush(0.2)
    failures = sum(status.failures for status in hookline_bus.outbox.status())
    assert 1 <= backend.requests <= failures + 1


# -- transports --------------------------------------------------------------------------------------------------------


def test_http_with_a_key_compression_headers_and_an_endpoint(hookline_bus: BusUnderTest, backend: Backend) -> None:
    options = http(
        backend.url,
        endpoint="lineage/in",
        auth={"type": "api_key", "apiKey": KEY},
        compression="gzip",
        custom_headers={"X-Team": "sales"},
    )
    hookline_bus.load("openlineage", options)
    hookline_bus.whole_run()
    assert hookline_bus.outbox.flush(5) == 0
    assert set(backend.paths) == {"/lineage/in"}
    assert {headers["Authorization"] for headers in backend.headers} == {f"Bearer {KEY}"}
    assert {headers["Content-Encoding"] for headers in backend.headers} == {"gzip"}
    assert {headers["X-Team"] for headers in backend.headers} == {"sales"}


def test_somebodys_own_authentication(
    hookline_bus: BusUnderTest, backend: Backend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "own_auth_of_a_test.py").write_text(
        "from openlineage.client.transport.http import TokenProvider\n"
        "class Own(TokenProvider):\n"
        "    def __init__(self, config): self.word = config['word']\n"
        "    def get_bearer(self): return 'Custom ' + self.word\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    hookline_bus.load("openlineage", http(backend.url, auth={"type": "own_auth_of_a_test.Own", "word": "open"}))
    hookline_bus.whole_run()
    assert hookline_bus.outbox.flush(5) == 0
    assert {headers["Authorization"] for headers in backend.headers} == {"Custom open"}


def test_a_file(hookline_bus: BusUnderTest, tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    hookline_bus.load("openlineage", {"transport": {"type": "file", "log_file_path": str(path), "append": True}})
    hookline_bus.whole_run()
    assert hookline_bus.outbox.flush(5) == 0
    assert [json.loads(line)["eventType"] for line in path.read_text().splitlines()] == [
        "START",
        "START",
        "COMPLETE",
        "COMPLETE",
    ]


def test_the_console_is_the_log(hookline_bus: BusUnderTest, caplog: pytest.LogCaptureFixture) -> None:
    hookline_bus.load("openlineage", {"transport": {"type": "console"}})
    with caplog.at_level("INFO", logger="openlineage"):
        hookline_bus.whole_run()
        assert hookline_bus.outbox.flush(5) == 0
    assert sum('"eventType"' in record.message for record in caplog.records) == EVENTS


def test_parts_of_a_composite_do_not_wait_for_one_another(
    hookline_bus: BusUnderTest, backend: Backend, tmp_path: Path
) -> None:
    backend.trouble = TROUBLES["HTTP 503"]
    file = {"type": "file", "log_file_path": str(tmp_path / "events.ndjson"), "append": True}
    parts = {"marquez": http(backend.url)["transport"], "archive": file}
    hookline_bus.load("openlineage", {"transport": {"type": "composite", "transports": parts}})
    hookline_bus.whole_run()
    hookline_bus.outbox.flush(0.5)
    assert len((tmp_path / "events.ndjson").read_text().splitlines()) == EVENTS
    assert waiting(hookline_bus) == EVENTS
    backend.trouble = None
    assert hookline_bus.outbox.replay() == 0
    assert len(backend.events) == EVENTS
    assert len((tmp_path / "events.ndjson").read_text().splitlines()) == EVENTS, "what arrived is not sent again"


def test_a_composite_that_falls_back(hookline_bus: BusUnderTest, backend: Backend, tmp_path: Path) -> None:
    backend.trouble = TROUBLES["HTTP 500"]
    file = {"type": "file", "log_file_path": str(tmp_path / "events.ndjson"), "append": True}
    transport = {
        "type": "composite",
        "continue_on_success": False,
        "transports": [http(backend.url)["transport"], file],
    }
    hookline_bus.load("openlineage", {"transport": transport})
    hookline_bus.whole_run()
    assert hookline_bus.outbox.flush(5) == 0
    assert len((tmp_path / "events.ndjson").read_text().splitlines()) == EVENTS


def test_kafka_keeps_the_order_and_tells_what_was_not_taken(hookline_bus: BusUnderTest) -> None:
    """librdkafka brings a small cluster of its own for tests: real clients and the real protocol, without Java."""
    kafka = pytest.importorskip("confluent_kafka")
    cluster = kafka.Producer({"bootstrap.servers": "", "test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = cluster.list_topics(timeout=10).brokers.values()
    servers = f"{broker.host}:{broker.port}"
    config = {"bootstrap.servers": servers, "log_level": 0}
    hookline_bus.load("openlineage", {"transport": {"type": "kafka", "topic": "lineage", "config": config}})
    hookline_bus.whole_run()
    assert hookline_bus.outbox.flush(20) == 0
    consumer = kafka.Consumer(
        {"bootstrap.servers": servers, "group.id": "test", "auto.offset.reset": "earliest", "log_level": 0}
    )
    consumer.subscribe(["lineage"])
    messages = []
    deadline = time.monotonic() + 20
    while len(messages) < EVENTS and time.monotonic() < deadline:
        message = consumer.poll(0.5)
        messages += [message] if message is not None and not message.error() else []
    consumer.close()
    assert [json.loads(message.value())["eventType"] for message in messages] == [
        "START",
        "START",
        "COMPLETE",
        "COMPLETE",
    ]
    assert {message.key() for message in messages} == {b"run:hookline/sample"}


def test_kafka_that_is_not_there_loses_nothing(hookline_bus: BusUnderTest) -> None:
    pytest.importorskip("confluent_kafka")
    config = {"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 200, "log_level": 0}
    hookline_bus.load("openlineage", {"transport": {"type": "kafka", "topic": "lineage", "config": config}})
    hookline_bus.whole_run()
    assert hookline_bus.failures == 0
    deadline = time.monotonic() + 10
    while not errors(hookline_bus) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert waiting(hookline_bus) == EVENTS
    assert "Kafka did not take the event: _MSG_TIMED_OUT" in errors(hookline_bus)


# -- the client's own configuration ------------------------------------------------------------------------------------


def run_with(hookline_bus: BusUnderTest, options: dict[str, Any] | None = None) -> None:
    hookline_bus.load("openlineage", options or {})
    hookline_bus.whole_run()
    assert hookline_bus.outbox.flush(5) == 0


def test_the_clients_simple_variables(
    hookline_bus: BusUnderTest, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", backend.url)
    monkeypatch.setenv("OPENLINEAGE_ENDPOINT", "api/v2/lineage")
    monkeypatch.setenv("OPENLINEAGE_API_KEY", KEY)
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "from-env")
    run_with(hookline_bus)
    assert {event["job"]["namespace"] for event in backend.events} == {"from-env"}
    assert set(backend.paths) == {"/api/v2/lineage"}
    assert {headers["Authorization"] for headers in backend.headers} == {f"Bearer {KEY}"}
    assert not [name for name in os.environ if name.startswith("OPENLINEAGE__")], "no key is spread further"


def test_the_clients_dynamic_variables(
    hookline_bus: BusUnderTest, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "http")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__URL", backend.url)
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__COMPRESSION", "gzip")
    monkeypatch.setenv("OPENLINEAGE__TAGS__JOB", '{"team": "sales"}')
    monkeypatch.setenv("OPENLINEAGE__FACETS__ENVIRONMENT_VARIABLES", '["REGION"]')
    monkeypatch.setenv("REGION", "eu-west-1")
    run_with(hookline_bus)
    assert len(backend.events) == EVENTS
    first = backend.events[0]
    assert {"key": "team", "value": "sales", "source": "USER"}.items() <= first["job"]["facets"]["tags"]["tags"][
        0
    ].items()
    assert first["run"]["facets"]["environmentVariables"]["environmentVariables"] == [
        {"name": "REGION", "value": "eu-west-1"}
    ]


@pytest.mark.parametrize("place", ["OPENLINEAGE_CONFIG", "working directory"])
def test_the_clients_file(
    hookline_bus: BusUnderTest, backend: Backend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    path = tmp_path / ("openlineage.yml" if place == "working directory" else "other.yml")
    path.write_text(
        f"transport: {{type: http, url: '{backend.url}'}}\nfilters:\n  - {{type: regex, regex: '.*append.*'}}\n"
    )
    if place == "OPENLINEAGE_CONFIG":
        monkeypatch.setenv(place, str(path))
    run_with(hookline_bus)
    assert backend.story(hookline_bus.run.run_id) == [("START", True), ("COMPLETE", True)], "the filter's"


def test_names_without_their_dates_are_those_of_columns_too(
    hookline_bus: BusUnderTest, backend: Backend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "openlineage.yml"
    path.write_text(f"transport: {{type: http, url: '{backend.url}'}}\ndataset: {{reducing_enabled: true}}\n")
    monkeypatch.setenv("OPENLINEAGE_CONFIG", str(path))
    days = [Dataset("file", f"/lake/landing/day=2026-03-0{day}") for day in (1, 2)]
    edges = tuple(ColumnInput(day, "id", "DIRECT", "IDENTITY") for day in days)
    lineage = ColumnLineage({"order_id": edges}, (ColumnInput(days[0], "day", "INDIRECT", "FILTER"),))
    hookline_bus.load("openlineage")
    hookline_bus.bus.notify(
        "on_write_finished",
        sample_write(inputs=tuple(map(Read, days)), column_lineage=lineage),
        hookline_bus.run,
    )
    hookline_bus.outbox.flush(5)
    complete = next(event for event in backend.events if event["eventType"] == "COMPLETE")
    told = complete["outputs"][0]["facets"]["columnLineage"]
    sources = [*told["fields"]["order_id"]["inputFields"], *told["dataset"]]
    assert {one["name"] for one in (*complete["inputs"], *sources)} == {"/lake/landing"}


def test_the_plugins_own_option_wins(
    hookline_bus: BusUnderTest, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    run_with(hookline_bus, http(backend.url))
    assert len(backend.events) == EVENTS


def test_disabled(hookline_bus: BusUnderTest, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "True")
    monkeypatch.setenv("OPENLINEAGE_URL", backend.url)
    run_with(hookline_bus)
    assert (backend.requests, hookline_bus.outbox.status()) == (0, ())


def test_without_a_transport_every_place_is_named(hookline_bus: BusUnderTest) -> None:
    with pytest.raises(ConfigError, match=r"`transport`.*OPENLINEAGE_CONFIG.*openlineage\.yml.*OPENLINEAGE_URL"):
        hookline_bus.load("openlineage")


def test_a_misspelt_option_is_told_with_the_one_that_was_meant(hookline_bus: BusUnderTest) -> None:
    with pytest.raises(
        ConfigError, match=r"transport: the transport has no option 'tiemout' \(did you mean 'timeout'\?\)"
    ):
        hookline_bus.load("openlineage", http("http://127.0.0.1:1", tiemout=3))


def test_what_a_dead_process_left_is_sent_by_the_next_one(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``hookline outbox replay`` does, which delivers what waits in the state folder."""
    monkeypatch.delenv("HOOKLINE_DIR", raising=False)
    (tmp_path / "hookline.yaml").write_text(json.dumps({"plugins": {"openlineage": http(backend.url)}}))
    backend.trouble = TROUBLES["HTTP 503"]
    for _ in range(2):
        runtime = Runtime(load_config(tmp_path / "hookline.yaml"))
        scope = runtime.open_run("job")
        for _ in range(3):
            write = sample_write(write_id=scope.next_write_id())
            scope.record_write_started(write)
            scope.record_write_ended(write, failed=False)
        ended = runtime.close_run(scope)
        assert ended is not None
        assert [report.writes_told for report in ended.plugins] == [3]
        runtime.close()
    assert backend.events == []
    backend.trouble = None
    assert main(["outbox", "replay", "--config", str(tmp_path / "hookline.yaml")]) == 0
    parents = [event["run"]["facets"].get("parent", {}).get("run", event["run"])["runId"] for event in backend.events]
    assert len(parents) == 2 * 8
    for run_id in set(parents):
        kinds = [event["eventType"] for event, parent in zip(backend.events, parents, strict=True) if parent == run_id]
        assert kinds == ["START", *["START", "COMPLETE"] * 3, "COMPLETE"], "in order per run"


def test_without_the_package_the_pip_line_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hookline.core import plugin_source

    monkeypatch.setattr(plugin_source, "_is_importable", lambda name: not name.startswith("openlineage"))
    (tmp_path / "hookline.yaml").write_text("plugins: {openlineage: }\n")
    with pytest.raises(ConfigError, match=r'pip install "hookline\[openlineage\]"'):
        check_plugins(load_config(tmp_path / "hookline.yaml"))


# -- what arrives ------------------------------------------------------------------------------------------------------


HOSTILE = (
    'it\'s "quoted" \\ and ${jndi:x}',
    "<script>alert(1)</script>&amp;{{7*7}}",
    "line\nbreak\r\t\x00\x1b[31m\u2028",
    "a.b..c.",
    "😀👩‍👩‍👧 e\u0301 ‮rtl",
    "x" * 5_000,
    "lone \ud800 surrogate",
    "'; DROP TABLE lineage_events; --",
)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_arrive_as_they_are(hookline_bus: BusUnderTest, backend: Backend, name: str) -> None:
    write = sample_write(dataset=Dataset("file", f"/{name}", "parquet", (("hive://m:9083", name),)))
    hookline_bus.load("openlineage", http(backend.url))
    hookline_bus.run = sample_run(job=name)
    hookline_bus.whole_run(write)
    assert hookline_bus.outbox.flush(5) == 0
    assert len(backend.events) == EVENTS
    output = backend.events[2]["outputs"][0]
    assert (output["name"], output["facets"]["symlinks"]["identifiers"][0]["name"]) == (f"/{name}", name)
    assert backend.events[0]["job"]["name"] == name


def test_sql_arrives_without_its_values(hookline_bus: BusUnderTest, backend: Backend) -> None:
    text = "INSERT INTO t SELECT * FROM s WHERE name = 'Mustermann' AND age > 98765432 -- born 19840229"
    hookline_bus.load("openlineage", http(backend.url))
    hookline_bus.whole_run(sample_write(statement=Statement(text)))
    assert hookline_bus.outbox.flush(5) == 0
    query = backend.events[2]["job"]["facets"]["sql"]["query"]
    assert query == "INSERT INTO t SELECT * FROM s WHERE name = ? AND age > ?"
    assert not [word for word in ("Mustermann", "98765432", "19840229") if word in json.dumps(backend.events)]


def test_the_last_event_of_a_run_counts_its_writes_and_what_was_told(
    hookline_bus: BusUnderTest, backend: Backend
) -> None:
    hookline_bus.load("openlineage", http(backend.url))
    hookline_bus.whole_run(*(sample_write(write_id=str(number)) for number in range(3)))
    hookline_bus.bus.notify("on_run_finished", sample_run_ended(writes_total=3), hookline_bus.run)
    assert hookline_bus.outbox.flush(5) == 0
    ends = [event for event in backend.events if "hookline_run" in event["run"]["facets"]]
    assert [end["run"]["facets"]["hookline_run"]["writesTold"] for end in ends] == [3]
