"""Whether a row filter fits a table: each of its columns is there, and of a type that its constants can be compared with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from hookline.core.events import Column
from hookline.governance.access.filters import Condition, FilterError, IsNull, Like, constants, simple
from hookline.governance.access.names import Names, same, written

_TEXT = re.compile(r"string|varchar\(\d+\)|char\(\d+\)")
_WHOLE = re.compile(r"tinyint|smallint|int|bigint|byte|short|integer|long")
_EXACT = re.compile(r"decimal(\(\d+(,\s*\d+)?\))?")
_FLOATING = re.compile(r"float|double|real")
_OTHER_SCALARS = re.compile(r"date|timestamp|timestamp_ntz|timestamp_ltz|binary")


def is_text(kind: str) -> bool:
    """Whether a type is plain text, which is compared sign by sign."""
    return _TEXT.fullmatch(kind) is not None


def is_floating(kind: str) -> bool:
    """Whether a type may be no number (NaN)."""
    return _FLOATING.fullmatch(kind) is not None


def is_exact(kind: str) -> bool:
    """Whether a type is a number of digits."""
    return _WHOLE.fullmatch(kind) is not None or _EXACT.fullmatch(kind) is not None


def fit(condition: Condition, leaves: Mapping[Names, Column]) -> dict[Names, Names]:
    """The leaf that each name of the filter means.

    Raises:
        FilterError: it does not fit the table.
    """
    found: dict[Names, Names] = {}
    for one in simple(condition):
        names = next((names for names in leaves if same(names, one.column)), None)
        told = written(one.column)
        if names is None:
            raise FilterError(
                f"its filter asks for the column {told}, which the table does not have, or not as one value"
            )
        found[one.column] = names
        kind = leaves[names].type
        comparable = is_text(kind) or is_exact(kind) or is_floating(kind) or kind == "boolean"
        if isinstance(one, IsNull) and (comparable or _OTHER_SCALARS.fullmatch(kind)):
            continue
        if not comparable or (isinstance(one, Like) and not is_text(kind)):
            raise FilterError(f"its filter can't ask for the column {told} of type {_shown(kind)} like this")
        for constant in constants(one):
            if not _is_of(constant, kind):
                raise FilterError(
                    f"its filter compares the column {told} of type {_shown(kind)} with a constant of another type"
                )
    return found


def _is_of(constant: object, kind: str) -> bool:
    if isinstance(constant, bool):
        return kind == "boolean"
    if isinstance(constant, str):
        return is_text(kind)
    return isinstance(constant, (int, Decimal)) and (is_exact(kind) or is_floating(kind))


def _shown(kind: str) -> str:
    return kind if len(kind) <= 60 else f"{kind[:57]}…"
