"""Spark's logical plans, as ``LogicalPlan.toJSON`` has them, in the kinds of ``model``.

The JSON is a list: each node before its children, with their number. Fields that hold nodes hold the children's places; what is
no child (the plan of a sub-query, the expressions of a plan) is a list of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hookline.lineage.columns import spark_types
from hookline.lineage.columns.leaves import Leaf, RawPlan
from hookline.lineage.columns.model import Attribute, Expression, Item, Relation
from hookline.lineage.columns.spark_changes import Assigned, read_change
from hookline.lineage.columns.spark_expressions import PYTHON_NOTE, ExpressionReader, Raw, number, simple

_ROWS_MADE_HERE = frozenset({"EmptyRelation", "LocalRelation", "OneRowRelation", "Range"})
_SAME = frozenset(
    {
        "CollectMetrics",
        "EventTimeWatermark",
        "GlobalLimit",
        "LocalLimit",
        "Offset",
        "PipeOperator",
        "RebalancePartitions",
        "Repartition",
        "RepartitionByExpression",
        "ResolvedHint",
        "ReturnAnswer",
        "Sample",
        "Subquery",
        "SQLFunctionNode",
        "SubqueryAlias",
        "Tail",
        "UpdateEventTimeWatermarkColumn",
        "View",
        "WithWindowDefinition",
    }
)
# Under these a projection that only renames and casts is Spark's own: it fits the columns to each other.
_CONVERTS = frozenset({"Union", "View"})
_HALF = ("LeftSemi", "LeftAnti", "ExistenceJoin")
# What Spark adds to the columns of files that a query asks about.
_ADDED, _OF_ADDED = "_metadata", {"file_path", "file_modification_time"}
_OUTER = ("LeftOuter", "RightOuter", "FullOuter")


class PlanNotUnderstoodError(Exception):
    """A plan has not the shape that is known. The text names classes and fields, never values."""


def leaf_columns(plan: RawPlan) -> Iterator[tuple[int, list[Raw]]]:
    """The leaves of a plan, sub-queries' included, in no order: the id of the first column, by which a leaf is known, and
    its columns, but for those that Spark adds to a source's own."""
    waiting: list[Any] = [plan]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            if value.get("num-children") == 0 and (found := _outputs(value)):
                told = [flat[0] for flat in value.get("output") or ()]
                yield found[0].id, [one for one in told if not _is_added(one)]
            waiting += [inner for inner in value.values() if isinstance(inner, list)]


def own_leaves(plan: RawPlan) -> list[int | None]:
    """The leaves of a plan's own tree, without those of sub-queries, in the order in which Spark collects them: the id of
    each one's first column, or None where it has no columns."""
    outputs = (_outputs(node) for node in plan if node["num-children"] == 0)
    return [found[0].id if found else None for found in outputs]


def read_plan(
    plan: RawPlan,
    leaves: Mapping[int, int],
    origins: Mapping[int, Leaf],
    *,
    converted: bool = False,
    assigned: Assigned = (),
) -> Relation:
    """A plan as relations.

    Args:
        plan: Spark's JSON, parsed.
        leaves: the id of a leaf's first column to the leaf's number.
        origins: leaves that hold another plan's rows, by number.
        converted: the plan's topmost projection fits the columns to a table's.
        assigned: the columns that the clauses of an UPDATE or a MERGE name.

    Raises:
        PlanNotUnderstoodError: naming the class that is not as expected.
    """
    return _PlanReader(leaves, origins, assigned).read(plan, converted=converted)


