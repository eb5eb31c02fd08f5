"""What became of an erasure: place by place, and as a whole. Names and numbers, no value."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from hookline.governance.erasure.places import Place

Status = Literal["erased", "nothing", "planned", "missing", "unsure", "by hand", "failed"]
LEFT: frozenset[Status] = frozenset(("unsure", "by hand", "failed"))


@dataclass(frozen=True)
class Outcome:
    """What became of a place.

    Attributes:
        rows, files, partitions: how many had something of it.
        version, vacuum_due, log_due: see ``delta.Done``.
        problem: why it is not done, or what is to be known of it.
    """

    place: Place
    status: Status
    kind: str | None = None
    rows: int = 0
    files: int = 0
    partitions: int = 0
    version: int | None = None
    vacuum_due: str | None = None
    log_due: str | None = None
    problem: str | None = None

    def document(self) -> dict[str, Any]:
        """For JSON and the audit log."""
        place, own = self.place, asdict(self)
        del own["place"]
        return {
            "namespace": place.dataset.namespace,
            "name": place.dataset.name,
            "policy": place.policy,
            "column": place.column or None,
            "how": place.how,
            "columns": list(place.columns),
            **own,
        }


@dataclass
class Erasure:
    """What was done, or would be.

    Attributes:
        id: names it in the audit log.
        keys: how many subjects' keys were destroyed.
        clean: whether no byte of them is left in the store's files.
        consents: how many were taken back, or deleted.
        outcomes: place by place.
        notes: what else is left to people.
    """

    id: str
    keys: int = 0
    clean: bool = True
    consents: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be done."""
        return self.clean and not self.notes and not any(one.status in LEFT for one in self.outcomes)


def kind_of(error: BaseException) -> str:
    """An error's class, of the JVM's that one's: its text may quote rows."""
    java = getattr(error, "java_exception", None)
    try:
        return str(java.getClass().getSimpleName()) if java is not None else type(error).__name__
    except Exception:  # noqa: BLE001 - the JVM is gone
        return type(error).__name__
