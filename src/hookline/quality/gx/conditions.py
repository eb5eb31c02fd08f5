"""Row conditions of Great Expectations, as conditions in Spark's SQL."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from hookline.core.conditions import ConditionError, read_condition
from hookline.core.text import quoted

_MOST_DIGITS = 38
_LEGACY = ("great_expectations", "great_expectations__experimental__")
_NOT_NULL = re.compile(r"""\s*col\(\s*(["'])(.+?)\1\s*\)\s*\.\s*notnull\(\s*\)\s*""", re.IGNORECASE)
_COMPARED = re.compile(
    r"""\s*col\(\s*(["'])(.+?)\1\s*\)\s*(==|!=|<=|>=|<|>)\s*(?:(["'])(.*)\4|([+-]?[0-9.]+(?:[eE][+-]?\d+)?))\s*"""
)
_OPERATORS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def literal(value: Any) -> str:
    """A value in Spark's SQL.

    Raises:
        ValueError: it has no such form.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        exact = Decimal(repr(value))
        # More digits than a decimal has make it a double's literal.
        return f"{exact:f}" if exact.adjusted() < _MOST_DIGITS and len(f"{exact:f}") < _MOST_DIGITS else repr(value)
    if isinstance(value, str):
        text = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{text}'"
    raise ValueError("a text, a number or true/false is allowed here")


def name_of(column: str) -> str:
    """A column in Spark's SQL; a point leads into a struct, as in ``F.col``."""
    return column if column.startswith("`") else ".".join(quoted(part) for part in column.split("."))


def row_condition(given: Any, parser: Any) -> str | None:
    """The condition that rows have to meet to be looked at; None when all are.

    Raises:
        ValueError: it has a form that Great Expectations does not know.
    """
    if given is None:
        return None
    if isinstance(given, dict):
        return _of_object(given)
    if not isinstance(given, str) or not given.strip():
        raise ValueError("a condition is text, or an object with a type (comparison, nullity, and, or, pass_through)")
    return _legacy(given) if parser in _LEGACY else given


def _legacy(text: str) -> str:
    if match := _NOT_NULL.fullmatch(text):
        return f"{name_of(match[2])} IS NOT NULL"
    match = _COMPARED.fullmatch(text)
    if match is None:
        raise ValueError('the parser great_expectations reads col("a") > 5, col("a") == "b" and col("a").notnull()')
    value = literal(match[5]) if match[4] else match[6]
    return f"{name_of(match[2])} {_OPERATORS[match[3]]} {value}"


def _of_object(given: dict[str, Any]) -> str:
    kind = given.get("type")
    if kind in ("and", "or"):
        parts = given.get("conditions")
        if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
            raise ValueError(f"the condition of type {kind!r} needs a list of conditions")
        return "(" + f" {kind.upper()} ".join(_of_object(part) for part in parts) + ")"
    if kind == "pass_through":
        text = given.get("pass_through_filter")
        if not isinstance(text, str):
            raise ValueError("the condition of type 'pass_through' needs a text, pass_through_filter")
        return text
    if kind not in ("comparison", "nullity"):
        raise ValueError(f"there is no condition of type {kind!r}; known: comparison, nullity, and, or, pass_through")
    column = given.get("column")
    name = column.get("name") if isinstance(column, dict) else None
    if not isinstance(name, str):
        raise ValueError('its column is missing: {"name": …}')
    if kind == "nullity":
        return f"{name_of(name)} IS {'' if given.get('is_null') else 'NOT '}NULL"
    return _comparison(name_of(name), given.get("operator"), given.get("parameter"))


def _comparison(column: str, operator: Any, parameter: Any) -> str:
    if operator in ("IN", "NOT_IN"):
        if not isinstance(parameter, list):
            raise ValueError(f"the operator {operator} needs a list")
        return f"{column} {operator.replace('_', ' ')} ({', '.join(map(literal, parameter))})"
    if operator not in _OPERATORS:
        raise ValueError(f"there is no operator {operator!r}; known: {', '.join(_OPERATORS)}, IN, NOT_IN")
    return f"{column} {_OPERATORS[operator]} {literal(parameter)}"


def is_usable(condition: str | None) -> bool:
    """Whether a measure takes it: a condition on one row."""
    if condition is None:
        return True
    try:
        read_condition(condition)
    except ConditionError:
        return False
    return True


def both(*conditions: str | None) -> str | None:
    """A condition that holds when all do."""
    given = [condition for condition in conditions if condition is not None]
    return " AND ".join(f"({one})" for one in given) if len(given) > 1 else (given[0] if given else None)
