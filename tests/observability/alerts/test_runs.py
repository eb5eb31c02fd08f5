"""From a run to a channel: one message, once, whatever dies in between; and ``hookline alerts test``."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hookline.cli import main
from hookline.core.config_models import Config, PluginEntry
from hookline.core.events import ErrorInfo, Verdict
from hookline.core.runtime import Runtime
from hookline.plugins.alerts import AlertsPlugin
from hookline.testing import sample_write

from .conftest import Backend


def titles(backend: Backend) -> list[list[str]]:
    """Of each message that arrived its items."""
    return [[f"{item['news']}: {item['title']}" for item in one.json["items"]] for one in backend.taken]


@pytest.fixture
def started(tmp_path: Path, backend: Backend) -> Iterator[Callable[..., Runtime]]:
    """A process's runtime, whose alerts go to the back end; ``close`` of what it gives ends the process."""
    opened: list[Runtime] = []

    def start(**options: Any) -> Runtime:
        channel = {"type": "webhook", "webhook_url": backend.url}
        entry = PluginEntry("alerts", {"channels": {"hook": channel}, **options})
        config = Config(state_dir=tmp_path / "state", base_dir=tmp_path, plugins=(entry,))
        opened.append(Runtime(config))
        return opened[-1]

    yield start
    for runtime in opened:
        runtime.outbox.close(0)


def run(runtime: Runtime, *writes: Any, failed: bool = False, job: str = "nightly") -> None:
    scope = runtime.open_run(job)
    for write in writes:
        write = dataclasses.replace(write, write_id=scope.next_write_id())
        scope.record_write_started(write)
        scope.record_write_ended(write, failed=write.error is not None)
    runtime.close_run(scope, exit_code=int(failed), error=ErrorInfo("builtins.KeyError") if failed else None)


def judged(status: Any, **more: Any) -> Any:
    return sample_write(verdicts=(Verdict("unique(id)", "error", status, failing_rows=2),), **more)


def test_a_run_is_one_message_and_its_recovery_another(started: Any, backend: Backend) -> None:
    runtime = started()
    run(runtime, judged("failed"), judged("failed"), failed=True)
    assert runtime.close() == 0
    runtime = started()
    run(runtime, judged("passed"))
    run(runtime, judged("passed"))
    assert runtime.close() == 0
    assert [sorted(told) for told in titles(backend)] == [
        [
            "alert: Check unique(id) on /data/orders failed: 2 of 3 rows",
            "alert: Run of nightly failed with exit code 1 (KeyError)",
        ],
        [
            "recovered: Check unique(id) on /data/orders failed: 2 of 3 rows",
            "recovered: Run of nightly failed with exit code 1 (KeyError)",
        ],
    ]


def test_a_run_inside_another_is_told_of_with_it(started: Any, backend: Backend) -> None:
    runtime = started()
    outer = runtime.open_run("outer")
    with runtime.inside(outer):
        run(runtime, judged("failed"), job="inner", failed=True)
    assert backend.taken == []
    runtime.close_run(outer)
    assert runtime.close() == 0
    assert [len(told) for told in titles(backend)] == [2]


def test_a_run_that_goes_on_is_told_of_meanwhile(started: Any, backend: Backend) -> None:
    runtime = started(group_s=0.2)
    scope = runtime.open_run("stream")
    for number, status in enumerate(("failed", "passed")):
        write = judged(status, write_id=scope.next_write_id(), batch_id=number)
        scope.record_write_started(write)
        scope.record_write_ended(write, failed=False)
        runtime.tracing.drain()
        deadline = time.monotonic() + 10.0
        while len(backend.taken) <= number and time.monotonic() < deadline:
            time.sleep(0.02)
    assert [items[0].split(":")[0] for items in titles(backend)] == ["alert", "recovered"]
    runtime.close_run(scope)


def test_a_channel_that_is_dead_costs_nothing_and_hears_of_everything_later(started: Any, backend: Backend) -> None:
    backend.broken = True
    runtime = started()
    run(runtime, judged("failed"))
    deadline = time.monotonic() + 10.0
    while "HTTP 503" not in (told := " ".join(runtime.outbox.problems())):
        assert time.monotonic() < deadline, told
        time.sleep(0.02)
    assert [one.pending for one in runtime.outbox.status() if one.name == "alerts.hook"] == [1]
    assert "SECRET" not in told
    runtime.outbox.close(0)
    backend.broken = False
    runtime = started()
    assert runtime.outbox.replay() == 0
    assert len(backend.taken) == 1


