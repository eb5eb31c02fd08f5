"""Writes that are profiled: what is kept of them, and what later writes are held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.config_models import Config, PluginEntry
from hookline.core.errors import ConfigError
from hookline.core.events import Dataset
from hookline.core.store import Store
from hookline.pipelines import attach, watch
from hookline.quality.profile.column import digest
from hookline.quality.profile.model import Profile, merged
from hookline.testing import RecordingPlugin

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
CHECKS = """\
  - distribution: {column: price, method: psi}
  - category_drift: shop
  - anomaly: {metric: rows, min_history: 3}
"""


@pytest.fixture
def run(spark: SparkSession, tmp_path: Path) -> Iterator[Callable[..., RecordingPlugin]]:
    """Attaches; a second call is a second run, and begins when the first is told to the store."""
    opened: list[Any] = []

    def begin(profile: Any) -> RecordingPlugin:
        if opened:
            opened.pop().detach()
        (tmp_path / "s.yaml").write_text(f"dataset: '*/sales'\nchecks:\n{CHECKS}")
        options = {"suites": [str(tmp_path / "s.yaml")], "profile": profile}
        plugins = (PluginEntry("quality", options), PluginEntry("hookline.testing:RecordingPlugin"))
        opened.append(attach.attach(spark, Config(state_dir=tmp_path / "state", plugins=plugins), job="test"))
        return RecordingPlugin.last

    yield begin
    if opened:
        opened.pop().detach()


def said(recorder: RecordingPlugin) -> dict[str, str]:
    watch.drain()
    (write,) = recorder.seen("on_write_finished")
    return {verdict.check: verdict.status for verdict in write.verdicts}


def sell(spark: SparkSession, path: str, shop: str = "secret shop", price: str = "id % 100", rows: int = 1000) -> None:
    frame = spark.sql(f"SELECT id, '{shop}' || (id % 3) AS shop, CAST({price} AS DOUBLE) AS price FROM range({rows})")
    frame.write.mode("overwrite").parquet(path)


@pytest.mark.parametrize("profile", ["*/sales", {"dataset": "*/sales", "show": "shop"}])
def test_later_writes_are_held_against_earlier_ones(
    run: Any, spark: SparkSession, tmp_path: Path, profile: Any
) -> None:
    path = str(tmp_path / "sales")
    recorder = run([profile])
    sell(spark, path)
    assert said(recorder) == {
        "distribution(price, psi)": "skipped",
        "category_drift(shop)": "skipped",
        "anomaly(rows)": "skipped",
    }
    for _ in range(2):
        recorder = run([profile])
        sell(spark, path)
        assert said(recorder)["distribution(price, psi)"] == "passed"
        assert said(recorder)["category_drift(shop)"] == "passed"
    recorder = run([profile])
    sell(spark, path, shop="new shop", price="id % 100 + 50", rows=400)
    assert said(recorder) == {
        "distribution(price, psi)": "failed",
        "category_drift(shop)": "failed",
        "anomaly(rows)": "failed",
    }
    run([profile])
    store = Store(f"sqlite:///{tmp_path / 'state' / 'store.db'}")
    stored = store.past_profiles(Dataset("file", path))
    store.close()
    assert [one.rows for one in stored] == [1000, 1000, 1000, 400]
    shop = Profile.from_document(stored[0].document).column("shop")
    assert shop is not None
    assert (shop.rows, shop.nulls, shop.distinct) == (1000, 0, 3)
    shown = profile != "*/sales"
    assert shop.least == ("secret shop0" if shown else None)
    assert [value.startswith("#") for value, _ in shop.counts] == [not shown] * 3
    kept = b"".join(file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file())
    assert b"secret shop" not in kept


def test_only_chosen_datasets_and_columns_are_profiled(run: Any, spark: SparkSession, tmp_path: Path) -> None:
    run([{"dataset": ["*/sales"], "columns": ["id", "p*"]}])
    sell(spark, str(tmp_path / "sales"))
    sell(spark, str(tmp_path / "returns"))
    watch.drain()
    run([])
    store = Store(f"sqlite:///{tmp_path / 'state' / 'store.db'}")
    (stored,) = store.past_profiles(Dataset("file", str(tmp_path / "sales")))
    assert [column.name for column in Profile.from_document(stored.document).columns] == ["id", "price"]
    assert store.past_profiles(Dataset("file", str(tmp_path / "returns"))) == ()
    store.close()


@pytest.mark.parametrize("show", [[], ["day"]])
def test_partitions_have_profiles_of_their_own(run: Any, spark: SparkSession, tmp_path: Path, show: list[str]) -> None:
    run([{"dataset": "*/sales", "partitions": True, "show": show}])
    path = str(tmp_path / "sales")
    frame = spark.sql("SELECT id, id % 7 AS n, IF(id < 300, 'mon', 'tue') AS day, id % 5 = 0 AS odd FROM range(1000)")
    frame.write.partitionBy("day").parquet(path)
    watch.drain()
    run([])
    store, dataset = Store(f"sqlite:///{tmp_path / 'state' / 'store.db'}"), Dataset("file", path)
    (whole,) = store.past_profiles(dataset)
    names = ["day=mon", "day=tue"] if show else [f"day={digest(day)}" for day in ("mon", "tue")]
    parts = [store.past_profiles(dataset, part=name)[0] for name in names]
    store.close()
    assert [one.rows for one in (whole, *parts)] == [1000, 300, 700]
    together = merged([Profile.from_document(one.document) for one in parts])
    everything = Profile.from_document(whole.document)
    assert [column.name for column in everything.columns] == ["id", "n", "day", "odd"]
    for column in together.columns:
        same = everything.column(column.name)
        assert same is not None
        assert (column.rows, column.nulls, column.distinct) == (same.rows, same.nulls, same.distinct)
        assert sorted(column.counts) == sorted(same.counts)


def test_a_plugin_with_nothing_to_do_is_an_error(spark: SparkSession, tmp_path: Path) -> None:
    config = Config(state_dir=tmp_path, plugins=(PluginEntry("quality", {}),))
    with pytest.raises(ConfigError, match="name suites, datasets to profile, or both"):
        attach.attach(spark, config, job="test")
