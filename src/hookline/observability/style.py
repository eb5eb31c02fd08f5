"""Colours and signs, as far as a terminal has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Tone = Literal["plain", "good", "warn", "bad", "dim", "strong"]
_CODES: Mapping[Tone, str] = {"good": "32", "warn": "33", "bad": "31", "dim": "2", "strong": "1"}
_SIGNS: Mapping[str, tuple[str, str]] = {
    "passed": ("✔", "ok"),
    "failed": ("✘", "FAILED"),
    "error": ("!", "error"),
    "skipped": ("○", "skipped"),
    "note": ("·", "-"),
    "warning": ("!", "!"),
    "unseen": ("*", "*"),
    "rule": ("─", "-"),
    "full": ("█", "#"),
    "empty": ("░", "."),
    "times": ("\u00d7", "x"),
    "unknown": ("\u2013", "-"),
}
SAMPLE = "".join(signs[0] for signs in _SIGNS.values()) + "…"


@dataclass(frozen=True)
class Style:
    """What may be used: escape sequences for colour, and characters beyond ASCII."""

    color: bool = False
    unicode: bool = True

    def paint(self, text: str, tone: Tone) -> str:
        """The text in a tone, or as it is where there is no colour."""
        return f"\x1b[{_CODES[tone]}m{text}\x1b[0m" if self.color and text and tone in _CODES else text

    def sign(self, name: str) -> str:
        """A sign, or its word in ASCII."""
        return _SIGNS[name][0 if self.unicode else 1]

    def count(self, name: str, count: int) -> str:
        """A sign with a number: ``✔ 12``, or ``12 ok`` in ASCII."""
        return f"{self.sign(name)} {count:,}" if self.unicode else f"{count:,} {self.sign(name)}"
