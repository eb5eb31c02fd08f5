"""Tables of Glue from entries of the catalog, and how they are laid over what is there already.

What is ours is marked: parameters begin with ``hookline.``, and what we wrote elsewhere (comments, the description, the owner)
stands in such a parameter too. What somebody else wrote or changed is left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hookline.core.errors import SinkError
from hookline.core.events import Column
from hookline.governance.catalog.entry import CatalogEntry, EntryColumn
from hookline.governance.catalog.glue.types import column_name, hive_type, text

OURS = "hookline."
_HIVE = "org.apache.hadoop.hive.ql.io."
_LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
_TEXT_IN, _TEXT_OUT = "org.apache.hadoop.mapred.TextInputFormat", f"{_HIVE}HiveIgnoreKeyTextOutputFormat"
# Input format, output format, library; Delta and Iceberg are known by the table's parameters, and read by their own logs.
_FORMATS: Mapping[str, tuple[str, str, str]] = {
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
REGISTERED = frozenset({*_FORMATS, "iceberg"})
_BY_LOG = frozenset({"delta", "iceberg", "hudi"})
# What GetTable tells and UpdateTable takes.
_INPUT = (
    *("Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention", "StorageDescriptor"),
    *("PartitionKeys", "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters", "TargetTable"),
)
_COUNTS = ("recordCount", "numRows", "sizeKey", "totalSize")
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
    parted = [] if kind in _BY_LOG else [one for one in entry.partition_by if one in told]
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


def created(table: Wanted) -> dict[str, Any]:
    """The input of CreateTable."""
    return _laid({"Name": table.name, "TableType": "EXTERNAL_TABLE", "Retention": 0}, table)


def laid_over(there: Mapping[str, Any], table: Wanted) -> dict[str, Any]:
    """The input of UpdateTable: what there is (as GetTable tells it), with ours in place of what was ours.

    Raises:
        SinkError: the table is another dataset's, or partitioned in another way.
    """
    location = (there.get("StorageDescriptor") or {}).get("Location")
    if not location or there.get("TableType") == "VIRTUAL_VIEW" or place(location) != place(table.location):
        raise SinkError(
            f"Glue's table {table.name!r} is a view, or at another place: give the dataset another name with "
            "`plugins.glue.tables`",
            retryable=False,
        )
    keys, wanted_keys = ([str(one["Name"]) for one in some] for some in (there.get("PartitionKeys") or [], table.keys))
    if keys != wanted_keys and table.format not in _BY_LOG:
        raise SinkError(
            f"Glue's table {table.name!r} is partitioned by {', '.join(keys) or 'nothing'}, and the data by "
            f"{', '.join(wanted_keys) or 'nothing'}: Glue can't change that; drop the table there, and it is made anew",
            retryable=False,
        )
    return _laid(there, table)


def _laid(there: Mapping[str, Any], table: Wanted) -> dict[str, Any]:
    found = {key: there[key] for key in _INPUT if key in there}
    storage = dict(found.get("StorageDescriptor") or {})
    before = dict(found.get("Parameters") or {})
    keys = found.get("PartitionKeys") or []
    ours = {f"{OURS}{key}": value for key, value in table.parameters.items()}
    for key, attribute, value in (("description", "Description", table.description), ("owner", "Owner", table.owner)):
        if found.get(attribute) in (None, "", before.get(f"{OURS}{key}")):
            found.pop(attribute, None)
            if value is not None:
                found[attribute] = ours[f"{OURS}{key}"] = value
    if table.format == "iceberg" and "metadata_location" in before:  # Iceberg's own commits change it
        ours["metadata_location"] = before["metadata_location"]
    for key in _COUNTS:  # what was counted once is not true for ever
        if key in before and before[key] == before.get(f"{OURS}{key}"):
            before.pop(key)
        if key in table.known:
            ours[f"{OURS}{key}"] = table.known[key]
    theirs = {key: value for key, value in before.items() if not key.startswith(OURS)}
    found["Parameters"] = {**theirs, **table.known, **ours}
    # Partitions are stored by their keys' types, so these stay what they were. A table with a log may have got keys from others.
    types = {one["Name"]: one.get("Type") for one in keys}
    laid = _columns(keys, table.keys)
    found["PartitionKeys"] = [{**one, "Type": types.get(one["Name"]) or one["Type"]} for one in laid]
    others = {one["Name"] for one in laid}
    storage["Columns"] = _columns(
        storage.get("Columns") or [], [one for one in table.columns if one["Name"] not in others]
    )
    storage.setdefault("Location", table.location)
    if table.format in _FORMATS and not storage.get("InputFormat"):
        reads, writes, library = _FORMATS[table.format]
        parameters = {"serialization.format": "1"}
        if table.format == "delta":  # where Spark looks for its log
            parameters["path"] = table.location
        if table.format == "csv":
            parameters["field.delim"] = ","
        storage |= {
            "InputFormat": reads,
            "OutputFormat": writes,
            "SerdeInfo": {"SerializationLibrary": library, "Parameters": parameters},
        }
    found["StorageDescriptor"] = storage
    return found


def place(location: str) -> str:
    """A location without what does not make another one of it."""
    return location.replace("s3a://", "s3://", 1).replace("s3n://", "s3://", 1).rstrip("/")


def _columns(there: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Ours in our order, with what others said of them; then those that are none of ours."""
    before = {str(one["Name"]): one for one in there}
    found = [_over(before.pop(str(one["Name"]), {}), one) for one in wanted]
    return found + [dict(one) for one in before.values() if f"{OURS}column" not in (one.get("Parameters") or {})]


def _over(there: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    before = there.get("Parameters") or {}
    parameters = {key: value for key, value in before.items() if not key.startswith(OURS)} | dict(ours["Parameters"])
    found = {"Name": ours["Name"], "Type": ours["Type"]}
    comment, kept = ours.get("Comment"), there.get("Comment")
    if kept and kept != before.get(f"{OURS}comment"):
        found["Comment"] = kept
    elif comment:
        found["Comment"] = parameters[f"{OURS}comment"] = comment
    return found | {"Parameters": parameters}


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
