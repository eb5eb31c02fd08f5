"""A message in words: one headline and a few lines, the same in every channel that people read.

Everything that has a name in it went through ``facts.shown`` when the fact was found; it goes through again here, since a
message may have been written by another version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hookline.core.text import in_words
from hookline.observability.alerts.facts import shown

_MARKS: Mapping[str, str] = {"critical": "🔴", "error": "🟠", "warn": "🟡", "info": "🔵"}
_WELL = "🟢"
_MOST_LINES = 20
_WIDTH = 600


def headline(payload: Mapping[str, Any]) -> str:
    """``🔴 critical: 3 alerts in a run of shop.silver (prod)``."""
    items: Sequence[Mapping[str, Any]] = payload["items"]
    wrong = [item for item in items if item["news"] != "recovered"]
    total = len(wrong) + int(payload.get("left_out", 0))
    if payload.get("test"):
        return "🔵 hookline: a test message, nothing is wrong"
    job, environment = _run(payload).get("job"), _run(payload).get("environment")
    where = (f" in a run of {shown(str(job), 80)}" if job else "") + (
        f" ({shown(str(environment), 20)})" if environment else ""
    )
    if not wrong:
        return f"{_WELL} recovered: {_count(len(items), 'alert')}{where}"
    severity = str(payload["severity"])
    escalated = "escalated, " if any(item["news"] == "escalated" for item in wrong) else ""
    return f"{_MARKS.get(severity, '')} {escalated}{severity}: {_count(total, 'alert')}{where}"


def lines(payload: Mapping[str, Any]) -> list[str]:
    """A line for each item, and one for what did not fit."""
    items: Sequence[Mapping[str, Any]] = payload["items"]
    found = [line_of(item, str(payload["at"])) for item in items[:_MOST_LINES]]
    more = len(items) - len(found) + int(payload.get("left_out", 0))
    return [*found, f"… and {more} more"] if more else found


def line_of(item: Mapping[str, Any], now: str) -> str:
    """One item: what it is, how often, since when, whose."""
    mark = _WELL if item["news"] == "recovered" else _MARKS.get(str(item["severity"]), "")
    prefix = {"recovered": "over: ", "escalated": "not over: "}.get(str(item["news"]), "")
    return shown(f"{mark} {prefix}{item['title']}{''.join(_remarks(item, now))}", _WIDTH)


def footer(payload: Mapping[str, Any]) -> str:
    """Which run, and where to look."""
    run_id = _run(payload).get("run_id")
    told = f"run {shown(str(run_id), 40)}, " if run_id else ""
    look = f" · hookline report {shown(str(run_id), 40)}" if run_id else ""
    return f"{told}{str(payload['at'])[:19].replace('T', ' ')} UTC{look}"


def text(payload: Mapping[str, Any]) -> str:
    """All of it as plain text."""
    return "\n".join([headline(payload), "", *lines(payload), "", footer(payload)])


def _remarks(item: Mapping[str, Any], now: str) -> Iterator[str]:
    import datetime as dt

    open_s = (dt.datetime.fromisoformat(now) - dt.datetime.fromisoformat(str(item["opened_at"]))).total_seconds()
    if item["failures"] > 1:
        yield f"; {item['failures']:,} times in {in_words(open_s)}"
    elif item["news"] in ("escalated", "recovered") and open_s >= 1:
        yield f"; since {in_words(open_s)}"
    if item["recovered"] and item["news"] != "recovered":
        yield "; well again since"
    if item.get("owner"):
        yield f" [{item['owner']}]"


def _run(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return payload.get("run") or {}


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"
