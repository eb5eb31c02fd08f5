"""A plan is done, and then there is nothing to do."""

from __future__ import annotations

import pytest
from tests.governance.access.lake_formation.conftest import Lake, wanted
from tests.governance.access.lake_formation.server import ACCOUNT, CALLER, HANGS_UP, REGION, AwsError

from hookline.governance.access.lake_formation.account import Account
from hookline.governance.access.lake_formation.items import (
    EVERYBODY,
    Admin,
    Assigned,
    Filter,
    Grant,
    Link,
    Registered,
    TagValue,
)
from hookline.governance.access.lake_formation.options import LakeFormationOptions
from hookline.governance.access.lake_formation.planning import LockoutError
from hookline.governance.access.lake_formation.resources import Cells, Columns, Database, Place, Table, Tagged, TagKey

ANNA, BEN = f"arn:aws:iam::{ACCOUNT}:role/anna", f"arn:aws:iam::{ACCOUNT}:role/ben"
PUBLIC = Tagged("TABLE", (("sensitivity", ("public",)),))
SECRET = Tagged("TABLE", (("sensitivity", ("secret",)),))
EVERYTHING = (
    TagValue("sensitivity", "public"),
    TagValue("sensitivity", "secret"),
    Assigned("sales", None, None, "sensitivity", "public"),
    Assigned("sales", "orders", None, "sensitivity", "secret"),
    Assigned("sales", "orders", "email", "sensitivity", "secret"),
    Assigned("sales", "orders", "country", "sensitivity", "secret"),
    Grant(ANNA, Database("sales"), "DESCRIBE"),
    Grant(ANNA, Table("sales", "orders"), "SELECT"),
    Grant(ANNA, Table("sales", "orders"), "SELECT", option=True),
    Grant(ANNA, Table("sales", "orders"), "INSERT"),
    Grant(ANNA, Table("sales"), "DESCRIBE"),
    Grant(BEN, Columns("sales", "orders", ("country", "id")), "SELECT"),
    Grant(BEN, Columns("sales", "items", ("email",), excluded=True), "SELECT"),
    Grant(BEN, PUBLIC, "SELECT"),
    Grant(BEN, Tagged("DATABASE", PUBLIC.expression), "DESCRIBE"),
    Grant(BEN, TagKey("sensitivity", ("public", "secret")), "ASSOCIATE"),
    Filter("sales", "items", "it's", "country = 'DE'", ("email",)),
    Filter("sales", "items", "all", None, ("id",), excluded=False),
    Grant(BEN, Cells("sales", "items", "it's"), "SELECT"),
    Registered("arn:aws:s3:::lake/sales"),
    Registered("arn:aws:s3:::lake/other", f"arn:aws:iam::{ACCOUNT}:role/opener"),
    Grant(ANNA, Place("arn:aws:s3:::lake/sales"), "DATA_LOCATION_ACCESS"),
    Link("theirs", None, "999999999999", "shared", None),
    Link("sales", "partners", "999999999999", "shared", "partners"),
    Admin(CALLER),
    Admin(ANNA),
)


@pytest.fixture
def shop(lake: Lake) -> Lake:
    lake.table("sales", "orders")
    lake.table("sales", "items")
    return lake


def grants(lake: Lake) -> set[Grant]:
    return {item for item in lake.actual().items if isinstance(item, Grant)}


def test_all_kinds_are_made_read_back_as_they_are_and_taken_away_again(shop):
    everything = wanted(*EVERYTHING, sales=("orders", "items"))
    made = shop.apply(everything)
    assert made.complete
    assert made.done == len(EVERYTHING) - 1  # the caller was an administrator before
    assert shop.actual().items >= {*EVERYTHING}
    assert shop.plan(everything).steps == ()
    nothing = wanted(Admin(CALLER), sales=("orders", "items"))
    assert shop.apply(nothing).complete
    assert shop.actual().items == {Admin(CALLER)}
    assert shop.record.items() == frozenset()
    assert shop.server.glue.databases["sales"].tables.keys() == {"orders", "items"}


