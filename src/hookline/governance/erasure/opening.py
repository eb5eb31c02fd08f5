"""Encrypted values in rows, turned back where that is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hookline.core.errors import ProtectionError
from hookline.governance.crypto.owned import OWNED
from hookline.governance.crypto.sealed import SEALED
from hookline.governance.protection.policy import Encrypt

if TYPE_CHECKING:
    from hookline.governance.protection.policy import Policy

# By a policy and a column: the values as they were.
Reveal = Callable[["Policy", str, Sequence[str]], list[str]]


class Opener:
    """Opens the columns that one policy encrypts.

    Args:
        policy: None where none is about the rows.
        reveal: raises ``ProtectionError`` where it is not allowed.

    Attributes:
        closed: which columns stayed encrypted, and why.
    """

    def __init__(self, policy: Policy | None, reveal: Reveal) -> None:
        self._policy = policy
        self._reveal = reveal
        self.closed: list[str] = []

    def opened(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The same rows."""
        if self._policy is not None:
            for rule in self._policy.rules:
                for column in rule.columns if isinstance(rule, Encrypt) else ():
                    self._open(self._policy, rows, column)
        return rows

    def _open(self, policy: Policy, rows: list[dict[str, Any]], column: str) -> None:
        holders = [(holder, name) for row in rows for holder, name in _places_of(row, column.split("."))]
        sealed = [(holder, name) for holder, name in holders if _is_sealed(holder[name])]
        if not sealed:
            return
        try:
            values = self._reveal(policy, column, [holder[name] for holder, name in sealed])
        except ProtectionError as error:
            reason = f"{column} stays encrypted: {error}"
            self.closed += [] if reason in self.closed else [reason]
            return
        for (holder, name), value in zip(sealed, values, strict=True):
            holder[name] = value


def _places_of(row: Any, parts: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    """Where in a row a column's values stand; a dot leads into structs, and elements of arrays are looked into."""
    if isinstance(row, list):
        for place, one in enumerate(row):
            if isinstance(one, (dict, list)):
                yield from _places_of(one, parts)
            elif not parts:
                yield row, place
    elif isinstance(row, dict):
        for size in range(len(parts), 0, -1):
            wanted = ".".join(parts[:size]).lower()
            name = next((one for one in row if one.lower() == wanted), None)
            if name is not None and isinstance(row[name], (dict, list)):
                yield from _places_of(row[name], parts[size:])
            elif name is not None and size == len(parts):
                yield row, name


def _is_sealed(value: Any) -> bool:
    return isinstance(value, str) and bool(OWNED.fullmatch(value) or SEALED.fullmatch(value))
