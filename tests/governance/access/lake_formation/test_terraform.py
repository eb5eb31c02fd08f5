"""Terraform says what an apply does: parsed, and held against what is in the account afterwards."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest
from tests.governance.access.lake_formation import estate
from tests.governance.access.lake_formation.conftest import Lake
from tests.governance.access.lake_formation.server import ACCOUNT, REGION

from hookline.core import hcl
from hookline.core.events import utc_now
from hookline.core.store.classifying import StoredClassification, StoredScan
from hookline.governance.access.lake_formation.actual import read
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
from hookline.governance.access.lake_formation.options import LakeFormationOptions
from hookline.governance.access.lake_formation.resources import Columns, Database, Resource, Table, Tagged
from hookline.governance.access.lake_formation.terraform import terraform
from hookline.governance.access.lake_formation.wanted import concerned, wanted_of
from hookline.governance.access.loading import Access, combine
from hookline.governance.access.model import AccessPolicy

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
OPENER = f"arn:aws:iam::{ACCOUNT}:role/lake/opener"
OPTIONS = LakeFormationOptions.model_validate(
    {
        "region": REGION,
        "catalog_id": ACCOUNT,
        "location_role": OPENER,
        "admins": [f"arn:aws:iam::{ACCOUNT}:role/admin"],
        "links": [
            {"database": "db0", "table": "shared", "account": "999999999999", "target_database": "theirs"},
            {"database": "theirs", "account": "999999999999", "target_database": "theirs"},
        ],
    }
)
HOSTILE = (
    'a "b" ${c}',
    "%{ if true }x%{ endif }",
    "it's; DROP TABLE t --",
    "naïve ünï\u200bcode",
    "$${x}",
    "back\\slash\\",
    "x\n}\n",
)


def access(document: dict[str, Any]) -> Access:
    return combine([AccessPolicy.model_validate(document)])


def parsed(text: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Resources by kind and name, as plain values."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for one in hcl2.loads(text).get("resource", []):
        for kind, own in one.items():
            for name, content in own.items():
                found.setdefault(_plain(kind), {})[_plain(name)] = _plain(content)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        whole = len(value) > 1 and value.startswith('"') and value.endswith('"')
        text = value[1:-1] if whole else value
        for escaped, plain in (("\\\\", "\0"), ('\\"', '"'), ("\\n", "\n"), ("$${", "${"), ("%%{", "%{"), ("\0", "\\")):
            text = text.replace(escaped, plain)
        return text
    if isinstance(value, dict):
        return {_plain(key): _plain(one) for key, one in value.items() if key != "__is_block__"}
    return [*map(_plain, value)] if isinstance(value, list) else value


def items_of(text: str) -> Iterator[Item]:
    """What Terraform would make, in the words of an apply."""
    found = parsed(text)
    for one in found.get("aws_lakeformation_lf_tag", {}).values():
        yield from (TagValue(one["key"], value) for value in one["values"])
    for one in found.get("aws_lakeformation_resource_lf_tags", {}).values():
        place = _resource(one)
        for tag in one["lf_tag"]:
            column = place.columns[0] if isinstance(place, Columns) else None
            yield Assigned(place.database, getattr(place, "table", None), column, tag["key"], tag["value"])
    for one in found.get("aws_lakeformation_permissions", {}).values():
        for permission in one["permissions"]:
            yield Grant(one["principal"], _resource(one), permission)
        for permission in one.get("permissions_with_grant_option", []):
            yield Grant(one["principal"], _resource(one), permission, option=True)
    for one in found.get("aws_lakeformation_data_cells_filter", {}).values():
        (data,) = one["table_data"]
        (rows,) = data["row_filter"]
        wildcard = data.get("column_wildcard")
        columns = wildcard[0]["excluded_column_names"] if wildcard else data["column_names"]
        place = (data["database_name"], data["table_name"], data["name"])
        yield Filter(*place, rows.get("filter_expression"), tuple(sorted(columns)), excluded=bool(wildcard))
    for one in found.get("aws_lakeformation_resource", {}).values():
        yield Registered(one["arn"], one.get("role_arn"))
    for one in found.get("aws_glue_catalog_table", {}).values():
        (target,) = one["target_table"]
        yield Link(one["database_name"], one["name"], target["catalog_id"], target["database_name"], target["name"])
    for one in found.get("aws_glue_catalog_database", {}).values():
        (target,) = one["target_database"]
        yield Link(one["name"], None, target["catalog_id"], target["database_name"], None)
    for one in found.get("aws_lakeformation_data_lake_settings", {}).values():
        yield from map(Admin, one["admins"])


def _resource(one: dict[str, Any]) -> Any:
    made: Resource
    if "database" in one:
        made = Database(one["database"][0]["name"])
    elif "table" in one:
        (own,) = one["table"]
        made = Table(own["database_name"], own.get("name"))
    elif "table_with_columns" in one:
        (own,) = one["table_with_columns"]
        excluded = "excluded_column_names" in own
        columns = own["excluded_column_names"] if excluded else own["column_names"]
        made = Columns(own["database_name"], own["name"], tuple(sorted(columns)), excluded)
    elif "data_cells_filter" in one:
        (own,) = one["data_cells_filter"]
        made = Filter(own["database_name"], own["table_name"], own["name"], None).cells
    else:
        (own,) = one["lf_tag_policy"]
        terms = ((term["key"], tuple(sorted(term["values"]))) for term in own["expression"])
        made = Tagged(own["resource_type"], tuple(sorted(terms)))
    return made


def test_an_apply_makes_what_terraform_says(lake: Lake):
    document = estate.policy(databases=3, tables=4, principals=10, rules=60)
    personal = (StoredClassification("note", "PERSON", 1, 1, False),)
    places = [f"db{number % 3}/t{number % 4}" for number in range(5)]
    scans = [StoredScan("s3://lake", name, "2026-01-01", None, "c", 1, 1, personal) for name in places]
    document["tags"]["sensitivity"]["classified"] = {"PERSON": "personal"}
    estate.build(lake.server, document)
    policies = access(document)
    text = terraform(policies, OPTIONS, scans, NOW)
    actual = read(lake.account, lambda name: concerned(policies, OPTIONS, name))
    goal = wanted_of(policies, actual.tables, scans, OPTIONS, ACCOUNT, NOW)
    lake.admin(*OPTIONS.admins, lake.account.caller)
    assert lake.apply(goal).complete
    made = {*lake.actual(*goal.governed).items} - {Admin(lake.account.caller)}
    assert {*items_of(text)} == made
    assert len(made) >= 100


def test_a_second_output_is_the_same_and_another_rule_moves_no_address():
    document = estate.policy(databases=2, tables=3, principals=5, rules=30)
    text = terraform(access(document), OPTIONS, (), NOW)
    document["rules"].reverse()
    document["tables"].reverse()
    assert terraform(access(document), OPTIONS, (), NOW) == text
    document["rules"].append({"name": "more", "principals": ["p0"], "allow": ["alter"], "tables": ["db1.t2"]})
    more = terraform(access(document), OPTIONS, (), NOW)

    def addresses(of: str) -> set[tuple[str, str]]:
        return {(kind, name) for kind, own in parsed(of).items() for name in own}

    assert addresses(text) <= addresses(more)
    assert len(addresses(more)) - len(addresses(text)) <= 1


def test_it_is_formatted_as_terraform_itself_does(tmp_path: Path):
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("terraform is not installed")
    document = estate.policy(databases=2, tables=3, principals=5, rules=30)
    document["rules"].append(_hostile_rule("it's ${x} \\ %{y}"))
    for number, options in enumerate((OPTIONS, LakeFormationOptions())):
        file = tmp_path / f"{number}.tf"
        file.write_text(terraform(access(document), options, (), NOW))
        done = subprocess.run(
            [program, "fmt", "-check", "-diff", str(file)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, "")


def _hostile_rule(constant: str) -> dict[str, Any]:
    constant = constant.replace("'", "''")
    return {
        "name": "hostile",
        "principals": ["p0"],
        "allow": ["select"],
        "tables": ["db0.t0"],
        "filter": f"country = '{constant}'",
    }


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_and_nothing_else(name: str):
    text = hcl.resource("aws_x", name, {"name": name, "joined": hcl.Joined((name, hcl.Reference("a.b"), name))})
    ((_, own),) = parsed(text)["aws_x"].items()
    assert own["name"] == name
    assert text.count('resource "') == 1
    if "\n" in name or "\u200b" in name:
        return
    document = estate.policy(databases=1, tables=1, principals=1, rules=0)
    document["rules"] = [_hostile_rule(name)]
    document["tables"][0]["name"] = 'db0."t ""0"""'
    document["rules"][0]["tables"] = ['db0."t ""0"""']
    made = [*items_of(terraform(access(document), OPTIONS, (), NOW))]
    (found,) = (item for item in made if isinstance(item, Filter))
    assert (found.table, found.rows) == ('t "0"', f"\"country\" = '{name.replace(chr(39), chr(39) * 2)}'")


