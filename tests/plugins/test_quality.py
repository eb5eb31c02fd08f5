from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

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
    surroundings = SimpleNamespace(base_dir=base, name="quality", outbox=None, store=None)
    return QualityPlugin(config, cast(PluginContext, surroundings))


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
    assert critical.message == "critical in the suite; audit only tells"
    unanswered = plugin.judge_write(write("/lake/sales"), RUN, {})
    assert [verdict.status for verdict in unanswered] == ["error", "error"]
    assert not any(verdict.refuses for verdict in unanswered)


@pytest.mark.parametrize("switch", ["on", True])
def test_the_breaker_may_be_switched_on_in_both_spellings(tmp_path: Path, switch: object) -> None:
    assert judged(make(tmp_path, breaker=switch), answers(1, 0))[0].refuses


@pytest.mark.parametrize(
    ("options", "key"),
    [
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


@pytest.mark.parametrize("options", [{}, {"suites": []}, {"suites": [], "profile": []}])
def test_without_suites_and_profiles_there_is_nothing_to_do(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="nothing to do: name suites, datasets to profile"):
        QualityConfig.model_validate(options)


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
            "suite.yaml:7: no write of this run matched the suite's dataset '*/stores'; its check was not used"
        )
        assert [record.levelno for record in caplog.records] == [logging.WARNING]

    def test_a_write_that_failed_is_a_use(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        plugin = make(tmp_path)
        plugin.on_write_failed(write("/lake/sales"), RUN)
        plugin.on_write_finished(write("/lake/stores", intercepted=False), RUN)
        plugin.on_run_finished(ended(RUN), RUN)
        assert self.told(caplog) == []

    def test_a_run_without_writes_tells_nothing(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        plugin = make(tmp_path)
        plugin.on_run_finished(ended(RUN), RUN)
        assert self.told(caplog) == []
        plugin.on_write_finished(write("/lake/others"), RUN)
        plugin.on_run_finished(ended(RUN), RUN)
        assert [message[:12] for message in self.told(caplog)] == ["suite.yaml:2", "suite.yaml:7"]

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
        plugin.on_write_finished(write("/lake/others"), run)
        plugin.on_run_finished(ended(run), run)
        assert len(self.told(caplog)) == 2


class TestBreakers:
    SUITE = """\
suites:
  - dataset: "*/sales"
    breaker: quarantine
    quarantine: {path: aside, at_most: 0.1}
    checks:
      - range: {column: price, min: 0}
        severity: critical
      - unique: {columns: [id], keep: first}
      - completeness: name
        severity: warn
      - row_count: {min: 1}
  - dataset: "*/sales"
    breaker: off
    checks:
      - completeness: id
        severity: critical
"""
    RESULTS: ClassVar[dict[Measure, Measured]] = {
        Measure.rows(): Measured(100, "proof"),
        Measure.outside("price", minimum=0): Measured(3, "vectorised"),
        Measure.duplicates("id"): Measured(4, "vectorised"),
        Measure.nulls("name"): Measured(5, "vectorised"),
        Measure.nulls("id"): Measured(6, "vectorised"),
    }

    def test_each_suite_says_what_follows_for_its_own_checks(self, tmp_path: Path) -> None:
        plugin = make(tmp_path, self.SUITE, breaker="publish")
        event = write("/lake/sales")
        asked = {m: (m.breaker, m.required, m.quarantine) for m in plugin.measure_write(event, RUN) or ()}
        assert asked[Measure.rows()] == ("quarantine", False, "aside")
        assert asked[Measure.outside("price", minimum=0)] == ("quarantine", True, "aside")
        assert asked[Measure.nulls("id")] == ("audit", False, None)
        price, unique, name, rows, number = plugin.judge_write(event, RUN, self.RESULTS)
        assert price.sets_aside is not None
        assert (price.sets_aside.measure, price.sets_aside.keep_first) == (Measure.outside("price", minimum=0), False)
        assert unique.sets_aside is not None
        assert unique.sets_aside.keep_first
        assert (name.sets_aside, rows.sets_aside, number.sets_aside) == (None, None, None)
        assert (price.refuses, number.refuses, number.severity) == (False, False, "error")
        assert {len(one.suite) for one in (price, unique, name, rows, number)} == {12}
        assert price.suite != number.suite

    @pytest.mark.parametrize(("aside", "refuses"), [(9, False), (12, True)])
    def test_a_share_of_rows_is_borne(self, aside: int, refuses: bool, tmp_path: Path) -> None:
        event = write("/lake/sales", rows=90, rows_quarantined=aside)
        last = make(tmp_path, self.SUITE).judge_write(event, RUN, self.RESULTS)[-1]
        assert (last.check, last.failing_rows, last.refuses) == ("rows set aside", aside, refuses)

    def test_the_folder_for_all_has_one_for_each_dataset(self, tmp_path: Path) -> None:
        plugin = make(tmp_path, SUITE, breaker="quarantine", quarantine="s3://bucket/aside/")
        places = set()
        for name in ("/a/sales", "/b/sales", "/a-sales"):
            event = Write("w", Dataset("file", f"{name}/sales"), "append", utc_now())
            places.add((plugin.measure_write(event, RUN) or [])[0].quarantine)
        assert len(places) == 3
        assert all(str(place).startswith("s3://bucket/aside/") for place in places)
        event = Write("w", Dataset("file", "/../é %\n/sales"), "append", utc_now())
        (place,) = {measure.quarantine for measure in plugin.measure_write(event, RUN) or ()}
        assert ".." not in str(place)

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("breaker: maybe", "breaker: found 'maybe'"),
            ("breaker: [on]", "breaker: found a list"),
            ("quarantine: 3", "quarantine: found 3"),
            ("quarantine: {paht: a}", "unknown key (did you mean 'path'?)"),
            ("quarantine: {path: 3}", "should be a folder, as text"),
            ("quarantine: {at_most: 2}", "a share of the rows is allowed here"),
            ("quarantine: {at_most: yes}", "a share of the rows is allowed here"),
        ],
    )
    def test_mistakes_are_told(self, line: str, told: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            make(tmp_path, f"dataset: a\n{line}\nchecks:\n  - unique: a\n")
        assert "suite.yaml:2" in str(caught.value)
        assert told in str(caught.value)
