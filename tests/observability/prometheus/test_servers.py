"""What Prometheus itself shows after runs: pushed, in files, and scraped."""

from __future__ import annotations

import base64
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from hookline.core.config_models import Config, OutboxConfig, PluginEntry
from hookline.core.events import Dataset, ErrorInfo, Verdict
from hookline.core.runtime import Runtime
from hookline.core.web import Address
from hookline.observability.prometheus.sink import file_name
from hookline.testing import BusUnderTest, sample_write

from .conftest import Gateway, Servers, free_port

pytestmark = pytest.mark.server
HOSTILE = '/lake/a"b\\c\n{d}=<e>,\u202e' + "n" * 10_000


def runtime(folder: Path, **options: Any) -> Runtime:
    config = Config(
        state_dir=folder / "state",
        base_dir=folder,
        plugins=(PluginEntry("prometheus", options),),
        outbox=OutboxConfig(flush_deadline_s=5.0),
        environment="prod",
    )
    return Runtime(config)


def run(process: Runtime, job: str, *, rows: int = 100, name: str = "/lake/gold/sales", failed: bool = False) -> None:
    scope = process.open_run(job)
    verdicts = (Verdict("a", "error", "passed"), Verdict("b", "error", "failed", failing_rows=3))
    write = sample_write(write_id=scope.next_write_id(), dataset=Dataset("file", name), rows=rows, verdicts=verdicts)
    scope.record_write_started(write)
    scope.record_write_ended(write, failed=False)
    process.tracing.drain()
    process.close_run(scope, exit_code=int(failed), error=ErrorInfo("E") if failed else None)


def wait_for_trouble(process: Runtime) -> str:
    """What is said of deliveries as soon as one has failed, and nothing else is on its way."""
    deadline = time.monotonic() + 15.0
    while True:
        states = [one for one in process.outbox.status() if one.name.startswith("prometheus")]
        if any(one.failures for one in states) and not any(one.pending for one in states if one.name == "prometheus"):
            return " ".join(process.outbox.problems())
        assert time.monotonic() < deadline, states
        process.outbox.flush(0.05)


def test_counters_go_on_from_run_to_run_on_a_pushgateway(servers: Servers, tmp_path: Path) -> None:
    for rows, failed in ((100, False), (42, True)):
        process = runtime(tmp_path, push={"url": servers.gateway})
        run(process, "nightly", rows=rows, failed=failed)
        assert process.close() == 0
    told = servers.value('hookline_write_rows_total{job="nightly"}', 142)
    assert told["job_name"] == "nightly"
    assert (told["dataset"], told["layer"], told["env"]) == ("/lake/gold/sales", "gold", "prod")
    servers.value('hookline_run_ended_total{job="nightly",status="failed"}', 1)
    servers.value('hookline_run_ended_total{job="nightly",status="finished"}', 1)
    servers.value('hookline_quality_pass_rate_ratio{job="nightly"}', 0.5)
    servers.value('hookline_write_duration_seconds_count{job="nightly"}', 2)
    servers.value('sum(hookline_quality_failing_rows_total{job="nightly",severity="error"})', 6)
    assert (
        len(servers.query('time() - hookline_run_last_ended_timestamp_seconds{job="nightly",status="finished"} < 60'))
        == 1
    )


def test_hostile_names_are_one_series_with_all_that_fits(servers: Servers, tmp_path: Path) -> None:
    process = runtime(tmp_path, push={"url": f"{servers.gateway}/", "instance": "a/b"})
    run(process, HOSTILE, name=HOSTILE)
    assert process.close() == 0
    labels = servers.value('hookline_write_rows_total{instance="a/b"}', 100)
    assert labels["job"] == labels["job_name"]
    assert labels["dataset"].startswith("/lake/a_b_c_{d}=_e_")
    assert len(labels["dataset"]) <= 120


