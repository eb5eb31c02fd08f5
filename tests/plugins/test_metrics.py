"""``metrics``: the contract, and what comes of a run in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from hookline.cli import main
from hookline.core.config import load_config
from hookline.core.store import Store, Subject
from hookline.pipelines import attach
from hookline.plugins.metrics import MetricsPlugin
from hookline.testing import PluginContract

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class TestContract(PluginContract):
    plugin = MetricsPlugin
    good_options: ClassVar[Mapping[str, Any]] = {"keep_days": 7}
    bad_options = ({"keep_days": 0}, {"keep_day": 7}, {"keep_hours_days": "long"})


CONFIG = """\
job: nightly
plugins: {metrics: {}, prometheus: {textfile_dir: textfiles}}
cost: {platform: glue, storage: ["*/silver/*"]}
labels: {owner: platform, tags: {team: retail}}
"""


@pytest.mark.spark
def test_runs_are_kept_and_shown_and_compared(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hookline.yaml").write_text(CONFIG)
    out = f"{tmp_path}/silver/orders"
    runs = []
    for rows in (1_000, 5_000):
        with attach.attach(spark, load_config(), job="nightly") as attachment:
            spark.range(0, rows, 1, 2).repartition(3).write.mode("overwrite").parquet(out)
        runs.append(attachment.run.run_id)

    def said(*arguments: str) -> str:
        assert main(["runs", *arguments]) == 0
        return capsys.readouterr().out

    store = Store(load_config().store_url())
    (points,) = store.series(Subject("nightly", None, "file", out), ["hookline.write.rows"]).values()
    assert [point.value for point in points] == [1_000, 5_000]
    # A place that was listed a moment ago is not listed again: both runs tell what lay there after the first.
    stored = store.series(
        Subject("", None, "file", out), ["hookline.storage.bytes", "hookline.cost.storage_dollars_month"]
    )
    sizes = {point.value for point in stored["hookline.storage.bytes"]}
    (month,) = {point.value for point in stored["hookline.cost.storage_dollars_month"]}
    (size,) = sizes
    assert size > 1_000
    assert month == pytest.approx(size / 1024**3 * 0.023)
    store.close()
    (textfile,) = (tmp_path / "textfiles").glob("*.prom")
    sent = dict(line.rpartition(" ")[::2] for line in textfile.read_text().splitlines() if not line.startswith("#"))
    (told,) = (value for series, value in sent.items() if series.startswith("hookline_storage_bytes{"))
    assert float(told) == size
    assert any(series.startswith("hookline_cost_storage_dollars_month{") for series in sent)
    shown = json.loads(said(runs[0], "--json"))
    assert shown["telemetry"]["tasks"] >= 5
    assert shown["cost"]["total"] > 0
    assert shown["cost"]["tags"] == {"team": "retail"}
    (spent,) = shown["spent"]
    assert (spent["name"], spent["metrics"]["hookline.write.rows"]) == (out, 1_000)
    assert spent["telemetry"]["shuffle_write_rows"] == 1_000
    text = said("show", runs[0])
    assert "spent on" in text
    assert " DPU h * 0.44" in text
    differences = json.loads(said("diff", *runs, "--json"))
    assert [differences[side]["run_id"] for side in ("before", "after")] == runs
    (rows_differ,) = (one for one in differences["differences"] if one["metric"] == "hookline.write.rows")
    assert (rows_differ["name"], rows_differ["before"], rows_differ["after"], rows_differ["change"]) == (
        out,
        1_000,
        5_000,
        4.0,
    )
    assert "+400.0 %" in said("diff", *(run[:8] for run in runs))


def test_a_comparison_of_one_run_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["diff"], ["diff", "a"], ["a", "b"], ["diff", "a", "b", "c"]):
        assert main(["runs", *words, "--set", f"state_dir={tmp_path}"]) != 0
        assert "hookline runs diff RUN RUN" in capsys.readouterr().err
