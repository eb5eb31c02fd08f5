"""Events of a small job."""

from __future__ import annotations

import datetime as dt

import pytest

from hookline.core.events import Column, Dataset, ErrorInfo, Read, Run, RunEnded, Verdict, Write

AT = dt.datetime(2026, 5, 4, 3, 2, 1, 600_000, tzinfo=dt.timezone.utc)
RUN_ID = "0d3c1b2a-5f6e-4d7c-8b9a-0a1b2c3d4e5f"


@pytest.fixture
def run() -> Run:
    return Run(RUN_ID, "retail.silver", AT, environment="dev")


@pytest.fixture
def sales() -> Write:
    """A write with everything that a facet can be made of."""
    return Write(
        f"{RUN_ID}/1",
        Dataset("file", "/lake/silver/sales", format="delta", symlinks=(("hive://metastore:9083", "retail.sales"),)),
        "overwrite",
        AT,
        columns=(Column("id", "bigint", nullable=False), Column("price", "decimal(10,2)")),
        inputs=(
            Read(Dataset("s3://landing-zone", "bronze/transactions"), (Column("id", "string"),)),
            Read(Dataset("file", "/lake/bronze/products")),
        ),
        finished_at=AT + dt.timedelta(seconds=9),
        duration_s=9.0,
        rows=1200,
        bytes=4096,
        files=2,
        way="vectorised",
        published=True,
        verdicts=(
            Verdict("price_range", "critical", "failed", 3, 3, "price from 0 to 10", ("price",), "vectorised"),
            Verdict("key_unique", "error", "passed", 0, 0, "unique", ("id", "price"), "proof", plugin="quality"),
            Verdict("rows", "warn", "passed", 1200, None, "at least 1 row"),
            Verdict("latest_name", "info", "passed", "Mustermann", None, "a name"),
            Verdict("mean", "warn", "error", message="no such column"),
        ),
    )


@pytest.fixture
def ended(sales: Write) -> RunEnded:
    lookup = Read(Dataset("postgres://db:5432", "public.lookup"))
    return RunEnded(
        "finished", AT + dt.timedelta(seconds=20), 20.0, reads=(*sales.inputs, lookup), writes=(sales,), writes_total=1
    )


@pytest.fixture
def refused(sales: Write) -> Write:
    import dataclasses

    return dataclasses.replace(sales, published=False, error=ErrorInfo("WriteRefusedError"), rows=None, bytes=None)
