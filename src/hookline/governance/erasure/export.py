"""All rows of a subject, for the one who asks what is held: a folder with a file for each dataset, and an index.

What a policy encrypted is turned back only for whom it allows that, and so many values an hour, as ``hookline reveal`` does it.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hookline.core.errors import HooklineError, ProtectionError
from hookline.core.events import Dataset, utc_now
from hookline.governance.audit import Entry
from hookline.governance.erasure.folder import RowsFile, make_folder, write_document
from hookline.governance.erasure.holdings import ByHandError, Means, MissingError, holding
from hookline.governance.erasure.opening import Opener
from hookline.governance.erasure.outcomes import kind_of

if TYPE_CHECKING:
    from hookline.core.store.consenting import ConsentEntry
    from hookline.governance.audit import AuditLog
    from hookline.governance.audit.records import Record
    from hookline.governance.erasure.matching import Matcher
    from hookline.governance.erasure.opening import Reveal
    from hookline.governance.erasure.places import Place
    from hookline.governance.erasure.subject import Subject
    from hookline.governance.protection.policy import Policy

EXPORTED, REFUSED, FINISHED = "export.subject", "export.refused", "export.finished"
_HOUR = dt.timedelta(hours=1)
_PER_HOUR = 100
_AT_ONCE = 1_000


class Relations(Protocol):
    """What is known of where a dataset's data comes from and goes to."""

    def sources(self, dataset: Dataset) -> list[str]:
        """The datasets that it was made from."""

    def recipients(self, dataset: Dataset) -> list[str]:
        """The datasets that were made from it, and the jobs that read it."""


@dataclass
class Export:
    """What was put into the folder.

    Attributes:
        datasets: what the index says of each.
        left: what could not be had, and why.
    """

    id: str
    folder: Path
    datasets: list[dict[str, Any]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether it is all there, and can be read."""
        return not self.left


class Exporter:
    """Gathers a subject's rows.

    Args:
        policies: those that are about the subject's entity.
        means: what places are looked at with.
        reveal: turns values back; raises where that is not allowed.
        actor: who asks.
    """

    def __init__(
        self,
        log: AuditLog,
        policies: Sequence[Policy],
        relations: Relations,
        means: Means,
        reveal: Reveal,
        actor: str | None,
        reason: str = "",
    ) -> None:
        self._log = log
        self._policies = {policy.name: policy for policy in policies}
        self._relations = relations
        self._means = means
        self._reveal = reveal
        self._actor = actor
        self._reason = {"reason": reason} if reason else {}

    def export(
        self,
        subject: Subject,
        places: Sequence[Place],
        matcher: Matcher,
        notes: Sequence[str],
        consents: Sequence[ConsentEntry],
        folder: Path,
    ) -> Export:
        """Write it.

        Raises:
            ProtectionError: the actor may not so often.
            AuditError: it can't be recorded. Nothing is read then.
            HooklineError: the folder is not empty, or can't be written.
        """
        make_folder(folder)
        made = Export(str(uuid.uuid4()), folder, left=[*notes])
        self._ask(subject, places, made)
        for number, place in enumerate(places, 1):
            self._one(place, matcher, made, number)
        index = {
            "version": 1,
            "made_at": utc_now().isoformat(timespec="seconds"),
            "entity": subject.entity,
            "datasets": made.datasets,
            "consents": [_consent(entry) for entry in consents],
            "left": made.left,
        }
        write_document(folder / "index.json", index)
        rows = sum(int(one["rows"]) for one in made.datasets)
        what = {"export": made.id, "datasets": len(made.datasets), "rows": rows, "complete": made.complete}
        self._log.append(Entry(FINISHED, what, self._actor))
        return made

    def _ask(self, subject: Subject, places: Sequence[Place], made: Export) -> None:
        """Record it, or that it was refused: so many exports an hour for each."""
        limits = [policy.reveal.per_hour for policy in self._policies.values() if policy.reveal is not None]
        most = min(limits, default=_PER_HOUR)
        about = {"export": made.id, "entity": subject.entity, "subjects": sorted(subject.owners), **self._reason}
        what = {**about, "datasets": [str(place.dataset) for place in places]}
        problem: list[str] = []

        def decide(records: Iterator[Record]) -> Sequence[Entry]:
            since = (utc_now() - _HOUR).isoformat(timespec="microseconds")
            latest = (one for one in records if one.entry.action == EXPORTED and one.at >= since)
            if sum(one.entry.actor == self._actor for one in latest) < most:
                return [Entry(EXPORTED, what, self._actor)]
            problem.append(f"{self._actor} may export {most} subjects an hour, and has: wait")
            return [Entry(REFUSED, {**about, "refusal": problem[0]}, self._actor)]

        self._log.append_by(decide)
        if problem:
            raise ProtectionError(problem[0])

    def _one(self, place: Place, matcher: Matcher, made: Export, number: int) -> None:
        name = str(place.dataset)
        path = made.folder / f"{number:03}-{_plain_name(place.dataset)}.json"
        try:
            if place.problem is not None:
                raise ByHandError(place.problem)
            own = holding(place.dataset, self._means)
            columns, opener = own.columns(), Opener(self._policies.get(place.policy), self._reveal)
            count = _write(path, own.rows(place.column, matcher), opener)
        except MissingError:
            return
        except (ByHandError, HooklineError) as error:
            made.left.append(f"{name}: {error}")
            return
        except Exception as error:  # noqa: BLE001 - one dataset that fails must not keep the others back
            made.left.append(f"{name}: it could not be read whole ({kind_of(error)})")
            return
        made.left += [f"{name}: {one}" for one in opener.closed]
        if count:
            made.datasets.append({**self._about(place, columns), "file": path.name, "rows": count})
        elif not place.exact:
            made.left.append(f"{name}: the ids come there by a transformation and none was found: look by hand")

    def _about(self, place: Place, columns: list[str]) -> dict[str, Any]:
        policy = self._policies.get(place.policy)
        consent = policy.consent if policy is not None else None
        return {
            "namespace": place.dataset.namespace,
            "name": place.dataset.name,
            "columns": columns,
            "found_by": place.column,
            "purpose": consent.purpose if consent is not None else None,
            "retention": [f"{one.keep} from {one.column}" for one in policy.retention] if policy is not None else [],
            "sources": self._relations.sources(place.dataset),
            "recipients": self._relations.recipients(place.dataset),
        }


def _write(path: Path, rows: Iterator[dict[str, Any]], opener: Opener) -> int:
    """The rows as a list in a file; no file where there are none."""
    with RowsFile(path) as file:
        some: list[dict[str, Any]] = []
        for row in rows:
            some.append(row)
            if len(some) == _AT_ONCE:
                file.put(opener.opened(some))
                some = []
        file.put(opener.opened(some))
    if not file.count:
        path.unlink()
    return file.count


def _consent(entry: ConsentEntry) -> Mapping[str, Any]:
    names = ("purpose", "kind", "basis", "valid_from", "valid_to", "source", "recorded_at")
    return {name: getattr(entry, name) for name in names}


def _plain_name(dataset: Dataset) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", dataset.name.rstrip("/").rpartition("/")[2])[:60] or "dataset"
