"""Expectations that both engines are asked, on the columns of the nasty table."""

from __future__ import annotations

from typing import Any

Asked = tuple[str, dict[str, Any]]


def _column(kind: str, column: str, **kwargs: Any) -> Asked:
    return f"expect_column_{kind}", {"column": column, **kwargs}


def _ranges() -> list[Asked]:
    ends: list[tuple[str, dict[str, Any]]] = [
        ("id", {"min_value": 2}),
        ("id", {"min_value": 2, "max_value": 7, "mostly": 0.6}),
        ("id", {"min_value": 2, "strict_min": True}),
        ("id", {"max_value": 7, "strict_max": True, "mostly": 0.777}),
        ("id", {"min_value": 1.5, "max_value": 8.5}),
        ("big", {"min_value": 0, "max_value": 1e18}),
        ("small", {"min_value": -40000, "max_value": 40000}),
        ("price", {"min_value": 0, "max_value": 5}),
        ("price", {"min_value": 1.1, "strict_min": True}),
        ("fine", {"min_value": 0.333333, "max_value": 9}),
        ("amount", {"min_value": 0}),
        ("amount", {"max_value": 2}),
        ("amount", {"min_value": 0, "max_value": 0}),
        ("amount", {"min_value": -1e300, "max_value": 1e300, "mostly": 0.5}),
        ("ratio", {"min_value": 0.1}),
        ("ratio", {"max_value": 0.1}),
        ("ratio", {"min_value": 0.1, "strict_min": True, "max_value": 10}),
        ("day", {"min_value": "2020-01-01"}),
        ("day", {"min_value": "2020-01-01", "max_value": "2020-12-31", "strict_max": True}),
        ("at", {"min_value": "2024-01-01"}),
        ("odd name", {"min_value": 4, "max_value": 4}),
        ("ID", {"min_value": 2}),
        ("part.zip", {"min_value": 10000}),
        ("id", {"min_value": 2, "row_condition": "amount > 0", "condition_parser": "spark"}),
        ("id", {"min_value": 2, "row_condition": 'col("amount") <= 1.5', "condition_parser": "great_expectations"}),
        (
            "id",
            {
                "min_value": 3,
                "row_condition": {
                    "type": "and",
                    "conditions": [
                        {
                            "type": "comparison",
                            "column": {"name": "code"},
                            "operator": "IN",
                            "parameter": ["A-1", "it's"],
                        },
                        {"type": "nullity", "column": {"name": "name"}, "is_null": False},
                    ],
                },
            },
        ),
        (
            "id",
            {
                "min_value": 3,
                "row_condition": {
                    "type": "or",
                    "conditions": [
                        {"type": "comparison", "column": {"name": "name"}, "operator": "==", "parameter": "alpha"},
                        {"type": "comparison", "column": {"name": "price"}, "operator": ">", "parameter": 2.5},
                    ],
                },
            },
        ),
        ("id", {"min_value": 3, "row_condition": "false", "condition_parser": "spark"}),
    ]
    return [_column("values_to_be_between", column, **kwargs) for column, kwargs in ends]


def _sets() -> list[Asked]:
    sets: list[tuple[str, list[Any]]] = [
        ("id", [1, 2, 5]),
        ("id", [1, 2.0, 5.5]),
        ("id", [1, None]),
        ("id", []),
        ("big", [2**53 + 1, 5]),
        ("price", [1.1, 2.2, 5]),
        ("price", [1.101]),
        ("amount", [0, 1.5]),
        ("ratio", [0.1, 3.5]),
        ("name", ["alpha", "", "é"]),
        ("code", ["it's", "back\\slash", "A-1"]),
        ("name", ["alpha", None]),
        ("ok", [True]),
        ("day", ["2020-01-01", "1500-02-28"]),
    ]
    kinds = ("values_to_be_in_set", "values_to_not_be_in_set")
    distinct = ("to_be_in_set", "to_contain_set", "to_equal_set")
    plain = [
        _column(kind, column, value_set=values)
        for kind in kinds
        for column, values in sets
        if values or kind == kinds[0]
    ]
    of_distinct = [
        _column(f"distinct_values_{kind}", column, value_set=values)
        for kind in distinct
        for column, values in sets
        if values and None not in values
    ]
    return [
        *plain,
        *of_distinct,
        _column("values_to_be_in_set", "id", value_set=[1, 2], mostly=0.3),
        _column("values_to_not_be_in_set", "id", value_set=[2], mostly=0.75),
        _column(
            "distinct_values_to_contain_set", "id", value_set=[1, 2], row_condition="id < 3", condition_parser="spark"
        ),
        _column(
            "distinct_values_to_be_in_set", "id", value_set=[1, 2, -1], row_condition="id < 3", condition_parser="spark"
        ),
    ]


