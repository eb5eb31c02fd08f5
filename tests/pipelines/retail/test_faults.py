"""The fault injector: it does what its record says, no more and no less."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hookline.pipelines.retail.faults import (
    KINDS,
    LONGEST_DELAY_DAYS,
    NO_FAULTS,
    Fault,
    FaultShares,
    read_manifest,
    spoil,
    write_manifest,
)

DAY = dt.date(2017, 3, 1)
SHARES = FaultShares(**dict.fromkeys(KINDS, 0.1))
FIELDS = ["household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value", "transaction_timestamp"]


def sales(rows: int = 200) -> pd.DataFrame:
    """A day of text rows, every twentieth with a product that no catalogue has."""
    return pd.DataFrame(
        {
            "household_id": "1",
            "store_id": "2",
            "basket_id": [str(n) for n in range(rows)],
            "product_id": ["404" if n % 20 == 0 else "5" for n in range(rows)],
            "quantity": "1",
            "sales_value": "1.5",
            "transaction_timestamp": "2017-03-01 10:00:00",
        }
    )


def spoilt(shares: FaultShares = SHARES, *, seed: int = 3, day: dt.date = DAY, rows: int = 200) -> dict[dt.date, Any]:
    return spoil(sales(rows), day, {"5"}, shares=shares, seed=seed)


def everything(deliveries: dict[dt.date, Any]) -> pd.DataFrame:
    return pd.concat(deliveries.values())


def test_each_kind_gets_its_share() -> None:
    rows = everything(spoilt())
    assert Counter(rows["fault"][rows["injected"]]) == {"": 190 - 6 * 19, **dict.fromkeys(KINDS, 19)}
    assert list(rows["product_id"][~rows["injected"]]) == ["404"] * 10
    assert set(rows["fault"][~rows["injected"]]) == {"unknown_product"}


def test_a_row_has_one_fault_and_rows_without_have_none() -> None:
    original = sales()
    for index, row in everything(spoilt()).iterrows():
        changed = [field for field in FIELDS if row[field] != original.loc[index, field]]
        assert changed == ([row["fault_column"]] if row["fault_column"] else [])


def test_delays_are_those_of_the_record() -> None:
    deliveries = spoilt()
    assert sorted(deliveries) == [DAY + dt.timedelta(days=n) for n in range(LONGEST_DELAY_DAYS + 1)]
    kinds = {(day - DAY).days: set(rows["fault"]) for day, rows in deliveries.items()}
    assert "late" not in kinds[0]
    assert "duplicate" in kinds[0]
    assert kinds[1] == {"late", "duplicate"}
    assert kinds[2] == kinds[3] == {"late"}
    # A copy stands behind its original: the copy is the one to refuse.
    same_day = deliveries[DAY]
    assert not same_day["fault"].iloc[: 200 - 19].eq("duplicate").any()


def test_faults_depend_on_seed_and_day_alone() -> None:
    assert everything(spoilt()).equals(everything(spoilt()))
    assert not everything(spoilt(seed=4)).equals(everything(spoilt()))
    victims = [
        list(everything(spoilt(day=day)).query("fault == 'missing'").index) for day in (DAY, dt.date(2017, 3, 2))
    ]
    assert victims[0] != victims[1]


def test_no_share_no_fault() -> None:
    rows = everything(spoilt(NO_FAULTS))
    assert set(rows["fault"][rows["injected"]]) == {""}
    assert rows[FIELDS].equals(sales()[FIELDS])


def test_a_day_with_a_handful_of_sales_is_left_alone() -> None:
    rows = everything(spoilt(rows=5))
    assert set(rows["fault"][rows["injected"]]) == {""}


@pytest.mark.parametrize("wrong", [{"late": 1.1}, {"missing": -0.1}, {"late": 0.6, "missing": 0.6}])
def test_shares_are_shares(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        FaultShares(**wrong)


def test_the_manifest_comes_back_as_it_was(tmp_path: Path) -> None:
    tuesday, wednesday = [Fault("late", "t/1")], [Fault("missing", "w/1", "quantity"), Fault("duplicate", "w/2")]
    write_manifest(tmp_path / "faults", dt.date(2017, 1, 4), wednesday)
    write_manifest(tmp_path / "faults", dt.date(2017, 1, 3), tuesday)
    assert read_manifest(tmp_path / "faults") == tuesday + wednesday
