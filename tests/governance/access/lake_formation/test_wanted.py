"""What policies ask of an account: never more than they allow, and all of it that Lake Formation can express."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from tests.governance.access.lake_formation.server import ACCOUNT

from hookline.core.events import Column
from hookline.core.store.classifying import StoredClassification, StoredScan
from hookline.governance.access import filters
from hookline.governance.access.decide import KnownTable, decide
from hookline.governance.access.lake_formation.actual import TableInfo
from hookline.governance.access.lake_formation.diff import Wanted
from hookline.governance.access.lake_formation.items import Assigned, Filter, Grant, Registered
from hookline.governance.access.lake_formation.naming import held_by_table
from hookline.governance.access.lake_formation.options import LakeFormationOptions
from hookline.governance.access.lake_formation.resources import Cells, Columns, Table, Tagged
from hookline.governance.access.lake_formation.wanted import wanted_of
from hookline.governance.access.loading import Access, combine
from hookline.governance.access.model import AccessPolicy

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.timezone.utc)
COLUMNS = {"id": "bigint", "email": "string", "country": "string", "tags": "array<string>"}
TABLES = {
    "crm": {
        "people": TableInfo(COLUMNS, "s3://lake/crm/people"),
        "Logs": TableInfo({"at": "timestamp", "id": "bigint"}),
    },
    "web": {"people": TableInfo(COLUMNS, "s3://lake/web/people/")},
}
PRINCIPALS = {name: {"id": f"arn:aws:iam::{ACCOUNT}:role/{name}"} for name in ("anna", "ben")}
TAGS = {
    "level": {
        "values": ["low", "high"],
        "carried": [
            {"databases": ["crm"], "value": "low"},
            {"tables": ["web.people"], "columns": ["id"], "value": "high"},
        ],
        "classified": {"EMAIL_ADDRESS": "high"},
    },
    "area": {
        "values": ["a", "b"],
        "carried": [{"databases": ["*"], "value": "a"}, {"tables": ["crm.logs"], "value": "b"}],
    },
}


def policy(*rules: dict[str, Any], **more: Any) -> Access:
    named = [{"name": f"r{number}", "principals": "anna", **rule} for number, rule in enumerate(rules)]
    document = {"kind": "access", "name": "p", "principals": PRINCIPALS, "tags": TAGS, "rules": named, **more}
    return combine([AccessPolicy.model_validate(document)])


def scan(name: str, **found: str) -> StoredScan:
    own = tuple(StoredClassification(column, entity, 0.9, 1, False) for column, entity in found.items())
    return StoredScan("s3a://lake", name, "2026-01-01", None, "c", 1, 1, own)


def asked(access: Access, *scans: StoredScan, **options: Any) -> Wanted:
    return wanted_of(access, TABLES, scans, LakeFormationOptions(**options), ACCOUNT, NOW)


def granted(access: Access, *scans: StoredScan, **options: Any) -> set[str]:
    items = asked(access, *scans, **options).items
    return {f"{item.permission} on {item.resource}" for item in items if isinstance(item, Grant) and not item.option}


SELECT = {"allow": "select", "tables": ["crm.people"]}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (SELECT, {"SELECT on table crm.people"}),
        ({**SELECT, "tables": ["crm.*"]}, {"SELECT on all tables of crm"}),
        ({**SELECT, "tables": ["*.people"]}, {"SELECT on table crm.people", "SELECT on table web.people"}),
        ({**SELECT, "tables": ["CRM.logs"]}, {"SELECT on table crm.Logs"}),
        ({**SELECT, "columns": {"include": ["id", "EMAIL", "nothing"]}}, {"SELECT on columns email, id of crm.people"}),
        ({**SELECT, "columns": {"exclude": ["tags"]}}, {"SELECT on all columns but tags of crm.people"}),
        ({**SELECT, "columns": {"exclude": ["nothing"]}}, set()),
        ({**SELECT, "columns": {"exclude": ["nothing"]}, "missing": "allow"}, {"SELECT on table crm.people"}),
        ({**SELECT, "masks": {"email": {"mask": "hash"}}}, {"SELECT on all columns but email of crm.people"}),
        ({**SELECT, "columns": {"include": ["email"]}, "masks": {"email": {"mask": "hash"}}}, set()),
        ({**SELECT, "filter": "tags IS NULL"}, set()),
        ({**SELECT, "filter": "id = 'x'"}, set()),
        ({**SELECT, "filter": "at IS NULL", "tables": ["crm.logs"]}, set()),
        ({**SELECT, "filter": " OR ".join(f"id={number}" for number in range(200))}, set()),
        ({**SELECT, "purpose": "research"}, set()),
        ({**SELECT, "expires": "2026-01-01T00:00:00Z"}, set()),
        ({**SELECT, "catalog": "999999999999"}, set()),
        ({"allow": ["insert", "delete"], "tables": ["crm.people"]}, {"INSERT on table crm.people", "DELETE on table crm.people"}),
        ({"allow": "create_table", "databases": ["w*"]}, {"CREATE_TABLE on database web"}),
        ({"allow": "select", "tagged": {"level": ["low"]}}, {"SELECT on tables tagged level = low"}),
    ],
)  # fmt: skip
def test_a_rule_is_what_lake_formation_has_for_it(rule: dict[str, Any], expected: set[str]):
    assert granted(policy(rule)) == expected


def test_a_filters_name_tells_its_content_and_its_text_is_made_anew():
    access = policy({**SELECT, "filter": "Country in ('DE', 'it''s') or not id>5", "columns": {"exclude": ["email"]}})
    (found,) = (item for item in asked(access).items if isinstance(item, Filter))
    assert found.rows == "(\"country\" IN ('DE', 'it''s')) OR (NOT (\"id\" > 5))"
    assert (found.columns, found.excluded) == (("email",), True)
    other = policy({**SELECT, "filter": "country = 'FR'", "columns": {"exclude": ["email"]}})
    (changed,) = (item for item in asked(other).items if isinstance(item, Filter))
    assert found.name.startswith("p_r0_")
    assert changed.name != found.name


def test_what_is_enforced_elsewhere_is_told():
    rules = [
        {**SELECT, "masks": {"email": {"mask": "hash"}}},
        {**SELECT, "purpose": "research"},
        {**SELECT, "filter": "at = 1", "tables": ["crm.logs"]},
        {**SELECT, "columns": {"include": ["address.zip", "id"]}},
        {**SELECT, "catalog": "999999999999"},
    ]
    told = "\n".join(asked(policy(*rules), scan("crm/people"), scan("web/people")).elsewhere)
    for part in (
        "p.r0: crm.people: email: Lake Formation masks nothing, and hides it",
        "p.r1: it is for the purpose 'research'",
        "p.r2: crm.Logs: nothing is granted: its filter",
        "p.r3: crm.people: address.zip: Lake Formation grants whole columns",
        "p.r4: it is about the catalog of account 999999999999",
        "crm.Logs: nobody looked yet for what its columns hold, so that it does not carry level",
    ):
        assert part in told
    assert "SELECT on table crm.people" in granted(policy(rules[1]), purposes=("research",))


def test_columns_of_several_rules_are_one_grant_and_a_whole_table_leaves_none():
    some = [{**SELECT, "columns": {"include": ["id"]}}, {**SELECT, "columns": {"exclude": ["email", "tags"]}}]
    assert granted(policy(*some)) == {"SELECT on all columns but email, tags of crm.people"}
    more = {**SELECT, "columns": {"include": ["email"]}}
    assert granted(policy(*some, more)) == {"SELECT on all columns but tags of crm.people"}
    filtered = {**SELECT, "filter": "id = 1"}
    assert granted(policy(*some, more, filtered, {**SELECT, "tables": ["crm.*"]})) == {"SELECT on all tables of crm"}


def test_who_may_pass_it_on_may_do_so_with_that_alone():
    access = policy({**SELECT, "grantable": True}, {"allow": "insert", "tables": ["crm.people"]})
    options = {item.permission for item in asked(access).items if isinstance(item, Grant) and item.option}
    assert options == {"SELECT"}


def tags(access: Access, *scans: StoredScan) -> set[str]:
    return {str(item) for item in asked(access, *scans).items if isinstance(item, Assigned)}


def test_a_tag_that_goes_by_content_is_put_on_what_was_looked_into():
    shared = {"database crm: area = a", "database web: area = a", "table crm.Logs: area = b"}
    assert tags(policy()) == {*shared, "column web.people.id: level = high"}
    looked = tags(policy(), scan("crm/people", email="EMAIL_ADDRESS"), scan("web/people", **{"email": "EMAIL_ADDRESS"}))
    assert looked - shared == {
        "table crm.people: level = low",
        "column crm.people.email: level = high",
        "column web.people.id: level = high",
        "column web.people.email: level = high",
    }


def test_more_filters_than_lake_formation_takes_are_refused():
    rules = [{**SELECT, "filter": f"id = {number}"} for number in range(101)]
    (problem,) = asked(policy(*rules)).problems
    assert "has 101 filters on crm.people" in problem


def test_locations_of_declared_tables_are_registered():
    access = policy(tables=[{"name": "crm.people", "location": "s3://lake/crm/people/"}])
    assert {item for item in asked(access).items if isinstance(item, Registered)} == {
        Registered("arn:aws:s3:::lake/crm/people")
    }
    assert not [item for item in asked(access, register_locations=False).items if isinstance(item, Registered)]


def test_who_is_granted_what_expired_alone_is_told_as_such():
    over = {**SELECT, "expires": "2026-01-01T00:00:00Z"}
    (expired,) = asked(policy(over)).expired
    assert str(expired).endswith("SELECT on table crm.people")
    assert asked(policy(over, SELECT)).expired == frozenset()


# -- against the decision ---------------------------------------------------------------------------------------------

Cell = tuple[str, str, str, str, str | None]


def by_lake_formation(wanted: Wanted) -> set[Cell]:
    """Who sees which column of which table on which rows, by what would be granted."""
    items = wanted.items
    carried = {(i.database, i.table, i.column, i.tag): i.value for i in items if isinstance(i, Assigned)}
    rows = {i.cells: i for i in items if isinstance(i, Filter)}
    found: set[Cell] = set()
    for grant in (i for i in items if isinstance(i, Grant) and i.permission == "SELECT"):
        who, resource = grant.principal.rpartition("/")[2], grant.resource
        for database, tables in TABLES.items():
            for table, info in tables.items():
                for column in info.columns:
                    if isinstance(resource, Tagged):
                        places = ((database, table, column), (database, table, None), (database, None, None))
                        if all(
                            next((carried[(*place, key)] for place in places if (*place, key) in carried), None)
                            in values
                            for key, values in resource.expression
                        ):
                            found.add((who, database, table, column, None))
                    elif resource in (Table(database, table), Table(database)):
                        found.add((who, database, table, column, None))
                    elif isinstance(resource, Columns) and (resource.database, resource.table) == (database, table):
                        if (column in resource.columns) != resource.excluded:
                            found.add((who, database, table, column, None))
                    elif isinstance(resource, Cells) and (resource.database, resource.table) == (database, table):
                        own = rows[resource]
                        if (column in own.columns) != own.excluded:
                            found.add((who, database, table, column, own.rows))
    return found


def by_decision(access: Access, scans: tuple[StoredScan, ...]) -> set[Cell]:
    """The same by what ``decide`` says, of what is shown unmasked."""
    held = held_by_table(scans, TABLES)
    found: set[Cell] = set()
    for who in PRINCIPALS:
        for database, tables in TABLES.items():
            for table, info in tables.items():
                columns = tuple(Column(name, kind) for name, kind in info.columns.items())
                known = KnownTable(database, table, columns, held.get((database, table)))
                for one in decide(access, who, known, NOW).rectangles:
                    rows = None if one.condition is None else filters.to_text(one.condition)
                    found |= {
                        (who, database, table, names[0], rows) for names, mask in one.shown.items() if mask is None
                    }
    return found


def covered(some: set[Cell], by: set[Cell]) -> bool:
    return all(cell in by or (*cell[:4], None) in by for cell in some)


@pytest.mark.parametrize("seed", range(20))
def test_of_random_policies_what_is_granted_is_what_the_decision_shows(seed: int):
    dice = random.Random(seed)
    for _ in range(15):
        rules = [random_rule(dice) for _ in range(dice.randint(1, 6))]
        some = dice.sample([scan("crm/people", email="EMAIL_ADDRESS"), scan("web/people")], dice.randint(0, 2))
        access, scans = policy(*rules), tuple(some)
        ours, theirs = by_lake_formation(asked(access, *scans)), by_decision(access, scans)
        assert covered(ours, theirs), rules
        assert covered(theirs, ours), rules


def random_rule(dice: random.Random) -> dict[str, Any]:
    rule: dict[str, Any] = {"principals": dice.choice(["anna", "ben", ["anna", "ben"]]), "allow": "select"}
    if dice.random() < 0.4:
        rule["tagged"] = dice.choice(
            [{"level": ["low"]}, {"level": ["high"]}, {"area": ["a"], "level": ["low", "high"]}]
        )
    else:
        rule["tables"] = [dice.choice(["crm.people", "*.people", "crm.*", "*.*", "web.p*"])]
    if dice.random() < 0.4:
        choice = dice.sample([*COLUMNS, "at"], dice.randint(1, 3))
        rule["columns"] = {dice.choice(["include", "exclude"]): choice}
    if dice.random() < 0.3:
        rule["filter"] = dice.choice(["country = 'DE'", "id > 5 AND email LIKE 'a%'", "tags IS NULL", "id = 'x'"])
    if dice.random() < 0.3:
        rule["masks"] = {dice.choice([*COLUMNS]): {"mask": "hash"}}
    rule["missing"] = dice.choice(["deny", "allow"])
    return rule
