"""Expectations on a number about a column: extremes, sums, quantiles, how many different values there are."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

from hookline.core.events import Measure
from hookline.core.fuse.domain import EXACT, Domain
from hookline.quality.gx.model import Outcome, Plan, Values
from hookline.quality.gx.outcomes import between, close
from hookline.quality.gx.plans.values import Arguments, members, membership
from hookline.quality.gx.rows import Rows

_MOST_PLACES = 38
_BY_MEAN = (32, 64)  # the integers that Great Expectations takes the mean of


def _within(given: Arguments, found: Any) -> Outcome:
    strict = {"strict_low": bool(given.get("strict_min")), "strict_high": bool(given.get("strict_max"))}
    return between(found, given.get("min_value"), given.get("max_value"), **strict)


def _is_numeric(rows: Rows, given: Arguments) -> bool:
    """Whether numbers are compared with numbers, of all rows: of some of them these measures can't be taken."""
    ends = (given.get("min_value"), given.get("max_value"))
    is_number = not any(isinstance(end, dt.date) for end in ends)
    return rows.where is None and is_number and rows.domain(given["column"]).numeric


def minimum(rows: Rows, given: Arguments) -> Plan | None:
    """The least value; NaN is the greatest there is."""
    if not (_is_numeric(rows, given) or _is_dated(rows, given)):
        return None
    return Plan((Measure.minimum(given["column"]),), lambda found: _within(given, found[0]))


def maximum(rows: Rows, given: Arguments) -> Plan | None:
    """The greatest value; a NaN is greater than all others, and lies in no range."""
    if not (_is_numeric(rows, given) or _is_dated(rows, given)):
        return None
    measures = [Measure.maximum(given["column"])]
    if rows.domain(given["column"]).floating:
        measures.append(Measure.outside(given["column"], maximum=math.inf))

    def read(found: Values) -> Outcome:
        return _within(given, math.nan if any(found[1:]) else found[0])

    return Plan(tuple(measures), read)


def _is_dated(rows: Rows, given: Arguments) -> bool:
    ends = [end for end in (given.get("min_value"), given.get("max_value")) if end is not None]
    return rows.where is None and rows.domain(given["column"]).kind == "date" and all(type(e) is dt.date for e in ends)


def total(rows: Rows, given: Arguments) -> Plan | None:
    """The sum; of integers as a double."""
    if not _is_numeric(rows, given):
        return None
    domain = rows.domain(given["column"])

    def read(found: Values) -> Outcome:
        return _within(given, float(found[0]) if domain.kind == "int" and found[0] is not None else found[0])

    return Plan((Measure.total(given["column"]),), read)


def mean(rows: Rows, given: Arguments) -> Plan | None:
    """The mean; of decimals with four more places, as Spark has it."""
    domain = rows.domain(given["column"])
    if not _is_numeric(rows, given) or (domain.kind == "int" and domain.bits not in _BY_MEAN):
        return None
    column = given["column"]

    def read(found: Values) -> Outcome:
        summed, count, nulls = found
        return _within(given, None if summed is None else _mean(domain, summed, count - nulls))

    return Plan((Measure.total(column), Measure.rows(), Measure.nulls(column)), read)


def _mean(domain: Domain, summed: Any, count: int) -> Any:
    if isinstance(summed, float):
        return summed / count
    if domain.kind == "int":
        return float(Fraction(summed, count))
    places = min(domain.scale + 4, _MOST_PLACES)
    with localcontext(EXACT):
        return (summed / count).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def deviation(rows: Rows, given: Arguments) -> Plan | None:
    """The sample standard deviation, in doubles."""
    if not _is_numeric(rows, given):
        return None

    def read(found: Values) -> Outcome:
        return _within(given, None if found[0] is None else math.sqrt(found[0]))

    return Plan((Measure.variance(given["column"]),), read)


def median(rows: Rows, given: Arguments) -> Plan | None:
    """The value in the middle, or the mean of the two there, as a double; NaN is passed over."""
    if not _is_numeric(rows, given):
        return None

    def read(found: Values) -> Outcome:
        return _within(given, None if found[0] is None else float(found[0]))

    return Plan((Measure.quantile(given["column"], Decimal("0.5")),), read)


