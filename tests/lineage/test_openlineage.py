"""OpenLineage events: valid by the specification's schemas, deterministic, and true."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from hookline.core.events import Dataset, ErrorInfo, Read, Run, RunEnded, RunStarted, Write
from hookline.lineage.facets import JobRun
from hookline.lineage.openlineage import EventBuilder, event_id, write_job, write_run_id
from hookline.lineage.parents import parse_parent

BUILDER = EventBuilder("jobs", "https://example.org/producer", spark_version="4.2.0")
TASK = JobRun("airflow", "dag.task", str(uuid.UUID(int=7)))
DAG = JobRun("airflow", "dag", str(uuid.UUID(int=8)))
Validate = Callable[[dict[str, Any]], list[str]]


def facet(event: dict[str, Any], name: str, of: str = "run") -> dict[str, Any] | None:
    holder = event["outputs"][0] if of == "output" else event[of]
    found = holder["facets"].get(name)
    return {key: value for key, value in found.items() if not key.startswith("_")} if found else None


@pytest.mark.parametrize("status", ["finished", "failed", "refused", "abandoned"])
def test_all_events_of_a_run_are_valid(
    run: Run, sales: Write, refused: Write, ended: RunEnded, status: Any, validate: Validate
) -> None:
    builder = dataclasses.replace(BUILDER, parent=TASK, root=DAG)
    error = ErrorInfo("AnalysisException", "TABLE_OR_VIEW_NOT_FOUND")
    events = [
        builder.run_started(RunStarted(run.started_at), run),
        *builder.write_ended(sales, run, failed=False),
        *builder.write_ended(dataclasses.replace(refused, batch_id=4, opaque="an RDD in between"), run, failed=True),
        builder.run_ended(dataclasses.replace(ended, status=status, error=error), run),
    ]
    assert [problem for event in events for problem in validate(event)] == []


def test_an_invalid_event_is_seen(run: Run, validate: Validate) -> None:
    event = BUILDER.run_started(RunStarted(run.started_at), run)
    event["run"]["runId"] = "not a uuid"
    event["job"]["facets"]["jobType"].pop("integration")
    assert len(validate(event)) >= 2


@pytest.mark.parametrize(
    "dataset",
    [
        Dataset("s3://bücket with spaces", 'na"me\n\x1b[31m/ü'),
        Dataset("kafka://broker:9092", "topic"),
        Dataset("hive", "db.table"),
    ],
)
def test_odd_dataset_names_stay_valid(run: Run, sales: Write, dataset: Dataset, validate: Validate) -> None:
    write = dataclasses.replace(sales, dataset=dataset, columns=(), inputs=(Read(dataset),))
    events = BUILDER.write_ended(write, run, failed=False)
    assert [problem for event in events for problem in validate(event)] == []
    assert events[1]["outputs"][0]["name"] == dataset.name


def test_a_write_is_a_child_run_with_its_own_inputs_only(run: Run, sales: Write) -> None:
    start, complete = BUILDER.write_ended(sales, run, failed=False)
    assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == complete["run"]["runId"] != run.run_id
    assert facet(complete, "parent") == {
        "run": {"runId": run.run_id},
        "job": {"namespace": "jobs", "name": "retail.silver"},
        "root": {"run": {"runId": run.run_id}, "job": {"namespace": "jobs", "name": "retail.silver"}},
    }
    assert [dataset["name"] for dataset in complete["inputs"]] == ["bronze/transactions", "/lake/bronze/products"]
    assert [dataset["name"] for dataset in complete["outputs"]] == ["/lake/silver/sales"]
    assert start["eventTime"] == "2026-05-04T03:02:01.600000+00:00"
    assert complete["eventTime"] == "2026-05-04T03:02:10.600000+00:00"


def test_the_run_has_no_outputs_and_only_the_reads_that_fed_no_write(run: Run, ended: RunEnded) -> None:
    event = BUILDER.run_ended(ended, run)
    assert [dataset["name"] for dataset in event["inputs"]] == ["public.lookup"]
    assert event["outputs"] == []


def test_the_output_says_what_was_written(run: Run, sales: Write) -> None:
    start, complete = BUILDER.write_ended(sales, run, failed=False)
    fields = facet(complete, "schema", "output")
    assert fields is not None
    assert [(field["name"], field["type"], field["ordinal_position"]) for field in fields["fields"]] == [
        ("id", "bigint", 1),
        ("price", "decimal(10,2)", 2),
    ]
    assert facet(complete, "lifecycleStateChange", "output") == {"lifecycleStateChange": "OVERWRITE"}
    assert facet(complete, "dataSource", "output") == {"name": "file", "uri": "file:///"}
    assert facet(complete, "symlinks", "output") == {
        "identifiers": [{"namespace": "hive://metastore:9083", "name": "retail.sales", "type": "TABLE"}]
    }
    statistics = complete["outputs"][0]["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["size"], statistics["fileCount"]) == (1200, 4096, 2)
    assert "outputFacets" not in start["outputs"][0]
    assert facet(complete, "processing_engine") == {"name": "spark", "version": "4.2.0"}


def test_assertions_hold_counts_and_no_observed_text(run: Run, sales: Write) -> None:
    complete = BUILDER.write_ended(sales, run, failed=False)[1]
    found = facet(complete, "dataQualityAssertions", "output")
    assert found is not None
    by_name = {assertion["assertion"]: assertion for assertion in found["assertions"]}
    assert list(by_name) == ["price_range", "key_unique", "rows", "latest_name"]
    assert by_name["price_range"]["success"] is False
    assert by_name["price_range"]["actual"] == "3"
    assert by_name["price_range"]["column"] == "price"
    assert by_name["price_range"]["params"]["failing_rows"] == 3
    assert by_name["key_unique"]["params"]["columns"] == ["id", "price"]
    assert by_name["rows"]["actual"] == "1200"
    assert "Mustermann" not in json.dumps(complete)


def test_what_is_not_known_is_not_said(run: Run, sales: Write) -> None:
    bare = dataclasses.replace(
        sales, columns=(), inputs=(), verdicts=(), rows=None, bytes=None, files=None, operation="append"
    )
    complete = EventBuilder("jobs", "urn:x").write_ended(bare, run, failed=False)[1]
    output = complete["outputs"][0]
    assert set(output["facets"]) == {"dataSource", "symlinks", "catalog", "datasetType", "storage"}
    assert output["outputFacets"] == {}
    assert "processing_engine" not in complete["run"]["facets"]


def test_a_failure_is_its_type_and_condition(run: Run, sales: Write, ended: RunEnded) -> None:
    error = ErrorInfo("AnalysisException", "PATH_NOT_FOUND")
    failed = BUILDER.write_ended(dataclasses.replace(sales, error=error), run, failed=True)[1]
    assert failed["eventType"] == "FAIL"
    assert facet(failed, "errorMessage") == {
        "message": "AnalysisException [PATH_NOT_FOUND]",
        "programmingLanguage": "PYTHON",
    }
    event = BUILDER.run_ended(dataclasses.replace(ended, status="failed", error=ErrorInfo("ValueError")), run)
    assert facet(event, "errorMessage") == {"message": "ValueError", "programmingLanguage": "PYTHON"}


@pytest.mark.parametrize(
    ("status", "expected"), [("finished", "COMPLETE"), ("failed", "FAIL"), ("refused", "FAIL"), ("abandoned", "ABORT")]
)
def test_the_end_of_a_run_by_status(run: Run, ended: RunEnded, status: Any, expected: str) -> None:
    assert BUILDER.run_ended(dataclasses.replace(ended, status=status), run)["eventType"] == expected


def test_what_hides_inputs_is_said(run: Run, sales: Write) -> None:
    opaque = dataclasses.replace(sales, opaque="an RDD in between", intercepted=False, batch_id=0)
    complete = BUILDER.write_ended(opaque, run, failed=False)[1]
    assert facet(complete, "hookline_write") == {
        "operation": "overwrite",
        "published": True,
        "intercepted": False,
        "way": "vectorised",
        "opaque": "an RDD in between",
        "batchId": 0,
    }
    job_type = complete["job"]["facets"]["jobType"]
    assert (job_type["processingType"], job_type["integration"]) == ("STREAMING", "SPARK")


def test_the_same_event_gives_the_same_dict_and_id(run: Run, sales: Write, ended: RunEnded) -> None:
    once, again = ([*BUILDER.write_ended(sales, run, failed=False), BUILDER.run_ended(ended, run)] for _ in range(2))
    assert once == again
    ids = [event_id(event) for event in once]
    assert len(set(ids)) == 3
    assert ids == [event_id(json.loads(json.dumps(event))) for event in again]


def test_two_writes_are_two_runs_of_one_job(run: Run, sales: Write) -> None:
    other = dataclasses.replace(sales, write_id=f"{run.run_id}/2")
    assert write_run_id(sales) != write_run_id(other)
    assert write_job("job", sales) == write_job("job", other)


def test_jobs_of_datasets_that_end_alike_differ(sales: Write) -> None:
    names = ["/a/silver/sales", "/b/silver/sales"]
    jobs = [write_job("job", dataclasses.replace(sales, dataset=Dataset("file", name))) for name in names]
    assert jobs[0] != jobs[1]
    assert all(job.startswith("job.overwrite.silver_sales.") for job in jobs)


def test_a_hostile_dataset_name_makes_a_short_job_name(sales: Write) -> None:
    hostile = dataclasses.replace(sales, dataset=Dataset("file", "x" * 10_000 + "\x1b[31m\n"))
    assert write_job("job", hostile).isprintable()
    assert len(write_job("job", hostile)) < 120


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"airflow/dag.task/{TASK.run_id}", TASK),
        (f"k8s/prod/dag.task/{TASK.run_id}", JobRun("k8s/prod", "dag.task", TASK.run_id)),
        ("airflow/dag.task/2026-01-01T00:00", None),
        (TASK.run_id, None),
        (f"airflow/{TASK.run_id}", None),
        ("", None),
        (None, None),
    ],
)
def test_the_parent_in_the_environment(text: str | None, expected: JobRun | None) -> None:
    assert parse_parent(text) == expected


def test_parents_from_the_environment_and_from_the_run(run: Run) -> None:
    def parent_of(builder: EventBuilder, **fields: str) -> Any:
        found = facet(
            builder.run_started(RunStarted(run.started_at), dataclasses.replace(run, **fields)),  # type: ignore[arg-type]
            "parent",
        )
        return found and (found["run"]["runId"], found["job"]["namespace"], found["root"]["run"]["runId"])

    with_task = dataclasses.replace(BUILDER, parent=TASK)
    with_both = dataclasses.replace(with_task, root=DAG)
    nearer = str(uuid.UUID(int=9))
    assert parent_of(BUILDER) is None
    assert parent_of(BUILDER, parent_run_id="scheduled__2026-01-01", parent_job="dag") is None
    assert parent_of(BUILDER, parent_run_id=nearer, parent_job="outer") == (nearer, "jobs", nearer)
    assert parent_of(with_task, parent_run_id=TASK.run_id) == (TASK.run_id, "airflow", TASK.run_id)
    assert parent_of(with_both) == (TASK.run_id, "airflow", DAG.run_id)
    assert parent_of(with_both, parent_run_id=nearer, parent_job="outer") == (nearer, "jobs", DAG.run_id)
