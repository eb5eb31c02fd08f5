"""Readers of single arguments: each gives the value, or raises ValueError with what is needed."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from typing import Any

Reader = Callable[[Any], Any]
_WHOLE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def text(given: Any) -> str:
    """A text that is not empty."""
    if not isinstance(given, str) or not given:
        raise ValueError("a text is needed")
    return given


def texts(given: Any) -> list[str]:
    """A list of texts."""
    if not isinstance(given, list) or not given or not all(isinstance(one, str) for one in given):
        raise ValueError("a list of texts is needed")
    return given


def number(given: Any) -> float:
    """A number."""
    if isinstance(given, bool) or not isinstance(given, (int, float)) or math.isnan(given):
        raise ValueError("a number is needed")
    return given


def whole(given: Any) -> int:
    """A whole number."""
    if isinstance(given, bool) or not isinstance(given, (int, float)) or given != int(given):
        raise ValueError("a whole number is needed")
    return int(given)


def flag(given: Any) -> bool:
    """True or false; null is false."""
    if given is not None and not isinstance(given, bool):
        raise ValueError("true or false is needed")
    return bool(given)


def share(given: Any) -> float:
    """A share of the rows."""
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 <= given <= 1:
        raise ValueError("a share from 0 to 1 is needed")
    return float(given)


def bound(given: Any) -> float | dt.date | dt.datetime:
    """An end of a range: a number, or a date or moment as ISO text, in the order in which Great Expectations tries these."""
    if isinstance(given, str):
        try:
            return float(given)
        except ValueError:
            pass
        try:
            return dt.date.fromisoformat(given) if _WHOLE_DATE.fullmatch(given) else dt.datetime.fromisoformat(given)
        except ValueError:
            raise ValueError("a number, or a date or moment as ISO text, is needed") from None
    return float(number(given))


def values(given: Any) -> list[Any]:
    """The members of a set."""
    if not isinstance(given, list) or any(isinstance(one, (list, dict)) for one in given):
        raise ValueError("a list of values is needed")
    return given


def some_values(given: Any) -> list[Any]:
    """The members of a set that is not empty."""
    if not values(given):
        raise ValueError("a list of at least one value is needed")
    return values(given)


def pairs(given: Any) -> list[tuple[Any, Any]]:
    """Pairs of values."""
    if not isinstance(given, list) or not given or not all(isinstance(one, list) and len(one) == 2 for one in given):
        raise ValueError("a list of pairs is needed")
    return [(one[0], one[1]) for one in given]


def quantile_ranges(given: Any) -> list[tuple[float, float, float]]:
    """Quantiles, each with the ends between which it has to lie."""
    if not isinstance(given, dict):
        raise ValueError("quantiles and value_ranges are needed")
    quantiles, ranges = given.get("quantiles"), given.get("value_ranges")
    if not isinstance(quantiles, list) or not isinstance(ranges, list) or len(quantiles) != len(ranges):
        raise ValueError("quantiles and value_ranges are lists of the same length")
    read = []
    for quantile, ends in zip(quantiles, ranges, strict=True):
        if not isinstance(ends, list) or len(ends) != 2:
            raise ValueError("a value range has two ends, each a number or null")
        low, high = (None if end is None else number(end) for end in ends)
        read.append((share(quantile), -math.inf if low is None else low, math.inf if high is None else high))
    return read


def one_of(*known: str) -> Reader:
    """One of several words."""

    def read(given: Any) -> str:
        if given not in known:
            raise ValueError(f"should be one of {', '.join(known)}")
        return str(given)

    return read
