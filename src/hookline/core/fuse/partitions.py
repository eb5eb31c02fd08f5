"""Measures of partition columns: every row of a file has the same value, so counting files is counting rows."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

from hookline.core.events import Measured
from hookline.core.fuse.binding import KEYED, Bound
from hookline.core.fuse.domain import EXACT, Domain, days_of, domain_of, present
from hookline.core.fuse.patterns import for_java
from hookline.core.fuse.target import Target, WrittenFile

_PROVED = (*KEYED, "nulls", "outside", "not_in", "unmatched", "minimum", "maximum", "total")
_MOST_PATTERN_VALUES = 1000
_PLAIN_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")


class UnreadableValueError(ValueError):
    """A partition value that this module doesn't read exactly as Spark would."""


def partition_value(domain: Domain, raw: str | None) -> Any:
    """A raw partition value in the column's domain; None is null."""
    if raw is None:
        return None
    try:
        return _parse(domain, raw)
    except (ValueError, InvalidOperation):
        raise UnreadableValueError(domain.kind) from None


def key_of(file: WrittenFile, columns: Sequence[tuple[str, Domain]]) -> tuple[Any, ...] | None:
    """The file's values of these partition columns, or None when one is null."""
    values = tuple(partition_value(domain, file.partition.get(name)) for name, domain in columns)
    return None if None in values else tuple("nan" if value != value else value for value in values)


def prove_partition(bound: Bound, target: Target, rows: Sequence[int]) -> Measured | None:
    """A measure that is about partition columns only; None when a value can't be read here.

    Args:
        rows: rows per file.
    """
    files = target.files or ()
    if bound.measure.kind not in _PROVED:
        return None
    try:
        if bound.measure.kind in KEYED:
            columns = [(column.name, domain_of(column.type)) for column in bound.columns]
            keys: Counter[Any] = Counter()
            for file, count in zip(files, rows, strict=True):
                keys[key_of(file, columns)] += count
            counts = [count for key, count in keys.items() if key is not None and count]
            distinct = bound.measure.kind == "distinct"
            return Measured(len(counts) if distinct else sum(count for count in counts if count > 1), "proof")
        values: Counter[Any] = Counter()
        for file, count in zip(files, rows, strict=True):
            values[partition_value(bound.domain, file.partition.get(bound.column.name))] += count
        return _count(bound, values, target)
    except (UnreadableValueError, OverflowError):
        return None


def _count(bound: Bound, rows_of: Counter[Any], target: Target) -> Measured | None:
    kind, nulls = bound.measure.kind, rows_of.pop(None, 0)
    values = {value: count for value, count in rows_of.items() if count}
    if kind == "nulls":
        return Measured(nulls, "proof")
    if kind == "total":
        return Measured(_total(bound.domain, values), "proof")
    if kind in ("minimum", "maximum"):
        return Measured(_extreme(bound, [value for value in values if value == value]), "proof")
    if kind == "unmatched":
        fails = _unmatched(bound, list(values), target)
        return None if fails is None else Measured(sum(values[value] for value in fails), "proof")
    return Measured(sum(count for value, count in values.items() if _is_bad(bound, value)), "proof")


def _is_bad(bound: Bound, value: Any) -> bool:
    if bound.measure.kind == "outside":
        return not bound.holds(value)
    return not bound.names_nan if value != value else value not in bound.members


def _extreme(bound: Bound, values: list[Any]) -> Any:
    if not values:
        return None
    pick = min if bound.measure.kind == "minimum" else max
    best = pick(values, key=str.encode) if bound.domain.kind == "string" else pick(values)
    return present(bound.domain, best)


def _total(domain: Domain, values: dict[Any, int]) -> Any:
    if not values:
        return None
    if not domain.floating:
        with localcontext(EXACT):
            return present(domain, sum(value * count for value, count in values.items()))
    if any(math.isnan(value) for value in values):
        return math.nan
    infinite = {value for value in values if math.isinf(value)}
    if infinite:
        return infinite.pop() if len(infinite) == 1 else math.nan
    return math.fsum(value * count for value, count in values.items()) + 0.0


def _unmatched(bound: Bound, values: list[str], target: Target) -> list[str] | None:
    """The values that the pattern does not match, by Java's own engine."""
    jvm = getattr(getattr(target.spark, "sparkContext", None), "_jvm", None)
    if jvm is None or len(values) > _MOST_PATTERN_VALUES or bound.regex is None or not bound.regex.tame:
        return None
    pattern = jvm.java.util.regex.Pattern.compile(for_java(bound.measure.pattern or ""))
    return [value for value in values if not pattern.matcher(value).find()]


def _parse(domain: Domain, raw: str) -> Any:
    kind = domain.kind
    if kind == "string" and not domain.collated:
        return raw
    if kind == "int":
        return int(raw)
    if kind == "decimal":
        return Decimal(raw).quantize(Decimal(1).scaleb(-domain.scale), context=EXACT)
    if kind == "double":
        return float(raw.replace("Infinity", "inf")) + 0.0
    if kind == "boolean" and raw in ("true", "false"):
        return raw == "true"
    if kind == "date" and _PLAIN_DATE.match(raw):
        return days_of(dt.date.fromisoformat(raw))
    raise UnreadableValueError(kind)  # timestamps are written in a time zone that the path doesn't name
