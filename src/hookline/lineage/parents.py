"""Which run started ours: told by the scheduler through the environment.

In this order: OpenLineage's own variables, which Airflow's macros and dbt-ol fill in; what Airflow tells every task of itself;
what Dagster tells its run workers and its Pipes processes. A run id that is no UUID would make every event invalid, so such
a parent is not stated.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from hookline.lineage.facets import JobRun

Environment = Mapping[str, str]
# What integrations use that are given no namespace.
_DEFAULT_NAMESPACE = "default"
_MAX_CONTEXT_BYTES = 1 << 20


@dataclass(frozen=True)
class Started:
    """What a scheduler told.

    Attributes:
        parent: the run that started ours.
        root: the run at the top of that chain; None when it is the parent, or not told.
        nominal_start, nominal_end: the time that the run is for, ISO 8601 with offset.
        owners: who answers for the job.
    """

    parent: JobRun | None = None
    root: JobRun | None = None
    nominal_start: str | None = None
    nominal_end: str | None = None
    owners: tuple[str, ...] = ()


def started_by(environment: Environment) -> Started:
    """What the environment tells of who started this process."""
    told = _of_airflow(environment) or _of_dagster(environment) or Started()
    parent = _of_openlineage(environment, "PARENT") or told.parent
    root = _of_openlineage(environment, "ROOT_PARENT")
    return Started(parent, root if parent else None, told.nominal_start, told.nominal_end, told.owners)


def parse_parent(text: str | None) -> JobRun | None:
    """``namespace/job/run id``, as OPENLINEAGE_PARENT_ID holds it; None when it is not that.

    The namespace may have slashes of its own (``k8s/prod``, ``https://…``).
    """
    rest, _, run_id = (text or "").rpartition("/")
    namespace, _, job = rest.rpartition("/")
    return _known(namespace, job, run_id)


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID in the form that the schema wants, with its four hyphens."""
    return re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) is not None


def _known(namespace: str | None, job: str | None, run_id: str | None) -> JobRun | None:
    return JobRun(namespace, job, run_id) if namespace and job and run_id and is_uuid(run_id) else None


def _of_openlineage(environment: Environment, kind: str) -> JobRun | None:
    whole = parse_parent(environment.get(f"OPENLINEAGE_{kind}_ID"))
    parts = (environment.get(f"OPENLINEAGE_{kind}_{part}") for part in ("JOB_NAMESPACE", "JOB_NAME", "RUN_ID"))
    return whole or _known(*parts)


def _of_airflow(environment: Environment) -> Started | None:
    """A task, by the id that Airflow's OpenLineage provider gives its run.

    A mapped task's index is not among what Airflow tells by default: it should hand over OPENLINEAGE_PARENT_ID.
    """
    dag, task = (environment.get(f"AIRFLOW_CTX_{part}_ID") for part in ("DAG", "TASK"))
    date = environment.get("AIRFLOW_CTX_LOGICAL_DATE") or environment.get("AIRFLOW_CTX_EXECUTION_DATE")
    instant = _instant(date)
    if not (dag and task):
        return None
    owners = tuple(part.strip() for part in environment.get("AIRFLOW_CTX_DAG_OWNER", "").split(",") if part.strip())
    if instant is None:
        return Started(owners=owners)
    namespace = environment.get("AIRFLOW__OPENLINEAGE__NAMESPACE") or environment.get("OPENLINEAGE_NAMESPACE")
    namespace = namespace or _DEFAULT_NAMESPACE
    attempt = environment.get("AIRFLOW_CTX_TRY_NUMBER", "1")
    index = environment.get("AIRFLOW_CTX_MAP_INDEX", "-1")
    run_id = _static_uuid(instant, f"{namespace}.{dag}.{task}.{attempt}.{index}")
    return Started(JobRun(namespace, f"{dag}.{task}", run_id), nominal_start=instant.isoformat(), owners=owners)


def _of_dagster(environment: Environment) -> Started | None:
    """A run: its worker's variables, or the context of a Pipes process."""
    namespace = environment.get("OPENLINEAGE_NAMESPACE") or _DEFAULT_NAMESPACE
    context = _pipes_context(environment.get("DAGSTER_PIPES_CONTEXT"))
    job = environment.get("DAGSTER_RUN_JOB_NAME") or context.get("job_name")
    run_id = environment.get("DAGSTER_RUN_ID") or context.get("run_id")
    parent = _known(namespace, str(job or ""), str(run_id or ""))
    window = context.get("partition_time_window")
    start, end = (_instant(window.get(edge)) if isinstance(window, dict) else None for edge in ("start", "end"))
    if parent is None and start is None:
        return None
    return Started(
        parent,
        nominal_start=start.isoformat() if start else None,
        nominal_end=end.isoformat() if start and end else None,
    )


def _pipes_context(text: str | None) -> dict[str, Any]:
    """Dagster's context of a Pipes process: JSON, compressed, in base 64, or the path of a file with it; {} when it is not."""
    if not text:
        return {}
    try:
        packed = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), _MAX_CONTEXT_BYTES)
        told = json.loads(packed)
        if isinstance(told.get("path"), str):
            told = json.loads(Path(told["path"]).read_bytes()[:_MAX_CONTEXT_BYTES])
        inner = told.get("data", told)
    except (ValueError, zlib.error, OSError, AttributeError):
        return {}
    return inner if isinstance(inner, dict) else {}


def _instant(text: Any) -> dt.datetime | None:
    """A time in ISO 8601; one without an offset is UTC."""
    try:
        moment = dt.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)


def _static_uuid(instant: dt.datetime, data: str) -> str:
    """The UUID (version 7) that OpenLineage's clients make of a time and a text: the time, then a part of a hash of both."""
    at = instant.astimezone(dt.timezone.utc)
    digest = hashlib.sha1(at.isoformat().encode() + data.encode(), usedforsecurity=False).digest()
    bits = (int(at.timestamp() * 1000) & (1 << 48) - 1) << 80 | int.from_bytes(digest, "big") >> 84
    bits = bits & ~(0xF000 << 64) | 7 << 76
    bits = bits & ~(0xC000 << 48) | 0x8000 << 48
    return str(UUID(int=bits))
