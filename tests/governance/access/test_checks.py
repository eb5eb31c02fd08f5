"""What `hookline policy validate` tells of access policies, and what a decision says and does not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from hookline.core.column_types import parsed_column
from hookline.governance.access.checks import Report, check
from hookline.governance.access.decide import Decision, KnownTable, decide, may_create
from hookline.governance.access.loading import Access, combine
from hookline.governance.access.model import AccessPolicy

ROLE = "arn:aws:iam::123456789012:role/"
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.timezone.utc)
TYPES = {
    "id": "bigint",
    "email": "string",
    "country": "string",
    "born": "date",
    "geo": "struct<lat:double,city:string>",
}
PEOPLE = KnownTable("crm", "people", tuple(parsed_column(*one) for one in TYPES.items()))


def access(*rules: dict[str, Any], **more: Any) -> Access:
    named = [
        {"name": f"r{number}", "principals": ["ann"], "allow": "select", **rule} for number, rule in enumerate(rules)
    ]
    for rule in named:
        if not {"tables", "databases", "tagged"} & rule.keys():
            rule["tables"] = ["crm.people"]
    principals = {name: {"id": ROLE + name} for name in ("ann", "bob")}
    return combine(
        [AccessPolicy.model_validate({"kind": "access", "name": "p", "principals": principals, "rules": named, **more})]
    )


def report(*rules: dict[str, Any], **more: Any) -> Report:
    return check(access(*rules, **more), [PEOPLE], NOW)


LEVEL = {"level": {"values": ["open", "shut"], "carried": [{"tables": ["crm.people"], "value": "open"}]}}


@pytest.mark.parametrize(
    ("rules", "more", "wanted"),
    [
        ([{"expires": NOW}], {}, "warning: p.r0: it expired"),
        ([{"tables": ["crm.nowhere"]}], {}, "error: p.r0: no known table is crm.nowhere"),
        ([{"databases": ["hr"], "allow": "describe"}], {}, "warning: p.r0: no known table is in the database hr"),
        ([{"columns": {"include": ["id", "phone"]}}], {}, "error: p.r0: crm.people has no column phone"),
        ([{"columns": {"exclude": ["phone"]}}],
         {}, "error: p.r0: worth nothing on crm.people: the table has no column phone"),
        ([{"columns": {"exclude": ["phone"]}, "tables": ["crm.*"]}], {}, "warning: p.r0: worth nothing on crm.people"),
        ([{"masks": {"phone": {"mask": "hash"}}}], {}, "the table has no column phone"),
        ([{"filter": "phone = '1'"}], {}, "asks for the column phone, which the table does not have"),
        ([{"filter": "born = '1'"}], {}, "can't ask for the column born of type date"),
        ([{}, {"columns": {"include": ["id"]}}], {}, "warning: p.r1: it adds nothing to p.r0"),
        ([{"filter": "id = 1"}, {"filter": "ID=1", "masks": {"email": {"mask": "hash"}}}],
         {}, "p.r1: it adds nothing to p.r0"),
        ([{}, {}], {}, "warning: p.r1: it adds nothing to p.r0"),
        ([{}, {"masks": {"email": {"mask": "hash"}}, "grantable": True}],
         {}, "warning: p.r1: p.r0 shows ann what this rule withholds of crm.people: email"),
        ([{"columns": {"exclude": ["email"]}}, {"principals": ["ann", "bob"], "columns": {"include": ["email"]}}],
         {}, "p.r0: p.r1 shows ann what this rule withholds of crm.people: email"),
        ([{"tagged": {"level": ["shut"]}}], {"tags": LEVEL}, "warning: p.r0: nothing carries the tag level with shut"),
        ([],
         {"tags": {"level": {**LEVEL["level"], "carried": [{"tables": ["crm.people"], "value": one} for one in ("open", "shut")]}}},
         "warning: tag level: the table itself of crm.people is said to carry open and shut; shut holds"),
        ([],
         {"tags": {"level": {"values": ["a"], "carried": [{"tables": ["crm.people"], "columns": ["phone"], "value": "a"}]}}},
         "error: tag level: crm.people has no column phone"),
        ([{"filter": f"id = {number}"} for number in range(101)],
         {}, "error: p.r100: ann has 101 row filters on crm.people; Lake Formation takes 100"),
    ],
)  # fmt: skip
def test_findings(rules: list[dict[str, Any]], more: dict[str, Any], wanted: str) -> None:
    found = [f"{one.severity}: {one.about}: {one.text}" for one in report(*rules, **more).findings]
    assert any(wanted in line for line in found), found


@pytest.mark.parametrize(
    "rules",
    [
        [{"columns": {"include": ["id"]}}, {"columns": {"include": ["email"]}}],
        [{"filter": "id = 1"}, {"filter": "id = 2"}],
        [{"purpose": "support"}, {"filter": "id = 1"}],
        [{"expires": NOW + dt.timedelta(days=1)}, {"filter": "id = 1"}],
        [{}, {"principals": ["bob"]}],
        [{}, {"allow": "insert"}],
        [{"columns": {"exclude": ["phone"]}, "missing": "allow"}],
        [{"allow": "insert"}, {"allow": ["insert", "delete"], "principals": ["bob"]}],
    ],
)
def test_nothing_is_found_where_nothing_is_wrong(rules: list[dict[str, Any]]) -> None:
    assert report(*rules).findings == ()


def test_a_table_may_be_declared_without_columns() -> None:
    rule = {"tables": ["crm.orders"]}
    assert report(rule, tables=[{"name": "crm.orders"}]).findings == ()
    (found,) = report({**rule, "catalog": "210987654321"}, tables=[{"name": "crm.orders"}]).findings
    assert found.text.startswith("no known table is crm.orders")


def test_where_rules_are_enforced() -> None:
    found = report(
        {"filter": "id = 1", "columns": {"include": ["email"]}},
        {"masks": {"email": {"mask": "hash"}}, "filter": "id = 2"},
        {"filter": "born IS NULL"},
        {"filter": "country IS NULL"},
        {"filter": "id = 3", "columns": {"include": ["geo.city"]}},
        {"filter": "id = 4", "purpose": "support"},
        {"expires": NOW},
        tables=[{"name": "crm.people", "columns": TYPES, "partitioned_by": ["country"]}],
    )
    wanted = ["lake_formation", "partly", "copy", "copy", "partly", "partly", "nowhere"]
    assert [place.where for place in found.places] == wanted


def decided(*rules: dict[str, Any], purpose: str | None = None, table: KnownTable = PEOPLE, **more: Any) -> Decision:
    return decide(access(*rules, **more), "ann", table, NOW, purpose)


def test_deny_is_the_default() -> None:
    nothing = [
        decided(),
        decided({"principals": ["bob"]}),
        decided({"expires": NOW}),
        decided({"purpose": "support"}),
        decided({"purpose": "support"}, purpose="research"),
        decided({"tables": ["crm.people2"]}),
        decided({"catalog": "123456789012"}),
        decided({"columns": {"include": ["phone"]}}),
        decided({"masks": {"phone": {"mask": "hash"}}}),
        decided({"filter": "phone = 1"}),
        decided({"tagged": {"level": ["shut"]}}, tags=LEVEL),
        decided({}, table=KnownTable("crm", "people", (parsed_column("a", "int"), parsed_column("A", "int")))),
        decided({}, table=KnownTable("crm", "people", ())),
        decide(access({}), "nobody", PEOPLE, NOW),
    ]  # fmt: skip
    assert [one for one in nothing if one.exists] == []
    assert decided({"purpose": "support"}, purpose="support").readable
    assert decided({"expires": NOW + dt.timedelta(seconds=1)}).readable
    assert decided({"allow": ["describe", "delete"]}).actions == {"describe", "delete"}
    assert decided({"allow": "insert", "tagged": {"level": ["open"]}}, tags=LEVEL).actions == {"insert"}
    assert decided({"allow": "insert", "tagged": {"level": ["shut"]}}, tags=LEVEL).actions == frozenset()


def test_what_nobody_looked_for_carries_no_tag_that_goes_by_it() -> None:
    tags = {"level": {**LEVEL["level"], "classified": {"EMAIL_ADDRESS": "shut"}}}
    rule = {"tagged": {"level": ["open"]}}
    assert not decided(rule, tags=tags).readable
    looked = KnownTable("crm", "people", PEOPLE.columns, {("email",): ["EMAIL_ADDRESS"]})
    assert [names[0] for names in decided(rule, tags=tags, table=looked).leaves] == [
        "id",
        "country",
        "born",
        "geo",
        "geo",
    ]


def test_a_decision_for_a_log_quotes_no_constant() -> None:
    decision = decided({"filter": "country = 'canary'", "masks": {"email": {"mask": "redact"}}})
    told = str(decision.document())
    assert "canary" not in told
    assert "'masks': {'email': 'redact'}" in told
    assert "canary" not in str([one.text for one in decision.reasons])


def test_tables_are_made_where_that_is_allowed() -> None:
    policy = access(
        {"databases": ["stage_*"], "allow": "create_table"},
        {"databases": ["hr"], "allow": "create_table", "expires": NOW},
    )
    assert may_create(policy, "ann", "STAGE_x", NOW)
    assert not may_create(policy, "ann", "prod", NOW)
    assert not may_create(policy, "ann", "hr", NOW)
    assert not may_create(policy, "bob", "stage_x", NOW)
