"""Which recognizers could find something in a text, told by one pass of Hyperscan over its bytes.

The gate may let through too much and never too little: what it keeps away, Presidio would not have found. Patterns are
compiled with ``HS_FLAG_PREFILTER``, which Hyperscan promises to match at least where the pattern does; counts like ``{1,253}`` are
loosened to ``{1,}``, which matches at least as much too and compiles in a tenth of the time. What Hyperscan and Presidio's
``regex`` might read differently is not put behind the gate: texts that are not ASCII, patterns that are not, and syntax beyond
a list of what both read alike.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hookline.governance.pii import phones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from presidio_analyzer import EntityRecognizer

_FLAGS = re.DOTALL | re.MULTILINE | re.IGNORECASE
# Escapes that mean the same to both, on ASCII: classes, boundaries, line ends, and punctuation itself.
_ESCAPES = re.compile(r"\\(?:[bBdDsSwWnrt]|[1-9](?!\d)|[^A-Za-z0-9])")
_GROUPS = re.compile(r"\(\?(?::|=|!|<=|<!|i\))")
_LOOKAROUND = re.compile(r"\(\?<?[=!]")
_COUNT = re.compile(r"\{(\d+),(\d+)\}")
# ``{e<=1}`` lets Presidio's module overlook mistakes.
_FUZZY = re.compile(r"\{[^{}]*[a-zA-Z][^{}]*\}")
_LOOSE = 32


class Gate:
    """Compiled once a process, for a list of recognizers.

    Args:
        compiled: what ``dump`` gave for the same recognizers elsewhere; compiled anew where this machine's does not read it.
    """

    def __init__(self, recognizers: Sequence[EntityRecognizer], compiled: bytes | None = None) -> None:
        self.everybody = (1 << len(recognizers)) - 1
        self._always = 0
        expressions: list[tuple[str, int]] = []
        for place, recognizer in enumerate(recognizers):
            patterns = _patterns(recognizer)
            if patterns is None:
                self._always |= 1 << place
            else:
                expressions += [(pattern, place) for pattern in patterns]
        self._masks = [1 << place for _, place in expressions]
        self._database = _loaded([pattern for pattern, _ in expressions], compiled)

    def dump(self) -> bytes | None:
        """For other processes on machines of the same kind."""
        import hyperscan

        return None if self._database is None else bytes(hyperscan.dumpb(self._database))

    def open_to(self, text: str) -> int:
        """The recognizers that could find something, a bit for each by its place."""
        if not text.isascii():
            return self.everybody
        return self._scan(text.encode())

    def shut_to_all(self, texts: Sequence[str]) -> bool:
        """Whether no recognizer could find anything in any of them; False may only mean that each has to be asked for."""
        if self._always:
            return False
        # A line end is no part of a word, as the ends of a text are not: what matches alone matches here.
        joined = "\n".join(texts)
        return joined.isascii() and not self._scan(joined.encode())

    def _scan(self, text: bytes) -> int:
        found = [self._always]
        if self._database is not None:
            self._database.scan(text, match_event_handler=self._matched, context=found)
        return found[0]

    def _matched(self, number: int, start: int, end: int, flags: int, found: list[int]) -> None:
        found[0] |= self._masks[number]


def _patterns(recognizer: EntityRecognizer) -> list[str] | None:
    """What has to match for this recognizer to find anything; None when that can't be told."""
    from presidio_analyzer import PatternRecognizer
    from presidio_analyzer.predefined_recognizers import IbanRecognizer, PhoneRecognizer

    if type(recognizer) is PhoneRecognizer and {*recognizer.supported_regions} <= {
        *PhoneRecognizer.DEFAULT_SUPPORTED_REGIONS
    }:
        return [phones.LEAST]
    if not isinstance(recognizer, PatternRecognizer):
        return None
    if type(recognizer).analyze not in (PatternRecognizer.analyze, IbanRecognizer.analyze):
        return None
    if recognizer.global_regex_flags & ~_FLAGS:
        return None
    patterns = [pattern.regex for pattern in recognizer.patterns]
    return [_loosened(pattern) for pattern in patterns] if all(map(_read_alike, patterns)) else None


def _read_alike(pattern: str) -> bool:
    rest = _GROUPS.sub("(", _ESCAPES.sub("-", pattern))
    return pattern.isascii() and not ("\\" in rest or "(?" in rest or _FUZZY.search(rest))


def _loosened(pattern: str) -> str:
    if _LOOKAROUND.search(pattern):
        return pattern
    return _COUNT.sub(lambda count: f"{{{count[1]},}}" if int(count[2]) > _LOOSE else count[0], pattern)


def _loaded(patterns: list[str], compiled: bytes | None) -> Any:
    import hyperscan

    if not patterns:
        return None
    if compiled is not None:
        try:
            database = hyperscan.loadb(compiled, mode=hyperscan.HS_MODE_BLOCK)
            database.scratch = hyperscan.Scratch(database)
        except hyperscan.error:
            pass
        else:
            return database
    own = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_MULTILINE
    flags = own | hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_PREFILTER
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[pattern.encode() for pattern in patterns],
        ids=[*range(len(patterns))],
        flags=[flags] * len(patterns),
    )
    return database
