"""What runs cost: the formulas by hand, the book's own prices, a user's, and what is wrong in them."""

from __future__ import annotations

import datetime as dt
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

from hookline.core.costing import BudgetConfig, CostConfig
from hookline.core.errors import ConfigError, SinkError
from hookline.core.events import Dataset, Run
from hookline.core.labels import LabelsConfig
from hookline.core.outbox.message import Message
from hookline.core.store import LazyStore, Store, StoreSink
from hookline.core.telemetry import RunTelemetry, Telemetry
from hookline.observability.cost import Costing
from hookline.observability.cost.book import find, price_book
from hookline.observability.cost.budgets import budgets_of
from hookline.observability.cost.explorer import billed
from hookline.observability.cost.storage import listing, storage_cost, stored
from hookline.observability.keeping import measurement_of_run
from hookline.testing import sample_run, sample_run_ended, sample_write

HOUR, GIB = 3600.0, 1024.0**3
TOLD = RunTelemetry(
    known=True,
    master="yarn",
    cores=16,
    core_s=8 * HOUR,
    memory_byte_s=32 * GIB * HOUR,
    driver_s=0.5 * HOUR,
    executor_run_s=100.0,
    settings=(("spark.driver.memory", "4g"),),
)


def cost(config: dict[str, Any], told: RunTelemetry | None = TOLD, folder: Path = Path(), **facts: Any) -> Any:
    return Costing(CostConfig(**config), folder).of_run(sample_run_ended(telemetry=told, **facts), sample_run())


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"platform": "emr_serverless"}, 8.5 * 0.052624 + (32 + 4 * 0.5) * 0.0057785),
        ({"platform": "glue"}, (8 / 4 + 0.5) * 0.44),
        ({"platform": "glue", "worker_type": "G.2X"}, (8 / 4 + 2 * 0.5) * 0.44),
        ({"platform": "emr_ec2", "instance_type": "m5.xlarge"}, 2 * (0.192 + 0.048)),
        ({"platform": "databricks", "instance_type": "i3.xlarge"}, 2 * (0.312 + 1.0 * 0.15)),
        ({"platform": "databricks", "worker_type": "all_purpose"}, 2 * (0.312 + 1.0 * 0.55)),
    ],
)
def test_a_run_costs_what_its_cores_and_time_cost(config: dict[str, Any], expected: float) -> None:
    found = cost(config)
    assert found.total == pytest.approx(expected)
    assert found.currency == "USD"
    assert config["platform"] in found.price
    assert " * " in found.formula


def test_what_runs_in_the_driver_is_not_paid_twice() -> None:
    local = RunTelemetry(known=True, master="local[2]", core_s=2 * HOUR, driver_s=HOUR)
    assert cost({"platform": "glue"}, local).total == pytest.approx(2 / 4 * 0.44)


def test_datasets_share_the_cost_by_their_executor_time() -> None:
    writes = tuple(
        sample_write(write_id=f"r/{place}", telemetry=Telemetry(attribution="tag", executor_run_s=seconds))
        for place, seconds in enumerate((10.0, 15.0))
    )
    found = cost({"platform": "glue"}, writes=writes)
    ((dataset, amount),) = found.by_dataset.items()
    assert dataset == (writes[0].dataset.namespace, writes[0].dataset.name)
    assert amount == pytest.approx(found.total * 25 / 100)


@pytest.mark.parametrize("told", [None, RunTelemetry(missing=("away",))])
def test_without_numbers_or_platform_there_is_no_cost(told: RunTelemetry | None) -> None:
    assert cost({"platform": "glue"}, told) is None
    assert cost({}) is None


OWN = """\
version: 1
currency: {currency}
compute:
  glue:
    - {{region: eu-central-1, dpu_hour: 1.0, as_of: 2026-01-01, source: our agreement}}
    - {{region: us-east-1, dpu_hour: 2.0, as_of: 2026-01-01, source: our agreement}}
"""


def test_a_users_prices_win(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN.format(currency="USD"))
    config = {"platform": "glue", "price_book": "own.yaml"}
    assert cost({**config, "region": "eu-central-1"}, folder=tmp_path).total == pytest.approx(2.5)
    assert cost(config, folder=tmp_path).total == pytest.approx(5.0)
    kept = price_book(CostConfig(**config), tmp_path)
    assert find(kept.compute.emr_serverless, "us-east-1") is not None
    (tmp_path / "own.yaml").write_text(OWN.format(currency="EUR"))
    assert cost(config, folder=tmp_path).currency == "EUR"
    assert price_book(CostConfig(**config), tmp_path).compute.emr_serverless == ()


@pytest.mark.parametrize(
    ("config", "text", "words"),
    [
        ({"price_book": "none.yaml"}, None, "none.yaml can't be read: No such file"),
        ({"price_book": "own.yaml"}, "a: [", "is no YAML"),
        ({"price_book": "own.yaml"}, "version: 1\ncompute: {glue: [{region: x}]}", "compute.glue.0"),
        ({"price_book": "own.yaml"}, "version: 1\nprices: {}", "prices"),
        ({"region": "mars-1"}, None, "no price of glue for mars-1"),
        ({"worker_type": "G.9X"}, None, "allowed: G.025X, G.1X"),
        ({"platform": "emr_ec2", "instance_type": "x1.huge"}, None, "x1.huge"),
    ],
)
def test_what_is_wrong_with_prices_is_said_before_the_job_begins(
    tmp_path: Path, config: dict[str, Any], text: str | None, words: str
) -> None:
    if text is not None:
        (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words.replace(".", r"\.")):
        Costing(CostConfig(**{"platform": "glue", **config}), tmp_path)


