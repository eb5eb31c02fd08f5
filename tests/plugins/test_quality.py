from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from hookline.core.bus import Bus
from hookline.core.errors import ConfigError
from hookline.core.events import Dataset, Measure, Measured, Run, RunEnded, RunStarted, Verdict, Write, utc_now
from hookline.core.loader import LoadedPlugin
from hookline.core.plugin import PluginContext
from hookline.plugins.quality import QualityConfig, QualityPlugin

SUITE = """\
suites:
  - dataset: "*/sales"
    checks:
      - completeness: id
        severity: critical
      - unique: id
  - dataset: "*/stores"
    checks:
      - row_count: {min: 1}
"""
RUN = Run.begin("job")


def make(base: Path, suite: str = SUITE, **options: Any) -> QualityPlugin:
    (base / "suite.yaml").write_text(suite)
    config = QualityConfig.model_validate({"suites": ["suite.yaml"], **options})
    # The plugin uses nothing of its surroundings but the folder.
    return QualityPlugin(config, cast(PluginContext, SimpleNamespace(base_dir=base)))


def write(name: str, **facts: Any) -> Write:
    return Write(f"{RUN.run_id}/1", Dataset("file", name), "append", utc_now(), **facts)


def answers(nulls: int, duplicates: int) -> dict[Measure, Measured]:
    return {
        Measure.nulls("id"): Measured(nulls, "proof"),
        Measure.duplicates("id"): Measured(duplicates, "vectorised"),
    }


def ended(run: Run, status: Any = "finished") -> RunEnded:
    return RunEnded(status, utc_now(), 1.0)


def on_bus(plugin: QualityPlugin) -> Bus:
    return Bus([LoadedPlugin("quality", plugin, ())])


def judged(plugin: QualityPlugin, results: dict[Measure, Measured]) -> tuple[Verdict, ...]:
    bus, event = on_bus(plugin), write("/lake/sales")
    try:
        wanted = bus.measures(event, RUN)
        return bus.judge(event, RUN, wanted, results)
    finally:
        bus.close()


def test_only_matching_suites_are_measured_and_judged(tmp_path: Path) -> None:
    plugin = make(tmp_path)
    assert plugin.measure_write(write("/lake/sales"), RUN) == [Measure.nulls("id"), Measure.duplicates("id")]
    assert plugin.measure_write(write("/lake/stores"), RUN) == [Measure.rows()]
    assert plugin.measure_write(write("/lake/other"), RUN) == []
    assert plugin.judge_write(write("/lake/other"), RUN, {}) == []


def test_a_failed_critical_check_refuses_on_the_bus(tmp_path: Path) -> None:
    critical, unique = judged(make(tmp_path), answers(3, 0))
    assert (critical.check, critical.status, critical.failing_rows, critical.refuses) == (
        "completeness(id)",
        "failed",
        3,
        True,
    )
    assert (critical.plugin, critical.way) == ("quality", "proof")
    assert (unique.status, unique.way) == ("passed", "vectorised")


def test_a_failed_error_check_does_not_refuse(tmp_path: Path) -> None:
    verdicts = judged(make(tmp_path), answers(0, 2))
    assert [verdict.status for verdict in verdicts] == ["passed", "failed"]
    assert not any(verdict.refuses for verdict in verdicts)


def test_measures_of_required_checks_are_required(tmp_path: Path) -> None:
    assert [measure.required for measure in make(tmp_path).measure_write(write("/lake/sales"), RUN) or ()] == [
        True,
        False,
    ]


@pytest.mark.parametrize("switch", ["off", False])
def test_with_the_breaker_off_nothing_refuses_and_the_verdict_says_so(tmp_path: Path, switch: object) -> None:
    plugin = make(tmp_path, breaker=switch)
    assert not any(measure.required for measure in plugin.measure_write(write("/lake/sales"), RUN) or ())
    critical, _ = judged(plugin, answers(3, 0))
    assert (critical.status, critical.severity, critical.refuses) == ("failed", "error", False)
    assert critical.message == "critical in the suite; the breaker is off"
    unanswered = plugin.judge_write(write("/lake/sales"), RUN, {})
    assert [verdict.status for verdict in unanswered] == ["error", "error"]
    assert not any(verdict.refuses for verdict in unanswered)


@pytest.mark.parametrize("switch", ["on", True])
def test_the_breaker_may_be_switched_on_in_both_spellings(tmp_path: Path, switch: object) -> None:
    assert judged(make(tmp_path, breaker=switch), answers(1, 0))[0].refuses


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({}, "suites"),
        ({"suites": []}, "suites"),
        ({"suites": "suite.yaml"}, "suites"),
        ({"suites": [3]}, "suites"),
        ({"suites": ["a"], "breaker": "maybe"}, "breaker"),
        ({"suites": ["a"], "braker": "on"}, "braker"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        QualityConfig.model_validate(options)
    assert caught.value.errors()[0]["loc"][0] == key


def test_a_suite_that_is_missing_or_wrong_stops_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"suites: 'none\*\.yaml' names no file"):
        make(tmp_path, suites=["none*.yaml"])
    with pytest.raises(ConfigError, match=r"^suite\.yaml:3: checks\[0\]\.uniq: unknown check .*'unique'"):
        make(tmp_path, "dataset: a\nchecks:\n  - uniq: a\n")


class TestUnusedSuites:
    def told(self, caplog: pytest.LogCaptureFixture) -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "hookline.plugins.quality"]

    def begin(self, plugin: QualityPlugin, run: Run) -> None:
        plugin.on_run_started(RunStarted(run.started_at), run)

    def test_they_are_told_once(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        plugin = make(tmp_path)
        for run in (RUN, Run.begin("again")):
            self.begin(plugin, run)
            plugin.on_write_finished(write("/lake/sales"), run)
            plugin.on_run_finished(ended(run), run)
        (message,) = self.told(caplog)
        assert message.startswith(
            "suite.yaml:7: no write of this run matched the suite's dataset '*/stores'; its 1 check"
        )
        assert [record.levelno for record in caplog.records] == [logging.WARNING]

    def test_a_write_that_failed_is_a_use(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        plugin = make(tmp_path)
        plugin.on_write_failed(write("/lake/sales"), RUN)
        plugin.on_write_finished(write("/lake/stores", intercepted=False), RUN)
        plugin.on_run_finished(ended(RUN), RUN)
        assert self.told(caplog) == []

    def test_a_run_that_failed_tells_nothing(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        plugin = make(tmp_path)
        plugin.on_run_failed(ended(RUN, "failed"), RUN)
        assert self.told(caplog) == []

    def test_an_inner_run_leaves_it_to_the_outer_one(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        plugin = make(tmp_path)
        outer = Run.begin("outer")
        inner = Run("inner", "inner", utc_now(), parent_run_id=outer.run_id)
        self.begin(plugin, outer)
        self.begin(plugin, inner)
        plugin.on_run_finished(ended(inner), inner)
        assert self.told(caplog) == []
        plugin.on_write_finished(write("/lake/stores"), outer)
        plugin.on_run_finished(ended(outer), outer)
        (message,) = self.told(caplog)
        assert "'*/sales'" in message

    def test_a_scheduler_as_parent_does_not_silence_it(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        plugin = make(tmp_path)
        run = Run("r", "job", utc_now(), parent_run_id="a task of a scheduler")
        self.begin(plugin, run)
        plugin.on_run_finished(ended(run), run)
        assert len(self.told(caplog)) == 2
