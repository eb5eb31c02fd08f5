"""From a query's relations to edges, relation by relation, from the leaves up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from hookline.core.events import ColumnLineage
from hookline.lineage.columns.evaluate import Surroundings, decided_rows, evaluate
from hookline.lineage.columns.leaves import Leaf
from hookline.lineage.columns.model import Attribute, Item, Relation
from hookline.lineage.columns.result import conclude
from hookline.lineage.columns.values import (
    CONSTANT,
    TRANSFORMATION,
    Direct,
    Indirect,
    Origin,
    Value,
    decided_by,
    stepped,
    united,
    used_for,
)

MADE_HERE = -2
_TURNS = 5
Rows = frozenset[Indirect]


class Column(NamedTuple):
    """A column of a relation, with what it is made from."""

    id: int
    name: str
    value: Value


class Frame:
    """The columns of a relation, in order; two may have one id."""

    def __init__(self, columns: Iterable[Column]) -> None:
        self.columns = list(columns)
        self._values: dict[int, Value] | None = None

    def find(self, id: int) -> Value | None:
        """The column with this id."""
        if self._values is None:
            self._values = {column.id: column.value for column in self.columns}
        return self._values.get(id)


def column_lineage(relation: Relation, leaves: Sequence[Leaf]) -> ColumnLineage:
    """What each column that a query (or a statement that changes rows) writes is made from.

    Args:
        leaves: by number, as the relation's sources name them.
    """
    walk = _Walk()
    frame, rows = walk.run(relation, None)
    return conclude([(column.name, column.value) for column in frame.columns], rows, leaves, walk.gaps)


class _Around:
    """What an expression of a relation sees: the relations below, the queries around it, variables of lambdas."""

    def __init__(
        self,
        walk: _Walk,
        frames: Sequence[Frame],
        outer: Surroundings | None,
        variables: Mapping[int, Value] | None = None,
    ) -> None:
        self._walk = walk
        self._frames = frames
        self._outer = outer
        self._variables = variables or {}

    def column(self, id: int) -> Value:
        for frame in self._frames:
            value = frame.find(id)
            if value is not None:
                return value
        if self._outer is not None:
            return self._outer.column(id)
        return self._walk.missing()

    def variable(self, id: int) -> Value:
        return self._variables.get(id, CONSTANT)

    def bound(self, variables: Mapping[int, Value]) -> Surroundings:
        return _Around(self._walk, self._frames, self._outer, {**self._variables, **variables})

    def run(self, relation: Relation) -> tuple[Sequence[Value], Rows]:
        frame, rows = self._walk.run(relation, self)
        return [column.value for column in frame.columns], rows


class _Walk:
    def __init__(self) -> None:
        self.gaps: dict[str, None] = {}
        self._definitions: dict[int, Relation] = {}
        self._defined: dict[int, tuple[Frame, Rows]] = {}
        self._turns: dict[int, Frame] = {}
        self._relations = 0

    def run(self, root: Relation, outer: Surroundings | None) -> tuple[Frame, Rows]:
        """A query's columns, and what decides on its rows. Plans may be deeper than Python can call."""
        order: list[Relation] = []
        waiting = [root]
        while waiting:
            relation = waiting.pop()
            order.append(relation)
            waiting += self._first(relation)
        frames: dict[int, Frame] = {}
        rows: set[Indirect] = set()
        for relation in reversed(order):
            below = [frames.pop(id(child)) for child in self._first(relation)]
            frames[id(relation)] = _RULES[relation.kind](self, relation, below, rows, outer)
        return frames[id(root)], frozenset(rows)

    def _first(self, relation: Relation) -> Sequence[Relation]:
        """The children that are run before a relation; it runs the others itself."""
        if relation.kind == "define":
            for definition in relation.children[1:]:
                self._definitions[definition.number] = definition
        if relation.kind in ("define", "lateral"):
            return relation.children[:1]
        return () if relation.kind == "loop" else relation.children

    def missing(self) -> Value:
        """A column that no relation has: a part of the plan was not understood."""
        self.gaps["a column that the plan refers to was not found in it"] = None
        return Value(frozenset({Direct(Origin(-1, ()))}))

    def number(self) -> int:
        """A new relation's."""
        self._relations += 1
        return self._relations

    def around(self, below: Sequence[Frame], outer: Surroundings | None) -> _Around:
        """What the expressions of a relation see."""
        return _Around(self, below, outer)

    # -- the kinds of relations ----------------------------------------------------------------------------------------

    def source(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        own = frozenset({self.number()})
        if relation.leaf == MADE_HERE:
            return Frame(Column(one.id, one.name, Value(relations=own)) for one in relation.attributes)
        return Frame(
            Column(one.id, one.name, Value(frozenset({Direct(Origin(relation.leaf, (one.name,)))}), relations=own))
            for one in relation.attributes
        )

    def same(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        return below[0]

    def project(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        return Frame(self._computed(relation.items, self.around(below, outer)))

    def extend(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        return Frame([*below[0].columns, *self._computed(relation.items, self.around(below, outer))])

    def filter(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        for condition in relation.conditions:
            rows |= decided_rows(condition, self.around(below, outer), joins=False)
        return below[0]

    def sort(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        for key in relation.keys or ():
            rows |= used_for(evaluate(key, self.around(below, outer)), "SORT")
        return below[0]

    def group(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        around = self.around(below, outer)
        for key in relation.keys or ():
            rows |= used_for(evaluate(key, around), "GROUP_BY")
        return self._of_one(self._computed(relation.items, around))

    def distinct(
        self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None
    ) -> Frame:
        if relation.keys is None:
            keys = [column.value for column in below[0].columns]
        else:
            keys = [evaluate(key, self.around(below, outer)) for key in relation.keys]
        for value in keys:
            rows |= used_for(value, "GROUP_BY")
        return self._of_one(below[0].columns)

    def join(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        for condition in relation.conditions:
            rows |= decided_rows(condition, self.around(below, outer), joins=relation.outer)
        columns = below[0].columns if relation.half else [column for frame in below for column in frame.columns]
        return self._of_one(columns) if relation.outer else Frame(columns)

    def lateral(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        right, decided = self.run(relation.children[1], self.around(below, outer))
        rows |= decided
        return self.join(replace(relation, kind="join"), [*below, right], rows, outer)

    def union(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        first, *others = below
        return self._of_one(
            Column(column.id, column.name, united([column.value, *(frame.columns[at].value for frame in others)]))
            for at, column in enumerate(first.columns)
        )

    def compared(
        self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None
    ) -> Frame:
        for frame in below:
            for column in frame.columns:
                rows |= used_for(column.value, "JOIN")
        return self._of_one(below[0].columns)

    def generate(
        self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None
    ) -> Frame:
        around = self.around(below, outer)
        made = zip(relation.attributes, relation.conditions, strict=True)
        return Frame([*below[0].columns, *(Column(one.id, one.name, evaluate(how, around)) for one, how in made)])

    def expand(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        around = self.around(below, outer)
        found: list[list[Value]] = [[] for _ in relation.attributes]
        for projection in relation.projections:
            for values, expression in zip(found, projection, strict=True):
                values.append(evaluate(expression, around))
        named = zip(relation.attributes, found, strict=True)
        return Frame(Column(one.id, one.name, united(values)) for one, values in named)

    def function(
        self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None
    ) -> Frame:
        for key in relation.keys or ():
            rows |= used_for(evaluate(key, self.around(below, outer)), "GROUP_BY")
        return self._of_all(relation.attributes, below, relation.note)

    def reference(
        self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None
    ) -> Frame:
        number = relation.number
        if number not in self._defined and number in self._definitions:
            self._defined[number] = self.run(self._definitions[number], outer)
        if number not in self._defined:
            return Frame(Column(one.id, one.name, self.missing()) for one in relation.attributes)
        frame, decided = self._defined[number]
        rows |= decided
        return self._renamed(self._anew(frame), relation.attributes)

    def loop(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        """A recursive query: turn by turn, until nothing new is found."""
        anchor, decided = self.run(relation.children[0], outer)
        rows |= decided
        found = self._of_one(self._renamed(anchor, relation.attributes).columns)
        for _ in range(_TURNS):
            self._turns[relation.number] = found
            more, decided = self.run(relation.children[1], outer)
            rows |= decided
            before, found = found, self._of_one(self._both(found, more).columns)
            if [(c.value.direct, c.value.indirect) for c in found.columns] == [
                (c.value.direct, c.value.indirect) for c in before.columns
            ]:
                break
        return found

    def turn(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        return self._renamed(self._anew(self._turns[relation.number]), relation.attributes)

    def derived(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        return self._renamed(self._anew(below[0]), relation.attributes)

    def change(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        """MERGE, UPDATE, DELETE: what each clause sets, under its condition."""
        around = self.around(below, outer)
        for condition in relation.conditions:
            rows |= decided_rows(condition, around, joins=True)
        found: dict[str, list[Value]] = {}
        for clause in relation.clauses:
            if clause.condition is not None and clause.removes:
                rows |= decided_rows(clause.condition, around, joins=False)
            for item in clause.items:
                value = evaluate(item.expression, around)
                if clause.condition is not None and not clause.removes:
                    value = decided_by(value, [evaluate(clause.condition, around)], "CONDITIONAL")
                found.setdefault(item.name, []).append(value)
        return Frame(Column(-1, name, united(values)) for name, values in found.items())

    def unknown(self, relation: Relation, below: list[Frame], rows: set[Indirect], outer: Surroundings | None) -> Frame:
        """Nothing is known of what it does: each of its own columns may be made from all that it gets."""
        self.gaps[
            f"an operator of class {relation.name} is not known; what it adds may be made from all that it gets"
        ] = None
        if not relation.attributes:
            return below[0] if below else Frame(())
        own = self._of_all(relation.attributes, below, f"the operator {relation.name} takes it")
        around = [
            (column, next(filter(None, (frame.find(column.id) for frame in below)), None)) for column in own.columns
        ]
        return Frame(column if known is None else column._replace(value=known) for column, known in around)

    # -- what several have in common -----------------------------------------------------------------------------------

    def _computed(self, items: Sequence[Item], around: _Around) -> list[Column]:
        return [Column(item.id, item.name, evaluate(item.expression, around)) for item in items]

    def _of_one(self, columns: Iterable[Column]) -> Frame:
        """The columns of one relation, whatever relations they were made from."""
        own = frozenset({self.number()})
        return Frame(column._replace(value=replace(column.value, relations=own)) for column in columns)

    def _anew(self, frame: Frame) -> Frame:
        """The same columns in another place of the query: not of the same relations."""
        numbers: dict[int, int] = {}
        columns = []
        for column in frame.columns:
            for number in column.value.relations:
                numbers.setdefault(number, -1)
                if numbers[number] < 0:
                    numbers[number] = self.number()
            own = frozenset(numbers[number] for number in column.value.relations)
            columns.append(column._replace(value=replace(column.value, relations=own)))
        return Frame(columns)

    def _renamed(self, frame: Frame, attributes: Sequence[Attribute]) -> Frame:
        pairs = zip(attributes, frame.columns, strict=True)
        return Frame(Column(one.id, one.name or column.name, column.value) for one, column in pairs)

    def _both(self, one: Frame, other: Frame) -> Frame:
        pairs = zip(one.columns, other.columns, strict=True)
        return Frame(a._replace(value=united([a.value, b.value])) for a, b in pairs)

    def _of_all(self, attributes: Sequence[Attribute], below: Sequence[Frame], note: str) -> Frame:
        everything = united(column.value for frame in below for column in frame.columns)
        value = stepped(everything, TRANSFORMATION, note=note)
        return self._of_one(Column(one.id, one.name, value) for one in attributes)


_Rule = Callable[[_Walk, Relation, list[Frame], set[Indirect], Surroundings | None], Frame]
_RULES: Mapping[str, _Rule] = {
    "change": _Walk.change,
    "define": _Walk.same,
    "derived": _Walk.derived,
    "distinct": _Walk.distinct,
    "expand": _Walk.expand,
    "extend": _Walk.extend,
    "filter": _Walk.filter,
    "function": _Walk.function,
    "generate": _Walk.generate,
    "group": _Walk.group,
    "join": _Walk.join,
    "lateral": _Walk.lateral,
    "loop": _Walk.loop,
    "project": _Walk.project,
    "reference": _Walk.reference,
    "same": _Walk.same,
    "set": _Walk.compared,
    "sort": _Walk.sort,
    "source": _Walk.source,
    "turn": _Walk.turn,
    "union": _Walk.union,
    "unknown": _Walk.unknown,
}
