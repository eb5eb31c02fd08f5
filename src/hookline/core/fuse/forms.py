"""Forms of text that a regular expression can't tell: check digits and dates, in both engines' words.

Each is a pattern, which RE2 and Java read alike, and a test of what matches it. No value makes a test raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from hookline.core.fuse.domain import UnfitError

if TYPE_CHECKING:
    from pyspark.sql import Column

# ISO 13616: how many characters an IBAN has, by country (the registry of SWIFT).
_IBAN_LENGTHS: Mapping[int, str] = {
    15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL", 29: "BR EG PS QA UA",
    30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
_IBAN = "|".join(
    f"(?:{countries.replace(' ', '|')})(?:0[2-9]|[1-8][0-9]|9[0-8])[A-Z0-9]{{{length - 4}}}"
    for length, countries in _IBAN_LENGTHS.items()
)
_ANY = ""
_LENGTH = re.compile(r"length:([0-9]*):([0-9]*)")
_CAST = re.compile(r"castable:([a-z_]+(?:\([0-9]+, ?[0-9]+\))?)")
_DATE_PARTS = {
    "yyyy": "[0-9]{4}",
    "MM": "(?:0[1-9]|1[0-2])",
    "dd": "(?:0[1-9]|[12][0-9]|3[01])",
    "HH": "(?:[01][0-9]|2[0-3])",
    "mm": "[0-5][0-9]",
    "ss": "[0-5][0-9]",
}
_DATE_TOKEN = re.compile(r"yyyy|MM|dd|HH|mm|ss|S{1,9}|'[^']+'|[^A-Za-z']")
_DATE_KNOWN = "yyyy, MM, dd, HH, mm, ss, S (once for each digit of a fraction), other characters, and letters in quotes"


@dataclass(frozen=True)
class Form:
    """A form of text.

    Attributes:
        pattern: what every text of this form matches from end to end; empty: any text may be.
        spark: the test of a text that matches, on Spark's column.
        duckdb: the same, on DuckDB's expression; None where DuckDB has another opinion.
    """

    pattern: str
    spark: Callable[[Column], Column]
    duckdb: Callable[[str], str] | None

    def in_spark(self, column: Column) -> Column:
        """Whether a text is of this form; never null for a text."""
        from pyspark.sql import functions as F

        if self.pattern == _ANY:
            return F.coalesce(self.spark(column), F.lit(False))
        matches = column.rlike(f"\\A(?:{self.pattern})\\z")
        return F.when(matches, F.coalesce(self.spark(column), F.lit(False))).otherwise(F.lit(False))

    def in_duckdb(self, column: str) -> str:
        """The same for DuckDB."""
        if self.duckdb is None:
            raise ValueError("there is no such test in DuckDB")
        if self.pattern == _ANY:
            return f"coalesce({self.duckdb(column)}, false)"
        pattern = self.pattern.replace("'", "''")
        return f"(CASE WHEN regexp_full_match({column}, '{pattern}') THEN coalesce({self.duckdb(column)}, false) ELSE false END)"


@lru_cache(maxsize=256)
def form_of(name: str) -> Form:
    """The form of this name: ``iban``, ``luhn``, or ``date:`` with its parts.

    Raises:
        UnfitError: there is none.
    """
    if name == "iban":
        return Form(_IBAN, _iban_in_spark, _iban_in_duckdb)
    if name == "luhn":
        return Form("[0-9]+", _luhn_in_spark, _luhn_in_duckdb)
    if name.startswith("date:"):
        return _date(name.removeprefix("date:"))
    if match := _LENGTH.fullmatch(name):
        return _length(*(int(end) if end else None for end in match.groups()))
    if match := _CAST.fullmatch(name):
        return Form(_ANY, lambda text: text.try_cast(match[1]).isNotNull(), None)
    raise UnfitError(f"{name!r} is no form of text")


def _length(least: int | None, most: int | None) -> Form:
    """So many code points."""

    def spark(text: Column) -> Column:
        from pyspark.sql import functions as F

        length = F.length(text)
        return (length >= F.lit(0 if least is None else least)) & (
            F.lit(True) if most is None else length <= F.lit(most)
        )

    tests = [f"length({{0}}) >= {least or 0}", *([] if most is None else [f"length({{0}}) <= {most}"])]
    return Form(_ANY, spark, lambda text: " AND ".join(test.format(text) for test in tests))


def _iban_in_spark(text: Column) -> Column:
    """The number that it stands for, its first four characters moved to its end, modulo 97 is 1."""
    from pyspark.sql import functions as F

    def add(rest: Column, char: Column) -> Column:
        code = F.ascii(char)
        letter = code >= 65
        return (rest * F.when(letter, 100).otherwise(10) + code - F.when(letter, 55).otherwise(48)) % 97

    return F.aggregate(_characters(F.concat(text.substr(F.lit(5), F.lit(40)), text.substr(1, 4))), F.lit(0), add) == 1


def _iban_in_duckdb(text: str) -> str:
    codes = f"list_transform(string_split(substr({text}, 5) || substr({text}, 1, 4), ''), lambda c: ascii(c))"
    step = "(r * (CASE WHEN c >= 65 THEN 100 ELSE 10 END) + c - (CASE WHEN c >= 65 THEN 55 ELSE 48 END)) % 97"
    return f"list_reduce(list_prepend(0, {codes}), lambda r, c: {step}) = 1"


def _luhn_in_spark(digits: Column) -> Column:
    """Every second digit from the right counts twice, its own digits added up; all of them are a multiple of ten."""
    from pyspark.sql import functions as F

    def value(char: Column, index: Column) -> Column:
        digit = F.ascii(char) - 48
        return F.when(index % 2 == 1, digit * 2 - F.when(digit > 4, 9).otherwise(0)).otherwise(digit)

    values = F.transform(_characters(F.reverse(digits)), value)
    return F.aggregate(values, F.lit(0), lambda total, value: (total + value) % 10) == 0


def _luhn_in_duckdb(digits: str) -> str:
    digit = "(ascii(c) - 48)"
    value = f"CASE WHEN i % 2 = 0 THEN {digit} * 2 - (CASE WHEN {digit} > 4 THEN 9 ELSE 0 END) ELSE {digit} END"
    return f"list_sum(list_transform(string_split(reverse({digits}), ''), lambda c, i: {value})) % 10 = 0"


def _characters(text: Column) -> Column:
    from pyspark.sql import functions as F

    return F.transform(F.sequence(F.lit(1), F.length(text)), lambda at: text.substr(at, F.lit(1)))


def _date(name: str) -> Form:
    tokens = list(_tokens(name))
    pattern = "".join(_DATE_PARTS.get(token) or _written(token) for token in tokens)
    places: dict[str, int] = {}
    at = 1
    for token in tokens:
        if token in _DATE_PARTS and token in places:
            raise UnfitError(f"a date has one {token}, not two")
        places[token] = at
        at += len(token.strip("'")) if token.startswith("'") else len(token)
    if "dd" in places and "MM" not in places:
        raise UnfitError("a day without a month is no date")
    if not set(places) & set(_DATE_PARTS):
        raise UnfitError(f"a form of dates has parts: {_DATE_KNOWN}")
    if "dd" not in places:
        return Form(pattern, _always, lambda _: "true")
    return Form(pattern, lambda text: _day_in_spark(text, places), lambda text: _day_in_duckdb(text, places))


def _tokens(name: str) -> Iterator[str]:
    at = 0
    while at < len(name):
        match = _DATE_TOKEN.match(name, at)
        after = name[match.end() : match.end() + 1] if match else ""
        if match is None or (match[0] in _DATE_PARTS and after == match[0][0]):
            raise UnfitError(f"what stands at character {at + 1} is no part of a date here; known are {_DATE_KNOWN}")
        yield match[0]
        at = match.end()


def _written(token: str) -> str:
    if token.startswith("S"):
        return f"[0-9]{{{len(token)}}}"
    return "".join(f"\\x{{{ord(char):X}}}" for char in token.strip("'"))


def _always(text: Column) -> Column:
    from pyspark.sql import functions as F

    return F.lit(True)


def _day_in_spark(text: Column, places: Mapping[str, int]) -> Column:
    """The month has that day; without a year February has 29."""
    from pyspark.sql import functions as F

    def number(part: str) -> Column:
        return text.substr(places[part], len(part)).try_cast("int")

    leap = F.lit(True)
    if "yyyy" in places:
        year = number("yyyy")
        leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    month = number("MM")
    most = F.when(month.isin(4, 6, 9, 11), 30).when(month == 2, F.when(leap, 29).otherwise(28)).otherwise(31)
    return number("dd") <= most


def _day_in_duckdb(text: str, places: Mapping[str, int]) -> str:
    def number(part: str) -> str:
        return f"try_cast(substr({text}, {places[part]}, {len(part)}) AS INTEGER)"

    year = number("yyyy") if "yyyy" in places else ""
    leap = f"(({year} % 4 = 0 AND {year} % 100 <> 0) OR {year} % 400 = 0)" if year else "true"
    month = number("MM")
    most = f"CASE WHEN {month} IN (4, 6, 9, 11) THEN 30 WHEN {month} = 2 THEN (CASE WHEN {leap} THEN 29 ELSE 28 END) ELSE 31 END"
    return f"{number('dd')} <= {most}"
