"""Values by their shape alone: what kind of text or number failed, without what it said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LONGEST = 24


def masked(value: Any) -> str:
    """Letters as ``x`` and ``X``, digits as ``9``; ASCII punctuation stays, and so does null."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, Mapping):
        return f"{{{len(value)} fields}}"
    if isinstance(value, (list, tuple, set)):
        return f"[{len(value)} items]"
    text = str(value)
    if isinstance(value, float) and text in ("nan", "inf", "-inf"):
        return text
    shape = "".join(_shape(char) for char in text[:_LONGEST])
    return shape + "…" if len(text) > _LONGEST else shape or "(empty)"


def _shape(char: str) -> str:
    if char.isdigit():
        return "9"
    if char.isalpha():
        return "X" if char.isupper() else "x"
    return char if char.isascii() and char.isprintable() else "?"