def test_two_jobs_do_not_replace_each_other(servers: Servers, tmp_path: Path) -> None:
    process = runtime(tmp_path, push={"url": servers.gateway})
    for job in ("first", "second"):
        run(process, job)
    assert process.close() == 0
    for job in ("first", "second"):
        servers.value(f'hookline_write_rows_total{{job="{job}"}}', 100)


def test_a_gateway_that_was_away_has_everything_when_it_is_back(tmp_path: Path, servers: Servers) -> None:
    folder = tmp_path / "gateway"
    folder.mkdir()
    gateway = Gateway(folder, free_port())
    process = runtime(tmp_path, push={"url": f"http://127.0.0.1:{gateway.port}"})
    for _ in range(3):
        run(process, "away")
    told = wait_for_trouble(process)
    (points, show) = [one for one in process.outbox.status() if one.name.startswith("prometheus")]
    assert (points.pending, show.name, show.pending > 0) == (0, "prometheus show", True)
    assert "ConnectionRefusedError" in told
    gateway.start()
    try:
        assert process.outbox.replay() == 0
        with urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}/metrics", timeout=5) as answer:
            lines = [
                line for line in answer.read().decode().splitlines() if line.startswith("hookline_write_rows_total")
            ]
        assert [line.rpartition(" ")[2] for line in lines] == ["300"]
    finally:
        gateway.stop()
        process.close()


def test_a_long_run_can_be_scraped(servers: Servers, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    process = runtime(tmp_path, port=servers.endpoint)
    scope = process.open_run("stream")
    for number in range(3):
        write = sample_write(write_id=scope.next_write_id(), batch_id=number, rows=10)
        scope.record_write_started(write)
        scope.record_write_ended(write, failed=False)
    process.tracing.drain()
    labels = servers.value('hookline_write_rows_total{job="spark"}', 30)
    assert labels["job_name"] == "stream"
    other = runtime(tmp_path / "other", port=servers.endpoint)
    assert "can't be had" in caplog.text
    other.close()
    process.close_run(scope)
    process.close()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{servers.endpoint}/metrics", timeout=2)


def test_the_endpoint_serves_nothing_else(hookline_bus: BusUnderTest) -> None:
    plugin = hookline_bus.load("prometheus", {"port": 0})
    for path, status in (("/metrics", 200), ("/metrics?x", 200), ("/", 404), ("/metrics/../etc", 404)):
        assert Address(f"http://127.0.0.1:{plugin.port}").send(None, {}, path=path, method="GET").status == status


def test_files_are_whole_and_for_others_to_read(tmp_path: Path) -> None:
    folder = tmp_path / "textfiles"
    process = runtime(tmp_path, textfile_dir="textfiles")
    for job in ("nightly", "a/../b"):
        run(process, job)
    assert process.close() == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"hookline-{file_name(job)}.prom" for job in ("nightly", "a/../b")
    )
    for path in folder.iterdir():
        text = path.read_text()
        assert text.endswith("\n")
        assert "hookline_write_rows_total{" in text
        assert path.stat().st_mode & 0o777 == 0o644


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    process = runtime(tmp_path, textfile_dir="file/folder")
    run(process, "nightly")
    assert "can't be written: Not a directory" in wait_for_trouble(process)
    process.outbox.close(0)


def test_the_login_is_sent_and_never_shown(tmp_path: Path) -> None:
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, self.headers["Authorization"]))
            self.send_response(403)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing: the tests' output is theirs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    login = {"username": "hookline", "password": "p@ss"}
    process = runtime(tmp_path, push={"url": f"http://127.0.0.1:{server.server_address[1]}", **login})
    run(process, "a b")
    told = wait_for_trouble(process)
    assert "HTTP 403: check the key" in told
    assert "p@ss" not in told
    name = base64.urlsafe_b64encode(b"a_b").decode()
    assert asked[0] in (
        ("/metrics/job/a_b", f"Basic {base64.b64encode(b'hookline:p@ss').decode()}"),
        (f"/metrics/job@base64/{name}", f"Basic {base64.b64encode(b'hookline:p@ss').decode()}"),
    )
    server.shutdown()
    server.server_close()
    process.outbox.close(0)
