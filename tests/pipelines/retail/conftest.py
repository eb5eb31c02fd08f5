"""A small platform on real data: a twentieth of the households, first four days, then seven."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest

import hookline
from hookline.core.events import Run, RunEnded
from hookline.pipelines.retail import flow
from hookline.pipelines.retail.faults import FaultShares
from hookline.pipelines.retail.lake import Lake
from hookline.pipelines.retail.landing import Landing

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FRACTION = 0.05
# Two of the few households that redeem a coupon this early: one on the first day, one on the last.
SEED = 776
FIRST_DAYS = 4
ALL_DAYS = 7
SHARES = FaultShares(
    missing=0.02,
    wrong_type=0.02,
    malformed_date=0.02,
    unknown_product=0.02,
    absurd_quantity=0.02,
    duplicate=0.04,
    late=0.05,
)


@dataclass(frozen=True)
class Platform:
    """A lake, what has landed in it, and the tables that the last run wrote."""

    lake: Lake
    landing: Landing
    written: list[str]
    run: Run | None = None
    ended: RunEnded | None = None


@pytest.fixture(scope="session")
def session() -> SparkSession:
    """Spark with Delta; the process ends it, because other tests may share it."""
    from hookline.pipelines.retail.session import build_session

    return build_session("tests")


def platform(session: SparkSession, root: Path, days: int) -> Platform:
    """Land so many days and bring everything up to date."""
    landing = Landing(root, fraction=FRACTION, seed=SEED, faults=SHARES)
    landing.land(days)
    lake = Lake(session, root)
    return Platform(lake, landing, flow.run(lake))


@pytest.fixture(scope="session")
def first(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Four days, attached, with everything told as OpenLineage events in two ways."""
    root = tmp_path_factory.mktemp("retail") / "first"
    config = root.parent / "hookline.yaml"
    transport = {"type": "file", "log_file_path": str(root.parent / "client.ndjson"), "append": True}
    config.write_text(json.dumps({"plugins": {"lineage": {}, "openlineage": {"transport": transport}}}))
    attachment = hookline.attach(session, config=config, job="retail")
    try:
        done = platform(session, root, FIRST_DAYS)
    finally:
        ended = attachment.detach()
    return replace(done, run=attachment.run, ended=ended)


@pytest.fixture(scope="session")
def second(session: SparkSession, first: Platform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The same four days, and a second run after three more."""
    root = tmp_path_factory.mktemp("retail") / "second"
    copytree(first.lake.root, root)
    return platform(session, root, ALL_DAYS)


@pytest.fixture(scope="session")
def landed(second: Platform) -> Any:
    """All transactions that landed, read by pandas as text."""
    import pandas as pd

    files = sorted((second.lake.root / "landing" / "transactions").glob("*/*.csv"))
    return pd.concat(
        [pd.read_csv(file, dtype=str, keep_default_na=False, na_values=[""]) for file in files], ignore_index=True
    )
