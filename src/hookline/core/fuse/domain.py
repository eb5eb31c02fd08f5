"""Column types, and the exact numbers in which values of a column are compared.

Every way compares the same thing: dates as days and timestamps as microseconds since 1970 (UTC, or wall clock for
``timestamp_ntz``), decimals at the column's own scale, ``float`` at its own precision. Bounds are brought into the
column's domain once, here, so that no engine has to widen a type.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import Any

from hookline.core.events import Scalar

_INTEGERS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
_DECIMAL = re.compile(r"decimal\((\d+),(-?\d+)\)\Z")
_TEXT = re.compile(r"(?:string(?: collate \S+)?|(?:var)?char\(\d+\))\Z")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_MICROSECOND = dt.timedelta(microseconds=1)
_MOST_DIGITS = 60  # more than any column holds
EXACT = Context(prec=120)


class UnfitError(ValueError):
    """A value that can't belong to the column's type; the text says why, without the value."""


@dataclass(frozen=True)
class Domain:
    """What the values of a column are.

    Attributes:
        kind: int, decimal, float, double, string, boolean, date, timestamp, timestamp_ntz, or other.
        precision, scale: of a decimal.
        bits: of an integer.
        collated: whether Spark would compare by something else than bytes.
    """

    kind: str
    precision: int = 0
    scale: int = 0
    bits: int = 0
    collated: bool = False

    @property
    def floating(self) -> bool:
        """Whether there are NaN and infinities."""
        return self.kind in ("float", "double")

    @property
    def numeric(self) -> bool:
        """Whether values add up."""
        return self.floating or self.kind in ("int", "decimal")

    @property
    def limits(self) -> tuple[Any, Any] | None:
        """The least and the greatest value of the type, where the type has them."""
        if self.kind == "int":
            return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        if self.kind == "decimal":
            most = Decimal(10**self.precision - 1).scaleb(-self.scale, EXACT)
            return -most, most
        return None


@lru_cache(maxsize=4096)
def domain_of(type_name: str) -> Domain:
    """The domain of a Spark simple type string; ``other`` for what has only rows and nulls."""
    name = type_name.strip()
    if name in _INTEGERS:
        return Domain("int", bits=_INTEGERS[name])
    if match := _DECIMAL.match(name.replace(" ", "")):
        precision, scale = int(match[1]), int(match[2])
        return Domain("decimal", precision, scale) if scale >= 0 else Domain("other")
    if _TEXT.match(name):
        return Domain("string", collated="collate" in name and not name.endswith(" UTF8_BINARY"))
    if name in ("float", "double", "boolean", "date", "timestamp", "timestamp_ntz"):
        return Domain(name)
    return Domain("other")


def convert(domain: Domain, value: Scalar) -> Any:
    """A member of a set in the column's domain; raises UnfitError. A number beyond the type's limits stays as it is."""
    return _CONVERTERS[domain.kind](domain, value)


def convert_bound(domain: Domain, value: Scalar, *, lower: bool) -> Any:
    """A bound in the column's domain, rounded inwards to what the column can hold; None when it bounds nothing."""
    if domain.kind in ("int", "decimal"):
        number = _number(value)
        if number.is_nan():
            raise UnfitError("a bound is NaN")
        if number.is_infinite() or number.adjusted() > _MOST_DIGITS:
            return None if lower == (number < 0) else _beyond(domain, lower)
        with localcontext(EXACT):
            places = domain.scale if domain.kind == "decimal" else 0
            rounded = _at_scale(number, places, ROUND_CEILING if lower else ROUND_FLOOR)
        return int(rounded) if domain.kind == "int" else rounded
    converted = convert(domain, value)
    if domain.floating and math.isnan(converted):
        raise UnfitError("a bound is NaN")
    return converted