class _PlanReader:
    def __init__(self, leaves: Mapping[int, int], origins: Mapping[int, Leaf], assigned: Assigned) -> None:
        self._leaves = leaves
        self._origins = origins
        self._assigned = assigned
        self._expressions = ExpressionReader(self.read)

    def read(self, flat: RawPlan, *, converted: bool = False) -> Relation:
        """A tree, flattened with each node before its children."""
        trees: list[Relation] = []
        parents = _parents(flat)
        for place in range(len(flat) - 1, -1, -1):
            raw, above = flat[place], parents[place]
            if len(trees) < raw["num-children"]:
                raise PlanNotUnderstoodError(f"{simple(raw)} (a child is missing)")
            children = [trees.pop() for _ in range(raw["num-children"])]
            fits = converted if above is None else simple(flat[above]) in _CONVERTS
            trees.append(self._guarded(raw, children, fits))
        if len(trees) != 1:
            raise PlanNotUnderstoodError("a plan without one root")
        return trees[0]

    def _guarded(self, raw: Raw, children: list[Relation], converted: bool) -> Relation:
        kind = simple(raw)
        try:
            return self._one(kind, raw, children, converted)
        except PlanNotUnderstoodError:
            raise
        except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
            raise PlanNotUnderstoodError(f"{kind} ({type(error).__name__})") from None

    def _one(self, kind: str, raw: Raw, children: list[Relation], converted: bool) -> Relation:
        if kind in _SAME:
            return children[0]
        if kind == "Project":
            fits = converted and all(_only_casts(flat) for flat in raw["projectList"])
            return Relation("project", children, items=self._items(raw["projectList"], converted=fits))
        reader = _READERS.get(kind)
        if reader is not None:
            return reader(self, raw, children)
        if not children and "output" not in raw and "dataCols" not in raw and kind not in _ROWS_MADE_HERE:
            return Relation("unknown", name=kind)
        if not children:
            return self._leaf(raw)
        if "output" in raw and _is_function(raw):
            return self._function(raw, children)
        return Relation("unknown", children, attributes=_outputs(raw), name=kind)

    def _leaf(self, raw: Raw) -> Relation:
        attributes = _outputs(raw)
        leaf = self._leaves.get(attributes[0].id, -1) if attributes else -1
        if simple(raw) in _ROWS_MADE_HERE:
            leaf = -2
        origin = self._origins.get(leaf)
        if origin is not None and origin.origin is not None:
            return Relation("derived", [origin.origin], attributes=attributes)
        return Relation("source", attributes=attributes, leaf=leaf)

    # -- relations -----------------------------------------------------------------------------------------------------

    def filter(self, raw: Raw, children: list[Relation]) -> Relation:
        return Relation("filter", children, conditions=[self._read(raw["condition"])])

    def sort(self, raw: Raw, children: list[Relation]) -> Relation:
        return Relation("sort", children, keys=self._all(raw["order"]))

    def aggregate(self, raw: Raw, children: list[Relation]) -> Relation:
        keys, items = self._all(raw["groupingExpressions"]), self._items(raw["aggregateExpressions"])
        if pivots := {item.expression.children[0].id for item in items if _is_pivot(item.expression)}:
            _spread(children[0], pivots)
        return Relation("group", children, items=items, keys=keys)

    def distinct(self, raw: Raw, children: list[Relation]) -> Relation:
        return Relation("distinct", children, keys=self._all(raw["keys"]) if "keys" in raw else None)

    def join(self, raw: Raw, children: list[Relation]) -> Relation:
        kind = _join_kind(raw["joinType"])
        condition = [self._read(raw["condition"])] if raw.get("condition") else []
        return Relation("join", children, conditions=condition, outer=kind in (*_OUTER, *_HALF), half=kind in _HALF)

    def lateral(self, raw: Raw, children: list[Relation]) -> Relation:
        subquery = raw["right"][0]
        condition = [self._read(raw["condition"])] if raw.get("condition") else []
        outer = _join_kind(raw["joinType"]) in _OUTER
        return Relation("lateral", [*children, self.read(subquery["plan"])], conditions=condition, outer=outer)

    def as_of_join(self, raw: Raw, children: list[Relation]) -> Relation:
        conditions = [
            self._read(raw[name]) for name in ("asOfCondition", "condition", "orderExpression") if raw.get(name)
        ]
        return Relation("join", children, conditions=conditions, outer=True)

    def union(self, raw: Raw, children: list[Relation]) -> Relation:
        return Relation("union", children)

    def set_operation(self, raw: Raw, children: list[Relation]) -> Relation:
        return Relation("set", children)

    def window(self, raw: Raw, children: list[Relation]) -> Relation:
        return Relation("extend", children, items=self._items(raw["windowExpressions"]))

    def generate(self, raw: Raw, children: list[Relation]) -> Relation:
        attributes = _attributes(raw["generatorOutput"])
        return Relation(
            "generate", children, attributes=attributes, conditions=self._generated(raw["generator"], attributes)
        )

    def _generated(self, flat: RawPlan, attributes: Sequence[Attribute]) -> list[Expression]:
        """What each of a generator's columns is made from."""
        kind, whole, wanted = simple(flat[0]), self._read(flat), len(attributes)
        if kind == "GeneratorOuter":
            return self._generated(flat[1:], attributes)
        if kind in ("Explode", "PosExplode"):
            source = whole.children[0]
            place = [Expression("apply", [source])] if kind == "PosExplode" else []
            names = ["key", "value"] if wanted - len(place) == 2 else [""]
            return [*place, *(Expression("part", [source], name=name) for name in names)]
        if kind == "Inline":
            return [self._inlined(flat, whole.children[0], place) for place in range(wanted)]
        if kind == "Stack":
            values = whole.children[1:]
            return [Expression("gather", values[place::wanted]) for place in range(wanted)]
        return [whole] * wanted

    def _inlined(self, flat: RawPlan, source: Expression, place: int) -> Expression:
        inner = flat[1].get("dataType")
        names = spark_types.field_names(spark_types.element_of(inner))
        element = Expression("part", [source])
        return Expression("field", [element], name=names[place]) if place < len(names) else element

    def expand(self, raw: Raw, children: list[Relation]) -> Relation:
        projections = [[self._read(flat, converted=True) for flat in one] for one in raw["projections"]]
        return Relation("expand", children, attributes=_outputs(raw), projections=projections)

    def _function(self, raw: Raw, children: list[Relation]) -> Relation:
        """mapInPandas, applyInPandas and their kin: nothing is known but what goes in."""
        keys = self._all(raw["groupingAttributes"]) if raw.get("groupingAttributes") else []
        python = any(simple(node) in ("PythonUDF", "PythonUDTF") for node in _nodes_of(raw))
        note = PYTHON_NOTE if python else "a function of the job's own takes all rows, and may not use this"
        relation = Relation("function", children, attributes=_outputs(raw), keys=keys, note=note)
        for side, name in enumerate(("leftGroupingLen", "rightGroupingLen")):
            if isinstance(raw.get(name), int):
                # The group's columns come first in what each side hands over.
                firsts = children[side].items[: raw[name]]
                relation.keys = [*(relation.keys or ()), *(item.expression for item in firsts)]
        return relation

    def define(self, raw: Raw, children: list[Relation]) -> Relation:
        main = children[raw["plan"]]
        return Relation("define", [main, *(child for child in children if child is not main)])

    def definition(self, raw: Raw, children: list[Relation]) -> Relation:
        return Relation("same", children, number=int(raw["id"]))

    def reference(self, raw: Raw, children: list[Relation]) -> Relation:
        return Relation("reference", attributes=_outputs(raw), number=int(raw["cteId"]))

    def loop(self, raw: Raw, children: list[Relation]) -> Relation:
        attributes = [Attribute(number(one), "") for one in raw["outputAttrIds"]]
        return Relation("loop", children, attributes=attributes, number=int(raw["id"]))

    def turn(self, raw: Raw, children: list[Relation]) -> Relation:
        return Relation("turn", attributes=_outputs(raw), number=int(raw["loopId"]))

    def change(self, raw: Raw, children: list[Relation]) -> Relation:
        return read_change(raw, self.read, self._expressions, self._assigned)

    # -- expressions ---------------------------------------------------------------------------------------------------

    def _read(self, flat: RawPlan, *, converted: bool = False) -> Expression:
        return self._expressions.read(flat, converted=converted)

    def _all(self, flats: Sequence[RawPlan]) -> list[Expression]:
        return [self._read(flat) for flat in flats]

    def _items(self, flats: Sequence[RawPlan], *, converted: bool = False) -> list[Item]:
        return [self._expressions.item(flat, converted=converted) for flat in flats]


