"""What the store answers with. Times that are text are ISO 8601 in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from hookline.core.events import Column, ColumnLineage, PluginReport, Run, RunEnded, content_id
from hookline.core.store.documents import KeptColumns, kept_columns

Name = tuple[str, str]


@dataclass(frozen=True)
class RunRecord:
    """A run in a list."""

    run_id: str
    job: str
    status: str
    started_at: str | None
    duration_s: float | None
    overhead_s: float | None
    exit_code: int | None
    environment: str | None
    writes_total: int | None


class StoredRun(NamedTuple):
    """A run and its summary; while it goes on (status ``running``), the summary so far."""

    run: Run
    ended: RunEnded


class StoredWork(NamedTuple):
    """A published write, or what a run read and wrote nowhere.

    Attributes:
        write_id: empty of what was only read.
        at: when it was done.
        inputs: what it was made from, each (namespace, name).
        target: None of what was only read.
        rows: how many were written.
        opaque: why there may be more inputs.
        columns: those that were written.
        checks: how many passed and how many failed.
        lineage_id: see ``StoredLineage.columns_of``; None when nothing is known of where the columns came from.
    """

    write_id: str
    run_id: str
    job: str
    environment: str | None
    operation: str
    at: str
    inputs: tuple[Name, ...]
    target: Name | None
    rows: int | None = None
    opaque: str | None = None
    columns: tuple[Column, ...] = ()
    checks: tuple[int, int] = (0, 0)
    lineage_id: str | None = None


class StoredColumns(NamedTuple):
    """Where a job took the columns of ``target`` from; ``at``: when it last did so in this way."""

    target: Name
    lineage: ColumnLineage
    job: str
    operation: str
    at: str


@dataclass(frozen=True)
class StoredLineage:
    """What was made from what.

    Attributes:
        works: the latest last.
        other_names: of a dataset (namespace, name), such as a table's name in the catalog.
        documents: where columns came from, by the id that works name it by. Most works share theirs with others.
    """

    works: tuple[StoredWork, ...] = ()
    other_names: Mapping[Name, frozenset[str]] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict, repr=False)

    def columns_of(self, lineage_id: str) -> KeptColumns:
        """Where the columns of the works came from that name this id."""
        return kept_columns(self.documents[lineage_id])


@dataclass(frozen=True)
class SchemaVersion:
    """A dataset's columns from one write on, until they changed. ``version`` counts from 1; ``write_id`` is that write."""

    version: int
    columns: tuple[Column, ...]
    run_id: str
    first_seen_at: str
    last_seen_at: str
    write_id: str = ""


class Subject(NamedTuple):
    """What is measured again and again: a job's runs, or, with a dataset, its writes to it."""

    job: str
    environment: str | None = None
    namespace: str | None = None
    name: str | None = None

    @property
    def id(self) -> str:
        """What the store knows it by."""
        return content_id(*self)


class Measurement(NamedTuple):
    """The numbers of one run or write.

    Attributes:
        event_id: the write's id, or the run's.
        at: when it ended.
        good: whether it ended well.
        document: ``points`` (metric to number) and whatever else was kept: ``telemetry``, ``advice``, ``cost``.
    """

    event_id: str
    run_id: str
    subject: Subject
    at: str
    good: bool
    document: Mapping[str, Any]


class SeriesPoint(NamedTuple):
    """One number of a series: a run's or a write's own, or an hour's median once the day was folded.

    Attributes:
        weight: how many it stands for.
        run_id: empty of an hour.
    """

    at: str
    value: float
    weight: int = 1
    run_id: str = ""


class Dependant(NamedTuple):
    """A dataset made from another one, or a job that reads it or one that was made from it.

    Attributes:
        kind: "dataset" or "job"; a job has no namespace here.
        distance: how many steps away: a dataset made directly from it is 1, a job that reads it itself 0.
    """

    kind: str
    namespace: str
    name: str
    distance: int


class PastVerdict(NamedTuple):
    """What a check said of an earlier write."""

    status: str
    observed: str | None
    failing_rows: int | None


@dataclass(frozen=True)
class JudgedWrite:
    """An earlier write of a dataset, with what was said of it.

    Attributes:
        verdicts: by the check's name.
    """

    write_id: str
    run_id: str
    started_at: str
    published: bool
    rows: int | None
    rows_quarantined: int | None
    verdicts: Mapping[str, PastVerdict] = field(default_factory=dict)


class PastWrite(NamedTuple):
    """A published write of a dataset; ``observed``: the numbers that its checks saw, by their names."""

    write_id: str
    started_at: str
    rows: int | None
    observed: Mapping[str, float] = {}


class MadeBy(NamedTuple):
    """The write that made what a dataset held at a moment, and the job that did."""

    write_id: str
    job: str


class StoredProfile(NamedTuple):
    """What the rows of a published write looked like; ``document`` is the quality room's."""

    write_id: str
    run_id: str
    started_at: str
    rows: int
    document: Mapping[str, Any]


@dataclass(frozen=True)
class QuarantineRecord:
    """Rows that a published write set aside: ``quarantine`` and ``dataset`` are names with their namespaces."""

    quarantine: Name
    dataset: Name
    run_id: str
    write_id: str
    started_at: str | None
    rows: int


@dataclass(frozen=True)
class PluginRecord:
    """How a plugin fared in one run."""

    run_id: str
    job: str
    run_started_at: str | None
    report: PluginReport


@dataclass(frozen=True)
class Layout:
    """Where a dataset is, and how it is laid out.

    Attributes:
        namespace, name: the dataset's.
        seen_at: ISO 8601, UTC.
        location: a URI.
        table_name: its name in Spark's catalog, as Spark's parser reads it.
        partition_by: None where that is not known.
        columns: those that it had where it rested; None when only a write told of it.
        comments: those of Spark's catalog, by the column's path; the table's own under an empty path.
        rows, bytes: as Spark's catalog counts them.
    """

    namespace: str
    name: str
    seen_at: str
    format: str | None = None
    location: str | None = None
    table_name: str | None = None
    partition_by: tuple[str, ...] | None = None
    columns: tuple[Column, ...] | None = None
    comments: Mapping[str, str] | None = None
    rows: int | None = None
    bytes: int | None = None

    def payload(self) -> dict[str, Any]:
        """As a fact for the outbox."""
        return asdict(self)


@dataclass(frozen=True)
class Declared:
    """What people say of a dataset. ``comments`` are by the column's path."""

    namespace: str
    name: str
    changed_at: str
    owner: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CertificationStep:
    """A step of a dataset's certification: how it has been since then, who decided so and why.

    ``by_itself``: a rule broke, and nobody decided.
    """

    state: str
    at: str
    actor: str | None
    reason: str
    by_itself: bool = False
