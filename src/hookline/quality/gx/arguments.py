"""What the arguments of an expectation have to be, so that a mistake is told before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hookline.core.config_problems import suggestion
from hookline.quality.gx.conditions import row_condition
from hookline.quality.gx.readers import (
    Reader,
    bound,
    flag,
    number,
    one_of,
    pairs,
    quantile_ranges,
    share,
    some_values,
    text,
    texts,
    values,
    whole,
)

# What Great Expectations itself reads and this does not need.
_IGNORED = ("batch_id", "result_format", "include_config", "catch_exceptions", "meta", "table", "condition_parser")
# What is no news in a report.
UNTOLD = ("column", "column_A", "column_B", "condition_parser", "batch_id", "meta", "result_format")
_GONE = (
    "auto",
    "profiler_config",
    "parse_strings_as_datetimes",
    "allow_cross_type_comparisons",
    "output_strftime_format",
)


_PAIR_ROWS = one_of("both_values_are_missing", "either_value_is_missing", "neither")
_MANY_ROWS = one_of("all_values_are_missing", "any_value_is_missing", "never")
_COLUMN = {"column!": text}
_MAP = {**_COLUMN, "mostly": share}
_ENDS: dict[str, Reader] = {"min_value": bound, "max_value": bound, "strict_min": flag, "strict_max": flag}
_PAIR = {"column_A!": text, "column_B!": text, "mostly": share, "ignore_row_if": _PAIR_ROWS}
_MANY = {"column_list!": texts, "mostly": share, "ignore_row_if": _MANY_ROWS}
_SET = {"value_set": some_values}

# By type, the arguments; those with a mark are needed.
ARGUMENTS: Mapping[str, Mapping[str, Reader]] = {
    "expect_column_values_to_not_be_null": _MAP,
    "expect_column_values_to_be_null": _MAP,
    "expect_column_values_to_be_unique": _MAP,
    "expect_column_values_to_be_between": {**_MAP, **_ENDS},
    "expect_column_values_to_be_in_set": {**_MAP, "value_set!": values},
    "expect_column_values_to_not_be_in_set": {**_MAP, "value_set!": values},
    "expect_column_values_to_match_regex": {**_MAP, "regex!": text},
    "expect_column_values_to_not_match_regex": {**_MAP, "regex!": text},
    "expect_column_values_to_match_regex_list": {**_MAP, "regex_list!": texts, "match_on": one_of("any", "all")},
    "expect_column_values_to_not_match_regex_list": {**_MAP, "regex_list!": texts},
    "expect_column_value_lengths_to_equal": {**_MAP, "value!": number},
    "expect_column_value_lengths_to_be_between": {**_MAP, **_ENDS, "min_value": whole, "max_value": whole},
    "expect_column_values_to_be_of_type": {**_MAP, "type_!": text},
    "expect_column_values_to_be_in_type_list": {**_MAP, "type_list!": texts},
    "expect_column_type_to_be": {**_COLUMN, "type_!": text},
    "expect_column_to_exist": {**_COLUMN, "column_index": whole},
    "expect_column_pair_values_a_to_be_greater_than_b": {**_PAIR, "or_equal": flag},
    "expect_column_pair_values_to_be_equal": _PAIR,
    "expect_column_pair_values_to_be_in_set": {**_PAIR, "value_pairs_set!": pairs},
    "expect_compound_columns_to_be_unique": _MANY,
    "expect_select_column_values_to_be_unique_within_record": _MANY,
    "expect_multicolumn_values_to_be_equal": _MANY,
    "expect_multicolumn_sum_to_equal": {**_MANY, "sum_total!": number},
    "expect_column_min_to_be_between": {**_COLUMN, **_ENDS},
    "expect_column_max_to_be_between": {**_COLUMN, **_ENDS},
    "expect_column_sum_to_be_between": {**_COLUMN, **_ENDS},
    "expect_column_mean_to_be_between": {**_COLUMN, **_ENDS},
    "expect_column_median_to_be_between": {**_COLUMN, **_ENDS},
    "expect_column_stdev_to_be_between": {**_COLUMN, **_ENDS, "min_value": number, "max_value": number},
    "expect_column_quantile_values_to_be_between": {
        **_COLUMN,
        "quantile_ranges!": quantile_ranges,
        "allow_relative_error": lambda given: given,
    },
    "expect_column_unique_value_count_to_be_between": {**_COLUMN, **_ENDS, "min_value": whole, "max_value": whole},
    "expect_column_proportion_of_unique_values_to_be_between": {
        **_COLUMN,
        **_ENDS,
        "min_value": number,
        "max_value": number,
    },
    "expect_column_proportion_of_non_null_values_to_be_between": {
        **_COLUMN,
        **_ENDS,
        "min_value": number,
        "max_value": number,
    },
    "expect_column_distinct_values_to_be_in_set": {**_COLUMN, **_SET},
    "expect_column_distinct_values_to_contain_set": {**_COLUMN, **_SET},
    "expect_column_distinct_values_to_equal_set": {**_COLUMN, **_SET},
    "expect_table_row_count_to_be_between": {**_ENDS, "min_value": whole, "max_value": whole},
    "expect_table_row_count_to_equal": {"value!": whole},
    "expect_table_row_count_to_equal_other_table": {"other_table_name!": text},
    "expect_table_column_count_to_be_between": {"min_value": number, "max_value": number},
    "expect_table_column_count_to_equal": {"value!": whole},
    "expect_table_columns_to_match_set": {"column_set": texts, "exact_match": flag},
    "expect_table_columns_to_match_ordered_list": {"column_list": texts},
    "unexpected_rows_expectation": {"unexpected_rows_query!": text},
}
# Those that a range needs an end for.
_NEEDS_AN_END = ("expect_column_values_to_be_between", "expect_column_value_lengths_to_be_between")


def read(kind: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an expectation of this type, read; those that are null are left out.

    Raises:
        ValueError: with the first mistake.
    """
    for _, problem in problems(kind, kwargs):
        raise ValueError(problem)
    readers = _readers(kind)
    found = {name: readers[name](value) for name, value in kwargs.items() if name in readers and value is not None}
    return found | {"where": row_condition(kwargs.get("row_condition"), kwargs.get("condition_parser"))}


