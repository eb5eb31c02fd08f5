"""Partitions in Glue, as they appear and go: in batches of what its API takes; all at once in memory are only their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from hookline.core.errors import SinkError
from hookline.governance.catalog.glue.client import Glue
from hookline.governance.catalog.glue.options import Place

MOST_CREATED, MOST_UPDATED, MOST_DELETED, _PAGE = 100, 100, 25, 500
_NULL = "__HIVE_DEFAULT_PARTITION__"
Values = tuple[str, ...]
# What Hadoop escapes in a partition's folder.
_SAFE = "".join(chr(code) for code in range(33, 127) if chr(code) not in "\"#%'*/:=?\\{[]^") + " "


def values_of(partition: Iterable[tuple[str, str | None]], keys: Sequence[str]) -> Values:
    """A partition's values, in the order of the table's keys."""
    found = {name.lower(): value for name, value in partition}
    return tuple(_NULL if found.get(key.lower()) is None else str(found[key.lower()]) for key in keys)


class Partitions:
    """The partitions of one table.

    Args:
        storage: the table's StorageDescriptor.
        keys: the partition columns, as folders are called.
    """

    def __init__(self, glue: Glue, place: Place, storage: Mapping[str, Any], keys: Sequence[str]) -> None:
        self._glue = glue
        self._names = {"DatabaseName": place.database, "TableName": place.table}
        self._storage, self._keys = dict(storage), keys

    def add(self, wanted: Iterable[Values]) -> None:
        """Make those that are not there, and bring the others to the table's columns.

        Raises:
            SinkError: some could not be made; those that could are there.
        """
        there: list[Values] = []
        lost: list[str] = []
        for values, code in self._glue.in_batches(wanted, MOST_CREATED, self._create, _errors):
            if code == "AlreadyExistsException":
                there.append(values)
            else:
                lost.append(code)
            if len(there) == MOST_UPDATED:
                lost += self._update(there)
                there = []
        lost += self._update(there)
        _check(lost, "registered")

    def make_equal(self, wanted: Iterable[Values]) -> None:
        """Have these partitions and no others.

        Raises:
            SinkError: some could not be made, or not be taken away.
        """
        kept = set(wanted)
        lost = [code for _, code in self._glue.in_batches(self._not_in(kept), MOST_DELETED, self._delete, _errors)]
        _check([code for code in lost if code != "EntityNotFoundException"], "taken away")
        self.add(sorted(kept))

    def _not_in(self, kept: set[Values]) -> Iterator[Values]:
        """Those that are there and should not be; a page is read to its end before any of it is deleted."""
        token: dict[str, str] = {}
        gone: list[Values] = []
        while True:
            page = self._glue.call("get_partitions", **self._names, MaxResults=_PAGE, ExcludeColumnSchema=True, **token)
            gone += [values for one in page["Partitions"] if (values := tuple(one["Values"])) not in kept]
            if not page.get("NextToken"):
                break
            token = {"NextToken": page["NextToken"]}
        yield from gone

    def _update(self, there: Sequence[Values]) -> list[str]:
        """Those that another one made, or an earlier try: the columns and the place are the table's now, the rest stays."""
        return [code for _, code in self._glue.in_batches(there, MOST_UPDATED, self._send_update, _update_errors)]

    def _create(self, batch: list[Values]) -> Mapping[str, Any]:
        inputs = [self._input(values) for values in batch]
        return self._glue.call("batch_create_partition", **self._names, PartitionInputList=inputs)

    def _send_update(self, batch: list[Values]) -> Mapping[str, Any]:
        there = self._glue.call(
            "batch_get_partition", **self._names, PartitionsToGet=[{"Values": [*values]} for values in batch]
        )
        known = {tuple(one["Values"]): one for one in there["Partitions"]}
        entries = [
            {"PartitionValueList": [*values], "PartitionInput": self._input(values, known[values])}
            for values in batch
            if values in known and self._differs(known[values])
        ]
        if not entries:
            return {}
        return self._glue.call("batch_update_partition", **self._names, Entries=entries)

    def _delete(self, batch: list[Values]) -> Mapping[str, Any]:
        gone = [{"Values": [*values]} for values in batch]
        return self._glue.call("batch_delete_partition", **self._names, PartitionsToDelete=gone)

    def _differs(self, there: Mapping[str, Any]) -> bool:
        storage = there.get("StorageDescriptor") or {}
        return [(one["Name"], one.get("Type")) for one in storage.get("Columns", ())] != [
            (one["Name"], one.get("Type")) for one in self._storage.get("Columns", ())
        ]

    def _input(self, values: Values, there: Mapping[str, Any] | None = None) -> dict[str, Any]:
        folder = "/".join(f"{_escaped(key)}={_escaped(value)}" for key, value in zip(self._keys, values, strict=True))
        before = dict((there or {}).get("StorageDescriptor") or {})
        location = before.get("Location") or f"{str(self._storage['Location']).rstrip('/')}/{folder}"
        storage = {**self._storage, **before, "Columns": self._storage.get("Columns", []), "Location": location}
        return {
            "Values": [*values],
            "StorageDescriptor": storage,
            "Parameters": dict((there or {}).get("Parameters") or {}),
        }


def _escaped(text: str) -> str:
    """As Spark writes a partition's folder: signs that mean something to a file system are percent-encoded, no others."""
    return "".join(char if ord(char) > 127 or char in _SAFE else quote(char, safe="") for char in text)


def _errors(answer: Mapping[str, Any]) -> list[tuple[Values, str]]:
    return [
        (tuple(one.get("PartitionValues", ())), str(one.get("ErrorDetail", {}).get("ErrorCode", "")))
        for one in answer.get("Errors", ())
    ]


def _update_errors(answer: Mapping[str, Any]) -> list[tuple[Values, str]]:
    return [
        (tuple(one.get("PartitionValueList", ())), str(one.get("ErrorDetail", {}).get("ErrorCode", "")))
        for one in answer.get("Errors", ())
    ]


def _check(codes: Sequence[str], what: str) -> None:
    if codes:
        told = ", ".join(sorted(set(codes)))
        raise SinkError(f"{len(codes)} partitions could not be {what} in Glue ({told})")
