"""Measures bound to the columns of a write: the column found, the type fit, the bounds in the column's domain."""

from __future__ import annotations

import dataclasses
import difflib
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from hookline.core.conditions import Condition, ConditionError, read_condition
from hookline.core.errors import HooklineError
from hookline.core.events import Column, Measure, Measured
from hookline.core.fuse.domain import Domain, UnfitError, convert, convert_bound, domain_of
from hookline.core.fuse.forms import form_of
from hookline.core.fuse.paths import ELEMENTS, Part, element_of, fields_of, is_repeated, steps_of
from hookline.core.fuse.patterns import Translation, explosive, for_java, translate
from hookline.core.fuse.portable import to_duckdb

CONDITIONAL = ("violations", "matching")
# Counts of rows, each of which can be told by itself whether it counts.
TESTS = ("nulls", "outside", "not_in", "unmatched", "malformed")
KEYED = ("duplicates", "distinct")
# What needs all rows in one place, or brought together by their values.
QUANTILES = ("quantile", "ranked")
SKETCHED = ("sketch", "relations")
WHOLE = (*KEYED, *QUANTILES, *SKETCHED, "entropy", "about_distinct", "orphans", "unordered")
# What looks at the rows as a frame, and at no column by itself.
FRAMED = ("returned", "examined")
_NEEDS = {
    "outside": "an ordered type",
    "unmatched": "a string",
    "malformed": "a string",
    "total": "a number",
    "variance": "a number",
    "correlation": "numbers",
    "quantile": "a number, a date or a timestamp",
    "ranked": "a number, a date or a timestamp",
    "order": "an integer, a decimal, a text, a date or a timestamp to go by",
}
# What the only column of a table of elements is called: no column of the data has this name, without case.
ELEMENT = "hookline element"
FILTERED = (*TESTS, *KEYED, "violations", "entropy", "about_distinct", "orphans", "unordered", "rejected")
_NONE = ("rows", "columns", "returned", *CONDITIONAL)
_MANY = (*KEYED, "orphans", "rejected", "unordered", "relations")


@dataclass(frozen=True)
class Bound:
    """A measure that fits the columns of a write.

    Attributes:
        columns: the columns as they are spelt in the data.
        low, high: an inclusive range in the domain; None is open.
        empty: the range holds no value of the type.
        members: the set's values in the domain, without NaN.
        names_nan: whether the set names NaN.
        condition, where: those of the measure, read.
        operands: what these two name, as it is written there, with the column that it is.
        partners: the columns of the other dataset, where one has been looked at.
    """

    measure: Measure
    columns: tuple[Column, ...] = ()
    low: Any = None
    high: Any = None
    empty: bool = False
    members: tuple[Any, ...] = ()
    names_nan: bool = False
    condition: Condition | None = None
    where: Condition | None = None
    operands: tuple[tuple[str, Column], ...] = ()
    partners: tuple[Column, ...] = ()

    @property
    def repeated(self) -> bool:
        """Whether it is about the elements of an array."""
        return any(is_repeated(column) for column in self.columns)

    @property
    def flattened(self) -> Bound:
        """The same measure of a table that has a row for each element, and nothing else."""
        return dataclasses.replace(self, columns=(Column(ELEMENT, self.column.type),), where=None, operands=())

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The measure's own columns, and those that its conditions name."""
        return tuple(dict.fromkeys((*self.columns, *(column for _, column in self.operands))))

    @property
    def portable(self) -> bool:
        """Whether its conditions mean the same in DuckDB; they can't fail then either."""
        columns = {name: (column.type, "x") for name, column in self.operands}
        conditions = (condition for condition in (self.condition, self.where) if condition is not None)
        return all(to_duckdb(condition, columns, lambda _: "?") is not None for condition in conditions)

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


ColumnsOf = Callable[[str], Sequence[Column]]


