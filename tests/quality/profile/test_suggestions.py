"""Suggestions on real shopping: made from eight weeks, held against later ones, and against what goes wrong on purpose."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core import fuse
from hookline.core.events import Column, Dataset
from hookline.pipelines.at_rest import find_at_rest
from hookline.quality.judging import AnyCheck, judge, measures_of
from hookline.quality.profile.model import Profile, measures_for, profile_of
from hookline.quality.profile.proposing import checks_of, entry_of, suite_text
from hookline.quality.profile.relating import Reference
from hookline.quality.profile.suggesting import Suggestion, holding, suggest
from hookline.quality.suite import parse_suites

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]
LEARNT = range(1, 9)
LATER = (10, 14, 19, 25, 32, 40, 47, 52)


@pytest.fixture(scope="module")
def sales() -> pd.DataFrame:
    """A sixth of the households' sales, with what was sold."""
    from hookline.pipelines.retail import source

    data = source.folder()
    rows = source.read(data, "transactions")
    rows = rows[rows["household_id"] % 6 == 0]
    products = source.read(data, "products")
    joined = rows.merge(products.drop(columns=["manufacturer_id"]), on="product_id", how="inner")
    return joined.drop_duplicates(["basket_id", "product_id"]).reset_index(drop=True)


def profiled(spark: SparkSession, path: Path, shown: Sequence[str] = ("*",)) -> Profile:
    """The profile of a folder."""
    target = find_at_rest(spark, str(path)).target()
    return profile_of(target.columns, fuse.take(measures_for(target.columns), target)).kept(shown)


def passing(spark: SparkSession, path: Path, checks: Sequence[AnyCheck]) -> list[bool]:
    """Which checks hold."""
    target = find_at_rest(spark, str(path)).target()
    measures, results = fuse.resolve(measures_of(checks), target.columns, lambda name: target.find_other(name).columns)
    verdicts = judge(checks, {**results, **fuse.take(measures, target)})
    return [verdict.status == "passed" for verdict in verdicts]


@dataclass
class Learnt:
    suggestions: list[Suggestion]
    checks: tuple[AnyCheck, ...]


def learn(spark: SparkSession, path: Path, shown: Sequence[str], catalogue: Path | None = None) -> Learnt:
    """What the command does; with a catalogue of products as ``--reference``."""
    profile = profiled(spark, path, shown)
    suggestions = list(suggest(profile))
    if catalogue is not None:
        suggestions += Reference(str(catalogue), "product_id").suggest(Column("product_id", "string"), profile)
    good = list(holding(list(zip(suggestions, passing(spark, path, checks_of(suggestions)), strict=True))))
    return Learnt(good, checks_of(good))


def written(frame: pd.DataFrame, path: Path) -> Path:
    path.mkdir(parents=True)
    plain = frame.assign(transaction_timestamp=frame["transaction_timestamp"].astype("datetime64[us]"))
    plain.to_parquet(path / "part.parquet", index=False)
    return path


