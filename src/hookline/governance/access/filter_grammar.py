"""From sqlglot's tree to a condition: what is not in the grammar is refused, whatever it is."""

from __future__ import annotations

from typing import Any as Tree

from hookline.core.text import printable
from hookline.governance.access.filters import (
    LONGEST,
    AllOf,
    Among,
    AnyOf,
    Between,
    Comparison,
    Condition,
    Constant,
    FilterError,
    IsNull,
    Like,
    Not,
    checked_number,
)
from hookline.governance.access.names import Names

_OPERATORS = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
_KNOWN = "a filter has columns compared with constants (= <> < <= > >=, IN, BETWEEN, LIKE, IS NULL), AND, OR and NOT"


def read(text: str) -> Condition:
    """The condition of a text.

    Raises:
        FilterError: it is none, or has something that the grammar does not.
    """
    try:
        return _condition(_tree(text.strip()))
    except RecursionError:
        raise FilterError("the filter nests too deeply") from None


def _tree(text: str) -> Tree:
    import sqlglot
    from sqlglot.dialects.dialect import Dialect
    from sqlglot.errors import SqlglotError

    if len(text) >= LONGEST:
        raise FilterError(f"a filter has fewer than {LONGEST:,} characters, as Lake Formation wants it")
    if printable(text, LONGEST) != text:
        raise FilterError(
            "a filter is one line (in YAML: >-) without control or direction characters: what is read is what is meant"
        )
    try:
        # Comments would vanish from the tree; templates of Jinja's count as such.
        if any(token.comments for token in Dialect.get_or_raise("").tokenize(text)):
            raise FilterError("a filter has no comments")
        trees = sqlglot.parse(text)
    except SqlglotError:
        raise FilterError(f"this does not parse: {_KNOWN}; texts are in single quotes, names in double ones") from None
    if len(trees) != 1 or trees[0] is None:
        raise FilterError("a filter is one condition")
    return trees[0]


def _condition(tree: Tree) -> Condition:
    kind = type(tree).__name__
    _only(tree, kind)
    if kind == "Paren":
        return _condition(tree.this)
    if kind == "Not":
        return Not(_condition(tree.this))
    if kind in ("And", "Or"):
        made = AllOf if kind == "And" else AnyOf
        found: list[Condition] = []
        for side in (tree.left, tree.right):
            one = _condition(side)
            found += one.of if isinstance(one, made) else (one,)
        return made(tuple(found))
    if kind in _OPERATORS:
        return Comparison(_column(tree.this), _OPERATORS[kind], _constant(tree.expression))  # type: ignore[arg-type]
    if kind == "In":
        if not tree.expressions:
            raise FilterError("IN has a list of constants")
        return Among(_column(tree.this), tuple(_constant(one) for one in tree.expressions))
    if kind == "Between":
        return Between(_column(tree.this), _constant(tree.args["low"]), _constant(tree.args["high"]))
    if kind == "Like":
        like = Like(_column(tree.this), _pattern(tree.expression))
        return Not(like) if tree.args.get("negate") else like
    if kind == "Is" and type(tree.expression).__name__ == "Null":
        return IsNull(_column(tree.this))
    raise FilterError(f"{_KNOWN}; {_told(tree)} is none of these")


# What a node may have; anything else that the parser found there changes what it means.
_ARGS = {
    "In": {"this", "expressions"},
    "Between": {"this", "low", "high"},
    "Like": {"this", "expression", "negate"},
    "Not": {"this"},
    "Paren": {"this"},
    "Neg": {"this"},
    "Column": {"this", "table", "db", "catalog"},
    "Literal": {"this", "is_string"},
    "Boolean": {"this"},
}


def _only(tree: Tree, kind: str) -> None:
    allowed = _ARGS.get(kind, {"this", "expression"})
    if any(value not in (None, False, []) for name, value in tree.args.items() if name not in allowed):
        raise FilterError(f"{_KNOWN}; {_told(tree)} has more than that")


def _column(tree: Tree) -> Names:
    names: list[str] = []
    if type(tree).__name__ == "Dot":
        raise FilterError("a column has at most four names, from the table inwards")
    if type(tree).__name__ != "Column":
        raise FilterError(f"on the left there is a column, not {_told(tree)}; texts are in single quotes")
    _only(tree, "Column")
    for part in tree.parts:
        if type(part).__name__ != "Identifier" or not part.name:
            raise FilterError(f"a column is a name, not {_told(part)}")
        names.append(part.name)
    return tuple(names)


def _constant(tree: Tree) -> Constant:
    kind = type(tree).__name__
    if kind == "Literal":
        _only(tree, kind)
        return str(tree.this) if tree.is_string else checked_number(str(tree.this))
    if kind == "Neg" and type(tree.this).__name__ == "Literal" and not tree.this.is_string:
        return -checked_number(str(tree.this.this))
    if kind == "Boolean":
        return bool(tree.this)
    if kind == "Null":
        raise FilterError("nothing equals NULL: write IS NULL or IS NOT NULL")
    if kind == "Column":
        raise FilterError("a column is compared with a constant, not with a column; texts are in single quotes")
    if kind == "Cast":
        raise FilterError("dates and times can't be compared: Lake Formation's filters have none")
    raise FilterError(f"a column is compared with a text, a number, TRUE or FALSE, not with {_told(tree)}")


def _pattern(tree: Tree) -> str:
    pattern = _constant(tree)
    if not isinstance(pattern, str):
        raise FilterError("LIKE has a text in single quotes")
    if "\\" in pattern:
        raise FilterError(r"LIKE has no \: engines differ in what it escapes")
    return pattern


def _told(tree: Tree) -> str:
    """What kind of thing it is; its text may be anything."""
    words = {"Anonymous": "a function", "Escape": "ESCAPE", "Column": "a column alone", "Boolean": "a constant alone"}
    return words.get(type(tree).__name__, f"{type(tree).__name__} (SQL)")
