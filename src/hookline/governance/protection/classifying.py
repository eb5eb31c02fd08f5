"""Rules by classification become rules for columns, once it is known what the columns of a write hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hookline.core.errors import ProtectionError

if TYPE_CHECKING:
    from hookline.governance.protection.policy import Policy, Rule


class Held(NamedTuple):
    """What a column of a write holds, and how that is known; ``column`` is a path, which may lead on into JSON after ``$``."""

    column: str
    entity: str
    confidence: float
    known_by: str


def expanded(policy: Policy, held: Iterable[Held]) -> tuple[Policy, list[Held]]:
    """The policy with columns in place of classifications, and what of the columns was the reason.

    A column that a rule names is that rule's. Of a column that holds several entities the surest counts for which rule there is.
    """
    named = {column for rule in policy.rules for column in rule.columns}
    by_column: dict[str, list[Held]] = {}
    for one in held:
        column = one.column.partition(".$")[0]
        if one.confidence >= policy.looks_for.least and not any(_overlap(column, other) for other in named):
            by_column.setdefault(column, []).append(one)
    rules: list[Rule] = [rule for rule in policy.rules if rule.columns]
    reasons = []
    for column, found in _outermost(by_column):
        choice = _choice(policy, found)
        if choice is not None:
            rule, reason = choice
            own = {"columns": (column,), "classified": (), "entity": rule.entity or reason.entity, "missing": "allow"}
            rules.append(rule.model_copy(update=own))
            reasons.append(reason)
    return policy.model_copy(update={"rules": tuple(rules)}), reasons


def _choice(policy: Policy, found: Sequence[Held]) -> tuple[Rule, Held] | None:
    for one in sorted(found, key=lambda one: -one.confidence):
        for rule in policy.rules:
            if one.entity in rule.classified:
                return rule, one
    return None


def _outermost(by_column: dict[str, list[Held]]) -> Iterator[tuple[str, list[Held]]]:
    """Where a text and a field in it are both known to hold something, the text is what can be changed."""
    for column, found in by_column.items():
        if not any(other != column and _overlap(column, other) and len(other) < len(column) for other in by_column):
            yield column, found


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


class Sources(NamedTuple):
    """Where it is known from what columns hold; each raises ProtectionError when it can't tell."""

    scan: Callable[[Policy], Iterable[Held]]
    lineage: Callable[[], Iterable[Held]]

    def of(self, policy: Policy) -> list[Held]:
        """All that is known.

        Raises:
            ProtectionError: what a column holds is not known: then nothing may be written.
        """
        found: list[Held] = []
        if "lineage" in policy.classify:
            try:
                found += self.lineage()
            except ProtectionError:
                # The scan sees what there is.
                if "scan" not in policy.classify:
                    raise
        if "scan" in policy.classify:
            found += self.scan(policy)
        return found