def test_what_others_granted_stays_unless_policies_are_exclusive(shop):
    shop.server._grant(
        {
            "Principal": {"DataLakePrincipalIdentifier": BEN},
            "Resource": Table("sales", "orders").api(ACCOUNT),
            "Permissions": ["SELECT", "DESCRIBE"],
        }
    )
    shop.server._grant(
        {
            "Principal": {"DataLakePrincipalIdentifier": EVERYBODY},
            "Resource": Table("sales", "orders").api(ACCOUNT),
            "Permissions": ["ALL"],
        }
    )
    own = Grant(ANNA, Table("sales", "orders"), "SELECT")
    shop.apply(wanted(own, sales=("orders",)))
    assert len(grants(shop)) == 4
    # One that others made and that a policy asks for as well stays theirs when the policy no longer does.
    theirs = Grant(BEN, Table("sales", "orders"), "SELECT")
    shop.apply(wanted(own, theirs, sales=("orders",)))
    plan = shop.plan(wanted(own, sales=("orders",)))
    assert plan.steps == ()
    assert theirs in plan.foreign
    shop.apply(wanted(own, sales=("orders",)), "everybody")
    assert {grant.principal for grant in grants(shop)} == {ANNA, BEN}
    shop.apply(wanted(own, sales=("orders",)), "tables")
    assert grants(shop) == {own}


def test_an_answer_that_did_not_come_and_throttling_are_tried_again(shop):
    seen: set[str] = set()

    def trouble(operation, arguments):
        call = f"{operation} {arguments}"
        if call not in seen:
            seen.add(call)
            raise AwsError("ThrottlingException" if len(seen) % 2 else HANGS_UP)

    shop.server.trouble = trouble
    assert shop.apply(wanted(*EVERYTHING, sales=("orders", "items"))).complete
    shop.server.trouble = lambda *_: None
    assert shop.plan(wanted(*EVERYTHING, sales=("orders", "items"))).steps == ()


def test_what_was_done_and_not_answered_for_is_no_failure(shop):
    seen: set[str] = set()

    def loses(operation, arguments):
        call = f"{operation} {arguments}"
        if call not in seen:
            seen.add(call)
            raise AwsError(HANGS_UP)

    shop.server.loses = loses
    everything = wanted(*EVERYTHING, sales=("orders", "items"))
    assert shop.apply(everything).failed == {}
    assert shop.plan(everything).steps == ()
    few = wanted(Admin(CALLER), TagValue("sensitivity", "public"), sales=("orders", "items"))
    assert shop.apply(few).failed == {}
    assert shop.actual().items == {*few.items}


def test_entries_that_fail_are_sent_again_and_those_that_fail_for_good_are_told(shop):
    refused = []

    def refuse(entry):
        principal = entry["Principal"]["DataLakePrincipalIdentifier"]
        if principal == BEN:
            return "AccessDeniedException"
        if entry["Id"] not in refused:
            refused.append(entry["Id"])
            return "ConcurrentModificationException"
        return None

    shop.server.refuse = refuse
    old, new = Grant(ANNA, Table("sales", "items"), "SELECT"), Grant(BEN, Table("sales", "items"), "SELECT")
    assert shop.apply(wanted(old, sales=("items",))).complete
    made = shop.apply(wanted(new, sales=("items",)))
    assert {str(step.item): why for step, why in made.failed.items()} == {
        str(new): "AccessDeniedException (refused by the test)"
    }
    # Anna keeps hers, since Ben did not get his.
    assert [step.item for step in made.left] == [old]
    assert "access.failed" in shop.actions()
    shop.server.refuse = lambda entry: None
    assert shop.apply(wanted(new, sales=("items",))).complete
    assert grants(shop) == {new}


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ((Admin(CALLER), Admin(ANNA)), (Admin(ANNA),), "would no longer be a data lake administrator"),
        ((Admin(CALLER),), (), "no data lake administrator would be left"),
    ],
)
def test_who_applies_is_not_locked_out(shop, before, after, why):
    assert shop.apply(wanted(*before)).complete
    shop.record.keep(before)
    with pytest.raises(LockoutError, match=why):
        shop.apply(wanted(*after))
    assert {item for item in shop.actual().items if isinstance(item, Admin)} == {*before}
    assert shop.actions()[-1] == "access.apply_refused"


