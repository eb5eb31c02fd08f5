"""What the set-up says: progress on standard error, and one clear line when it can't go on."""

from __future__ import annotations

import sys


class Refusal(Exception):
    """The set-up can't go on; the text says what is missing and what to do."""


def say(text: str) -> None:
    """Tell the person at the terminal; standard output belongs to the caller."""
    sys.stderr.write(f"hookline: {text}\n")
    sys.stderr.flush()
