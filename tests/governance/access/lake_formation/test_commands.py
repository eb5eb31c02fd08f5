"""``hookline policy plan|apply|verify``, as somebody types them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.governance.access.lake_formation import estate
from tests.governance.access.lake_formation.conftest import Lake
from tests.governance.access.lake_formation.server import ACCOUNT, CALLER, REGION

from hookline.cli import main
from hookline.core.store import Store
from hookline.core.store.classifying import StoredClassification, StoredScan, keep_scan
from hookline.governance.access.lake_formation.items import EVERYBODY, Grant
from hookline.governance.access.lake_formation.resources import Table
from hookline.governance.audit import AuditLog

ANNA = f"arn:aws:iam::{ACCOUNT}:role/anna"
POLICY: dict[str, Any] = {
    "kind": "access",
    "name": "crm",
    "principals": {
        "anna": {"id": ANNA},
        "partner": {"id": "999999999999"},
    },
    "tags": {
        "sensitivity": {
            "values": ["public", "personal"],
            "carried": [{"databases": ["sales"], "value": "public"}],
            "classified": {"EMAIL_ADDRESS": "personal"},
        }
    },
    "tables": [{"name": "sales.orders", "location": "s3://lake/sales/orders/"}],
    "rules": [
        {"name": "read", "principals": "anna", "allow": "select", "tagged": {"sensitivity": ["public"]}},
        {
            "name": "germans",
            "principals": "anna",
            "allow": "select",
            "tables": ["sales.customers"],
            "filter": "country = 'it''s ${x}'",
            "masks": {"email": {"mask": "hash"}},
        },
        {"name": "share", "principals": "partner", "allow": "select", "tables": ["sales.items"], "grantable": True},
        {"name": "why", "principals": "anna", "allow": "select", "tables": ["sales.items"], "purpose": "research"},
        {
            "name": "over",
            "principals": "anna",
            "allow": "insert",
            "tables": ["sales.*"],
            "expires": "2020-01-01T00:00:00Z",
        },
    ],
}


class Shop:
    """A folder with a policy and a configuration, and what commands print there."""

    def __init__(self, lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
        self.lake, self.capsys = lake, capsys
        self.options: dict[str, Any] = {"region": REGION, "endpoint_url": lake.server.url, "policies": ["policy.yaml"]}
        self.policy = POLICY

    def __call__(self, *words: str) -> tuple[int, str]:
        plugins = {"hookline.plugins.lake_formation:LakeFormationPlugin": self.options}
        Path("hookline.yaml").write_text(yaml.safe_dump({"plugins": plugins}))
        Path("policy.yaml").write_text(json.dumps(self.policy))
        code = main(["policy", *words])
        return code, self.capsys.readouterr().out

    def json(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, out = self(*words, "--json")
        document = json.loads(out)
        assert document.pop("version") == 1
        return code, document

    def found(self, table: str, column: str | None) -> None:
        """What a scan found."""
        found = (StoredClassification(column, "EMAIL_ADDRESS", 0.9, 1.0, False),) if column else ()
        scan = StoredScan("s3://lake", f"sales/{table}", "2026-01-01T00:00:00", None, "c", 1, 1, found)
        store = Store(f"sqlite:///{Path('.hookline') / 'store.db'}")
        with store.transaction() as connection:
            keep_scan(store, connection, scan.payload())
        store.close()


@pytest.fixture
def shop(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shop:
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path(".hookline").mkdir()
    for table in ("orders", "customers", "items"):
        lake.table("sales", table)
    return Shop(lake, capsys)


def test_a_plan_reads_as_terraforms_and_an_apply_leaves_nothing_to_do(shop: Shop):
    shop.found("orders", "email")
    shop.found("items", None)
    code, out = shop("plan")
    assert code == 2
    _, again = shop("plan")
    assert again == out
    assert out == (Path(__file__).parent / "plan.txt").read_text()
    code, out = shop("apply", "--yes")
    assert (code, out.splitlines()[-1]) == (0, "11 done, 0 failed, 0 left")
    code, out = shop("plan")
    assert code == 0
    assert "Nothing to do: the account is as the policies say." in out
    code, document = shop.json("plan")
    assert (code, document["steps"]) == (0, [])
    assert document["account"] == ACCOUNT
    assert len(document["elsewhere"]) == 3
    code, out = shop("verify")
    assert (code, out.splitlines()[-1]) == (0, "The account is as the policies say.")
    assert out.startswith("note       new databases are open to everybody")
    log = AuditLog(Path(".hookline") / "audit.log")
    actions = [record.entry.action for record in log.records()]
    assert {"access.planned", "access.granted", "access.made", "access.applied", "access.verified"} <= {*actions}
    # A condition may quote what is in rows.
    assert "it''s" not in (Path(".hookline") / "audit.log").read_text()


def test_nothing_is_applied_without_a_yes(shop: Shop, capsys: pytest.CaptureFixture[str]):
    assert main(["policy", "plan", "--config", "none.yaml"]) == 4
    capsys.readouterr()
    assert shop("apply")[0] == 1
    assert not [item for item in shop.lake.actual().items if isinstance(item, Grant)]


def test_tags_follow_what_a_later_scan_found(shop: Shop):
    for table in ("orders", "customers", "items"):
        shop.found(table, None)
    assert shop("apply", "--yes")[0] == 0
    shop.found("customers", "email")
    code, document = shop.json("plan")
    assert code == 2
    assert [step["item"]["what"] for step in document["steps"]] == [
        "column sales.customers.email: sensitivity = personal"
    ]
    assert shop("apply", "--yes")[0] == 0
    shop.found("customers", None)
    _, document = shop.json("plan")
    assert [step["action"] for step in document["steps"]] == ["delete"]


def test_drift_tells_who_granted_what(shop: Shop):
    assert shop("apply", "--yes")[0] == 0
    shop.lake.server.grantor = "arn:aws:iam::123456789012:user/mallory"
    for principal, permission in ((EVERYBODY, "ALL"), (f"arn:aws:iam::{ACCOUNT}:role/eve", "SELECT")):
        shop.lake.server._grant(
            {
                "Principal": {"DataLakePrincipalIdentifier": principal},
                "Resource": Table("sales", "orders").api(ACCOUNT),
                "Permissions": [permission],
            }
        )
    code, document = shop.json("verify")
    assert code == 2
    assert [(one["kind"], one["item"]["principal"], one["by"].split()[0]) for one in document["drift"]] == [
        ("everybody", EVERYBODY, "arn:aws:iam::123456789012:user/mallory"),
        ("foreign", f"arn:aws:iam::{ACCOUNT}:role/eve", "arn:aws:iam::123456789012:user/mallory"),
    ]
    shop.options["accepted"] = ["*:role/eve"]
    code, out = shop("verify")
    assert code == 2
    assert out.startswith(
        "everybody  IAM_ALLOWED_PRINCIPALS: ALL on table sales.orders: it opens what policies speak of"
    )
    shop.options["exclusive"] = "tables"
    assert shop("apply", "--yes")[0] == 0
    assert shop("verify")[0] == 0


def test_cloudtrails_events_come_into_the_audit_log_once(shop: Shop):
    def event(id: str, name: str, at: str, **more: Any) -> dict[str, Any]:
        whole = {
            "eventTime": at,
            "userIdentity": {"arn": CALLER},
            "requestParameters": {
                "principal": {"dataLakePrincipalIdentifier": ANNA},
                "resource": {"table": {"databaseName": "sales", "name": "orders"}},
                "tableData": {"rowFilter": {"filterExpression": "ssn = '078-05-1120'"}},
            },
            **more,
        }
        return {"EventId": id, "EventName": name, "EventTime": 1.0, "CloudTrailEvent": json.dumps(whole)}

    shop.lake.server.events = [
        event("3", "GetDataAccess", "2026-01-01T00:00:03Z", readOnly=True, errorCode="AccessDenied"),
        event("2", "ListPermissions", "2026-01-01T00:00:02Z", readOnly=True),
        event("1", "GrantPermissions", "2026-01-01T00:00:01Z", readOnly=False),
        {"EventId": "0", "EventName": "x", "CloudTrailEvent": "no JSON"},
    ] + [event(f"b{n}", "BatchGrantPermissions", "2026-01-01T00:00:00Z") for n in range(60)]
    _, document = shop.json("verify", "--cloudtrail")
    assert document["events_imported"] == 62
    _, document = shop.json("verify", "--cloudtrail")
    assert document["events_imported"] == 0
    log = AuditLog(Path(".hookline") / "audit.log")
    told = [record.entry for record in log.records() if record.entry.action == "access.event"]
    assert [entry.what["name"] for entry in told][-2:] == ["GrantPermissions", "GetDataAccess"]
    assert told[-2].actor == CALLER
    assert told[-2].what["what"] == [ANNA, "sales", "orders"]
    assert "078-05" not in log.path.read_text()


def test_a_large_estate_is_planned_and_applied_and_nothing_is_left(shop: Shop):
    shop.lake.server.reset()
    shop.lake.admin()
    shop.policy = estate.policy(databases=4, tables=10, principals=12, rules=100)
    estate.build(shop.lake.server, shop.policy)
    code, out = shop("apply", "--yes")
    assert (code, out.splitlines()[-1].split(",")[1:]) == (0, [" 0 failed", " 0 left"])
    assert shop("plan")[0] == 0


def test_hostile_names_are_shown_as_names(shop: Shop):
    name = 't\'; - "x" \u202e ${y} # no'
    shop.lake.table("sales", name)
    shop.policy = {**POLICY, "rules": [{"name": "all", "principals": "anna", "allow": "drop", "tables": ["sales.t*"]}]}
    code, out = shop("plan")
    assert code == 2
    (line,) = (line for line in out.splitlines() if "DROP" in line)
    assert line.startswith("  + arn:aws:iam::123456789012:role/anna: DROP on table sales.")
    assert "\u202e" not in out
    assert shop("apply", "--yes")[0] == 0
    assert shop("plan")[0] == 0


def test_what_aws_does_not_do_is_told_and_ends_with_1(shop: Shop, capsys: pytest.CaptureFixture[str]):
    shop.options["attempts"] = 1
    shop.lake.server.refuse = lambda entry: "AccessDeniedException" if entry["Permissions"] == ["SELECT"] else None
    code, document = shop.json("apply", "--yes")
    assert code == 1
    assert document["failed"][0]["reason"] == "AccessDeniedException (refused by the test)"
    shop.lake.server.refuse = lambda entry: None
    assert shop.json("apply", "--yes")[0] == 0
    shop.lake.admin()
    shop.options["admins"] = [ANNA]
    assert shop.json("apply", "--yes")[1]["done"] == 1
    shop.options["admins"] = ["arn:aws:iam::123456789012:role/other"]
    code, document = shop.json("plan")
    assert (code, document["refusals"]) == (2, [])


def test_the_reference_tells_every_key_of_the_documents(shop: Shop):
    page = (Path(__file__).parents[4] / "docs" / "reference" / "lake-formation.md").read_text()
    told = page.partition("## JSON documents")[2].partition("## Not yet")[0]
    shop.lake.server.refuse = lambda entry: "AccessDeniedException"
    shop.options["attempts"] = 1
    _, plan = shop.json("plan")
    _, applied = shop.json("apply", "--yes")
    _, verified = shop.json("verify", "--cloudtrail")
    for key in (*plan, *plan["steps"][0], *applied, *applied["failed"][0], *verified, *verified["drift"][0]):
        assert re.search(rf"`([a-z]+\[\]\.)?{key}(\[\]\.[a-z]+)?`", told), key


def test_what_was_there_before_becomes_the_policies_when_they_are_told_to_take_it(shop: Shop):
    assert shop("apply", "--yes")[0] == 0
    Path(".hookline/store.db").unlink()
    fewer = {**POLICY, "rules": POLICY["rules"][:1]}
    assert shop("apply", "--yes", "--adopt")[0] == 0
    shop.policy = fewer
    code, document = shop.json("plan")
    assert code == 2
    assert {step["action"] for step in document["steps"]} == {"delete"}
    assert shop("apply", "--yes")[0] == 0
    assert "access.adopted" in [record.entry.action for record in AuditLog(Path(".hookline") / "audit.log").records()]
