"""``hookline lineage``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from hookline.commands import lineage
from hookline.core.errors import HooklineError
from hookline.lineage.graph import UnknownNodeError


def event(job: str, inputs: list[str], output: str) -> str:
    return json.dumps(
        {
            "eventType": "COMPLETE",
            "eventTime": "2026-01-01T00:00:00Z",
            "run": {"runId": f"{job}-{output}", "facets": {"hookline_write": {"operation": "append"}}},
            "job": {"namespace": "jobs", "name": job},
            "inputs": [{"namespace": "file", "name": name} for name in inputs],
            "outputs": [{"namespace": "file", "name": output}],
        }
    )


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the lineage of three jobs."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    lines = [
        event("ingest", ["/landing/sales"], "/lake/bronze"),
        event("clean", ["/lake/bronze", "/lake/products"], "/lake/silver"),
        event("report", ["/lake/silver"], "/lake/gold"),
    ]
    (tmp_path / ".hookline").mkdir()
    (tmp_path / ".hookline" / "lineage.ndjson").write_text("\n".join(lines) + "\n")
    return tmp_path


def call(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    lineage.add(parser)
    return lineage.main(parser.parse_args(arguments))


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert call(*arguments) == 0
    return capsys.readouterr().out.splitlines()


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "show", "silver") == [
        "/lake/silver",
        "comes from:",
        "├─ /lake/bronze  [append by clean]",
        "│  └─ /landing/sales  [append by ingest]",
        "└─ /lake/products  [append by clean]",
        "goes to:",
        "└─ /lake/gold  [append by report]",
    ]


def test_show_one_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "show", "gold", "--down") == ["/lake/gold", "goes to: nothing that is known"]
    assert shown(capsys, "show", "bronze", "--up")[1:] == ["comes from:", "└─ /landing/sales  [append by ingest]"]


def test_show_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "show") == [
        "/lake/products",
        "└─ /lake/silver  [append by clean]",
        "   └─ /lake/gold  [append by report]",
        "/landing/sales",
        "└─ /lake/bronze  [append by ingest]",
        "   └─ /lake/silver  [append by clean]",
        "      └─ /lake/gold  [append by report]",
    ]


def test_impact(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "impact", "bronze") == [
        "/lake/bronze",
        "  is the origin of 2 datasets:",
        "    1  /lake/silver",
        "    2  /lake/gold",
    ]
    assert shown(capsys, "impact", "bronze", "--up")[1:] == ["  comes from 1 dataset:", "    1  /landing/sales"]
    assert shown(capsys, "impact", "gold")[1:] == ["  nothing is known to come from it"]


def test_export_json_is_the_part_around_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("export", "bronze") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["version"] == 1
    assert [node["name"] for node in document["nodes"]] == [
        "/lake/bronze",
        "/lake/gold",
        "/lake/silver",
        "/landing/sales",
    ]
    assert call("export", "bronze", "--down") == 0
    assert len(json.loads(capsys.readouterr().out)["edges"]) == 2


@pytest.mark.parametrize(
    ("form", "start"), [("json", '{\n  "version": 1'), ("mermaid", "flowchart LR"), ("openlineage", '{"')]
)
def test_export_to_a_file(folder: Path, capsys: pytest.CaptureFixture[str], form: str, start: str) -> None:
    assert call("export", "--format", form, "--out", "out.txt") == 0
    assert (folder / "out.txt").read_text().startswith(start)
    assert capsys.readouterr().out == ""


def test_an_exported_openlineage_file_can_be_read_back_by_others(folder: Path) -> None:
    call("export", "gold", "--format", "openlineage", "--out", "out.ndjson")
    events = [json.loads(line) for line in (folder / "out.ndjson").read_text().splitlines()]
    made = {(event["job"]["name"], event["outputs"][0]["name"]): event["inputs"] for event in events}
    assert sorted(made) == [("clean", "/lake/silver"), ("ingest", "/lake/bronze"), ("report", "/lake/gold")]
    assert [dataset["name"] for dataset in made[("clean", "/lake/silver")]] == ["/lake/bronze", "/lake/products"]


def test_an_unknown_format_names_what_there_is() -> None:
    with pytest.raises(HooklineError, match="no format 'svg': choose from text, json, mermaid, openlineage"):
        call("export", "gold", "--format", "svg")


def test_an_unknown_name() -> None:
    with pytest.raises(UnknownNodeError, match="no dataset or job is named 'platinum'"):
        call("show", "platinum")


def test_a_file_that_cannot_be_written() -> None:
    with pytest.raises(HooklineError, match=r"no/where can't be written: No such file"):
        call("export", "--out", "no/where")


def test_without_any_lineage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".hookline" / "lineage.ndjson").unlink()
    assert shown(capsys, "show") == ["no lineage is known yet: run a job with the lineage plugin first"]
    with pytest.raises(UnknownNodeError, match="no lineage is known yet"):
        call("impact", "gold")


def test_events_of_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "dbt.ndjson").write_text(event("model", ["/a"], "/b"))
    assert shown(capsys, "show", "--events", "dbt.ndjson") == ["/a", "└─ /b  [append by model]"]


def test_the_configured_path(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "conf").mkdir()
    (folder / "conf" / "events.ndjson").write_text(event("other", ["/c"], "/d"))
    (folder / "conf" / "hookline.yaml").write_text("plugins:\n  lineage:\n    path: events.ndjson\n")
    assert shown(capsys, "show", "d", "--config", "conf/hookline.yaml", "--up")[-1] == "└─ /c  [append by other]"
