"""At no moment has anybody more than before and after together, whatever order the steps of a phase are done in."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import pytest
from tests.governance.access.lake_formation.conftest import wanted

from hookline.governance.access.lake_formation.actual import Actual, TableInfo
from hookline.governance.access.lake_formation.diff import EXPIRED, Step, Wanted, compare
from hookline.governance.access.lake_formation.items import Assigned, Filter, Grant, Item, TagValue
from hookline.governance.access.lake_formation.ordering import ordered
from hookline.governance.access.lake_formation.resources import Cells, Columns, Table, Tagged

TABLES = {"a": ("t", "u"), "b": ("v",)}
COLUMNS = ("x", "y")
Cell = tuple[str, str, str, str, str, str | None]


def access(items: Iterable[Item]) -> set[Cell]:
    """Who may do what with which column of which table, on which rows: written from Lake Formation's rules, and nothing else."""
    items = [*items]
    tags = {(i.database, i.table, i.column, i.tag): i.value for i in items if isinstance(i, Assigned)}
    filters = {i.cells: i for i in items if isinstance(i, Filter)}
    found: set[Cell] = set()
    for grant in (i for i in items if isinstance(i, Grant)):
        for database, tables in TABLES.items():
            for table in tables:
                for column in COLUMNS:
                    seen, rows = sees(grant.resource, filters, tags, database, table, column)
                    if seen:
                        found.add((grant.principal, grant.permission, database, table, column, rows))
    return found


def sees(resource, filters, tags, database, table, column) -> tuple[bool, str | None]:
    if isinstance(resource, Tagged):

        def value(key):
            for place in ((database, table, column), (database, table, None), (database, None, None)):
                if (*place, key) in tags:
                    return tags[(*place, key)]
            return None

        return resource.kind == "TABLE" and all(value(key) in values for key, values in resource.expression), None
    if (resource.database, resource.table) != (database, table):
        return False, None
    if isinstance(resource, Columns):
        return (column in resource.columns) != resource.excluded, None
    if isinstance(resource, Cells):
        own = filters.get(resource)
        return own is not None and (column in own.columns) != own.excluded, own.rows if own else None
    return True, None


def more(now: set[Cell], allowed: set[Cell]) -> set[Cell]:
    return {cell for cell in now if cell not in allowed and (*cell[:5], None) not in allowed}


def states(
    before: frozenset[Item], phases: Iterable[tuple[Step, ...]], dice: random.Random
) -> Iterator[frozenset[Item]]:
    now = {*before}
    for phase in phases:
        for step in dice.sample(phase, len(phase)):
            now = {item for item in now if item.key != step.item.key}
            if step.action != "delete":
                now.add(step.item)
            yield frozenset(now)


def lake(dice: random.Random) -> frozenset[Item]:
    items: dict[object, Item] = {}

    def add(item: Item) -> None:
        items[item.key] = item

    for _ in range(dice.randint(0, 6)):
        database = dice.choice(["a", "b"])
        table = dice.choice([None, *TABLES[database]])
        column = dice.choice([None, *COLUMNS]) if table else None
        add(Assigned(database, table, column, dice.choice("kl"), dice.choice("123")))
    for _ in range(dice.randint(0, 3)):
        add(
            Filter(
                "a",
                "t",
                dice.choice("fg"),
                dice.choice([None, "x = 1", "x = 2"]),
                (dice.choice(COLUMNS),),
                dice.random() < 0.5,
            )
        )
    for _ in range(dice.randint(0, 6)):
        terms = {
            key: tuple(sorted(dice.sample("123", dice.randint(1, 2)))) for key in dice.sample("kl", dice.randint(1, 2))
        }
        resource = dice.choice(
            [
                *[Tagged("TABLE", tuple(sorted(terms.items())))] * 4,
                Table("a", "t"),
                Columns("a", "t", ("x",), dice.random() < 0.5),
                *(item.cells for item in items.values() if isinstance(item, Filter)),
            ]
        )
        add(Grant(dice.choice(["anna", "ben"]), resource, "SELECT"))
    return frozenset(items.values())


def ways(before: frozenset[Item], after: frozenset[Item]) -> tuple[tuple[tuple[Step, ...], ...], tuple[Grant, ...]]:
    tables = {name: dict.fromkeys(own, TableInfo(dict.fromkeys(COLUMNS, "string"))) for name, own in TABLES.items()}
    actual = Actual(before, tables)
    asked = Wanted(after, {name: frozenset(own) for name, own in TABLES.items()})
    return ordered(compare(asked, actual, before).steps, actual, after)


@pytest.mark.parametrize("seed", range(40))
def test_of_random_lakes_none_opens_more_on_its_way_to_another(seed):
    dice = random.Random(seed)
    for _ in range(40):
        before, after = lake(dice), lake(dice)
        phases, exposed = ways(before, after)
        assert exposed == ()
        allowed = access(before) | access(after)
        last = before
        for last in states(before, phases, dice):
            assert more(access(last), allowed) == set()
        assert last == after


