"""Expectations on several columns of a row, and on keys that are made of several columns."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

from hookline.core.events import Measure
from hookline.quality.gx.conditions import literal, name_of
from hookline.quality.gx.model import Outcome, Plan, Values
from hookline.quality.gx.outcomes import counted
from hookline.quality.gx.plans.values import Arguments
from hookline.quality.gx.rows import Rows

# A key of more columns has too many ways to be null in part: each would be a measure.
_MOST_PARTS = 3
_WIDE = "DECIMAL(38, 0)"


def _each_row(rows: Rows, given: Arguments, columns: Sequence[str], condition: str) -> Plan:
    """The plan of an expectation that every row has to meet, but those of which values are missing."""
    looked_at = rows.that(_unless(columns, given.get("ignore_row_if")))
    mostly, failing = given.get("mostly", 1.0), looked_at.violations(condition)

    def read(found: Values) -> Outcome:
        total, considered, unexpected = found
        return counted(total, unexpected, mostly, considered=considered, windowed=True)

    return Plan((rows.count, looked_at.count, failing), read, failing)


def _unless(columns: Sequence[str], missing: str | None) -> str | None:
    """The rows that are looked at; by default all but those in which every value is missing."""
    if missing in ("neither", "never"):
        return None
    some = missing in ("either_value_is_missing", "any_value_is_missing")
    return (" AND " if some else " OR ").join(f"{name_of(column)} IS NOT NULL" for column in columns)


def greater(rows: Rows, given: Arguments) -> Plan | None:
    """One column is greater than another; where one is null nothing is said, but that two nulls may be equal."""
    one, other = given["column_A"], given["column_B"]
    if not rows.simple(one, other):
        return None
    a, b = name_of(one), name_of(other)
    condition = f"({a} >= {b}) OR ({a} <=> {b})" if given.get("or_equal") else f"{a} > {b}"
    return _each_row(rows, given, (one, other), condition)


def equal(rows: Rows, given: Arguments) -> Plan | None:
    """Two columns are equal; null equals null only."""
    one, other = given["column_A"], given["column_B"]
    if not rows.simple(one, other):
        return None
    return _each_row(rows, given, (one, other), f"{name_of(one)} <=> {name_of(other)}")


def pair_in_set(rows: Rows, given: Arguments) -> Plan | None:
    """Two columns are one of several pairs; null equals null only."""
    one, other = given["column_A"], given["column_B"]
    if not _are_of(rows, one, [pair[0] for pair in given["value_pairs_set"]]):
        return None
    if not _are_of(rows, other, [pair[1] for pair in given["value_pairs_set"]]):
        return None
    a, b = name_of(one), name_of(other)
    tests = (f"({_is(a, x)} AND {_is(b, y)})" for x, y in given["value_pairs_set"])
    return _each_row(rows, given, (one, other), " OR ".join(tests))


def _is(name: str, value: object) -> str:
    return f"{name} IS NULL" if value is None else f"({name} <=> {literal(value)})"


def _are_of(rows: Rows, column: str, values: Sequence[object]) -> bool:
    """Whether the values are of the column's own kind, so that nothing is cast."""
    domain = rows.domain(column)
    kinds = {"string": (str,), "boolean": (bool,)}.get(domain.kind, (int, float) if domain.numeric else ())
    numbers = not domain.numeric or not any(isinstance(one, bool) for one in values)
    return not domain.collated and numbers and all(one is None or isinstance(one, kinds) for one in values)


def all_equal(rows: Rows, given: Arguments) -> Plan | None:
    """All columns are equal; null equals null only."""
    columns = given["column_list"]
    if not rows.simple(*columns):
        return None
    first, *others = map(name_of, columns)
    condition = " AND ".join(f"({first} <=> {other})" for other in others) or "true"
    return _each_row(rows, given, columns, condition)


def all_different(rows: Rows, given: Arguments) -> Plan | None:
    """No two columns of a row are equal; null equals null."""
    columns = given["column_list"]
    if len(columns) < 2 or not rows.simple(*columns):
        return None
    couples = itertools.combinations(map(name_of, columns), 2)
    return _each_row(rows, given, columns, " AND ".join(f"NOT ({one} <=> {other})" for one, other in couples))


def sum_equals(rows: Rows, given: Arguments) -> Plan | None:
    """The columns of a row add up to a number; null counts as 0."""
    columns = given["column_list"]
    if not all(rows.domain(column).numeric for column in columns):
        return None
    parts = []
    for column in columns:
        part = f"COALESCE({name_of(column)}, 0)"
        parts.append(f"CAST({part} AS {_WIDE})" if rows.domain(column).kind == "int" else part)
    return _each_row(
        rows, given, columns, f"{' + '.join(parts)} = CAST({literal(float(given['sum_total']))} AS DOUBLE)"
    )


def key_unique(rows: Rows, given: Arguments) -> Plan | None:
    """No two rows have the same key. Null equals null here, so that the keys of each set of null parts are told apart."""
    columns, ignored = given["column_list"], given.get("ignore_row_if", "all_values_are_missing")
    domains = [rows.domain(column) for column in columns]
    if len(set(columns)) < len(columns) or any(domain.kind == "other" or domain.collated for domain in domains):
        return None
    whole = ignored == "any_value_is_missing"
    if not whole and len(columns) > _MOST_PARTS:
        return None
    looked_at, mostly = rows.that(_unless(columns, ignored)), given.get("mostly", 1.0)
    parts = list(_keys(rows, columns, whole))
    vacant = [rows.that(_all_null(columns)).count] if ignored == "never" else []

    def read(found: Values) -> Outcome:
        total, considered, *duplicates = found
        if vacant:
            duplicates[-1] = duplicates[-1] if duplicates[-1] > 1 else 0
        return counted(total, sum(duplicates), mostly, considered=considered, windowed=True)

    return Plan(
        (rows.count, looked_at.count, *parts, *vacant), read, parts[0] if len(parts) == 1 and not vacant else None
    )


def _keys(rows: Rows, columns: Sequence[str], whole: bool) -> Iterator[Measure]:
    """The duplicates among the keys that have all parts, and among those that have the same parts missing."""
    for size in (len(columns),) if whole else range(len(columns), 0, -1):
        for present in itertools.combinations(columns, size):
            absent = [column for column in columns if column not in present]
            where = rows.that(_all_null(absent)).where if absent else rows.where
            yield Measure.duplicates(*present, where=where)


def _all_null(columns: Sequence[str]) -> str:
    return " AND ".join(f"{name_of(column)} IS NULL" for column in columns)


PLANS: dict[str, Callable[[Rows, Arguments], Plan | None]] = {
    "expect_column_pair_values_a_to_be_greater_than_b": greater,
    "expect_column_pair_values_to_be_equal": equal,
    "expect_column_pair_values_to_be_in_set": pair_in_set,
    "expect_multicolumn_values_to_be_equal": all_equal,
    "expect_select_column_values_to_be_unique_within_record": all_different,
    "expect_multicolumn_sum_to_equal": sum_equals,
    "expect_compound_columns_to_be_unique": key_unique,
}
