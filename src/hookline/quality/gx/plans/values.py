"""Expectations on each value of a column: nulls, uniqueness, ranges, sets, types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hookline.core.events import Measure, Scalar
from hookline.core.fuse.domain import Domain, UnfitError, convert
from hookline.quality.gx.conditions import literal, name_of
from hookline.quality.gx.model import Outcome, Plan, Values
from hookline.quality.gx.outcomes import counted
from hookline.quality.gx.rows import Rows

Arguments = Mapping[str, Any]


def each_value(
    rows: Rows,
    given: Arguments,
    failing: Measure | int | None,
    *,
    inverse: bool = False,
    windowed: bool = False,
) -> Plan:
    """The plan of an expectation that every value that is not null has to meet.

    Args:
        failing: what counts those that do not; 0 is none; None is all of them.
        inverse: it counts those that do.
    """
    mostly = given.get("mostly", 1.0)
    measures = [rows.count, rows.nulls(given["column"]), *([failing] if isinstance(failing, Measure) else [])]

    def read(found: Values) -> Outcome:
        total, nulls, *others = found
        present = total - nulls
        count = others[0] if others else (present if failing is None else 0)
        unexpected = present - count if inverse else count
        return counted(total, unexpected, mostly, considered=present, windowed=windowed)

    own = failing if isinstance(failing, Measure) and not inverse else None
    return Plan(tuple(measures), read, own)


def not_null(rows: Rows, given: Arguments) -> Plan | None:
    """No value is null."""
    if rows.column(given["column"]) is None:
        return None
    nulls, mostly = rows.nulls(given["column"]), given.get("mostly", 1.0)

    def read(found: Values) -> Outcome:
        total, unexpected = found
        return counted(total, unexpected, mostly, considered=total, missing=False)

    return Plan((rows.count, nulls), read, nulls)


def null(rows: Rows, given: Arguments) -> Plan | None:
    """Every value is null."""
    if rows.column(given["column"]) is None:
        return None
    mostly = given.get("mostly", 1.0)

    def read(found: Values) -> Outcome:
        total, nulls = found
        return counted(total, total - nulls, mostly, considered=total, missing=False)

    return Plan((rows.count, rows.nulls(given["column"])), read)


def unique(rows: Rows, given: Arguments) -> Plan | None:
    """No value is there twice; all copies fail."""
    column = given["column"]
    if not rows.simple(column):
        return None
    return each_value(rows, given, Measure.duplicates(column, where=rows.where), windowed=True)


def between(rows: Rows, given: Arguments) -> Plan | None:
    """Values lie between two ends."""
    low, high = given.get("min_value"), given.get("max_value")
    if low is not None and high is not None and (type(low) is not type(high) or low > high):
        return None
    domain = rows.domain(given["column"])
    present = [end for end in (low, high) if end is not None]
    strict = bool(given.get("strict_min") and low is not None) or bool(given.get("strict_max") and high is not None)
    if domain.numeric and all(isinstance(end, float) for end in present):
        if domain.floating or strict:
            return each_value(rows, given, rows.violations(_ordered(given, low, high)))
        ends = [None if end is None else Decimal(repr(end)) for end in (low, high)]
    elif domain.kind in ("date", "timestamp", "timestamp_ntz") and all(type(end) is dt.date for end in present):
        if domain.kind != "date" or strict:
            return each_value(rows, given, rows.violations(_ordered(given, low, high)))
        ends = [low, high]
    else:
        return None
    measure = Measure.outside(given["column"], minimum=ends[0], maximum=ends[1], where=rows.where)
    return each_value(rows, given, measure)


def _ordered(given: Arguments, low: Any, high: Any) -> str:
    name = name_of(given["column"])
    tests = []
    if low is not None:
        tests.append(f"{name} {'>' if given.get('strict_min') else '>='} {_end(low)}")
    if high is not None:
        tests.append(f"{name} {'<' if given.get('strict_max') else '<='} {_end(high)}")
    return " AND ".join(tests)


def _end(value: Any) -> str:
    return f"DATE '{value.isoformat()}'" if isinstance(value, dt.date) else literal(value)


def in_set(rows: Rows, given: Arguments) -> Plan | None:
    """Values are in a set. As in SQL, a set with a null in it rejects nothing."""
    if None in given["value_set"]:
        return each_value(rows, given, 0) if rows.column(given["column"]) is not None else None
    found = members(rows.domain(given["column"]), given["value_set"])
    if found is None:
        return None
    if not found:
        return each_value(rows, given, None)
    return each_value(rows, given, outside_set(rows, given["column"], found))


def not_in_set(rows: Rows, given: Arguments) -> Plan | None:
    """Values are not in a set."""
    found = members(rows.domain(given["column"]), [one for one in given["value_set"] if one is not None])
    if found is None:
        return None
    if not found:
        return each_value(rows, given, 0)
    return each_value(rows, given, outside_set(rows, given["column"], found), inverse=True)


def outside_set(rows: Rows, column: str, found: tuple[Scalar, ...]) -> Measure:
    """Counts the values that are none of these."""
    if rows.domain(column).kind == "float":  # compared as doubles, which 0.1 in a float is not
        return rows.violations(membership(column, found))
    return Measure.not_in(column, found, where=rows.where)


def membership(column: str, found: Sequence[Scalar]) -> str:
    """The condition that a value is one of these, which are members of its type."""
    return f"{name_of(column)} IN ({', '.join(_member(one) for one in found)})"


def _member(value: Scalar) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return f"DATE '{value.isoformat()}'" if isinstance(value, dt.date) else literal(value)


def members(domain: Domain, given: Sequence[Any]) -> tuple[Scalar, ...] | None:
    """Those of the values that a column of this type can hold; None when Spark would have to cast them."""
    wanted: dict[str, tuple[type, ...]] = {"string": (str,), "boolean": (bool,), "date": (str,)}
    kinds = wanted.get(domain.kind, (int, float) if domain.numeric else ())
    if domain.collated or not all(isinstance(one, kinds) for one in given):
        return None
    if domain.numeric and any(isinstance(one, bool) or one != one or one in _INFINITIES for one in given):
        return None
    found: dict[Scalar, None] = {}
    for one in given:
        value = Decimal(repr(one)) if isinstance(one, float) else one
        try:
            if domain.kind == "date":
                value = dt.date.fromisoformat(one)
            convert(domain, value)
        except UnfitError:
            continue  # no value of the column equals it
        except ValueError:
            return None
        found[value] = None
    return tuple(found)


_INFINITIES = (float("inf"), float("-inf"))

PLANS: dict[str, Callable[[Rows, Arguments], Plan | None]] = {
    "expect_column_values_to_not_be_null": not_null,
    "expect_column_values_to_be_null": null,
    "expect_column_values_to_be_unique": unique,
    "expect_column_values_to_be_between": between,
    "expect_column_values_to_be_in_set": in_set,
    "expect_column_values_to_not_be_in_set": not_in_set,
}
