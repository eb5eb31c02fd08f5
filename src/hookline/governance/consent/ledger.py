"""The ledger's entries, and what follows from them at a moment.

Of a subject and a purpose the entry that holds last decides: the one with the latest beginning that has come, and of several the
one that was recorded last. What was granted is allowed until its end; what was withdrawn, or never granted, is not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hookline.core.errors import ProtectionError

if TYPE_CHECKING:
    from hookline.core.store import Store
    from hookline.core.store.consenting import ConsentEntry

# GDPR, Art. 6 (1) (a) to (f).
BASES = ("consent", "contract", "legal_obligation", "vital_interests", "public_task", "legitimate_interests")


def permitted(entries: Iterable[ConsentEntry], at: str) -> set[str]:
    """The tokens of those subjects who allow it at this moment.

    Args:
        entries: of one purpose, in the order in which they hold.
        at: ISO 8601, UTC.
    """
    last: dict[str, ConsentEntry] = {}
    for entry in entries:
        if entry.valid_from <= at:
            last[entry.subject] = entry
    return {
        subject
        for subject, entry in last.items()
        if entry.kind == "granted" and (entry.valid_to is None or at < entry.valid_to)
    }


def withdrawals(entries: Iterable[ConsentEntry], at: str, actor: str | None) -> list[ConsentEntry]:
    """What takes back, from this moment on, all that one subject allows, or is going to.

    Args:
        entries: the subject's, in the order in which they hold.
    """
    from hookline.core.store.consenting import ConsentEntry

    last = {entry.purpose: entry for entry in entries}
    return [
        ConsentEntry(one.subject, one.purpose, "withdrawn", max(at, one.valid_from), at, source="erasure", actor=actor)
        for one in last.values()
        if one.kind == "granted" and (one.valid_to is None or at < one.valid_to)
    ]


def moment(text: str | None) -> str | None:
    """A day or a time as the ledger has it: ISO 8601, UTC, to the microsecond. One without an offset is UTC.

    Raises:
        ProtectionError: it is none.
    """
    if text is None:
        return None
    try:
        at = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise ProtectionError(f"{text!r} is no day or time: 2026-05-04, or 2026-05-04T12:00:00+02:00") from None
    at = at if at.tzinfo else at.replace(tzinfo=dt.timezone.utc)
    return at.astimezone(dt.timezone.utc).isoformat(timespec="microseconds")


class Ledger:
    """The ledger in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self, entries: Sequence[ConsentEntry]) -> int:
        """Keep entries, all or none.

        Raises:
            StoreError: they could not be kept.
        """
        from hookline.core.store.consenting import record

        return record(self._store, entries)

    def permitted(self, purpose: str, at: str) -> set[str]:
        """The tokens of those who allow a purpose at a moment.

        Raises:
            StoreError: the ledger can't be read.
        """
        from hookline.core.store.consenting import entries_of

        return permitted(entries_of(self._store, purpose=purpose), at)

    def of_subject(self, subject: str) -> list[ConsentEntry]:
        """All entries of a subject's token.

        Raises:
            StoreError: the ledger can't be read.
        """
        from hookline.core.store.consenting import entries_of

        return entries_of(self._store, subject=subject)
