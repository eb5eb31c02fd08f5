"""What every facet has: who made it, and the schema that it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Facet = dict[str, Any]
SPEC = "https://openlineage.io/spec"
_SCHEMAS: Mapping[str, tuple[str, str]] = {
    "catalog": ("1-1-0", "CatalogDatasetFacet"),
    "columnLineage": ("1-2-0", "ColumnLineageDatasetFacet"),
    "dataQualityAssertions": ("1-1-0", "DataQualityAssertionsDatasetFacet"),
    "dataQualityMetrics": ("1-0-0", "DataQualityMetricsDatasetFacet"),
    "dataSource": ("1-0-1", "DatasourceDatasetFacet"),
    "datasetType": ("1-0-1", "DatasetTypeDatasetFacet"),
    "environmentVariables": ("1-0-0", "EnvironmentVariablesRunFacet"),
    "errorMessage": ("1-0-1", "ErrorMessageRunFacet"),
    "executionParameters": ("1-0-0", "ExecutionParametersRunFacet"),
    "inputStatistics": ("1-0-0", "InputStatisticsInputDatasetFacet"),
    "jobDependencies": ("1-0-1", "JobDependenciesRunFacet"),
    "jobType": ("2-0-4", "JobTypeJobFacet"),
    "lifecycleStateChange": ("1-0-1", "LifecycleStateChangeDatasetFacet"),
    "nominalTime": ("1-0-1", "NominalTimeRunFacet"),
    "outputStatistics": ("1-0-2", "OutputStatisticsOutputDatasetFacet"),
    "ownership of dataset": ("1-0-1", "OwnershipDatasetFacet"),
    "ownership of job": ("1-0-1", "OwnershipJobFacet"),
    "parent": ("1-2-0", "ParentRunFacet"),
    "processing_engine": ("1-1-1", "ProcessingEngineRunFacet"),
    "schema": ("1-2-0", "SchemaDatasetFacet"),
    "sourceCode": ("1-0-1", "SourceCodeJobFacet"),
    "sourceCodeLocation": ("1-1-0", "SourceCodeLocationJobFacet"),
    "sql": ("1-1-0", "SQLJobFacet"),
    "storage": ("1-0-1", "StorageDatasetFacet"),
    "symlinks": ("1-0-1", "SymlinksDatasetFacet"),
    "tags of dataset": ("1-0-0", "TagsDatasetFacet"),
    "tags of job": ("1-0-0", "TagsJobFacet"),
    "test": ("1-0-1", "TestRunFacet"),
    "version": ("1-0-1", "DatasetVersionDatasetFacet"),
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
class FacetMaker:
    """Makes facets in one producer's name."""

    producer: str

    def __call__(self, name: str, /, **fields: Any) -> Facet:
        """A facet; ``ownership of job`` and ``ownership of dataset`` are both called ``ownership`` and differ in schema."""
        facet = {"_producer": self.producer, "_schemaURL": _schema_url(name), **fields}
        return {name.partition(" of ")[0]: facet}


def _schema_url(name: str) -> str:
    """A facet's schema; ours (``hookline_…``) have none of their own, and the base facet's says all that a reader needs."""
    if name not in _SCHEMAS:
        base = "DatasetFacet" if name.endswith(" of dataset") else "RunFacet"
        return f"{SPEC}/2-0-2/OpenLineage.json#/$defs/{base}"
    version, schema = _SCHEMAS[name]
    return f"{SPEC}/facets/{version}/{schema}.json#/$defs/{schema}"
