"""What happened, as lines of DogStatsD's protocol: metrics with their own times, events, service checks.

A line's parts are separated by ``|``, its tags by commas; names from users have lost these characters already
(``tag_value``), and text is shortened and has no line breaks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from hookline.core.text import printable, shorten
from hookline.observability.metrics import Point, tag_value

# What an agent reads at once by default.
LONGEST_LINE_BYTES = 8_000
_LONGEST_TITLE = 100
_LONGEST_TEXT = 1_000
Status = Literal[0, 1, 2, 3]
Series = tuple[str, tuple[str, ...]]


class Clock:
    """Gives the points of one series seconds that differ and grow: a second point in the same second would replace the first."""

    def __init__(self) -> None:
        self._last: dict[Series, int] = {}

    def lines(self, points: Iterable[Point], environment: str | None) -> tuple[list[str], dict[Series, int]]:
        """Lines for points, in their order, and the latest second of each series: ``keep`` it when they were sent.

        Of one series and second counts are added up; of other values the greatest stays.
        """
        found: dict[tuple[Series, int], tuple[Point, float]] = {}
        for point in points:
            key = ((point.name, tags_of(point.tags, environment)), round(point.at.timestamp()))
            if key in found:
                value = found[key][1]
                value = value + point.value if point.metric.kind == "count" else max(value, point.value)
                found[key] = (point, value)
            else:
                found[key] = (point, point.value)
        last: dict[Series, int] = {}
        lines = []
        for (series, second), (point, value) in found.items():
            second = max(second, last.get(series, self._last.get(series, 0)) + 1)
            last[series] = second
            kind = "c" if point.metric.kind == "count" else "g"
            lines.append(f"{point.name}:{_number(value)}|{kind}|#{','.join(series[1])}|T{second}")
        return lines, last

    def keep(self, last: Mapping[Series, int]) -> None:
        """These were sent."""
        self._last.update(last)
        while len(self._last) > 50_000:
            del self._last[next(iter(self._last))]


def tags_of(tags: Mapping[str, str], environment: str | None) -> tuple[str, ...]:
    """Tags as ``key:value``, sorted, each key once: the environment is told by one tag, wherever it comes from."""
    own = dict(tags)
    if environment:
        own["env"] = tag_value(environment)
    return tuple(sorted(f"{key}:{value}" for key, value in own.items() if value))


def event_line(event: Mapping[str, Any]) -> str:
    """An event: ``title``, ``text``, ``at`` (ISO 8601), ``level`` (error, warning …), ``key`` that joins events, ``tags``."""
    title = _text(event["title"], _LONGEST_TITLE)
    text = _text(event["text"], _LONGEST_TEXT)
    sizes = f"{len(title.encode())},{len(text.encode())}"
    tags = ",".join(event["tags"])
    key = tag_value(str(event["key"]))
    return f"_e{{{sizes}}}:{title}|{text}|d:{_second(event['at'])}|k:{key}|s:hookline|t:{event['level']}|#{tags}"


def check_line(check: Mapping[str, Any]) -> str:
    """A service check: ``name``, ``status`` (0 well, 1 warning, 2 critical, 3 unknown), ``at``, ``message``, ``tags``."""
    message = _text(check["message"], _LONGEST_TEXT).replace("m:", "m\\:")
    return f"_sc|{check['name']}|{check['status']}|d:{_second(check['at'])}|#{','.join(check['tags'])}|m:{message}"


def packets(lines: Sequence[str], most_bytes: int) -> Iterable[bytes]:
    """Lines in datagrams of a size, each whole."""
    packet: list[bytes] = []
    size = 0
    for line in lines:
        own = line.encode()
        if packet and size + len(own) + 1 > most_bytes:
            yield b"\n".join(packet)
            packet, size = [], 0
        packet.append(own)
        size += len(own) + 1
    if packet:
        yield b"\n".join(packet)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _second(at: str) -> int:
    return round(dt.datetime.fromisoformat(at).timestamp())


def _text(text: str, longest: int) -> str:
    return shorten(printable(text).replace("|", "_"), longest)
