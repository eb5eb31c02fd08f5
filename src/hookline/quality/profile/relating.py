"""Checks that more than one write or dataset speaks for: keys that another dataset knows, and rows that come in time."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hookline.core.errors import ConfigError
from hookline.core.events import Column
from hookline.core.fuse.domain import domain_of
from hookline.quality.profile.model import Profile
from hookline.quality.profile.suggesting import Suggestion

_TIMES = ("date", "timestamp", "timestamp_ntz")
_KEYS = ("int", "string", *_TIMES)
# So few rows with an unknown key are what sources have by themselves; more is a catalogue that is not this one.
_BORNE = 0.01
# Fewer writes tell nothing of those to come.
ENOUGH_WRITES = 5
_LATE_SHARE = 0.01
# What is older than this when it is written is no time of what the write is about: a birthday, a table written anew.
_OLDEST_S = 45 * 86400
_GROWN = 1.2
_HOUR_S, _DAY_S = 3600, 86400


@dataclass(frozen=True)
class Reference:
    """A column of another dataset that holds all there are: a catalogue's key.

    Attributes:
        dataset: a path, or a table's name.
    """

    dataset: str
    column: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """``DATASET:COLUMN``.

        Raises:
            ConfigError: it is not that.
        """
        dataset, _, column = text.rpartition(":")
        if not dataset or not column or "/" in column:
            raise ConfigError("a reference is DATASET:COLUMN, such as lake/products:product_id")
        return cls(dataset, column)

    def found_in(self, columns: Sequence[Column]) -> Column:
        """The column, among those of the dataset.

        Raises:
            ConfigError: it is not there.
        """
        found = next((one for one in columns if one.name.lower() == self.column.lower()), None)
        if found is None:
            known = ", ".join(one.name for one in columns[:20])
            raise ConfigError(f"{self.dataset} has no column {self.column!r}; it has {known}")
        return found

    def suggest(self, column: Column, profile: Profile) -> Iterator[Suggestion]:
        """For each column that is named after this one and holds such values: that all of them are known, or nearly all."""
        kind = domain_of(column.type).kind
        for one in profile.columns:
            if (
                one.error
                or not one.values
                or one.kind != kind
                or kind not in _KEYS
                or not _is_named_after(one.name, column)
            ):
                continue
            check = {"references": {"columns": one.name, "dataset": self.dataset, "to": column.name}}
            told = f"values of {one.name} are values of {column.name} of {self.dataset}"
            yield Suggestion(check, f"all {told}", 0.9)
            yield Suggestion({**check, "tolerance": _BORNE}, f"all but a few {told}", 0.8)


def _is_named_after(name: str, column: Column) -> bool:
    mine, theirs = name.lower(), column.name.lower()
    return mine == theirs or mine.endswith(f"_{theirs}")


def arrivals(writes: Sequence[tuple[dt.datetime, Profile]]) -> Iterator[Suggestion]:
    """How old rows may be when they are written, from when they were so far.

    Args:
        writes: when each began, and the profile of its rows; oldest first.
    """
    if len(writes) < ENOUGH_WRITES:
        return
    for column in writes[-1][1].columns:
        ages = [age for at, profile in writes if (age := _ages(column.name, at, profile)) is not None]
        if column.kind not in _TIMES or len(ages) < ENOUGH_WRITES:
            continue
        newest, oldest = ([age[place] for age in ages] for place in (0, 1))
        told = f"so it was in {len(ages)} writes"
        if _is_steady(newest):
            bound = _bound(newest)
            fresh = {"freshness": {"column": column.name, "max_age": bound}}
            yield Suggestion(fresh, f"the newest row was at most {_hours(max(newest))} old: {told}", 0.85, "warn")
        if _is_steady(oldest):
            bound = _bound(oldest)
            late = {"latency": {"column": column.name, "max_age": bound, "quantile": 1 - _LATE_SHARE}}
            yield Suggestion(late, f"99 % of the rows were at most {_hours(max(oldest))} old: {told}", 0.85, "warn")


def _ages(name: str, at: dt.datetime, profile: Profile) -> tuple[float, float] | None:
    """Of the newest row, and the age that all but a few rows do not exceed; in seconds."""
    column = profile.column(name)
    if column is None or column.kind not in _TIMES or column.sketch is None:
        return None
    early, late = column.quantiles([_LATE_SHARE])[0], float(column.state["greatest"])
    moment = (at if at.tzinfo else at.replace(tzinfo=dt.timezone.utc)).timestamp()
    if column.kind == "date":  # the last moment of its day for what is fresh, and the first one for what is late
        return moment - (late + 1) * _DAY_S, moment - early * _DAY_S
    return moment - late / 1e6, moment - early / 1e6


def _is_steady(ages: Sequence[float]) -> bool:
    """Whether rows come like that each time: none is of a time to come, or long gone, and they do not get older and older."""
    half = len(ages) // 2
    growing = max(ages[half:]) > _GROWN * max(max(ages[:half]), _HOUR_S)
    return min(ages) > -_DAY_S and max(ages) <= _OLDEST_S and not growing


def _bound(ages_s: Sequence[float]) -> str:
    """A quarter more than the greatest age, or twice as far as they lie apart; in hours, or days where there are several."""
    most = max(0.0, *ages_s)
    hours = max(1, math.ceil((most + max(most / 4, 2 * (most - min(ages_s)))) / _HOUR_S))
    return f"{hours}h" if hours <= 48 else f"{math.ceil(hours / 24)}d"


def _hours(age_s: float) -> str:
    return f"{max(age_s, 0) / _HOUR_S:.1f} h"
