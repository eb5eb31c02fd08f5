"""Names as policies write them: parts with dots between them, and in double quotes, as in SQL, what has other signs in it.

``crm.customers`` has two parts, and ``"a.b".c`` has two as well; in quotes a quote is doubled. Upper and lower case are the same,
as they are to Glue and, by default, to Spark. In patterns ``*`` stands for any signs, except in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from hookline.core.text import printable

_LONGEST = 1_024
_PLAIN = re.compile(r"[^\W\d]\w*")
_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')


class Part(NamedTuple):
    """A part of a name; in quotes it means just what stands there."""

    text: str
    quoted: bool = False

    def fits(self, name: str) -> bool:
        """Whether it is the name of this."""
        if self.quoted or "*" not in self.text:
            return folded(self.text) == folded(name)
        pattern = ".*".join(re.escape(folded(piece)) for piece in self.text.split("*"))
        return re.fullmatch(pattern, folded(name), re.DOTALL) is not None

    @property
    def is_pattern(self) -> bool:
        """Whether it may stand for several names."""
        return not self.quoted and "*" in self.text


Names = tuple[str, ...]


def folded(name: str) -> str:
    """What is the same for names that differ in case alone."""
    return name.lower()


@lru_cache(maxsize=16_384)
def parts(text: str) -> tuple[Part, ...]:
    """The parts of a name.

    Raises:
        ValueError: it is no name.
    """
    if len(text) > _LONGEST or printable(text) != text:
        raise ValueError("Input should be a name without control characters, of at most 1,024")
    found: list[Part] = []
    place = 0
    while True:
        match = _PART.match(text, place)
        if match is None:
            raise ValueError('Input should be a name; one with a dot or a quote in it stands in quotes: "a.b".c')
        found.append(Part(match[2]) if match[1] is None else Part(match[1].replace('""', '"'), quoted=True))
        place = match.end()
        if place == len(text):
            return tuple(found)
        if text[place] != ".":
            raise ValueError("Input should be a name with dots between its parts")
        place += 1


def path(text: str) -> Names:
    """A column's names, from the table inwards.

    Raises:
        ValueError: it is no name.
    """
    return tuple(part.text for part in parts(text))


def written(names: Iterable[str]) -> str:
    """The text that ``parts`` reads as these names, and as no pattern."""
    return ".".join(name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"' for name in names)


def same(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether two paths name the same column."""
    return [folded(name) for name in one] == [folded(name) for name in other]


def leads_into(outer: Names, inner: Names) -> bool:
    """Whether ``inner`` is ``outer``, or within it."""
    return same(outer, inner[: len(outer)])