def _texts() -> list[Asked]:
    regexes = [
        "a",
        "^a",
        "^a$",
        "alpha$",
        "^$",
        "[0-9]+",
        "(?i)ALPHA",
        "^[A-Z]-\\d+$",
        "b|c",
        "\\s",
        "^.$",
        ".",
        "é",
        "(a)(l)\\w",
        "^(?!alpha)",
        "p{1,2}h",
    ]
    found = [
        _column(f"values_to_{kind}_regex", column, regex=regex)
        for kind in ("match", "not_match")
        for column in ("name", "code")
        for regex in regexes
    ]
    return [
        *found,
        _column("values_to_match_regex", "name", regex="a", mostly=0.4),
        _column("values_to_match_regex", "name", regex="a", row_condition="id > 1", condition_parser="spark"),
        _column("values_to_match_regex_list", "name", regex_list=["^a", "^b"]),
        _column("values_to_match_regex_list", "name", regex_list=["^a", "t$"], match_on="all"),
        _column("values_to_match_regex_list", "name", regex_list=["^a", "^b"], match_on="any", mostly=0.5),
        _column("values_to_not_match_regex_list", "name", regex_list=["^a", "^b"]),
        _column("values_to_not_match_regex_list", "code", regex_list=["^A", "(?i)^b"]),
        _column("value_lengths_to_equal", "name", value=1),
        _column("value_lengths_to_equal", "name", value=4.5),
        _column("value_lengths_to_be_between", "name", min_value=1, max_value=5),
        _column("value_lengths_to_be_between", "name", min_value=1, strict_min=True, mostly=0.6),
        _column("value_lengths_to_be_between", "code", max_value=3, strict_max=True),
        _column("value_lengths_to_be_between", "code", min_value=9, max_value=3),
        _column("value_lengths_to_be_between", "id", min_value=1, max_value=1),
    ]


def _simple() -> list[Asked]:
    every = ("id", "price", "amount", "ratio", "name", "day", "ok", "at", "part.city")
    found = [
        _column(f"values_to_{kind}", column) for kind in ("be_null", "not_be_null", "be_unique") for column in every
    ]
    return [
        *found,
        _column("values_to_not_be_null", "id", mostly=0.75),
        _column("values_to_be_null", "id", mostly=0.25),
        _column("values_to_be_null", "tags"),
        _column("values_to_not_be_null", "part"),
        _column("values_to_be_unique", "amount", mostly=0.5),
        _column("values_to_be_unique", "code", row_condition="id IS NOT NULL", condition_parser="spark"),
        _column("values_to_not_be_null", "id", row_condition="ok", condition_parser="spark"),
    ]


