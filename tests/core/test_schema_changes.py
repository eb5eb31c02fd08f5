"""Schema changes: what they are called, whether they break readers, and when a column counts as renamed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.core.events import Column, ColumnInput, ColumnLineage, Dataset
from hookline.core.schema_changes import Change, changes
from hookline.core.spark_types import holds

SALES = Dataset("file", "/lake/sales")


def columns(text: str) -> tuple[Column, ...]:
    """``a int, b string!``: an exclamation mark is NOT NULL; a type with brackets is taken apart by Spark's own rules."""
    parts, depth, begin = [], 0, 0
    for position, sign in enumerate(text + ","):
        depth += (sign in "<(") - (sign in ">)")
        if sign == "," and depth == 0:
            parts.append(text[begin:position].strip())
            begin = position + 1
    made = (part.rstrip("!").split(" ", 1) for part in parts if part)
    return tuple(Column(*one, nullable=not part.endswith("!")) for one, part in zip(made, parts, strict=False))


def seen(before: str, after: str, **more: Any) -> list[tuple[str, str, str | None, str | None]]:
    return [
        (change.kind, change.column, change.before, change.after)
        for change in changes(columns(before), columns(after), **more)
    ]


CASES: list[tuple[str, str, list[tuple[str, str, str | None, str | None]]]] = [
    ("a int", "a int", []),
    ("a int", "a int, b string", [("added", "b", None, "string")]),
    ("a int, b string", "a int", [("dropped", "b", "string", None)]),
    ("a int", "a bigint", [("widened", "a", "int", "bigint")]),
    ("a bigint", "a int", [("narrowed", "a", "bigint", "int")]),
    ("a int", "a double", [("widened", "a", "int", "double")]),
    ("a bigint", "a double", [("retyped", "a", "bigint", "double")]),
    ("a bigint", "a decimal(20,0)", [("widened", "a", "bigint", "decimal(20,0)")]),
    ("a int", "a decimal(10,2)", [("retyped", "a", "int", "decimal(10,2)")]),
    ("a decimal(10,2)", "a decimal(12,2)", [("widened", "a", "decimal(10,2)", "decimal(12,2)")]),
    ("a decimal(10,2)", "a decimal(10,4)", [("narrowed", "a", "decimal(10,2)", "decimal(10,4)")]),
    ("a decimal(12,2)", "a decimal(10,2)", [("narrowed", "a", "decimal(12,2)", "decimal(10,2)")]),
    ("a date", "a timestamp_ntz", [("widened", "a", "date", "timestamp_ntz")]),
    ("a timestamp", "a date", [("narrowed", "a", "timestamp", "date")]),
    ("a varchar(5)", "a varchar(9)", [("widened", "a", "varchar(5)", "varchar(9)")]),
    ("a string", "a varchar(9)", [("narrowed", "a", "string", "varchar(9)")]),
    ("a int", "a string", [("retyped", "a", "int", "string")]),
    ("a struct<x:int>", "a string", [("retyped", "a", "struct<x:int>", "string")]),
    ("a int!", "a int", [("nullable", "a", "not null", "null")]),
    ("a int", "a int!", [("required", "a", "null", "not null")]),
    ("a int, b int", "b int, a int", [("reordered", "", None, None)]),
    ("a int, b int, c int", "c int, a int", [("dropped", "b", "int", None), ("reordered", "", None, None)]),
    ("a struct<x:int,y:int>", "a struct<x:int,y:int,z:date>", [("added", "a.z", None, "date")]),
    ("a struct<x:int,y:int>", "a struct<x:bigint>", [("widened", "a.x", "int", "bigint"), ("dropped", "a.y", "int", None)]),
    ("a array<struct<x:int>>", "a array<struct<x:int,y:int>>", [("added", "a._element.y", None, "int")]),
    ("a array<int>", "a array<string>", [("retyped", "a._element", "int", "string")]),
    ("a map<string,int>", "a map<string,bigint>", [("widened", "a.value", "int", "bigint")]),
    ("a map<int,struct<x:int>>", "a map<int,struct<y:date>>", [
        ("added", "a.value.y", None, "date"),
        ("dropped", "a.value.x", "int", None),
    ]),
    ("a array<int>", "a map<int,int>", [("retyped", "a", "array<int>", "map<int,int>")]),
    ("a struct<x:array<map<string,struct<deep:decimal(10,2)>>>>", "a struct<x:array<map<string,struct<deep:decimal(9,2)>>>>", [
        ("narrowed", "a.x._element.value.deep", "decimal(10,2)", "decimal(9,2)")
    ]),
    ("price double, b int", "unit_price double, b int", [("renamed", "unit_price", "price", "unit_price")]),
    ("a int, cust_id int", "a int, customer_id int", [("renamed", "customer_id", "cust_id", "customer_id")]),
    ("price double", "price_eur bigint", [("added", "price_eur", None, "bigint"), ("dropped", "price", "double", None)]),
    ("price double", "colour double", [("added", "colour", None, "double"), ("dropped", "price", "double", None)]),
    ("a int, price double", "unit_price double, a int", [
        ("added", "unit_price", None, "double"),
        ("dropped", "price", "double", None),
    ]),
    ("Price double", "price bigint", [("renamed", "price", "Price", "price"), ("retyped", "price", "double", "bigint")]),
    ("", "a int", [("added", "a", None, "int")]),
    ("a int", "", [("dropped", "a", "int", None)]),
]  # fmt: skip
BREAKING = {"dropped", "renamed", "narrowed", "retyped", "nullable"}


