"""One HTTP request to a back end, and what its answer means for a message: arrived, later perhaps, or never.

Only the standard library. A proxy is used as ``$HTTPS_PROXY`` and the like say. No error's text has a URL's path, its query
or a key: what a webhook's URL says after the host is a secret.
"""

from __future__ import annotations

import datetime as dt
import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import hookline
from hookline.core.errors import SinkError

# The message itself is at fault; anything else may be put right: a login, an address, a quota.
NEVER = frozenset({400, 413, 415, 422})
_LARGEST_BYTES = 64 * 1024
_CURES = {401: ": check the key", 403: ": check the key", 404: ": check the URL", 410: ": check the URL"}


class NoRedirection(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: a key must not be carried to where somebody else points."""

    def redirect_request(self, *_args: Any) -> None:
        return None


class Headers(Protocol):
    """Headers, found in any case of letters."""

    def get(self, name: str, /) -> str | None:
        """One of them."""


class Reply(NamedTuple):
    """An answer: its status, its headers, and the beginning of its body."""

    status: int
    headers: Headers
    body: bytes


class Address:
    """A URL that requests are sent to.

    Args:
        url: with ``http`` or ``https``.
        timeout_s: for each step of a request, and for its answer as a whole.
        tls: for certificates that the system does not know.

    Attributes:
        place: its scheme and host, which may be shown.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an address begins with http:// or https:// and a host")
        self._url = url
        self._timeout_s = timeout_s
        self.place = f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
        handlers = [urllib.request.HTTPSHandler(context=tls)] if tls is not None else []
        self._opener = urllib.request.build_opener(NoRedirection, *handlers)

    def __repr__(self) -> str:
        return f"Address({self.place!r})"

    def send(self, body: bytes | None, headers: Mapping[str, str], *, path: str = "", method: str = "POST") -> Reply:
        """Send a request and wait for its answer, whatever that is.

        Args:
            path: appended to the URL.

        Raises:
            SinkError: there is no answer.
        """
        url = self._url + path
        # What urllib calls itself by default is turned away by many a gateway.
        told = {"User-Agent": f"hookline/{hookline.__version__}", **headers}
        request = urllib.request.Request(url, data=body, headers=told, method=method)  # noqa: S310 - see __init__
        deadline = time.monotonic() + self._timeout_s
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                return Reply(response.status, response.headers, _read(response, deadline))
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.headers, _read(error, deadline))
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            kind = type(reason if isinstance(reason, BaseException) else error).__name__
            raise SinkError(f"{self.place} can't be reached ({kind})") from None


def _read(response: Any, deadline: float) -> bytes:
    """The beginning of an answer. One that trickles in is left at the deadline: its status says enough."""
    body = b""
    while len(body) < _LARGEST_BYTES and time.monotonic() < deadline:
        try:
            piece = response.read1(_LARGEST_BYTES - len(body))
        except (OSError, http.client.HTTPException):
            return body
        if not piece:
            return body
        body += piece
    return body


def check(reply: Reply, place: str, what: str = "the message", *, never: frozenset[int] = NEVER) -> None:
    """Whether an answer says that a message arrived.

    Args:
        place: where it was sent to, for people.
        what: what was sent, in words.
        never: statuses that another attempt can't change.

    Raises:
        SinkError: it did not, or a web page answered (a login, a proxy).
    """
    if str(reply.headers.get("Content-Type")).lower().startswith("text/html") and reply.status < 400:
        raise SinkError(f"{place}: a web page answered (HTTP {reply.status}): check the URL")
    if not 200 <= reply.status < 300:
        raise refusal(reply.status, reply.headers, place, what, never=never)


def refusal(status: int, headers: Headers, place: str, what: str, *, never: frozenset[int] = NEVER) -> SinkError:
    """What a status that is no success means."""
    if status in never:
        return SinkError(f"{place} does not take {what} (HTTP {status})", retryable=False)
    if 300 <= status < 400:
        return SinkError(f"{place} answered with a redirect (HTTP {status}): check its URL")
    cure = _CURES.get(status, "")
    return SinkError(f"{place} answered HTTP {status}{cure}", retry_after_s=seconds(headers.get("Retry-After")))


def seconds(text: str | None) -> float | None:
    """A ``Retry-After`` in seconds: HTTP has a number or a date."""
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        return max(0.0, number) if number == number else None
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=dt.timezone.utc)
    return max(0.0, (at - dt.datetime.now(dt.timezone.utc)).total_seconds())
