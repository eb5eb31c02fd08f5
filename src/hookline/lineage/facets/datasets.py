"""Facets of datasets: what they are, what a write made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from hookline.core.events import Column, Dataset, Operation, Read, Write
from hookline.lineage.facets.base import Facet, FacetMaker

_CHANGES: Mapping[Operation, str] = {
    "create": "CREATE",
    "errorifexists": "CREATE",
    "overwrite": "OVERWRITE",
    "replace": "OVERWRITE",
}
_TABLE_FORMATS = frozenset({"delta", "iceberg", "hudi", "jdbc", "hive", "snowflake", "bigquery"})
_FILE_FORMATS = frozenset({"parquet", "csv", "json", "orc", "text", "xml", "avro", "binaryfile"})
_STREAMS: Mapping[str, str] = {"kafka": "TOPIC", "kinesis": "STREAM", "aws-kinesis": "STREAM"}
_LAYERS = frozenset({"delta", "iceberg"})


def dataset(make: FacetMaker, named: Dataset, columns: Iterable[Column]) -> Facet:
    """Schema, data source, kind, storage, catalog and other names of a dataset."""
    facets = make("dataSource", name=named.namespace, **_uri(named.namespace))
    facets |= _schema(make, columns) | _kind(make, named)
    if named.format in _LAYERS:
        facets |= make("storage", storageLayer=named.format, fileFormat="parquet")
    if named.symlinks:
        links = [{"namespace": namespace, "name": name, "type": "TABLE"} for namespace, name in named.symlinks]
        facets |= make("symlinks", identifiers=links) | _catalog(make, named)
    return facets


def input_statistics(make: FacetMaker, read: Read) -> Facet:
    """How large the input is, as far as known."""
    return _counts(make, "inputStatistics", size=read.bytes, fileCount=read.files)


def output_statistics(make: FacetMaker, write: Write) -> Facet:
    """Rows, bytes and files written, as far as known."""
    return _counts(make, "outputStatistics", rowCount=write.rows, size=write.bytes, fileCount=write.files)


def change(make: FacetMaker, operation: Operation) -> Facet:
    """CREATE or OVERWRITE; the schema has no word for rows that were added or changed."""
    word = _CHANGES.get(operation)
    return make("lifecycleStateChange", lifecycleStateChange=word) if word else {}


def version(make: FacetMaker, number: str | None) -> Facet:
    """The version that the write made."""
    return make("version", datasetVersion=number) if number is not None else {}


def schema_change(make: FacetMaker, told: Mapping[str, Any] | None) -> Facet:
    """What the write changed of the schema; OpenLineage has no facet of its own for that."""
    return make("hookline_schemaChange of dataset", **told) if told else {}


def ownership(make: FacetMaker, owners: Iterable[str]) -> Facet:
    """Who answers for the dataset."""
    listed = [{"name": owner} for owner in owners]
    return make("ownership of dataset", owners=listed) if listed else {}


def tags(
    make: FacetMaker,
    of_dataset: Mapping[str, str],
    of_columns: Mapping[str, Mapping[str, str]],
    personal: Iterable[tuple[str, str]] = (),
) -> Facet:
    """Tags of the dataset and of its columns; of columns with personal data the entity, under ``pii``."""
    found = [{"key": key, "value": value, "source": "USER"} for key, value in of_dataset.items()]
    for column, own in of_columns.items():
        found += [{"key": key, "value": value, "source": "USER", "field": column} for key, value in own.items()]
    found += [{"key": "pii", "value": entity, "source": "INTEGRATION", "field": column} for column, entity in personal]
    return make("tags of dataset", tags=found) if found else {}


def _counts(make: FacetMaker, facet: str, **counts: int | None) -> Facet:
    known = {name: count for name, count in counts.items() if count is not None}
    return make(facet, **known) if known else {}


def _schema(make: FacetMaker, columns: Iterable[Column]) -> Facet:
    fields = _fields(columns)
    return make("schema", fields=fields) if fields else {}


def _fields(columns: Iterable[Column]) -> list[Facet]:
    """With what is inside; a column that holds others is only called struct, array or map."""
    fields: list[Facet] = []
    for position, column in enumerate(columns, 1):
        inside = _fields(column.fields)
        kind = re.split("<", column.type, maxsplit=1)[0] if inside else column.type
        field: Facet = {"name": column.name, "type": kind, "ordinal_position": position}
        fields.append(field | {"fields": inside} if inside else field)
    return fields


def _kind(make: FacetMaker, named: Dataset) -> Facet:
    word = _STREAMS.get(named.format or "")
    if word is None and (named.symlinks or named.format in _TABLE_FORMATS):
        word = "TABLE"
    elif word is None and named.format in _FILE_FORMATS:
        word = "FILE"
    return make("datasetType", datasetType=word) if word else {}


def _catalog(make: FacetMaker, named: Dataset) -> Facet:
    """The catalog that the first symlink leads to, as far as its namespace tells."""
    namespace = named.symlinks[0][0]
    about: dict[str, Any] = {"framework": named.format or "spark", "name": "spark_catalog", "source": "spark"}
    if namespace.startswith("arn:aws:glue:"):
        about |= {"type": "glue", "metadataUri": namespace}
    elif namespace.startswith("hive://"):
        about |= {"type": "hive", "metadataUri": namespace}
    else:
        about |= {"type": "session", "warehouseUri": namespace}
    return make("catalog", **about)


def _uri(namespace: str) -> dict[str, str]:
    """The namespace as a URI, when it is one."""
    if namespace == "file":
        return {"uri": "file:///"}
    return {"uri": quote(namespace, safe=":/?#[]@!$&'()*+,;=%")} if "://" in namespace else {}
