"""Suites of Great Expectations on real writes: judged, refused, set aside, and told in its own form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.config_models import Config, PluginEntry
from hookline.core.errors import ConfigError, WriteRefusedError
from hookline.pipelines import attach, watch
from hookline.testing import PluginContract, RecordingPlugin

pytest.importorskip("great_expectations")

from hookline.quality.breaker import rules_for
from hookline.quality.gx.context import Context, current_context

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
SECRET = "somebody@example.com"


def suite(name: str, *expectations: tuple[str, dict[str, Any], str]) -> dict[str, Any]:
    entries = [
        {"type": kind, "kwargs": kwargs, "severity": severity, "meta": {}} for kind, kwargs, severity in expectations
    ]
    return {"name": name, "expectations": entries, "meta": {}}


class TestContract(PluginContract):
    plugin = "great_expectations"
    bad_options = ({}, {"suites": []}, {"suites": [{"suite": "no.json"}]}, {"suites": ["s.json"], "breaker": "maybe"})

    def options(self, folder: Path) -> dict[str, Any]:
        (folder / "s.json").write_text(
            json.dumps(suite("s", ("expect_table_row_count_to_equal", {"value": 1}, "info")))
        )
        return {"suites": [{"suite": "s.json", "dataset": "*"}], "context": "project"}


@pytest.fixture
def run(spark: SparkSession, tmp_path: Path) -> Iterator[Callable[..., RecordingPlugin]]:
    """Attaches with the plugin and a suite; ``end`` of what it gives detaches, and delivers what is to be delivered."""
    opened: list[Any] = []

    def begin(document: dict[str, Any], *more: PluginEntry, dataset: str = "*", **options: Any) -> RecordingPlugin:
        (tmp_path / "s.json").write_text(json.dumps(document))
        entry = {"suites": [{"suite": str(tmp_path / "s.json"), "dataset": dataset}], **options}
        plugins = (*more, PluginEntry("great_expectations", entry), PluginEntry("hookline.testing:RecordingPlugin"))
        opened.append(attach.attach(spark, Config(state_dir=tmp_path / "state", plugins=plugins), job="nightly"))
        return RecordingPlugin.last

    begin.end = lambda: opened.pop().detach()  # type: ignore[attr-defined]
    yield begin
    while opened:
        opened.pop().detach()


def verdicts(recorder: RecordingPlugin) -> dict[str, tuple[str, Any, str]]:
    watch.drain()
    (write,) = recorder.seen("on_write_finished")
    return {verdict.check: (verdict.status, verdict.observed, verdict.way) for verdict in write.verdicts}


FOUND = suite(
    "people",
    ("expect_column_values_to_be_unique", {"column": "id"}, "critical"),
    ("expect_column_values_to_match_regex", {"column": "email", "regex": "@", "mostly": 0.9}, "warning"),
    ("expect_column_max_to_be_between", {"column": "id", "max_value": 5}, "warning"),
    ("expect_column_values_to_be_increasing", {"column": "id"}, "info"),
    ("expect_column_most_common_value_to_be_in_set", {"column": "email", "value_set": ["x"]}, "info"),
    ("expect_column_values_to_be_between", {"column": "gone", "min_value": 1}, "warning"),
)


def people(spark: SparkSession) -> Any:
    return spark.sql(f"SELECT id, if(id = 3, 'nobody', '{SECRET}') AS email FROM range(10)").coalesce(1)


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_expectations_are_checks(kind: str, run: Any, spark: SparkSession, tmp_path: Path) -> None:
    recorder = run(FOUND)
    people(spark).write.format(kind).save(str(tmp_path / "people"))
    found = verdicts(recorder)
    assert found["expect_column_values_to_be_unique(id)"] == ("passed", 0, "vectorised")
    assert found["expect_column_values_to_match_regex(email)"] == ("passed", 1, "vectorised")
    assert found["expect_column_max_to_be_between(id)"] == ("failed", 9, "proof")
    assert found["expect_column_values_to_be_increasing(id)"] == ("passed", 0, "spark")
    assert found["expect_column_most_common_value_to_be_in_set(email)"] == ("failed", None, "spark")
    assert found["expect_column_values_to_be_between(gone)"][0] == "error"
    (write,) = recorder.seen("on_write_finished")
    messages = {verdict.check: verdict.message for verdict in write.verdicts if verdict.message}
    assert "the data has no column 'gone'" in messages["expect_column_values_to_be_between(gone)"]
    assert SECRET not in repr(write.verdicts)


def test_a_critical_expectation_stops_the_write(run: Any, spark: SparkSession, tmp_path: Path) -> None:
    run(suite("s", ("expect_column_values_to_be_unique", {"column": "id"}, "critical")), breaker="publish")
    target = tmp_path / "t"
    people(spark).write.parquet(str(target))
    with pytest.raises(WriteRefusedError, match="expect_column_values_to_be_unique"):
        people(spark).union(people(spark)).write.mode("overwrite").parquet(str(target))
    assert spark.read.parquet(str(target)).count() == 10


@pytest.mark.parametrize(
    "expectation",
    [
        ("expect_column_values_to_be_unique", {"column": "gone"}),
        ("expect_column_values_to_be_increasing", {"column": "gone"}),
        ("expect_column_values_to_be_between", {"column": "email", "min_value": 1}),
    ],
)
def test_one_without_an_answer_refuses_when_it_is_required(
    expectation: Any, run: Any, spark: SparkSession, tmp_path: Path
) -> None:
    run(suite("s", (*expectation, "critical")))
    with pytest.raises(WriteRefusedError):
        people(spark).write.parquet(str(tmp_path / "t"))
    assert not (
        tmp_path / "t"
    ).exists()  # a column that is not there is missed before the write, the rest before it is seen
    run.end()
    recorder = run(suite("s", (*expectation, "warning")))
    people(spark).write.parquet(str(tmp_path / "u"))
    assert [status for status, _, _ in verdicts(recorder).values()] == ["error"]


def test_rows_that_fail_are_set_aside(run: Any, spark: SparkSession, tmp_path: Path) -> None:
    matches = ("expect_column_values_to_match_regex", {"column": "email", "regex": "@"}, "critical")
    run(suite("s", matches), breaker="quarantine", quarantine=str(tmp_path / "aside"))
    people(spark).write.parquet(str(tmp_path / "t"))
    assert spark.read.parquet(str(tmp_path / "t")).count() == 9


def test_a_suite_is_fitted_once_to_a_dataset_as_it_is(
    run: Any, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[tuple[str, int]] = []

    def counted(dataset: Any, suites: Any, default: Any, folder: Any, columns: Any) -> Any:
        fitted.append((Path(dataset.name).name, len(columns)))
        return rules_for(dataset, suites, default, folder, columns)

    monkeypatch.setattr("hookline.plugins.great_expectations.rules_for", counted)
    recorder = run(suite("s", ("expect_table_row_count_to_equal", {"value": 10}, "info")))
    for _ in range(2):
        people(spark).write.mode("append").parquet(str(tmp_path / "t"))
    people(spark).selectExpr("*", "1 AS more").write.mode("overwrite").parquet(str(tmp_path / "t"))
    watch.drain()
    assert fitted == [("t", 2), ("t", 3)]
    assert [len(write.verdicts) for write in recorder.seen("on_write_finished")] == [1, 1, 1]


def test_results_and_docs_are_in_the_context(run: Any, spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "dataset: '*'\nchecks:\n  - range: {column: id, min: 0, max: 4}\n  - entropy: {column: id, min: 1}\n"
    )
    own = PluginEntry("quality", {"suites": [str(tmp_path / "own.yaml")]})
    folder = tmp_path / "project"
    run(FOUND, own, context=str(folder), data_docs=True, checks=[str(tmp_path / "own.yaml")])
    people(spark).write.parquet(str(tmp_path / "people"))
    watch.drain()
    run.end()
    context = Context(folder)
    results = {result.suite_name: result for result in context.results()}
    (ours,) = (name for name in results if name.startswith("hookline "))
    found = results["people"]
    assert found.statistics["evaluated_expectations"] == 6
    assert found.success is False
    assert found.meta["run_id"]["run_name"] == "nightly"
    by_type = {result.expectation_config.type: result for result in found.results}
    assert dict(by_type["expect_column_values_to_match_regex"].result) == {
        "element_count": 10,
        "unexpected_count": 1,
        "unexpected_percent": 10.0,
        "missing_count": 0,
        "missing_percent": 0.0,
        "unexpected_percent_total": 10.0,
        "unexpected_percent_nonmissing": 10.0,
    }
    assert by_type["expect_column_values_to_be_between"].exception_info["raised_exception"] is True
    assert [result.result["unexpected_count"] for result in results[ours].results] == [5]
    assert sorted(suite["name"] for suite in context.suites()) == sorted(["people", ours])
    pages = list(folder.rglob("*.html"))
    assert any("people" in page.name for page in pages)
    assert any(page.parent.name != "local_site" and "validations" in str(page) for page in pages)
    for file in folder.rglob("*"):
        assert not file.is_file() or SECRET not in file.read_text(encoding="utf-8", errors="replace"), file


def test_the_context_may_live_in_this_process(run: Any, spark: SparkSession, tmp_path: Path) -> None:
    import great_expectations as gx

    mine = gx.get_context(mode="ephemeral")
    mine.suites.add(gx.ExpectationSuite(name="mine"))
    run(FOUND, context="ephemeral")
    people(spark).write.parquet(str(tmp_path / "people"))
    watch.drain()
    run.end()
    assert [result.suite_name for result in current_context().results()][-1:] == ["people"]
    assert [one.name for one in mine.suites.all()] == ["mine"]


def test_checkpoints_are_kept_and_run_in_great_expectations_itself(spark: SparkSession, tmp_path: Path) -> None:
    import great_expectations as gx

    context = Context(tmp_path / "project")
    context.store_checkpoint(suite("people", ("expect_column_values_to_be_unique", {"column": "id"}, "critical")))
    context.store_checkpoint(suite("people", ("expect_column_values_to_be_unique", {"column": "id"}, "critical")))
    theirs = gx.get_context(mode="file", project_root_dir=str(tmp_path / "project"))
    result = theirs.checkpoints.get("people").run(batch_parameters={"dataframe": people(spark)})
    assert result.success


def test_mistakes_are_told_before_spark_starts(run: Any, spark: SparkSession) -> None:
    with pytest.raises(
        ConfigError, match=r"s.json: expectations\[0\].*did you mean 'expect_column_values_to_be_unique'"
    ):
        run(suite("s", ("expect_column_values_to_be_uniqe", {"column": "id"}, "critical")))
