"""Where we answer otherwise than Great Expectations, by decision: each row of the table in the reference, on real rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.quality.gx.conftest import Asked, check_of, in_hookline

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from hookline.core.fuse import Target

pytestmark = [pytest.mark.spark, pytest.mark.slow]
Table = tuple["DataFrame", "Target"]
Itself = Callable[["DataFrame", Sequence[Asked]], list[dict[str, Any]]]
LARGE = 2**53 + 1
QUANTILES = {"quantiles": [0, 0.5], "value_ranges": [[None, 10], [None, 10]]}


def both(asked: Asked, table: Table, itself: Itself) -> tuple[dict[str, Any], dict[str, Any]]:
    frame, target = table
    return itself(frame, [asked])[0], in_hookline(target, [check_of(asked, target)])[0]


def test_whole_numbers_and_decimals_are_compared_exactly(nasty_table: Table, in_great_expectations: Itself) -> None:
    asked = ("expect_column_values_to_be_between", {"column": "big", "max_value": LARGE - 1})
    theirs, ours = both(asked, nasty_table, in_great_expectations)
    assert (theirs["result"]["unexpected_count"], ours["result"]["unexpected_count"]) == (0, 1)


def test_a_quantile_may_be_a_whole_number(nasty_table: Table, in_great_expectations: Itself) -> None:
    asked = ("expect_column_quantile_values_to_be_between", {"column": "id", "quantile_ranges": QUANTILES})
    theirs, ours = both(asked, nasty_table, in_great_expectations)
    assert theirs["raised"]
    assert ours["result"]["observed_value"]["values"] == [-1.0, 5.0]


def test_two_expectations_on_quantiles_of_a_column_are_told_apart(
    nasty_table: Table, in_great_expectations: Itself
) -> None:
    frame, target = nasty_table
    asked: list[Asked] = [
        (
            "expect_column_quantile_values_to_be_between",
            {"column": "id", "quantile_ranges": {"quantiles": [at], "value_ranges": [[0.0, 100.0]]}},
        )
        for at in (0.1, 0.9)
    ]
    theirs = [one["result"]["observed_value"]["values"] for one in in_great_expectations(frame, asked)]
    ours = [
        one["result"]["observed_value"]["values"] for one in in_hookline(target, [check_of(a, target) for a in asked])
    ]
    assert theirs[0] == theirs[1]
    assert ours == [[-1.0], [9.0]]


def test_rows_are_held_against_another_dataset(
    nasty_table: Table, in_great_expectations: Itself, spark: SparkSession, tmp_path: Path
) -> None:
    spark.range(12).write.parquet(str(tmp_path / "other"))
    asked = ("expect_table_row_count_to_equal_other_table", {"other_table_name": str(tmp_path / "other")})
    theirs, ours = both(asked, nasty_table, in_great_expectations)
    assert theirs["raised"]
    assert (ours["success"], ours["result"]["observed_value"]) == (True, {"self": 12, "other": 12})


def test_a_pattern_that_may_never_end_has_no_answer(nasty_table: Table, in_great_expectations: Itself) -> None:
    asked = ("expect_column_values_to_match_regex", {"column": "code", "regex": r"^([A-Z0-9]+-?)*\b$"})
    theirs, ours = both(asked, nasty_table, in_great_expectations)
    assert not theirs["raised"]
    assert ours["raised"]


def test_the_most_common_value_is_not_told(nasty_table: Table, in_great_expectations: Itself) -> None:
    asked = ("expect_column_most_common_value_to_be_in_set", {"column": "code", "value_set": ["A-1"]})
    frame, target = nasty_table
    check = check_of(asked, target)
    from hookline.core.fuse import take
    from hookline.quality.gx.results import result_of

    results = take(check.measures(), target)
    verdict = check.judge(results)
    assert verdict.observed is None
    assert "observed_value" not in result_of(check, verdict, results)["result"]
    assert "observed_value" in in_great_expectations(frame, [asked])[0]["result"]
