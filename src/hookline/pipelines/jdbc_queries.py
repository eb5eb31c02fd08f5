"""A query that stands in for a table of a JDBC source, read by sqlglot: which tables, and what its columns are made from."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hookline.core.events import Dataset, Transformation
from hookline.lineage.columns import SourceColumn
from hookline.pipelines import names

if TYPE_CHECKING:
    from sqlglot import exp

logger = logging.getLogger(__name__)
_DIALECTS = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlserver": "tsql", "oracle": "oracle"}
_DIALECTS |= {"snowflake": "snowflake", "sqlite": "sqlite", "db2": "", "derby": "", "h2": "", "redshift": "redshift"}
_QUERY = re.compile(r"(?is)^\s*\(\s*(?:select|with)\b")
_ALIAS = re.compile(r"(?is)\)\s*(?:as\s+)?[\w\"`\[\]]*\s*$")


@dataclass(frozen=True)
class ParsedQuery:
    """What a query in a table's place reads.

    Attributes:
        columns: its columns by name in lower case; empty when they can't be told.
        rows: what decides on its rows.
        problem: why its columns can't be told, else None.
    """

    tables: tuple[Dataset, ...] = ()
    columns: Mapping[str, tuple[SourceColumn, ...]] = field(default_factory=dict)
    rows: tuple[SourceColumn, ...] = ()
    problem: str | None = None


def datasets(url: str, table: str) -> tuple[Dataset, ...]:
    """The tables that a JDBC source reads; where a query can't be read, one dataset that stands for it."""
    found = parsed(url, table)
    return found.tables if found is not None and found.tables else (names.jdbc_dataset(url, table),)


@functools.lru_cache(maxsize=256)
def parsed(url: str, table: str) -> ParsedQuery | None:
    """A query in a table's place; None for a table."""
    if not _QUERY.match(table):
        return None
    try:
        return _parse(url, _ALIAS.sub("", table.strip())[1:])
    except Exception as error:  # noqa: BLE001 - it is another database's SQL; what it says is never a reason to fail
        logger.debug("a query of a JDBC source was not understood: %s", type(error).__name__)
        return ParsedQuery(problem="the query of a JDBC source was not understood")


def _parse(url: str, sql: str) -> ParsedQuery:
    import sqlglot
    from sqlglot import exp
    from sqlglot.optimizer.qualify import qualify

    dialect = _DIALECTS.get(url.split(":")[1].lower() if url.count(":") > 1 else "", "")
    tree = sqlglot.parse_one(sql, dialect=dialect or None)
    defined = {one.alias_or_name.lower() for one in tree.find_all(exp.CTE)}
    tables = [one for one in tree.find_all(exp.Table) if one.db or one.name.lower() not in defined]
    found = tuple(dict.fromkeys(_dataset(url, one) for one in tables))
    try:
        qualified = qualify(tree, dialect=dialect or None, validate_qualify_columns=False, identify=False)
    except sqlglot.errors.SqlglotError:
        return ParsedQuery(found, problem="the columns of a JDBC source's query can't be told from its text")
    columns = _Columns(url, qualified)
    made = columns.outputs()
    problem = None if made else "the columns of a JDBC source's query can't be told from its text"
    return ParsedQuery(found, made, tuple(columns.rows()), problem)


def _dataset(url: str, table: exp.Table) -> Dataset:
    return names.jdbc_dataset(url, ".".join(part.name for part in table.parts))


class _Columns:
    """Goes from a query's columns down to those of its tables."""

    def __init__(self, url: str, tree: Any) -> None:
        from sqlglot.optimizer.scope import build_scope

        self._url = url
        self._scope = build_scope(tree)

    def outputs(self) -> dict[str, tuple[SourceColumn, ...]]:
        """Each column of the query."""
        if self._scope is None:
            return {}
        expressions = _selects(self._scope)
        if any(one.is_star for one in expressions):
            return self._star()
        return {
            one.alias_or_name.lower(): tuple(dict.fromkeys(self._of_output(self._scope, at)))
            for at, one in enumerate(expressions)
        }

    def _star(self) -> dict[str, tuple[SourceColumn, ...]]:
        """``SELECT *`` of one table: every column is that table's."""
        from sqlglot import exp

        own = self._scope.selected_sources.values() if self._scope is not None else ()
        sources = [source for _, source in own]
        if len(sources) == 1 and isinstance(sources[0], exp.Table):
            return {"*": (SourceColumn(_dataset(self._url, sources[0]), "*"),)}
        return {}

    def rows(self) -> Iterator[SourceColumn]:
        """What decides on the rows of the query and of those in it."""
        from sqlglot import exp

        places: dict[type[exp.Expression], Transformation] = {
            exp.Where: "FILTER",
            exp.Having: "FILTER",
            exp.Join: "JOIN",
        }
        places |= {exp.Group: "GROUP_BY"}
        for scope in self._scope.traverse() if self._scope is not None else ():
            yield from self._sorted(scope)
            for column in scope.columns:
                place = column.find_ancestor(*places, exp.Select)
                kind = next((kind for sort, kind in places.items() if isinstance(place, sort)), None)
                if kind is not None and not column.find_ancestor(exp.Window):
                    for source in self._of_column(scope, column):
                        yield SourceColumn(source.dataset, source.column, kind)

    def _sorted(self, scope: Any) -> Iterator[SourceColumn]:
        """ORDER BY, which may name columns of the result."""
        from sqlglot import exp

        order = scope.expression.args.get("order")
        names = {one.alias_or_name: at for at, one in enumerate(_selects(scope))}
        for column in order.find_all(exp.Column) if order is not None else ():
            known = not column.table and column.name in names
            sources = self._of_output(scope, names[column.name]) if known else self._of_column(scope, column)
            yield from (SourceColumn(source.dataset, source.column, "SORT") for source in sources)

    def _of_output(self, scope: Any, at: int) -> Iterator[SourceColumn]:
        if scope.set_operation_scopes:
            for one in scope.set_operation_scopes:
                yield from self._of_output(one, at)
            return
        expression = _selects(scope)[at].unalias()
        for column in self._own_columns(scope, expression):
            step = _step(expression, column)
            for source in self._of_column(scope, column):
                yield SourceColumn(source.dataset, source.column, _greater(step, source.transformation))

    def _own_columns(self, scope: Any, expression: Any) -> list[Any]:
        from sqlglot import exp

        return [column for column in expression.find_all(exp.Column) if column in scope.columns or column is expression]

    def _of_column(self, scope: Any, column: Any) -> Iterator[SourceColumn]:
        from sqlglot import exp

        own = [source for _, source in scope.selected_sources.values()]
        source = scope.sources.get(column.table) if column.table else own[0] if len(own) == 1 else None
        if isinstance(source, exp.Table):
            yield SourceColumn(_dataset(self._url, source), column.name)
        elif source is not None:
            for at, one in enumerate(_selects(source)):
                if one.alias_or_name.lower() == column.name.lower():
                    yield from self._of_output(source, at)


def _selects(scope: Any) -> list[Any]:
    return list(scope.expression.selects)


def _step(expression: Any, column: Any) -> Transformation:
    from sqlglot import exp

    if expression is column:
        return "IDENTITY"
    return "AGGREGATION" if column.find_ancestor(exp.AggFunc) else "TRANSFORMATION"


def _greater(one: Transformation, other: Transformation) -> Transformation:
    order = ("IDENTITY", "TRANSFORMATION", "AGGREGATION")
    return one if order.index(one) >= order.index(other) else other
