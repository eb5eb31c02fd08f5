"""An address at which Prometheus may scrape a process while its jobs run: of use to jobs that run for long."""

from __future__ import annotations

import http.server
import logging
import threading
from collections.abc import Callable
from typing import Any

from hookline.observability.prometheus.text import CONTENT_TYPE

logger = logging.getLogger(__name__)
_IDLE_S = 10.0


class Endpoint:
    """Serves ``GET /metrics``, and nothing else.

    Args:
        port: 0 for any that is free.
        content: what is served, made anew for each request.

    Raises:
        OSError: the port can't be had.
    """

    def __init__(self, host: str, port: int, content: Callable[[], bytes]) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = _IDLE_S
            server_version = "hookline"
            sys_version = ""

            def do_GET(self) -> None:
                if self.path.partition("?")[0] != "/metrics":
                    self.send_error(404)
                    return
                body = content()
                self.send_response(200)
                self.send_header("Content-Type", CONTENT_TYPE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nothing: standard error is the job's."""

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """Whoever hung up is gone."""
                logger.debug("a scrape was broken off")

        self._server = Server((host, port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="hookline-prometheus", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop, and give the port back."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(1.0)
