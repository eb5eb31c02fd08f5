"""Filters and masks as expressions of Spark's. No text of a policy is parsed by Spark: constants are literals, names are quoted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING

from hookline.core.events import Column as Described
from hookline.core.text import quoted
from hookline.governance.access.filters import (
    AllOf,
    Among,
    AnyOf,
    Between,
    Comparison,
    Condition,
    Constant,
    Like,
    Not,
    Operator,
)
from hookline.governance.access.fitting import is_floating
from hookline.governance.access.model import Mask
from hookline.governance.access.names import Names

if TYPE_CHECKING:
    from pyspark.sql import Column

_COMPARED: dict[Operator, Callable[[Column, Column], Column]] = {
    "=": lambda column, constant: column == constant,
    "<>": lambda column, constant: column != constant,
    "<": lambda column, constant: column < constant,
    "<=": lambda column, constant: column <= constant,
    ">": lambda column, constant: column > constant,
    ">=": lambda column, constant: column >= constant,
}
_LONG = 1 << 63
REDACTED = "***"


def at(names: Names) -> Column:
    """The column, or the field of it, at a path."""
    from pyspark.sql import functions as F

    return reduce(lambda column, name: column.getField(name), names[1:], F.col(quoted(names[0])))


def lets_through(condition: Condition, meant: Mapping[Names, Names], leaves: Mapping[Names, Described]) -> Column:
    """A filter: true, false, or null where it is neither.

    Args:
        meant: the leaf that each of its names means.
        leaves: the table's.
    """
    if isinstance(condition, Not):
        return ~lets_through(condition.of, meant, leaves)
    if isinstance(condition, (AllOf, AnyOf)):
        parts = [lets_through(one, meant, leaves) for one in condition.of]
        return reduce(lambda a, b: a & b if isinstance(condition, AllOf) else a | b, parts)
    names = meant[condition.column]
    column, floating = at(names), is_floating(leaves[names].type)
    if isinstance(condition, (Comparison, Among, Between)):
        return _compared(_number(column) if floating else column, condition, floating)
    return column.like(condition.pattern) if isinstance(condition, Like) else column.isNull()


def _compared(column: Column, condition: Comparison | Among | Between, floating: bool) -> Column:
    if isinstance(condition, Comparison):
        return _COMPARED[condition.operator](column, _literal(condition.constant, floating))
    if isinstance(condition, Between):
        return (column >= _literal(condition.low, floating)) & (column <= _literal(condition.high, floating))
    return reduce(lambda a, b: a | b, [column == _literal(one, floating) for one in condition.constants])


def masked(column: Column, mask: Mask) -> Column:
    """What is shown of a column in place of its values, of the same type; null stays null."""
    from pyspark.sql import functions as F

    if mask.mask == "nullify":
        # Its type is not named: what fields are called in it could not be written down.
        return F.when(F.lit(False), column)
    if mask.mask == "redact":
        return F.when(column.isNotNull(), F.lit(REDACTED))
    if mask.mask == "hash":
        return F.sha2(column.cast("binary"), 256)
    size, kept = F.length(column), mask.keep_first + mask.keep_last
    first, last = F.substring(column, 1, mask.keep_first), F.substring(column, -mask.keep_last, mask.keep_last)
    parts = [first] * bool(mask.keep_first) + [F.repeat(F.lit("*"), size - kept)] + [last] * bool(mask.keep_last)
    return F.when(size <= kept, F.repeat(F.lit("*"), size)).otherwise(F.concat(*parts))


def _number(column: Column) -> Column:
    """NaN is compared with nothing, as if it were null: engines differ in what it is less than."""
    from pyspark.sql import functions as F

    return F.when(~F.isnan(column), column)


def _literal(value: Constant, floating: bool) -> Column:
    from pyspark.sql import functions as F

    if isinstance(value, (bool, str)):
        return F.lit(value)
    if floating:
        return F.lit(float(value))
    if isinstance(value, int) and -_LONG <= value < _LONG:
        return F.lit(value)
    digits = Decimal(value).as_tuple()
    scale = max(0, -int(digits.exponent))
    precision = max(len(digits.digits), scale)
    return F.lit(format(value, "f") if isinstance(value, Decimal) else str(value)).cast(f"decimal({precision},{scale})")
