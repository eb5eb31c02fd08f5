"""Plans as JSON, without Spark: shapes that are not as expected, and sizes that are not reasonable."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hookline.core.events import ColumnInput, ColumnLineage, Dataset
from hookline.lineage.columns import Leaf, PlanNotUnderstoodError, RawPlan, column_lineage, leaf_columns, read_plan

PLANS = "org.apache.spark.sql.catalyst.plans.logical"
EXPRESSIONS = "org.apache.spark.sql.catalyst.expressions"
HOME = Dataset("file", "/in")
Raw = dict[str, Any]


def node(kind: str, children: int, **fields: Any) -> Raw:
    return {"class": f"{PLANS}.{kind}", "num-children": children, **fields}


def expression(kind: str, children: int, **fields: Any) -> Raw:
    return {"class": f"{EXPRESSIONS}.{kind}", "num-children": children, **fields}


def column(number: int, name: str, kind: Any = "integer") -> Raw:
    return expression("AttributeReference", 0, name=name, dataType=kind, exprId={"id": number})


def alias(number: int, name: str, *what: Raw) -> RawPlan:
    return [expression("Alias", 1, name=name, exprId={"id": number}), *what]


def relation(*columns: Raw) -> Raw:
    return node("LogicalRelation", 0, output=[[one] for one in columns])


def lineage(plan: RawPlan, *leaves: Leaf) -> ColumnLineage:
    numbers = {first: place for place, first in enumerate(sorted(dict(leaf_columns(plan))))}
    known = leaves or tuple(Leaf((HOME,)) for _ in numbers)
    return column_lineage(read_plan(plan, numbers, dict(enumerate(known))), known)


def inputs(lineage: ColumnLineage, name: str) -> list[tuple[str, str]]:
    return [(edge.column, edge.transformation) for edge in lineage.columns[name]]


def test_a_plan_that_is_five_thousand_projections_deep() -> None:
    plan: RawPlan = []
    for number in range(5_000, 0, -1):
        added = alias(number, "x", expression("Add", 2), column(number - 1, "x"), column(number - 1, "x"))
        plan.append(node("Project", 1, projectList=[added]))
    plan.append(relation(column(0, "a")))
    began = time.monotonic()
    assert inputs(lineage(plan), "x") == [("a", "TRANSFORMATION")]
    assert time.monotonic() - began < 20


def test_an_expression_that_is_ten_thousand_deep() -> None:
    deep = [expression("Not", 1) for _ in range(10_000)]
    plan = [node("Filter", 1, condition=[*deep, column(0, "a")]), relation(column(0, "a"))]
    assert [(edge.column, edge.transformation) for edge in lineage(plan).dataset] == [("a", "FILTER")]


def test_two_thousand_columns_through_a_union_of_a_thousand() -> None:
    columns = [column(number, f"c{number}") for number in range(2_000)]
    plan = [node("Project", 1, projectList=[[one] for one in columns]), relation(*columns)]
    assert len(lineage(plan).columns) == 2_000
    wide = [node("Union", 1_000), *(relation(column(number, "a")) for number in range(1_000))]
    assert inputs(lineage(wide), "a") == [("a", "IDENTITY")]


def test_an_operator_that_nobody_knows_is_wider_than_the_truth_and_said() -> None:
    plan = [
        node("FutureOperator", 1, output=[[column(0, "a")], [column(7, "new")]]),
        relation(column(0, "a"), column(1, "b")),
    ]
    found = lineage(plan)
    assert inputs(found, "a") == [("a", "IDENTITY")]
    assert inputs(found, "new") == [("a", "TRANSFORMATION"), ("b", "TRANSFORMATION")]
    assert all("FutureOperator" in edge.note for edge in found.columns["new"])
    assert "FutureOperator is not known" in found.gaps[0]


def test_a_function_that_nobody_knows_is_a_transformation_of_what_it_takes() -> None:
    made = alias(5, "x", expression("FutureFunction", 2), column(0, "a"), column(1, "b"))
    plan = [node("Project", 1, projectList=[made]), relation(column(0, "a"), column(1, "b"))]
    assert inputs(lineage(plan), "x") == [("a", "TRANSFORMATION"), ("b", "TRANSFORMATION")]


def test_a_column_that_no_relation_has_is_said_to_be_missing() -> None:
    plan = [node("Project", 1, projectList=[[column(9, "gone")], [column(0, "a")]]), relation(column(0, "a"))]
    found = lineage(plan)
    assert (inputs(found, "gone"), inputs(found, "a")) == ([], [("a", "IDENTITY")])
    assert found.gaps == ("a column that the plan refers to was not found in it", "gone: a source is not known")


def test_sources_that_are_not_known_or_several() -> None:
    plan = [
        node("Join", 2, joinType={"object": "Inner$"}, condition=None),
        relation(column(0, "a")),
        relation(column(1, "b")),
    ]
    two = Leaf((HOME, Dataset("file", "/other")))
    found = lineage(plan, two, Leaf(opaque="rows came from an RDD"))
    assert [edge.dataset.name for edge in found.columns["a"]] == ["/in", "/other"]
    assert (found.columns["b"], found.gaps, found.degraded) == ((), ("b: rows came from an RDD",), None)
    found = lineage(plan[1:2], Leaf(opaque="rows came from an RDD"))
    assert (dict(found.columns), found.degraded) == ({}, "rows came from an RDD")


def test_hostile_names_are_names() -> None:
    for name in ("a.b", "`", '"', "\n", "☃" * 5_000, "", "<script>", "'; DROP TABLE x; --"):
        plan = [node("Project", 1, projectList=[alias(5, name, column(0, name))]), relation(column(0, name))]
        assert lineage(plan).columns == {name: (ColumnInput(HOME, name, "DIRECT", "IDENTITY"),)}


@pytest.mark.parametrize(
    "plan",
    [
        [node("Project", 1, projectList=None), relation(column(0, "a"))],
        [node("Filter", 1), relation(column(0, "a"))],
        [node("Filter", 1, condition=[expression("Not", 1)]), relation(column(0, "a"))],
        [node("Expand", 1, projections=None, output=[]), relation(column(0, "a"))],
        [node("Join", 2, joinType=None), relation(column(0, "a"))],
        [node("CTERelationRef", 0, cteId="x", output=[])],
        [],
    ],
)
def test_a_plan_of_another_shape_is_named_by_its_class_alone(plan: RawPlan) -> None:
    with pytest.raises(PlanNotUnderstoodError) as caught:
        lineage(plan)
    assert len(str(caught.value)) < 60


def test_a_literal_is_in_no_answer() -> None:
    secret = expression("Literal", 0, value="hunter2", dataType="string")
    plan = [
        node("Filter", 1, condition=[expression("EqualTo", 2), column(0, "a"), secret]),
        node(
            "Project", 1, projectList=[[column(0, "a")], alias(5, "x", expression("Concat", 2), column(0, "a"), secret)]
        ),
        relation(column(0, "a")),
    ]
    assert "hunter2" not in str(lineage(plan))
