"""Patterns that are one set of ASCII characters, repeated: told by the bytes of a column, without a matcher.

A matcher is called once a value, and costs more than reading it. Whether all bytes of a million values are among those that are
allowed is one pass over them; only where one is not do single values matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CODE = r"(?:\\x\{[0-9A-F]+\}|\\[tnfr]|[0-9A-Za-z_ ])"
_ITEM = re.compile(rf"({_CODE})(?:-({_CODE}))?")
_SET = re.compile(rf"\(\?:\[(\^?)((?:{_CODE}(?:-{_CODE})?)+)\](?:([*+?]|\{{(\d+)(?:(,)(\d*))?\}})\??)?\)")
_CONTROL = {"\\t": 9, "\\n": 10, "\\f": 12, "\\r": 13}


@dataclass(frozen=True)
class Letters:
    """What a value has to be made of.

    Attributes:
        allowed: the bytes of UTF-8 that may be in it.
        least, most: how many there may be; None is any number.
    """

    allowed: bytes
    least: int
    most: int | None


def letters_of(pattern: str) -> Letters | None:
    """The same as a pattern as it is written for RE2 (``patterns.Translation``); None when there is more to the pattern."""
    match = _SET.fullmatch(pattern)
    if match is None:
        return None
    negated, items, quantifier, low, comma, high = match.groups()
    codes = set(_codes(items))
    if max(codes) > 127:
        return None
    least = {"*": 0, "?": 0, "+": 1, None: 1}.get(quantifier, int(low or 0))
    most = None if quantifier in ("*", "+") or (comma and not high) else int(high or low or 1)
    if negated and (most is not None or least > 1):
        return None  # it may have characters of several bytes: how many there are is not how long it is
    named = bytes(sorted(codes))
    return Letters(bytes(byte for byte in range(256) if byte not in codes) if negated else named, least, most)


def _codes(items: str) -> Iterator[int]:
    for first, last in _ITEM.findall(items):
        yield from range(_code(first), _code(last or first) + 1)


def _code(text: str) -> int:
    return _CONTROL[text] if text in _CONTROL else int(text[3:-1], 16) if len(text) > 1 else ord(text)
