"""Expectations on how texts look: regular expressions, which are looked for anywhere, and lengths."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence

from hookline.core.events import Measure
from hookline.quality.gx.conditions import literal, name_of
from hookline.quality.gx.model import Plan
from hookline.quality.gx.plans.values import Arguments, each_value
from hookline.quality.gx.rows import Rows

_LONGEST = 900
# Any text, line ends too, as both Java and RE2 read it.
_ANY = r"[\x00-\x{10FFFF}]*"
# What Java's $ allows at the very end.
_LINE_END = r"(?:\r\n|[\n\r\u0085\u2028\u2029])?"
_MAY_TAKE_A_LINE_END = re.compile(r"\\[sSWDrRvVhHxupPcZ0]|\[\^|\n|\r|\(\?[!<=]")
# The last thing surely takes a character that ends no line.
_ENDS_WITHOUT = re.compile(
    r"""(?:[A-Za-z0-9@_%&~=:;,<>/!#"' -]|\\[dw.@/-]|\[[^\]\\^][^\]\\]*\])(?:\+|\{[1-9]\d*\})?\Z"""
)
_ESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")
_FLAGS = re.compile(r"\(\?(?:i|s|is|si)\)")
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)


def anywhere(regex: str) -> str | None:
    """The pattern that a whole text matches when the regular expression is found in it; None when it can't be put so.

    Anchors at the ends of alternatives become what they mean, as RE2 has no such pattern with Java's meaning of ``$``.
    """
    if "\\Q" in regex or re.search(r"\(\?[a-z]*[xmd]", regex) or len(regex) > _LONGEST:
        return None  # what stands behind it would be taken for a part of it, or anchors mean something else
    flags = _FLAGS.match(regex)
    body = regex[flags.end() :] if flags else regex
    dotall = flags is not None and "s" in flags[0]
    written = [_whole(one, dotall) for one in _alternatives(body)]
    return (flags[0] if flags else "") + "|".join(written)


def _whole(alternative: str, dotall: bool) -> str:
    """One alternative with all that may stand around it. A ``$`` stays where what is before it may take a line's end."""
    begins, ends = alternative.startswith("^"), alternative.endswith("$") and _ESCAPED.search(alternative[:-1]) is None
    inside = alternative[begins : len(alternative) - ends]
    unsure = _MAY_TAKE_A_LINE_END.search(inside) or (dotall and "." in inside)
    if ends and unsure and not _ENDS_WITHOUT.search(inside):
        return f"{'' if begins else _ANY}(?:{inside}$){_ANY}"
    return f"{'' if begins else _ANY}{inside}{_LINE_END if ends else _ANY}"


def _alternatives(regex: str) -> list[str]:
    """The parts between bars that are in no group and no class."""
    found, depth = [""], 0
    for token in _TOKEN.finditer(regex):
        depth += (token[0] == "(") - (token[0] == ")")
        if token[0] == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += token[0]
    return found


def _found(rows: Rows, column: str, regex: str) -> Measure:
    """Counts the texts in which it is not found."""
    pattern = anywhere(regex)
    if pattern is None:
        return rows.violations(f"{name_of(column)} RLIKE {literal(regex)}")
    return Measure.unmatched(column, pattern, where=rows.where)


def _is_text(rows: Rows, given: Arguments) -> bool:
    domain = rows.domain(given["column"])
    regexes = (given.get("regex"), *given.get("regex_list", ()))
    return domain.kind == "string" and not domain.collated and not any(map(_is_broken, regexes))


def _is_broken(regex: str | None) -> bool:
    """Whether Great Expectations may have to say what is wrong with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(regex or "")
    except (re.error, RecursionError, OverflowError):
        return True
    return False


def matches(rows: Rows, given: Arguments) -> Plan | None:
    """The regular expression is found in every text."""
    return each_value(rows, given, _found(rows, given["column"], given["regex"])) if _is_text(rows, given) else None


def matches_not(rows: Rows, given: Arguments) -> Plan | None:
    """It is found in none."""
    if not _is_text(rows, given):
        return None
    return each_value(rows, given, _found(rows, given["column"], given["regex"]), inverse=True)


def matches_list(rows: Rows, given: Arguments) -> Plan | None:
    """One of several, or each of them, is found in every text."""
    if not _is_text(rows, given):
        return None
    if given.get("match_on", "any") == "any":
        return each_value(rows, given, _found(rows, given["column"], "|".join(given["regex_list"])))
    name = name_of(given["column"])
    each = " AND ".join(f"{name} RLIKE {literal(regex)}" for regex in given["regex_list"])
    return each_value(rows, given, rows.violations(each))


def matches_none(rows: Rows, given: Arguments) -> Plan | None:
    """None of several is found in any text."""
    if not _is_text(rows, given):
        return None
    regex = _any_of(given["regex_list"])
    if regex is None:
        name = name_of(given["column"])
        none = " AND ".join(f"NOT {name} RLIKE {literal(one)}" for one in given["regex_list"])
        return each_value(rows, given, rows.violations(none))
    return each_value(rows, given, Measure.unmatched(given["column"], regex, where=rows.where), inverse=True)


def _any_of(regexes: Sequence[str]) -> str | None:
    """None where flags of one would be those of the others: Great Expectations looks for one after the other."""
    if any(anywhere(regex) is None for regex in regexes):
        return None
    return anywhere("|".join(regexes)) if not any("(?" in regex for regex in regexes) else None


def length_equals(rows: Rows, given: Arguments) -> Plan | None:
    """Every text has so many characters."""
    return _length(rows, given, given["value"], given["value"])


def length_between(rows: Rows, given: Arguments) -> Plan | None:
    """Every text has a number of characters in a range."""
    low, high = given.get("min_value"), given.get("max_value")
    low = low + 1 if low is not None and given.get("strict_min") else low
    high = high - 1 if high is not None and given.get("strict_max") else high
    return _length(rows, given, low, high)


def _length(rows: Rows, given: Arguments, low: float | None, high: float | None) -> Plan | None:
    if not _is_text(rows, given):
        return None
    if low is not None and low < 0:
        low = None if high is None or high < 0 else 0
    impossible = (high is not None and high < 0) or (low is not None and high is not None and low > high)
    if impossible or any(end is not None and end != int(end) for end in (low, high)):
        return each_value(rows, given, None)
    if low is None and high is None:
        return each_value(rows, given, 0)
    ends = ("" if end is None else str(int(end)) for end in (low, high))
    return each_value(rows, given, Measure.malformed(given["column"], f"length:{':'.join(ends)}", where=rows.where))


PLANS: dict[str, Callable[[Rows, Arguments], Plan | None]] = {
    "expect_column_values_to_match_regex": matches,
    "expect_column_values_to_not_match_regex": matches_not,
    "expect_column_values_to_match_regex_list": matches_list,
    "expect_column_values_to_not_match_regex_list": matches_none,
    "expect_column_value_lengths_to_equal": length_equals,
    "expect_column_value_lengths_to_be_between": length_between,
}
