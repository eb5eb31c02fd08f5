"""Measures as DuckDB SQL, and how the values of several file groups become one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any, cast

from hookline.core.conditions import Condition
from hookline.core.events import Column, Measured
from hookline.core.fuse.binding import TESTS, Bound
from hookline.core.fuse.domain import EXACT, Domain, domain_of, present
from hookline.core.fuse.expressions import MERGED, merge_specials
from hookline.core.fuse.forms import form_of
from hookline.core.fuse.paths import Part
from hookline.core.fuse.portable import to_duckdb

# Up to here comparing with each is quicker than a hash table, and done once per dictionary entry.
_SHORT_LIST = 64


class Select:
    """The select list of one query, with its parameters.

    Attributes:
        expressions: aggregates, in the order in which their values come back.
        params: by name, ready for JSON.
    """

    def __init__(self) -> None:
        self.expressions: list[str] = []
        self.params: dict[str, Any] = {}

    def add(self, bound: Bound, names: Mapping[str, str]) -> slice:
        """Add a measure; where its values will be.

        Args:
            names: a column's name to its name in the files, where the two differ.
        """
        start = len(self.expressions)
        self.expressions += self._aggregates(bound, names)
        return slice(start, len(self.expressions))

    def condition(self, bound: Bound, condition: Condition, names: Mapping[str, str]) -> str:
        """One of a measure's conditions.

        Raises:
            ValueError: it is not portable.
        """
        columns = {
            name: (column.type, identifier(names.get(column.name, column.name))) for name, column in bound.operands
        }
        written = to_duckdb(condition, columns, self._param)
        if written is None:
            raise ValueError(f"{bound.measure} is not portable")
        return written

    def _aggregates(self, bound: Bound, names: Mapping[str, str]) -> list[str]:
        kind = bound.measure.kind
        if bound.condition is not None or (kind in TESTS and bound.repeated):
            return [_count(self.tests(bound, names))]
        if kind == "correlation":
            return _correlation(*(value_of(column, names) for column in bound.columns))
        domain, column = bound.domain, value_of(bound.column, names)
        if kind == "nulls" and bound.where is None:
            return [f"count(*) - count({column})"]
        if kind == "total":
            return _total(domain, column)
        if kind == "variance":
            return _variance(column)
        if kind in ("minimum", "maximum"):
            return [_extreme(domain, "min" if kind == "minimum" else "max", column)]
        return [_count(self.tests(bound, names))]

    def tests(self, bound: Bound, names: Mapping[str, str]) -> list[str]:
        """What is true of a row that the measure counts; null is not."""
        kind = bound.measure.kind
        tests = [] if bound.where is None else [self.condition(bound, bound.where, names)]
        if bound.condition is not None:
            test = self.condition(bound, bound.condition, names)
            return [test if kind == "matching" else f"NOT {test}", *tests]
        if bound.repeated:
            found = f"list_filter({elements(cast('Part', bound.column))}, lambda e: {self._counts(bound, 'e')})"
            return [f"len({found}) > 0", *tests]
        return [self._counts(bound, value_of(bound.column, names)), *tests]

    def _counts(self, bound: Bound, value: str) -> str:
        return f"({value} IS NULL)" if bound.measure.kind == "nulls" else f"({self._fails(bound, value)})"

    def _fails(self, bound: Bound, column: str) -> str:
        kind, domain = bound.measure.kind, bound.domain
        if kind == "malformed":
            return f"{column} IS NOT NULL AND NOT {form_of(bound.measure.pattern or '').in_duckdb(column)}"
        if kind == "unmatched":
            translation = bound.regex  # not None: whoever has no translation is not measured here
            return f"NOT regexp_full_match({column}, {self._param(translation and translation.re2)})"
        if kind == "not_in":
            inside = self._inside(bound, column)
            return f"{column} IS NOT NULL AND NOT {inside}"
        if bound.empty:
            return f"{column} IS NOT NULL"
        tests = [f"isnan({column})"] if domain.floating else []
        value = comparable(domain, column)
        if bound.low is not None:
            tests.append(f"{value} < {self._bound(domain, bound.low)}")
        if bound.high is not None:
            tests.append(f"{value} > {self._bound(domain, bound.high)}")
        return " OR ".join(tests) or "false"

    def _inside(self, bound: Bound, column: str) -> str:
        domain = bound.domain
        members = self._param([_plain(domain, value) for value in bound.members])
        value, type_name = comparable(domain, column), _sql_type(domain)
        if len(bound.members) <= _SHORT_LIST:
            inside = f"list_contains({members}::{type_name}[], {value})"
        else:
            inside = f"({value} IN (SELECT unnest({members}::{type_name}[])))"
        return f"(CASE WHEN isnan({column}) THEN {bound.names_nan} ELSE {inside} END)" if domain.floating else inside

    def _bound(self, domain: Domain, value: Any) -> str:
        return f"{self._param(_plain(domain, value))}::{_sql_type(domain)}"

    def _param(self, value: Any) -> str:
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"${name}"


def _count(tests: Sequence[str]) -> str:
    return f"count(*) FILTER ({' AND '.join(f'({test})' for test in tests)})"


def identifier(name: str) -> str:
    """A column's name, quoted."""
    return '"' + name.replace('"', '""') + '"'


def value_of(column: Column, names: Mapping[str, str]) -> str:
    """A column, or a field inside of one, as an expression."""
    if not isinstance(column, Part):
        return identifier(names.get(column.name, column.name))
    return _field(identifier(column.steps[0]), column.steps[1:])


def elements(column: Part) -> str:
    """All values of a path through arrays, as one list. An array that is null has no elements."""
    first, *others = column.levels()
    found = _field(identifier(first[0]), first[1:])
    for level in others[:-1]:
        found = f"flatten(list_filter({_of_each(found, level)}, lambda e: e IS NOT NULL))"
    return _of_each(found, others[-1])


