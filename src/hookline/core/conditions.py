"""Conditions on a row, in Spark's SQL: read, and the columns that they name."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

LONGEST = 10_000
_UNSTABLE = ("rand", "randn", "random", "uuid", "shuffle", "monotonically_increasing_id", "spark_partition_id")
_ANY_CODE = ("reflect", "java_method", "try_reflect")


class ConditionError(ValueError):
    """Text that is no condition on a row; the message says what is wrong with it, and where."""


@dataclass(frozen=True)
class Condition:
    """A condition that could be read.

    Attributes:
        text: in Spark's SQL.
        columns: the top-level columns that it names, as they are written there.
        tree: sqlglot's.
    """

    text: str
    columns: tuple[str, ...]
    tree: Any = field(compare=False, repr=False)


@lru_cache(maxsize=1024)
def read_condition(text: str) -> Condition:
    """Read a condition.

    Raises:
        ConditionError: it does not parse, is a query or several, aggregates rows, or differs each time it is asked.
    """
    from sqlglot import exp

    trees = parse_sql(text, "condition")
    tree = trees[0] if len(trees) == 1 else None
    if tree is not None:
        _refuse(tree)
    if tree is None or not isinstance(tree, exp.Condition):
        raise ConditionError("one condition on a row is wanted, such as: quantity > 0 AND price IS NOT NULL")
    columns = (column for column in tree.find_all(exp.Column, bfs=False) if not _is_bound(column))
    names = dict.fromkeys(column.parts[0].name for column in columns)
    return Condition(text, tuple(names), tree)


def parse_sql(text: str, what: str) -> list[Any]:
    """The statements of a text in Spark's SQL, as sqlglot's trees.

    Raises:
        ConditionError: it does not parse.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError

    if len(text) > LONGEST:
        raise ConditionError(f"the {what} has {len(text):,} characters; at most {LONGEST:,} are allowed")
    try:
        return list(sqlglot.parse(text, dialect="spark"))
    except SqlglotError as error:
        raise ConditionError(f"this is no {what} in Spark's SQL{_position(error)}") from None
    except RecursionError:
        raise ConditionError(f"the {what} nests too deeply") from None


def refuse_functions(tree: Any) -> None:
    """Raise ConditionError for functions that answer differently each time, or run any code there is."""
    from sqlglot import exp

    for function in tree.find_all(exp.Func):
        name = (function.name if isinstance(function, exp.Anonymous) else function.sql_name()).lower()
        if name in _UNSTABLE:
            raise ConditionError(f"{name}() gives another answer each time: a check must not")
        if name in _ANY_CODE:
            raise ConditionError(f"{name}() runs any code of the JVM: a check must not")


def _position(error: Any) -> str:
    details = error.errors[0] if getattr(error, "errors", None) else {}
    line, column = details.get("line"), details.get("col")
    return f" (something is wrong at line {line}, character {column})" if line and column else ""


def _refuse(tree: Any) -> None:
    from sqlglot import exp

    if tree.find(exp.Query):
        raise ConditionError("a query inside a condition is not possible: a check looks at one row of one dataset")
    if tree.find(exp.AggFunc, exp.Window):
        raise ConditionError("an aggregate is about several rows: a condition looks at one row at a time")
    if tree.find(exp.Star):
        raise ConditionError("* stands for no value: name the columns")
    refuse_functions(tree)


def _is_bound(column: Any) -> bool:
    """Whether this is the parameter of a lambda around it."""
    from sqlglot import exp

    name, node = column.parts[0].name, column.find_ancestor(exp.Lambda)
    while node is not None:
        if any(parameter.name == name for parameter in node.expressions):
            return True
        node = node.find_ancestor(exp.Lambda)
    return False
