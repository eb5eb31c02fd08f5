"""Two runs side by side: what each check said of the last write of each dataset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hookline.core.events import Verdict, Write


@dataclass(frozen=True)
class Change:
    """What a check said in one run and in another; None where the run did not have it.

    Attributes:
        check: its name; empty for the number of rows.
    """

    dataset: str
    check: str
    before: str | None
    now: str | None
    observed_before: str | int | float | None = None
    observed_now: str | int | float | None = None

    @property
    def kind(self) -> str:
        """new, gone, broken, mended, moved or same."""
        if self.before is None or self.now is None:
            return "new" if self.before is None else "gone"
        if self.before != self.now:
            return "mended" if self.now == "passed" else "broken"
        return "same" if self.observed_before == self.observed_now else "moved"

    def as_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**vars(self), "kind": self.kind}


def compare(now: Iterable[Write], before: Iterable[Write]) -> tuple[Change, ...]:
    """Every check of either, the datasets in the order of the later run."""
    ours, theirs = _last(now), _last(before)
    found: list[Change] = []
    for name in dict.fromkeys((*ours, *theirs)):
        new, old = ours.get(name), theirs.get(name)
        said, was = _verdicts(new), _verdicts(old)
        found.append(
            Change(
                name, "", _told(old), _told(new), None if old is None else old.rows, None if new is None else new.rows
            )
        )
        for check in dict.fromkeys((*said, *was)):
            one, other = said.get(check), was.get(check)
            found.append(
                Change(
                    name,
                    check,
                    None if other is None else other.status,
                    None if one is None else one.status,
                    None if other is None else other.observed,
                    None if one is None else one.observed,
                )
            )
    return tuple(found)


def _told(write: Write | None) -> str | None:
    return None if write is None else "published" if write.published else "not published"


def _last(writes: Iterable[Write]) -> dict[str, Write]:
    return {str(write.dataset): write for write in writes}


def _verdicts(write: Write | None) -> dict[str, Verdict]:
    return {} if write is None else {verdict.check: verdict for verdict in write.verdicts}
