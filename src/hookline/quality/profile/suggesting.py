"""Checks that a profile suggests, each with its reason, and how sure it is.

A bound is not where the data happens to end: it leaves room for what the next weeks bring, and none for what is of another
kind (a null where there was none, text in place of a number, a price a hundred times too high).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hookline.quality.profile.column import ColumnProfile
from hookline.quality.profile.model import Profile
from hookline.quality.profile.shapes import date_format_of, format_of, pattern_of

# Fewer values than this tell nothing about those to come.
ENOUGH = 100
_MANY = 1_000
_MOST_NULLS = 0.5
_MOST_CATEGORIES = 60
_EACH_SEEN = 30
_GROWS_WITH_TIME = 0.95
_NUMBERS = ("int", "decimal", "float", "double")
_TIMES = ("date", "timestamp", "timestamp_ntz")


@dataclass(frozen=True)
class Suggestion:
    """A check that may be worth having.

    Attributes:
        check: its entry in a suite, as YAML has it.
        reason: what in the profile speaks for it.
        confidence: from 0 to 1, how likely it is that good data to come passes.
    """

    check: Mapping[str, Any]
    reason: str
    confidence: float
    severity: str = "error"

    @property
    def entry(self) -> dict[str, Any]:
        """The entry, with its severity where that is not the usual one."""
        return {**self.check, **({} if self.severity == "error" else {"severity": self.severity})}


def suggest(profile: Profile) -> Iterator[Suggestion]:
    """Checks on the dataset as a whole, and on each column. Whoever uses them holds them against the data first.

    Args:
        profile: values of columns that may be written into a suite are in it, and digests of the others.
    """
    if not profile.rows:
        return
    yield Suggestion({"row_count": {"min": 1}}, f"there are {profile.rows:,} rows", 0.99)
    types = {column.name: column.type for column in profile.columns}
    yield Suggestion({"schema": {"columns": types}}, "these are the columns", 0.95)
    for column in profile.columns:
        if not column.error and column.rows >= ENOUGH:
            yield from _of_column(column, profile)
    yield from _keys(profile)
    for one, other in profile.relations.get("ordered", ()):
        told = f"{one} is never after {other} in a sample of {profile.relations['sampled']:,} rows"
        yield Suggestion({"compare": {"left": one, "operator": "<=", "right": other}}, told, 0.9)


def _of_column(column: ColumnProfile, profile: Profile) -> Iterator[Suggestion]:
    yield from _nulls(column)
    if column.values < ENOUGH:
        return
    if column.kind in _NUMBERS:
        yield from _numbers(column, grows=_grows(column, profile))
    elif column.kind in _TIMES:
        yield from _times(column)
    elif column.kind == "string":
        yield from _texts(column)
    yield from _categories(column)


def _sure(base: float, column: ColumnProfile) -> float:
    """What so many values without an exception leave open is three of their number, at most."""
    return round(base * (1 - 3 / max(column.values, 4)), 3)


def _nulls(column: ColumnProfile) -> Iterator[Suggestion]:
    if not column.nulls:
        yield Suggestion({"completeness": column.name}, f"none of {column.rows:,} rows is null", _sure(0.98, column))
        return
    share = column.nulls / column.rows
    if share <= _MOST_NULLS:
        least = math.floor(100 * (1 - min(0.95, 1.5 * share + 0.03))) / 100
        told = f"{share:.2%} of the rows are null"
        yield Suggestion(
            {"completeness": {"column": column.name, "min_share": least}}, told, _sure(0.9, column), "warn"
        )


def _numbers(column: ColumnProfile, *, grows: bool) -> Iterator[Suggestion]:
    least, greatest = (None if end is None else float(end) for end in (column.state["least"], column.state["greatest"]))
    if least is None or greatest is None or not (math.isfinite(least) and math.isfinite(greatest)):
        return
    room = max(abs(greatest), abs(least), 1.0)
    low: float = 0 if least >= 0 else -nice(room * 2 if least < -room / 2 else abs(least) * 2)
    options: dict[str, Any] = {"column": column.name, "min": _written(low)}
    told = f"all values lie between {column.state['least']} and {column.state['greatest']}"
    if grows:
        told += ", and grow with time: there is no upper end"
    else:
        options["max"] = _written(nice(greatest * 2) if greatest > 0 else 0)
    yield Suggestion({"range": options}, told, _sure(0.93, column))
    mean, deviation = column.mean, column.deviation
    if grows or column.values < _MANY or mean is None or not deviation or _names_things(column):
        return
    middle = abs(mean)
    if middle > deviation / 50:
        ends = sorted(
            (mean - middle * 0.6, mean + middle * 1.5) if mean > 0 else (mean - middle * 1.5, mean + middle * 0.6)
        )
        check = {"column": column.name, "min": _rounded(ends[0]), "max": _rounded(ends[1])}
        yield Suggestion({"mean": check}, f"the mean is {mean:.4g}", _sure(0.8, column), "warn")


def _names_things(column: ColumnProfile) -> bool:
    """Whether its numbers are names: of people, products, months. Their mean says nothing."""
    name = column.name.lower()
    return column.kind == "int" and name.endswith(("id", "_key", "_no", "_nr", "code", "number"))


def _grows(column: ColumnProfile, profile: Profile) -> bool:
    times = {one.name for one in profile.columns if one.kind in _TIMES}
    found = (
        abs(value)
        for names, value in profile.correlations.items()
        if column.name in names and times & (set(names) - {column.name})
    )
    return max(found, default=0.0) >= _GROWS_WITH_TIME


def _times(column: ColumnProfile) -> Iterator[Suggestion]:
    least = column.least
    if least is None or least.year <= 1:
        return
    start = f"{max(1, least.year - 1):04d}-01-01"
    told = f"the earliest is of {least.year}"
    yield Suggestion({"range": {"column": column.name, "min": start}}, told, _sure(0.9, column))


def _texts(column: ColumnProfile) -> Iterator[Suggestion]:
    state = column.state
    if not state["empty"] and not state["blank"]:
        yield Suggestion({"not_blank": column.name}, "no text is empty or blank", _sure(0.97, column))
    shortest, longest = state["shortest"], state["longest"]
    if shortest == longest:
        check = {"column": column.name, "min": longest, "max": longest}
        yield Suggestion({"length": check}, f"every text has {longest} characters", _sure(0.93, column))
    else:
        digits = all(set(shape) <= {"9"} for shape, _ in column.shapes)
        most = longest + (1 if digits else max(5, longest // 2))
        told = f"texts have {shortest} to {longest} characters"
        yield Suggestion(
            {"length": {"column": column.name, "max": most}}, told, _sure(0.9, column), "error" if digits else "warn"
        )
    written, format_name = date_format_of(column.shapes, state["shaped"]), format_of(state["formats"], state["shaped"])
    if written is not None:
        check = {"column": column.name, "pattern": written}
        yield Suggestion(
            {"date_format": check}, "all texts looked at are dates or times of this form", _sure(0.95, column)
        )
    elif format_name is not None:
        check = {"column": column.name, "format": format_name}
        yield Suggestion({"format": check}, f"all texts looked at are written as {format_name}", _sure(0.93, column))
    elif (pattern := pattern_of(column.shapes, state["shaped"])) is not None and (column.distinct or 0) > 1:
        told = f"all {state['shaped']:,} texts looked at have one of {len(column.shapes)} shapes"
        yield Suggestion({"pattern": {"column": column.name, "regex": pattern}}, told, _sure(0.88, column))


def _categories(column: ColumnProfile) -> Iterator[Suggestion]:
    """Few values, each of them often: new ones are news. Which ones they are is said only where that may be told."""
    counts = column.counts
    if not column.complete or not 1 < len(counts) <= _MOST_CATEGORIES or column.kind not in ("string", "int"):
        return
    if column.values / len(counts) < _EACH_SEEN or (
        column.kind == "int" and (len(counts) > 12 or counts[-1][1] < _EACH_SEEN)
    ):
        return
    # How likely the next value is a new one: by Good and Turing, as likely as one that was seen once.
    unseen = sum(1 for _, count in counts if count == 1) / column.values
    told = f"{len(counts)} different values, each {column.values / len(counts):,.0f} times on average"
    if counts[0][0].startswith("#"):
        most = math.ceil(len(counts) * 1.25) + 1
        check = {"columns": column.name, "max": most}
        yield Suggestion({"distinct_count": check}, told, _sure(0.9, column), "warn")
        return
    values = [int(value) if column.kind == "int" else value for value, _ in counts]
    entry: dict[str, Any] = {"set": {"column": column.name, "values": sorted(values)}}
    rare = counts[-1][1] < _EACH_SEEN
    if rare:  # where some are rare there will be others: a handful of rows is borne
        entry["tolerance"] = 0.001
    yield Suggestion(entry, told, _sure((0.85 if rare else 0.92) * (1 - min(0.5, unseen * 100)), column))


def _keys(profile: Profile) -> Iterator[Suggestion]:
    """Keys of the sample that may be keys of all rows: the fewest columns first, and one of several only."""
    sampled = profile.relations["sampled"]
    by_name = {column.name: column for column in profile.columns}
    single: list[list[str]] = []
    double: list[list[str]] = []
    for key in profile.relations["keys"]:
        kinds = {by_name[name].kind for name in key if name in by_name}
        if kinds <= {"int", "string"} and len(kinds):
            (single if len(key) == 1 else double).append(key)
    for key in single:
        column = by_name[key[0]]
        if (column.distinct or 0) >= 0.95 * column.values:
            yield Suggestion({"unique": key[0]}, f"no value twice in a sample of {sampled:,} rows", _sure(0.95, column))
    if not single:
        for key in sorted(double, key=lambda key: -sum(_names_things(by_name[name]) for name in key)):
            yield Suggestion({"unique": key}, f"no pair twice in a sample of {sampled:,} rows", 0.9)


def nice(number: float) -> float:
    """The next number with one or two digits that is not below: 840 to 900, 17,959 to 18,000."""
    if number <= 0:
        return 0
    unit = Decimal(10) ** (Decimal(repr(number)).adjusted() - 1)
    return float(math.ceil(Decimal(repr(number)) / unit) * unit)


def _written(number: float) -> int | float:
    return int(number) if float(number).is_integer() else number


def _rounded(number: float) -> int | float:
    return _written(float(f"{number:.3g}"))


def holding(found: list[tuple[Suggestion, bool]]) -> Iterator[Suggestion]:
    """Those that hold on the data; of keys of several columns, and of what is said twice, the first that does."""
    said = set()
    for suggestion, holds in found:
        check = suggestion.check
        once = "a key" if isinstance(check.get("unique"), list) else repr(check.get("references", ""))
        if holds and once not in said:
            yield suggestion
            said |= {once} - {repr("")}
