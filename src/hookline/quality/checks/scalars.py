"""Values as a suite writes them: bounds and members of sets, read without losing a digit and without mixing kinds."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from hookline.core.conditions import read_condition
from hookline.core.events import Scalar
from hookline.core.text import quoted

Kind = Literal["number", "text", "boolean", "time"]


def exact(number: float) -> Decimal:
    """The decimal that was written, not the binary fraction nearest to it: 0.1 is one tenth."""
    return Decimal(repr(number))


def exact_fraction(number: float) -> Fraction:
    """Like ``exact``, for shares."""
    return Fraction(exact(number))


def percent(share: Fraction) -> str:
    """A share in words: ``99.5 %``."""
    return f"{float(share * 100):.12g} %"


def kind_of(value: Scalar) -> Kind:
    """What a value can be compared with."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float, Decimal)):
        return "number"
    return "time" if isinstance(value, dt.date) else "text"


def words(value: Scalar) -> str:
    """A value as an ``expected`` text shows it."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, str) else str(value)


def ends(low: Scalar | None, high: Scalar | None) -> str:
    """A range in words; one of its ends may be open."""
    if low is not None and high is not None:
        return f"between {words(low)} and {words(high)}"
    return f"at least {words(low)}" if low is not None else f"at most {words(high)}" if high is not None else ""


def read_scalar(given: object) -> Scalar:
    """A member of a set. A fraction becomes a Decimal; NaN and the infinities stay floats, NaN as one object.

    Raises:
        ValueError: for null, lists and mappings.
    """
    if given is None:
        raise ValueError("null can't be listed: a null is not evaluated here, use completeness to forbid nulls")
    if isinstance(given, float):
        # NaN differs from itself; one object keeps two equal measures equal.
        return math.nan if math.isnan(given) else given if math.isinf(given) else exact(given)
    if isinstance(given, (bool, int, str, Decimal, dt.date)):
        return given
    raise ValueError("a single value is allowed here (text, a number, true/false, a date or a timestamp)")


def read_bound(given: object) -> Scalar:
    """An end of a range.

    Raises:
        ValueError: for what has no order with other values, and for text that was meant as a number.
    """
    if given is None:
        raise ValueError("null is no bound: leave the key out for a range that is open on this side")
    if isinstance(given, bool):
        raise ValueError("true/false is no bound: a number, a date, a timestamp or text is allowed")
    value = read_scalar(given)
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        raise ValueError("NaN and infinity are no bounds: leave the key out for a range that is open on this side")
    if value == "":
        raise ValueError("empty text is no bound: leave the key out for a range that is open on this side")
    return value


def read_values(values: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    """The members of a set, each once.

    Raises:
        ValueError: when there are none, or of several kinds.
    """
    if not values:
        raise ValueError("an empty set would fail every row: list at least one value")
    example: dict[Kind, Scalar] = {}
    for value in values:
        example.setdefault(kind_of(value), value)
    if len(example) > 1:
        kinds = " and ".join(f"{kind} ({words(value)})" for kind, value in example.items())
        raise ValueError(f"the values are of several kinds, {kinds}: put text in quotes")
    return tuple(dict.fromkeys(values))


def refuse_crossed(minimum: Scalar | None, maximum: Scalar | None) -> None:
    """Raise ValueError for a range in which nothing can lie, or whose ends can't be compared."""
    if minimum is None and maximum is None:
        raise ValueError("min, max or both are needed")
    if minimum is None or maximum is None:
        return
    if kind_of(minimum) != kind_of(maximum):
        raise ValueError(
            f"min is {kind_of(minimum)} ({words(minimum)}) and max is {kind_of(maximum)} ({words(maximum)}): "
            "both must be of one kind"
        )
    if _ordered(minimum) > _ordered(maximum):
        raise ValueError(f"min ({words(minimum)}) is greater than max ({words(maximum)}): swap them")


def _ordered(value: Scalar) -> Any:
    """A value that compares with others of its kind: days are midnights, times without a zone are UTC."""
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=dt.timezone.utc)
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day, tzinfo=dt.timezone.utc)
    return value


def read_column(given: object) -> str:
    """A column's name.

    Raises:
        ValueError: when it is not text, as an unquoted ``true`` or ``2020`` is not.
    """
    if not isinstance(given, str):
        raise ValueError("a column's name is text: put it in quotes")
    if not given.strip():
        raise ValueError("a column's name is not empty")
    return given


def path(column: str) -> str:
    """A column in Spark's SQL: as it stands when its name is in backticks, a field of another one when it has a point."""
    if column.startswith("`"):
        return column
    return ".".join(quoted(part) for part in column.split("."))


def one_or_many(given: object) -> object:
    """A text is a list of one."""
    return [given] if isinstance(given, str) else given


def read_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a key.

    Raises:
        ValueError: when there are none, or one is named twice.
    """
    if not columns:
        raise ValueError("at least one column is needed")
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise ValueError(f"column {twice[0]!r} is named twice")
    return columns


def read_condition_text(given: str | None) -> str | None:
    """A condition on a row in Spark's SQL.

    Raises:
        ValueError: when it does not parse, or is about more than one row.
    """
    if given is not None:
        read_condition(given)
    return given


Bound = Annotated[Scalar | None, PlainValidator(read_bound)]
ColumnName = Annotated[str, PlainValidator(read_column)]
ColumnNames = Annotated[
    tuple[ColumnName, ...], BeforeValidator(one_or_many), Field(strict=False), AfterValidator(read_columns)
]
Member = Annotated[Scalar, PlainValidator(read_scalar)]
Values = Annotated[tuple[Member, ...], Field(strict=False), AfterValidator(read_values)]
