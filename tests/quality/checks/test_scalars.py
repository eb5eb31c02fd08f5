from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pytest
from pydantic import TypeAdapter

from hookline.quality.checks.scalars import (
    ColumnNames,
    Values,
    read_bound,
    read_column,
    read_scalar,
    refuse_crossed,
)

read_values = TypeAdapter(Values).validate_python
read_columns = TypeAdapter(ColumnNames).validate_python
DAY = dt.date(2024, 2, 29)
NOON_UTC = dt.datetime(2024, 2, 29, 12, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (3, 3),
        (0.1, Decimal("0.1")),
        (-0.0, Decimal("-0.0")),
        (1e22, Decimal("1e22")),
        (5e-324, Decimal("5e-324")),
        (2**80, 2**80),
        ("A", "A"),
        (DAY, DAY),
        (NOON_UTC, NOON_UTC),
    ],
)
def test_a_bound_keeps_what_was_written(given: object, read: object) -> None:
    assert read_bound(given) == read
    assert type(read_bound(given)) is type(read)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (None, "null is no bound: leave the key out"),
        (True, "true/false is no bound"),
        (math.nan, "NaN and infinity are no bounds"),
        (math.inf, "NaN and infinity are no bounds"),
        (-math.inf, "NaN and infinity are no bounds"),
        (Decimal("NaN"), "NaN and infinity are no bounds"),
        ("", "empty text is no bound"),
        ([1], "a single value"),
        ({"a": 1}, "a single value"),
        (b"x", "a single value"),
    ],
)
def test_what_is_no_bound_is_refused(given: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_bound(given)


def test_a_set_names_nan_so_that_two_equal_sets_are_equal() -> None:
    first, second = read_values([1.5, float("nan")]), read_values([1.5, float("nan")])
    assert first == second
    assert math.isnan(float(first[1]))


def test_a_set_has_each_value_once_in_order() -> None:
    assert read_values(["b", "a", "b"]) == ("b", "a")
    assert read_values([1, 1.0, 2]) == (1, 2)


def test_days_and_timestamps_may_stand_together() -> None:
    assert read_values([DAY, NOON_UTC]) == (DAY, NOON_UTC)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("A", "valid tuple"),
        ([], "an empty set would fail every row"),
        (["A", None], "use completeness to forbid nulls"),
        (["A", ["B"]], "a single value"),
        (["SE", False], r"text \('SE'\) and boolean \(false\): put text in quotes"),
        (["a", 1], r"text \('a'\) and number \(1\): put text in quotes"),
        ([1, True], "number .* and boolean"),
        ([DAY, "2024-03-01"], "time .* and text"),
    ],
)
def test_what_is_no_set_is_refused(given: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_values(given)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (1, 1),
        (0.1, Decimal("0.1")),
        (DAY, dt.datetime(2024, 2, 29)),
        (DAY, NOON_UTC),
        (dt.datetime(2024, 2, 29, 12), NOON_UTC),
        ("a", "b"),
        (None, 0),
        (0, None),
    ],
)
def test_ends_that_leave_room_are_taken(low: object, high: object) -> None:
    refuse_crossed(None if low is None else read_bound(low), None if high is None else read_bound(high))


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (None, None, "min, max or both are needed"),
        (2, 1, r"min \(2\) is greater than max \(1\)"),
        (Decimal("0.10000000000000000001"), 0.1, "is greater than"),
        (NOON_UTC, DAY, "is greater than"),
        ("b", "a", "is greater than"),
        (1, "2", r"min is number \(1\) and max is text \('2'\)"),
        (DAY, 5, "both must be of one kind"),
    ],
)
def test_ends_that_leave_no_room_are_refused(low: object, high: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        refuse_crossed(None if low is None else read_bound(low), None if high is None else read_bound(high))


@pytest.mark.parametrize("given", [None, 2020, True, ["a"], "", "  "])
def test_what_is_no_column_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="a column's name is"):
        read_column(given)


def test_a_key_names_each_column_once() -> None:
    assert read_columns(["b", "a"]) == ("b", "a")
    with pytest.raises(ValueError, match="column 'a' is named twice"):
        read_columns(["a", "b", "a"])
    with pytest.raises(ValueError, match="at least one column"):
        read_columns([])
    with pytest.raises(ValueError, match="valid tuple"):
        read_columns(3)


def test_null_in_a_set_is_explained() -> None:
    with pytest.raises(ValueError, match="a null is not evaluated here, use completeness"):
        read_scalar(None)
