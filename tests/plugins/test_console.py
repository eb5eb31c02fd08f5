"""``console``: the summary on standard error, nothing on standard output, no cost without a terminal."""

from __future__ import annotations

import datetime as dt
import io
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hookline.core.events import Dataset, Run, RunEnded, RunStarted, Write
from hookline.core.plugin import PluginContext
from hookline.plugins.console import ConsoleConfig, ConsolePlugin
from hookline.testing import PluginContract

AT = dt.datetime(2026, 5, 4, 3, 2, 1, tzinfo=dt.timezone.utc)
RUN = Run("0d3c1b2a-5f6e-4d7c-8b9a-0a1b2c3d4e5f", "retail.silver", AT)
WRITE = Write(f"{RUN.run_id}/1", Dataset("file", "/lake/sales"), "append", AT, rows=3)
ENDED = RunEnded("finished", AT, 2.0, writes=(WRITE,), writes_total=1)


def plugin(tmp_path: Path, **options: Any) -> ConsolePlugin:
    context: Any = PluginContext("console", None, tmp_path, tmp_path, outbox=None, store=None)  # type: ignore[arg-type]
    return ConsolePlugin(ConsoleConfig(**options), context)


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "hookline-progress"]


class TestContract(PluginContract):
    plugin = ConsolePlugin
    good_options: ClassVar = {"progress": "on"}
    bad_options: ClassVar = ({"progress": "yes"}, {"color": True}, {"verdicts": "none"}, {"colour": "on"})


def test_the_summary_goes_to_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console = plugin(tmp_path)
    console.on_run_started(RunStarted(AT), RUN)
    assert watchers() == []
    console.on_run_finished(ENDED, RUN)
    console.close()
    out, err = capsys.readouterr()
    assert out == ""
    assert "/lake/sales" in err
    assert err.count("retail.silver") == 1


def test_a_failed_run_has_its_summary_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugin(tmp_path).on_run_failed(RunEnded("refused", AT, 2.0, exit_code=3), RUN)
    assert "refused" in capsys.readouterr().err


def test_an_earlier_run_that_died_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    console = plugin(tmp_path, progress="on")
    console.on_run_started(RunStarted(AT), RUN)
    console.on_run_failed(RunEnded("abandoned", AT, 2.0), RUN)
    assert len(watchers()) == 1, "this run goes on"
    console.on_run_finished(ENDED, RUN)
    assert watchers() == []
    assert "an earlier run of retail.silver" in capsys.readouterr().err


def test_the_line_stays_until_the_outermost_run_ends(tmp_path: Path) -> None:
    console = plugin(tmp_path, progress="on")
    for _ in range(2):
        console.on_run_started(RunStarted(AT), RUN)
    console.on_run_finished(ENDED, RUN)
    assert len(watchers()) == 1
    console.on_run_finished(ENDED, RUN)
    assert watchers() == []
    console.on_run_started(RunStarted(AT), RUN)
    assert len(watchers()) == 1
    console.close()
    assert watchers() == []


def test_a_closed_standard_error_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (None, io.StringIO()):
        if stream:
            stream.close()
        monkeypatch.setattr(sys, "stderr", stream)
        console = plugin(tmp_path, progress="on")
        console.on_run_started(RunStarted(AT), RUN)
        console.on_run_finished(ENDED, RUN)


def test_a_job_that_replaces_standard_error_does_not_catch_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    console = plugin(tmp_path)
    caught = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", caught)
        console.on_run_finished(ENDED, RUN)
    assert caught.getvalue() == ""
    assert "retail.silver" in capsys.readouterr().err
