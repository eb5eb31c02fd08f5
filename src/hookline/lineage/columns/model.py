"""A query in a few kinds of relations and expressions: all that lineage has to know of a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

ExpressionKind = Literal[
    "column",  # an attribute of a relation below, or of a query around this one
    "variable",  # an argument of a lambda
    "constant",  # made from no column
    "same",  # its one child as it is: an alias, a check
    "apply",  # a function of its children
    "logic",  # AND, OR, NOT: its children are conditions of their own
    "aggregate",  # a function of many rows
    "gather",  # a function whose result has the shape of its children, ``step`` apart: collect_list, first, array()
    # The first ``count`` children decide which one of the others it is; ``filter``: whether it counts; ``by``: of which row.
    "conditional",
    "coalesce",
    "window",  # the first child, computed over what the others span
    "field",  # a field of its child, by ``name``
    "part",  # an element of an array, a key or a value of a map (``name``); more children select which
    "struct",  # fields by ``names``
    "map",  # its first child holds the keys, the second the values
    "higher",  # a function of its children and of the ``lambdas``
    "lambda",  # one of those, before it is joined with them
    "let",  # the body of its one lambda, whose variable stands for its children
    "query",  # a sub-query in ``relation``: its one column
    "exists",  # whether the sub-query has rows
    "in",  # whether the children are among the sub-query's rows
]
HigherKind = Literal[
    "transform", "zip", "filter", "test", "aggregate", "fold", "map_filter", "map_keys", "map_values", "map_zip"
]


@dataclass
class Expression:
    """An expression. What the fields mean is told by the kind."""

    kind: ExpressionKind
    children: Sequence[Expression] = ()
    id: int = -1
    name: str = ""
    names: Sequence[str] = ()
    count: int = 0
    step: int = 0
    masking: bool = False
    note: str = ""
    relation: Relation | None = None
    lambdas: Sequence[Lambda] = ()
    higher: HigherKind = "fold"


@dataclass
class Lambda:
    """A function in an expression: its variables' ids and its body."""

    variables: Sequence[int]
    body: Expression


@dataclass(frozen=True)
class Attribute:
    """A column that a relation brings in."""

    id: int
    name: str


@dataclass
class Item:
    """A column that a relation computes. ``id`` is how others refer to it."""

    id: int
    name: str
    expression: Expression


RelationKind = Literal[
    "source",  # a leaf; ``leaf`` is its number
    "same",  # its child as it is
    "project",  # ``items`` alone
    "extend",  # the child's columns and then ``items``
    "filter",
    "sort",
    "group",  # ``items`` by ``keys``
    "distinct",  # by ``keys``, or by all columns
    "join",  # all rows of one side may come out alone where ``outer``; only the left's columns where ``half``
    "lateral",  # the second child is computed for each row of the first
    "union",
    "set",  # INTERSECT, EXCEPT: rows of the first child, compared with the second's
    "generate",  # the child's columns and then ``attributes``, made by ``conditions`` in turn
    "expand",  # ``attributes``, each from one of the ``projections``
    "function",  # ``attributes``, each made from all that the children have, by ``keys``
    "define",  # the first child, in which the others may be referred to
    "reference",  # a relation that was defined, by ``number``, as ``attributes``
    "loop",  # the first child, and the second as long as it has rows
    "turn",  # inside a loop: what came before, as ``attributes``
    "derived",  # its child's columns as ``attributes``, one by one
    "change",  # MERGE, UPDATE, DELETE: the children are the target and the source; ``clauses`` say what is set
    "unknown",  # ``name`` is its class
]


@dataclass
class Clause:
    """A part of a statement that changes rows: what it sets, and under which condition."""

    items: Sequence[Item] = ()
    condition: Expression | None = None
    removes: bool = False


@dataclass
class Relation:
    """A relation. What the fields mean is told by the kind."""

    kind: RelationKind
    children: Sequence[Relation] = ()
    items: Sequence[Item] = ()
    attributes: Sequence[Attribute] = ()
    conditions: Sequence[Expression] = ()
    keys: Sequence[Expression] | None = None
    projections: Sequence[Sequence[Expression]] = ()
    clauses: Sequence[Clause] = field(default_factory=tuple)
    leaf: int = -1
    number: int = -1
    name: str = ""
    note: str = ""
    outer: bool = False
    half: bool = False
