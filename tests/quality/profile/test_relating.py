"""What other datasets and earlier writes speak for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.errors import ConfigError
from hookline.core.events import Column, Measured
from hookline.quality.checks import freshness
from hookline.quality.judging import judge
from hookline.quality.profile.column import ColumnProfile
from hookline.quality.profile.model import Profile
from hookline.quality.profile.proposing import checks_of
from hookline.quality.profile.relating import Reference, arrivals
from hookline.quality.profile.suggesting import Suggestion, holding

if TYPE_CHECKING:
    import pandas as pd

UTC = dt.timezone.utc
FIRST = dt.datetime(2024, 3, 1, 2, tzinfo=UTC)
Write = tuple[dt.datetime, Profile]


def of_times(moments: Iterable[dt.datetime], name: str = "at") -> Profile:
    """A profile of one column."""
    numbers = sorted(round(one.replace(tzinfo=UTC).timestamp() * 1e6) for one in moments)
    state = {"kind": "timestamp", "rows": len(numbers), "nulls": 0, "complete": True}
    state |= {"numbers": [[one, 1] for one in numbers], "least": numbers[0], "greatest": numbers[-1]}
    return Profile(len(numbers), (ColumnProfile(name, "timestamp", state),))


def of_dates(days: Iterable[dt.date]) -> Profile:
    numbers = sorted((one - dt.date(1970, 1, 1)).days for one in days)
    state = {"kind": "date", "rows": len(numbers), "nulls": 0, "complete": True}
    state |= {"numbers": [[one, 1] for one in numbers], "least": numbers[0], "greatest": numbers[-1]}
    return Profile(len(numbers), (ColumnProfile("day", "date", state),))


def nightly(count: int, *, oldest_h: float = 24, newest_h: float = 2) -> list[Write]:
    """Writes of a day's rows, each at two in the night."""
    writes = []
    for night in range(count):
        at = FIRST + dt.timedelta(days=night)
        ages = [newest_h + (oldest_h - newest_h) * place / 199 for place in range(200)]
        writes.append((at, of_times(at - dt.timedelta(hours=age) for age in ages)))
    return writes


def told(writes: Sequence[Write]) -> dict[str, Any]:
    return {kind: options for one in arrivals(writes) for kind, options in one.check.items()}


def test_rows_that_always_came_in_time_are_to_go_on_so() -> None:
    assert told(nightly(6)) == {
        "freshness": {"column": "at", "max_age": "3h"},
        "latency": {"column": "at", "max_age": "30h", "quantile": 0.99},
    }
    assert told(nightly(6, oldest_h=60))["latency"]["max_age"] == "4d"
    assert all(one.severity == "warn" and "in 6 writes" in one.reason for one in arrivals(nightly(6)))


def test_dates_are_the_last_moment_of_their_day_for_what_is_fresh_and_the_first_for_what_is_late() -> None:
    writes = []
    for night in range(6):
        at = FIRST + dt.timedelta(days=night)
        writes.append((at, of_dates([at.date() - dt.timedelta(days=1)] * 3)))
    assert told(writes) == {
        "freshness": {"column": "day", "max_age": "3h"},
        "latency": {"column": "day", "max_age": "33h", "quantile": 0.99},
    }


@pytest.mark.parametrize(
    "writes",
    [
        nightly(4),
        nightly(6, oldest_h=24 * 365 * 30, newest_h=24 * 365 * 18),
        [
            (at + dt.timedelta(days=more), profile)
            for more, (at, profile) in enumerate(nightly(8, newest_h=24, oldest_h=30))
        ],
        [(at - dt.timedelta(days=9), profile) for at, profile in nightly(6)],
        [],
    ],
    ids=["too few", "birthdays", "older and older", "to come", "none"],
)
def test_nothing_is_made_of_times_that_are_not_about_arriving(writes: list[Write]) -> None:
    assert told(writes) == {}


def test_a_column_that_came_later_or_has_no_values_tells_nothing() -> None:
    (at, _), *rest = nightly(6)
    empty = ColumnProfile("at", "timestamp", {"kind": "timestamp", "rows": 3, "nulls": 3})
    assert told([(at, Profile(3, (empty,))), *rest]) != {}
    assert told([*rest, (at, Profile(3, (empty,)))]) != {}
    assert told([(at, of_times([FIRST], "other")), *rest[:4]]) == {}


