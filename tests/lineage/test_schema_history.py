"""Schemas over time, from runs to the command and the event; and who is downstream."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import pytest

from hookline.cli import main
from hookline.core.config import load_config
from hookline.core.errors import HooklineError
from hookline.core.events import Column, ColumnInput, ColumnLineage, Dataset, Read, utc_now
from hookline.core.runtime import Runtime
from hookline.core.store import LazyStore, SchemaVersion
from hookline.core.store.evolution import Observed, columns_text, fold, same
from hookline.lineage.schema_history import find, new_step, steps
from hookline.testing import sample_write

SALES = Dataset("file", "/lake/sales", "delta")


def struct(*fields: Column) -> Column:
    inner = ",".join(f"{field.name}:{field.type}" for field in fields)
    return Column("customer", f"struct<{inner}>", True, fields)


VERSIONS = (
    (Column("id", "bigint", False), Column("price", "double"), struct(Column("name", "string"), Column("age", "int"))),
    (
        Column("id", "bigint", False),
        Column("price", "double"),
        struct(Column("name", "string"), Column("age", "bigint")),
    ),
    (Column("id", "bigint", True), Column("unit_price", "double"), struct(Column("name", "string"))),
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR", "OPENLINEAGE_PARENT_ID", "OPENLINEAGE_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hookline.yaml").write_text("plugins: {lineage: }\n")
    return tmp_path


class Project:
    """Runs in the working directory, one after the other."""

    def __init__(self) -> None:
        self.runtime = Runtime(load_config())
        self.runtime.store.get()  # as it is long before a job's first write

    def ran(self, job: str, **write: Any) -> None:
        scope = self.runtime.open_run(job)
        made = sample_write(
            **{"write_id": scope.next_write_id(), "started_at": utc_now(), "inputs": (), "columns": (), **write}
        )
        scope.record_write_started(made)
        scope.record_write_ended(made, failed=False)
        self.runtime.close_run(scope)
        self.runtime.outbox.flush(10)

    def events(self) -> list[dict[str, Any]]:
        lines = Path(".hookline/lineage.ndjson").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def close(self) -> None:
        self.runtime.close()


@pytest.fixture
def project() -> Any:
    """Three versions of a table, each written twice, with one table made from it and one made from that."""
    made = Project()
    for columns in VERSIONS:
        made.ran("ingest", dataset=SALES, columns=columns)
        made.ran("ingest", dataset=SALES, columns=columns)
    made.ran("daily", dataset=Dataset("file", "/lake/daily"), inputs=(Read(SALES),))
    made.ran("report", dataset=Dataset("s3://out", "report"), inputs=(Read(Dataset("file", "/lake/daily")),))
    yield made
    made.close()


def test_the_command_for_programs(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lineage", "schema", "sales", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["dataset"] == {"namespace": "file", "name": "/lake/sales"}
    first, second, third = told["versions"]
    assert (first["version"], first["changes"], first["breaking"]) == (1, [], False)
    assert first["last_seen_at"] > first["first_seen_at"]
    assert first["columns"][2]["fields"][1] == {"name": "age", "type": "int", "nullable": True}
    assert [(c["change"], c["column"], c["before"], c["after"], c["breaking"]) for c in second["changes"]] == [
        ("widened", "customer.age", "int", "bigint", False)
    ]
    assert [(change["change"], change["column"], change["breaking"]) for change in third["changes"]] == [
        ("nullable", "id", True),
        ("renamed", "unit_price", True),
        ("dropped", "customer.age", True),
    ]
    assert third["changes"][1]["evidence"] == "the same place and type, and a name much like it"
    assert told["downstream"] == {
        "datasets": [
            {"namespace": "file", "name": "/lake/daily", "distance": 1},
            {"namespace": "s3://out", "name": "report", "distance": 2},
        ],
        "jobs": [{"name": "daily", "distance": 0}, {"name": "report", "distance": 1}],
    }


def test_the_command_for_people(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lineage", "schema", "/lake/sales"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("/lake/sales: 3 versions of its schema\n1  since ")
    for line in (
        "   ~ customer.age widened int → bigint\n",
        "   ~ id may be null  [breaking: who counted on a value may find none]\n",
        "   - customer.age dropped bigint  [breaking: who reads it finds it no more]\n",
        "made from it: 2\n   /lake/daily  (directly)\n   s3://out/report  (2 steps away)\n",
        "read by jobs: 2\n   daily  (directly)\n",
    ):
        assert line in text


def test_the_event_of_the_write_that_changed_it(project: Project) -> None:
    project.ran("ingest", dataset=SALES, columns=VERSIONS[2][:1])
    outputs = [
        event["outputs"][0] for event in project.events() if event["eventType"] == "COMPLETE" and event["outputs"]
    ]
    facets = [output["facets"].get("hookline_schemaChange") for output in outputs if output["name"] == "/lake/sales"]
    assert [bool(facet) for facet in facets] == [False, False, True, False, True, False, True]
    assert [(facet["previousVersion"], facet["breaking"]) for facet in facets if facet] == [
        (1, False),
        (2, True),
        (3, True),
    ]
    last = facets[-1]
    assert [change["change"] for change in last["changes"]] == ["dropped", "dropped"]
    assert [one["name"] for one in last["downstream"]["datasets"]] == ["/lake/daily", "report"]
    assert "downstream" not in facets[2]


def test_a_columns_origin_is_evidence_in_the_event(project: Project) -> None:
    origin = ColumnLineage({"colour": (ColumnInput(SALES, "unit_price", "DIRECT", "IDENTITY"),)})
    columns = (VERSIONS[2][0], Column("colour", "double"), VERSIONS[2][2])
    project.ran("ingest", dataset=SALES, columns=columns, column_lineage=origin)
    (change,) = project.events()[-2]["outputs"][0]["facets"]["hookline_schemaChange"]["changes"]
    assert (change["change"], change["before"], change["after"]) == ("renamed", "unit_price", "colour")


def test_a_write_that_is_not_visible_and_one_without_columns_change_nothing(project: Project) -> None:
    count = len(project.events())
    project.ran("ingest", dataset=SALES, columns=(Column("other", "int"),), published=False)
    project.ran("ingest", dataset=SALES, columns=())
    assert not [event for event in project.events()[count:] if "hookline_schemaChange" in json.dumps(event)]
    assert len(project.runtime.store.get().schemas("file", "/lake/sales")) == 3


def test_a_store_that_cannot_be_read_costs_the_event_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    store = project.runtime.store.get()

    def broken(*_: str) -> None:
        raise HooklineError("the database is gone")

    monkeypatch.setattr(store, "schemas", broken)
    project.ran("ingest", dataset=SALES, columns=(Column("other", "int"),))
    assert project.events()[-2]["eventType"] == "COMPLETE"
    assert {report.failures for report in project.runtime.bus.reports()} == {0}


def test_a_store_that_is_not_open_yet_is_not_waited_for() -> None:
    store = LazyStore("postgresql+psycopg://nobody@127.0.0.1:1/x")
    began = time.monotonic()
    assert store.opened is None
    assert time.monotonic() - began < 0.1


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("sales", ("file", "/lake/sales")),
        ("/lake/sales", ("file", "/lake/sales")),
        ("lake/sales", ("file", "/lake/sales")),
        ("postgres://db:5432/shop.public.orders", ("postgres://db:5432", "shop.public.orders")),
        ("orders", ("postgres://db:5432", "shop.public.orders")),
        ("x", "may mean /a/x, /b/x"),
        ("nothing", "no dataset with a known schema is named 'nothing'; known: /a/x"),
    ],
)
def test_finding(wanted: str, expected: Any) -> None:
    names = [("file", "/lake/sales"), ("postgres://db:5432", "shop.public.orders"), ("file", "/a/x"), ("file", "/b/x")]
    if isinstance(expected, tuple):
        assert find(names, wanted) == expected
    else:
        with pytest.raises(HooklineError, match=expected):
            find(names, wanted)


def test_without_any_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lineage", "schema", "sales"]) == 1
    assert "no schema is known yet" in capsys.readouterr().err


HOSTILE = ["a.b", "quo\"te'", "<script>", "line\nbreak\x1b[31m", "😀" * 100, "x" * 5_000]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    project = Project()
    dataset = Dataset("file", f"/lake/{name}")
    project.ran("one", dataset=dataset, columns=(Column(name, "int"),))
    project.ran("two", dataset=dataset, columns=(struct(Column(name, "int")),))
    project.close()
    assert main(["lineage", "schema", f"/lake/{name}", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["dataset"]["name"] == f"/lake/{name}"
    assert told["versions"][0]["columns"][0]["name"] == name
    assert main(["lineage", "schema", f"/lake/{name}"]) == 0
    assert "\x1b" not in capsys.readouterr().out


# -- versions ----------------------------------------------------------------------------------------------------------

FLAT = '[{"name": "a", "type": "struct<x:int>", "nullable": true}]'
RICH = '[{"name": "a", "type": "struct<x:int>", "nullable": true, "fields": [{"name": "x", "type": "int", "nullable": true}]}]'


def test_knowing_more_of_the_same_columns_is_no_new_version() -> None:
    assert same(FLAT, RICH)
    (version,) = fold(
        Observed(f"2026-01-0{day}", str(day), "run", text) for day, text in ((1, FLAT), (2, RICH), (3, FLAT))
    )
    assert (version["columns"], version["last_seen_at"]) == (RICH, "2026-01-03")


@pytest.mark.parametrize(
    "other",
    [
        RICH.replace('"nullable": true}]}]', '"nullable": false}]}]'),
        RICH.replace("x:int", "x:bigint"),
        "[]",
        FLAT.replace('"a"', '"b"'),
    ],
)
def test_other_columns_are(other: str) -> None:
    assert not same(RICH, other)


def test_columns_that_hold_no_others_are_kept_as_before() -> None:
    assert columns_text([{"name": "a", "type": "int", "nullable": True, "fields": []}]) == (
        '[{"name": "a", "type": "int", "nullable": true}]'
    )


def version(number: int, day: int, *columns: Column) -> SchemaVersion:
    at = dt.datetime(2026, 1, day, tzinfo=dt.timezone.utc).isoformat()
    return SchemaVersion(number, columns, "run", at, at)


def test_what_a_write_changed_whether_the_store_has_seen_it_or_not() -> None:
    old, new = version(1, 1, Column("a", "int")), version(2, 3, Column("a", "bigint"))

    def at(day: int) -> str:
        return dt.datetime(2026, 1, day, tzinfo=dt.timezone.utc).isoformat()

    for known in ([old], [old, new]):
        found = new_step(known, new.columns, at(3), None, SALES)
        assert found is not None
        assert (found[0], [change.kind for change in found[1]]) == (1, ["widened"])
    assert new_step([], new.columns, at(3), None, SALES) is None
    assert new_step([new], new.columns, at(3), None, SALES) is None
    assert new_step([old], old.columns, at(3), None, SALES) is None
    assert [step.breaking for step in steps([new, old])] == [False, True]
