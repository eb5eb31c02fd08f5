"""The application on a port, until it is interrupted."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from hookline.core.errors import ConfigError, HooklineError
from hookline.observability.ui.app import Sources, application
from hookline.observability.ui.guard import LEAST_TOKEN, is_loopback

_GRACE_S = 3


def serve(
    sources: Sources,
    *,
    host: str,
    port: int,
    token: str | None,
    names: tuple[str, ...] = (),
    told: Callable[[str], None],
) -> None:
    """Answer until the process is interrupted.

    Args:
        host: where to listen; beyond this machine only with a token.
        port: 0 for any that is free.
        names: by which browsers may ask, besides addresses, ``localhost`` and the host itself.
        told: is told the address once it can be opened.

    Raises:
        ConfigError: a token is missing, or too short.
        HooklineError: nothing can listen there.
    """
    check(host, token)
    own = () if is_loopback(host) else (socket.gethostname(), socket.getfqdn())
    app = application(sources, names=(host, *own, *names), token=token)
    with _listening(host, port) as listener:
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,  # an address may hold the token
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_GRACE_S,
            proxy_headers=False,
        )
        shown = f"[{host}]" if ":" in host else host
        told(f"http://{shown}:{listener.getsockname()[1]}/")
        uvicorn.Server(config).run(sockets=[listener])


def check(host: str, token: str | None) -> None:
    """Whether the page may listen there.

    Raises:
        ConfigError: it may not; the message does not hold the token.
    """
    if token is None and not is_loopback(host):
        raise ConfigError(
            f"{host} can be reached from other machines: give a token as well, in $HOOKLINE_UI_TOKEN or --token "
            f"({LEAST_TOKEN} characters or more), or listen on 127.0.0.1"
        )
    if token is not None and len(token) < LEAST_TOKEN:
        raise ConfigError(
            f"the token is too short to be none that anybody guesses: take {LEAST_TOKEN} characters or more"
        )


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:  # the system would take another one for it
        raise HooklineError(f"there is no port {port}: choose one from 0 (any that is free) to 65535")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise HooklineError(f"nothing can listen on {host}: {getattr(error, 'strerror', None) or error}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise HooklineError(
            f"nothing can listen on {host} port {port}: {error.strerror}; choose another with --port"
        ) from None
    return listener
