"""Text for people: names and numbers that are safe and legible on a terminal.

Dataset, job and check names come from data and configuration. On a terminal a name may hold escape sequences, line
breaks or ten thousand characters, so nothing reaches a screen without passing ``printable`` and ``shorten``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str, limit: int = 2_000) -> str:
    """The text with every control, format and unassigned character (escapes, newlines, direction marks) as ``?``.

    Args:
        limit: how many characters are looked at; the rest of an endless name is replaced by an ellipsis.
    """
    head = text if len(text) <= limit else text[: limit // 2] + "…" + text[-limit // 2 :]
    return "".join("?" if unicodedata.category(char) in _HIDDEN else char for char in head)


def display_width(text: str) -> int:
    """How many terminal cells printable text takes: wide characters take two, combining ones none."""
    return len(text) if text.isascii() else sum(_cells(char) for char in text)


def shorten(text: str, width: int) -> str:
    """Cut printable text to a number of cells, from the middle, since names differ at their ends."""
    if display_width(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail_width = (width - 1) // 2
    head = _take(iter(text), width - 1 - tail_width)
    tail = _take(reversed(text), tail_width)[::-1]
    return f"{head}…{tail}"


def shorten_path(text: str, width: int) -> str:
    """Cut a dataset's name to a number of cells, keeping as many of its last path parts as fit: ``…/silver/sales``."""
    if display_width(text) <= width:
        return text
    parts = [part for part in text.split("/") if part]
    kept = ""
    for part in reversed(parts):
        if display_width(f"…/{part}{kept}") > width:
            break
        kept = f"/{part}{kept}"
    return f"…{kept}" if kept else shorten(parts[-1] if parts else text, width)


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill up with spaces to a number of cells, at the end, or at the start when ``right``."""
    filling = " " * max(0, width - display_width(text))
    return filling + text if right else text + filling


def wrap(text: str, width: int, *, first: str = "", further: str = "", most: int = 4) -> list[str]:
    """Break printable text into lines of a number of cells, at spaces where that is possible.

    Args:
        first: what the first line begins with.
        further: what the others begin with.
        most: how many lines there are at most; the last then ends with an ellipsis.
    """
    lines: list[str] = []
    line, empty = first, True
    for word in text.split():
        if not empty and display_width(f"{line} {word}") > width:
            lines.append(line)
            line, empty = further, True
        while empty and display_width(line + word) > width and len(lines) <= most:
            piece = _take(iter(word), width - display_width(line)) or word[0]
            lines.append(line + piece)
            line, word = further, word[len(piece) :]
        line, empty = f"{line}{'' if empty else ' '}{word}", False
    lines += [] if empty else [line]
    if len(lines) > most:
        lines[most - 1 :] = [_take(iter(lines[most - 1]), width - 2) + " …"]
    return lines


def encodable(text: str, encoding: str | None) -> str:
    """The text with what an encoding lacks as ``?`` (an ellipsis as ``~``), so that writing it can't raise."""
    name = encoding or "utf-8"
    text = text if speaks(name, "…") else text.replace("…", "~")
    try:
        return text.encode(name, "replace").decode(name, "replace")
    except LookupError:
        return text.encode("ascii", "replace").decode("ascii")


def speaks(encoding: str | None, sample: str) -> bool:
    """Whether an encoding has all of these characters."""
    try:
        sample.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def in_words(duration_s: float) -> str:
    """Seconds as ``0.42 s``, ``12.3 s``, ``2 min 05 s`` or ``1 h 02 min``."""
    if duration_s < 9.995:
        return f"{max(duration_s, 0):.2f} s"
    if duration_s < 59.95:
        return f"{duration_s:.1f} s"
    minutes, seconds = divmod(round(duration_s), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    return f"{minutes // 60:,} h {minutes % 60:02d} min"


def in_units(size_bytes: float) -> str:
    """Bytes as ``512 B``, ``18.0 KiB``, ``31.2 MiB`` …"""
    if size_bytes < 1024:
        return f"{size_bytes:.0f} B"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        size_bytes /= 1024
        if size_bytes < 1023.95:
            return f"{size_bytes:.1f} {unit}"
    return f"{size_bytes / 1024:,.1f} PiB"


def _take(characters: Iterator[str], width: int) -> str:
    taken: list[str] = []
    for char in characters:
        width -= _cells(char)
        if width < 0:
            break
        taken.append(char)
    return "".join(taken)


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def quoted(name: str) -> str:
    """A name as Spark's parser reads it back, whatever is in it."""
    return "`" + name.replace("`", "``") + "`"
