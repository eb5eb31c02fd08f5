"""``hookline runs``, ``hookline plugins`` and ``hookline outbox`` after runs: what the store and the outbox kept."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hookline.cli import main
from hookline.core.config import load_config
from hookline.core.errors import SinkError
from hookline.core.outbox import Outbox
from hookline.core.runtime import Runtime
from hookline.core.summary import run_document
from hookline.testing import sample_write

PLUGIN = """\
from typing import ClassVar
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig

class Clumsy:
    Config: ClassVar = PluginConfig
    def __init__(self, config, context): ...
    @hookimpl
    def on_write_finished(self, event, run):
        raise ValueError("secret")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a plugin that fails."""
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR", "OPENLINEAGE_PARENT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "history_case_plugin.py").write_text(PLUGIN)
    (tmp_path / "hookline.yaml").write_text("plugins: {'history_case_plugin:Clumsy': }\n")
    return tmp_path


def ran(job: str = "daily") -> dict[str, Any]:
    """The summary of a run with one write."""
    runtime = Runtime(load_config())
    scope = runtime.open_run(job)
    write = sample_write()
    scope.record_write_started(write)
    scope.record_write_ended(write, failed=False)
    ended = runtime.close_run(scope)
    assert runtime.close() == 0
    assert ended is not None
    return run_document(scope.run, ended)


def messages(folder: Path) -> list[Any]:
    with contextlib.closing(sqlite3.connect(folder / ".hookline" / "outbox.db")) as connection:
        return connection.execute("SELECT * FROM messages").fetchall()


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_runs_are_listed_latest_first(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = ran("first"), ran("second")
    document = shown(capsys, "runs")
    assert document["version"] == 1
    assert [run["run_id"] for run in document["runs"]] == [second["run_id"], first["run_id"]]
    assert (document["runs"][0]["job"], document["runs"][0]["status"]) == ("second", "finished")
    assert len(shown(capsys, "runs", "--limit", "1")["runs"]) == 1
    assert main(["runs"]) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["JOB", "second", "first"]


def test_one_run_is_told_as_its_own_summary_was(capsys: pytest.CaptureFixture[str]) -> None:
    document = ran()
    found = shown(capsys, "runs", document["run_id"][:9])
    for write in (*document["writes"], *found["writes"]):
        write["inputs"].sort(key=lambda name: (name["namespace"], name["name"]))
    document["reads"].sort(key=lambda name: (name["namespace"], name["name"]))
    assert found == document
    assert main(["runs", document["run_id"]]) == 0
    text = capsys.readouterr().out
    assert document["run_id"] in text
    assert sample_write().dataset.name.rpartition("/")[2] in text


@pytest.mark.parametrize("before", [0, 1])
def test_a_run_that_is_not_there(capsys: pytest.CaptureFixture[str], folder: Path, before: int) -> None:
    for _ in range(before):
        ran()
    assert main(["runs", "zzz"]) == 1
    assert capsys.readouterr().err.startswith("hookline: there is no run ")
    assert (folder / ".hookline").exists() is bool(before), "looking makes nothing"


def test_no_runs_yet(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert shown(capsys, "runs") == {"version": 1, "runs": []}
    assert not (folder / ".hookline").exists()


def test_plugins_tell_the_failures_of_their_last_run(capsys: pytest.CaptureFixture[str]) -> None:
    name = "history_case_plugin:Clumsy"
    rows = {row["name"]: row for row in shown(capsys, "plugins")["plugins"]}
    assert (rows[name]["failures"], rows[name]["last_run"]) == (None, None)
    document = ran()
    rows = {row["name"]: row for row in shown(capsys, "plugins")["plugins"]}
    assert rows[name]["failures"] == 1
    assert rows[name]["last_run"] == {
        "run_id": document["run_id"],
        "job": "daily",
        "started_at": document["started_at"],
        "failures_by_hook": {"on_write_finished": 1},
        "last_failure": document["plugins"][0]["last_failure"],
    }
    assert rows["console"]["failures"] is None
    assert main(["plugins"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(name))
    assert line.endswith(f"ready; 1 failure in its last run ({document['run_id'][:8]})")


def test_plugins_are_listed_without_a_usable_store(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / ".hookline").mkdir()
    (folder / ".hookline" / "store.db").write_bytes(b"shopping list" * 500)
    assert main(["plugins", "--json"]) == 0
    captured = capsys.readouterr()
    assert all(row["failures"] is None for row in json.loads(captured.out)["plugins"])
    assert "failures of earlier runs are not known: the store" in captured.err


def test_the_outbox_is_looked_at_without_plugins(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(capsys, "outbox", "status") == {"version": 1, "sinks": []}
    (folder / "hookline.yaml").write_text("plugins: {not_installed_anywhere: }\n")
    (folder / ".hookline").mkdir()
    outbox = Outbox(folder / ".hookline" / "outbox.db")

    class Refusing:
        batch_size = 1

        def deliver(self, messages: object) -> None:
            raise SinkError("no such channel", retryable=False)

    outbox.register("slack", Refusing())
    outbox.put("slack", {})
    outbox.put("datadog", {})
    outbox.start()
    outbox.close(10)
    before = messages(folder)
    datadog, slack = shown(capsys, "outbox", "status")["sinks"]
    assert (datadog["name"], datadog["pending"], datadog["dead"], datadog["last_error"]) == ("datadog", 1, 0, None)
    assert datadog["oldest_pending_s"] >= 0
    assert slack == {
        "name": "slack",
        "pending": 0,
        "dead": 1,
        "oldest_pending_s": None,
        "last_error": "no such channel",
    }
    assert main(["outbox", "status"]) == 0
    assert "no such channel" in capsys.readouterr().out
    assert before == messages(folder), "looking delivers nothing"
    assert main(["outbox", "replay"]) == 4
    assert "not_installed_anywhere" in capsys.readouterr().err
