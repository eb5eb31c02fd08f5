"""``lineage``: events go through the outbox to a file."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hookline.core.events import Dataset, ErrorInfo, Read, Run, RunEnded, RunStarted, Write
from hookline.core.outbox import Outbox
from hookline.core.plugin import PluginContext
from hookline.plugins.lineage import LineageConfig, LineagePlugin
from hookline.testing import PluginContract

AT = dt.datetime(2026, 5, 4, 3, 2, 1, tzinfo=dt.timezone.utc)
RUN = Run("0d3c1b2a-5f6e-4d7c-8b9a-0a1b2c3d4e5f", "retail.silver", AT)
WRITE = Write(
    f"{RUN.run_id}/1",
    Dataset("file", "/lake/sales"),
    "append",
    AT,
    inputs=(Read(Dataset("file", "/in")),),
    finished_at=AT,
    published=True,
)


class Job:
    """A run with the plugin and a real outbox."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.outbox = Outbox(folder / "state" / "outbox.db")
        context = PluginContext("lineage", None, folder / "state", folder, self.outbox, None)
        self.plugin = LineagePlugin(LineageConfig(**options), context)
        self.outbox.start()

    def __enter__(self) -> LineagePlugin:
        return self.plugin

    def __exit__(self, *_: object) -> None:
        assert self.outbox.close(30) == 0

    def events(self, path: str = "state/lineage.ndjson") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / path).read_text().splitlines()]


@pytest.fixture(autouse=True)
def _no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NAMESPACE", "PARENT_ID", "ROOT_PARENT_ID"):
        monkeypatch.delenv(f"OPENLINEAGE_{name}", raising=False)


class TestContract(PluginContract):
    plugin = LineagePlugin
    good_options: ClassVar = {"path": "events.ndjson", "namespace": "prod"}
    bad_options: ClassVar = ({"namespace": ""}, {"producer": "no uri"}, {"pfad": "x"}, {"path": 7})


def test_a_run_in_the_file(tmp_path: Path) -> None:
    job = Job(tmp_path)
    with job as plugin:
        plugin.on_run_started(RunStarted(AT), RUN)
        plugin.on_write_finished(WRITE, RUN)
        plugin.on_write_failed(
            Write(f"{RUN.run_id}/2", Dataset("file", "/bad"), "append", AT, error=ErrorInfo("E")), RUN
        )
        plugin.on_run_finished(RunEnded("finished", AT, 1.0), RUN)
    found = job.events()
    assert [event["eventType"] for event in found] == ["START", "START", "COMPLETE", "START", "FAIL", "COMPLETE"]
    assert {event["job"]["namespace"] for event in found} == {"hookline"}
    assert [event["run"]["runId"] == RUN.run_id for event in found] == [True, False, False, False, False, True]


def test_a_failed_run(tmp_path: Path) -> None:
    job = Job(tmp_path)
    with job as plugin:
        plugin.on_run_failed(RunEnded("abandoned", AT, 1.0), RUN)
    assert [event["eventType"] for event in job.events()] == ["ABORT"]


def test_the_same_events_again_add_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        job = Job(tmp_path)
        with job as plugin:
            plugin.on_write_finished(WRITE, RUN)
            plugin.on_write_finished(WRITE, RUN)
    assert len(job.events()) == 2


def test_options(tmp_path: Path) -> None:
    job = Job(tmp_path, path="out/events.json", namespace="prod", producer="https://example.org/etl")
    with job as plugin:
        plugin.on_run_started(RunStarted(AT), RUN)
    (event,) = job.events("out/events.json")
    assert (event["job"]["namespace"], event["producer"]) == ("prod", "https://example.org/etl")
    assert not (tmp_path / "state" / "lineage.ndjson").exists()


def test_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task, dag = (str(uuid.UUID(int=number)) for number in (1, 2))
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "from-env")
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", f"airflow/dag.task/{task}")
    monkeypatch.setenv("OPENLINEAGE_ROOT_PARENT_ID", f"airflow/dag/{dag}")
    job = Job(tmp_path)
    with job as plugin:
        plugin.on_run_started(RunStarted(AT), RUN)
    (event,) = job.events()
    parent = event["run"]["facets"]["parent"]
    assert event["job"]["namespace"] == "from-env"
    assert (parent["run"]["runId"], parent["root"]["run"]["runId"]) == (task, dag)


def test_a_file_that_cannot_be_written_costs_the_job_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where a folder should be")
    job = Job(tmp_path, path="out/events.json")
    job.plugin.on_write_finished(WRITE, RUN)
    assert job.outbox.close(1) == 2, "the events wait for a replay"


def test_messages_have_ids_that_a_replay_repeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[tuple[str, str]] = []

    class Recorder:
        def register(self, name: str, sink: object, *, linger_s: float) -> None:
            assert (name, linger_s > 0.5) == ("lineage", True), "one fsync for the writes of a while"

        def put(self, sink: str, payload: dict[str, Any], *, kind: str, id: str, order_key: str) -> str:
            put.append((id, order_key))
            return id

    for _ in range(2):
        context = PluginContext("lineage", None, tmp_path, tmp_path, Recorder(), None)  # type: ignore[arg-type]
        LineagePlugin(LineageConfig(), context).on_write_finished(WRITE, RUN)
    assert put[:2] == put[2:]
    assert put[0] != put[1]
    assert {key for _, key in put} == {RUN.run_id}
