"""Outbox sink for DogStatsD, over UDP or a Unix socket."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hookline.core.errors import SinkError
from hookline.observability.datadog.datagrams import LONGEST_LINE_BYTES, Clock, check_line, event_line, packets
from hookline.observability.limits import Ages
from hookline.observability.metrics import Point

if TYPE_CHECKING:
    from hookline.core.outbox import Message

_UDP_BYTES = 1_432
_UNIX_BYTES = 8_192
# An agent's socket holds some two hundred of our datagrams while the agent is busy.
_BURST = 16
_BREATH_S = 0.002
_ANSWER_S = 0.05
_METRIC_AGES = Ages("Datadog (without Historical Metrics Ingestion)", 3_600 - 60, 600 - 30)
_OTHER_AGES = Ages("Datadog", 18 * 3_600 - 600, 600 - 30)
# A deep past, for accounts that take it.
_ANY_AGES = Ages("Datadog", 15 * 30 * 86_400, 600 - 30)


class StatsdSink:
    """Sends points, events and service checks.

    A closed port on this machine is noticed, as is a Unix socket that is full or gone: then the message stays. An agent on
    another machine can't be heard over UDP; use one on this machine, or a Unix socket.
    """

    batch_size = 20

    def __init__(self, url: str, environment: str | None, *, historical: bool) -> None:
        self._url = url
        self._environment = environment
        self._metric_ages = _ANY_AGES if historical else _METRIC_AGES
        self._clock = Clock()

    def deliver(self, messages: Sequence[Message]) -> None:
        """Send them.

        Raises:
            SinkError: nobody is there, or a message is too old.
        """
        points: list[Point] = []
        lines: list[str] = []
        for message in messages:
            payload = message.payload
            if message.kind == "points":
                points += self._points(payload)
            else:
                lines.append(_line(message.kind, payload))
        told, last = self._clock.lines(points, self._environment)
        lines = told + lines
        if any(len(line.encode()) > LONGEST_LINE_BYTES for line in lines):
            raise SinkError("a line is longer than DogStatsD reads: it has too many tags", retryable=False)
        self._send(lines)
        self._clock.keep(last)

    def _points(self, payload: Mapping[str, Any]) -> list[Point]:
        try:
            points = [Point.from_payload(one) for one in payload["points"]]
        except (KeyError, TypeError, ValueError):
            raise SinkError("a message holds no points that this version knows", retryable=False) from None
        self._metric_ages.check(point.at for point in points)
        return points

    def _send(self, lines: Sequence[str]) -> None:
        try:
            places = self._places()
            for number, place in enumerate(places, 1):
                try:
                    _send_to(place, lines)
                    return
                except OSError:  # localhost is two addresses, and an agent listens at one of them
                    if number == len(places):
                        raise
        except OSError as error:
            raise SinkError(f"DogStatsD at {self._url} can't be reached ({type(error).__name__})") from None

    def _places(self) -> list[tuple[socket.AddressFamily, Any]]:
        parts = urlsplit(self._url)
        if parts.scheme.startswith("unix"):
            return [(socket.AF_UNIX, parts.path)]
        found = socket.getaddrinfo(parts.hostname or "localhost", parts.port or 8125, type=socket.SOCK_DGRAM)
        return [(family, address) for family, _, _, _, address in found]


def _send_to(place: tuple[socket.AddressFamily, Any], lines: Sequence[str]) -> None:
    family, address = place
    unix = family == socket.AF_UNIX
    with contextlib.closing(socket.socket(family, socket.SOCK_DGRAM)) as link:
        link.settimeout(5.0)
        link.connect(address)
        for number, packet in enumerate(packets(lines, _UNIX_BYTES if unix else _UDP_BYTES), 1):
            link.send(packet)
            if not unix and number % _BURST == 0:
                time.sleep(_BREATH_S)
                _raise_pending(link)
        if not unix:
            _wait_for_refusal(link)


def _raise_pending(link: socket.socket) -> None:
    """Raise what the kernel has been told about datagrams that were sent."""
    code = link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, "refused")


def _wait_for_refusal(link: socket.socket) -> None:
    """A closed port answers at once, on this machine; silence is all that a good one says."""
    link.settimeout(_ANSWER_S)
    with contextlib.suppress(TimeoutError):
        link.recv(1)


def _line(kind: str, payload: Mapping[str, Any]) -> str:
    try:
        at = dt.datetime.fromisoformat(payload["at"])
        line = event_line(payload) if kind == "event" else check_line(payload)
    except (KeyError, TypeError, ValueError):
        raise SinkError("a message holds neither an event nor a check", retryable=False) from None
    _OTHER_AGES.check([at])
    return line
