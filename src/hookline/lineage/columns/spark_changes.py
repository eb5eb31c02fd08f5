"""Delta's MERGE, UPDATE and DELETE, as their JSON has them, as one relation: what each clause sets, under which condition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hookline.lineage.columns.leaves import RawPlan
from hookline.lineage.columns.model import Attribute, Clause, Expression, Item, Relation
from hookline.lineage.columns.spark_expressions import ExpressionReader, Raw, simple

# A column as it is written: perhaps after the table's name, perhaps before names of fields.
Names = tuple[str, ...]
# What each clause that updates names; None for one that names no columns.
Assigned = Sequence[Sequence[Names] | None]
_CLAUSES = ("matchedClauses", "notMatchedClauses", "notMatchedBySourceClauses")


def read_change(
    raw: Raw, read: Callable[[RawPlan], Relation], expressions: ExpressionReader, assigned: Assigned
) -> Relation:
    """The statement as a relation of the kind ``change``.

    Args:
        read: reads a plan.
        assigned: the columns that each clause names, in the order of the statement's clauses by kind; what is not there is
            taken for not named when it sets a column to itself.
    """
    change = _Change(raw, read, expressions)
    if simple(raw) == "MergeIntoCommand":
        return change.merge(assigned)
    return change.update(assigned) if simple(raw) == "UpdateCommand" else change.delete()


class _Change:
    def __init__(self, raw: Raw, read: Callable[[RawPlan], Relation], expressions: ExpressionReader) -> None:
        self._raw = raw
        self._expressions = expressions
        self._target = read(raw["target"])
        self._source = read(raw["source"]) if "source" in raw else None
        self._own = {column.id: column.name for column in _attributes_below(self._target)}

    def merge(self, assigned: Assigned) -> Relation:
        flats = [flat for name in _CLAUSES for flat in self._raw.get(name) or ()]
        named = [*assigned, *[None] * (len(flats) - len(assigned))]
        clauses = [self._clause(flat, self._columns_of(names)) for flat, names in zip(flats, named, strict=False)]
        sides = [self._target, *([self._source] if self._source is not None else [])]
        return Relation("change", sides, conditions=[self._expressions.read(self._raw["condition"])], clauses=clauses)

    def update(self, assigned: Assigned) -> Relation:
        named = self._columns_of(assigned[0] if assigned else None)
        items = [
            Item(-1, name, expression)
            for (column, name), flat in zip(self._own.items(), self._raw["updateExpressions"], strict=True)
            if not _is_itself(expression := self._expressions.read(flat, converted=True), column) or name in named
        ]
        return Relation("change", [self._target], clauses=[Clause(items), self._removal()])

    def delete(self) -> Relation:
        return Relation("change", [self._target], clauses=[self._removal()])

    def _removal(self) -> Clause:
        """The WHERE clause decides on rows, whatever is done with them."""
        return Clause(condition=self._condition(self._raw), removes=True)

    def _clause(self, flat: RawPlan, named: set[str]) -> Clause:
        """Delta adds an action for each column that a clause does not set."""
        ids: Mapping[str, int] = {name: id for id, name in self._own.items()}
        kind, items = simple(flat[0]), []
        for action in _actions(flat):
            name = _name_parts(action[0]["targetColNameParts"])
            expression = self._expressions.read(action[1:], converted=True)
            if not _is_itself(expression, ids.get(name)) or name in named:
                items.append(Item(-1, name, expression))
        return Clause(items, self._condition(flat[0]), removes="Delete" in kind or "Insert" in kind)

    def _condition(self, raw: Raw) -> Expression | None:
        return self._expressions.read(raw["condition"]) if raw.get("condition") else None

    def _columns_of(self, named: Sequence[Names] | None) -> set[str]:
        """The target's columns that are named: of a name's parts the first that is one, since the table's come before."""
        columns = {name.lower(): name for name in self._own.values()}
        found = (next((part for part in names if part.lower() in columns), None) for names in named or ())
        return {columns[part.lower()] for part in found if part is not None}


def _is_itself(expression: Expression, column: int | None) -> bool:
    return expression.kind == "column" and expression.id == column


def _attributes_below(relation: Relation) -> Sequence[Attribute]:
    while relation.kind != "source" and relation.children:
        relation = relation.children[0]
    return relation.attributes


def _actions(flat: RawPlan) -> Iterator[RawPlan]:
    """The trees of a clause's DeltaMergeActions."""
    starts = [place for place, raw in enumerate(flat) if simple(raw) == "DeltaMergeAction"]
    for start in starts:
        left, end = 1, start
        while left:
            left += flat[end]["num-children"] - 1
            end += 1
        yield flat[start:end]


def _name_parts(text: Any) -> str:
    """``[a]`` or ``[a, b]``: Spark's way of telling a list of names."""
    return ".".join(str(text).strip("[]").split(", ")) if isinstance(text, str) else ".".join(map(str, text))