def present(domain: Domain, value: Any) -> Any:
    """A value of the domain as the caller gets it; raises OverflowError for years that Python doesn't have."""
    if value is None:
        return None
    if domain.kind == "date":
        return dt.date(1970, 1, 1) + dt.timedelta(days=value)
    if domain.kind in ("timestamp", "timestamp_ntz"):
        moment = _EPOCH + value * _MICROSECOND
        return moment if domain.kind == "timestamp" else moment.replace(tzinfo=None)
    if domain.kind == "decimal":
        with localcontext(EXACT):
            return _at_scale(value, domain.scale, ROUND_FLOOR)
    return value + 0.0 if domain.floating else value


def days_of(value: dt.date) -> int:
    """Days since 1970."""
    return (value - dt.date(1970, 1, 1)).days


def micros_of(value: dt.datetime) -> int:
    """Microseconds since 1970; a naive moment is UTC (or a wall clock's)."""
    return ((value if value.tzinfo else value.replace(tzinfo=dt.timezone.utc)) - _EPOCH) // _MICROSECOND


def _at_scale(number: Decimal, scale: int, rounding: str) -> Decimal:
    try:
        return number.quantize(Decimal(1).scaleb(-scale), rounding=rounding, context=EXACT)
    except InvalidOperation:
        raise UnfitError("a number has more digits than any column holds") from None


def _beyond(domain: Domain, lower: bool) -> Any:
    """A bound that no value meets."""
    least, most = domain.limits or (0, 0)
    return most + 1 if lower else least - 1


def _number(value: Scalar) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise UnfitError(f"a {type(value).__name__} is not a number")
    # repr, not the binary expansion: whoever writes 0.1 means a tenth.
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _integer(domain: Domain, value: Scalar) -> int:
    number = _number(value)
    if not number.is_finite() or number != number.to_integral_value():
        raise UnfitError("a value is not an integer")
    return int(number)


def _decimal(domain: Domain, value: Scalar) -> Decimal:
    number = _number(value)
    if not number.is_finite():
        raise UnfitError("a value is not finite")
    rounded = _at_scale(number, domain.scale, ROUND_FLOOR)
    if rounded != number:
        raise UnfitError(f"a value has more than {domain.scale} decimal places")
    return rounded


def _double(domain: Domain, value: Scalar) -> float:
    try:
        return float(_number(value)) + 0.0
    except OverflowError:
        raise UnfitError("a number is too large for a double") from None


def _float(domain: Domain, value: Scalar) -> float:
    number = _double(domain, value)
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return number  # beyond every float: comparing as doubles is right


def _string(domain: Domain, value: Scalar) -> str:
    if not isinstance(value, str):
        raise UnfitError(f"a {type(value).__name__} is not a string; put it in quotes")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise UnfitError("a string has a lone surrogate, which no column can hold") from None
    return value


def _boolean(domain: Domain, value: Scalar) -> bool:
    if not isinstance(value, bool):
        raise UnfitError(f"a {type(value).__name__} is not a boolean")
    return value


def _date(domain: Domain, value: Scalar) -> int:
    if isinstance(value, str):
        try:
            return days_of(dt.date.fromisoformat(value))
        except ValueError:
            raise UnfitError("a string is not an ISO date (YYYY-MM-DD)") from None
    if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
        raise UnfitError(f"a {type(value).__name__} is not a date")
    return days_of(value)


def _timestamp(domain: Domain, value: Scalar) -> int:
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value[:-1] + "+00:00" if value.endswith(("Z", "z")) else value)
        except ValueError:
            raise UnfitError("a string is not an ISO timestamp (YYYY-MM-DDTHH:MM:SS)") from None
    if not isinstance(value, dt.date):
        raise UnfitError(f"a {type(value).__name__} is not a timestamp")
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)
    if domain.kind == "timestamp_ntz" and value.tzinfo is not None:
        raise UnfitError("a timestamp with an offset can't be compared with timestamp_ntz, which is a wall clock's")
    return micros_of(value)


_CONVERTERS: dict[str, Callable[[Domain, Scalar], Any]] = {
    "int": _integer,
    "decimal": _decimal,
    "float": _float,
    "double": _double,
    "string": _string,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "timestamp_ntz": _timestamp,
}
