"""Regular expressions: which java.util.regex patterns mean the same in RE2.

A pattern is read by a small tokenizer and written anew for RE2 (``.`` and ``\\s`` differ between the two). What the
tokenizer does not know exactly is not portable and goes to Spark: look-around, back references, possessive and atomic
parts, ``\\b``, Unicode classes, nested classes, anchors elsewhere than at the ends, inline flags other than ``(?i)``,
``(?s)`` and ``(?is)`` at the very start, repetition above 1,000.

Java's engine backtracks: a repeated group can take exponential time or overflow the stack on a long value. RE2 can't: a
portable pattern is safe on files. A Java matcher can't be interrupted either: a task that has met its value keeps its
core when the job is cancelled. Patterns that may take exponential time (``explosive``) are therefore never given to Java: a
Spark pass has RE2 match them in Python, and one that isn't portable is refused before the write. As the user's own job must
not be at risk, only patterns without repeated groups and with few open repetitions ride along (``Translation.tame``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_ANY = "[^\\n\\r\\x{85}\\x{2028}\\x{2029}]"
_CONTROL = {"t": 9, "n": 10, "r": 13, "f": 12, "a": 7, "e": 27}
_SPACE = "\\t\\n\\x{B}\\f\\r "
_CLASSES = {"d": "[0-9]", "D": "[^0-9]", "w": "[0-9A-Za-z_]", "W": "[^0-9A-Za-z_]"} | {
    "s": f"[{_SPACE}]",
    "S": f"[^{_SPACE}]",
}
_IN_CLASS = {"d": "0-9", "w": "0-9A-Za-z_", "s": _SPACE}
_QUANTIFIER = re.compile(r"(?:[*+?]|\{(\d{1,4})(?:(,)(\d{1,4})?)?\})(\??)(?![*+?{])")
_FLAGS = re.compile(r"\(\?(i|s|is|si)\)")
# A group's end with its quantifier, an atom with its quantifier, or a bar; what is escaped or in a class is an atom.
_QUANTIFIED = r"(?:[*+?][+?]?|\{\d*,?\d*\}[+?]?)?"
_TOKEN = re.compile(
    r"\((?:\?(?:[:=!>]|<[=!]|<\w+>|[a-zA-Z-]*:?))?|\)"
    + _QUANTIFIED
    + r"|\||(?:\\Q.*?\\E|\\.|\[(?:\\.|[^\]\\])+\]|[^()|\\])"
    + _QUANTIFIED,
    re.DOTALL,
)
_ENDLESS = re.compile(r"(?<!\\)(?:[*+]|\{\d+,\})\??$")
_NAMED = re.compile(r"\?<[A-Za-z][A-Za-z0-9]*>")
_MOST_REPEATS = 1000
_MOST_OPEN_REPEATS = 3
_MOST_OPTIONS = 6


class _NotPortableError(Exception):
    """The tokenizer met something whose meaning in RE2 is not certain."""


@dataclass(frozen=True)
class Translation:
    """A pattern for RE2, to be matched from end to end.

    Attributes:
        tame: whether Java's engine, too, can't blow up on it.
    """

    re2: str
    tame: bool


@lru_cache(maxsize=1024)
def translate(pattern: str) -> Translation | None:
    """The same pattern for RE2, or None when it isn't certain that both engines agree."""
    flags = _FLAGS.match(pattern)
    reader = _Reader(pattern[flags.end() :] if flags else pattern, flags[1] if flags else "")
    try:
        written = reader.alternatives(depth=0)
    except _NotPortableError:
        return None
    return Translation(f"(?:{written})", reader.tame)


def for_java(pattern: str) -> str:
    """The pattern wrapped so that finding it means matching the whole value, a final newline included."""
    quoted = pattern.rfind("\\Q") > pattern.rfind("\\E")
    # The newline ends a comment in a pattern that starts with the flag x, where it means nothing else.
    commented = re.match(r"\(\?[a-zA-Z]*x", pattern) is not None
    return "\\A(?:" + pattern + ("\\E" if quoted else "") + ("\n" if commented else "") + ")\\z"


@lru_cache(maxsize=1024)
def explosive(pattern: str) -> bool:
    """Whether a backtracking engine may take exponential time: what is repeated without end can itself match in many ways.

    Errs on the side of caution; possessive repetition (``++``), which gives nothing back, is never explosive.
    """
    groups: list[list[bool]] = [[False, False]]  # has an open repetition or a class; has alternatives
    found = False
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if text.startswith("("):
            groups.append([False, False])
        elif text.startswith(")") and len(groups) > 1:
            varied, several = groups.pop()
            endless = _ENDLESS.fullmatch(text[1:]) is not None
            found = found or (endless and (varied or several))
            groups[-1][0] |= endless or varied
        elif text == "|":
            groups[-1][1] |= True
        elif _ENDLESS.search(text):
            groups[-1][0] = True
    return found


