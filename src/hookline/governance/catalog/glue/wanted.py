"""What a table of Glue is to be, from an entry of the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hookline.core.errors import SinkError
from hookline.core.events import Column
from hookline.governance.catalog.entry import CatalogEntry, EntryColumn
from hookline.governance.catalog.glue.types import column_name, hive_type, text

# What the names of our own parameters begin with.
OURS = "hookline."
_HIVE = "org.apache.hadoop.hive.ql.io."
_LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
_TEXT_IN, _TEXT_OUT = "org.apache.hadoop.mapred.TextInputFormat", f"{_HIVE}HiveIgnoreKeyTextOutputFormat"
# Input format, output format, library; Delta and Iceberg are known by the table's parameters, and read by their own logs.
FORMATS: Mapping[str, tuple[str, str, str]] = {
    "parquet": (
        f"{_HIVE}parquet.MapredParquetInputFormat",
        f"{_HIVE}parquet.MapredParquetOutputFormat",
        f"{_HIVE}parquet.serde.ParquetHiveSerDe",
    ),
    "orc": (f"{_HIVE}orc.OrcInputFormat", f"{_HIVE}orc.OrcOutputFormat", f"{_HIVE}orc.OrcSerde"),
    "avro": (
        f"{_HIVE}avro.AvroContainerInputFormat",
        f"{_HIVE}avro.AvroContainerOutputFormat",
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    ),
    "json": (_TEXT_IN, _TEXT_OUT, "org.openx.data.jsonserde.JsonSerDe"),
    "csv": (_TEXT_IN, _TEXT_OUT, _LAZY),
    "text": (_TEXT_IN, _TEXT_OUT, _LAZY),
    "delta": ("org.apache.hadoop.mapred.SequenceFileInputFormat", f"{_HIVE}HiveSequenceFileOutputFormat", _LAZY),
}
REGISTERED = frozenset({*FORMATS, "iceberg"})
BY_LOG = frozenset({"delta", "iceberg", "hudi"})
_LONGEST_TEXT, _LONGEST_COMMENT, _LONGEST_VALUE = 2_048, 255, 5_000


@dataclass(frozen=True)
class Wanted:
    """A table as we know it.

    Attributes:
        columns, keys: name, type, comment and our own parameters of each.
        parameters: without the prefix, ours; with the names that Glue and Athena know, theirs.
    """

    name: str
    location: str
    format: str
    columns: tuple[Mapping[str, Any], ...]
    keys: tuple[Mapping[str, Any], ...]
    description: str | None
    owner: str | None
    parameters: Mapping[str, str]
    known: Mapping[str, str] = field(default_factory=dict)


def wanted(
    name: str, entry: CatalogEntry, columns: Sequence[Column], location: str, *, metadata_location: str | None = None
) -> Wanted:
    """The table of an entry.

    Args:
        columns: as they are now, with what is inside of them.
        metadata_location: where Iceberg's current metadata is.

    Raises:
        SinkError: Glue has no such tables, or takes no such names.
    """
    kind = entry.format or "parquet"
    if kind not in REGISTERED:
        raise SinkError(f"tables of the format {text(kind, 80)} are not registered in Glue", retryable=False)
    names = [column_name(one.name) for one in columns]
    if len(set(names)) < len(names):
        twice = sorted({one for one in names if names.count(one) > 1})
        raise SinkError(f"Glue knows no upper case, and there are two columns {twice[0]!r}", retryable=False)
    about = {one.column: one for one in entry.columns}
    told = {one.name: _column(one, about.get(one.name), entry.columns) for one in columns}
    parted = [] if kind in BY_LOG else [one for one in entry.partition_by if one in told]
    return Wanted(
        name,
        place(location),
        kind,
        tuple(one for key, one in told.items() if key not in parted),
        tuple(told[one] for one in parted),
        None if entry.description is None else text(entry.description, _LONGEST_TEXT),
        None if entry.owner is None else text(entry.owner, 255),
        {key: text(value, _LONGEST_VALUE) for key, value in _facts(entry).items()},
        _known(kind, entry, metadata_location),
    )


def _column(column: Column, about: EntryColumn | None, all_columns: Sequence[EntryColumn]) -> dict[str, Any]:
    parameters = {f"{OURS}column": "1"}
    within = [one for one in all_columns if one.column == column.name or one.column.startswith(f"{column.name}.")]
    if held := sorted({held.entity for one in within for held in one.holds}):
        parameters[f"{OURS}classification"] = ",".join(held)
    found: dict[str, Any] = {"Name": column_name(column.name), "Type": hive_type(column), "Parameters": parameters}
    if about is not None and about.comment:
        found["Comment"] = text(about.comment, _LONGEST_COMMENT)
    return found


def _known(kind: str, entry: CatalogEntry, metadata_location: str | None) -> dict[str, str]:
    """Parameters that Glue, Athena and Spark read."""
    found = {"classification": kind, "EXTERNAL": "TRUE"}
    if kind == "delta":
        found |= {"table_type": "DELTA", "spark.sql.sources.provider": "delta"}
    if kind == "iceberg":
        found = {"table_type": "ICEBERG", "EXTERNAL": "TRUE"}
        if metadata_location is not None:
            found["metadata_location"] = metadata_location
    if entry.rows is not None:
        found |= {"recordCount": str(entry.rows), "numRows": str(entry.rows)}
    if entry.bytes is not None:
        found |= {"sizeKey": str(entry.bytes), "totalSize": str(entry.bytes)}
    return found


def _facts(entry: CatalogEntry) -> dict[str, str]:
    found = {"certification": entry.certification.state, "lineage": entry.lineage, "dataset": str(entry.dataset)}
    if entry.layer is not None:
        found["layer"] = entry.layer
    if entry.quality is not None and entry.quality.score is not None:
        found |= {"quality_score": f"{entry.quality.score:g}", "quality_at": entry.quality.judged_at}
    if (write := entry.last_write) is not None:
        found |= {"last_run": write.run_id, "last_job": write.job, "written_at": write.at}
        found |= {"rows_written": str(write.rows)} if write.rows is not None else {}
    if entry.schema_version is not None:
        found["schema_version"] = str(entry.schema_version)
    return found | {f"tag.{text(key, 200)}": value for key, value in entry.tags.items()}


def place(location: str) -> str:
    """A location without what does not make another one of it."""
    return location.replace("s3a://", "s3://", 1).replace("s3n://", "s3://", 1).rstrip("/")
