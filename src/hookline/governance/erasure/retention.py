"""What is kept for too long, by what policies say: the same machinery, by age instead of by subject."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookline.governance.erasure.matching import Before, Matcher
from hookline.governance.erasure.places import Flow, Place, known_for, nothing_known, personal

if TYPE_CHECKING:
    from hookline.governance.protection.policy import Policy, Retention


def expired(policies: Sequence[Policy], flow: Flow, now: dt.datetime) -> tuple[dict[Place, Matcher], list[str]]:
    """Where rows may be that are too old, with what tells them; and what is left to people."""
    found: dict[Place, Matcher] = {}
    notes: list[str] = []
    for policy in policies:
        if not policy.retention:
            continue
        datasets = [*known_for(policy, flow)]
        notes += [] if datasets else [nothing_known(policy)]
        for one in policy.retention:
            matcher, columns = Before(before(now, one.keep)), _columns(policy, one)
            found |= {Place(dataset, one.column, one.how, columns, policy.name): matcher for dataset in datasets}
    return found, notes


def before(now: dt.datetime, keep: str) -> dt.datetime:
    """The moment that is so long ago. Months and years are the calendar's: a month before 31 March is the end of February."""
    text, unit = keep.split()
    count, unit = int(text), unit.rstrip("s")
    if unit in ("day", "week"):
        return now - dt.timedelta(days=count * (7 if unit == "week" else 1))
    year, month = divmod(now.year * 12 + now.month - 1 - count * (12 if unit == "year" else 1), 12)
    if year < 1:
        return dt.datetime.min.replace(tzinfo=now.tzinfo)
    return now.replace(year=year, month=month + 1, day=min(now.day, calendar.monthrange(year, month + 1)[1]))


def _columns(policy: Policy, retention: Retention) -> tuple[str, ...]:
    if retention.how == "delete":
        return ()
    rules = [rule for rule in policy.rules if rule.entity in retention.entities and rule.deed != "drop"]
    named = [*retention.columns, *(name for rule in rules for name in rule.columns)]
    return tuple(dict.fromkeys(named)) or personal(policy)
