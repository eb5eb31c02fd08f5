"""``hookline lineage``, from the store and from a file of events: the answers are the same."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shutil
import uuid
from pathlib import Path

import pytest

from hookline.commands import lineage
from hookline.core.config import Config
from hookline.core.errors import HooklineError
from hookline.core.events import Dataset, Read, Run, Write, as_dict
from hookline.core.outbox import Message
from hookline.core.store import LazyStore, StoreSink
from hookline.lineage.names import UnknownNodeError
from hookline.lineage.openlineage import EventBuilder

JOBS = (
    ("ingest", ["/landing/sales"], "/lake/bronze"),
    ("clean", ["/lake/bronze", "/lake/products"], "/lake/silver"),
    ("report", ["/lake/silver"], "/lake/gold"),
)
AT = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def event(job: str, inputs: list[str], output: str) -> str:
    """An event as others write it."""
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


def ran(job: str, inputs: list[str], output: str) -> tuple[Run, Write]:
    run = Run(str(uuid.uuid5(uuid.NAMESPACE_DNS, job)), job, AT)
    reads = tuple(Read(Dataset("file", name)) for name in inputs)
    write = Write(
        f"{run.run_id}/1", Dataset("file", output), "append", AT, inputs=reads, finished_at=AT, published=True
    )
    return run, write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the lineage of three jobs, in its store and in its file of events."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR", "OPENLINEAGE_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".hookline").mkdir()
    store, builder = LazyStore(Config(state_dir=tmp_path / ".hookline").store_url()), EventBuilder("hookline", "urn:x")
    events = []
    for run, write in (ran(*job) for job in JOBS):
        facts = [("run_started", as_dict(run)), ("write", as_dict(write))]
        StoreSink(store).deliver(
            [Message(kind, "store", kind, {"run_id": run.run_id, **fact}, run.run_id, AT, 0) for kind, fact in facts]
        )
        events += builder.write_ended(write, run, failed=False)
    store.close()
    lines = "".join(json.dumps(one) + "\n" for one in events)
    (tmp_path / ".hookline" / "lineage.ndjson").write_text(lines)
    return tmp_path


@pytest.fixture(params=["store", "events"], autouse=True)
def source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the command is told to read from; the store without being told."""
    monkeypatch.setitem(SOURCE, "options", ["--from", "events"] if request.param == "events" else [])
    return str(request.param)


SOURCE: dict[str, list[str]] = {"options": []}


def call(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    lineage.add(parser)
    return lineage.main(parser.parse_args([*arguments, *SOURCE["options"]]))


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
        "    1  /lake/silver  [append]",
        "    2  /lake/gold  [append > append through silver]",
    ]
    assert shown(capsys, "impact", "bronze", "--up")[1:] == [
        "  comes from 1 dataset:",
        "    1  /landing/sales  [append]",
    ]
    assert shown(capsys, "impact", "gold")[1:] == ["  nothing is known to come from it"]


def test_impact_as_json_has_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("impact", "bronze", "--format", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["start"] == "file|/lake/bronze"
    assert [node["name"] for node in document["nodes"]] == ["/lake/bronze", "/lake/gold", "/lake/silver"]
    (found,) = document["impact"]
    assert (found["direction"], found["counts"], found["owners"]) == ("down", {"dataset": 2}, [])
    assert [(one["steps"], one["dataset"]) for one in found["reached"]] == [(1, "/lake/silver"), (2, "/lake/gold")]
    assert [step["jobs"] for step in found["reached"][1]["path"]] == [["clean"], ["report"]]


def test_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "report") == [
        "nothing is made from: 1",
        "  /lake/gold",
        "nobody known writes: 2",
        "  /lake/products",
        "  /landing/sales",
        "neither: none",
        "come from themselves: none",
    ]


def test_a_part_by_time_job_and_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "show", "--job", "clean", "--as-of", "2026-01-01") == [
        "/lake/bronze",
        "└─ /lake/silver  [append by clean]",
        "/lake/products",
        "└─ /lake/silver  [append by clean]",
    ]
    assert shown(capsys, "show", "--as-of", "2025-12-31") == [
        "no lineage is known yet: run a job with `hookline run` first"
    ]
    assert shown(capsys, "show", "--layer", "silver", "--layer", "gold") == [
        "/lake/silver",
        "└─ /lake/gold  [append by report]",
    ]


def test_what_a_run_did(capsys: pytest.CaptureFixture[str]) -> None:
    run_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, "clean"))
    assert shown(capsys, "show", "--run", run_id[:9].upper()) == [
        "/lake/bronze",
        "└─ /lake/silver  [append by clean]",
        "/lake/products",
        "└─ /lake/silver  [append by clean]",
    ]