_KILLED = """
import os
from pathlib import Path
from hookline.core.config_models import Config, PluginEntry
from hookline.core.events import Verdict
from hookline.core.runtime import Runtime
from hookline.testing import sample_write
entry = PluginEntry("alerts", {{"channels": {{"hook": {{"type": "webhook", "webhook_url": {url!r}}}}}}})
runtime = Runtime(Config(state_dir=Path({state!r}), plugins=(entry,)))
scope = runtime.open_run("nightly")
verdict = Verdict("unique(id)", "error", "failed", failing_rows=2)
write = sample_write(write_id=scope.next_write_id(), verdicts=(verdict,))
scope.record_write_started(write)
scope.record_write_ended(write, failed=False)
runtime.tracing.drain()
os.kill(os.getpid(), 9)
"""


def test_what_a_run_that_was_killed_had_found_is_told_with_its_death(
    started: Any, backend: Backend, tmp_path: Path
) -> None:
    code = _KILLED.format(url=backend.url, state=str(tmp_path / "state"))
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environ, check=False, timeout=60).returncode == -9
    runtime = started()
    run(runtime, job="another")
    assert runtime.close() == 0
    assert [sorted(told) for told in titles(backend)] == [
        [
            "alert: A run of nightly was found dead: its process ended without a word",
            "alert: Check unique(id) on /data/orders failed: 2 of 3 rows",
        ]
    ]


def test_escalation_by_time_needs_no_run_of_the_same_job(started: Any, backend: Backend) -> None:
    channel = {"type": "webhook", "webhook_url": backend.url}
    route = {"to": "hook", "escalate": [{"after_s": 0.01, "to": "boss"}]}
    options = {"channels": {"hook": channel, "boss": {**channel, "headers": {"X": "boss"}}}, "routes": [route]}
    runtime = started(**options)
    run(runtime, failed=True)
    runtime.close()
    time.sleep(0.05)
    runtime = started(**options)
    assert runtime.outbox.replay() == 0
    assert [told[0].partition(":")[0] for told in titles(backend)] == ["alert", "escalated"]
    assert backend.taken[1].json["run"] == {"job": "nightly"}
    assert backend.taken[1].json["headline"].startswith("🟠 escalated, error: 1 alert in a run of nightly")


# -- hookline alerts test ----------------------------------------------------------------------------------------------


@pytest.fixture
def configured(tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "hookline.yaml"
    file.write_text(
        "plugins:\n  alerts:\n    channels:\n"
        f"      team: {{type: slack, webhook_url: '{backend.url}'}}\n"
        "      dead: {type: webhook, webhook_url: 'http://127.0.0.1:1/SECRET', signing_secret: hunter2}\n"
    )
    return file


def test_the_command_says_what_each_channel_answers(
    configured: Path, backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alerts", "test"]) == 1
    out, err = capsys.readouterr()
    lines = [line.split(maxsplit=3) for line in out.splitlines()]
    assert lines[1] == ["team", "slack", "ok", "ok"]
    assert lines[2][:3] == ["dead", "webhook", "failed"]
    assert "can't be reached (ConnectionRefusedError)" in lines[2][3]
    assert err == "hookline: 1 of 2 channels did not take the message\n"
    assert "SECRET" not in out + err
    (message,) = backend.taken
    assert message.json["text"] == "🔵 hookline: a test message, nothing is wrong"
    assert not (configured.parent / ".hookline").exists(), "a test leaves nothing to be delivered later"


def test_the_command_tries_the_channels_that_are_named(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "test", "--channel", "team", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"version": 1, "channels": [{"channel": "team", "type": "slack", "ok": True, "answer": "ok"}]}
    assert main(["alerts", "test", "--channel", "taem"]) == 4
    assert "there is no channel 'taem'; there are: dead, team" in capsys.readouterr().err


def test_the_command_needs_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOOKLINE_CONFIG", raising=False)
    assert main(["alerts", "test"]) == 4
    assert "no channels are configured" in capsys.readouterr().err


def test_a_wrong_url_is_not_quoted(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = configured.read_text()
    configured.write_text(text.replace("'http://127.0.0.1:1/SECRET'", "'127.0.0.1:1/SECRET'"))
    assert main(["alerts", "test"]) == 4
    told = capsys.readouterr().err
    assert "webhook_url" in told
    assert "SECRET" not in told
    assert "hunter2" not in told


def test_the_plugin_is_light() -> None:
    """What attaching loads; channels, HTTP and the database wait until there is something to tell."""
    code = (
        "import sys, hookline.plugins.alerts\n"
        "heavy = {'botocore', 'sqlalchemy', 'smtplib', 'http.client', 'hookline.core.web'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert AlertsPlugin.Config.__name__ == "AlertsConfig"
