"""The same as Terraform: all that policies ask of an account, and the roles and policies of IAM that go with it.

Every resource's address is made of what it is and of nothing else: a second output is the same, and what comes or goes moves
no other. Nothing is asked of the account: tables are those that policies declare.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hookline.core import hcl
from hookline.core.events import content_id
from hookline.core.store.classifying import StoredScan
from hookline.core.text import printable
from hookline.governance.access.lake_formation.actual import TableInfo
from hookline.governance.access.lake_formation.items import (
    Admin,
    Assigned,
    Filter,
    Grant,
    Item,
    Link,
    Registered,
    TagValue,
)
from hookline.governance.access.lake_formation.naming import OtherNames
from hookline.governance.access.lake_formation.options import LakeFormationOptions
from hookline.governance.access.lake_formation.resources import (
    Catalog,
    Cells,
    Columns,
    Database,
    Place,
    Resource,
    Table,
    Tagged,
    TagKey,
)
from hookline.governance.access.lake_formation.roles import Roles
from hookline.governance.access.lake_formation.wanted import wanted_of
from hookline.governance.access.loading import Access

# The account of the credentials that Terraform is run with.
_OWN = hcl.Reference("data.aws_caller_identity.current.account_id")
_REGION = hcl.Reference("data.aws_region.current.id")
Made = tuple[str, str]


def terraform(
    access: Access,
    options: LakeFormationOptions,
    scans: Iterable[StoredScan],
    now: dt.datetime,
    others: OtherNames | None = None,
) -> str:
    """A file of resources for the provider ``hashicorp/aws``."""
    tables = declared(access, options.catalog_id)
    wanted = wanted_of(access, tables, scans, options, options.catalog_id or "", now, others)
    items = sorted(wanted.items, key=str)
    catalog = options.catalog_id or _OWN
    region = options.region or _REGION
    made: list[Made] = []
    made += _lf_tags(items)
    made += _locations(items)
    made += _links(items)
    made += _assigned(items, catalog)
    made += _filters(items, catalog)
    made += _grants(items, catalog)
    made += _settings(items)
    made += Roles(access, items, tables, catalog, region).resources()
    text = [one for _, one in sorted(made)]
    own = [hcl.data("aws_caller_identity", "current", {})] if any(str(_OWN) in one for one in text) else []
    own += [hcl.data("aws_region", "current", {})] if any(str(_REGION) in one for one in text) else []
    told = [printable(one) for one in (*wanted.elsewhere, *wanted.problems)]
    if options.catalog_id is None:
        told.append(
            "the principals' roles get policies of IAM once plugins.lake_formation.catalog_id says whose account it is"
        )
    return hcl.document({"aws": "hashicorp/aws"}, [*own, *text], told)


def declared(access: Access, catalog: str | None) -> dict[str, dict[str, TableInfo]]:
    """The tables that policies declare, by database."""
    found: dict[str, dict[str, TableInfo]] = {}
    for table in access.tables:
        if table.catalog in (None, catalog):
            database, name = table.names
            found.setdefault(database, {})[name] = TableInfo({**table.columns}, table.location)
    return found


def address(kind: str, readable: str, *identity: object) -> str:
    """A resource's name: readable, and its own whatever signs are in it."""
    return f"{hcl.identifier(readable)[:80].strip('_')}_{content_id(kind, *map(str, identity))[:8]}"


def _lf_tags(items: Sequence[Item]) -> Iterator[Made]:
    tags: dict[str, list[str]] = {}
    for item in items:
        if isinstance(item, TagValue):
            tags.setdefault(item.tag, []).append(item.value)
    for tag, values in tags.items():
        kind = "aws_lakeformation_lf_tag"
        yield _made(kind, _tag_address(tag), {"key": tag, "values": sorted(values)})


def _tag_address(tag: str) -> str:
    return address("lf_tag", tag, tag)


def _locations(items: Sequence[Item]) -> Iterator[Made]:
    for item in items:
        if isinstance(item, Registered):
            how = {"role_arn": item.role} if item.role else {"use_service_linked_role": True}
            name = address("location", item.arn.rpartition(":::")[2], item.arn)
            yield _made("aws_lakeformation_resource", name, {"arn": item.arn, **how})


def _links(items: Sequence[Item]) -> Iterator[Made]:
    for item in items:
        if not isinstance(item, Link):
            continue
        target = {"catalog_id": item.account, "database_name": item.target_database}
        if item.table is None:
            name = address("link", item.database, item.database)
            yield _made("aws_glue_catalog_database", name, {"name": item.database}, [("target_database", target)])
        else:
            name = address("link", f"{item.database}_{item.table}", item.database, item.table)
            own = {"database_name": item.database, "name": item.table}
            whole = {**target, "name": item.target_table}
            yield _made("aws_glue_catalog_table", name, own, [("target_table", whole)])


