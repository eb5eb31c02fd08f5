"""From the shapes of texts to a pattern that they match: ``AA-999`` and ``AA-9999`` to ``[A-Z]{2}-[0-9]{3,4}``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby

_CLASSES = {"A": "[A-Z]", "a": "[a-z]", "9": "[0-9]"}
_MOST_FORMS = 4
_MOST_RUNS = 12
# The shapes of moments, as the check date_format takes them.
_DATES = {
    "9999-99-99": "yyyy-MM-dd",
    "99.99.9999": "dd.MM.yyyy",
    "9999/99/99": "yyyy/MM/dd",
    "9999-99-99 99:99:99": "yyyy-MM-dd HH:mm:ss",
    "9999-99-99A99:99:99": "yyyy-MM-dd'T'HH:mm:ss",
    "9999-99-99A99:99:99A": "yyyy-MM-dd'T'HH:mm:ss'Z'",
}


def pattern_of(shapes: Sequence[tuple[str, int]], shaped: int) -> str | None:
    """A regular expression that all shaped values match; None where they have too many forms to say anything.

    A run of one class keeps its length where every value has that length; else it is at least one sign long.
    """
    if not shaped or sum(count for _, count in shapes) < shaped:
        return None
    forms: dict[str, list[list[int]]] = {}
    for shape, _ in shapes:
        if not shape or "…" in shape or "?" in shape:
            return None
        runs = [(sign, len(list(same))) for sign, same in groupby(shape)]
        form = "".join(sign if sign in _CLASSES else sign * length for sign, length in runs)
        forms.setdefault(form, []).append([length for sign, length in runs if sign in _CLASSES])
    if len(forms) > _MOST_FORMS or max(map(len, forms)) > _MOST_RUNS:
        return None
    written = [_written(form, lengths) for form, lengths in sorted(forms.items())]
    if all(form in ("a", "A", "Aa", "aA") for form in forms):
        return None  # words: what they are made of says nothing
    return written[0] if len(written) == 1 else "|".join(written)


def date_format_of(shapes: Sequence[tuple[str, int]], shaped: int) -> str | None:
    """The way in which all shaped values may be written as dates or times."""
    if len(shapes) != 1 or shapes[0][1] < shaped:
        return None
    return _DATES.get(shapes[0][0])


def _written(form: str, lengths: Sequence[Sequence[int]]) -> str:
    columns = iter(zip(*lengths, strict=True))
    parts = []
    for sign in form:
        if sign not in _CLASSES:
            parts.append(re.escape(sign) if sign != " " else " ")
            continue
        found = set(next(columns))
        # One shape alone, of several values, has its length from somewhere; with two it is left open.
        parts.append(_CLASSES[sign] + (_times(found.pop()) if len(found) == 1 else "+"))
    return "".join(parts)


def _times(length: int) -> str:
    return "" if length == 1 else f"{{{length}}}"


def format_of(formats: Mapping[str, int], shaped: int) -> str | None:
    """The named format that all shaped values have."""
    return next((name for name, count in formats.items() if shaped and count == shaped), None)
