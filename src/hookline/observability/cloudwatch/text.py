"""Text that CloudWatch takes: its dimensions are printable ASCII."""

from __future__ import annotations

import hashlib
import re

NOTHING = "none"
_LONGEST_VALUE = 1024
_NO_ASCII = re.compile(r"[^\x20-\x7e]")


def dimension_value(text: str | None) -> str:
    """A dimension's value. What ASCII lacks is replaced, and told apart by a hash; nothing is ``none``.

    Every metric so has all dimensions that the catalogue gives it, by which a search finds it.
    """
    if text is None or not text.strip():
        return NOTHING
    plain = _NO_ASCII.sub("_", text)
    if plain == text and len(text) <= _LONGEST_VALUE:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[:200]}~{digest}"


def stream_name(job: str) -> str:
    """The name of a job's log stream, which has no colon and no star."""
    return re.sub(r"[:*]", "_", dimension_value(job))[:512]