@pytest.fixture(scope="module")
def learnt(spark: SparkSession, sales: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Learnt:
    folder = tmp_path_factory.mktemp("learnt")
    return learn(spark, written(sales[sales["week"].isin(LEARNT)], folder / "sales"), ["brand", "department"])


def test_a_suggested_suite_holds_on_the_data_that_it_came_from_and_can_be_read(learnt: Learnt) -> None:
    text = suite_text(Dataset("file", "/lake/sales"), 10, map(entry_of, learnt.suggestions))
    (suite,) = parse_suites(text, "suite.yaml")
    assert suite.datasets == ("*/sales",)
    assert [check.name for check in suite.checks] == [check.name for check in learnt.checks]
    assert all(0 < one.confidence <= 0.99 and one.reason for one in learnt.suggestions)
    assert len(suite.checks) > 30


def test_values_that_may_not_be_shown_are_in_no_suggestion(learnt: Learnt) -> None:
    text = suite_text(Dataset("file", "/lake/sales"), 10, map(entry_of, learnt.suggestions))
    assert "GROCERY" in text
    assert "FLUID MILK" not in text
    assert "SOFT DRINKS" not in text


def test_of_suggested_checks_95_in_100_hold_on_later_weeks(
    spark: SparkSession, sales: pd.DataFrame, learnt: Learnt, tmp_path: Path
) -> None:
    held = []
    for week in LATER:
        path = written(sales[sales["week"] == week], tmp_path / f"week{week}")
        passed = passing(spark, path, learnt.checks)
        held += passed
        print(week, [check.name for check, fine in zip(learnt.checks, passed, strict=True) if not fine])
    print(f"{sum(held)} of {len(held)} hold: {sum(held) / len(held):.3f}")
    assert sum(held) / len(held) >= 0.95


Fault = Callable[["pd.DataFrame"], "pd.DataFrame"]


def faults() -> Iterator[tuple[str, Fault]]:
    """What goes wrong with deliveries; each is done to 2 % of the rows, or to all of them where it is about the whole."""

    def some(change: Callable[[pd.DataFrame, Any], None]) -> Fault:
        def spoil(frame: pd.DataFrame) -> pd.DataFrame:
            spoilt = frame.copy()
            change(spoilt, spoilt.index[::50])
            return spoilt

        return spoil

    def put(column: str, value: Any) -> Fault:
        def change(frame: pd.DataFrame, rows: Any) -> None:
            frame.loc[rows, column] = value

        return some(change)

    for column in ("brand", "department"):
        yield f"null {column}", put(column, None)
        yield f"blank {column}", put(column, " ")
        yield f"unknown {column}", put(column, "Unknown")
    yield "another case", some(lambda frame, rows: frame.__setitem__("brand", frame["brand"].str.upper()))
    yield "negative quantity", put("quantity", -3)
    yield "absurd quantity", put("quantity", 5_000_000)
    yield "negative price", put("sales_value", -4.0)
    yield "price in cents", lambda frame: frame.assign(sales_value=frame["sales_value"] * 100)
    yield "prices are zero", lambda frame: frame.assign(sales_value=0.0)
    yield "discount added twice and more", lambda frame: frame.assign(retail_disc=frame["retail_disc"] * 4)
    yield "NaN price", put("sales_value", float("nan"))
    yield "unknown product", put("product_id", 95_000_000)
    yield "negative household", put("household_id", -1)
    yield "empty delivery", lambda frame: frame.iloc[:0]
    yield "copies", lambda frame: frame.loc[[*frame.index, *frame.index[::50]]]
    yield "long ago", put("transaction_timestamp", dt.datetime(1970, 1, 1))
    yield "no time", some(lambda frame, rows: frame.loc.__setitem__((rows, "transaction_timestamp"), None))
    yield "a column is gone", lambda frame: frame.drop(columns=["coupon_disc"])
    yield "a column is text", lambda frame: frame.assign(store_id=frame["store_id"].astype(str))
    yield "texts run together", some(lambda frame, rows: frame.loc.__setitem__((rows, "product_type"), "x" * 200))
    yield "weeks before the first", put("week", -1)


def test_of_injected_faults_80_in_100_are_caught(
    spark: SparkSession, sales: pd.DataFrame, learnt: Learnt, tmp_path: Path
) -> None:
    good = sales[sales["week"] == 12].reset_index(drop=True)
    usual = passing(spark, written(good, tmp_path / "good"), learnt.checks)
    missed = []
    every = list(faults())
    for number, (name, spoil) in enumerate(every):
        path = written(spoil(good), tmp_path / f"spoilt{number}")
        passed = passing(spark, path, learnt.checks)
        if not any(before and not now for before, now in zip(usual, passed, strict=True)):
            missed.append(name)
    print(f"{len(every) - len(missed)} of {len(every)} caught; missed: {missed}")
    assert len(missed) <= 0.2 * len(every)


def test_the_platforms_own_faults_are_caught_in_texts_as_they_land(
    spark: SparkSession, sales: pd.DataFrame, tmp_path: Path
) -> None:
    """Everything is text there. What lands late is right in itself: earlier writes tell of it (test_relating), not its rows."""
    import pandas as pd

    from hookline.pipelines.retail import source
    from hookline.pipelines.retail.faults import KINDS, NO_FAULTS, FaultShares, spoil

    names = ["household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value", "transaction_timestamp"]
    texts = sales[[*names, "week"]].astype(dict.fromkeys(names, str))
    past = texts[texts["week"].isin(LEARNT)][names]
    past.to_parquet(tmp_path / "past.parquet", index=False)
    products = source.read(source.folder(), "products")[["product_id"]].astype(str)
    products.to_parquet(tmp_path / "products.parquet", index=False)
    learnt = learn(spark, tmp_path / "past.parquet", (), tmp_path / "products.parquet")
    day = texts[texts["week"] == 12][names].reset_index(drop=True)
    good = day.drop_duplicates(["basket_id", "product_id"])
    good.to_parquet(tmp_path / "good.parquet", index=False)
    usual = passing(spark, tmp_path / "good.parquet", learnt.checks)
    caught = set()
    for kind in KINDS:
        shares = FaultShares(**{**vars(NO_FAULTS), kind: 0.02})
        parts = spoil(
            good.reset_index(drop=True), dt.date(2017, 3, 20), set(products["product_id"]), shares=shares, seed=7
        )
        pd.concat(parts.values())[names].to_parquet(tmp_path / f"{kind}.parquet", index=False)
        passed = passing(spark, tmp_path / f"{kind}.parquet", learnt.checks)
        if any(before and not now for before, now in zip(usual, passed, strict=True)):
            caught.add(kind)
    print(sorted(caught), [check.name for check, fine in zip(learnt.checks, usual, strict=True) if not fine])
    assert caught >= set(KINDS) - {"late"}