def test_where_no_tag_moves_nobody_loses_on_the_way_what_they_keep():
    dice = random.Random(7)
    for _ in range(200):
        before, after = lake(dice), lake(dice)
        fixed = frozenset(item for item in before if isinstance(item, (Assigned, Filter)))
        after = fixed | {item for item in after if isinstance(item, Grant)}
        phases, _ = ways(before, after)
        kept = access(before) & access(after)
        for now in states(before, phases, dice):
            assert kept <= access(now)


def tagged(value: str) -> Tagged:
    return Tagged("TABLE", (("k", (value,)),))


def test_two_tables_that_change_places_are_opened_to_nobody_in_between():
    before = {
        Assigned("a", "t", None, "k", "1"),
        Assigned("a", "u", None, "k", "2"),
        Grant("anna", tagged("1"), "SELECT"),
    }
    after = {
        Assigned("a", "t", None, "k", "2"),
        Assigned("a", "u", None, "k", "1"),
        Grant("anna", tagged("2"), "SELECT"),
    }
    phases, _ = ways(frozenset(before), frozenset(after))
    told = [f"{step.action} {type(step.item).__name__}" for phase in phases for step in phase]
    # Anna sees the first table before and after, and the second one never.
    assert told == ["delete Grant", "change Assigned", "change Assigned", "create Grant"]


def test_a_grant_that_stays_steps_aside_where_tags_would_open_something_for_it():
    both = Tagged("TABLE", (("k", ("1",)), ("l", ("2",))))
    grant = Grant("anna", both, "SELECT")
    before = {Assigned("a", "t", None, "k", "1"), Assigned("a", "t", None, "l", "1"), grant}
    after = {Assigned("a", "t", None, "k", "2"), Assigned("a", "t", None, "l", "2"), grant}
    phases, _ = ways(frozenset(before), frozenset(after))
    steps = [step for phase in phases for step in phase]
    # k moves first, so that (1, 2) is never there, and nobody has to step aside.
    assert [type(step.item) for step in steps] == [Assigned, Assigned]
    phases, _ = ways(frozenset(after), frozenset(before))
    steps = [step for phase in phases for step in phase]
    assert [(step.action, step.item) for step in steps if step.item == grant] == [("delete", grant), ("create", grant)]


def test_of_what_others_granted_nothing_is_suspended_but_it_is_told():
    both = Tagged("TABLE", (("k", ("1",)), ("l", ("2",))))
    grant = Grant("anna", both, "SELECT")
    before = frozenset({Assigned("a", "t", None, "k", "2"), Assigned("a", "t", None, "l", "2"), grant})
    after = wanted(Assigned("a", "t", None, "k", "1"), Assigned("a", "t", None, "l", "1"), a=("t",))
    actual = Actual(before, {})
    phases, exposed = ordered(compare(after, actual, ()).steps, actual, after.items)
    assert exposed == (grant,)
    assert all(step.item != grant for phase in phases for step in phase)


def test_what_has_expired_goes_first_and_values_of_tags_come_first_and_go_last():
    over = Grant("anna", Table("a", "t"), "SELECT")
    before = frozenset({over, TagValue("k", "1"), Grant("ben", Table("a", "t"), "SELECT")})
    asked = Wanted(
        frozenset({TagValue("k", "2"), Grant("carl", Table("a", "t"), "SELECT")}),
        {"a": frozenset({"t"})},
        expired=frozenset({over}),
    )
    actual = Actual(before, {})
    phases, _ = ordered(compare(asked, actual, before).steps, actual, asked.items)
    told = [{(step.action, str(step.item)) for step in phase} for phase in phases]
    assert told == [
        {("delete", "anna: SELECT on table a.t"), ("create", "LF-tag k may be 2")},
        {("create", "carl: SELECT on table a.t")},
        {("delete", "ben: SELECT on table a.t")},
        {("delete", "LF-tag k may be 1")},
    ]
    assert next(step.why for step in phases[0] if step.action == "delete") == EXPIRED


def test_where_there_is_no_room_for_old_filters_beside_new_ones_the_old_ones_go_first():
    def filters(name: str, count: int) -> set[Item]:
        made = [Filter("a", "t", f"{name}{number}", None, ("x",)) for number in range(count)]
        return {*made, *(Grant("anna", one.cells, "SELECT") for one in made)}

    for count, first in ((50, "create"), (51, "delete")):
        phases, _ = ways(frozenset(filters("f", 50)), frozenset(filters("g", count)))
        granting = [step.action for phase in phases for step in phase if isinstance(step.item, Grant)]
        assert granting[0] == first