def test_every_price_of_the_book_says_where_and_when_it_was_read() -> None:
    path = Path(__file__).resolve().parents[3] / "src/hookline/observability/cost/prices.yaml"
    book = yaml.safe_load(path.read_text())
    prices = [
        price
        for section in ("compute", "storage", "streams", "warehouses")
        for kind in book[section].values()
        for price in kind
    ]
    assert len(prices) >= 10
    assert all(price["source"].startswith("https://") and isinstance(price["as_of"], dt.date) for price in prices)
    assert {*book["compute"], *book["storage"], *book["streams"], *book["warehouses"]} == {
        "emr_serverless", "glue", "emr_ec2", "databricks", "s3", "kinesis", "snowflake",
    }  # fmt: skip


def test_storage_is_paid_for_all_that_lies_there(tmp_path: Path) -> None:
    for name, size in {"a.parquet": 1000, "part=1/b.parquet": 24, "_delta_log/0.json": 100}.items():
        (tmp_path / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "t" / name).write_bytes(b"x" * size)
    listed = listing(str(tmp_path / "t"))
    assert (listed.files, listed.bytes) == (3, 1124)
    price = find(price_book(CostConfig(), tmp_path).storage.s3, "us-east-1")
    assert price is not None
    found = storage_cost(listed._replace(bytes=int(10 * GIB)), price)
    assert found.month == pytest.approx(0.23)
    assert found.rewrite == pytest.approx(3 / 1000 * 0.005)
    assert listing(str(tmp_path / "nowhere")).files == 0


def test_a_place_is_listed_once_for_all_who_ask(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a").write_bytes(b"x" * 10)
    datasets = [Dataset("file", f"{tmp_path}/t"), Dataset("kafka://x", "topic"), Dataset("file", f"{tmp_path}/other")]
    price = Costing(CostConfig(platform="glue"), tmp_path).storage_price()
    (found,) = stored(datasets, ["*/t"], price)
    (tmp_path / "t" / "b").write_bytes(b"x" * 10)
    (again,) = stored(datasets, ["*/t"], price)
    assert (found.bytes, again.bytes, found.files) == (10, 10, 1)
    assert found.month == pytest.approx(10 / GIB * 0.023)
    assert stored(datasets, ["*/nothing"]) == []


class Explorer:
    """Answers as Cost Explorer's model says, in two pages."""

    def get_cost_and_usage(self, **asked: Any) -> dict[str, Any]:
        assert asked["GroupBy"] == [{"Type": "TAG", "Key": "team"}]
        second = "NextPageToken" in asked
        day = "2026-01-02" if second else "2026-01-01"
        amount = {"UnblendedCost": {"Amount": "1.25", "Unit": "USD"}}
        groups = [{"Keys": ["team$retail"], "Metrics": amount}, {"Keys": ["team$"], "Metrics": amount}]
        page = {"ResultsByTime": [{"TimePeriod": {"Start": day, "End": day}, "Groups": groups, "Estimated": second}]}
        return page if second else {**page, "NextPageToken": "more"}


def test_what_aws_billed_is_read_page_by_page() -> None:
    found = billed("team", dt.date(2026, 1, 1), dt.date(2026, 1, 3), client=Explorer())
    assert [(one.day.day, one.tag, one.amount, one.estimated) for one in found] == [
        (1, "retail", 1.25, False), (1, "", 1.25, False), (2, "retail", 1.25, True), (2, "", 1.25, True),
    ]  # fmt: skip


def test_a_refusal_of_aws_is_told_without_its_text() -> None:
    def refuses(**asked: Any) -> None:
        error = Exception("User: arn:aws:iam::123456789012:user/x is not authorized")
        error.response = {"Error": {"Code": "AccessDeniedException"}}  # type: ignore[attr-defined]
        raise error

    with pytest.raises(SinkError) as raised:
        billed(
            "team", dt.date(2026, 1, 1), dt.date(2026, 1, 2), client=types.SimpleNamespace(get_cost_and_usage=refuses)
        )
    assert str(raised.value) == "Cost Explorer did not answer: AccessDeniedException"


def test_a_budget_counts_the_runs_of_its_period(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    opened = LazyStore("unused://")
    opened._store = store
    costing = Costing(CostConfig(platform="glue"), tmp_path)
    for number, day in enumerate((3, 20, 26), 1):
        at = dt.datetime(2026, 1, day, 3, tzinfo=dt.timezone.utc)
        run = Run(f"00000000-0000-0000-0000-00000000000{number}", "nightly", at, environment="prod")
        ended = sample_run_ended(finished_at=at, telemetry=TOLD, status="failed" if day == 20 else "finished")
        payload = measurement_of_run(ended, run, LabelsConfig(), cost=costing.of_run(ended, run))
        StoreSink(opened).deliver([Message(str(day), "store", "measurement", payload, "x", at, 0)])
    now = dt.datetime(2026, 1, 26, 9, tzinfo=dt.timezone.utc)
    budgets = [
        BudgetConfig(amount=4.0),
        BudgetConfig(amount=5.0, job="night*"),
        BudgetConfig(amount=2.5, period="day"),
        BudgetConfig(amount=1.0, period="run"),
        BudgetConfig(amount=1.0, job="other"),
    ]
    found = [*budgets_of(store, budgets, "nightly", "prod", 1.1, now)]
    store.close()
    assert [(round(one.spent, 2), one.state) for one in found] == [
        (4.4, "exceeded"), (4.4, "warn"), (2.2, "warn"), (1.1, "exceeded"),
    ]  # fmt: skip
    assert found[0].sentence.startswith("4.40 of 4.00 (110 %)")
