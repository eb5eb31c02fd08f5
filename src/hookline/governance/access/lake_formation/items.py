"""What an account has, in its smallest parts. What policies want and what is there are both sets of these.

An item that can have one value only, such as the value of an LF-tag on a table, is known by its ``key``: two items with one key
are one thing before and after.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hookline.core.events import content_id
from hookline.governance.access.lake_formation.resources import (
    Catalog,
    Cells,
    Columns,
    Database,
    Other,
    Place,
    Resource,
    Table,
    Tagged,
    TagKey,
    quoted,
)

EVERYBODY = "IAM_ALLOWED_PRINCIPALS"
_RESOURCES: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (Catalog, Database, Table, Columns, Cells, Place, TagKey, Tagged, Other)
}


@dataclass(frozen=True)
class TagValue:
    """A value that an LF-tag may have."""

    tag: str
    value: str

    def __str__(self) -> str:
        return f"LF-tag {quoted(self.tag)} may be {quoted(self.value)}"

    @property
    def key(self) -> object:
        """Itself."""
        return self


@dataclass(frozen=True)
class Assigned:
    """An LF-tag on a database, a table or a column, not inherited."""

    database: str
    table: str | None
    column: str | None
    tag: str
    value: str

    def __str__(self) -> str:
        return f"{self.where}: {quoted(self.tag)} = {quoted(self.value)}"

    @property
    def where(self) -> str:
        """What carries it."""
        names = [name for name in (self.database, self.table, self.column) if name is not None]
        return f"{('database', 'table', 'column')[len(names) - 1]} {quoted(*names)}"

    @property
    def key(self) -> object:
        """A tag has one value at a place."""
        return "assigned", self.database, self.table, self.column, self.tag

    @property
    def on(self) -> Database | Table | Columns:
        """What carries it, for the API."""
        if self.table is None:
            return Database(self.database)
        if self.column is None:
            return Table(self.database, self.table)
        return Columns(self.database, self.table, (self.column,))


@dataclass(frozen=True)
class Grant:
    """One permission of one principal; with ``option``, the right to hand it on."""

    principal: str
    resource: Resource
    permission: str
    option: bool = False

    def __str__(self) -> str:
        what = f"{self.permission} (may be handed on)" if self.option else self.permission
        return f"{quoted(self.principal)}: {what} on {self.resource}"

    @property
    def key(self) -> object:
        """Itself."""
        return self


@dataclass(frozen=True)
class Filter:
    """A data cells filter: which rows and columns of a table those see who are granted it.

    Attributes:
        rows: a condition; None for all rows.
        columns: the columns, or with ``excluded`` those that are left out.
    """

    database: str
    table: str
    name: str
    rows: str | None
    columns: tuple[str, ...] = ()
    excluded: bool = True

    def __str__(self) -> str:
        return f"{self.cells}: {self.content}"

    @property
    def for_log(self) -> str:
        """Without the condition, whose constants may be what is in rows."""
        if self.rows is None:
            return str(self)
        open_rows = Filter(self.database, self.table, self.name, None, self.columns, self.excluded)
        return f"{open_rows.cells}: {open_rows.content}, of these by condition {content_id(self.rows)[:16]}"

    @property
    def content(self) -> str:
        """What it lets through."""
        names = ", ".join(map(quoted, self.columns))
        columns = f"all columns but {names}" if self.excluded and names else "all columns" if self.excluded else names
        return f"{columns}, {'all rows' if self.rows is None else 'rows where ' + self.rows}"

    @property
    def key(self) -> object:
        """A filter's name is its own within its table."""
        return "filter", self.database, self.table, self.name

    @property
    def cells(self) -> Cells:
        """What can be granted."""
        return Cells(self.database, self.table, self.name)


@dataclass(frozen=True)
class Registered:
    """A location in S3 whose data Lake Formation hands out; without a role, by the service's own."""

    arn: str
    role: str | None = None

    def __str__(self) -> str:
        return f"location {quoted(self.arn)}, opened by {quoted(self.role) if self.role else 'the service-linked role'}"

    @property
    def key(self) -> object:
        """A location is registered once."""
        return "registered", self.arn


@dataclass(frozen=True)
class Link:
    """A resource link: a name in this account for a database or a table that another one shares."""

    database: str
    table: str | None
    account: str
    target_database: str
    target_table: str | None

    def __str__(self) -> str:
        own = quoted(*(name for name in (self.database, self.table) if name is not None))
        target = quoted(*(name for name in (self.target_database, self.target_table) if name is not None))
        return f"link {own} to {target} of account {self.account}"

    @property
    def key(self) -> object:
        """A name leads to one thing."""
        return "link", self.database, self.table


@dataclass(frozen=True)
class Admin:
    """Who may grant everything."""

    principal: str

    def __str__(self) -> str:
        return f"data lake administrator {quoted(self.principal)}"

    @property
    def key(self) -> object:
        """Itself."""
        return self


def is_everybody(principal: str) -> bool:
    """Whether this is all whom IAM lets in, or all of an account's roles and users."""
    return principal == EVERYBODY or principal.endswith(":IAMPrincipals")


Item = TagValue | Assigned | Grant | Filter | Registered | Link | Admin
_ITEMS: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (TagValue, Assigned, Grant, Filter, Registered, Link, Admin)
}


def for_log(item: Item) -> str:
    """An item in words that quote nothing of any row."""
    return item.for_log if isinstance(item, Filter) else str(item)


def item_id(item: Item) -> str:
    """Tells it from all others, in every run."""
    return content_id("lake_formation", document_of(item))


def document_of(item: Item) -> str:
    """As text, to be kept."""
    told = asdict(item)
    if isinstance(item, Grant):
        told["resource"] = {"type": type(item.resource).__name__, **told["resource"]}
    return json.dumps({"type": type(item).__name__, **told}, sort_keys=True, ensure_ascii=False)


def item_of(document: str) -> Item:
    """What was kept."""
    told = _tuples(json.loads(document))
    if "resource" in told:
        own = told["resource"]
        told["resource"] = _RESOURCES[own.pop("type")](**own)
    made: Item = _ITEMS[told.pop("type")](**told)
    return made


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(one) for key, one in value.items()}
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
