"""What texts are like: their shapes (``AA-999``), and whether all are addresses or the like.

Run by ``sketch_task``, and shipped by value as that is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

MOST_SHAPES = 60
_LONGEST_SHAPE = 40
# What a text seems to be; the checks of these names say what it has to be. Before each what such a text has in it: most
# texts do not, and that is quickly seen.
_FORMATS = {
    "uuid": ("-", re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")),
    "email": ("@", re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")),
    "url": ("://", re.compile(r"https?://\S+")),
    "ipv4": (".", re.compile(r"\d{1,3}(\.\d{1,3}){3}", re.ASCII)),
}


def shapes_of(values: Iterable[tuple[str, int]]) -> dict[str, Any]:
    """The most frequent shapes of values that are counted, and how many values are written in each format."""
    counted: Counter[str] = Counter()
    formats = dict.fromkeys(_FORMATS, 0)
    for value, count in values:
        counted[shape_of(value)] += count
        for name, (sign, pattern) in _FORMATS.items():
            if sign in value and pattern.fullmatch(value):
                formats[name] += count
    shapes = [list(pair) for pair in counted.most_common(MOST_SHAPES)]
    return {"shapes": shapes, "shaped": sum(counted.values()), "formats": formats}


def shape_of(text: str) -> str:
    """``A`` for a capital letter, ``a`` for a small one, ``9`` for a digit; ASCII's other signs stay, and all others are ``?``."""
    return text[:_LONGEST_SHAPE].translate(_SIGNS) + ("…" if len(text) > _LONGEST_SHAPE else "")


class _Signs(dict[int, str]):
    """What is written for each sign."""

    def __missing__(self, code: int) -> str:
        return "?"


def _sign(sign: str) -> str:
    if not sign.isprintable():
        return "?"
    if sign.isdigit():
        return "9"
    return ("A" if sign.isupper() else "a") if sign.isalpha() else sign


_SIGNS = _Signs((code, _sign(chr(code))) for code in range(128))
