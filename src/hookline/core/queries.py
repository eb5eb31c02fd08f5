"""Queries over several datasets, in Spark's SQL: read, and held to reading what they were given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hookline.core.conditions import ConditionError, parse_sql, refuse_functions

MEASURED = "data"
"""What a query calls the rows that are checked."""


def read_query(text: str, names: tuple[str, ...]) -> None:
    """Check that a text is one query, that changes nothing and reads nothing but datasets of these names.

    Raises:
        ConditionError: it is not; the message says what is wrong with it.
    """
    from sqlglot import exp

    trees = parse_sql(text, "query")
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Query) or (isinstance(tree, exp.Select) and not tree.expressions):
        raise ConditionError("one query is wanted, which selects the failing rows: SELECT … FROM data WHERE …")
    writes = (exp.DDL, exp.DML, exp.Command, exp.Into, exp.QueryTransform)
    if any(isinstance(node, writes) and not isinstance(node, exp.Query) for node in tree.walk()):
        raise ConditionError("a check reads: a query that writes, or runs a program, is not possible")
    refuse_functions(tree)
    for table in _tables(tree):
        if isinstance(table.this, exp.Func) or table.db or table.catalog or table.name.lower() not in _lower(names):
            known = ", ".join(names)
            raise ConditionError(f"the query reads {_told(table)}, which it was not given; it may read {known}")


def _tables(tree: Any) -> Iterator[Any]:
    """The tables that are read; what a WITH names is none."""
    from sqlglot import exp

    own = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Func) or table.db or table.name.lower() not in own:
            yield table


def _lower(names: tuple[str, ...]) -> set[str]:
    return {name.lower() for name in names}


def _told(table: Any) -> str:
    return repr(".".join(part.name for part in table.parts)) if table.name else "a function's rows"
