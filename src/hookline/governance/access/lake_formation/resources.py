"""What Lake Formation grants access to, as values; to and from the form that its API has for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Expression = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Catalog:
    """The whole catalog of an account."""

    def __str__(self) -> str:
        return "the catalog"

    def api(self, catalog: str) -> dict[str, Any]:
        """As a request has it."""
        return {"Catalog": {}}


@dataclass(frozen=True)
class Database:
    """A database."""

    database: str

    def __str__(self) -> str:
        return f"database {quoted(self.database)}"

    def api(self, catalog: str) -> dict[str, Any]:
        """As a request has it."""
        return {"Database": {"CatalogId": catalog, "Name": self.database}}


@dataclass(frozen=True)
class Table:
    """A table; without a name, all tables of the database."""

    database: str
    table: str | None = None

    def __str__(self) -> str:
        if self.table is None:
            return f"all tables of {quoted(self.database)}"
        return f"table {quoted(self.database, self.table)}"

    def api(self, catalog: str) -> dict[str, Any]:
        """As a request has it."""
        which: dict[str, Any] = {"TableWildcard": {}} if self.table is None else {"Name": self.table}
        return {"Table": {"CatalogId": catalog, "DatabaseName": self.database, **which}}


@dataclass(frozen=True)
class Columns:
    """Some columns of a table, or all but some."""

    database: str
    table: str
    columns: tuple[str, ...]
    excluded: bool = False

    def __str__(self) -> str:
        which = "all columns but" if self.excluded else "columns"
        return f"{which} {', '.join(map(quoted, self.columns))} of {quoted(self.database, self.table)}"

    def api(self, catalog: str) -> dict[str, Any]:
        """As a request has it."""
        named = [*self.columns]
        which = {"ColumnWildcard": {"ExcludedColumnNames": named}} if self.excluded else {"ColumnNames": named}
        table = {"CatalogId": catalog, "DatabaseName": self.database, "Name": self.table}
        return {"TableWithColumns": {**table, **which}}


@dataclass(frozen=True)
class Cells:
    """A data cells filter."""

    database: str
    table: str
    name: str

    def __str__(self) -> str:
        return f"filter {quoted(self.name)} of {quoted(self.database, self.table)}"

    def api(self, catalog: str) -> dict[str, Any]:
        """As a request has it."""
        table = {"TableCatalogId": catalog, "DatabaseName": self.database, "TableName": self.table}
        return {"DataCellsFilter": {**table, "Name": self.name}}


@dataclass(frozen=True)
class Place:
    """A location of data in S3."""

    arn: str

    def __str__(self) -> str:
        return f"location {quoted(self.arn)}"

    def api(self, catalog: str) -> dict[str, Any]:
        """As a request has it."""
        return {"DataLocation": {"CatalogId": catalog, "ResourceArn": self.arn}}


@dataclass(frozen=True)
class TagKey:
    """Values of an LF-tag: who may see them, or put them on something."""

    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"LF-tag {quoted(self.key)} = {' | '.join(map(quoted, self.values))}"

    def api(self, catalog: str) -> dict[str, Any]:
        """As a request has it."""
        return {"LFTag": {"CatalogId": catalog, "TagKey": self.key, "TagValues": [*self.values]}}


@dataclass(frozen=True)
class Tagged:
    """All databases, or all tables and columns, with certain LF-tags: each key with one of its values."""

    kind: Literal["DATABASE", "TABLE"]
    expression: Expression

    def __str__(self) -> str:
        what = "databases" if self.kind == "DATABASE" else "tables"
        terms = (f"{quoted(key)} = {' | '.join(map(quoted, values))}" for key, values in self.expression)
        return f"{what} tagged {' and '.join(terms)}"

    def api(self, catalog: str) -> dict[str, Any]:
        """As a request has it."""
        terms = [{"TagKey": key, "TagValues": [*values]} for key, values in self.expression]
        return {"LFTagPolicy": {"CatalogId": catalog, "ResourceType": self.kind, "Expression": terms}}

    def matches(self, tags: Mapping[str, str]) -> bool:
        """Whether something with these tags is meant."""
        return all(tags.get(key) in values for key, values in self.expression)


@dataclass(frozen=True)
class Other:
    """Something that policies don't speak of, as the API has it, in JSON."""

    document: str

    def __str__(self) -> str:
        return self.document

    def api(self, catalog: str) -> dict[str, Any]:
        """As a request has it."""
        made: dict[str, Any] = json.loads(self.document)
        return made


Resource = Catalog | Database | Table | Columns | Cells | Place | TagKey | Tagged | Other


def resource_of(document: Mapping[str, Any], catalog: str) -> Resource:
    """What a document of the API means. One of another catalog, or of a kind that is not known here, is ``Other``."""
    ((kind, told),) = document.items() if len(document) == 1 else (("", {}),)
    if told.get("CatalogId", told.get("TableCatalogId", catalog)) != catalog:
        kind = ""
    if kind == "Catalog":
        return Catalog()
    if kind == "Database":
        return Database(told["Name"])
    if kind == "Table":
        return Table(told["DatabaseName"], told.get("Name"))
    if kind == "TableWithColumns":
        return _columns(told)
    if kind == "DataCellsFilter":
        return Cells(told["DatabaseName"], told["TableName"], told["Name"])
    if kind == "DataLocation":
        return Place(told["ResourceArn"])
    if kind == "LFTag":
        return TagKey(told["TagKey"], tuple(sorted(told["TagValues"])))
    if kind == "LFTagPolicy" and "Expression" in told:
        return Tagged(told["ResourceType"], expression_of(told["Expression"]))
    return Other(json.dumps(document, sort_keys=True))


def _columns(told: Mapping[str, Any]) -> Table | Columns:
    # AWS tells a grant on a whole table in two parts: SELECT on all of its columns, and everything else on the table.
    if told.get("ColumnNames"):
        return Columns(told["DatabaseName"], told["Name"], tuple(sorted(told["ColumnNames"])))
    excluded = (told.get("ColumnWildcard") or {}).get("ExcludedColumnNames") or ()
    if excluded:
        return Columns(told["DatabaseName"], told["Name"], tuple(sorted(excluded)), excluded=True)
    # A table of this name in a listing stands for all tables.
    return Table(told["DatabaseName"], None if told["Name"] == "ALL_TABLES" else told["Name"])


def expression_of(terms: Sequence[Mapping[str, Any]]) -> Expression:
    """An expression in one form: keys and values in order."""
    return tuple(sorted((term["TagKey"], tuple(sorted(term["TagValues"]))) for term in terms))


def quoted(*names: str) -> str:
    """Names with dots between; one that is not plain stands in quotes, so that it can't be taken for something else."""
    return ".".join(name if _plain(name) else json.dumps(name, ensure_ascii=False) for name in names)


def _plain(name: str) -> bool:
    return bool(name) and all(char.isascii() and (char.isalnum() or char in "_-:/*@+=") for char in name)
