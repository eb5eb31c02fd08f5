"""Which run started ours: OpenLineage's variables, Airflow's and Dagster's."""

from __future__ import annotations

import base64
import datetime as dt
import json
import uuid
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.lineage.facets import JobRun
from hookline.lineage.parents import Started, _static_uuid, started_by

TASK, DAG, NEARER = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
AIRFLOW = {
    "AIRFLOW_CTX_DAG_OWNER": "sales, ops",
    "AIRFLOW_CTX_DAG_ID": "nightly",
    "AIRFLOW_CTX_TASK_ID": "load.orders",
    "AIRFLOW_CTX_EXECUTION_DATE": "2026-05-04T00:00:00+00:00",
    "AIRFLOW_CTX_TRY_NUMBER": "2",
    "AIRFLOW_CTX_DAG_RUN_ID": "scheduled__2026-05-04T00:00:00+00:00",
}


def pipes(context: Any) -> str:
    return base64.b64encode(zlib.compress(json.dumps(context).encode())).decode()


CONTEXT = {
    "run_id": NEARER,
    "job_name": "nightly",
    "partition_key": "2026-05-04",
    "partition_time_window": {"start": "2026-05-04T00:00:00", "end": "2026-05-05T00:00:00"},
}


@pytest.mark.parametrize(
    ("environment", "parent", "root"),
    [
        ({}, None, None),
        ({"OPENLINEAGE_PARENT_ID": f"airflow/dag.task/{TASK}"}, JobRun("airflow", "dag.task", TASK), None),
        (
            {
                "OPENLINEAGE_PARENT_ID": f"airflow/dag.task/{TASK}",
                "OPENLINEAGE_ROOT_PARENT_ID": f"airflow/dag/{DAG}",
            },
            JobRun("airflow", "dag.task", TASK),
            JobRun("airflow", "dag", DAG),
        ),
        (
            {
                "OPENLINEAGE_PARENT_JOB_NAMESPACE": "dbt",
                "OPENLINEAGE_PARENT_JOB_NAME": "run",
                "OPENLINEAGE_PARENT_RUN_ID": TASK,
            },
            JobRun("dbt", "run", TASK),
            None,
        ),
        ({"OPENLINEAGE_PARENT_JOB_NAMESPACE": "dbt", "OPENLINEAGE_PARENT_RUN_ID": TASK}, None, None),
        ({"OPENLINEAGE_ROOT_PARENT_ID": f"airflow/dag/{DAG}"}, None, None),
        ({"OPENLINEAGE_PARENT_ID": "airflow/dag.task/manual__2026"}, None, None),
        ({"DAGSTER_RUN_ID": NEARER, "DAGSTER_RUN_JOB_NAME": "nightly"}, JobRun("default", "nightly", NEARER), None),
        (
            {"DAGSTER_PIPES_CONTEXT": pipes({"data": CONTEXT}), "OPENLINEAGE_NAMESPACE": "prod"},
            JobRun("prod", "nightly", NEARER),
            None,
        ),
        ({"DAGSTER_PIPES_CONTEXT": pipes(CONTEXT)}, JobRun("default", "nightly", NEARER), None),
        (AIRFLOW | {"OPENLINEAGE_PARENT_ID": f"x/y/{TASK}"}, JobRun("x", "y", TASK), None),
    ],
)
def test_parents(environment: dict[str, str], parent: JobRun | None, root: JobRun | None) -> None:
    started = started_by(environment)
    assert (started.parent, started.root) == (parent, root)


def test_airflows_own_variables_give_the_run_that_its_provider_tells_of() -> None:
    """The provider's formula, computed with OpenLineage's own client."""
    static: Any = pytest.importorskip("openlineage.client.uuid").generate_static_uuid
    started = started_by(AIRFLOW | {"AIRFLOW__OPENLINEAGE__NAMESPACE": "airflow-prod"})
    instant = dt.datetime(2026, 5, 4, tzinfo=dt.timezone.utc)
    run_id = str(static(instant, b"airflow-prod.nightly.load.orders.2.-1"))
    assert started.parent == JobRun("airflow-prod", "nightly.load.orders", run_id)
    assert started.owners == ("sales", "ops")
    assert started.nominal_start == "2026-05-04T00:00:00+00:00"
    newer = {name: value for name, value in AIRFLOW.items() if "EXECUTION" not in name}
    newer |= {"AIRFLOW_CTX_LOGICAL_DATE": "2026-05-04T00:00:00Z", "AIRFLOW_CTX_MAP_INDEX": "4"}
    mapped = started_by(newer).parent
    assert mapped == JobRun("default", "nightly.load.orders", str(static(instant, b"default.nightly.load.orders.2.4")))


@given(st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2400, 1, 1), timezones=st.timezones()), st.text(max_size=50))
def test_static_ids_are_the_clients(instant: dt.datetime, text: str) -> None:
    static: Any = pytest.importorskip("openlineage.client.uuid").generate_static_uuid
    data = text.encode("utf-8", "replace").decode()
    assert _static_uuid(instant, data) == str(static(instant, data.encode()))


def test_the_time_that_a_run_is_for() -> None:
    started = started_by({"DAGSTER_PIPES_CONTEXT": pipes({"data": CONTEXT})})
    assert (started.nominal_start, started.nominal_end) == ("2026-05-04T00:00:00+00:00", "2026-05-05T00:00:00+00:00")


def test_a_context_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "context").write_text(json.dumps(CONTEXT))
    started = started_by({"DAGSTER_PIPES_CONTEXT": pipes({"path": str(tmp_path / "context")})})
    assert started.parent == JobRun("default", "nightly", NEARER)


@pytest.mark.parametrize(
    "text",
    ["", "not base 64!", base64.b64encode(b"not compressed").decode(), pipes([1]), pipes({"path": "/no/such"}),
     pipes({"data": None}), pipes({"data": {"run_id": 7, "job_name": ["x"]}}), pipes(None),
     base64.b64encode(zlib.compress(b"x" * 50_000_000)).decode()],
    ids=range(9),
)  # fmt: skip
def test_a_broken_context_is_none(text: str) -> None:
    assert started_by({"DAGSTER_PIPES_CONTEXT": text}) == Started()


@pytest.mark.parametrize("date", ["", "yesterday", "2026-13-45", "None"])
def test_an_airflow_without_a_date_has_no_run_to_name(date: str) -> None:
    started = started_by(AIRFLOW | {"AIRFLOW_CTX_EXECUTION_DATE": date})
    assert (started.parent, started.nominal_start, started.owners) == (None, None, ("sales", "ops"))