def problems(kind: str, kwargs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the arguments: the argument, and a sentence. Nothing is said of types that are not known here."""
    if kind not in ARGUMENTS:
        return
    readers = _readers(kind)
    known = (*readers, "row_condition", *_IGNORED)
    for name, value in kwargs.items():
        if name in _GONE:
            yield name, f"{name} is of Great Expectations before 1.0, which took it out; leave it out" + _cure(name)
        elif name not in known:
            yield name, f"unknown argument {name!r}{suggestion(name, known)}; {kind} has {', '.join(readers)}"
        elif name in readers and value is not None:
            try:
                readers[name](value)
            except ValueError as error:
                yield name, f"{name}: {error}"
    missing = [name[:-1] for name in ARGUMENTS[kind] if name.endswith("!") and kwargs.get(name[:-1]) is None]
    for name in missing:
        yield name, f"{name} is missing; {kind} needs it"
    try:
        row_condition(kwargs.get("row_condition"), kwargs.get("condition_parser"))
    except ValueError as error:
        yield "row_condition", f"row_condition: {error}"
    if kind in _NEEDS_AN_END and kwargs.get("min_value") is None and kwargs.get("max_value") is None:
        yield "min_value", "min_value, max_value or both are needed"


def _readers(kind: str) -> dict[str, Reader]:
    return {name.rstrip("!"): reader for name, reader in ARGUMENTS[kind].items() if name + "!" not in ARGUMENTS[kind]}


def _cure(name: str) -> str:
    return ", and write dates as ISO text" if "datetimes" in name or "strftime" in name else ""
