"""Whether an account still is as policies say, what differs, and who made what no policy asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from hookline.governance.access.lake_formation.actual import Actual
from hookline.governance.access.lake_formation.diff import Wanted, compare
from hookline.governance.access.lake_formation.items import Grant, Item, is_everybody
from hookline.governance.access.lake_formation.telling import item_document

Kind = Literal["missing", "different", "left", "foreign", "everybody"]
_MEANINGS: Mapping[Kind, str] = {
    "missing": "policies ask for it, and it is not there",
    "different": "it is not as policies say",
    "left": "policies made it and no longer ask for it",
    "foreign": "no policy asks for it, and none made it",
    "everybody": "it opens what policies speak of to everybody whom IAM lets in",
}


@dataclass(frozen=True)
class Drift:
    """One difference.

    Attributes:
        item: what policies ask for, or what is there and they don't.
        found: what is there instead, where it is different.
        by: who made it, and when, as far as is known.
    """

    kind: Kind
    item: Item
    found: Item | None = None
    by: str = ""

    def __str__(self) -> str:
        instead = f" (there is: {self.found})" if self.found is not None else ""
        by = f"; by {self.by}" if self.by else ""
        return f"{self.item}{instead}: {_MEANINGS[self.kind]}{by}"

    def document(self) -> dict[str, Any]:
        """For programs."""
        found = None if self.found is None else item_document(self.found)
        return {"kind": self.kind, "item": item_document(self.item), "found": found, "by": self.by or None}


def drift(
    wanted: Wanted, actual: Actual, managed: Collection[Item], accepted: Collection[str] = ()
) -> tuple[Drift, ...]:
    """All differences.

    Args:
        accepted: patterns of principals whose grants outside of policies are none.
    """
    return tuple(sorted(_drift(wanted, actual, managed, accepted), key=lambda one: (one.kind, str(one))))


def _drift(wanted: Wanted, actual: Actual, managed: Collection[Item], accepted: Collection[str]) -> Iterator[Drift]:
    found = compare(wanted, actual, managed)
    for step in found.steps:
        if step.action == "create":
            yield Drift("missing", step.item)
        elif step.action == "change":
            yield Drift("different", step.item, step.before)
        else:
            yield Drift("left", step.item, by=_grantor(step.item, actual))
    for item in found.foreign:
        if isinstance(item, Grant) and any(fnmatchcase(item.principal, one) for one in accepted):
            continue
        everybody = isinstance(item, Grant) and is_everybody(item.principal)
        yield Drift("everybody" if everybody else "foreign", item, by=_grantor(item, actual))


def _grantor(item: Item, actual: Actual) -> str:
    return actual.grantors.get(item, "") if isinstance(item, Grant) else ""


def counts(found: Iterable[Drift]) -> dict[str, int]:
    """How many of each kind."""
    made: dict[str, int] = {}
    for one in found:
        made[one.kind] = made.get(one.kind, 0) + 1
    return made
