"""AWS at a real address: Moto's server, and a proxy before it that can be in trouble."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import pytest

Trouble = Literal["throttled", "disabled", "internal", "hangs", "hangs up", "talks nonsense", "is gone"]
_ERRORS = {
    "throttled": (400, "ThrottlingException"),
    "disabled": (400, "DisabledException"),
    "internal": (500, "KMSInternalException"),
}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}


class Endpoint:
    """An address that passes on to Moto's server what it is asked, unless it is in trouble.

    Attributes:
        trouble: which, of all requests or of those whose operation has ``only`` in its name, but for the first ``after``.
        asked: the operations that were asked for.
    """

    def __init__(self, moto: tuple[str, int]) -> None:
        self.moto = moto
        self.trouble: Trouble | None = None
        self.only = ""
        self.after = 0
        self.asked: list[str] = []
        self.over = threading.Event()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = int(free.getsockname()[1])
        self._server: ThreadingHTTPServer | None = None
        self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        if self._server is None:
            endpoint = self

            class Handler(_Handler):
                served = endpoint

            self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
            threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.over.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @contextmanager
    def in_trouble(self, trouble: Trouble, only: str = "") -> Iterator[None]:
        """Until the end of the block, for all operations or for some."""
        self.over.clear()
        self.trouble, self.only = trouble, only
        if trouble == "is gone":
            self.close()
        try:
            yield
        finally:
            self.trouble, self.only = None, ""
            self.over.set()
            self.open()


class _Handler(BaseHTTPRequestHandler):
    served: Endpoint
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = self.headers.get("X-Amz-Target", "")
        self.served.asked.append(operation)
        troubled = self.served.only in operation and len(self.served.asked) > self.served.after
        trouble = self.served.trouble if troubled else None
        if trouble == "hangs":
            self.served.over.wait(120)
            self.close_connection = True
        elif trouble == "hangs up":
            self.close_connection = True
        elif trouble == "talks nonsense":
            self._answer(200, b"<html>canary</html>", "text/html")
        elif trouble in _ERRORS:
            status, code = _ERRORS[trouble]
            told = json.dumps({"__type": code, "message": "canary"}).encode()
            self._answer(status, told, "application/x-amz-json-1.1")
        else:
            self._pass_on(body)

    def _pass_on(self, body: bytes) -> None:
        connection = HTTPConnection(*self.served.moto, timeout=30)
        try:
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            self._answer(answer.status, answer.read(), answer.getheader("Content-Type") or "")
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="session")
def moto_address() -> Iterator[tuple[str, int]]:
    """Moto's own server, in a thread."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()
    server.stop()


@pytest.fixture
def endpoint(moto_address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """In no trouble yet; with credentials for this process."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    made = Endpoint(moto_address)
    yield made
    made.close()


def client(service: str, endpoint: Endpoint) -> Any:
    """A client that passes the proxy by."""
    from botocore.session import get_session

    host, port = endpoint.moto
    return get_session().create_client(service, region_name="eu-west-1", endpoint_url=f"http://{host}:{port}")