def _assigned(items: Sequence[Item], catalog: str) -> Iterator[Made]:
    places: dict[tuple[str | None, ...], list[Assigned]] = {}
    for item in items:
        if isinstance(item, Assigned):
            places.setdefault((item.database, item.table, item.column), []).append(item)
    for place, own in places.items():
        on = _where(own[0].on, catalog)
        tags = [("lf_tag", {"key": one.tag, "value": one.value}) for one in own]
        keys = [f"aws_lakeformation_lf_tag.{hcl.identifier(_tag_address(one.tag))}" for one in own]
        name = address("lf_tags", "_".join(part for part in place if part), *place)
        yield _made("aws_lakeformation_resource_lf_tags", name, _after(keys), [on, *tags])


def _filters(items: Sequence[Item], catalog: str) -> Iterator[Made]:
    for item in items:
        if not isinstance(item, Filter):
            continue
        named = [*item.columns]
        columns = (
            {"column_wildcard": hcl.block(excluded_column_names=named)} if item.excluded else {"column_names": named}
        )
        rows = hcl.block(all_rows_wildcard=hcl.block()) if item.rows is None else hcl.block(filter_expression=item.rows)
        data = {
            "database_name": item.database,
            "table_name": item.table,
            "table_catalog_id": catalog,
            "name": item.name,
            **columns,
            "row_filter": rows,
        }
        yield _made("aws_lakeformation_data_cells_filter", _filter_address(item.cells), {}, [("table_data", data)])


def _filter_address(cells: Cells) -> str:
    return address("filter", f"{cells.database}_{cells.table}_{cells.name}", cells.database, cells.table, cells.name)


def _grants(items: Sequence[Item], catalog: str) -> Iterator[Made]:
    together: dict[tuple[str, Resource], list[Grant]] = {}
    for item in items:
        if isinstance(item, Grant):
            together.setdefault((item.principal, item.resource), []).append(item)
    for (principal, resource), own in together.items():
        attributes: dict[str, Any] = {
            "principal": principal,
            "permissions": sorted({one.permission for one in own}),
            "permissions_with_grant_option": sorted({one.permission for one in own if one.option}) or None,
            **({"catalog_resource": True} if isinstance(resource, Catalog) else {}),
        }
        name = address("grant", f"{principal.rpartition('/')[2]}_{_short(resource)}", principal, resource)
        before = [*_needed(resource)]
        blocks = [] if isinstance(resource, Catalog) else [_where(resource, catalog)]
        yield _made("aws_lakeformation_permissions", name, {**attributes, **_after(before)}, blocks)


def _short(resource: Resource) -> str:
    if isinstance(resource, Tagged):
        return "tagged_" + "_".join(key for key, _ in resource.expression)
    named = [getattr(resource, part, None) for part in ("database", "table", "name", "key")]
    return "_".join(part for part in named if part) or "data"


def _needed(resource: Resource) -> Iterator[str]:
    """What has to be there before it can be granted."""
    if isinstance(resource, Cells):
        yield f"aws_lakeformation_data_cells_filter.{hcl.identifier(_filter_address(resource))}"
    keys = [key for key, _ in resource.expression] if isinstance(resource, Tagged) else []
    keys += [resource.key] if isinstance(resource, TagKey) else []
    yield from (f"aws_lakeformation_lf_tag.{hcl.identifier(_tag_address(key))}" for key in keys)


def _where(resource: Resource, catalog: str) -> tuple[str, Mapping[str, Any]]:
    if isinstance(resource, Database):
        return "database", {"catalog_id": catalog, "name": resource.database}
    if isinstance(resource, Table):
        which: Mapping[str, Any] = {"wildcard": True} if resource.table is None else {"name": resource.table}
        return "table", {"catalog_id": catalog, "database_name": resource.database, **which}
    if isinstance(resource, Columns):
        columns = {"wildcard": True, "excluded_column_names": [*resource.columns]}
        chosen = columns if resource.excluded else {"column_names": [*resource.columns]}
        own = {"catalog_id": catalog, "database_name": resource.database, "name": resource.table}
        return "table_with_columns", {**own, **chosen}
    if isinstance(resource, Cells):
        own = {"table_catalog_id": catalog, "database_name": resource.database, "table_name": resource.table}
        return "data_cells_filter", {**own, "name": resource.name}
    if isinstance(resource, Place):
        return "data_location", {"catalog_id": catalog, "arn": resource.arn}
    if isinstance(resource, TagKey):
        return "lf_tag", {"catalog_id": catalog, "key": resource.key, "values": [*resource.values]}
    if isinstance(resource, Tagged):
        terms = [hcl.block(key=key, values=[*values]) for key, values in resource.expression]
        return "lf_tag_policy", {"catalog_id": catalog, "resource_type": resource.kind, "expression": terms}
    raise ValueError(f"policies grant nothing on {resource}")


def _settings(items: Sequence[Item]) -> Iterator[Made]:
    admins = sorted(item.principal for item in items if isinstance(item, Admin))
    if admins:
        yield _made("aws_lakeformation_data_lake_settings", "settings", {"admins": admins})


def _after(addresses: Iterable[str]) -> dict[str, Any]:
    """Terraform makes these first."""
    found = sorted({*addresses})
    return {"depends_on": [hcl.Reference(one) for one in found]} if found else {}


def _made(kind: str, name: str, attributes: Mapping[str, Any], blocks: hcl.Blocks = ()) -> Made:
    return f"{kind}.{name}", hcl.resource(kind, name, attributes, blocks)
