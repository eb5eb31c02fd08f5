"""An erasure, in order: recorded, keys destroyed, consents taken back, rows taken out place by place, recorded again.

Every step may be done twice: who was killed on the way, or left something to do by hand, erases the same subject again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from hookline.core.errors import HooklineError, ProtectionError
from hookline.core.events import Dataset, utc_now
from hookline.governance.audit import Entry
from hookline.governance.erasure.holdings import ByHandError, Means, MissingError, holding, vacuum
from hookline.governance.erasure.outcomes import LEFT, Erasure, Outcome, Status, kind_of
from hookline.governance.erasure.places import Place

if TYPE_CHECKING:
    from hookline.core.store import Store
    from hookline.governance.audit import AuditLog
    from hookline.governance.erasure.matching import Matcher
    from hookline.governance.erasure.subject import Subject

Consents = Literal["withdraw", "delete", "keep"]
# What tells the rows of a place.
Matchers = Callable[[Place], "Matcher"]
PLANNED, BEGUN, KEYS, CONSENTS = "erase.planned", "erase.begun", "erase.keys", "erase.consents"
AT, DONE, FINISHED, VACUUMED = "erase.dataset_begun", "erase.dataset", "erase.finished", "erase.vacuumed"
_UNSURE = "the ids come there by a transformation and none was found: look for them by hand"


class Eraser:
    """Does it, or tells what it would do.

    Args:
        means: what places are looked at with.
        actor: who does it.
        reason: for the audit log.
    """

    def __init__(self, log: AuditLog, means: Means, actor: str | None, reason: str = "") -> None:
        self._log = log
        self._means = means
        self._actor = actor
        self._reason = {"reason": reason} if reason else {}

    def plan(
        self, about: Mapping[str, Any], places: Sequence[Place], matchers: Matchers, notes: Iterable[str]
    ) -> Erasure:
        """What would be done.

        Raises:
            AuditError: it can't be recorded that somebody asked. Nothing is looked at then.
        """
        made = Erasure(str(uuid.uuid4()), notes=[*notes])
        self._begin(PLANNED, made, about, places)
        made.outcomes = [self._at(place, matchers(place), change=False) for place in places]
        return made

    def erase(
        self,
        store: Store,
        subject: Subject,
        places: Sequence[Place],
        matcher: Matcher,
        notes: Iterable[str],
        consents: Consents,
    ) -> Erasure:
        """Erase a subject.

        Raises:
            AuditError: it can't be recorded. What was not recorded is not done.
            StoreError: the store can't be changed. No row is touched then.
        """
        made = Erasure(str(uuid.uuid4()), notes=[*notes])
        self._begin(BEGUN, made, {"entity": subject.entity, "subjects": sorted(subject.owners)}, places)
        self._destroy(made, store, subject)
        self._take_back(made, store, subject, consents)
        return self._take_out(made, places, lambda _: matcher)

    def expire(
        self, about: Mapping[str, Any], places: Sequence[Place], matchers: Matchers, notes: Iterable[str]
    ) -> Erasure:
        """Take out what is kept for too long.

        Raises:
            AuditError: it can't be recorded. What was not recorded is not done.
        """
        made = Erasure(str(uuid.uuid4()), notes=[*notes])
        self._begin(BEGUN, made, about, places)
        return self._take_out(made, places, matchers)

    def vacuum(self, due: Sequence[tuple[Dataset, str]]) -> list[Outcome]:
        """Take old files away where the retention is over.

        Args:
            due: tables, and from when on.

        Raises:
            AuditError: it can't be recorded.
        """
        done = []
        for dataset, since in due:
            status, problem = _tried(partial(vacuum, dataset, self._means.spark))
            place = Place(dataset, "", "delete", (), "")
            done.append(Outcome(place, status or "erased", "delta", vacuum_due=since, problem=problem))
            if status in (None, "missing"):
                what = {"namespace": dataset.namespace, "name": dataset.name, "vacuum_due": since}
                self._log.append(Entry(VACUUMED, what, self._actor))
        return done

    def _begin(self, action: str, made: Erasure, about: Mapping[str, Any], places: Sequence[Place]) -> None:
        names = [str(place.dataset) for place in places]
        self._tell(action, made, {**about, **self._reason, "datasets": names})

    def _destroy(self, made: Erasure, store: Store, subject: Subject) -> None:
        from hookline.core.store.schema import subject_keys
        from hookline.core.store.subject_keys import destroy

        now = utc_now().isoformat(timespec="microseconds")
        made.keys = len(destroy(store, subject.owners, now))
        made.clean = store.scrub(subject_keys)
        self._tell(KEYS, made, {"destroyed": made.keys, "clean": made.clean})

    def _take_back(self, made: Erasure, store: Store, subject: Subject, consents: Consents) -> None:
        from hookline.core.store.consenting import forget
        from hookline.governance.consent import Ledger
        from hookline.governance.consent.ledger import withdrawals

        if consents == "keep" or not subject.consents:
            return
        ledger, tokens = Ledger(store), sorted(set(subject.consents.values()))
        if consents == "delete":
            made.consents = forget(store, tokens)
        else:
            now = utc_now().isoformat(timespec="microseconds")
            entries = [one for token in tokens for one in withdrawals(ledger.of_subject(token), now, self._actor)]
            made.consents = ledger.record(entries)
        self._tell(CONSENTS, made, {"done": consents, "consents": made.consents})

    def _take_out(self, made: Erasure, places: Sequence[Place], matchers: Matchers) -> Erasure:
        for place in places:
            about = {"dataset": str(place.dataset), "how": place.how}
            self._tell(AT, made, about)
            outcome = self._at(place, matchers(place), change=True)
            made.outcomes.append(outcome)
            self._tell(DONE, made, {**about, **outcome.document()})
        left = [str(one.place.dataset) for one in made.outcomes if one.status in LEFT]
        self._tell(FINISHED, made, {"complete": made.complete, "left": left})
        return made

    def _at(self, place: Place, matcher: Matcher, *, change: bool) -> Outcome:
        found: list[Outcome] = []
        status, problem = _tried(lambda: found.append(self._done(place, matcher, change=change)))
        if status is not None:
            return Outcome(place, status, problem=problem)
        (outcome,) = found
        if outcome.status == "nothing" and not place.exact:
            return Outcome(place, "unsure", outcome.kind, problem=_UNSURE)
        return outcome

    def _done(self, place: Place, matcher: Matcher, *, change: bool) -> Outcome:
        if place.problem is not None:
            raise ByHandError(place.problem)
        own = holding(place.dataset, self._means)
        columns = place.columns if place.how == "nullify" else ()
        if place.how == "nullify" and not columns:
            return Outcome(place, "nothing", own.kind, problem="no column of it is known to be personal")
        if not change:
            found = own.find(place.column, matcher, columns)
            status: Status = "planned" if found.rows else "nothing"
            return Outcome(place, status, own.kind, found.rows, found.files, found.partitions)
        done = own.take_out(place.column, matcher, columns)
        # What an engine says that it did is not taken for done.
        rest = own.find(place.column, matcher, columns).rows
        if rest:
            raise HooklineError(f"{rest} rows are still there, or came meanwhile: erase again")
        counts = (done.found.rows, done.found.files, done.found.partitions)
        status = "erased" if done.found.rows or done.version is not None else "nothing"
        return Outcome(place, status, own.kind, *counts, done.version, done.vacuum_due, done.log_due)

    def _tell(self, action: str, made: Erasure, what: Mapping[str, Any]) -> None:
        self._log.append(Entry(action, {"erasure": made.id, **what}, self._actor))


def due(log: AuditLog, now: str) -> tuple[list[tuple[Dataset, str]], list[tuple[Dataset, str]]]:
    """Tables that old files are to be taken away from: those whose retention is over, and those that still wait.

    Raises:
        AuditError: the log can't be read.
    """
    latest: dict[tuple[str, str], str] = {}
    for record in log.records():
        what = record.entry.what
        key = (str(what.get("namespace")), str(what.get("name")))
        if record.entry.action == DONE and what.get("vacuum_due"):
            latest[key] = max(latest.get(key, ""), str(what["vacuum_due"]))
        elif record.entry.action == VACUUMED and latest.get(key, "~") <= str(what.get("vacuum_due")):
            del latest[key]
    tables = [(Dataset(*key, format="delta"), since) for key, since in sorted(latest.items())]
    return [one for one in tables if one[1] <= now], [one for one in tables if one[1] > now]


def _tried(work: Callable[[], object]) -> tuple[Status | None, str | None]:
    """A status when it did not work, with why."""
    try:
        work()
    except MissingError:
        return "missing", "there is nothing there any more"
    except (ByHandError, ProtectionError) as error:
        return "by hand", str(error)
    except HooklineError as error:
        return "failed", str(error)
    except Exception as error:  # noqa: BLE001 - one dataset that fails must not keep the others from being erased
        return "failed", f"it could not be changed ({kind_of(error)}): erase again"
    return None, None
