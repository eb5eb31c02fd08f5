"""Servers that stand for the clouds: moto for AWS, Datadog's test agent, a listener for DogStatsD, and one that misbehaves."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from hookline.core.events import Dataset, ErrorInfo, PluginReport, Run, RunEnded, Verdict, Write, utc_now
from hookline.core.labels import LabelsConfig
from hookline.core.outbox import Message, Outbox
from hookline.core.outbox.message import SinkStatus
from hookline.core.telemetry import RunTelemetry, StageTelemetry, StreamProgress, Telemetry
from hookline.observability.cost import RunCost
from hookline.observability.metrics import Point, points_of_outbox, points_of_run, points_of_write
from hookline.testing import sample_run, sample_run_ended, sample_write

HOSTILE = (
    "/a b",
    "/'; DROP TABLE x; --",
    '/"quoted" | piped, comma#hash',
    "/<script>alert(1)</script>",
    "/\n\r\t\0",
    "/\u202ertl\u200f",
    "/😀" * 300,
    "/" + "x" * 10_000,
    "/${PROP('Dim.x')} %{if true}",
    "/\ud800",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def server(command: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    """A server of its own process, until it listens."""
    with (folder / f"server-{port}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    assert process.poll() is None, (folder / f"server-{port}.log").read_text()
                    assert time.monotonic() < deadline, f"{command[0]} does not listen"
                    time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="session")
def moto_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with server(command, port, tmp_path_factory.mktemp("moto")):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(autouse=True)
def _accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "DD_ENV", "DD_SERVICE", "DD_VERSION", "DD_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


@pytest.fixture
def moto(moto_url: str) -> Callable[[str], Any]:
    """boto3's clients for a moto without memory of earlier tests."""
    import boto3

    with urlopen(f"{moto_url}/moto-api/reset", data=b"", timeout=10) as reply:  # noqa: S310 - ours
        assert reply.status == 200

    def client(service: str) -> Any:
        return boto3.client(service, region_name="eu-west-1", endpoint_url=moto_url)

    return client


@pytest.fixture(scope="session")
def agent_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    command = [str(Path(sys.executable).with_name("ddapm-test-agent")), "--port", str(port), "--web-ui-port", "0"]
    command += ["--otlp-http-port", str(free_port()), "--otlp-grpc-port", str(free_port())]
    with server(command, port, tmp_path_factory.mktemp("agent")):
        yield f"http://127.0.0.1:{port}"


class Agent:
    """What Datadog's test agent has received."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> Any:
        with urlopen(self.url + path, timeout=10) as reply:  # noqa: S310 - ours
            return json.loads(reply.read() or b"null")

    def spans(self) -> list[dict[str, Any]]:
        return [span for trace in self.get("/test/traces") for span in trace]


@pytest.fixture
def agent(agent_url: str) -> Agent:
    with urlopen(f"{agent_url}/test/session/clear", timeout=10):  # noqa: S310 - ours
        return Agent(agent_url)


class Listener:
    """A DogStatsD of the suite's own: every datagram is kept."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024 * 1024)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.02)
        self.packets: list[bytes] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"udp://127.0.0.1:{self.socket.getsockname()[1]}"

    @property
    def lines(self) -> list[str]:
        return [line for packet in self.packets for line in packet.decode().split("\n")]

    def wait_for(self, count: int) -> list[str]:
        deadline = time.monotonic() + 10
        while len(self.lines) < count:
            assert time.monotonic() < deadline, f"{len(self.lines)} of {count} lines came"
            time.sleep(0.01)
        return self.lines

    def close(self) -> None:
        self._stopping = True
        self._thread.join()
        self.socket.close()

    def _listen(self) -> None:
        while not self._stopping:
            with contextlib.suppress(TimeoutError):
                self.packets.append(self.socket.recv(65_536))


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.close()


class Moody:
    """An HTTP server that misbehaves as it is told, and otherwise hands on to another one.

    Attributes:
        mood: what comes next: "well" hands on, a timedelta does so late; else ``(status, headers, body)``, seconds to be
            silent, or "cut" off.
        seen: path, headers and body of each request.
    """

    def __init__(self, behind: str | None = None) -> None:
        self.mood: Any = "well"
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.answered: list[int] = []
        self._behind = behind
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _hand_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if self._behind is None:
            return 200, {"Content-Type": "application/json"}, b"{}"
        link = http.client.HTTPConnection(urlsplit(self._behind).netloc, timeout=20)
        link.request(method, path, body, headers)
        reply = link.getresponse()
        found = reply.status, dict(reply.headers.items()), reply.read()
        link.close()
        return found

    def _handler(moody) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                moody.seen.append((self.path, dict(self.headers.items()), body))
                mood = moody.mood
                if mood == "cut":
                    self.connection.close()
                    return
                if isinstance(mood, float):
                    time.sleep(mood)
                    return
                if isinstance(mood, dt.timedelta):
                    time.sleep(mood.total_seconds())
                    mood = "well"
                if mood == "well":
                    status, headers, answer = moody._hand_on(self.command, self.path, dict(self.headers.items()), body)
                else:
                    status, headers, answer = mood
                moody.answered.append(status)
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection", "server", "date"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_POST

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def moody() -> Iterator[Callable[..., Moody]]:
    made: list[Moody] = []

    def make(behind: str | None = None) -> Moody:
        made.append(Moody(behind))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """An outbox that does not wait long between attempts."""
    box = Outbox(tmp_path / "outbox.db", base_s=0.02, cap_s=0.1)
    box.start()
    yield box
    box.close(0.2)


