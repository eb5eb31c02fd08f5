"""Spark's expressions, as its plans' JSON has them, in the kinds of ``model``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hookline.lineage.columns import spark_classes as classes
from hookline.lineage.columns import spark_types
from hookline.lineage.columns.leaves import RawPlan
from hookline.lineage.columns.model import Expression, HigherKind, Item, Lambda, Relation
from hookline.lineage.columns.values import AGGREGATION, TRANSFORMATION

Raw = Mapping[str, Any]
PYTHON_NOTE = "a Python function takes it, and may not use it"
# What stands for the operand that NULLIF and BETWEEN use twice. Spark's number for it is not in the JSON; the innermost counts.
_COMMON = -3
_PROTECTING = "hookline_"
JVM_NOTE = "a function of the job's own takes it, and may not use it"

_HIGHER: Mapping[str, HigherKind] = {
    "ArrayTransform": "transform",
    "ZipWith": "zip",
    "TransformKeys": "map_keys",
    "TransformValues": "map_values",
    "MapZipWith": "map_zip",
    "ArrayAggregate": "aggregate",
    "ArrayExists": "test",
    "ArrayFilter": "filter",
    "ArrayForAll": "test",
    "ArraySort": "filter",
    "MapFilter": "map_filter",
}


def number(expression_id: Any) -> int:
    """An ExprId's number."""
    return int(expression_id["id"])


def simple(raw: Raw) -> str:
    """The class without its package."""
    return str(raw["class"]).rpartition(".")[2].rpartition("$")[2].rstrip("$") or str(raw["class"])


