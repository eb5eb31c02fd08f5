"""Facets: each says what it should, nothing that it should not, and is valid (which every test of the suite is held to)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from hookline.core.events import (
    Column,
    ColumnInput,
    ColumnLineage,
    Dataset,
    Measure,
    Measured,
    Read,
    Run,
    RunEnded,
    Statement,
    Verdict,
    Write,
    as_dict,
)
from hookline.lineage import about
from hookline.lineage.about import AboutDataset, AboutJob
from hookline.lineage.openlineage import Event, EventBuilder
from hookline.lineage.options import EventOptions, builder
from hookline.lineage.telling import EventTeller

BUILDER = EventBuilder("jobs", "https://example.org/producer", spark_version="4.2.0")
IN, OUT = Dataset("s3://landing", "orders", "parquet"), Dataset("file", "/lake/sales", "delta")
AT = dt.datetime(2026, 5, 4, 3, 2, 1, tzinfo=dt.timezone.utc)


def complete(run: Run, write: Write, maker: EventBuilder = BUILDER) -> Event:
    return maker.write_ended(write, run, failed=False)[1]


def output(event: Event, name: str) -> dict[str, Any] | None:
    found = event["outputs"][0]["facets"].get(name)
    return {key: value for key, value in found.items() if not key.startswith("_")} if found else None


def test_columns_and_what_is_inside_them(run: Run, sales: Write) -> None:
    item = (Column("sku", "string"), Column("price", "decimal(10,2)"))
    columns = (
        Column("id", "bigint"),
        Column(
            "items",
            "array<struct<sku:string,price:decimal(10,2)>>",
            True,
            (Column("_element", "struct<…>", True, item),),
        ),
        Column("tags", "map<string,int>", True, (Column("key", "string", False), Column("value", "int"))),
    )
    found = output(complete(run, dataclasses.replace(sales, columns=columns)), "schema")
    assert found == {
        "fields": [
            {"name": "id", "type": "bigint", "ordinal_position": 1},
            {
                "name": "items",
                "type": "array",
                "ordinal_position": 2,
                "fields": [
                    {
                        "name": "_element",
                        "type": "struct",
                        "ordinal_position": 1,
                        "fields": [
                            {"name": "sku", "type": "string", "ordinal_position": 1},
                            {"name": "price", "type": "decimal(10,2)", "ordinal_position": 2},
                        ],
                    }
                ],
            },
            {
                "name": "tags",
                "type": "map",
                "ordinal_position": 3,
                "fields": [
                    {"name": "key", "type": "string", "ordinal_position": 1},
                    {"name": "value", "type": "int", "ordinal_position": 2},
                ],
            },
        ]
    }


def test_where_columns_came_from(run: Run, sales: Write) -> None:
    lineage = ColumnLineage(
        columns={
            "id": (ColumnInput(IN, "id", "DIRECT", "IDENTITY"),),
            "mail": (
                ColumnInput(IN, "email", "DIRECT", "TRANSFORMATION", masking=True),
                ColumnInput(IN, "email", "INDIRECT", "CONDITIONAL"),
                ColumnInput(IN, "email", "INDIRECT", "CONDITIONAL"),
            ),
            "score": (ColumnInput(IN, "a.b", "DIRECT", "TRANSFORMATION", note="a Python function takes it"),),
            "one": (),
        },
        dataset=(ColumnInput(IN, "day", "INDIRECT", "FILTER"),),
        gaps=("a Python function hides what it does",),
    )
    found = output(complete(run, dataclasses.replace(sales, column_lineage=lineage)), "columnLineage")

    def source(field: str, *ways: dict[str, Any]) -> dict[str, Any]:
        return {"namespace": "s3://landing", "name": "orders", "field": field, "transformations": list(ways)}

    def way(kind: str, subtype: str, **more: Any) -> dict[str, Any]:
        return {"type": kind, "subtype": subtype, "masking": False, **more}

    assert found == {
        "fields": {
            "id": {"inputFields": [source("id", way("DIRECT", "IDENTITY"))]},
            "mail": {
                "inputFields": [
                    source("email", way("DIRECT", "TRANSFORMATION", masking=True), way("INDIRECT", "CONDITIONAL"))
                ]
            },
            "score": {
                "inputFields": [
                    source("a.b", way("DIRECT", "TRANSFORMATION", description="a Python function takes it"))
                ]
            },
            "one": {"inputFields": []},
        },
        "dataset": [source("day", way("INDIRECT", "FILTER"))],
        "hookline_gaps": ["a Python function hides what it does"],
    }


def test_what_could_not_be_traced_is_said(run: Run, sales: Write) -> None:
    write = dataclasses.replace(sales, column_lineage=ColumnLineage(degraded="the plan has more than 5,000 nodes"))
    found = output(complete(run, write), "columnLineage")
    assert found == {"fields": {}, "hookline_degraded": "the plan has more than 5,000 nodes"}


MEASURED = (
    (Measure.nulls("id"), Measured(3, "proof")),
    (Measure.distinct("id"), Measured(90, "vectorised")),
    (Measure.nulls("id", where="id > 0"), Measured(1, "vectorised")),
    (Measure.distinct("id", "price"), Measured(99, "vectorised")),
    (Measure.minimum("price"), Measured(777_777, "proof")),
    (Measure.maximum("name"), Measured("Mustermann", "proof")),
    (Measure.total("price"), Measured(888_888, "spark")),
    (Measure.nulls("price"), Measured(error="no such column")),
)


def test_measures_as_metrics_without_any_value_of_a_row(run: Run, sales: Write) -> None:
    event = complete(run, dataclasses.replace(sales, rows=100, measured=MEASURED))
    assert output(event, "dataQualityMetrics") == {
        "rowCount": 100,
        "bytes": 4096,
        "fileCount": 2,
        "columnMetrics": {"id": {"nullCount": 3, "distinctCount": 90, "count": 97}},
    }
    assert not [value for value in ("777777", "888888", "Mustermann") if value in json.dumps(event)]


def test_what_is_only_for_the_end_of_a_write_is_not_kept(sales: Write) -> None:
    write = dataclasses.replace(sales, measured=MEASURED, statement=Statement("SELECT 'Musterfrau'"))
    assert not [value for value in ("Musterfrau", "888_888", "888888") if value in repr(write)]
    assert not {"measured", "statement"} & as_dict(write).keys()
    assert (write.kept().measured, write.kept().statement) == ((), None)


@pytest.mark.parametrize(
    ("dataset", "facets"),
    [
        (OUT, {"datasetType": "TABLE", "storage": "delta"}),
        (Dataset("file", "/a", "csv"), {"datasetType": "FILE"}),
        (Dataset("kafka://b:9092", "clicks", "kafka"), {"datasetType": "TOPIC"}),
        (Dataset("kinesis://x", "clicks", "kinesis"), {"datasetType": "STREAM"}),
        (Dataset("postgres://db:5432", "a.b.c", "jdbc"), {"datasetType": "TABLE"}),
        (Dataset("spark:noop", "noop", "noop"), {}),
        (Dataset("file", "/a", "parquet", (("hive://m:9083", "a.b"),)), {"datasetType": "TABLE", "catalog": "hive"}),
        (
            Dataset("s3://x", "a", "parquet", (("arn:aws:glue:eu-west-1:1", "table/a/b"),)),
            {"datasetType": "TABLE", "catalog": "glue"},
        ),
        (
            Dataset("file", "/a", "parquet", (("file:/warehouse", "a.b"),)),
            {"datasetType": "TABLE", "catalog": "session"},
        ),
    ],
)
def test_kinds_of_datasets(run: Run, sales: Write, dataset: Dataset, facets: dict[str, str]) -> None:
    found = complete(run, dataclasses.replace(sales, dataset=dataset))["outputs"][0]["facets"]
    words = {"datasetType": "datasetType", "storage": "storageLayer", "catalog": "type"}
    assert {name: found[name][word] for name, word in words.items() if name in found} == facets


def test_version_and_size_of_what_was_read(run: Run, sales: Write) -> None:
    event = complete(
        run, dataclasses.replace(sales, data_version="41", inputs=(Read(IN, bytes=10, files=2), Read(OUT)))
    )
    assert output(event, "version") == {"datasetVersion": "41"}
    sizes = [one["inputFacets"].get("inputStatistics") for one in event["inputs"]]
    assert [(size["size"], size["fileCount"]) for size in sizes if size] == [(10, 2)]


def test_owners_and_tags_by_pattern(run: Run, sales: Write) -> None:
    told = AboutJob(
        owners=("team:sales",),
        tags={"cost": "42"},
        datasets=(
            ("*", AboutDataset(("team:platform",), {"layer": "any"})),
            (
                "/lake/silver/*",
                AboutDataset(("team:sales",), {"layer": "silver"}, {"email": {"classification": "personal"}}),
            ),
            ("retail.sales", AboutDataset(tags={"by": "its name in the catalog"})),
            ("/lake/gold/*", AboutDataset(("nobody",))),
        ),
    )
    event = complete(run, sales, dataclasses.replace(BUILDER, about=told))
    assert [owner["name"] for owner in event["job"]["facets"]["ownership"]["owners"]] == ["team:sales"]
    assert event["job"]["facets"]["tags"]["tags"] == [{"key": "cost", "value": "42", "source": "USER"}]
    assert output(event, "ownership") == {"owners": [{"name": "team:platform"}, {"name": "team:sales"}]}
    assert output(event, "tags") == {
        "tags": [
            {"key": "layer", "value": "silver", "source": "USER"},
            {"key": "by", "value": "its name in the catalog", "source": "USER"},
            {"key": "classification", "value": "personal", "source": "USER", "field": "email"},
        ]
    }
    assert event["inputs"][0]["facets"]["ownership"]["owners"] == [{"name": "team:platform"}]


def test_only_allowed_variables_are_told(run: Run, ended: RunEnded) -> None:
    environment = {
        "REGION": "eu",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "AIRFLOW_CTX_DAG_ID": "d",
        "AIRFLOW_CTX_TASK_ID": "t",
    }
    environment |= {"AIRFLOW_CTX_DAG_OWNER": "ops", "AIRFLOW_CTX_EXECUTION_DATE": "2026-05-04T00:00:00+00:00"}
    maker = builder(EventOptions(environment_variables=("REGION", "UNSET")), environment)
    event = maker.run_ended(ended, run)
    assert event["run"]["facets"]["environmentVariables"]["environmentVariables"] == [{"name": "REGION", "value": "eu"}]
    assert event["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2026-05-04T00:00:00+00:00"
    assert event["job"]["facets"]["ownership"]["owners"] == [{"name": "ops"}]
    assert event["run"]["facets"]["executionParameters"]["parameters"] == [
        {"key": "environment", "name": "environment", "value": "dev"}
    ]
    assert "s3cret" not in json.dumps(event)


def test_all_checks_of_a_run_as_tests(run: Run, ended: RunEnded) -> None:
    tests = BUILDER.run_ended(ended, run)["run"]["facets"]["test"]["tests"]
    assert [(one["name"], one["status"]) for one in tests] == [
        ("price_range", "fail"),
        ("key_unique", "pass"),
        ("rows", "pass"),
        ("latest_name", "pass"),
        ("mean", "error"),
    ]


@pytest.mark.parametrize(
    ("source", "told"),
    [("none", []), ("location", ["sourceCodeLocation"]), ("code", ["sourceCode", "sourceCodeLocation"])],
)
def test_the_source_as_far_as_it_is_wanted(
    run: Run, ended: RunEnded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Any, told: list[str]
) -> None:
    script = tmp_path / "job.py"
    script.write_text("print('hello')\n")
    monkeypatch.setattr(about, "_main_script", lambda: script)
    monkeypatch.setattr(about, "location_of", lambda _: {"type": "git", "url": "https://example.org/etl"})
    about._source.cache_clear()
    facets = builder(EventOptions(source=source), {}).run_ended(ended, run)["job"]["facets"]
    about._source.cache_clear()
    assert sorted(name for name in facets if name.startswith("source")) == told


# -- telling -----------------------------------------------------------------------------------------------------------


class Told(EventTeller):
    """A teller whose events are looked at."""

    def __init__(self, **options: Any) -> None:
        self.events: list[Event] = []
        self.takes = True
        super().__init__(EventOptions(**options), self._take)

    def _take(self, run: Run, event: Event) -> bool:
        self.events.append(event)
        return self.takes


def test_a_run_that_goes_on_is_told_to_be_running(run: Run, sales: Write) -> None:
    teller = Told(running_every_s=60)
    for minute in (0, 0.5, 2, 2.5, 4):
        at = AT + dt.timedelta(minutes=minute)
        teller.on_write_finished(
            dataclasses.replace(sales, started_at=at, finished_at=at), dataclasses.replace(run, started_at=AT)
        )
    running = [event for event in teller.events if event["eventType"] == "RUNNING"]
    assert [event["eventTime"][14:16] for event in running] == ["04", "06"]
    assert [event["run"]["facets"]["hookline_run"]["writesTold"] for event in running] == [3, 5]
    assert {event["run"]["runId"] for event in running} == {run.run_id}
    assert all(event["outputs"] == [] for event in running)


def test_the_end_counts_writes_and_what_was_taken_of_them(run: Run, sales: Write, ended: RunEnded) -> None:
    teller = Told()
    teller.on_write_finished(sales, run)
    teller.takes = False
    teller.on_write_failed(sales, run)
    assert teller.writes_told(run.run_id) == 1
    teller.on_run_finished(dataclasses.replace(ended, writes_total=2), run)
    facet = teller.events[-1]["run"]["facets"]["hookline_run"]
    assert (facet["writes"], facet["writesTold"]) == (2, 1)
    assert teller.writes_told(run.run_id) is None


def test_a_run_found_dead_counts_nothing(run: Run) -> None:
    teller = Told()
    teller.on_run_failed(RunEnded("abandoned", AT, 1.0), run)
    assert teller.events[-1]["eventType"] == "ABORT"
    assert "hookline_run" not in teller.events[-1]["run"]["facets"]


def test_sql_is_told_without_values_or_not_at_all(run: Run, sales: Write) -> None:
    write = dataclasses.replace(sales, statement=Statement("DELETE FROM t WHERE name = 'Mustermann'"))
    for options, query in (({}, "DELETE FROM t WHERE name = ?"), ({"sql": False}, None)):
        teller = Told(**options)
        teller.on_write_finished(write, run)
        facets = teller.events[-1]["job"]["facets"]
        assert (facets["sql"]["query"] if "sql" in facets else None) == query
        assert "Mustermann" not in json.dumps(teller.events)


def test_verdicts_without_an_answer_are_no_assertions(run: Run, sales: Write) -> None:
    event = complete(
        run, dataclasses.replace(sales, verdicts=(Verdict("a", "warn", "skipped"), Verdict("b", "warn", "error")))
    )
    assert output(event, "dataQualityAssertions") is None