def _of_each(array: str, steps: Sequence[str]) -> str:
    return f"list_transform({array}, lambda e: {_field('e', steps)})" if steps else array


def _field(value: str, steps: Sequence[str]) -> str:
    return value + "".join("['" + step.replace("'", "''") + "']" for step in steps)


def comparable(domain: Domain, column: str) -> str:
    """A column in its domain's numbers."""
    if domain.kind in ("timestamp", "timestamp_ntz"):
        return f"epoch_us({column})"
    return f"{column}::DOUBLE" if domain.floating else column


def key_part(domain: Domain, value: str) -> str:
    """A value as part of a key: one NaN, one zero."""
    column = comparable(domain, value)
    return f"(CASE WHEN isnan({column}) THEN 'nan'::DOUBLE ELSE {column} + 0 END)" if domain.floating else column


def column_of(column: Column, names: Mapping[str, str]) -> dict[str, Any]:
    """What a sketch has to know of a column."""
    domain, value = domain_of(column.type), value_of(column, names)
    kind = domain.kind
    return {
        "digits": domain.precision,
        "scale": domain.scale,
        "name": column.name,
        "kind": kind,
        "value": value,
        "key": value if kind == "other" else key_part(domain, value),
    }


def merge(bound: Bound, parts: Sequence[Sequence[Any]]) -> Measured:
    """A measure's value from those of its aggregates, one list per file group.

    Raises:
        OverflowError: the value can't be told or can't be held.
    """
    kind = bound.measure.kind
    if kind in MERGED:
        return Measured(MERGED[kind](parts), "vectorised")
    if kind == "total":
        return Measured(_merge_total(bound.domain, parts), "vectorised")
    if kind not in ("minimum", "maximum"):
        return Measured(sum(int(part[0]) for part in parts), "vectorised")
    domain = bound.domain
    found: list[Any] = [
        Decimal(part[0]) if domain.kind == "decimal" else part[0] for part in parts if part[0] is not None
    ]
    if not found:
        return Measured(None, "vectorised")
    pick = min if kind == "minimum" else max
    best = pick(found, key=str.encode) if domain.kind == "string" else pick(found)
    return Measured(present(domain, best), "vectorised")


def _merge_total(domain: Domain, parts: Sequence[Sequence[Any]]) -> Any:
    if not sum(part[1] for part in parts):
        return None
    totals = [part[0] for part in parts if part[0] is not None]
    if domain.kind == "int":
        return sum(int(total) for total in totals)
    if domain.kind == "decimal":
        with localcontext(EXACT):
            return present(domain, sum((Decimal(total) for total in totals), Decimal(0)))
    if any(not math.isfinite(total) for total in totals):
        raise OverflowError  # the finite values add up to more than a double holds
    return merge_specials(math.fsum(totals), *(_column_sum(parts, index) for index in (2, 3, 4)))


def _column_sum(parts: Iterable[Sequence[Any]], index: int) -> int:
    return sum(int(part[index]) for part in parts)


def _total(domain: Domain, column: str) -> list[str]:
    if not domain.floating:
        return [f"CAST(sum({column}) AS VARCHAR)", f"count({column})"]
    special = (f"count(*) FILTER ({test})" for test in _specials(column))
    return [f"fsum({column}::DOUBLE) FILTER (isfinite({column}))", f"count({column})", *special]


def _variance(column: str) -> list[str]:
    value = f"{column}::DOUBLE"
    finite = f"FILTER (isfinite({value}))"
    spread = f"coalesce(var_pop({value}) {finite}, 0)"
    return [
        f"count({value}) {finite}",
        f"coalesce(favg({value}) {finite}, 0)",
        spread,
        f"count({value}) FILTER (NOT isfinite({value}))",
    ]


def _correlation(one: str, other: str) -> list[str]:
    # SQL's functions take the dependent variable, which is y elsewhere, first.
    x, y = f"{one}::DOUBLE", f"{other}::DOUBLE"
    finite = f"isfinite({x}) AND isfinite({y})"
    names = ("regr_count", "regr_avgy", "regr_avgx", "regr_syy", "regr_sxx", "regr_sxy")
    sums = [f"coalesce({name}({x}, {y}) FILTER ({finite}), 0)" for name in names]
    return [*sums, f"count(*) FILTER ({x} IS NOT NULL AND {y} IS NOT NULL AND NOT ({finite}))"]


def _specials(column: str) -> tuple[str, str, str]:
    return f"isnan({column})", f"isinf({column}) AND {column} > 0", f"isinf({column}) AND {column} < 0"


def _extreme(domain: Domain, function: str, column: str) -> str:
    if domain.kind == "date":
        return f"{function}({column}) - DATE '1970-01-01'"
    if domain.kind in ("timestamp", "timestamp_ntz"):
        return f"epoch_us({function}({column}))"
    if domain.kind == "decimal":
        return f"CAST({function}({column}) AS VARCHAR)"
    return f"{function}({column}) FILTER (NOT isnan({column}))" if domain.floating else f"{function}({column})"


def _plain(domain: Domain, value: Any) -> Any:
    """A value of the domain as JSON and a cast to ``_sql_type`` carry it without loss."""
    if domain.kind == "decimal":
        return f"{value:f}"
    return present(domain, value).isoformat() if domain.kind == "date" else value


def _sql_type(domain: Domain) -> str:
    if domain.kind == "decimal":
        return f"DECIMAL({domain.precision},{domain.scale})"
    return {
        "float": "DOUBLE",
        "double": "DOUBLE",
        "string": "VARCHAR",
        "boolean": "BOOLEAN",
        "date": "DATE",
    }.get(domain.kind, "BIGINT")
