"""Expectations on a table as a whole: its rows, its columns and their types, and what a query of it returns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from hookline.core.conditions import ConditionError
from hookline.core.events import Column, Measure
from hookline.core.queries import MEASURED, read_query
from hookline.quality.gx.model import Outcome, Plan, Values
from hookline.quality.gx.outcomes import between
from hookline.quality.gx.plans.values import Arguments
from hookline.quality.gx.rows import Rows

_BATCH = "{batch}"
_TYPES = {
    "tinyint": "ByteType",
    "smallint": "ShortType",
    "int": "IntegerType",
    "bigint": "LongType",
    "float": "FloatType",
    "double": "DoubleType",
    "decimal": "DecimalType",
    "string": "StringType",
    "boolean": "BooleanType",
    "date": "DateType",
    "timestamp": "TimestampType",
    "timestamp_ntz": "TimestampNTZType",
    "binary": "BinaryType",
    "array": "ArrayType",
    "map": "MapType",
    "struct": "StructType",
}
# What a type is too.
_KINDS = {
    **dict.fromkeys(
        ("ByteType", "ShortType", "IntegerType", "LongType"), ("IntegralType", "NumericType", "AtomicType")
    ),
    **dict.fromkeys(("FloatType", "DoubleType", "DecimalType"), ("FractionalType", "NumericType", "AtomicType")),
    **dict.fromkeys(("StringType", "BooleanType", "BinaryType"), ("AtomicType",)),
    **dict.fromkeys(("DateType", "TimestampType", "TimestampNTZType"), ("DatetimeType", "AtomicType")),
}
_PLAIN = ("DataType",)


def rows_between(rows: Rows, given: Arguments) -> Plan | None:
    """There are so many rows."""
    strict = {"strict_low": bool(given.get("strict_min")), "strict_high": bool(given.get("strict_max"))}
    low, high = given.get("min_value"), given.get("max_value")
    return Plan((rows.count,), lambda found: between(found[0], low, high, **strict))


def rows_equal(rows: Rows, given: Arguments) -> Plan | None:
    """There are exactly so many rows."""
    return Plan((rows.count,), lambda found: Outcome(found[0] == given["value"], {"observed_value": found[0]}))


def rows_as_other(rows: Rows, given: Arguments) -> Plan | None:
    """There are as many rows as in another dataset, which Great Expectations can't look at in Spark."""

    def read(found: Values) -> Outcome:
        own, other = found
        return Outcome(own == other, {"observed_value": {"self": own, "other": other}})

    return Plan((rows.count, Measure.rows(dataset=given["other_table_name"])), read)


def names(columns: Sequence[Column], parent: str = "") -> Iterator[tuple[str, str]]:
    """All columns with their types, and the fields of structs among them, as Great Expectations lists them."""
    for column in columns:
        dotted = "." in column.name and not (column.name.startswith("`") and column.name.endswith("`"))
        yield parent + (f"`{column.name}`" if dotted else column.name), column.type
        if column.type.startswith("struct<"):
            yield from names(column.fields, f"{parent}{column.name}.")


def _of_columns(read: Callable[[list[tuple[str, str]]], Outcome]) -> Plan:
    return Plan((Measure.columns_written(),), lambda found: read(list(names(found[0]))))


def columns_between(rows: Rows, given: Arguments) -> Plan | None:
    """There are so many columns."""
    return _of_columns(lambda found: between(len(found), given.get("min_value"), given.get("max_value")))


def columns_equal(rows: Rows, given: Arguments) -> Plan | None:
    """There are exactly so many columns."""
    return _of_columns(lambda found: Outcome(len(found) == given["value"], {"observed_value": len(found)}))


def columns_are(rows: Rows, given: Arguments) -> Plan | None:
    """These columns are there, and when the match is to be exact no others."""
    wanted, exact = set(given.get("column_set") or ()), given.get("exact_match", True)

    def read(found: list[tuple[str, str]]) -> Outcome:
        there = {name for name, _ in found}
        observed = {"observed_value": sorted(there)}
        if "column_set" not in given and not exact:
            return Outcome(True, observed)
        lists = {"unexpected": sorted(there - wanted), "missing": sorted(wanted - there)}
        mismatched = {name: those for name, those in lists.items() if those}
        if not mismatched:
            return Outcome(True, observed)
        success = not exact and "missing" not in mismatched
        return Outcome(success, observed | {"details": {"mismatched": mismatched}})

    return _of_columns(read)


def columns_in_order(rows: Rows, given: Arguments) -> Plan | None:
    """The columns are these, in this order."""

    def read(found: list[tuple[str, str]]) -> Outcome:
        there = [name for name, _ in found]
        wanted = given.get("column_list")
        if wanted is None or there == wanted:
            return Outcome(True, {"observed_value": there})
        mismatched = [
            {"Expected Column Position": at, "Expected": one, "Found": other}
            for at, (one, other) in enumerate(zip_longest(wanted, there))
            if one != other
        ]
        return Outcome(False, {"observed_value": there, "details": {"mismatched": mismatched}})

    return _of_columns(read)


def column_exists(rows: Rows, given: Arguments) -> Plan | None:
    """The column is there; at this place, unless that is the first, which Great Expectations takes for none."""
    column, at = given["column"], given.get("column_index")

    def read(found: list[tuple[str, str]]) -> Outcome:
        there = [name for name, _ in found]
        if not at:
            return Outcome(column in there)
        return Outcome(-len(there) <= at < len(there) and there[at] == column)

    return _of_columns(read)


def is_of_type(rows: Rows, given: Arguments) -> Plan | None:
    """The column's type is one of these classes of ``pyspark.sql.types``."""
    known = {*_TYPES.values(), *_PLAIN, *(kind for kinds in _KINDS.values() for kind in kinds)}
    wanted = [name for name in given.get("type_list", [given.get("type_")]) if name in known]
    types = [kind for name, kind in names(rows.columns) if name == given["column"]]
    called = _TYPES.get(re.split(r"[(<]", types[0], maxsplit=1)[0]) if len(types) == 1 else None
    if called is None or len(wanted) < len(given.get("type_list", [None])):
        return None
    success = any(name in (called, *_KINDS.get(called, ()), *_PLAIN) for name in wanted)
    return Plan((Measure.columns_written(),), lambda _: Outcome(success, {"observed_value": called}))


def returns_nothing(rows: Rows, given: Arguments) -> Plan | None:
    """A query returns no rows."""
    query = given["unexpected_rows_query"]
    if rows.where is not None or "{" in query.replace(_BATCH, "") or re.search(rf"\b{MEASURED}\b", query):
        return None
    query = query.replace(_BATCH, MEASURED)
    try:
        read_query(query, (MEASURED,))
    except ConditionError:
        return None
    return Plan((Measure.returned(query),), lambda found: Outcome(not found[0], {"observed_value": found[0]}))


PLANS: dict[str, Callable[[Rows, Arguments], Plan | None]] = {
    "expect_table_row_count_to_be_between": rows_between,
    "expect_table_row_count_to_equal": rows_equal,
    "expect_table_row_count_to_equal_other_table": rows_as_other,
    "expect_table_column_count_to_be_between": columns_between,
    "expect_table_column_count_to_equal": columns_equal,
    "expect_table_columns_to_match_set": columns_are,
    "expect_table_columns_to_match_ordered_list": columns_in_order,
    "expect_column_to_exist": column_exists,
    "expect_column_values_to_be_of_type": is_of_type,
    "expect_column_values_to_be_in_type_list": is_of_type,
    "expect_column_type_to_be": is_of_type,
    "unexpected_rows_expectation": returns_nothing,
}
