"""What an account has now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from hookline.governance.access.lake_formation.account import UNEXPLAINED, Account, AccountError
from hookline.governance.access.lake_formation.items import (
    Admin,
    Assigned,
    Filter,
    Grant,
    Item,
    Link,
    Registered,
    TagValue,
    is_everybody,
)
from hookline.governance.access.lake_formation.resources import resource_of

_AT_ONCE = 8
_SERVICE_ROLE = "/aws-service-role/lakeformation.amazonaws.com/"


# A database, or a table with its columns.
_Carrier = tuple[str, str | None, tuple[str, ...]]
Tagging = Callable[[str, str, str | None], bool]


@dataclass(frozen=True)
class TableInfo:
    """What Glue says of a table: its columns, with their types, partition keys at the end, and where it lies."""

    columns: Mapping[str, str]
    location: str | None = None


@dataclass(frozen=True)
class Actual:
    """An account.

    Attributes:
        items: all that it has.
        tables: what its databases hold, by database and table.
        grantors: who made a grant, and when, as far as AWS tells.
        open_to_all: whether what is made from now on is open to everybody who IAM lets in: "databases", "tables".
        cross_account_version: in which way grants reach other accounts; None where AWS does not tell.
        untold: what carries LF-tags that the server does not tell, and was taken for having none.
    """

    items: frozenset[Item]
    tables: Mapping[str, Mapping[str, TableInfo]]
    grantors: Mapping[Grant, str] = field(default_factory=dict)
    open_to_all: tuple[str, ...] = ()
    cross_account_version: str | None = None
    untold: tuple[str, ...] = ()


def read(account: Account, concerns: Callable[[str], bool], tagged: Tagging = lambda *_: True) -> Actual:
    """Ask an account for everything.

    Args:
        concerns: of which databases tables and tags are looked at; grants, filters and LF-tags are read of all.
        tagged: of which tables tags are looked at, by database, name, and where they lie.

    Raises:
        AccountError: AWS does not tell.
    """
    catalog = account.catalog
    settings = account.call("lakeformation", "get_data_lake_settings", CatalogId=catalog)["DataLakeSettings"]
    tables: dict[str, dict[str, TableInfo]] = {}
    items: set[Item] = {Admin(one["DataLakePrincipalIdentifier"]) for one in settings.get("DataLakeAdmins") or ()}
    for found in account.pages("glue", "get_databases", "DatabaseList", CatalogId=catalog):
        target = found.get("TargetDatabase")
        if target:
            items.add(Link(found["Name"], None, target["CatalogId"], target["DatabaseName"], None))
        elif concerns(found["Name"]):
            tables[found["Name"]], links = _tables(account, found["Name"])
            items.update(links)
    known = [*account.listed("list_lf_tags", "LFTags", CatalogId=catalog)]
    untold: list[str] = []
    if known:  # without any there is nothing that could carry one
        # What others share is not ours to change.
        own = [tag for tag in known if tag.get("CatalogId", catalog) == catalog]
        items.update(TagValue(tag["TagKey"], value) for tag in own for value in tag["TagValues"])
        items.update(_assigned(account, tables, tagged, untold))
    items.update(_filters(account, catalog))
    items.update(_registered(account))
    grants = dict(_grants(account, catalog))
    grantors = {grant: by for grant, by in grants.items() if by}
    version = str((settings.get("Parameters") or {}).get("CROSS_ACCOUNT_VERSION", "")) or None
    return Actual(
        frozenset({*items, *grants}), tables, grantors, tuple(_open_to_all(settings)), version, tuple(sorted(untold))
    )


def _open_to_all(settings: Mapping[str, Any]) -> Iterator[str]:
    for what in ("Database", "Table"):
        for one in settings.get(f"Create{what}DefaultPermissions") or ():
            if is_everybody(one["Principal"].get("DataLakePrincipalIdentifier", "")):
                yield f"{what.lower()}s"


def _tables(account: Account, database: str) -> tuple[dict[str, TableInfo], set[Link]]:
    tables: dict[str, TableInfo] = {}
    links: set[Link] = set()
    for one in account.pages("glue", "get_tables", "TableList", CatalogId=account.catalog, DatabaseName=database):
        target = one.get("TargetTable")
        if target:
            links.add(Link(database, one["Name"], target["CatalogId"], target["DatabaseName"], target["Name"]))
            continue
        storage = one.get("StorageDescriptor") or {}
        columns = [*(storage.get("Columns") or ()), *(one.get("PartitionKeys") or ())]
        types = {column["Name"]: str(column.get("Type", "")) for column in columns}
        tables[one["Name"]] = TableInfo(types, storage.get("Location") or None)
    return tables, links


def _assigned(
    account: Account, tables: Mapping[str, Mapping[str, TableInfo]], tagged: Tagging, untold: list[str]
) -> Iterator[Assigned]:
    wanted: list[_Carrier] = []
    for database, held in tables.items():
        wanted.append((database, None, ()))
        for table, info in held.items():
            if tagged(database, table, info.location):
                wanted.append((database, table, tuple(info.columns)))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for found in pool.map(lambda one: [*_tags_of(account, one, untold)], wanted):
            yield from found


def _tags_of(account: Account, carrier: _Carrier, untold: list[str]) -> Iterator[Assigned]:
    database, table, columns = carrier
    if table is None:
        own: dict[str, Any] = {"CatalogId": account.catalog, "Name": database}
        yield from _each(account, _tags(account, {"Database": own}, untold).get("LFTagOnDatabase"), database)
        return
    own = {"CatalogId": account.catalog, "DatabaseName": database, "Name": table}
    yield from _each(account, _tags(account, {"Table": own}, untold).get("LFTagsOnTable"), database, table)
    if columns:
        told = _tags(account, {"TableWithColumns": {**own, "ColumnNames": [*columns]}}, untold)
        for column in told.get("LFTagsOnColumns") or ():
            yield from _each(account, column.get("LFTags"), database, table, column["Name"])


def _tags(account: Account, resource: Mapping[str, Any], untold: list[str]) -> Mapping[str, Any]:
    asked = {"CatalogId": account.catalog, "Resource": resource, "ShowAssignedLFTags": True}
    try:
        return account.call("lakeformation", "get_resource_lf_tags", **asked)
    except AccountError as error:
        if error.code == "EntityNotFoundException":  # it went while this was reading
            return {}
        if error.code == UNEXPLAINED:
            untold.append(str(resource_of(resource, account.catalog)))
            return {}
        raise


def _each(
    account: Account,
    told: Iterable[Mapping[str, Any]] | None,
    database: str,
    table: str | None = None,
    column: str | None = None,
) -> Iterator[Assigned]:
    for tag in told or ():
        if tag.get("CatalogId", account.catalog) == account.catalog:
            yield from (Assigned(database, table, column, tag["TagKey"], value) for value in tag["TagValues"])


def _filters(account: Account, catalog: str) -> Iterator[Filter]:
    for one in account.listed("list_data_cells_filter", "DataCellsFilters"):
        if one["TableCatalogId"] != catalog:
            continue
        told = one.get("RowFilter") or {}
        rows = None if "AllRowsWildcard" in told else told.get("FilterExpression")
        names = one.get("ColumnNames") or ()
        columns = names or (one.get("ColumnWildcard") or {}).get("ExcludedColumnNames") or ()
        place = (one["DatabaseName"], one["TableName"], one["Name"])
        yield Filter(*place, rows or None, tuple(sorted(columns)), excluded=not names)


def _registered(account: Account) -> Iterator[Registered]:
    for one in account.listed("list_resources", "ResourceInfoList"):
        role = one.get("RoleArn") or None
        yield Registered(one["ResourceArn"], None if role and _SERVICE_ROLE in role else role)


def _grants(account: Account, catalog: str) -> Iterator[tuple[Grant, str]]:
    for one in account.listed("list_permissions", "PrincipalResourcePermissions", CatalogId=catalog):
        principal = one["Principal"]["DataLakePrincipalIdentifier"]
        # One that holds on a condition is none that policies make.
        condition = {"Condition": one["Condition"]} if one.get("Condition") else {}
        resource = resource_of({**one["Resource"], **condition}, catalog)
        by = _grantor(one.get("LastUpdatedBy"), one.get("LastUpdated"))
        handed_on = {*(one.get("PermissionsWithGrantOption") or ())}
        for permission in {*(one.get("Permissions") or ()), *handed_on}:
            yield Grant(principal, resource, permission), by
            if permission in handed_on:
                yield Grant(principal, resource, permission, option=True), by


def _grantor(by: str | None, at: dt.datetime | None) -> str:
    when = at.astimezone(dt.timezone.utc).isoformat(timespec="seconds") if at else None
    return " ".join(filter(None, (by, when and f"at {when}")))
