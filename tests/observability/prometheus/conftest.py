"""Debian's Prometheus and Pushgateway, started for these tests on free ports of the loopback."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest


class Servers(NamedTuple):
    """Addresses; ``endpoint`` is a port that Prometheus scrapes besides."""

    prometheus: str
    gateway: str
    gateway_port: int
    endpoint: int

    def query(self, expression: str, enough: Callable[[list[Any]], Any] = bool) -> list[dict[str, Any]]:
        """What an expression gives, as soon as that is enough."""
        deadline = time.monotonic() + 15.0
        while True:
            found = self._get(f"/api/v1/query?{urlencode({'query': expression})}")["data"]["result"]
            if enough(found):
                return list(found)
            assert time.monotonic() < deadline, (expression, found, self._get("/api/v1/targets"))
            time.sleep(0.1)

    def value(self, expression: str, wanted: float) -> dict[str, str]:
        """Wait until the only series of an expression has a value; its labels."""
        (one,) = self.query(expression, lambda found: len(found) == 1 and float(found[0]["value"][1]) == wanted)
        return dict(one["metric"])

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self.prometheus + path, timeout=10) as answer:  # noqa: S310 - ours
            return json.load(answer)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(command: list[str], port: int, folder: Path) -> subprocess.Popen[bytes]:
    log = (folder / "log").open("wb")
    process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    log.close()
    deadline = time.monotonic() + 30.0
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2).close()
            return process
        except OSError:
            time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError((folder / "log").read_text())


class Gateway:
    """A Pushgateway that can be stopped and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = (f"--web.listen-address=127.0.0.1:{self.port}", "--persistence.file=")
        program = str(shutil.which("prometheus-pushgateway"))
        self._process = started([program, *options], self.port, self._folder)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    for program in ("prometheus", "prometheus-pushgateway"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: {program})")
    folder = tmp_path_factory.mktemp("prometheus")
    port, gateway_port, endpoint = free_port(), free_port(), free_port()
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 300ms, scrape_timeout: 300ms}\n"
        "scrape_configs:\n"
        "  - job_name: pushgateway\n    honor_labels: true\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{gateway_port}']}}]\n"
        f"  - job_name: spark\n    static_configs: [{{targets: ['127.0.0.1:{endpoint}']}}]\n"
    )
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), gateway_port)
    gateway.start()
    prometheus = started(
        [
            str(shutil.which("prometheus")),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        port,
        folder,
    )
    yield Servers(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{gateway_port}", gateway_port, endpoint)
    gateway.stop()
    prometheus.terminate()
    prometheus.wait(10)
