"""The profile of a dataset: made of measures, merged, and kept as a document."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from hookline.core.events import Column, Measure, Measured, jsonable
from hookline.core.fuse.domain import domain_of
from hookline.core.fuse.relation_task import NOTHING_RELATED
from hookline.core.fuse.sketches import State, correlations, merge, merge_relations
from hookline.quality.profile.column import QUANTILES, ColumnProfile

_NUMBERS = ("rows", "nulls", "nan", "infinite", "zeros", "negatives", "true", "empty", "blank", "shortest", "longest")
_MOST_LISTED = 20


@dataclass(frozen=True)
class Profile:
    """What is known of a dataset's rows.

    Attributes:
        relations: how columns hang together in a sample.
    """

    rows: int
    columns: tuple[ColumnProfile, ...]
    relations: State = field(default_factory=lambda: NOTHING_RELATED, repr=False)

    def column(self, name: str) -> ColumnProfile | None:
        """A column by its name."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def correlations(self) -> dict[tuple[str, str], float]:
        """Of pairs of columns with numbers, in the sample."""
        return correlations(self.relations)

    def kept(self, shown: Collection[str] = ()) -> Profile:
        """As it may be kept and told: values of columns that match one of these globs, and of no others."""
        columns = tuple(
            column.kept(shown=any(fnmatchcase(column.name, pattern) for pattern in shown)) for column in self.columns
        )
        return dataclasses.replace(self, columns=columns)

    def as_json(self) -> dict[str, Any]:
        """JSON-ready values, with the sketches behind them."""
        found = {"rows": self.rows, "columns": [_column(column) for column in self.columns]}
        pairs = sorted(self.correlations.items(), key=lambda pair: -abs(pair[1]))
        relations = {
            "sampled_rows": self.relations["sampled"],
            "candidate_keys": self.relations["keys"],
            "dependencies": [{"column": one, "decides": other} for one, other in self.relations["decides"]],
            "correlations": [{"columns": list(names), "coefficient": value} for names, value in pairs],
        }
        return {**found, "relations": relations, "sketches": self.document()}

    def document(self) -> dict[str, Any]:
        """All of it, as ``from_document`` reads it."""
        columns = [[column.name, column.type, jsonable(column.state), column.error] for column in self.columns]
        return {"rows": self.rows, "columns": columns, "relations": jsonable(self.relations)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Profile:
        """What ``document`` made."""
        columns = tuple(
            ColumnProfile(name, type, _read(state), error) for name, type, state, error in document["columns"]
        )
        return cls(document["rows"], columns, document["relations"])


def _read(state: Mapping[str, Any]) -> State:
    """JSON has no infinities: they come as their names."""
    numbers = state.get("kind") in ("float", "double")
    return {
        name: float(value)
        if numbers and name in ("least", "greatest", "mean", "squares") and isinstance(value, str)
        else value
        for name, value in state.items()
    }


def measures_for(columns: Sequence[Column], *, by_partition: bool = False) -> list[Measure]:
    """What a profile of these columns needs."""
    simple = [column.name for column in columns if domain_of(column.type).kind != "other"]
    found = [Measure.sketch(column.name, by_partition=by_partition) for column in columns]
    return [*found, Measure.relations(*simple)] if simple else found


def profile_of(
    columns: Sequence[Column], results: Mapping[Measure, Measured], *, by_partition: bool = False
) -> Profile:
    """The profile that measures make."""
    found = []
    for column in columns:
        measure = Measure.sketch(column.name, by_partition=by_partition)
        measured = results.get(measure, Measured(error="it was not measured"))
        state = {name: value for name, value in (measured.value or {}).items() if name != "parts"}
        found.append(ColumnProfile(column.name, column.type, state, measured.error or ""))
    related = [value.value for measure, value in results.items() if measure.kind == "relations" and value.ok]
    rows = max((column.rows for column in found), default=0)
    return Profile(rows, tuple(found), related[0] if related else NOTHING_RELATED)


def parts_of(columns: Sequence[Column], results: Mapping[Measure, Measured]) -> dict[str, Profile]:
    """The profile of each partition, of the columns that its files hold."""
    found: dict[str, list[ColumnProfile]] = {}
    for column in columns:
        measured = results.get(Measure.sketch(column.name, by_partition=True))
        for part, state in (measured.value or {}).get("parts", {}).items() if measured is not None else ():
            found.setdefault(part, []).append(ColumnProfile(column.name, column.type, state, state.get("error", "")))
    return {part: Profile(max(one.rows for one in own), tuple(own)) for part, own in found.items()}


def merged(profiles: Sequence[Profile]) -> Profile:
    """The profile of all their rows; of the columns that all of them have, with one type."""
    first, *others = profiles
    columns = []
    for column in first.columns:
        same = [column, *(other.column(column.name) for other in others)]
        known = [one for one in same if one is not None and one.type == column.type and not one.error]
        if len(known) == len(same):
            columns.append(ColumnProfile(column.name, column.type, merge([one.state for one in known])))
    relations = merge_relations([profile.relations for profile in profiles])
    return Profile(sum(profile.rows for profile in profiles), tuple(columns), relations)


def _column(column: ColumnProfile) -> dict[str, Any]:
    """What a column's sketch tells, in plain numbers."""
    found: dict[str, Any] = {"column": column.name, "type": column.type}
    if column.error:
        return found | {"error": column.error}
    found |= {name: column.state[name] for name in _NUMBERS if name in column.state}
    found |= {"distinct": column.distinct, "distinct_exact": column.complete}
    told = {"min": column.least, "max": column.greatest, "mean": column.mean, "stddev": column.deviation}
    found |= {name: jsonable(value) for name, value in told.items()}
    quantiles = zip(QUANTILES, column.quantiles(), strict=False)
    found["quantiles"] = {str(fraction): jsonable(column.told(value)) for fraction, value in quantiles}
    found["histogram"] = [
        [jsonable(column.told(low)), jsonable(column.told(high)), n] for low, high, n in column.histogram()
    ]
    found["top"] = [list(pair) for pair in column.counts[:_MOST_LISTED]]
    found["shapes"] = [list(pair) for pair in column.shapes[:_MOST_LISTED]]
    return found
