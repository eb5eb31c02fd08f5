"""Servers that alerts are sent to: one that speaks HTTP, one that speaks SMTP; both can be made to misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

Answer = tuple[int, dict[str, str], bytes]


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Nothing: whoever hung up meant to."""


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Backend:
    """Takes every request.

    Attributes:
        answer: what it says, as long as ``trouble`` is empty.
        broken: whether it says 503 to everything, and keeps nothing.
        trouble: answers to the next requests, which are then not kept.
    """

    port: int = 0
    answer: Answer = (200, {}, b"ok")
    broken: bool = False
    trouble: list[Answer | Callable[[Any], None]] = field(default_factory=list)
    taken: list[Request] = field(default_factory=list)
    asked: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/T0/B0/SECRETPATH"

    def start(self) -> Backend:
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                backend.asked += 1
                if backend.broken:
                    self.reply((503, {}, b"SECRETPATH"))
                    return
                if backend.trouble:
                    trouble = backend.trouble.pop(0)
                    if callable(trouble):
                        trouble(self)
                    else:
                        self.reply(trouble)
                    return
                backend.taken.append(Request(self.path, dict(self.headers), body))
                self.reply(backend.answer)

            do_PUT = do_POST

            def reply(self, answer: Answer) -> None:
                status, headers, body = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nothing: the tests' output is theirs."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def backend() -> Iterator[Backend]:
    running = Backend().start()
    yield running
    running.stop()


class Mailbox:
    """An SMTP server with STARTTLS and a login.

    Attributes:
        refused: by recipient, what it is told in place of 250.
        down: what every sender is told.
    """

    def __init__(self, certificate: Path) -> None:
        import ssl

        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult

        self.mails: list[tuple[list[str], bytes]] = []
        self.refused: dict[str, str] = {}
        self.down: str | None = None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))

        def login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
            return AuthResult(success=(data.login, data.password) == (b"hookline", b"p@ss"), handled=False)

        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=0,
            tls_context=context,
            require_starttls=True,
            authenticator=login,
            auth_required=True,
        )
        self._controller.port = self._free_port()
        self._controller.start()
        self.port = self._controller.port

    @staticmethod
    def _free_port() -> int:
        import socket

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.down is not None:
            return self.down
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append((list(envelope.rcpt_tos), bytes(envelope.content)))
        return "250 taken"

    def stop(self) -> None:
        self._controller.stop()


@pytest.fixture
def mailbox(certificate: Path) -> Iterator[Mailbox]:
    pytest.importorskip("aiosmtpd")
    running = Mailbox(certificate)
    yield running
    running.stop()
