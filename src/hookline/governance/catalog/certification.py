"""The certification of datasets: its steps, who may make which, the rules of what is certified, and how it lapses by itself."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from hookline.core.errors import CatalogError, HooklineError
from hookline.core.events import content_id, utc_now
from hookline.core.store import cataloguing, past, traced
from hookline.core.store.records import CertificationStep
from hookline.governance.audit import Entry
from hookline.governance.catalog.entry import CatalogEntry, Certification, age_s

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hookline.core.store import SchemaVersion, Store
    from hookline.core.store.browse.datasets import ListedCheck, ListedWrite
    from hookline.core.store.classifying import StoredScan
    from hookline.governance.audit import AuditLog
    from hookline.governance.catalog.options import CertificationRules

logger = logging.getLogger(__name__)
State = Literal["draft", "reviewed", "certified", "deprecated"]
STATES: tuple[State, ...] = ("draft", "reviewed", "certified", "deprecated")
_FROM: Mapping[str, frozenset[str]] = {
    "draft": frozenset({"reviewed", "deprecated"}),
    "reviewed": frozenset({"draft", "certified"}),
    "certified": frozenset({"reviewed"}),
    "deprecated": frozenset({"draft", "reviewed", "certified"}),
}


@dataclass(frozen=True)
class Facts:
    """What the rules go by, besides what stands in the entry.

    Attributes:
        critical: the last critical check that failed or could not be evaluated, and when; refused writes count.
        judged: whether the last published write was judged.
        traced: why it is not known where the columns of the last write came from; None when it is.
        scan: why it is not known whether it holds personal data; None when it is.
        holds: whether it is known to hold some.
    """

    critical: tuple[str, str] | None = None
    judged: bool = False
    traced: str | None = "nothing was written to it"
    scan: str | None = "it was never looked through for personal data"
    holds: bool = False


def facts_of(
    connection: Connection,
    name: tuple[str, str],
    written: Sequence[ListedWrite],
    checks: Mapping[str, Sequence[ListedCheck]],
    schemas: Sequence[SchemaVersion],
    scan: StoredScan | None,
    *,
    holds: bool,
) -> Facts:
    """The facts of one dataset, from its last writes."""
    # A statement that only takes rows away leaves the rest what it was, and nobody measures it.
    published = [one for one in written if one.published and one.operation != "delete"]
    judged = bool(published) and any(one.status != "skipped" for one in checks.get(published[-1].write_id, ()))
    critical = past.last_critical(connection, content_id(*name))
    return Facts(critical, judged, _untraced(connection, published), _unscanned(scan, schemas), holds)


def _untraced(connection: Connection, published: Sequence[ListedWrite]) -> str | None:
    if not published:
        return "nothing was written to it"
    lineage = traced.of_write(connection, published[-1].write_id)
    if lineage is None:
        return "it is not known where the columns of its last write came from"
    if lineage.degraded is not None:
        return f"it is not known where the columns of its last write came from ({lineage.degraded})"
    return None


def _unscanned(scan: StoredScan | None, schemas: Sequence[SchemaVersion]) -> str | None:
    if scan is None:
        return "it was never looked through for personal data"
    if schemas and scan.scanned_at < schemas[-1].first_seen_at:
        return "it was looked through for personal data before its columns changed"
    return None


def broken(
    entry: CatalogEntry, facts: Facts, rules: CertificationRules, now: dt.datetime | None = None
) -> tuple[str, ...]:
    """The rules of certified datasets that one breaks, in words; nothing when it keeps them all."""
    return tuple(_broken(entry, facts, rules, now or utc_now()))


def _broken(entry: CatalogEntry, facts: Facts, rules: CertificationRules, now: dt.datetime) -> Iterator[str]:
    if rules.owner and not entry.owner:
        yield "it has no owner"
    if rules.quality_days:
        if not facts.judged:
            yield "its last write was judged by no check"
        if facts.critical is not None and age_s(facts.critical[1], now) < rules.quality_days * 86_400:
            check, at = facts.critical
            yield f"the critical check {check!r} did not pass at {at[:19]}, within {rules.quality_days:g} days"
    if rules.column_lineage and facts.traced is not None:
        yield facts.traced
    if rules.no_unprotected_pii:
        if facts.scan is not None:
            yield facts.scan
        if facts.holds:
            held = sorted(column.column for column in entry.columns if column.holds)
            yield "it holds personal data in clear" + (f": {', '.join(held[:10])}" if held else "")
    if rules.fresh_within_h is not None and (entry.fresh_s is None or entry.fresh_s > rules.fresh_within_h * 3_600):
        yield f"nothing was written to it within {rules.fresh_within_h:g} h"


def step(
    store: Store, log: AuditLog, entry: CatalogEntry, state: State, actor: str | None, reason: str
) -> CatalogEntry:
    """Make a step; it stands in the audit log before it is made.

    Raises:
        CatalogError: it does not follow on the last one, or the rules are broken.
        AuditError: it can't be recorded; nothing was changed.
        StoreError: the database did not do it, or somebody else made a step meanwhile.
    """
    now = entry.certification.state
    if now not in _FROM[state]:
        allowed = [one for one in STATES if now in _FROM[one]]
        raise CatalogError(f"it is {now}, and can't be made {state}: it can be made {' or '.join(allowed)}")
    if state == "certified" and entry.certification.breaks:
        raise CatalogError(f"it can't be certified: {'; '.join(entry.certification.breaks)}")
    return _made(store, log, entry, CertificationStep(state, _time(), actor, reason))


def settled(store: Store, log: AuditLog, entry: CatalogEntry) -> CatalogEntry:
    """As it stands now; a lapse is recorded where that can be done."""
    try:
        return lapsed(store, log, entry)
    except HooklineError as error:
        logger.warning("that %s is certified no more is not recorded: %s", entry.dataset, error)
        return as_it_stands(entry)


def lapsed(store: Store, log: AuditLog, entry: CatalogEntry) -> CatalogEntry:
    """What was certified and breaks a rule is certified no more: it is reviewed again, which is recorded with the reason."""
    if entry.certification.state != "certified" or not entry.certification.breaks:
        return entry
    reason = "; ".join(entry.certification.breaks)
    return _made(store, log, entry, CertificationStep("reviewed", _time(), None, reason, by_itself=True))


def as_it_stands(entry: CatalogEntry) -> CatalogEntry:
    """The same entry for who only looks: what lapses is told as reviewed, and not recorded."""
    if entry.certification.state != "certified" or not entry.certification.breaks:
        return entry
    return replace(entry, certification=replace(entry.certification, state="reviewed"))


def _made(store: Store, log: AuditLog, entry: CatalogEntry, made: CertificationStep) -> CatalogEntry:
    before = entry.certification
    what = {
        "dataset": str(entry.dataset),
        "from": before.state,
        "to": made.state,
        "reason": made.reason,
        "by_itself": made.by_itself,
    }
    log.append(Entry("catalog.lapsed" if made.by_itself else "catalog.certification", what, made.actor))
    cataloguing.add_step(store, (entry.namespace, entry.name), made, after=len(before.steps))
    return replace(entry, certification=Certification(made.state, before.breaks, (*before.steps, made)))


def _time() -> str:
    return utc_now().isoformat(timespec="microseconds")