def _parents(flat: RawPlan) -> list[int | None]:
    """The place of each node's parent."""
    parents: list[int | None] = []
    open_nodes: list[list[int]] = []
    for place, raw in enumerate(flat):
        while open_nodes and open_nodes[-1][1] == 0:
            open_nodes.pop()
        parents.append(open_nodes[-1][0] if open_nodes else None)
        if open_nodes:
            open_nodes[-1][1] -= 1
        open_nodes.append([place, raw["num-children"]])
    return parents


def _only_casts(flat: RawPlan) -> bool:
    return all(simple(raw) in ("Alias", "AttributeReference", "Cast", "Literal", "StaticInvoke") for raw in flat)


def _is_added(attribute: Raw) -> bool:
    return attribute["name"] == _ADDED and set(spark_types.field_names(attribute["dataType"])) >= _OF_ADDED


def _outputs(raw: Raw) -> list[Attribute]:
    if "output" in raw:
        return _attributes(raw["output"] or ())
    return _attributes([*(raw.get("dataCols") or ()), *(raw.get("partitionCols") or ())])


def _attributes(flats: Sequence[RawPlan]) -> list[Attribute]:
    return [Attribute(number(flat[0]["exprId"]), str(flat[0]["name"])) for flat in flats]


def _join_kind(raw: Any) -> str:
    return str(raw.get("object") or raw.get("product-class")).rpartition(".")[2].rstrip("$")


