"""Row filters: read by a real SQL parser, held to a small grammar, and written anew from what was understood.

The grammar is that of Lake Formation's row filters: a column compared with a constant (``= <> != < <= > >=``), ``IN``, ``BETWEEN``,
``LIKE``, ``IS NULL``, and these with ``AND``, ``OR`` and ``NOT``. Constants are texts in single quotes, numbers, TRUE and FALSE.
There are no functions, queries, comments, parameters or comparisons of columns, and no dates: Lake Formation has none. Nothing of a
filter's text is ever passed on: Spark gets expressions, Lake Formation a text that is made of the tree, with every name and text
quoted where it has to be.

Where a column is null a comparison is neither true nor false, as in SQL; a row is let through when the whole is true.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal as OneOf

from hookline.governance.access.names import Names

Constant = str | int | Decimal | bool
Operator = OneOf["=", "<>", "<", "<=", ">", ">="]
# Lake Formation takes fewer characters than this in all; the same holds here.
LONGEST = 2_048
_MOST_DIGITS = 38


class FilterError(ValueError):
    """Text that is no row filter, or one that does not fit its table; the message says why, and quotes no constant."""


@dataclass(frozen=True)
class Comparison:
    """``column operator constant``."""

    column: Names
    operator: Operator
    constant: Constant


@dataclass(frozen=True)
class Among:
    """``column IN (constants)``."""

    column: Names
    constants: tuple[Constant, ...]


@dataclass(frozen=True)
class Between:
    """``column BETWEEN low AND high``, both included."""

    column: Names
    low: Constant
    high: Constant


@dataclass(frozen=True)
class Like:
    """``column LIKE pattern``: ``%`` stands for any characters, ``_`` for one; nothing escapes them."""

    column: Names
    pattern: str


@dataclass(frozen=True)
class IsNull:
    """``column IS NULL``."""

    column: Names


@dataclass(frozen=True)
class Not:
    """``NOT of``."""

    of: Condition


@dataclass(frozen=True)
class AllOf:
    """All of them: AND."""

    of: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """One of them: OR."""

    of: tuple[Condition, ...]


Simple = Comparison | Among | Between | Like | IsNull
Condition = Simple | Not | AllOf | AnyOf


def simple(condition: Condition) -> Iterator[Simple]:
    """The simple conditions in it, in the order of the text."""
    if isinstance(condition, Not):
        yield from simple(condition.of)
    elif isinstance(condition, (AllOf, AnyOf)):
        for one in condition.of:
            yield from simple(one)
    else:
        yield condition


def columns(condition: Condition) -> tuple[Names, ...]:
    """The columns that it names, each once."""
    return tuple(dict.fromkeys(one.column for one in simple(condition)))


def constants(one: Simple) -> tuple[Constant, ...]:
    """What the column is compared with."""
    if isinstance(one, Comparison):
        return (one.constant,)
    if isinstance(one, Among):
        return one.constants
    return (one.low, one.high) if isinstance(one, Between) else (one.pattern,) if isinstance(one, Like) else ()


def digest(condition: Condition | None) -> str | None:
    """Of what it means: for logs, which must not quote constants."""
    return None if condition is None else hashlib.sha256(to_text(condition).encode()).hexdigest()[:16]


@lru_cache(maxsize=4_096)
def parse_filter(text: str) -> Condition:
    """Read a row filter.

    Raises:
        FilterError: it does not parse, or has something that the grammar does not.
    """
    from hookline.governance.access.filter_grammar import read

    return read(text)


def to_text(condition: Condition) -> str:
    """The filter in the SQL that Lake Formation reads (PartiQL's): names and texts quoted, every composite in brackets."""
    if isinstance(condition, Not):
        return f"NOT ({to_text(condition.of)})"
    if isinstance(condition, (AllOf, AnyOf)):
        word = " AND " if isinstance(condition, AllOf) else " OR "
        return word.join(f"({to_text(one)})" for one in condition.of)
    name = ".".join(_identifier(part) for part in condition.column)
    if isinstance(condition, Comparison):
        return f"{name} {condition.operator} {_constant(condition.constant)}"
    if isinstance(condition, Among):
        return f"{name} IN ({', '.join(_constant(one) for one in condition.constants)})"
    if isinstance(condition, Between):
        return f"{name} BETWEEN {_constant(condition.low)} AND {_constant(condition.high)}"
    if isinstance(condition, Like):
        return f"{name} LIKE {_constant(condition.pattern)}"
    return f"{name} IS NULL"


def _identifier(name: str) -> str:
    """Always in quotes: what is a reserved word differs, and none is one in quotes. Glue's names are in lower case."""
    return '"' + name.lower().replace('"', '""') + '"'


def _constant(value: Constant) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value) if isinstance(value, int) else format(value, "f")


def checked_number(text: str) -> int | Decimal:
    """A number of the grammar.

    Raises:
        FilterError: it has more digits than every engine holds, or an exponent.
    """
    digits = sum(character.isdigit() for character in text)
    if digits > _MOST_DIGITS or not all(character.isdigit() or character in "-." for character in text):
        raise FilterError(f"a number has digits and a point, and at most {_MOST_DIGITS} digits")
    return Decimal(text) if "." in text else int(text)