class ExpressionReader:
    """Reads expressions. ``read_relation`` reads the plan of a sub-query."""

    def __init__(self, read_relation: Callable[[RawPlan], Relation]) -> None:
        self._read_relation = read_relation

    def item(self, flat: RawPlan, *, converted: bool = False) -> Item:
        """A named expression: an attribute, or an alias. ``converted``: a cast in it is Spark's, not the job's."""
        expression, head = self.read(flat, converted=converted), flat[0]
        name = head.get("name", "")
        return Item(number(head["exprId"]) if "exprId" in head else -1, str(name), expression)

    def read(self, flat: RawPlan, *, converted: bool = False) -> Expression:
        """An expression: its tree, flattened with each node before its children."""
        trees: list[Expression] = []
        types: list[Any] = []
        for raw in reversed(flat):
            count = raw["num-children"]
            children = [trees.pop() for _ in range(count)]
            child_types = [types.pop() for _ in range(count)]
            trees.append(self._one(raw, children, child_types, converted=converted))
            types.append(spark_types.struct_type(raw, child_types))
        return trees[-1]

    def _one(self, raw: Raw, children: list[Expression], types: Sequence[Any], *, converted: bool) -> Expression:
        kind = simple(raw)
        if kind in ("AttributeReference", "NamedLambdaVariable"):
            return Expression(
                "column" if kind == "AttributeReference" else "variable",
                id=number(raw["exprId"]),
                name=str(raw["name"]),
            )
        if kind == "Cast":
            harmless = converted and spark_types.keeps_value(types[0], raw["dataType"])
            return Expression("same" if harmless or types[0] == raw["dataType"] else "apply", children)
        if kind in classes.SAME:
            return children[0]
        special = _SPECIAL.get(kind)
        if special is not None:
            return special(self, raw, children, types)
        if any(child.kind == "lambda" for child in children):
            return _higher(kind, children)
        if not children:
            return Expression("constant")
        masking = kind in classes.MASKING or _protects(raw, kind)
        return Expression("apply", children, masking=masking, note="" if masking else _note(kind))

    def outer(self, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
        """A column of a query around this one."""
        return self.read(raw["e"])

    def query(self, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
        """A sub-query that stands for one value."""
        return Expression("query", relation=self._read_relation(raw["plan"]))

    def exists(self, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
        """EXISTS."""
        return Expression("exists", relation=self._read_relation(raw["plan"]))

    def contained(self, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
        """IN with a sub-query, which is the last child."""
        return Expression("in", children[:-1], relation=children[-1].relation)


def _note(kind: str) -> str:
    return PYTHON_NOTE if kind in classes.PYTHON else JVM_NOTE if kind in classes.JVM else ""


def _protects(raw: Raw, kind: str) -> bool:
    """Whether it is a function that hookline protects personal data with: its name says so, and what it does is known."""
    if kind not in classes.PYTHON and kind not in classes.JVM:
        return False
    return str(raw.get("udfName") or raw.get("name") or "").startswith(_PROTECTING)


def _higher(kind: str, children: list[Expression]) -> Expression:
    lambdas = [part for child in children for part in child.lambdas if child.kind == "lambda"]
    arguments = [child for child in children if child.kind != "lambda"]
    return Expression("higher", arguments, lambdas=lambdas, higher=_HIGHER.get(kind, "fold"))


def _lambda(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    body, *variables = children
    return Expression("lambda", lambdas=[Lambda([variable.id for variable in variables], body)])


def _case(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    """Condition and value by turns, and perhaps one more value."""
    conditions = children[0 : len(children) // 2 * 2 : 2]
    values = [*children[1::2], *(children[-1:] if len(children) % 2 else [])]
    return Expression("conditional", [*conditions, *values], count=len(conditions))


def _if(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression("conditional", children, count=1)


def _coalesce(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression("coalesce", children)


def _logic(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression("logic", children)


def _aggregate(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    """The function, and after FILTER (WHERE …) a condition."""
    function = children[0]
    if function.kind == "apply":
        function = replace(function, kind="aggregate")
    if len(children) > 1:
        return Expression("conditional", [children[1], function], count=1, name="filter")
    return function


def _aggregation(kind: str) -> Callable[..., Expression]:
    def make(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
        return Expression(
            "gather" if kind in classes.GATHERING else "aggregate",
            children,
            masking=kind in classes.MASKING,
            note=_note(kind),
            step=AGGREGATION,
        )

    return make


def _extreme(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    """max_by and min_by: a value of the first, which the second decides on."""
    value, *deciding = children
    return Expression(
        "conditional", [*deciding, Expression("gather", [value], step=AGGREGATION)], count=len(deciding), name="by"
    )


def _gather_values(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression("gather", children, step=TRANSFORMATION)


def _pivot_first(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    """The values of one column, set apart by another one."""
    values = Expression("gather", children[1:], step=AGGREGATION)
    return Expression("conditional", [children[0], values], count=1, name="pivot")


def _window(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression("window", children)


def _nothing(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression("constant")


def _time_window(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    """The CASE in it is Spark's own arithmetic, not the job's."""
    return Expression("apply", [_without_cases(child) for child in children])


def _without_cases(node: Expression) -> Expression:
    children = [_without_cases(child) for child in node.children]
    if node.kind == "conditional":
        return Expression("apply", children[node.count :])
    return replace(node, children=children)


def _several(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    """PARTITION BY and ORDER BY; the frame's bounds are constants."""
    return Expression("apply", children)


def _field(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    names = spark_types.field_names(types[0])
    # The name that is given is the job's, in whatever case it was written.
    name = names[raw["ordinal"]] if raw["ordinal"] < len(names) else raw.get("name")
    return Expression("field", children, name=str(name or f"_{raw['ordinal'] + 1}"))


def _array_field(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression("field", children, name=str(raw["field"]["name"]))


def _element(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression("part", children, name="value" if spark_types.kind_of(types[0]) == "map" else "")


def _map_part(name: str) -> Callable[..., Expression]:
    def make(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
        return Expression("part", children, name=name)

    return make


def _struct(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression("struct", children[1::2], names=[child.name for child in children[0::2]])


def _literal(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    """A literal's text is kept as long as it may be a field's name, and never leaves this package otherwise."""
    ours = raw.get("dataType") == "object" and str(raw["value"]).startswith(_PROTECTING)
    return Expression("constant", name=str(raw["value"]) if ours or raw.get("dataType") == "string" else "")


def _invoke(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    """A method of an object, the first child; an object of hookline's says by its name that it protects."""
    masking = children[0].kind == "constant" and types[0] == "object" and children[0].name.startswith(_PROTECTING)
    return Expression("apply", children, masking=masking)


def _map(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression(
        "map", [Expression("gather", side, step=TRANSFORMATION) for side in (children[0::2], children[1::2])]
    )


def _map_of_arrays(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression("map", children)


def _change(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    """withField and dropFields: the old fields by their names, then the new ones over them."""
    names = spark_types.field_names(types[0])
    fields = {name: Expression("field", [children[0]], name=name) for name in names}
    for operation in children[1:]:
        if operation.children:
            fields[operation.name] = operation.children[0]
        else:
            fields.pop(operation.name, None)
    if not names:
        return Expression("apply", [child for child in children if child.kind != "constant"])
    return Expression("struct", list(fields.values()), names=list(fields))


def _with_field(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression("apply", children, name=str(raw["name"]))


def _drop_field(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression("constant", name=str(raw["name"]))


def _static(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    if raw.get("functionName") in classes.TEXT_CHECKS:
        return children[0]
    return Expression("apply", children) if children else Expression("constant")


def _common(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return Expression("variable", id=_COMMON)


def _with_common(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    body, *definitions = children
    return Expression("let", definitions, lambdas=[Lambda([_COMMON], body)])


def _list_query(reader: ExpressionReader, raw: Raw, children: list[Expression], types: Sequence[Any]) -> Expression:
    return reader.exists(raw, children, types)


_Special = Callable[[ExpressionReader, Raw, list[Expression], Sequence[Any]], Expression]
_SPECIAL: Mapping[str, _Special] = {
    "AggregateExpression": _aggregate,
    "And": _logic,
    "CaseWhen": _case,
    "Coalesce": _coalesce,
    "CommonExpressionRef": _common,
    "CreateMap": _map,
    "CreateNamedStruct": _struct,
    "DropField": _drop_field,
    "Exists": ExpressionReader.exists,
    "GetArrayStructFields": _array_field,
    "GetMapValue": _map_part("value"),
    "GetStructField": _field,
    "If": _if,
    "InSubquery": ExpressionReader.contained,
    "Invoke": _invoke,
    "LambdaFunction": _lambda,
    "ListQuery": _list_query,
    "Literal": _literal,
    "MapFromArrays": _map_of_arrays,
    "MapKeys": _map_part("key"),
    "MapValues": _map_part("value"),
    "Not": _logic,
    "Or": _logic,
    "OuterReference": ExpressionReader.outer,
    "PivotFirst": _pivot_first,
    "PreciseTimestampConversion": _time_window,
    "ScalarSubquery": ExpressionReader.query,
    "SpecifiedWindowFrame": _nothing,
    "StaticInvoke": _static,
    "UnspecifiedFrame": _nothing,
    "UpdateFields": _change,
    "WindowExpression": _window,
    "WindowSpecDefinition": _several,
    "With": _with_common,
    "WithField": _with_field,
    **dict.fromkeys(classes.OF_ORDER_ALONE, _nothing),
    **dict.fromkeys(classes.GATHERING_VALUES, _gather_values),
    **dict.fromkeys(classes.ELEMENTS, _element),
    **{
        name: _aggregation(name)
        for name in (
            *classes.AGGREGATES,
            "PythonUDAF",
            "ScalaUDAF",
            "ScalaAggregator",
            "V2Aggregator",
            "HiveUDAFFunction",
        )
    },
    **dict.fromkeys(classes.EXTREMES, _extreme),
}
