"""What a report is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hookline.core.events import Run, RunEnded, Verdict, Write
from hookline.core.store import JudgedWrite
from hookline.quality.audit.comparison import Change

Outcome = Literal["passed", "failed", "refused", "unanswered", "unchecked"]

_WORSE: tuple[Outcome, ...] = ("unchecked", "passed", "unanswered", "failed", "refused")


@dataclass(frozen=True)
class Sample:
    """Some rows that were set aside, every value masked.

    Attributes:
        reasons: the checks that each row failed.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Matter:
    """A run, and what surrounds it.

    Attributes:
        former: earlier writes of the same datasets, by (namespace, name), oldest first.
        samples: by write, where the configuration allows them.
        against: the run that this one is compared with, and the changes; None without a comparison.
    """

    run: Run
    ended: RunEnded
    former: Mapping[tuple[str, str], tuple[JudgedWrite, ...]] = field(default_factory=dict)
    samples: Mapping[str, Sample] = field(default_factory=dict)
    against: tuple[Run, tuple[Change, ...]] | None = None


def judged(writes: Iterable[Write]) -> list[Write]:
    """The writes that something was said of."""
    return [write for write in writes if write.verdicts]


def outcome(verdicts: Iterable[Verdict], *, refused: bool = False) -> Outcome:
    """The verdicts in a word."""
    found = {verdict.status for verdict in verdicts}
    if refused:
        return "refused"
    if not found:
        return "unchecked"
    if "failed" in found:
        return "failed"
    return "passed" if found == {"passed"} else "unanswered"


def outcome_of_write(write: Write) -> Outcome:
    """As ``outcome``; a refused write is one that a gate stopped, or whose data a gate would have stopped."""
    return outcome(write.verdicts, refused=write.refused or any(verdict.refuses for verdict in write.verdicts))


def outcome_of_run(ended: RunEnded) -> Outcome:
    """The worst of its writes."""
    if ended.status == "refused":
        return "refused"
    found = [outcome_of_write(write) for write in ended.writes]
    return max(found, key=_WORSE.index) if found else "unchecked"