@pytest.fixture(scope="module")
def sales() -> pd.DataFrame:
    from hookline.pipelines.retail import source

    rows = source.read(source.folder(), "transactions")
    return rows[rows["household_id"] % 6 == 0]


def test_sales_that_land_late_are_caught_and_later_days_hold(
    sales: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hookline.pipelines.retail.faults import NO_FAULTS, FaultShares, spoil

    by_day = {day: rows.reset_index(drop=True) for day, rows in sales.groupby(sales["transaction_timestamp"].dt.date)}

    def landed(day: dt.date, share: float) -> list[dt.datetime]:
        """The times of the sales that land on a day: its own, and those of the days before that come late."""
        found: list[dt.datetime] = []
        for back in range(4):
            own = by_day[day - dt.timedelta(days=back)].astype({"product_id": str})
            shares = FaultShares(**{**vars(NO_FAULTS), "late": share})
            parts = spoil(own, own["transaction_timestamp"][0].date(), set(own["product_id"]), shares=shares, seed=7)
            if day in parts:
                found += [one.to_pydatetime() for one in parts[day]["transaction_timestamp"]]
        return found

    def written(day: dt.date) -> dt.datetime:
        return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(2), UTC)

    start = dt.date(2017, 2, 1)
    past = [start + dt.timedelta(days=day) for day in range(28)]
    suggestions = list(arrivals([(written(day), of_times(landed(day, 0))) for day in past]))
    checks = checks_of(suggestions)
    assert len(checks) == 2

    def passed(day: dt.date, share: float) -> list[bool]:
        monkeypatch.setattr(freshness, "utc_now", lambda: written(day))
        times = sorted(landed(day, share))
        results = {}
        for check in checks:
            (measure,) = check.measures()
            at = 0 if measure.kind == "maximum" else float(measure.fraction or 0)
            results[measure] = Measured(times[-1] if measure.kind == "maximum" else times[int(at * (len(times) - 1))])
        return [verdict.status == "passed" for verdict in judge(checks, results)]

    later = [start + dt.timedelta(days=day) for day in range(35, 320, 5)]
    held = [one for day in later for one in passed(day, 0)]
    print(f"{sum(held)} of {len(held)}")
    assert sum(held) / len(held) >= 0.95
    caught = [not all(passed(day, 0.02)) for day in later]
    assert sum(caught) / len(caught) >= 0.8


def columns(*pairs: tuple[str, str]) -> Profile:
    made = [ColumnProfile(name, kind, {"kind": kind, "rows": 9, "nulls": 0}) for name, kind in pairs]
    return Profile(9, tuple(made))


def test_columns_that_are_named_after_a_key_are_held_against_it() -> None:
    reference = Reference.parse("s3://lake/products:product_id")
    assert reference == Reference("s3://lake/products", "product_id")
    mine = columns(
        ("product_id", "int"), ("old_Product_ID", "int"), ("product_id_text", "int"), ("coproduct_id", "int")
    )
    found = list(reference.suggest(Column("Product_id", "bigint"), mine))
    assert [one.check["references"]["columns"] for one in found] == ["product_id"] * 2 + ["old_Product_ID"] * 2
    assert {one.check["references"]["to"] for one in found} == {"Product_id"}
    assert [one.check.get("tolerance") for one in found] == [None, 0.01] * 2
    checks_of(found)
    assert not list(reference.suggest(Column("product_id", "string"), mine))


@pytest.mark.parametrize("text", ["", "products", ":id", "products:", "s3://lake/products"])
def test_a_reference_names_a_dataset_and_a_column(text: str) -> None:
    with pytest.raises(ConfigError, match="DATASET:COLUMN"):
        Reference.parse(text)


def test_a_reference_to_a_column_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ConfigError, match="has no column 'id'; it has key, name"):
        Reference("products", "id").found_in([Column("key", "int"), Column("name", "string")])


def test_of_a_reference_with_and_without_exceptions_the_stricter_one_that_holds_is_said() -> None:
    def of(column: str, *tolerance: float) -> Suggestion:
        check = {"references": {"columns": column}, **({"tolerance": tolerance[0]} if tolerance else {})}
        return Suggestion(check, "", 0.9)

    tried = [of("a"), of("a", 0.01), of("b"), of("b", 0.01), of("c"), of("c", 0.01)]
    found = list(holding(list(zip(tried, [True, True, False, True, False, False], strict=True))))
    assert found == [of("a"), of("b", 0.01)]