def test_who_is_no_administrator_does_not_take_from_themselves_or_from_everybody(shop):
    own = Grant(CALLER, Table("sales", "orders"), "SELECT")
    assert shop.apply(wanted(own, sales=("orders",))).complete
    shop.admin(ANNA)
    with pytest.raises(LockoutError, match="would lose"):
        shop.apply(wanted(sales=("orders",)))


def test_what_is_done_is_in_the_audit_log(shop):
    shop.apply(wanted(Grant(ANNA, Table("sales", "orders"), "SELECT"), sales=("orders",)))
    shop.apply(wanted(sales=("orders",)))
    assert shop.actions() == ["audit.opened", "access.granted", "access.applied", "access.revoked", "access.applied"]
    told = [record.entry.what.get("what") for record in shop.log.records()]
    assert f"{ANNA}: SELECT on table sales.orders" in told


def test_a_table_in_the_place_of_a_link_is_not_deleted(shop):
    link = Link("sales", "partners", "999999999999", "shared", "partners")
    shop.apply(wanted(link))
    shop.server.glue.delete_table("sales", "partners")
    shop.table("sales", "partners")
    assert shop.plan(wanted()).steps == ()
    made = shop.apply(wanted(link))
    assert list(made.failed.values())
    assert "partners" in shop.server.glue.databases["sales"].tables


def test_a_link_that_can_not_be_made_keeps_nobody_from_their_grant(shop):
    link = Link("sales", "orders", "999999999999", "shared", "orders")  # there is a table of this name
    own = Grant(ANNA, Table("sales", "items"), "SELECT")
    made = shop.apply(wanted(link, own, sales=("items",)))
    assert [*made.failed]
    assert made.left == ()
    assert own in grants(shop)


def test_others_tags_and_grants_that_do_not_reach_what_policies_speak_of_are_nobodys_business(shop):
    own = wanted(*EVERYTHING, sales=("orders", "items"))
    assert shop.apply(own).complete
    shop.table("other", "t")
    shop.server._create_lf_tag({"TagKey": "team", "TagValues": ["a", "b"]})
    theirs = {"CatalogId": ACCOUNT, "TagKey": "team", "TagValues": ["a"]}
    shop.server._add_lf_tags_to_resource({"Resource": Table("sales", "orders").api(ACCOUNT), "LFTags": [theirs]})
    reaching = Tagged("TABLE", (("team", ("a",)),))
    elsewhere = Tagged("TABLE", (("team", ("b",)),))
    for resource in (reaching, elsewhere, Table("other", "t"), Place("arn:aws:s3:::other")):
        permission = "DATA_LOCATION_ACCESS" if isinstance(resource, Place) else "SELECT"
        entry = {"Principal": {"DataLakePrincipalIdentifier": BEN}, "Permissions": [permission]}
        shop.server._grant({**entry, "Resource": resource.api(ACCOUNT)})
    assert shop.plan(own).foreign == {Grant(BEN, reaching, "SELECT")}


def test_moto_alone_fails_where_nothing_is_tagged_and_that_is_told(shop, moto_address):
    host, port = moto_address
    options = LakeFormationOptions(region=REGION, endpoint_url=f"http://{host}:{port}", attempts=2)
    shop.account = Account(options, wait=lambda seconds: None)
    few = wanted(
        Grant(ANNA, Table("sales", "orders"), "SELECT"), Grant(BEN, Database("sales"), "DESCRIBE"), sales=("orders",)
    )
    assert shop.apply(few).complete
    assert shop.plan(few).steps == ()
    more = wanted(*few.items, TagValue("k", "v"), Assigned("sales", "orders", "id", "k", "v"), sales=("orders",))
    assert shop.apply(more).complete
    plan = shop.plan(more)
    assert plan.steps == ()
    assert any("3 databases, tables or columns are taken for having no LF-tags" in note for note in plan.notes)


def test_the_right_to_hand_on_goes_alone(shop):
    own = Grant(ANNA, Table("sales", "orders"), "SELECT")
    option = Grant(ANNA, Table("sales", "orders"), "SELECT", option=True)
    assert shop.apply(wanted(own, option, sales=("orders",))).complete
    assert shop.apply(wanted(own, sales=("orders",))).complete
    assert grants(shop) == {own}
    assert shop.apply(wanted(own, option, sales=("orders",))).complete
    assert grants(shop) == {own, option}