class _Reader:
    """One pattern being read from left to right."""

    def __init__(self, text: str, flags: str) -> None:
        self._text = text
        self._at = 0
        self._fold = "i" in flags
        self._any = "(?s:.)" if "s" in flags else _ANY
        self._open_repeats = 0
        self._options = 0
        self._names: set[str] = set()
        self._repeated_group = False

    @property
    def tame(self) -> bool:
        """Whether what was read leaves a backtracking engine few ways to try."""
        few = self._open_repeats <= _MOST_OPEN_REPEATS and self._options <= _MOST_OPTIONS
        return few and not self._repeated_group

    def alternatives(self, depth: int) -> str:
        if depth > 50:
            raise _NotPortableError
        parts = [self._sequence(depth)]
        while self._take("|"):
            parts.append(self._sequence(depth))
        if depth == 0 and self._at < len(self._text):
            raise _NotPortableError
        return "|".join(parts)

    def _sequence(self, depth: int) -> str:
        # At the ends of a whole-value match these anchors say what is so anyway.
        if depth == 0 and not self._take("^"):
            self._take("\\A")
        written = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            if depth == 0 and self._closing_anchor():
                break
            written.append(self._piece(depth))
        return "".join(written)

    def _closing_anchor(self) -> bool:
        for anchor in ("$", "\\z"):
            if self._text.startswith(anchor, self._at):
                after = self._at + len(anchor)
                if after == len(self._text) or self._text[after] == "|":
                    self._at = after
                    return True
        return False

    def _piece(self, depth: int) -> str:
        group = self._text[self._at] == "("
        atom = self._group(depth) if group else self._atom()
        match = _QUANTIFIER.match(self._text, self._at)
        if match is None:
            if self._text[self._at : self._at + 1] in tuple("*+?{"):
                raise _NotPortableError
            return atom
        low, comma, high, _lazy = match.groups()
        if int(low or 0) > _MOST_REPEATS or int(high or 0) > _MOST_REPEATS or (high and int(high) < int(low)):
            raise _NotPortableError
        optional = match[0][0] == "?"
        self._options += optional
        self._open_repeats += match[0][0] in "*+" or comma is not None
        self._repeated_group |= group and not optional
        self._at = match.end()
        return atom + match[0]

    def _group(self, depth: int) -> str:
        self._at += 1
        if not self._take("?:") and self._text.startswith("?", self._at):
            named = _NAMED.match(self._text, self._at)
            if named is None:
                raise _NotPortableError
            if named[0] in self._names:  # Java refuses that
                raise _NotPortableError
            self._names.add(named[0])
            self._at = named.end()
        inside = self.alternatives(depth + 1)
        if not self._take(")"):
            raise _NotPortableError
        return f"(?:{inside})"

    def _atom(self) -> str:
        char = self._next()
        if char == "\\":
            return self._escape()
        if char == ".":
            return self._any
        if char == "[":
            return self._set()
        if char in "^$*+?{":
            raise _NotPortableError
        return self._literal(ord(char))

    def _escape(self) -> str:
        char = self._next()
        if char in _CLASSES:
            return _CLASSES[char]
        return self._literal(self._escaped(char))

    def _escaped(self, char: str) -> int:
        """The code point of an escaped character, the backslash already read."""
        if char in _CONTROL:
            return _CONTROL[char]
        if char == "x":
            return self._hexadecimal(r"[0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,6}\}")
        if char == "u":
            return self._hexadecimal(r"[0-9A-Fa-f]{4}")
        if char.isalnum() or not char.isascii():
            raise _NotPortableError
        return ord(char)

    def _hexadecimal(self, form: str) -> int:
        match = re.compile(form).match(self._text, self._at)
        if match is None:
            raise _NotPortableError
        self._at = match.end()
        code = int(match[0].strip("{}"), 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise _NotPortableError
        return code

    def _literal(self, code: int) -> str:
        if 0xD800 <= code <= 0xDFFF:
            raise _NotPortableError
        other = _other_case(code)
        return f"[{_code(code)}{_code(other)}]" if self._fold and other is not None else _code(code)

    def _set(self) -> str:
        negated = self._take("^")
        items: list[str] = []
        if self._text.startswith("]", self._at):
            raise _NotPortableError
        while not self._take("]"):
            items.append(self._item())
        return f"[{'^' if negated else ''}{''.join(items)}]"

    def _item(self) -> str:
        first = self._member()
        if isinstance(first, str):
            if self._text.startswith("-", self._at) and not self._text.startswith("-]", self._at):
                raise _NotPortableError
            return first
        if not self._text.startswith("-", self._at) or self._text.startswith("-]", self._at):
            return self._span(first, first)
        self._at += 1
        last = self._member()
        if isinstance(last, str) or last < first:
            raise _NotPortableError
        return self._span(first, last)

    def _member(self) -> int | str:
        char = self._next()
        if char == "[" or (char == "&" and self._text.startswith("&", self._at)):
            raise _NotPortableError
        if char != "\\":
            if 0xD800 <= ord(char) <= 0xDFFF:
                raise _NotPortableError
            return ord(char)
        escaped = self._next()
        if escaped in _IN_CLASS:
            return _IN_CLASS[escaped]
        return self._escaped(escaped)

    def _span(self, first: int, last: int) -> str:
        written = f"{_code(first)}-{_code(last)}"
        if self._fold:
            others = (_other_case(code) for code in range(max(first, 65), min(last, 122) + 1))
            written += "".join(_code(other) for other in others if other is not None)
        return written

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise _NotPortableError
        self._at += 1
        return self._text[self._at - 1]

    def _take(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found


def _code(code: int) -> str:
    char = chr(code)
    return char if char.isascii() and char.isalnum() else f"\\x{{{code:X}}}"


def _other_case(code: int) -> int | None:
    """The other case of an ASCII letter: Java's flag i folds no more than these."""
    char = chr(code)
    return ord(char.swapcase()) if code < 128 and char.isalpha() else None
