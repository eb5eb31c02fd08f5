"""What stands before every page: who may ask, by which name, and what a browser may do with the answer."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hookline.observability.ui.documents import Problem
from hookline.observability.ui.pages import Pages

COOKIE = "hookline_ui"
LEAST_TOKEN = 16
_MOST_BODY = 4_096
_MONTH_S = 30 * 86_400
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets requests pass that are to be answered. ASGI middleware.

    A page that a name server of an attacker's points to this address asks by that name, so that only known names, and
    addresses, are answered.

    Args:
        names: by which a browser may ask, besides addresses and ``localhost``.
        token: what one must know; None where only this machine can ask.
    """

    def __init__(
        self, app: ASGIApp, *, pages: Pages, assets: str, names: Iterable[str] = (), token: str | None = None
    ) -> None:
        self._app = app
        self._pages = pages
        self._assets = assets
        self._names = {name.lower() for name in names} | {"localhost"}
        self._key = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or have the page answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", POLICY)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = await self._refusal(Request(scope, receive))
        await (self._app if refusal is None else refusal)(scope, receive, answered)

    async def _refusal(self, request: Request) -> Response | None:
        if not self._knows(request.headers.getlist("host")):
            return PlainTextResponse("This page is not known by that name.\n", 421)
        entering = request.url.path == "/entrance"
        if request.method not in ("GET", "HEAD") and not (entering and request.method == "POST"):
            return PlainTextResponse("This page is read only.\n", 405, {"Allow": "GET, HEAD"})
        if self._key is None:
            return RedirectResponse("/", 303) if entering else None
        if entering and request.method == "POST":
            return await self._enter(request)
        if self._is_let_in(request.headers) or request.url.path.startswith("/assets/"):
            return RedirectResponse("/", 303) if entering else None
        given = request.query_params.getlist("token")
        if given and all(self._is_token(one) for one in given):
            return self._let_in(_without_token(request))
        return self._entrance(request, wrong=bool(given))

    def _knows(self, hosts: Sequence[str]) -> bool:
        if len(hosts) != 1:
            return False
        host = hosts[0].lower()
        if host.startswith("["):
            name, _, rest = host[1:].partition("]")
        else:
            name, colon, port = host.partition(":")
            rest = colon + port
        if rest and not (rest[0] == ":" and rest[1:].isascii() and rest[1:].isdigit()):
            return False
        if name.rstrip(".") in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _is_let_in(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(given.strip()):
            return True
        try:
            kept = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return kept is not None and hmac.compare_digest(kept.value.encode(), self._proof().encode())

    def _is_token(self, given: str) -> bool:
        return self._key is not None and hmac.compare_digest(given.encode("utf-8", "replace"), self._key)

    def _proof(self) -> str:
        """What the cookie holds in the token's place."""
        return hmac.new(self._key or b"", b"hookline ui", hashlib.sha256).hexdigest()

    async def _enter(self, request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_BODY:
                return self._entrance(request, wrong=True)
        try:
            given = parse_qs(body.decode("utf-8", "replace"), max_num_fields=5).get("token", [""])[0]
        except ValueError:
            given = ""
        return self._let_in("/") if self._is_token(given) else self._entrance(request, wrong=True)

    def _let_in(self, forward: str) -> Response:
        """Not a redirection: a browser that comes from another site would not send a strict cookie with that."""
        response = HTMLResponse(self._pages.render("entrance.html", self._values(forward=forward)))
        response.set_cookie(COOKIE, self._proof(), max_age=_MONTH_S, httponly=True, samesite="strict", path="/")
        return response

    def _entrance(self, request: Request, *, wrong: bool) -> Response:
        if request.url.path.startswith("/api/"):
            problem = Problem(
                problem="unauthorized",
                what="a token is needed",
                cure="send it as Authorization: Bearer, or open the page in a browser",
            )
            return JSONResponse(problem.model_dump(mode="json"), 401, {"WWW-Authenticate": "Bearer"})
        return HTMLResponse(self._pages.render("entrance.html", self._values(wrong=wrong)), 401)

    def _values(self, *, forward: str = "", wrong: bool = False) -> dict[str, object]:
        return {"forward": forward, "wrong": wrong, "assets": self._assets}


def _without_token(request: Request) -> str:
    kept = [(key, value) for key, value in parse_qsl(request.url.query) if key != "token"]
    # Two slashes, or a slash and a backslash, would lead to another server.
    path = "/" + quote(request.scope["path"].lstrip("/"))
    return f"{path}?{urlencode(kept)}" if kept else path
