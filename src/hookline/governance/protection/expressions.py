"""Deeds as expressions of Spark's: masks, coarser values, dropped columns, and tokens where the JVM makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hookline.core.errors import ProtectionError
from hookline.governance.protection.policy import Drop, Generalize, Mask

if TYPE_CHECKING:
    from pyspark.sql import Column

    from hookline.governance.protection.deeds import Deed, Names

# Makes of a column, and its type, another column.
Make = Callable[["Column", Any], "Column"]
_WHOLE = frozenset({"byte", "short", "integer", "long", "decimal"})
_NUMBERS = _WHOLE | {"float", "double"}
_TIMES = frozenset({"date", "timestamp", "timestamp_ntz"})


def rebuilt(column: Column, type: Any, leaves: Mapping[Names, Make | None]) -> Column | None:
    """A column with its leaves made anew; of arrays each element is.

    Args:
        leaves: by what is left of their names; None where the column, or the field, is dropped.
    """
    from pyspark.sql import functions as F

    kind = type.typeName()
    if () in leaves and ((make := leaves[()]) is None or kind != "array"):
        return None if make is None else make(column, type)
    if kind == "array":
        return F.transform(column, lambda element: _kept(rebuilt(element, type.elementType, leaves)))
    if kind == "map":
        for side, inner, change in (
            ("key", type.keyType, F.transform_keys),
            ("value", type.valueType, F.transform_values),
        ):
            below = {names[1:]: leaf for names, leaf in leaves.items() if names[0] == side}
            if below:
                column = change(column, _side(side, inner, below))
        return column
    fields = []
    for field in type.fields:
        below = {names[1:]: leaf for names, leaf in leaves.items() if names[0] == field.name}
        part: Column | None = column.getField(field.name)
        if below:
            part = rebuilt(column.getField(field.name), field.dataType, below)
        if part is not None:
            fields.append(part.alias(field.name))
    if not fields:
        raise ProtectionError("all fields of a struct are dropped by its policy: drop the struct itself")
    return F.when(column.isNotNull(), F.struct(*fields))


def made_by(deed: Deed) -> Make | None:
    """What a deed without a key makes; None when it drops the column."""
    rule = deed.rule
    if isinstance(rule, Drop):
        return None
    if isinstance(rule, Mask):
        return lambda column, type: _masked(as_text(column, type, deed), rule)
    if isinstance(rule, Generalize):
        return lambda column, type: _coarser(column, type, rule, deed)
    raise ValueError(f"{deed.action} is no expression of Spark's")


def as_text(column: Column, type: Any, deed: Deed) -> Column:
    """A column as text, as Spark casts it.

    Raises:
        ProtectionError: it is of a kind that has no text of its own.
    """
    kind = type.typeName()
    if kind in ("array", "map", "struct", "binary", "variant"):
        raise ProtectionError(
            f"the column {deed.column!r} is of type {type.simpleString()}, and can't be protected by {deed.action} as a whole: "
            "name the fields in it, or drop it"
        )
    return column if kind == "string" else column.cast("string")


def _side(side: str, inner: Any, below: Mapping[Names, Make | None]) -> Callable[[Column, Column], Column]:
    if side == "key":
        return lambda key, value: _kept(rebuilt(key, inner, below))
    return lambda key, value: _kept(rebuilt(value, inner, below))


def _kept(column: Column | None) -> Column:
    if column is None:
        raise ProtectionError("an element of an array or a map can't be dropped: drop the whole column")
    return column


def _masked(text: Column, rule: Mask) -> Column:
    from pyspark.sql import functions as F

    size, shown = F.length(text), rule.keep_first + rule.keep_last
    covered = F.repeat(F.lit(rule.cover), size - shown)
    first, last = F.substring(text, 1, rule.keep_first), F.substring(text, -rule.keep_last, rule.keep_last)
    parts = [first] * bool(rule.keep_first) + [covered] + [last] * bool(rule.keep_last)
    return F.when(size <= shown, F.repeat(F.lit(rule.cover), size)).otherwise(F.concat(*parts))


def _coarser(column: Column, type: Any, rule: Generalize, deed: Deed) -> Column:
    from pyspark.sql import functions as F

    kind, to = type.typeName(), rule.to
    fits = {"prefix": {"string", "varchar", "char"}, "band": _NUMBERS}.get(to, _TIMES)
    if kind not in fits:
        raise ProtectionError(
            f"the column {deed.column!r} is of type {type.simpleString()}, and has no {to}: that takes {', '.join(sorted(fits))}"
        )
    if to == "prefix":
        return F.substring(column, 1, rule.length or 0)
    if to == "band":
        width = rule.width or 1
        low = F.floor(column.cast("decimal(38,9)") / width) * width
        low = low.cast("decimal(38,0)")
        return F.concat(low.cast("string"), F.lit("-"), (low + width - 1).cast("decimal(38,0)").cast("string"))
    if to == "decade":
        year = F.year(column)
        return F.make_date(year - year % 10, F.lit(1), F.lit(1)).cast(type)
    return F.trunc(column, to) if kind == "date" else F.date_trunc(to, column).cast(type)