def resolve(
    measures: Iterable[Measure], columns: Sequence[Column], columns_elsewhere: ColumnsOf | None = None
) -> tuple[list[Measure], dict[Measure, Measured]]:
    """Which measures can be taken of data with these columns, and why the others can't; equal ones once.

    Asks the running Spark session, if there is one, whether names are case sensitive and whether Java compiles the
    patterns.

    Args:
        columns_elsewhere: the columns of another dataset; without it what other datasets have is left for later.
    """
    bound, errors = bind(measures, columns, columns_elsewhere)
    return [one.measure for one in bound], errors


def bind(
    measures: Iterable[Measure], columns: Sequence[Column], columns_elsewhere: ColumnsOf | None = None
) -> tuple[list[Bound], dict[Measure, Measured]]:
    """Each measure once: bound, or with the sentence that says why not."""
    measures = list(dict.fromkeys(measures))
    by_name = any(one.kind != "rows" or one.where is not None for one in measures)
    sensitive = by_name and _names_are_case_sensitive()
    bound: list[Bound] = []
    errors: dict[Measure, Measured] = {}
    for measure in measures:
        try:
            own = columns
            if measure.dataset is not None:
                own = () if columns_elsewhere is None else _elsewhere(measure.dataset, columns_elsewhere)
            if measure.dataset is not None and columns_elsewhere is None:
                bound.append(Bound(measure))
                continue
            bound.append(_bind_others(_bind(measure, own, sensitive), own, columns_elsewhere, sensitive))
        except UnfitError as error:
            errors[measure] = Measured(error=f"{measure}: {error}")
    return bound, errors


def _elsewhere(dataset: str, columns_elsewhere: ColumnsOf) -> Sequence[Column]:
    try:
        return columns_elsewhere(dataset)
    except HooklineError as error:
        raise UnfitError(str(error)) from None
    except Exception as error:  # noqa: BLE001 - a catalog or a file system that is away raises what it likes
        raise UnfitError(f"{dataset} can't be looked at ({type(error).__name__})") from None


def _bind_others(
    bound: Bound, columns: Sequence[Column], columns_elsewhere: ColumnsOf | None, sensitive: bool
) -> Bound:
    """With the columns of the dataset that the rows are compared with."""
    if bound.measure.kind == "returned" and columns_elsewhere is not None:
        for other in bound.measure.others:
            _elsewhere(other.dataset, columns_elsewhere)
    if bound.measure.kind != "orphans":
        return bound
    (other,) = bound.measure.others
    if other.dataset and columns_elsewhere is None:
        return bound
    theirs = _elsewhere(other.dataset, columns_elsewhere) if other.dataset and columns_elsewhere else columns
    try:
        partners = tuple(_find(name, theirs, sensitive) for name in other.columns)
    except UnfitError as error:
        raise UnfitError(f"in {other.dataset or 'the rows themselves'}, {error}") from None
    for mine, its in zip(bound.columns, partners, strict=True):
        _check_type(bound.measure.kind, its)
        if is_repeated(its):
            raise UnfitError(f"{its.name!r} stands for several values of a row, and can't be a key")
        if _kinship(mine) != _kinship(its):
            raise UnfitError(
                f"column {mine.name!r} is {mine.type} and {its.name!r} is {its.type}: they can't be compared exactly"
            )
    return dataclasses.replace(bound, partners=partners)


def _kinship(column: Column) -> tuple[str, int]:
    """Columns that are alike in this hold values that are equal when their numbers or bytes are."""
    domain = domain_of(column.type)
    return "double" if domain.floating else domain.kind, domain.scale


def _bind(measure: Measure, columns: Sequence[Column], sensitive: bool) -> Bound:
    query = measure.kind == "returned"
    condition, where = (
        None if text is None else _condition(part, text)
        for part, text in (("condition", None if query else measure.condition), ("where", measure.where))
    )
    if (condition is None) == (measure.kind in CONDITIONAL):
        raise UnfitError("its condition is missing" if condition is None else "it takes no condition")
    if measure.kind == "examined" and measure.function is None:
        raise UnfitError("it takes a function")
    if measure.kind in FRAMED:
        return Bound(measure)
    if where is not None and measure.kind not in FILTERED:
        raise UnfitError("it takes no where")
    names = dict.fromkeys((*(condition.columns if condition else ()), *(where.columns if where else ())))
    operands = tuple((name, _find(name, columns, sensitive)) for name in names)
    bound = _bind_columns(measure, columns, sensitive)
    return (
        dataclasses.replace(bound, condition=condition, where=where, operands=operands) if condition or where else bound
    )


