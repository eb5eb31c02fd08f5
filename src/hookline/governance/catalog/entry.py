"""An entry of the catalog: all that is known of one dataset, in one place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from hookline.core.events import Column, Dataset, jsonable
from hookline.core.spark_types import inside
from hookline.core.store.records import CertificationStep

# How much a check counts in the quality score, by its severity.
WEIGHTS: Mapping[str, int] = {"info": 1, "warn": 2, "error": 4, "critical": 8}


@dataclass(frozen=True)
class Held:
    """Personal data that a column is known to hold.

    Attributes:
        inherited_from: the dataset and the column in which it was found, when that is another dataset.
    """

    entity: str
    confidence: float
    inherited_from: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class EntryColumn:
    """A column, or what is inside of one.

    Attributes:
        column: its path: ``a``, ``a.b``, ``a._element``, ``a.key``, ``a.value``.
        type: Spark's simple type string.
        null_share, distinct: by the last profile; None without one.
    """

    column: str
    type: str
    nullable: bool
    comment: str | None = None
    partition_key: bool = False
    holds: tuple[Held, ...] = ()
    null_share: float | None = None
    distinct: int | None = None


@dataclass(frozen=True)
class Judgement:
    """One check's word on one write."""

    check: str
    severity: str
    status: str


@dataclass(frozen=True)
class Quality:
    """What the checks said of the last published write that was judged.

    Attributes:
        score: 0 to 100: the share of checks that passed, each counted by its severity; None when all were skipped.
    """

    score: float | None
    judged_at: str
    failed: tuple[str, ...]
    checks: int


@dataclass(frozen=True)
class LastWrite:
    """The last write that readers can see."""

    write_id: str
    run_id: str
    job: str
    operation: str
    at: str
    rows: int | None
    bytes: int | None


@dataclass(frozen=True)
class Certification:
    """How a dataset stands.

    Attributes:
        state: draft, reviewed, certified or deprecated.
        breaks: the rules of certified datasets that it breaks now, in words.
    """

    state: str = "draft"
    breaks: tuple[str, ...] = ()
    steps: tuple[CertificationStep, ...] = ()


class Profiled(NamedTuple):
    """When its rows were profiled last, and how many there were."""

    at: str
    rows: int


@dataclass(frozen=True)
class CatalogEntry:
    """One dataset.

    Attributes:
        rows, bytes: of all of it, where that can be told from its writes or from Spark's catalog.
        fresh_s: seconds since its last write; None when nothing was written to it.
        lineage: where its lineage can be looked at: an address, or a command.
    """

    namespace: str
    name: str
    other_names: tuple[tuple[str, str], ...] = ()
    format: str | None = None
    location: str | None = None
    partition_by: tuple[str, ...] = ()
    columns: tuple[EntryColumn, ...] = ()
    schema_version: int | None = None
    owner: str | None = None
    description: str | None = None
    layer: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    bytes: int | None = None
    last_write: LastWrite | None = None
    fresh_s: float | None = None
    quality: Quality | None = None
    profile: Profiled | None = None
    scanned_at: str | None = None
    lineage: str = ""
    certification: Certification = field(default_factory=Certification)

    @property
    def dataset(self) -> Dataset:
        """As events have it."""
        return Dataset(self.namespace, self.name, self.format, self.other_names)

    @property
    def entities(self) -> frozenset[str]:
        """What personal data any of its columns hold."""
        return frozenset(held.entity for column in self.columns for held in column.holds)

    def document(self) -> dict[str, Any]:
        """For programs."""
        told = jsonable(asdict(self))
        told["other_names"] = [dict(zip(("namespace", "name"), one, strict=True)) for one in self.other_names]
        for column, shown in zip(self.columns, told["columns"], strict=True):
            for held, one in zip(column.holds, shown["holds"], strict=True):
                keys = ("namespace", "name", "column")
                came = held.inherited_from
                one["inherited_from"] = None if came is None else dict(zip(keys, came, strict=True))
        if self.profile is not None:
            told["profile"] = self.profile._asdict()
        return dict(told)


def flat(columns: Iterable[Column], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Column]]:
    """Columns and what is inside of them, by their paths."""
    for column in columns:
        place = (*path, column.name)
        yield ".".join(place), column
        yield from flat(inside(column)[0], place)


def quality_of(judgements: Iterable[Judgement], at: str) -> Quality:
    """The score: what passed among what was not skipped, each check weighed by its severity."""
    told = [one for one in judgements if one.status != "skipped"]
    passed = sum(WEIGHTS.get(one.severity, 1) for one in told if one.status == "passed")
    whole = sum(WEIGHTS.get(one.severity, 1) for one in told)
    failed = tuple(one.check for one in told if one.status != "passed")
    return Quality(round(100 * passed / whole, 1) if whole else None, at, failed, len(told))


def age_s(at: str, now: dt.datetime) -> float:
    """Seconds since a time in ISO 8601."""
    return max(0.0, (now - dt.datetime.fromisoformat(at)).total_seconds())
