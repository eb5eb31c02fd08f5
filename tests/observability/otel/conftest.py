"""A receiver of OTLP over HTTP that decodes what it gets with OpenTelemetry's own classes, and can misbehave."""

from __future__ import annotations

import gzip
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

Answer = tuple[int, dict[str, str], bytes]
PATHS = {"/v1/traces": "traces", "/v1/metrics": "metrics", "/v1/logs": "logs"}


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Nothing: whoever hung up meant to."""


class Receiver:
    """Takes requests.

    Attributes:
        bodies: what arrived, by signal, as it was decoded.
        headers: of each request.
        trouble: answers in its place, as long as it is not None.
    """

    def __init__(self, port: int = 0, certificate: Path | None = None) -> None:
        from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
        from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

        requests: dict[str, Any] = {
            "traces": trace_service_pb2.ExportTraceServiceRequest,
            "metrics": metrics_service_pb2.ExportMetricsServiceRequest,
            "logs": logs_service_pb2.ExportLogsServiceRequest,
        }
        self.bodies: dict[str, list[Any]] = {signal: [] for signal in requests}
        self.raw: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.asked = 0
        self.trouble: Callable[[Any], Answer | None] | None = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.asked += 1
                if receiver.trouble is not None:
                    answer = receiver.trouble(self)
                    if answer is not None:
                        self.reply(*answer)
                    return
                receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                signal = PATHS[self.path]
                receiver.raw.append(body)
                receiver.bodies[signal].append(requests[signal].FromString(body))
                self.reply(200, {"Content-Type": "application/x-protobuf"}, b"")

            def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nothing: the tests' output is theirs."""

        self._server = Server(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.scheme = "http" if certificate is None else "https"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def spans(self) -> list[Any]:
        return [span for body in self.bodies["traces"] for span in body.resource_spans[0].scope_spans[0].spans]

    def metrics(self) -> list[Any]:
        return [one for body in self.bodies["metrics"] for one in body.resource_metrics[0].scope_metrics[0].metrics]

    def records(self) -> list[Any]:
        return [one for body in self.bodies["logs"] for one in body.resource_logs[0].scope_logs[0].log_records]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    pytest.importorskip("opentelemetry.proto")
    running = Receiver()
    yield running
    running.stop()
