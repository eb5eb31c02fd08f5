"""SQL without its values: what a statement does may be told, what it compares with may be a person's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MAX_CHARACTERS = 100_000
_PLACEHOLDER = "?"
_QUOTES = "'\""


def redacted(text: str) -> str | None:
    """The statement with ``?`` for every string and number, and without comments and line breaks.

    It works on the words of the text, not on its meaning, so that no dialect's oddity can carry a value through. None when
    not even the words are clear (a string without an end, a quote behind a backslash, which ends a string or does not,
    as the session is configured), or the text is very long.
    """
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.errors import SqlglotError

    if len(text) > MAX_CHARACTERS or any(f"\\{quote}" in text for quote in _QUOTES):
        return None
    try:
        words = Dialect.get_or_raise("spark").tokenize(text)
    except (SqlglotError, ValueError):
        return None
    plain = "".join(_shown(text, words)).strip()
    return None if any(quote in _without_names(plain) for quote in _QUOTES) else plain


def _shown(text: str, words: list[Any]) -> Iterator[str]:
    end = 0
    for word in words:
        if word.start < end:  # a number's suffix (5L) is told as words of its own
            continue
        source = text[word.start : word.end + 1]
        yield " " if word.start > end else ""
        yield _PLACEHOLDER if _is_value(word, source) else source
        end = word.end + 1


def _is_value(word: Any, source: str) -> bool:
    """A string of any kind, or whatever begins like a number; a name in backticks is neither."""
    kind = word.token_type.name
    return kind == "NUMBER" or kind.endswith("STRING") or source[0].isdigit() or source[0] in _QUOTES


def _without_names(plain: str) -> str:
    return "".join(plain.split("`")[::2])
