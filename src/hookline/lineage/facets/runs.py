"""Facets of runs and jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hookline.core.events import ErrorInfo, Write
from hookline.lineage.facets.base import Facet, FacetMaker, JobRun


def parent(make: FacetMaker, above: JobRun, root: JobRun) -> Facet:
    """The run that started this one, and the one at the top."""
    return make("parent", **above.reference(), root=root.reference())


def engine(make: FacetMaker, spark_version: str | None) -> Facet:
    """Spark and its version; the schema requires a version, so without one there is no facet."""
    return make("processing_engine", name="spark", version=spark_version) if spark_version else {}


def failure(make: FacetMaker, error: ErrorInfo | None) -> Facet:
    """The error's type and Spark's condition; never its text, which may quote data."""
    if error is None:
        return {}
    message = f"{error.type} [{error.condition}]" if error.condition else error.type
    return make("errorMessage", message=message, programmingLanguage="PYTHON")


def nominal_time(make: FacetMaker, start: str | None, end: str | None) -> Facet:
    """The time that the run is for, as its scheduler sees it."""
    if start is None:
        return {}
    return make("nominalTime", nominalStartTime=start, **({"nominalEndTime": end} if end else {}))


def environment(make: FacetMaker, variables: Mapping[str, str]) -> Facet:
    """Those environment variables that were allowed by name."""
    listed = [{"name": name, "value": value} for name, value in variables.items()]
    return make("environmentVariables", environmentVariables=listed) if listed else {}


def parameters(make: FacetMaker, named: Mapping[str, str | None]) -> Facet:
    """What hookline itself was told: the environment that was chosen."""
    known = [{"key": key, "name": key, "value": value} for key, value in named.items() if value is not None]
    return make("executionParameters", parameters=known) if known else {}


def dependencies(make: FacetMaker, upstream: Iterable[JobRun]) -> Facet:
    """Runs whose data this one read, when they are known."""
    listed = [one.reference() | {"dependency_type": "IMPLICIT_DEPENDENCY"} for one in upstream]
    return make("jobDependencies", upstream=listed) if listed else {}


def write(make: FacetMaker, event: Write) -> Facet:
    """What only we know of a write: whether readers see it, how it was seen and measured, what hides its inputs."""
    facts = {
        "operation": event.operation,
        "published": event.published,
        "intercepted": event.intercepted,
        "way": event.way,
        "opaque": event.opaque,
        "unstaged": event.unstaged,
        "batchId": event.batch_id,
    }
    return make("hookline_write", **{name: value for name, value in facts.items() if value is not None})


def progress(make: FacetMaker, **counts: int) -> Facet:
    """How far a run has come: its writes, and how many of them were told in events of their own."""
    return make("hookline_run", **counts)


def job_type(make: FacetMaker, kind: str, *, streaming: bool, integration: str) -> Facet:
    """What kind of job: the whole application, or one command of it."""
    processing = "STREAMING" if streaming else "BATCH"
    return make("jobType", processingType=processing, integration=integration, jobType=kind)


def job_ownership(make: FacetMaker, owners: Iterable[str]) -> Facet:
    """Who answers for the job."""
    listed = [{"name": owner} for owner in owners]
    return make("ownership of job", owners=listed) if listed else {}


def job_tags(make: FacetMaker, tags: Mapping[str, str]) -> Facet:
    """The job's tags."""
    listed = [{"key": key, "value": value, "source": "USER"} for key, value in tags.items()]
    return make("tags of job", tags=listed) if listed else {}


def sql(make: FacetMaker, query: str | None) -> Facet:
    """A statement whose literals were taken out."""
    return make("sql", query=query, dialect="spark") if query else {}


def source(make: FacetMaker, location: Mapping[str, Any] | None, code: str | None) -> Facet:
    """Where the job's source is, and, when that was asked for, the source."""
    facets = make("sourceCodeLocation", **location) if location else {}
    return facets | (make("sourceCode", language="python", sourceCode=code) if code is not None else {})
