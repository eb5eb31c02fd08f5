"""Conditions that mean the same in DuckDB as in Spark, whose meaning is the one that counts.

A condition is written anew for DuckDB only when every part of it is known to
mean the same there: comparisons of values of one kind, ``IN``, ``BETWEEN``, ``LIKE`` without a backslash, ``IS NULL``,
``length``, AND, OR, NOT, and sums and products of doubles. These are total as well: no value makes them raise.
Everything else (casts, other functions, arithmetic that may overflow, text compared with numbers, moments that depend
on the session's time zone, nested fields) is left to Spark.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hookline.core.conditions import Condition
from hookline.core.fuse.domain import Domain, domain_of

_MOST_DIGITS = 38
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INTEGER_DIGITS = {8: 3, 16: 5, 32: 10, 64: 19}
_TWO = {"this", "expression"}
# What a node may have set and still be what it is here.
_ARGUMENTS = {
    "Between": {"this", "low", "high"},
    "Cast": {"this", "to"},
    "In": {"this", "expressions"},
    "Literal": {"this", "is_string"},
}
_VALUES = ("Add", "Boolean", "Cast", "Column", "Length", "Literal", "Mul", "Neg", "Paren", "Sub")
_COMPARISONS = {
    "EQ": "=",
    "NEQ": "<>",
    "LT": "<",
    "LTE": "<=",
    "GT": ">",
    "GTE": ">=",
    "NullSafeEQ": "IS NOT DISTINCT FROM",
    "NullSafeNEQ": "IS DISTINCT FROM",
}
_CONNECTIVES = {"And": "AND", "Or": "OR"}
_CALCULATIONS = {"Add": "+", "Sub": "-", "Mul": "*"}


def to_duckdb(
    condition: Condition, columns: Mapping[str, tuple[str, str]], parameter: Callable[[Any], str]
) -> str | None:
    """The condition for DuckDB, or None when it isn't certain that both engines agree.

    Args:
        columns: name as written to the column's type in Spark and its quoted name in DuckDB.
        parameter: keeps a value and gives the placeholder that stands for it.
    """
    if '"' in condition.text:
        return None  # a text or a name, by a setting of the session
    try:
        term = _Writer(columns, parameter).write(condition.tree)
    except (_NotPortableError, RecursionError):
        return None
    return term.sql if term.kind == "boolean" else None


class _NotPortableError(Exception):
    """Something whose meaning in DuckDB is not certain."""


@dataclass(frozen=True)
class _Term:
    """A part of a condition, written for DuckDB.

    Attributes:
        kind: int, decimal, double, string, boolean, date, timestamp or timestamp_ntz.
        digits, scale: of a number that is held exactly.
        literal: its value when it is one. A text has no ``sql`` then.
    """

    sql: str
    kind: str
    digits: int = 0
    scale: int = 0
    literal: Any = None


class _Writer:
    def __init__(self, columns: Mapping[str, tuple[str, str]], parameter: Callable[[Any], str]) -> None:
        self._columns = columns
        self._parameter = parameter

    def write(self, node: Any) -> _Term:
        kind = type(node).__name__
        # A setting of a node that nobody here knows of would change its meaning unseen.
        strange = {name for name, value in node.args.items() if value} - _ARGUMENTS.get(kind, _TWO)
        if strange - {"negate"}:
            raise _NotPortableError(kind)
        term = self._by_kind(node, kind)
        if "negate" not in strange:
            return term
        if term.kind != "boolean":
            raise _NotPortableError(kind)
        return _Term(f"(NOT {term.sql})", "boolean")

    def _by_kind(self, node: Any, kind: str) -> _Term:
        if kind in _COMPARISONS:
            return self._compare(self._value(node.this), _COMPARISONS[kind], self._value(node.expression))
        if kind in _CONNECTIVES:
            return _Term(f"({self._truth(node.this)} {_CONNECTIVES[kind]} {self._truth(node.expression)})", "boolean")
        if kind in _CALCULATIONS:
            return self._calculate(self.write(node.this), _CALCULATIONS[kind], self.write(node.expression))
        method = _METHODS.get(kind)
        if method is None:
            raise _NotPortableError(kind)
        return method(self, node)

    def _calculate(self, left: _Term, operator: str, right: _Term) -> _Term:
        """With doubles only: they overflow to infinity in both engines, where integers and decimals raise."""
        if "double" not in (left.kind, right.kind):
            raise _NotPortableError("arithmetic that may overflow")
        return _Term(f"({self._double(left).sql} {operator} {self._double(right).sql})", "double")

    def _paren(self, node: Any) -> _Term:
        return self.write(node.this)

    def _column(self, node: Any) -> _Term:
        type_name, name = self._find(node)
        domain = domain_of(type_name)
        if domain.kind == "other" or domain.collated or type_name.startswith("char"):
            raise _NotPortableError(type_name)
        if domain.floating:
            return _Term(f"{name}::DOUBLE", "double")
        if domain.kind in ("timestamp", "timestamp_ntz"):
            return _Term(f"epoch_us({name})", domain.kind)
        return _Term(name, domain.kind, _digits(domain), domain.scale)

    def _find(self, node: Any) -> tuple[str, str]:
        if len(node.parts) != 1:
            raise _NotPortableError("a nested field")
        return self._columns[node.name]

    def _literal(self, node: Any) -> _Term:
        text = str(node.this)
        if node.is_string:
            # What a backslash or a quote stands for is settled by the parser that reads the text; Spark's decides.
            if "\\" in text or "'" in text or '"' in text:
                raise _NotPortableError("an escape")
            return _Term("", "string", literal=text)
        return self._number(text)

    def _number(self, text: str) -> _Term:
        if re.fullmatch(r"-?[0-9]{1,18}", text):
            return _Term(f"{text}::BIGINT", "int", len(text.lstrip("-")), 0, text)
        if match := re.fullmatch(r"-?([0-9]*)\.([0-9]+)", text):
            digits, scale = len(match[1]) + len(match[2]), len(match[2])
            if digits <= _MOST_DIGITS:
                return _Term(f"{text}::DECIMAL({digits},{scale})", "decimal", digits, scale, text)
        raise _NotPortableError("a number of another form")

    def _neg(self, node: Any) -> _Term:
        text = str(node.this.this)
        if type(node.this).__name__ != "Literal" or node.this.is_string or text.startswith("-"):
            raise _NotPortableError("a negation")
        return self._number(f"-{text}")

    def _boolean(self, node: Any) -> _Term:
        return _Term(str(bool(node.this)), "boolean")

    def _cast(self, node: Any) -> _Term:
        """Only what ``DATE '2020-02-29'`` is read as."""
        literal = node.this
        if type(literal).__name__ != "Literal" or not literal.is_string or not node.to.is_type("date"):
            raise _NotPortableError("a cast")
        return self._date(str(literal.this))

    def _date(self, text: str) -> _Term:
        try:
            date = dt.date.fromisoformat(text) if _ISO_DATE.fullmatch(text) else None
        except ValueError:
            date = None
        if date is None:
            raise _NotPortableError("a date of another form")
        return _Term(f"{self._parameter(date.isoformat())}::DATE", "date")

    def _length(self, node: Any) -> _Term:
        text = self.write(node.this)
        if text.kind != "string":
            raise _NotPortableError("a length of something else")
        return _Term(f"length({self._sql(text)})", "int", 10)

    def _not(self, node: Any) -> _Term:
        return _Term(f"(NOT {self._truth(node.this)})", "boolean")

    def _truth(self, node: Any) -> str:
        term = self.write(node)
        if term.kind != "boolean":
            raise _NotPortableError("no truth value")
        return term.sql

    def _is(self, node: Any) -> _Term:
        from sqlglot import exp

        if type(node.expression).__name__ != "Null":
            raise _NotPortableError("IS")
        if isinstance(node.this, exp.Column):  # of any type, nested ones too
            return _Term(f"({self._find(node.this)[1]} IS NULL)", "boolean")
        return _Term(f"({self._sql(self._value(node.this))} IS NULL)", "boolean")

    def _value(self, node: Any) -> _Term:
        """A side of a comparison. Whether ``a = b IS NULL`` asks for b or for a = b depends on the parser."""
        if type(node).__name__ not in _VALUES:
            raise _NotPortableError("a predicate without brackets")
        return self.write(node)

    def _compare(self, left: _Term, operator: str, right: _Term) -> _Term:
        if left.kind == "date" and right.kind == "string" and right.literal is not None:
            right = self._date(right.literal)
        elif right.kind == "date" and left.kind == "string" and left.literal is not None:
            left = self._date(left.literal)
        if "double" in (left.kind, right.kind):
            left, right = self._double(left), self._double(right)
        elif {left.kind, right.kind} <= {"int", "decimal"}:
            whole = max(left.digits - left.scale, right.digits - right.scale)
            if whole + max(left.scale, right.scale) > _MOST_DIGITS:
                raise _NotPortableError("more digits than a decimal holds")
        elif left.kind != right.kind or (left.kind == "boolean" and operator in ("<", "<=", ">", ">=")):
            raise _NotPortableError("values of several kinds")
        return _Term(f"({self._sql(left)} {operator} {self._sql(right)})", "boolean")

    def _sql(self, term: _Term) -> str:
        """A term's SQL; a text becomes a parameter here, as one that was read as a date must leave none behind."""
        if term.kind == "string" and term.literal is not None:
            return f"{self._parameter(term.literal)}::VARCHAR"
        return term.sql

    def _between(self, node: Any) -> _Term:
        value = self._value(node.this)
        low = self._compare(value, ">=", self._value(node.args["low"]))
        high = self._compare(value, "<=", self._value(node.args["high"]))
        return _Term(f"({low.sql} AND {high.sql})", "boolean")

    def _in(self, node: Any) -> _Term:
        if not node.expressions:
            raise _NotPortableError("IN")
        value = self._value(node.this)
        tests = [self._compare(value, "=", self._value(member)).sql for member in node.expressions]
        return _Term(f"({' OR '.join(tests)})", "boolean")

    def _like(self, node: Any) -> _Term:
        value, pattern = self._value(node.this), self._value(node.expression)
        if value.kind != "string" or pattern.kind != "string" or pattern.literal is None:
            raise _NotPortableError("LIKE")
        return _Term(f"({self._sql(value)} LIKE {self._sql(pattern)})", "boolean")

    def _double(self, term: _Term) -> _Term:
        if term.kind == "double":
            return term
        if term.kind == "int" or (term.kind == "decimal" and term.literal is not None):
            text = f"{self._parameter(float(term.literal))}" if term.literal is not None else term.sql
            return _Term(f"{text}::DOUBLE", "double")
        raise _NotPortableError("no double")


_METHODS: dict[str, Callable[[_Writer, Any], _Term]] = {
    "Between": _Writer._between,
    "Boolean": _Writer._boolean,
    "Cast": _Writer._cast,
    "Column": _Writer._column,
    "In": _Writer._in,
    "Is": _Writer._is,
    "Length": _Writer._length,
    "Like": _Writer._like,
    "Literal": _Writer._literal,
    "Neg": _Writer._neg,
    "Not": _Writer._not,
    "Paren": _Writer._paren,
}


def _digits(domain: Domain) -> int:
    return domain.precision if domain.kind == "decimal" else _INTEGER_DIGITS.get(domain.bits, 0)
