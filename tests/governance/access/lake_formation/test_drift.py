"""Whatever somebody changes by hand is found, and an apply brings it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.governance.access.lake_formation.conftest import Lake, wanted
from tests.governance.access.lake_formation.server import ACCOUNT

from hookline.governance.access.lake_formation.items import (
    EVERYBODY,
    Admin,
    Assigned,
    Filter,
    Grant,
    Item,
    Link,
    Registered,
    TagValue,
)
from hookline.governance.access.lake_formation.resources import Columns, Database, Resource, Table, Tagged
from hookline.governance.access.lake_formation.verifying import drift

ANNA, EVE = f"arn:aws:iam::{ACCOUNT}:role/anna", f"arn:aws:iam::{ACCOUNT}:role/eve"
OPENER = f"arn:aws:iam::{ACCOUNT}:role/opener"
ORDERS, PUBLIC = Table("sales", "orders"), Tagged("TABLE", (("k", ("public",)),))
FILTER = Filter("sales", "orders", "f", "country = 'DE'", ("email",))
ITEMS: tuple[Item, ...] = (
    TagValue("k", "public"),
    TagValue("k", "secret"),
    Assigned("sales", None, None, "k", "public"),
    Assigned("sales", "orders", None, "k", "secret"),
    Assigned("sales", "orders", "email", "k", "public"),
    Grant(ANNA, ORDERS, "SELECT"),
    Grant(ANNA, ORDERS, "SELECT", option=True),
    Grant(ANNA, Database("sales"), "DESCRIBE"),
    Grant(ANNA, PUBLIC, "SELECT"),
    FILTER,
    Grant(ANNA, FILTER.cells, "SELECT"),
    Registered("arn:aws:s3:::lake/sales", OPENER),
    Link("sales", "partners", "999999999999", "shared", "partners"),
    Admin(f"arn:aws:sts::{ACCOUNT}:user/moto"),
)
Change = Callable[[Lake], Any]


def grant(principal: str, resource: Resource, *permissions: str, option: bool = False) -> Change:
    entry = {
        "Principal": {"DataLakePrincipalIdentifier": principal},
        "Resource": resource.api(ACCOUNT),
        "Permissions": [*permissions],
        "PermissionsWithGrantOption": [*permissions] if option else [],
    }
    return lambda lake: lake.server._grant(entry)


def revoke(principal: str, resource: Resource, permission: str, *, option_only: bool = False) -> Change:
    entry = {
        "Principal": {"DataLakePrincipalIdentifier": principal},
        "Resource": resource.api(ACCOUNT),
        "Permissions": [] if option_only else [permission],
        "PermissionsWithGrantOption": [permission] if option_only else [],
    }
    return lambda lake: lake.server._revoke(entry)


def tag(resource: Resource, key: str, value: str, *, remove: bool = False) -> Change:
    arguments = {
        "Resource": resource.api(ACCOUNT),
        "LFTags": [{"CatalogId": ACCOUNT, "TagKey": key, "TagValues": [value]}],
    }
    name = "_remove_lf_tags_from_resource" if remove else "_add_lf_tags_to_resource"
    return lambda lake: getattr(lake.server, name)(arguments)


def cells(**changes: Any) -> Change:
    def change(lake: Lake) -> None:
        data = lake.server.filters[("sales", "orders", "f")]
        lake.server.filters[("sales", "orders", "f")] = {**data, **changes}

    return change


def relink(lake: Lake) -> None:
    lake.server.glue.databases["sales"].tables.pop("partners")
    target = {"CatalogId": "999999999999", "DatabaseName": "shared", "Name": "others"}
    lake.server.glue.create_table("sales", "partners", {"Name": "partners", "TargetTable": target})


def new_filter(lake: Lake) -> None:
    data = {"TableCatalogId": ACCOUNT, "DatabaseName": "sales", "TableName": "orders", "Name": "theirs"}
    lake.server._create_data_cells_filter(
        {"TableData": {**data, "RowFilter": {"AllRowsWildcard": {}}, "ColumnNames": ["id"]}}
    )


# Each with what it is found as: the kind, and a part of what is told.
WAYS: dict[str, tuple[Change, str, str]] = {
    "a permission was revoked": (revoke(ANNA, ORDERS, "SELECT", option_only=True), "missing", "may be handed on"),
    "a grant is gone": (revoke(ANNA, Database("sales"), "DESCRIBE"), "missing", "DESCRIBE on database sales"),
    "a grant by tags is gone": (revoke(ANNA, PUBLIC, "SELECT"), "missing", "tagged k = public"),
    "a grant on a filter is gone": (revoke(ANNA, FILTER.cells, "SELECT"), "missing", "SELECT on filter f"),
    "a permission was added": (grant(ANNA, ORDERS, "DROP"), "foreign", "anna: DROP"),
    "somebody else was granted something": (grant(EVE, ORDERS, "SELECT"), "foreign", "eve: SELECT"),
    "somebody was granted a column": (grant(EVE, Columns("sales", "orders", ("email",)), "SELECT"), "foreign", "email"),
    "somebody was granted the database": (grant(EVE, Database("sales"), "CREATE_TABLE"), "foreign", "CREATE_TABLE"),
    "somebody was granted all tables": (grant(EVE, Table("sales"), "SELECT"), "foreign", "all tables of sales"),
    "somebody was granted tags": (grant(EVE, PUBLIC, "SELECT"), "foreign", "eve: SELECT on tables tagged"),
    "somebody may hand on": (grant(ANNA, Database("sales"), "DESCRIBE", option=True), "foreign", "may be handed on"),
    "it is open to everybody": (grant(EVERYBODY, ORDERS, "ALL"), "everybody", "IAM_ALLOWED_PRINCIPALS"),
    "a table was tagged otherwise": (
        tag(ORDERS, "k", "public"),
        "different",
        "there is: table sales.orders: k = public",
    ),
    "a table's tag is gone": (tag(ORDERS, "k", "secret", remove=True), "missing", "table sales.orders: k = secret"),
    "a column's tag is gone": (
        tag(Columns("sales", "orders", ("email",)), "k", "public", remove=True),
        "missing",
        "column sales.orders.email",
    ),
    "a column was tagged": (
        tag(Columns("sales", "orders", ("id",)), "k", "public"),
        "foreign",
        "column sales.orders.id",
    ),
    "a database was tagged otherwise": (tag(Database("sales"), "k", "secret"), "different", "database sales"),
    "a filter's rows are others": (cells(RowFilter={"FilterExpression": "TRUE"}), "different", "rows where TRUE"),
    "a filter lets all rows through": (cells(RowFilter={"AllRowsWildcard": {}}), "different", "all rows"),
    "a filter's columns are others": (cells(ColumnWildcard={}), "different", "there is: filter f"),
    "a filter was made": (new_filter, "foreign", "filter theirs"),
    "a filter is gone": (lambda lake: lake.server.filters.clear(), "missing", "filter f of sales.orders"),
    "a location is gone": (lambda lake: lake.server.lake.resources.clear(), "missing", "location"),
    "a location has another role": (
        lambda lake: setattr(lake.server.lake.resources["arn:aws:s3:::lake/sales"], "role_arn", EVE),
        "different",
        "opened by",
    ),
    "a link leads elsewhere": (relink, "different", "shared.others"),
    "a link is gone": (
        lambda lake: lake.server.glue.delete_table("sales", "partners"),
        "missing",
        "link sales.partners",
    ),
    "a value of a tag is gone": (
        lambda lake: lake.server._update_lf_tag({"TagKey": "k", "TagValuesToDelete": ["secret"]}),
        "missing",
        "LF-tag k may be secret",
    ),
    "there is another administrator": (
        lambda lake: lake.admin(f"arn:aws:sts::{ACCOUNT}:user/moto", EVE),
        "foreign",
        "eve",
    ),
}


@pytest.fixture
def applied(lake: Lake) -> Lake:
    lake.table("sales", "orders")
    assert lake.apply(wanted(*ITEMS, sales=("orders",))).complete
    return lake


def test_every_way_to_drift_is_found_told_and_brought_back(applied: Lake):
    goal = wanted(*ITEMS, sales=("orders",))
    saved = applied.server.saved()
    assert drift(goal, applied.actual(), applied.record.items()) == ()
    assert len(WAYS) > 20
    for name, (change, kind, told) in WAYS.items():
        applied.server.restore(saved)
        change(applied)
        found = drift(goal, applied.actual(), applied.record.items())
        assert any(one.kind == kind and told in str(one) for one in found), (name, [*map(str, found)])
        if kind in ("missing", "different"):
            assert applied.apply(goal).complete
            assert drift(goal, applied.actual(), applied.record.items()) == (), name


def test_what_policies_no_longer_ask_for_and_is_not_revoked_yet_is_told_as_such(applied: Lake):
    fewer = wanted(*(item for item in ITEMS if item != Grant(ANNA, Database("sales"), "DESCRIBE")), sales=("orders",))
    (found,) = drift(fewer, applied.actual(), applied.record.items())
    assert found.kind == "left"
    assert f"by arn:aws:sts::{ACCOUNT}:user/moto at 20" in str(found)


def test_grants_of_those_who_are_accepted_are_no_drift(applied: Lake):
    goal = wanted(*ITEMS, sales=("orders",))
    grant(EVE, ORDERS, "SELECT")(applied)
    assert drift(goal, applied.actual(), applied.record.items(), ["arn:aws:iam::*:role/e*"]) == ()
