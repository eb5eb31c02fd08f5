"""Queries in the place of a JDBC table, read by their text."""

from __future__ import annotations

import pytest

from hookline.pipelines.jdbc_queries import datasets, parsed

URL = "jdbc:postgresql://db:5432/shop"


def read(query: str, url: str = URL) -> dict[str, set[str]]:
    """Column to its sources and how; what decides on rows has no name."""
    found = parsed(url, f"({query}) SPARK_GEN_SUBQ_0")
    assert found is not None
    assert found.problem is None
    shown = {
        name: {f"{one.dataset.name}.{one.column} {one.transformation}" for one in of}
        for name, of in found.columns.items()
    }
    return shown | {"": {f"{one.dataset.name}.{one.column} {one.transformation}" for one in found.rows}}


def test_a_table_is_no_query() -> None:
    for table in ("public.orders", '"Select"', "selected", "with_tax"):
        assert parsed(URL, table) is None
    assert [(one.namespace, one.name) for one in datasets(URL, "public.orders")] == [
        ("postgres://db:5432", "shop.public.orders")
    ]


@pytest.mark.parametrize("alias", ["", " t", " AS t", ' as "T"', "  SPARK_GEN_SUBQ_12 "])
def test_the_alias_behind_it_does_not_matter(alias: str) -> None:
    found = parsed(URL, f" (SELECT id FROM public.orders){alias}")
    assert found is not None
    assert [one.name for one in found.tables] == ["shop.public.orders"]
    assert found.columns["id"][0].column == "id"


def test_joins_aggregates_conditions_and_order() -> None:
    query = """
        SELECT c.name AS customer, sum(o.amount * 2) AS total, count(*) AS n, upper(c.town) AS town
        FROM public.orders o JOIN public.customers c ON o.customer = c.id
        WHERE o.state <> 'lost' GROUP BY c.name, c.town HAVING sum(o.amount) > 0 ORDER BY c.name
    """
    assert read(query) == {
        "customer": {"shop.public.customers.name IDENTITY"},
        "total": {"shop.public.orders.amount AGGREGATION"},
        "n": set(),
        "town": {"shop.public.customers.town TRANSFORMATION"},
        "": {
            "shop.public.orders.customer JOIN",
            "shop.public.customers.id JOIN",
            "shop.public.orders.state FILTER",
            "shop.public.orders.amount FILTER",
            "shop.public.customers.name GROUP_BY",
            "shop.public.customers.town GROUP_BY",
            "shop.public.customers.name SORT",
        },
    }


def test_sub_queries_and_names_that_are_defined_in_the_query() -> None:
    query = """
        WITH big AS (SELECT id, amount + 1 AS more FROM orders)
        SELECT b.more, x.id FROM big b JOIN (SELECT id FROM people UNION ALL SELECT id FROM others) x ON x.id = b.id
    """
    found = read(query)
    assert found["more"] == {"shop.orders.amount TRANSFORMATION"}
    assert found["id"] == {"shop.people.id IDENTITY", "shop.others.id IDENTITY"}
    assert [one.name for one in datasets(URL, f"({query}) t")] == ["shop.orders", "shop.people", "shop.others"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT FROM WHERE ((",
        "SELECT * FROM a, b",
        "SELECT 'hunter2' FROM",
        "WITH x AS (SELECT 1",
        "SELECT a FROM t WHERE \x00 = '\ud800",
    ],
)
def test_what_can_not_be_read_is_said_and_its_text_is_not(query: str) -> None:
    found = parsed(URL, f"({query}) t")
    assert found is not None
    assert found.problem is not None
    assert "hunter2" not in found.problem
    assert datasets(URL, f"({query}) t")


def test_dialects() -> None:
    assert read("SELECT `a b`.`x` FROM `a b` LIMIT 3", "jdbc:mysql://db/shop")["x"] == {"shop.a b.x IDENTITY"}
    found = read("SELECT TOP 3 [o].[x] FROM [dbo].[orders] o", "jdbc:sqlserver://db;databaseName=shop")
    assert found["x"] == {"shop.dbo.orders.x IDENTITY"}