@pytest.mark.parametrize(("before", "after", "expected"), CASES)
def test_changes(before: str, after: str, expected: list[tuple[str, str, str | None, str | None]]) -> None:
    assert seen(before, after) == expected
    for change in changes(columns(before), columns(after)):
        assert change.breaking == (change.kind in BREAKING) == bool(change.why)


def test_what_is_inside_may_become_null() -> None:
    def table(nullable: bool) -> tuple[Column, ...]:
        inner = (Column("x", "int", nullable),)
        element = (Column("_element", "struct<x:int>", False, inner),)
        return (Column("a", "array<struct<x:int>>", True, element),)

    assert changes(table(False), table(True)) == (Change("nullable", "a._element.x", "not null", "null"),)
    assert changes(table(True), table(False)) == (Change("required", "a._element.x", "null", "not null"),)


def test_an_older_version_that_kept_only_the_types_name_says_nothing_of_nulls_inside() -> None:
    known = (Column("a", "struct<x:int>", True, (Column("x", "int", False),)),)
    assert changes(columns("a struct<x:int>"), known) == ()
    assert [change.kind for change in changes(columns("a struct<y:int>"), known)] == ["added", "dropped"]


def lineage(new: str, old: str, transformation: Any = "IDENTITY", dataset: Dataset = SALES) -> ColumnLineage:
    return ColumnLineage({new: (ColumnInput(dataset, old, "DIRECT", transformation),)})


def test_a_write_that_took_a_column_from_the_old_one_is_evidence_of_a_new_name() -> None:
    origins = lineage("colour", "price")
    (change,) = changes(columns("price double"), columns("colour double"), dataset=SALES, origins=origins)
    assert (change.kind, change.before, change.after) == ("renamed", "price", "colour")
    assert change.evidence == "the write took it from the old column unchanged"


@pytest.mark.parametrize(
    "origins",
    [
        None,
        lineage("colour", "price", "TRANSFORMATION"),
        lineage("colour", "price", dataset=Dataset("file", "/other")),
        lineage("colour", "other"),
        ColumnLineage(
            {"colour": (*lineage("colour", "price").columns["colour"], *lineage("colour", "b").columns["colour"])}
        ),
    ],
)
def test_without_that_two_columns_are_two(origins: ColumnLineage | None) -> None:
    found = changes(columns("price double"), columns("colour double"), dataset=SALES, origins=origins)
    assert [change.kind for change in found] == ["added", "dropped"]


def test_a_column_is_renamed_once() -> None:
    before, after = columns("price double"), columns("price_a double, price_b double")
    assert [change.kind for change in changes(before, after)].count("renamed") == 1


HOSTILE = ["a.b", "a`b", "line\nbreak", "<b>", "'; DROP TABLE", "😀", "", " ", "x" * 5_000, "_element", "key"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_quoted_as_sparks_parser_reads_them(name: str) -> None:
    (change,) = changes((), (Column(name, "int"),))
    assert change.column == (name if name.isidentifier() else "`" + name.replace("`", "``") + "`")
    nested = (Column("s", f"struct<{name}:int>", True, (Column(name, "int"),)),)
    assert changes(nested, nested) == ()


SIMPLE = [
    "tinyint",
    "smallint",
    "int",
    "bigint",
    "float",
    "double",
    "string",
    "date",
    "timestamp",
    "decimal(5,0)",
    "decimal(22,2)",
]


@given(st.sampled_from(SIMPLE), st.sampled_from(SIMPLE), st.sampled_from(SIMPLE))
def test_holding_is_an_order(one: str, other: str, third: str) -> None:
    assert holds(one, one)
    if holds(one, other) and holds(other, one):
        assert one == other
    if holds(one, other) and holds(other, third):
        assert holds(one, third)


@pytest.mark.spark
def test_every_widening_of_ours_is_one_of_sparks(spark: Any) -> None:
    """Spark's own rule for casts that lose nothing; it also lets a type become text, which we call another kind."""
    cast = spark._jvm.org.apache.spark.sql.catalyst.expressions.Cast
    parse = spark._jvm.org.apache.spark.sql.types.DataType.fromDDL
    for before in SIMPLE:
        for after in SIMPLE:
            if holds(after, before):
                assert cast.canUpCast(parse(before), parse(after)), (before, after)
