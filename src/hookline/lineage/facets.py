"""OpenLineage facets from our events. A facet is left out when there is nothing to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hookline.core.events import Column, Dataset, ErrorInfo, Operation, Verdict, Write

Facet = dict[str, Any]
_SPEC = "https://openlineage.io/spec"
_SCHEMAS: Mapping[str, tuple[str, str]] = {
    "dataQualityAssertions": ("1-1-0", "DataQualityAssertionsDatasetFacet"),
    "dataSource": ("1-0-1", "DatasourceDatasetFacet"),
    "errorMessage": ("1-0-1", "ErrorMessageRunFacet"),
    "jobType": ("2-0-4", "JobTypeJobFacet"),
    "lifecycleStateChange": ("1-0-1", "LifecycleStateChangeDatasetFacet"),
    "outputStatistics": ("1-0-2", "OutputStatisticsOutputDatasetFacet"),
    "parent": ("1-2-0", "ParentRunFacet"),
    "processing_engine": ("1-1-1", "ProcessingEngineRunFacet"),
    "schema": ("1-2-0", "SchemaDatasetFacet"),
    "symlinks": ("1-0-1", "SymlinksDatasetFacet"),
}
_CHANGES: Mapping[Operation, str] = {
    "create": "CREATE",
    "errorifexists": "CREATE",
    "overwrite": "OVERWRITE",
    "replace": "OVERWRITE",
}


@dataclass(frozen=True)
class JobRun:
    """A run as facets refer to it."""

    namespace: str
    job: str
    run_id: str

    def reference(self) -> Facet:
        """The run and its job, as the parent facet holds them."""
        return {"run": {"runId": self.run_id}, "job": {"namespace": self.namespace, "name": self.job}}


@dataclass(frozen=True)
class Facets:
    """Makes facets; each method returns ``{name: facet}``, or ``{}``, so that results unite with ``|``."""

    producer: str

    def parent(self, parent: JobRun, root: JobRun) -> Facet:
        """The run that started this one, and the one at the top."""
        return self._facet("parent", **parent.reference(), root=root.reference())

    def engine(self, spark_version: str | None) -> Facet:
        """Spark and its version; the schema requires a version, so without one there is no facet."""
        return self._facet("processing_engine", name="spark", version=spark_version) if spark_version else {}

    def failure(self, error: ErrorInfo | None) -> Facet:
        """The error's type and Spark's condition; never its text, which may quote data."""
        if error is None:
            return {}
        message = f"{error.type} [{error.condition}]" if error.condition else error.type
        return self._facet("errorMessage", message=message, programmingLanguage="PYTHON")

    def job_type(self, kind: str, *, streaming: bool) -> Facet:
        """What kind of job: the whole application, or one command of it."""
        processing = "STREAMING" if streaming else "BATCH"
        return self._facet("jobType", processingType=processing, integration="SPARK", jobType=kind)

    def write(self, write: Write) -> Facet:
        """What only we know of a write: whether readers see it, how it was seen and measured, what hides its inputs."""
        facts = {
            "operation": write.operation,
            "published": write.published,
            "intercepted": write.intercepted,
            "way": write.way,
            "opaque": write.opaque,
            "batchId": write.batch_id,
        }
        return self._facet("hookline_write", **{name: value for name, value in facts.items() if value is not None})

    def dataset(self, dataset: Dataset, columns: Iterable[Column]) -> Facet:
        """Schema, data source and other names of a dataset."""
        fields = [
            {"name": column.name, "type": column.type, "ordinal_position": position}
            for position, column in enumerate(columns, 1)
        ]
        links = [{"namespace": namespace, "name": name, "type": "TABLE"} for namespace, name in dataset.symlinks]
        facets = self._facet("dataSource", name=dataset.namespace, **_uri(dataset.namespace))
        facets |= self._facet("schema", fields=fields) if fields else {}
        return facets | (self._facet("symlinks", identifiers=links) if links else {})

    def change(self, operation: Operation) -> Facet:
        """CREATE or OVERWRITE; the schema has no word for rows that were added or changed."""
        change = _CHANGES.get(operation)
        return self._facet("lifecycleStateChange", lifecycleStateChange=change) if change else {}

    def statistics(self, write: Write) -> Facet:
        """Rows, bytes and files written, as far as known."""
        counts = {"rowCount": write.rows, "size": write.bytes, "fileCount": write.files}
        known = {name: count for name, count in counts.items() if count is not None}
        return self._facet("outputStatistics", **known) if known else {}

    def assertions(self, verdicts: Iterable[Verdict]) -> Facet:
        """Checks that passed or failed. One without an answer is neither, and the schema knows only these two."""
        answered = [_assertion(verdict) for verdict in verdicts if verdict.status in ("passed", "failed")]
        return self._facet("dataQualityAssertions", assertions=answered) if answered else {}

    def _facet(self, name: str, /, **fields: Any) -> Facet:
        return {name: {"_producer": self.producer, "_schemaURL": _schema_url(name), **fields}}


def _schema_url(name: str) -> str:
    """A facet's schema; ours has none of its own, and the base facet's says all that a reader needs."""
    if name not in _SCHEMAS:
        return f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunFacet"
    version, schema = _SCHEMAS[name]
    return f"{_SPEC}/facets/{version}/{schema}.json#/$defs/{schema}"


def _assertion(verdict: Verdict) -> Facet:
    """One check, in counts and the configuration's words; an observed text may be a row's value and is left out."""
    actual = verdict.failing_rows if verdict.failing_rows is not None else verdict.observed
    assertion: Facet = {
        "assertion": verdict.check,
        "name": verdict.check,
        "success": verdict.status == "passed",
        "severity": verdict.severity,
        "params": {"way": verdict.way, "plugin": verdict.plugin},
    }
    if len(verdict.columns) == 1:
        assertion["column"] = verdict.columns[0]
    elif verdict.columns:
        assertion["params"]["columns"] = list(verdict.columns)
    if verdict.expected:
        assertion["expected"] = verdict.expected
    if isinstance(actual, (int, float)):
        assertion["actual"] = str(actual)
    if verdict.failing_rows is not None:
        assertion["params"]["failing_rows"] = verdict.failing_rows
    return assertion


def _uri(namespace: str) -> dict[str, str]:
    """The namespace as a URI, when it is one."""
    if namespace == "file":
        return {"uri": "file:///"}
    return {"uri": quote(namespace, safe=":/?#[]@!$&'()*+,;=%")} if "://" in namespace else {}
