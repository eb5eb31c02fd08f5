"""``lineage_job``: functions, pandas and shell steps as runs, on the same bus, in the same store and the same graph."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hookline
from hookline.core.config import load_config
from hookline.core.events import Dataset, Denial, Measure, Verdict
from hookline.lineage.sources import of_config
from hookline.lineage.walk import Impact
from hookline.lineage.works import Period
from hookline.testing import RecordingPlugin

CONFIG = """\
state_dir: .state
plugins:
  hookline.testing:RecordingPlugin:
  lineage: {namespace: shop}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two plugins."""
    for name in [name for name in os.environ if name.startswith(("HOOKLINE_", "OPENLINEAGE", "AIRFLOW", "DAGSTER"))]:
        if name not in ("HOOKLINE_JARS",):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hookline.yaml").write_text(CONFIG)
    return tmp_path


def answering(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
    """Have the recording plugin answer from its first call on."""
    make = RecordingPlugin.__init__

    def made(self: RecordingPlugin, *arguments: Any) -> None:
        make(self, *arguments)
        self.answers.update(answers)

    monkeypatch.setattr(RecordingPlugin, "__init__", made)


def told() -> list[tuple[str, Any]]:
    return [(hook, event) for hook, event in RecordingPlugin.last.calls if hook.startswith("on_")]


def events() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(".state/lineage.ndjson").read_text().splitlines()]


def test_a_piece_of_python_then_one_of_the_shell_are_one_graph(folder: Path) -> None:
    (folder / "raw.csv").write_text("id\n1\n")

    @hookline.lineage_job("clean", inputs=["raw.csv"], outputs=["clean.csv"])
    def clean() -> int:
        Path("clean.csv").write_text(Path("raw.csv").read_text())
        return 7

    @hookline.lineage_job("pack", inputs="clean.csv", outputs=Path("clean.csv.gz"))
    def pack() -> None:
        subprocess.run(["gzip", "-k", "clean.csv"], check=True)

    with hookline.run("nightly") as outer:
        assert clean() == 7
        pack()
    for events_file in (False, True):
        graph = of_config(load_config(), Period(), events=events_file)
        walk = Impact(graph, graph.find("clean.csv.gz"), "up")
        assert {node.label for node in walk.datasets} >= {str(folder / "clean.csv"), str(folder / "raw.csv")}
        assert graph.jobs() >= {("shop", "clean"), ("shop", "pack")}
    writes = [event for hook, event in told() if hook == "on_write_finished"]
    assert [(write.dataset.format, write.published, write.bytes, write.files) for write in writes] == [
        ("csv", True, 5, 1),
        (None, True, (folder / "clean.csv.gz").stat().st_size, 1),
    ]
    starts = [event for event in events() if event["eventType"] == "START" and not event["outputs"]]
    parents = [start["run"]["facets"].get("parent", {}).get("run", {}).get("runId") for start in starts]
    assert parents == [None, outer.run_id, outer.run_id]
    pieces = [event for event in events() if event["job"]["name"].startswith(("clean", "pack"))]
    assert {event["job"]["facets"]["jobType"]["integration"] for event in pieces} == {"HOOKLINE"}
    assert not any("processing_engine" in event["run"]["facets"] for event in pieces)
    upstream = [event["run"]["facets"].get("jobDependencies") for event in pieces if event["outputs"]]
    assert [found["upstream"][0]["job"]["name"] for found in upstream if found] == ["clean"], "known, since it ran here"
    sizes = [event["inputs"][0]["inputFacets"]["inputStatistics"]["size"] for event in pieces if event["outputs"]]
    assert sizes == [5, 5, 5, 5]


def test_what_is_read_and_written_may_depend_on_the_arguments() -> None:
    @hookline.lineage_job(
        "copy",
        inputs=lambda day, **_: [f"s3a://in/{day}"],
        outputs=lambda day, to="x": [Dataset("postgres://db:5432", to)],
    )
    def copy(day: str, to: str = "x") -> str:
        return f"{day} to {to}"

    assert copy("monday", to="shop.public.sales") == "monday to shop.public.sales"
    (write,) = [event for hook, event in told() if hook == "on_write_finished"]
    assert str(write.dataset) == "postgres://db:5432/shop.public.sales"
    assert [str(read.dataset) for read in write.inputs] == ["s3://in/monday"]
    assert copy.__name__ == "copy"


@pytest.mark.parametrize("error", [ValueError("Mustermann"), KeyboardInterrupt(), SystemExit(3)])
def test_a_piece_that_fails_fails_its_writes_and_raises(error: BaseException) -> None:
    @hookline.lineage_job("bad", outputs=["/out/a", "/out/b"])
    def bad() -> None:
        raise error

    with pytest.raises(type(error)):
        bad()
    hooks = [hook for hook, _ in told()]
    assert hooks == ["on_run_started", *["on_write_started"] * 2, *["on_write_failed"] * 2, "on_run_failed"]
    assert "Mustermann" not in Path(".state/lineage.ndjson").read_text()
    assert [event["eventType"] for event in events() if event["outputs"]] == ["START", "FAIL"] * 2


def test_a_gate_is_asked_before_the_piece_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    answering(monkeypatch, authorize_write=Denial("not on a Friday"))
    piece = hookline.lineage_job("piece", outputs=["/out/a"])(lambda: ran.append(1))
    with pytest.raises(hookline.WriteRefusedError, match=r"nothing was published.*not on a Friday"):
        piece()
    assert (ran, told()[-1][1].status) == ([], "refused")


def test_a_required_measure_that_nobody_can_take_refuses_before_the_piece_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    answering(monkeypatch, measure_write=[dataclasses.replace(Measure.nulls("id"), required=True)])
    piece = hookline.lineage_job("piece", outputs=["/out/a"])(lambda: ran.append(1))
    with pytest.raises(hookline.WriteRefusedError, match=r"nulls\(id\) is required and could not be measured"):
        piece()
    assert ran == []


def test_a_verdict_is_kept_and_one_that_refuses_is_raised_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = iter([[Verdict("a", "warn", "failed")], [Verdict("b", "critical", "failed", 1)]])
    answering(monkeypatch, measure_write=[Measure.rows()], judge_write=lambda *_: next(verdicts))
    piece = hookline.lineage_job("piece", outputs=["/out/a", "/out/b"])(lambda: None)
    with pytest.raises(hookline.WriteRefusedError, match="already visible"):
        piece()
    ends = {hook: event for hook, event in told() if hook in ("on_write_finished", "on_write_failed")}
    assert [verdict.check for verdict in ends["on_write_finished"].verdicts] == ["a"]
    assert [verdict.check for verdict in ends["on_write_failed"].verdicts] == ["b"]


HOSTILE: list[Callable[[], Any]] = [
    lambda: ["/with\nnewline", "/quo'te\"s", "/<b>", "/" + "x" * 5_000, "/😀"],
    lambda: [Path("relative/../up")],
    lambda: (),
]


@pytest.mark.parametrize("places", HOSTILE)
def test_odd_places(places: Callable[[], Any]) -> None:
    hookline.lineage_job("odd", inputs=places, outputs=places)(lambda: None)()
    assert [hook for hook, _ in told()][-1] == "on_run_finished"
    assert RecordingPlugin.last.seen("on_write_failed") == []


def test_a_place_that_is_none_is_an_error_of_the_piece() -> None:
    with pytest.raises(TypeError):
        hookline.lineage_job("odd", outputs=[7])(lambda: None)()  # type: ignore[list-item]
