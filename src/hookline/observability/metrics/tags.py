"""Tag values that back ends take and people can tell apart, whatever the data is called; and few of them."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import defaultdict

from hookline.core.text import printable

MOST_CHARACTERS = 120
OTHER = "(other)"
# What names a time, a partition or an attempt in a path, and would make a series of every run.
_MOMENT = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|(?<![0-9])(?:19|20)[0-9]{2}[-_]?(?:0[1-9]|1[0-2])[-_]?(?:0[1-9]|[12][0-9]|3[01])(?:[T_-]?[0-9]{2}(?:[:_-]?[0-9]{2}){0,2}Z?)?(?![0-9])"
    r"|(?<![0-9])[0-9]{9,}(?![0-9])"
)


def tag_value(text: str | None) -> str:
    """A value without control characters, line breaks, direction marks or separators of tag lists, of bounded length.

    Two long texts that differ stay different: what is cut off is replaced by a few digits of a hash of all of it. Dates,
    UUIDs and long numbers become ``*``, so that a path that is new with every run is one series.

    Args:
        text: any; None is an empty value.
    """
    if not text:
        return ""
    plain = re.sub(r"[?\s|,#\"'`\\<>&]+", "_", _MOMENT.sub("*", printable(text, 4_000)))
    if len(plain) <= MOST_CHARACTERS and len(text) <= 4_000:
        return plain
    digest = hashlib.sha256(_MOMENT.sub("*", text).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    half = (MOST_CHARACTERS - len(digest) - 2) // 2
    return f"{plain[:half]}~{digest}~{plain[-half:]}"


class CardinalityGuard:
    """Lets so many values of a tag pass in this process, and calls the rest ``(other)``. Thread-safe.

    Args:
        most: how many different values each tag may have.
    """

    def __init__(self, most: int = 200) -> None:
        self._most = most
        self._seen: defaultdict[str, set[str]] = defaultdict(set)
        self._lock = threading.Lock()
        self.replaced = 0

    def __call__(self, key: str, value: str) -> str:
        """The value, or ``(other)`` when there are too many already."""
        with self._lock:
            seen = self._seen[key]
            if value in seen:
                return value
            if len(seen) < self._most:
                seen.add(value)
                return value
            self.replaced += 1
            return OTHER