def _numbers() -> list[Asked]:
    columns = ("id", "big", "small", "price", "fine", "amount", "ratio")
    ends: list[dict[str, Any]] = [
        {"min_value": 0},
        {"max_value": 5},
        {"min_value": 0, "strict_min": True, "max_value": 100},
        {},
    ]
    kinds = ("min", "max", "sum", "mean", "median", "stdev", "unique_value_count", "proportion_of_unique_values")
    found = [_column(f"{kind}_to_be_between", column, **end) for kind in kinds for column in columns for end in ends]
    quantiles = {"quantiles": [0.0, 0.05, 0.1, 0.25, 0.5, 0.7, 0.75, 0.9, 1.0], "value_ranges": [[None, 10]] * 9}
    tight = {"quantiles": [0.5], "value_ranges": [[2.0001, 2.2]]}
    found += [_column("quantile_values_to_be_between", column, quantile_ranges=quantiles) for column in columns]
    return [
        *found,
        # Of two that are about one column Great Expectations mixes the results.
        _column("quantile_values_to_be_between", "odd name", quantile_ranges=tight),
        _column("quantile_values_to_be_between", "id", quantile_ranges=quantiles, allow_relative_error=0.5),
        _column("min_to_be_between", "day", min_value="1500-02-28"),
        _column("max_to_be_between", "day", max_value="2021-01-01"),
        _column("max_to_be_between", "other_day", max_value="2021-01-02", strict_max=True),
        _column("min_to_be_between", "id", min_value=2, row_condition="amount > 0", condition_parser="spark"),
        _column("mean_to_be_between", "id", min_value=2, row_condition="amount > 0", condition_parser="spark"),
        _column("unique_value_count_to_be_between", "name", min_value=3, max_value=4),
        _column(
            "unique_value_count_to_be_between", "name", min_value=3, row_condition="id < 3", condition_parser="spark"
        ),
        _column("proportion_of_unique_values_to_be_between", "name", min_value=0.9, max_value=1),
        _column(
            "proportion_of_unique_values_to_be_between",
            "name",
            max_value=1,
            row_condition="id = 2",
            condition_parser="spark",
        ),
        _column("proportion_of_non_null_values_to_be_between", "id", min_value=0.75, max_value=0.75),
        _column("proportion_of_non_null_values_to_be_between", "id", max_value=0.5, strict_max=True),
        _column("most_common_value_to_be_in_set", "code", value_set=["A-1"]),
        _column("most_common_value_to_be_in_set", "name", value_set=["beta"], ties_okay=True),
        _column("value_z_scores_to_be_less_than", "id", threshold=1, double_sided=True),
    ]


def _several() -> list[Asked]:
    rows = ("both_values_are_missing", "either_value_is_missing", "neither")
    many = ("all_values_are_missing", "any_value_is_missing", "never")
    couples = [
        ("id", "small"),
        ("id", "amount"),
        ("amount", "ratio"),
        ("day", "other_day"),
        ("name", "code"),
        ("price", "fine"),
    ]
    found: list[Asked] = []
    for one, other in couples:
        pair = {"column_A": one, "column_B": other}
        for ignored in rows if one in ("id", "amount") else rows[1:2]:
            found += [
                ("expect_column_pair_values_to_be_equal", {**pair, "ignore_row_if": ignored}),
                ("expect_column_pair_values_a_to_be_greater_than_b", {**pair, "ignore_row_if": ignored}),
            ]
        found.append(("expect_column_pair_values_a_to_be_greater_than_b", {**pair, "or_equal": True, "mostly": 0.5}))
        for ignored in many if one in ("id", "amount") else many[:1]:
            columns = {"column_list": [one, other], "ignore_row_if": ignored}
            found += [
                ("expect_compound_columns_to_be_unique", columns),
                ("expect_select_column_values_to_be_unique_within_record", columns),
                ("expect_multicolumn_values_to_be_equal", columns),
            ]
    pairs = [[1, 1.5], [2, None], [None, 3.0]]
    where = {"row_condition": "ok", "condition_parser": "spark"}
    return [
        *found,
        ("expect_column_pair_values_to_be_in_set", {"column_A": "id", "column_B": "amount", "value_pairs_set": pairs}),
        (
            "expect_column_pair_values_to_be_in_set",
            {"column_A": "name", "column_B": "code", "value_pairs_set": [["alpha", "A-1"]]},
        ),
        ("expect_column_pair_values_to_be_equal", {"column_A": "id", "column_B": "small", **where}),
        ("expect_column_pair_values_to_be_equal", {"column_A": "id", "column_B": "small", "mostly": 0.9}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["id", "price", "name"]}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["id", "price", "small"]}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["id", "price", "small"], "ignore_row_if": "never"}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["id", "big", "small", "price"]}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["id", "small"], **where}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["id", "small"], "mostly": 0.8}),
        ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["id", "small", "big"]}),
        ("expect_multicolumn_values_to_be_equal", {"column_list": ["id", "small", "big"]}),
        ("expect_multicolumn_sum_to_equal", {"column_list": ["id", "small"], "sum_total": 4}),
        ("expect_multicolumn_sum_to_equal", {"column_list": ["id", "amount"], "sum_total": 2.5}),
        ("expect_multicolumn_sum_to_equal", {"column_list": ["price", "fine"], "sum_total": 13, "mostly": 0.1}),
    ]


