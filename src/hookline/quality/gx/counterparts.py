"""By kind of check, the expectation that is like it: its type and arguments, or why there is none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hookline.quality.checks import (
    change,
    completeness,
    conditions,
    formats,
    references,
    rows,
    schema,
    spread,
    totals,
    values,
)
from hookline.quality.checks.scalars import path

_WHOLE = r"^(?:{})(?![\s\S])"


@dataclass(frozen=True)
class Made:
    """An expectation's type and arguments, and in what it differs from the check."""

    type: str
    kwargs: dict[str, Any]
    remarks: tuple[str, ...] = field(default=())


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, dt.date) else value


def _ends(options: Any) -> dict[str, Any]:
    ends = {"min_value": options.min, "max_value": options.max}
    return {name: _plain(end) for name, end in ends.items() if end is not None}


def _completeness(check: Any) -> Made:
    share = {} if check.options.min_share == 1 else {"mostly": float(check.options.min_share)}
    return Made("expect_column_values_to_not_be_null", {"column": check.options.column, **share})


def _unique(check: Any) -> Made:
    if len(check.columns) == 1:
        return Made("expect_column_values_to_be_unique", {"column": check.columns[0]})
    kwargs = {"column_list": list(check.columns), "ignore_row_if": "any_value_is_missing"}
    return Made("expect_compound_columns_to_be_unique", kwargs)


def _range(check: Any) -> Made | str:
    ends = _ends(check.options)
    if any(isinstance(end, str) for end in (check.options.min, check.options.max)):
        return "Great Expectations has no ranges of texts in Spark"
    remark = ("a NaN is outside of every range here, and above every number there",) if "max_value" not in ends else ()
    return Made("expect_column_values_to_be_between", {"column": check.options.column, **ends}, remark)


def _set(check: Any) -> Made | str:
    if check.options.values is None:
        return "its set is a column of another dataset"
    listed = [_plain(value) for value in check.options.values]
    return Made("expect_column_values_to_be_in_set", {"column": check.options.column, "value_set": listed})


def _regex(column: str, pattern: str) -> Made:
    return Made("expect_column_values_to_match_regex", {"column": column, "regex": _WHOLE.format(pattern)})


def _format(check: Any) -> Made | str:
    column, name = check.options.column, check.options.format
    if name in formats.CODES:
        return Made("expect_column_values_to_be_in_set", {"column": column, "value_set": list(formats.CODES[name][0])})
    return _regex(column, formats.FORMATS[name]) if name in formats.FORMATS else f"{name} has check digits"


def _length(check: Any) -> Made:
    return Made("expect_column_value_lengths_to_be_between", {"column": check.options.column, **_ends(check.options)})


def _compare(check: Any) -> Made | str:
    left, operator, right = check.options.left, check.options.operator, check.options.right
    if operator in ("<", "<="):
        left, right, operator = right, left, operator.replace("<", ">")
    kwargs = {"column_A": left, "column_B": right, "ignore_row_if": "either_value_is_missing"}
    if operator == "=":
        return Made("expect_column_pair_values_to_be_equal", kwargs)
    if operator == "<>":
        return _query(f"NOT ({path(left)} <> {path(right)})")
    return Made("expect_column_pair_values_a_to_be_greater_than_b", kwargs | {"or_equal": operator == ">="})


def _query(condition: str) -> Made:
    query = "SELECT * FROM {batch} WHERE " + condition
    return Made("unexpected_rows_expectation", {"unexpected_rows_query": query})


def _expression(check: Any) -> Made | str:
    if check.terms.where is not None or check.terms.tolerance:
        return "a query of Great Expectations takes neither a condition on rows nor a tolerance"
    return _query(f"NOT ({check.options.sql})")


def _sql(check: Any) -> Made | str:
    return "a query of Great Expectations names its table {batch}: write it anew"


def _between(kind: str) -> Callable[[Any], Made]:
    def make(check: Any) -> Made:
        remark = ("a column without a value passes here, and fails there",)
        return Made(f"expect_column_{kind}_to_be_between", {"column": check.columns[0], **_ends(check.options)}, remark)

    return make


def _quantile(check: Any) -> Made:
    ranges = {
        "quantiles": [float(check.options.quantile)],
        "value_ranges": [[_plain(check.options.min), _plain(check.options.max)]],
    }
    remark = ("it is interpolated between two values here, and is one of them there",)
    kwargs = {"column": check.options.column, "quantile_ranges": ranges}
    return Made("expect_column_quantile_values_to_be_between", kwargs, remark)


def _of_one(kind: str) -> Callable[[Any], Made | str]:
    def make(check: Any) -> Made | str:
        if len(check.columns) > 1:
            return "Great Expectations counts the different values of one column only"
        return Made(f"expect_column_{kind}_to_be_between", {"column": check.columns[0], **_ends(check.options)})

    return make


def _schema(check: Any) -> Made:
    names = [name for name, _ in check.options.columns]
    typed = any(kind for _, kind in check.options.columns)
    remark = ("the columns' types are not part of it",) if typed else ()
    if check.options.ordered and not check.options.extras:
        return Made("expect_table_columns_to_match_ordered_list", {"column_list": names}, remark)
    kwargs = {"column_set": names, "exact_match": not check.options.extras}
    return Made("expect_table_columns_to_match_set", kwargs, remark)


MAKERS: Mapping[type, Callable[[Any], Made | str]] = {
    completeness.Completeness: _completeness,
    rows.Unique: _unique,
    rows.RowCount: lambda check: Made("expect_table_row_count_to_be_between", _ends(check.options)),
    rows.DistinctCount: _of_one("unique_value_count"),
    spread.DistinctShare: _of_one("proportion_of_unique_values"),
    values.Range: _range,
    values.MemberOfSet: _set,
    values.Pattern: lambda check: _regex(check.options.column, check.options.regex),
    formats.NotBlank: lambda check: Made(
        "expect_column_values_to_match_regex", {"column": check.options.column, "regex": r"\S"}
    ),
    formats.Format: _format,
    conditions.Length: _length,
    conditions.Compare: _compare,
    conditions.Expression: _expression,
    references.Query: _sql,
    schema.SchemaContract: _schema,
    totals.Sum: _between("sum"),
    totals.Mean: _between("mean"),
    spread.Deviation: _between("stdev"),
    spread.Median: _between("median"),
    spread.Minimum: _between("min"),
    spread.Maximum: _between("max"),
    spread.Quantile: _quantile,
    change.RowCountChange: lambda check: "Great Expectations does not compare a table with itself before",
}