def test_a_time_that_is_none() -> None:
    with pytest.raises(HooklineError, match="'monday' is no time: write a day"):
        call("show", "--as-of", "monday")


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
    ("form", "start"),
    [
        ("json", '{\n  "version": 1'),
        ("mermaid", "flowchart LR"),
        ("dot", "digraph lineage {"),
        ("svg", "<svg xmlns="),
        ("html", "<!doctype html>"),
        ("openlineage", '{"'),
    ],
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
    with pytest.raises(
        HooklineError, match="no format 'png': choose from text, json, mermaid, dot, svg, html, openlineage"
    ):
        call("export", "gold", "--format", "png")


def test_an_unknown_name() -> None:
    with pytest.raises(UnknownNodeError, match="no dataset or job is named 'platinum'"):
        call("show", "platinum")


def test_a_file_that_cannot_be_written() -> None:
    with pytest.raises(HooklineError, match=r"no/where can't be written: No such file"):
        call("export", "--out", "no/where")


def test_without_any_lineage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(folder / ".hookline")
    assert shown(capsys, "show") == ["no lineage is known yet: run a job with `hookline run` first"]
    with pytest.raises(UnknownNodeError, match="no lineage is known yet"):
        call("impact", "gold")
    assert not (folder / ".hookline").exists(), "looking makes nothing"


def test_events_of_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "dbt.ndjson").write_text(event("model", ["/a"], "/b"))
    assert shown(capsys, "show", "--events", "dbt.ndjson") == ["/a", "└─ /b  [append by model]"]


def test_the_documents_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    documents = []
    for options in ([], ["--from", "events"]):
        SOURCE["options"] = options
        call("export")
        documents.append(json.loads(capsys.readouterr().out))
    assert documents[0] == documents[1]
    assert len(documents[0]["edges"]) == 4


COLUMNS = {
    "mail_hash": {"inputFields": [{"namespace": "file", "name": "/raw", "field": "mail", "transformations": [
        {"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": True}]}]},
    "n": {"inputFields": []},
}  # fmt: skip


@pytest.fixture
def traced(folder: Path) -> Path:
    """Events with columns, of two days."""
    lines = []
    for day, columns in ((1, {"n": {"inputFields": []}}), (2, COLUMNS)):
        one = json.loads(event("clean", ["/raw"], "/lake/silver/people"))
        one |= {"eventTime": f"2026-01-0{day}T00:00:00Z", "run": {"runId": str(day)}}
        owners = {"owners": [{"name": "team:people"}]}
        one["outputs"][0]["facets"] = {"columnLineage": {"fields": columns}, "ownership": owners}
        lines.append(json.dumps(one) + "\n")
    (folder / "traced.ndjson").write_text("".join(lines))
    return folder / "traced.ndjson"


def test_a_column(traced: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "impact", "raw.mail", "--events", str(traced)) == [
        "/raw.mail",
        "  is the origin of 1 column:",
        "    1  /lake/silver/people.mail_hash  [TRANSFORMATION masked]",
        "  tell team:people: people",
    ]
    assert shown(capsys, "show", "people.mail_hash", "--up", "--events", str(traced)) == [
        "/lake/silver/people.mail_hash",
        "comes from:",
        "└─ /raw.mail  [TRANSFORMATION masked by clean]",
    ]


def test_diff(traced: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "diff", "2026-01-01", "2026-01-02", "--events", str(traced)) == [
        "+ /lake/silver/people.mail_hash",
        "+ /raw.mail",
        "+ /raw.mail -> /lake/silver/people.mail_hash  [TRANSFORMATION]",
    ]
    assert shown(capsys, "diff", "2026-01-02", "2026-01-03", "--events", str(traced)) == ["nothing changed"]


@pytest.mark.parametrize("named_by", ["option", "environment"])
def test_jobs_have_the_namespace_that_the_plugin_gives_them(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, named_by: str
) -> None:
    if named_by == "option":
        (folder / "hookline.yaml").write_text("plugins:\n  lineage:\n    namespace: shop\n")
    else:
        monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "shop")
    SOURCE["options"] = []
    call("export", "gold")
    jobs = json.loads(capsys.readouterr().out)["edges"][0]["jobs"]
    assert [job["namespace"] for job in jobs] == ["shop"]


def test_the_configured_path(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "conf").mkdir()
    (folder / "conf" / "events.ndjson").write_text(event("other", ["/c"], "/d"))
    (folder / "conf" / "hookline.yaml").write_text("plugins:\n  lineage:\n    path: events.ndjson\n")
    SOURCE["options"] = ["--from", "events"]
    assert shown(capsys, "show", "d", "--config", "conf/hookline.yaml", "--up")[-1] == "└─ /c  [append by other]"