# -- what happened -----------------------------------------------------------------------------------------------------

STAGE = StageTelemetry(
    stage_id=4,
    attempt=0,
    job_ids=(2,),
    name="parquet at job.py:3",
    status="complete",
    started_at_s=0.1,
    duration_s=0.25,
    tasks=8,
    tasks_done=8,
    tasks_failed=0,
    tasks_killed=0,
    executor_run_s=1.5,
    executor_cpu_s=1.25,
    gc_s=0.125,
    input_bytes=4096,
    input_rows=100,
    output_bytes=2048,
    output_rows=3,
    shuffle_read_bytes=512,
    shuffle_read_rows=10,
    shuffle_write_bytes=512,
    shuffle_write_rows=10,
    memory_spill_bytes=256,
    disk_spill_bytes=128,
    peak_memory_bytes=1_000_000,
)
STREAM = StreamProgress(
    query_id="q",
    query_run_id="r",
    batch_id=1,
    input_rows=100,
    input_rows_per_s=10.0,
    processed_rows_per_s=20.0,
    trigger_s=0.5,
    lag_rows=7,
    state_rows=8,
    state_bytes=9,
    state_dropped_rows=1,
    watermark_delay_s=60.0,
    event_time_lag_s=4.0,
)
TELEMETRY = Telemetry(
    attribution="tag",
    jobs=1,
    stages=(STAGE,),
    stages_total=1,
    tasks=8,
    executor_run_s=1.5,
    executor_cpu_s=1.25,
    gc_s=0.125,
    input_bytes=4096,
    input_rows=100,
    skew=1.5,
    stream=STREAM,
)
VERDICTS = (
    Verdict("ids", "critical", "failed", 3, failing_rows=3, plugin="quality"),
    Verdict("drift", "warn", "failed", 0.5, failing_rows=1, plugin="quality", kind="distribution"),
    Verdict("rows", "error", "passed", 3, plugin="quality"),
)
COST = RunCost(1.25, "USD", "emr", "1 x 1.25", {("file", "/lake/gold/orders"): 1.0})


def a_write(**changes: Any) -> Write:
    """A write of which everything is known, to a table of the gold layer."""
    own: dict[str, Any] = {
        "dataset": Dataset("file", "/lake/gold/orders", "parquet"),
        "verdicts": VERDICTS,
        "telemetry": TELEMETRY,
        "batch_id": 1,
        "rows_quarantined": 2,
    }
    return sample_write(**(own | changes))


def an_end(**changes: Any) -> RunEnded:
    """The end of a run of which everything is known."""
    reports = (PluginReport("lineage", 1, {"on_run_finished": 1}),)
    telemetry = RunTelemetry(known=True, executors=1, core_s=3.0, busy_share=0.5, peak_heap_bytes=1_000)
    return sample_run_ended(**({"writes": (a_write(),), "plugins": reports, "telemetry": telemetry} | changes))


def all_points(at: dt.datetime | None = None) -> tuple[Point, ...]:
    """A point of every metric that an event leads to."""
    run, labels = sample_run(environment="prod"), LabelsConfig(owner="sales", tags={"cost_center": "4711"})
    found = points_of_write(a_write(), run, labels) + points_of_run(an_end(), run, labels, cost=COST)
    found += points_of_outbox([SinkStatus("store", True)], utc_now(), environment="prod", labels=labels)
    return found if at is None else tuple(dataclasses.replace(point, at=at) for point in found)


def message(payload: dict[str, Any], kind: str = "points", id: str = "1") -> Message:
    return Message(id, "sink", kind, payload, "", utc_now(), 0)


def points_payload(points: Sequence[Point], run: Run | None = None) -> dict[str, Any]:
    return {"points": [point.as_payload() for point in points], "run_id": (run or sample_run()).run_id}


AT_ONCE = utc_now()
ERROR = ErrorInfo("builtins.ValueError")
REFUSAL = ErrorInfo("hookline.core.errors.WriteRefusedError")