def quantiles(rows: Rows, given: Arguments) -> Plan | None:
    """Values of the column at these ranks, as doubles; each may lie beside its range by a ten-thousandth."""
    if given.get("allow_relative_error") or not _is_numeric(rows, given) or not given["quantile_ranges"]:
        return None
    ranges = given["quantile_ranges"]
    fractions = [fraction for fraction, _, _ in ranges]

    def read(found: Values) -> Outcome:
        values = [None if value is None else float(value) for value in found]
        fits = [
            value is not None and (close(value, low) or close(value, high) or low <= value <= high)
            for value, (_, low, high) in zip(values, ranges, strict=True)
        ]
        observed = {"quantiles": fractions, "values": values}
        return Outcome(all(fits), {"observed_value": observed, "details": {"success_details": fits}})

    return Plan(tuple(Measure.ranked(given["column"], fraction) for fraction in fractions), read)


def different(rows: Rows, given: Arguments) -> Plan | None:
    """How many different values there are."""
    if not rows.simple(given["column"]):
        return None
    measure = Measure.distinct(given["column"], where=rows.where)
    return Plan((measure,), lambda found: _within(given, found[0]))


def share_different(rows: Rows, given: Arguments) -> Plan | None:
    """How many different values there are for each that is there; 0 when none is."""
    column = given["column"]
    if not rows.simple(column):
        return None

    def read(found: Values) -> Outcome:
        keys, count, nulls = found
        return _within(given, keys / (count - nulls) if count > nulls else 0)

    return Plan((Measure.distinct(column, where=rows.where), rows.count, rows.nulls(column)), read)


def share_present(rows: Rows, given: Arguments) -> Plan | None:
    """Which share of the rows has a value; 0 when there are no rows."""
    column = given["column"]
    if rows.column(column) is None:
        return None

    def read(found: Values) -> Outcome:
        count, nulls = found
        return _within(given, (count - nulls) / count if count else 0)

    return Plan((rows.count, rows.nulls(column)), read)


def all_in_set(rows: Rows, given: Arguments) -> Plan | None:
    """No different value is outside of a set."""
    outside = _outside(rows, given)
    return None if outside is None else Plan((outside,), lambda found: _sets(unexpected=found[0]))


def contains_set(rows: Rows, given: Arguments) -> Plan | None:
    """Every member of a set is there."""
    inside = _inside(rows, given)
    if inside is None:
        return None
    wanted = len(given.get("value_set") or [])
    return Plan(inside, lambda found: _sets(missing=wanted - sum(found)))


def equals_set(rows: Rows, given: Arguments) -> Plan | None:
    """The different values are the members of a set."""
    outside, inside = _outside(rows, given), _inside(rows, given)
    if outside is None or inside is None:
        return None
    wanted = len(given.get("value_set") or [])
    return Plan((outside, *inside), lambda found: _sets(unexpected=found[0], missing=wanted - sum(found[1:])))


def _sets(unexpected: int | None = None, missing: int | None = None) -> Outcome:
    counts = {"unexpected_count": unexpected, "missing_count": missing}
    shown = {name: count for name, count in counts.items() if count is not None}
    return Outcome(not any(shown.values()), {"observed_value": None, **shown})


def _outside(rows: Rows, given: Arguments) -> Measure | None:
    """The different values that are not in the set; with null in it that is never true, as in SQL."""
    column, wanted = given["column"], given.get("value_set") or []
    found = members(rows.domain(column), [one for one in wanted if one is not None])
    if found is None:
        return None
    if None in wanted:
        return Measure.distinct(column, where=rows.that("false").where)
    outside = f"NOT ({membership(column, found)})" if found else None
    return Measure.distinct(column, where=rows.that(outside).where)


def _inside(rows: Rows, given: Arguments) -> tuple[Measure, ...] | None:
    """The different values that are in the set."""
    column = given["column"]
    found = members(rows.domain(column), [one for one in given.get("value_set") or [] if one is not None])
    if found is None:
        return None
    if not found:
        return ()
    return (Measure.distinct(column, where=rows.that(membership(column, found)).where),)


PLANS: dict[str, Callable[[Rows, Arguments], Plan | None]] = {
    "expect_column_min_to_be_between": minimum,
    "expect_column_max_to_be_between": maximum,
    "expect_column_sum_to_be_between": total,
    "expect_column_mean_to_be_between": mean,
    "expect_column_stdev_to_be_between": deviation,
    "expect_column_median_to_be_between": median,
    "expect_column_quantile_values_to_be_between": quantiles,
    "expect_column_unique_value_count_to_be_between": different,
    "expect_column_proportion_of_unique_values_to_be_between": share_different,
    "expect_column_proportion_of_non_null_values_to_be_between": share_present,
    "expect_column_distinct_values_to_be_in_set": all_in_set,
    "expect_column_distinct_values_to_contain_set": contains_set,
    "expect_column_distinct_values_to_equal_set": equals_set,
}
