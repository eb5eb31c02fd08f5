"""What an expression is made from, given what its columns are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from hookline.lineage.columns.higher import higher
from hookline.lineage.columns.model import Expression, Lambda, Relation
from hookline.lineage.columns.values import (
    AGGREGATION,
    CONSTANT,
    TRANSFORMATION,
    Indirect,
    Value,
    decided_by,
    part_of,
    put_together,
    stepped,
    united,
    used_for,
)


class Surroundings(Protocol):
    """What an expression may refer to."""

    def column(self, id: int) -> Value:
        """A column of the relations below, or of a query around this one."""

    def variable(self, id: int) -> Value:
        """A lambda's variable."""

    def bound(self, variables: Mapping[int, Value]) -> Surroundings:
        """The same with more variables."""

    def run(self, relation: Relation) -> tuple[Sequence[Value], frozenset[Indirect]]:
        """The columns of a sub-query, and what decides on its rows."""


def evaluate(root: Expression, around: Surroundings) -> Value:
    """What an expression's value is made from. Trees may be deeper than Python can call."""
    if root.kind == "column":
        return around.column(root.id)
    order: list[Expression] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting += node.children
    values: dict[int, Value] = {}
    for node in reversed(order):
        values[id(node)] = _RULES[node.kind](node, [values[id(child)] for child in node.children], around)
    return values[id(root)]


def conditions_in(root: Expression) -> Iterator[Expression]:
    """The conditions that AND, OR and NOT hold together."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.kind == "logic":
            waiting += node.children
        else:
            yield node


def decided_rows(condition: Expression, around: Surroundings, *, joins: bool) -> frozenset[Indirect]:
    """What rows depend on by a condition: where columns of two relations are compared it is a JOIN, else a FILTER.

    Args:
        joins: it is an outer join's own condition, all of which decides on matches.
    """
    found: frozenset[Indirect] = frozenset()
    for atom in conditions_in(condition):
        value = evaluate(atom, around)
        kind = "JOIN" if joins or len(value.relations) > 1 else "FILTER"
        found |= used_for(value, "JOIN" if kind == "JOIN" else "FILTER")
    return found


_Rule = Callable[[Expression, Sequence[Value], Surroundings], Value]


def _column(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    return around.column(node.id)


def _variable(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    return around.variable(node.id)


def _constant(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    return CONSTANT


def _same(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    return united(children)


def _apply(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    return stepped(united(children), TRANSFORMATION, masking=node.masking, note=node.note)


def _aggregate(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    return stepped(united(children), AGGREGATION, masking=node.masking, note=node.note)


def _gather(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    return stepped(united(children), node.step, shaped=True)


def _conditional(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    conditions, values = children[: node.count], children[node.count :]
    value = united(values)
    if not node.name:  # a CASE may give another value; a FILTER only leaves some out
        value = stepped(value, TRANSFORMATION, shaped=True)
    return decided_by(value, conditions, "CONDITIONAL")


def _coalesce(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    return decided_by(stepped(united(children), TRANSFORMATION, shaped=True), children, "CONDITIONAL")


def _window(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    function, *spans = children
    return decided_by(stepped(function, TRANSFORMATION, shaped=True), spans, "WINDOW")


def _field(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    return part_of(children[0], node.name)


def _part(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    """One of many: an array's element has the array's name, a map's key and value have names of their own."""
    whole, *selecting = children
    value = part_of(whole, node.name, step=TRANSFORMATION) if node.name else stepped(whole, TRANSFORMATION, shaped=True)
    return decided_by(value, selecting, "CONDITIONAL")


def _struct(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    return put_together(dict(zip(node.names, children, strict=True)))


def _map(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    keys, values, *_ = children
    return put_together({"key": keys, "value": values})


def _higher(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    def apply(function: Lambda, values: Sequence[Value]) -> Value:
        missing = [CONSTANT] * (len(function.variables) - len(values))
        known = dict(zip(function.variables, [*values, *missing], strict=False))
        return evaluate(function.body, around.bound(known))

    return higher(node, children, apply)


def _let(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    (function,) = node.lambdas
    return evaluate(function.body, around.bound(dict.fromkeys(function.variables, united(children))))


def _run(node: Expression, around: Surroundings) -> tuple[Sequence[Value], frozenset[Indirect]]:
    return ((), frozenset()) if node.relation is None else around.run(node.relation)


def _query(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    found, rows = _run(node, around)
    value = found[0] if found else CONSTANT
    return replace(value, indirect=value.indirect | rows, relations=frozenset())


def _exists(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    return Value(indirect=_run(node, around)[1])


def _in(node: Expression, children: Sequence[Value], around: Surroundings) -> Value:
    found, rows = _run(node, around)
    compared = stepped(united([*children, *found]), TRANSFORMATION)
    return replace(compared, indirect=compared.indirect | rows)


_RULES: Mapping[str, _Rule] = {
    "aggregate": _aggregate,
    "apply": _apply,
    "coalesce": _coalesce,
    "column": _column,
    "conditional": _conditional,
    "constant": _constant,
    "exists": _exists,
    "field": _field,
    "gather": _gather,
    "higher": _higher,
    "in": _in,
    "let": _let,
    "logic": _apply,
    "map": _map,
    "part": _part,
    "query": _query,
    "same": _same,
    "struct": _struct,
    "variable": _variable,
    "window": _window,
}