def _tables() -> list[Asked]:
    columns = [
        "id",
        "big",
        "small",
        "price",
        "fine",
        "amount",
        "ratio",
        "name",
        "code",
        "day",
        "other_day",
        "ok",
        "at",
        "part",
        "part.city",
        "part.zip",
        "tags",
        "odd name",
    ]
    types = ("IntegerType", "StringType", "NumericType", "StructType", "TimestampType", "DecimalType")
    found = [
        _column(f"values_to_be_{kind}", column, **{argument: value})
        for column in ("id", "price", "part", "at", "tags", "part.zip")
        for kind, argument, value in (
            *(("of_type", "type_", name) for name in types),
            ("in_type_list", "type_list", ["LongType", "IntegerType"]),
            ("in_type_list", "type_list", ["LongType", "wrong"]),
        )
    ]
    return [
        *found,
        _column("type_to_be", "id", type_="IntegerType"),
        _column("type_to_be", "id", type_="wrong"),
        _column("values_to_be_of_type", "id", type_="int"),
        _column("to_exist", "id"),
        _column("to_exist", "part.city"),
        _column("to_exist", "no"),
        _column("to_exist", "big", column_index=1),
        _column("to_exist", "big", column_index=2),
        _column("to_exist", "big", column_index=0),
        _column("to_exist", "big", column_index=99),
        ("expect_table_columns_to_match_set", {"column_set": columns}),
        ("expect_table_columns_to_match_set", {"column_set": columns[:-1]}),
        ("expect_table_columns_to_match_set", {"column_set": columns[:-1], "exact_match": False}),
        ("expect_table_columns_to_match_set", {"column_set": [*columns, "more"], "exact_match": False}),
        ("expect_table_columns_to_match_ordered_list", {"column_list": columns}),
        ("expect_table_columns_to_match_ordered_list", {"column_list": columns[::-1]}),
        ("expect_table_columns_to_match_ordered_list", {"column_list": columns[:3]}),
        ("expect_table_column_count_to_equal", {"value": 18}),
        ("expect_table_column_count_to_equal", {"value": 16}),
        ("expect_table_column_count_to_be_between", {"min_value": 17}),
        ("expect_table_column_count_to_be_between", {"max_value": 3}),
        ("expect_table_row_count_to_equal", {"value": 12}),
        ("expect_table_row_count_to_equal", {"value": 3, "row_condition": "id < 3", "condition_parser": "spark"}),
        ("expect_table_row_count_to_be_between", {"min_value": 12, "strict_min": True}),
        ("expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 20}),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE id > 5"}),
        (
            "unexpected_rows_expectation",
            {"unexpected_rows_query": "SELECT name, count(*) n FROM {batch} GROUP BY name HAVING n > 9"},
        ),
    ]


def _broken() -> list[Asked]:
    """Where Great Expectations itself has no answer."""
    return [
        _column("values_to_be_between", "no", min_value=1),
        _column("values_to_be_between", "name", min_value=1),
        _column("values_to_be_between", "id", min_value=5, max_value=1),
        _column("values_to_be_between", "ok", min_value=1),
        _column("values_to_be_in_set", "no", value_set=[1]),
        _column("values_to_match_regex", "name", regex="("),
        _column("values_to_be_unique", "no"),
        _column("values_to_not_be_null", "no"),
        _column("mean_to_be_between", "name", min_value=1),
        _column("median_to_be_between", "name", min_value=1),
        _column("values_to_be_between", "id", min_value=1, row_condition="nonsense >", condition_parser="spark"),
        _column("values_to_match_like_pattern", "name", like_pattern="a%"),
        ("expect_column_pair_values_to_be_equal", {"column_A": "id", "column_B": "no"}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["id", "no"]}),
    ]


MATRIX: dict[str, list[Asked]] = {
    "ranges": _ranges(),
    "sets": _sets(),
    "texts": _texts(),
    "simple": _simple(),
    "numbers": _numbers(),
    "several": _several(),
    "tables": _tables(),
    "broken": _broken(),
}
