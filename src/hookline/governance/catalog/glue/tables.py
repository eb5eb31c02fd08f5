"""Tables of Glue as they are to be, laid over what is there already.

What is ours is marked: parameters begin with ``hookline.``, and what we wrote elsewhere (comments, the description, the owner)
stands in such a parameter too. What somebody else wrote or changed is left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hookline.core.errors import SinkError
from hookline.governance.catalog.glue.wanted import BY_LOG, FORMATS, OURS, Wanted, place

# What GetTable tells and UpdateTable takes.
_INPUT = (
    *("Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention", "StorageDescriptor"),
    *("PartitionKeys", "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters", "TargetTable"),
)
_COUNTS = ("recordCount", "numRows", "sizeKey", "totalSize")


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
    if keys != wanted_keys and table.format not in BY_LOG:
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
    if table.format in FORMATS and _is_other(storage, table.format):
        reads, writes, library = FORMATS[table.format]
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


def _is_other(storage: Mapping[str, Any], kind: str) -> bool:
    """Whether it says nothing of how it is read, or that of another of the formats; what others set up besides stays."""
    reads, library = storage.get("InputFormat"), (storage.get("SerdeInfo") or {}).get("SerializationLibrary")
    known = {(format[0], format[2]) for name, format in FORMATS.items() if name != kind}
    return not reads or ((reads, library) in known and (reads, library) != (FORMATS[kind][0], FORMATS[kind][2]))


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
