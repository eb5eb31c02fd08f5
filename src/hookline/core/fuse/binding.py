"""Measures bound to the columns of a write: the column found, the type fit, the bounds in the column's domain."""

from __future__ import annotations

import difflib
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hookline.core.events import Column, Measure, Measured
from hookline.core.fuse.domain import Domain, UnfitError, convert, convert_bound, domain_of
from hookline.core.fuse.patterns import Translation, for_java, translate


@dataclass(frozen=True)
class Bound:
    """A measure that fits the columns of a write.

    Attributes:
        columns: the columns as they are spelt in the data.
        low, high: an inclusive range in the domain; None is open.
        empty: the range holds no value of the type.
        members: the set's values in the domain, without NaN.
        names_nan: whether the set names NaN.
    """

    measure: Measure
    columns: tuple[Column, ...] = ()
    low: Any = None
    high: Any = None
    empty: bool = False
    members: tuple[Any, ...] = ()
    names_nan: bool = False

    @property
    def column(self) -> Column:
        """The only, or first, column."""
        return self.columns[0]

    @property
    def domain(self) -> Domain:
        """The domain of ``column``."""
        return domain_of(self.column.type)

    @property
    def regex(self) -> Translation | None:
        """The pattern for RE2, when it is portable."""
        return translate(self.measure.pattern or "")

    def holds(self, value: Any) -> bool:
        """Whether a non-null value of the domain is inside the range."""
        if self.empty or (isinstance(value, float) and math.isnan(value)):
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


def resolve(measures: Iterable[Measure], columns: Sequence[Column]) -> tuple[list[Measure], dict[Measure, Measured]]:
    """Which measures can be taken of data with these columns, and why the others can't; equal ones once.

    Asks the running Spark session, if there is one, whether names are case sensitive and whether Java compiles the
    patterns.
    """
    bound, errors = bind(measures, columns)
    return [one.measure for one in bound], errors


def bind(measures: Iterable[Measure], columns: Sequence[Column]) -> tuple[list[Bound], dict[Measure, Measured]]:
    """Each measure once: bound, or with the sentence that says why not."""
    sensitive = _names_are_case_sensitive()
    bound: list[Bound] = []
    errors: dict[Measure, Measured] = {}
    for measure in dict.fromkeys(measures):
        try:
            bound.append(_bind(measure, columns, sensitive))
        except UnfitError as error:
            errors[measure] = Measured(error=f"{measure}: {error}")
    return bound, errors


def _bind(measure: Measure, columns: Sequence[Column], sensitive: bool) -> Bound:
    found = tuple(_find(name, columns, sensitive) for name in measure.columns)
    expected = 0 if measure.kind == "rows" else 1
    if measure.kind != "duplicates" and len(found) != expected:
        raise UnfitError(f"it takes {expected} column(s), not {len(found)}")
    for column in found:
        _check_type(measure.kind, column)
    if measure.kind == "outside":
        return _bind_range(measure, found)
    if measure.kind == "not_in":
        return _bind_set(measure, found)
    if measure.kind == "unmatched":
        _check_pattern(measure.pattern)
    return Bound(measure, found)


def _find(name: str, columns: Sequence[Column], sensitive: bool) -> Column:
    same = [column for column in columns if column.name == name]
    if not same and not sensitive:
        same = [column for column in columns if column.name.lower() == name.lower()]
    if len(same) == 1:
        return same[0]
    if same:
        raise UnfitError(f"the column name {name!r} is ambiguous; write it as it is spelt in the data")
    near = difflib.get_close_matches(name.lower(), [column.name.lower() for column in columns], 1)
    spelt = next((column.name for column in columns if near and column.name.lower() == near[0]), None)
    hint = f"; did you mean {spelt!r}?" if spelt else f"; it has {', '.join(c.name for c in columns[:20]) or 'none'}"
    raise UnfitError(f"the data has no column {name!r}{hint}")


def _check_type(kind: str, column: Column) -> None:
    domain = domain_of(column.type)
    fit = {
        "nulls": True,
        "outside": domain.kind not in ("other", "boolean"),
        "unmatched": domain.kind == "string",
        "total": domain.numeric,
    }.get(kind, domain.kind != "other")
    if not fit:
        needs = {"outside": "an ordered type", "unmatched": "a string", "total": "a number"}.get(kind, "a simple type")
        raise UnfitError(f"column {column.name!r} is {column.type}, and {kind} needs {needs}")


def _bind_range(measure: Measure, found: tuple[Column, ...]) -> Bound:
    domain = domain_of(found[0].type)
    try:
        low, high = (
            None if value is None else convert_bound(domain, value, lower=lower)
            for value, lower in ((measure.minimum_value, True), (measure.maximum_value, False))
        )
    except UnfitError as error:
        raise UnfitError(f"a bound does not fit column {found[0].name!r} ({found[0].type}): {error}") from None
    empty = low is not None and high is not None and low > high
    if domain.limits:
        least, most = domain.limits
        empty = empty or (low is not None and low > most) or (high is not None and high < least)
        low = None if low is not None and low <= least else low
        high = None if high is not None and high >= most else high
    return Bound(measure, found, low=None if empty else low, high=None if empty else high, empty=empty)


def _bind_set(measure: Measure, found: tuple[Column, ...]) -> Bound:
    domain = domain_of(found[0].type)
    try:
        values = [convert(domain, value) for value in measure.values if not _is_nan(value) or not domain.floating]
    except UnfitError as error:
        raise UnfitError(f"a value does not fit column {found[0].name!r} ({found[0].type}): {error}") from None
    if domain.limits:
        values = [value for value in values if domain.limits[0] <= value <= domain.limits[1]]
    names_nan = domain.floating and any(_is_nan(value) for value in measure.values)
    return Bound(measure, found, members=tuple(dict.fromkeys(values)), names_nan=names_nan)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _check_pattern(pattern: str | None) -> None:
    if pattern is None:
        raise UnfitError("it has no pattern")
    jvm = _jvm()
    problem = _java_problem(pattern) if jvm is not None and translate(pattern) is None else None
    if problem:
        raise UnfitError(f"Java does not compile the pattern: {problem}")


@lru_cache(maxsize=1024)
def _java_problem(pattern: str) -> str | None:
    """What java.util.regex says against the pattern; None when it compiles."""
    jvm = _jvm()
    for text in (pattern, for_java(pattern)):
        try:
            jvm.java.util.regex.Pattern.compile(text)
        except Exception as error:  # noqa: BLE001 - py4j raises its own types for whatever Java threw
            java = getattr(error, "java_exception", None)
            return type(error).__name__ if java is None else str(java.getDescription())
    return None


def _names_are_case_sensitive() -> bool:
    if "pyspark" not in sys.modules:
        return False
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    return session is not None and session.conf.get("spark.sql.caseSensitive") == "true"


def _jvm() -> Any:
    if "pyspark" not in sys.modules:
        return None
    from pyspark import SparkContext

    return getattr(SparkContext._active_spark_context, "_jvm", None)