def _condition(part: str, text: str) -> Condition:
    try:
        return read_condition(text)
    except ConditionError as error:
        raise UnfitError(f"its {part} can't be used: {error}") from None


def _bind_columns(measure: Measure, columns: Sequence[Column], sensitive: bool) -> Bound:
    found = tuple(_find(name, columns, sensitive) for name in measure.columns)
    expected = 0 if measure.kind in _NONE else 2 if measure.kind == "correlation" else 1
    if measure.kind not in _MANY and len(found) != expected:
        raise UnfitError(f"it takes {expected} column(s), not {len(found)}")
    if len(found) > 1 and any(map(is_repeated, found)):
        raise UnfitError(
            "a path with [] stands alone: the elements of an array belong to no one value of another column"
        )
    if measure.kind in SKETCHED and find_spec("datasketches") is None:
        raise UnfitError('it needs the package datasketches, which is not installed: pip install "hookline[quality]"')
    for index, column in enumerate(found):
        kind = "order" if measure.kind == "unordered" and index == 1 else measure.kind
        _check_type(kind, column, castable=(measure.pattern or "").startswith("castable:"))
    if measure.kind == "outside":
        return _bind_range(measure, found)
    if measure.kind == "not_in":
        return _bind_set(measure, found)
    if measure.kind == "unmatched":
        _check_pattern(measure.pattern)
    if measure.kind == "malformed":
        form_of(measure.pattern or "")
    if measure.kind == "rejected" and (measure.function is None or is_repeated(found[0])):
        raise UnfitError("it takes a function, and whole columns")
    return Bound(measure, found)


def _find(name: str, columns: Sequence[Column], sensitive: bool) -> Column:
    steps = None if any(column.name == name for column in columns) else steps_of(name)
    if steps is None:
        return _find_column(name, columns, sensitive)
    top = _find_column(steps[0], columns, sensitive)
    found, type_name = [top.name], top.type
    for step in steps[1:]:
        if step == ELEMENTS:
            element = element_of(type_name)
            if element is None:
                raise UnfitError(f"{'.'.join(found)!r} is {type_name}, and no array")
            type_name = element
        else:
            fields = [Column(field, kind) for field, kind in fields_of(type_name).items()]
            if not fields:
                raise UnfitError(f"{'.'.join(found)!r} is {type_name}, and has no fields")
            field = _find_column(step, fields, sensitive)
            step, type_name = field.name, field.type
        found.append(step)
    return Part(name, type_name, steps=tuple(found))


def _find_column(name: str, columns: Sequence[Column], sensitive: bool) -> Column:
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


def _check_type(kind: str, column: Column, *, castable: bool = False) -> None:
    domain = domain_of(column.type)
    fit = {
        "nulls": True,
        "outside": domain.kind not in ("other", "boolean"),
        "unmatched": domain.kind == "string",
        "malformed": domain.kind == "string" or (castable and domain.kind != "other"),
        "total": domain.numeric,
        "variance": domain.numeric,
        "correlation": domain.numeric,
        "quantile": domain.kind not in ("other", "boolean", "string"),
        "ranked": domain.kind not in ("other", "boolean", "string"),
        "order": domain.kind not in ("other", "boolean", "float", "double"),
        "rejected": True,
        "sketch": True,
    }.get(kind, domain.kind != "other")
    if not fit:
        needs = _NEEDS.get(kind, "a simple type")
        kind = "unordered" if kind == "order" else kind
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
    if translate(pattern) is None and explosive(pattern):
        raise UnfitError(
            "only Java can match its pattern, and might never end: repeat possessively, as in (?:\\p{L}++ ?+)*+, or without "
            "look-around, back references and Unicode classes, which RE2 does not have"
        )
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