def test_roles_may_do_no_more_than_they_have_to():
    document = estate.policy(databases=1, tables=2, principals=2, rules=0)
    document["rules"] = [
        {"name": "read", "principals": ["p0"], "allow": ["select"], "tables": ["db0.t0"]},
        {"name": "write", "principals": ["p1"], "allow": ["insert"], "tables": ["db0.t1"]},
    ]
    text = terraform(access(document), OPTIONS, (), NOW)
    documents = {}
    for one in hcl2.loads(text)["data"]:
        for name, content in one.get('"aws_iam_policy_document"', {}).items():
            documents[_plain(name)] = {s["sid"]: s for s in _plain(content)["statement"]}
    opener = next(own for name, own in documents.items() if name.startswith("opener") and not name.endswith("trust"))
    assert opener["ReadObjects"]["resources"] == ["arn:aws:s3:::lake/db0/t0/*", "arn:aws:s3:::lake/db0/t1/*"]
    assert opener["WriteObjects"]["resources"] == ["arn:aws:s3:::lake/db0/t1/*"]
    (listing,) = (one for sid, one in opener.items() if sid.startswith("List"))
    assert listing["resources"] == ["arn:aws:s3:::lake"]
    assert listing["condition"][0]["values"] == ["db0/t0", "db0/t0/*", "db0/t1", "db0/t1/*"]
    trust = next(own for name, own in documents.items() if name.endswith("trust"))
    assert trust["TakenByLakeFormation"]["principals"] == [
        {"type": "Service", "identifiers": ["lakeformation.amazonaws.com"]}
    ]
    reader = next(own for name, own in documents.items() if name.startswith("p0"))
    assert {action for one in reader.values() for action in one["actions"] if "Get" not in action} == set()
    assert f"arn:aws:glue:{REGION}:{ACCOUNT}:table/db0/t0" in reader["Catalog1"]["resources"]
    assert not any("t1" in one for statement in reader.values() for one in statement["resources"])
    # Nobody but Lake Formation's own role has anything in S3.
    assert all("s3:" not in str(own) for name, own in documents.items() if not name.startswith("opener"))


def test_without_an_account_it_is_that_of_whoever_runs_terraform():
    document = estate.policy(databases=1, tables=1, principals=1, rules=10)
    text = terraform(access(document), LakeFormationOptions(), (), utc_now())
    assert 'data "aws_caller_identity" "current" {}' in text
    assert "= data.aws_caller_identity.current.account_id" in text
    assert "aws_iam_role_policy" not in text
