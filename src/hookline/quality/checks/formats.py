"""Checks on how a text looks: not blank, and named formats.

Formats say how a value is written, not that what it names exists: an address of this form may have no mailbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from hookline.core.config_problems import suggestion
from hookline.core.events import Measure
from hookline.core.fuse.domain import UnfitError
from hookline.core.fuse.forms import form_of
from hookline.quality.checks.base import ColumnCheck, ColumnOptions, PlainColumnOptions
from hookline.quality.checks.codes import COUNTRIES, COUNTRIES_3, CURRENCIES, LANGUAGES
from hookline.quality.checks.registry import register

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

# Written so that RE2 reads them as Java does. The e-mail address is the one that browsers accept (HTML, section
# 4.10.5.1.5), a UUID that of RFC 9562, dates those of RFC 3339.
FORMATS: Mapping[str, str] = {
    "email": f"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}([.]{_LABEL})*",
    "uuid": "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
    "url": f"https?://{_LABEL}([.]{_LABEL})*(:[0-9]{{1,5}})?([/?#][!-~]*)?",
    "ipv4": f"{_OCTET}([.]{_OCTET}){{3}}",
    "iso_date": _DAY,
    "iso_timestamp": f"{_DAY}[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)([.][0-9]+)?([Zz]|[+-][0-9]{{2}}:[0-9]{{2}})?",
    "digits": "[0-9]+",
}
# Formats with check digits, which a pattern can't tell.
_CHECKED: Mapping[str, str] = {
    "luhn": "is a number whose last digit fits the others (Luhn, ISO/IEC 7812-1)",
    "iban": "is an IBAN in its electronic form, of its country's length, whose check digits fit (ISO 13616)",
}
# Formats that are lists of what there is.
CODES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "country": (COUNTRIES, "is a country's code of two letters (ISO 3166-1)"),
    "country3": (COUNTRIES_3, "is a country's code of three letters (ISO 3166-1)"),
    "currency": (CURRENCIES, "is a currency's code (ISO 4217)"),
    "language": (LANGUAGES, "is a language's code of two letters (ISO 639)"),
}


@register("not_blank", PlainColumnOptions)
@dataclass(frozen=True)
class NotBlank(ColumnCheck[PlainColumnOptions]):
    """The column's texts hold more than ASCII white space. A null is not evaluated: completeness counts it."""

    @property
    def rule(self) -> str:
        """In words."""
        return f"{self.options.column} is not blank"

    def failing(self) -> Measure:
        """The empty and the blank."""
        return Measure.unmatched(self.options.column, r"(?s).*\S.*")


def read_format(given: object) -> object:
    """The name of a format."""
    known = (*FORMATS, *_CHECKED, *CODES)
    if given not in known:
        near = suggestion(given.lower(), known) if isinstance(given, str) else ""
        raise ValueError(f"should be one of {', '.join(known)}{near}")
    return given


class FormatOptions(ColumnOptions):
    """The name of a format."""

    format: Annotated[str, BeforeValidator(read_format)]


@register("format", FormatOptions)
@dataclass(frozen=True)
class Format(ColumnCheck[FormatOptions]):
    """The column's texts are written in a format, from end to end."""

    @property
    def rule(self) -> str:
        """In words."""
        name, column = self.options.format, self.options.column
        if name in _CHECKED:
            return f"{column} {_CHECKED[name]}"
        if name in CODES:
            return f"{column} {CODES[name][1]}"
        return f"{self.options.column} is written as {self.options.format}"

    def failing(self) -> Measure:
        """The texts that are not."""
        name, column = self.options.format, self.options.column
        if name in _CHECKED:
            return Measure.malformed(column, name)
        if name in CODES:
            return Measure.not_in(column, CODES[name][0])
        return Measure.unmatched(column, FORMATS[name])


def read_date_pattern(given: str) -> str:
    """A pattern of dates."""
    try:
        form_of(f"date:{given}")
    except UnfitError as error:
        raise ValueError(str(error)) from None
    return given


class DateFormatOptions(ColumnOptions):
    """How dates are written: ``dd.MM.yyyy``."""

    pattern: Annotated[str, AfterValidator(read_date_pattern)]


@register("date_format", DateFormatOptions)
@dataclass(frozen=True)
class DateFormat(ColumnCheck[DateFormatOptions]):
    """The column's texts are dates of the calendar, every part written with all its digits."""

    @property
    def rule(self) -> str:
        """In words."""
        return f"{self.options.column} is a date written as {self.options.pattern}"

    def failing(self) -> Measure:
        """The texts that are none."""
        return Measure.malformed(self.options.column, f"date:{self.options.pattern}")