def _is_pivot(expression: Expression) -> bool:
    return expression.kind == "conditional" and expression.name == "pivot"


def _spread(relation: Relation, pivots: set[int]) -> None:
    """Under a pivot, its column sets values apart, and not the rows that come out."""
    if relation.kind == "group":
        spread = [item.expression for item in relation.items if item.id in pivots]
        relation.keys = [key for key in relation.keys or () if key.id not in pivots and key not in spread]


def _is_function(raw: Raw) -> bool:
    return any(name in raw for name in ("functionExpr", "func", "function", "statefulProcessor"))


def _nodes_of(raw: Raw) -> Iterator[Raw]:
    for value in raw.values():
        if isinstance(value, list) and value and isinstance(value[0], dict) and "class" in value[0]:
            yield from value


_Reader = Callable[[_PlanReader, Raw, list[Relation]], Relation]
_READERS: Mapping[str, _Reader] = {
    "Aggregate": _PlanReader.aggregate,
    "AsOfJoin": _PlanReader.as_of_join,
    "CTERelationDef": _PlanReader.definition,
    "CTERelationRef": _PlanReader.reference,
    "Deduplicate": _PlanReader.distinct,
    "DeduplicateWithinWatermark": _PlanReader.distinct,
    "DeleteCommand": _PlanReader.change,
    "Distinct": _PlanReader.distinct,
    "Except": _PlanReader.set_operation,
    "Expand": _PlanReader.expand,
    "Filter": _PlanReader.filter,
    "Generate": _PlanReader.generate,
    "Intersect": _PlanReader.set_operation,
    "Join": _PlanReader.join,
    "LateralJoin": _PlanReader.lateral,
    "MergeIntoCommand": _PlanReader.change,
    "Sort": _PlanReader.sort,
    "Union": _PlanReader.union,
    "UnionLoop": _PlanReader.loop,
    "UnionLoopRef": _PlanReader.turn,
    "UpdateCommand": _PlanReader.change,
    "Window": _PlanReader.window,
    "WithCTE": _PlanReader.define,
}
