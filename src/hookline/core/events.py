"""What happened, as frozen dataclasses: the only things that hooks are handed.

Times are UTC, durations seconds (``_s``), sizes bytes (``_bytes`` or ``bytes``). Dataset names follow OpenLineage's naming
(https://openlineage.io/docs/spec/naming). No event carries a row value, a key or a credential, but for two fields of ``Write``
that ``as_dict`` leaves out; an error is its type and, where Spark gives one, its error condition, never its text.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import getpass
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, Literal

from hookline.core.telemetry import RunTelemetry, Telemetry

Severity = Literal["info", "warn", "error", "critical"]
VerdictStatus = Literal["passed", "failed", "error", "skipped"]
RunStatus = Literal["running", "finished", "failed", "refused", "abandoned"]
Engine = Literal["spark", "python"]
Way = Literal["proof", "vectorised", "observe", "spark", "none"]
Breaker = Literal["on", "audit", "quarantine", "publish"]
Operation = Literal[
    "append",
    "overwrite",
    "create",
    "replace",
    "insert",
    "merge",
    "update",
    "delete",
    "ignore",
    "errorifexists",
    "unknown",
]
MeasureKind = Literal[
    "rows",
    "nulls",
    "outside",
    "not_in",
    "unmatched",
    "violations",
    "matching",
    "duplicates",
    "distinct",
    "minimum",
    "maximum",
    "total",
    "columns",
    "variance",
    "quantile",
    "correlation",
    "entropy",
    "about_distinct",
    "orphans",
    "unordered",
    "malformed",
    "rejected",
    "returned",
    "ranked",
    "examined",
    "sketch",
    "relations",
]
# Those that count rows one by one, so that the rows can be told apart.
ROW_KINDS: frozenset[MeasureKind] = frozenset(
    {"nulls", "outside", "not_in", "unmatched", "malformed", "rejected", "violations", "duplicates"}
)
Order = Literal["increasing", "decreasing", "strictly increasing", "strictly decreasing"]
# Of a field that must not leave the process: it may hold values of rows.
_STAYS: Mapping[str, bool] = {"leaves": False}
Partition = tuple[tuple[str, str | None], ...]
Scalar = str | int | float | bool | Decimal | dt.date | dt.datetime


def utc_now() -> dt.datetime:
    """The present moment, aware, in UTC."""
    return dt.datetime.now(dt.timezone.utc)


@dataclass(frozen=True)
class Dataset:
    """A table, a path or a topic, named as OpenLineage names it.

    Attributes:
        namespace: where it is: ``file``, ``s3://bucket``, ``postgres://host:5432`` …
        name: what it is there: a path, ``database.schema.table``, a topic.
        format: Spark's short name of the data source (``parquet``, ``delta`` …), when known.
        symlinks: other names of the same data, as (namespace, name), such as a table's name in the catalog.
    """

    namespace: str
    name: str
    format: str | None = field(default=None, compare=False)
    symlinks: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name.lstrip('/')}" if self.namespace != "file" else self.name

    def matches(self, *patterns: str) -> bool:
        """Whether its name, with or without its namespace, or another of its names fits one of these: ``*`` crosses slashes."""
        names = {self.name, str(self), *(name for _, name in self.symlinks)}
        return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


@dataclass(frozen=True)
class Column:
    """A column: its name, Spark's simple type string (``decimal(10,2)``), and whether it may be null.

    Attributes:
        fields: what is inside: a struct's fields, an array's ``_element``, a map's ``key`` and ``value``, as OpenLineage
            calls them. The type names them as well, except for whether they may be null.
    """

    name: str
    type: str
    nullable: bool = True
    fields: tuple[Column, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class ErrorInfo:
    """An error without its text, which may quote data: the class, and Spark's error condition where there is one."""

    type: str
    condition: str | None = None

    @property
    def is_refusal(self) -> bool:
        """Whether it is a gate's; the class comes with its module."""
        return self.type.rpartition(".")[2] == "WriteRefusedError"


@dataclass(frozen=True)
class Read:
    """A dataset that a query or a write takes data from.

    Attributes:
        bytes, files: how large it is, where that was known without looking.
    """

    dataset: Dataset
    columns: tuple[Column, ...] = ()
    bytes: int | None = field(default=None, compare=False)
    files: int | None = field(default=None, compare=False)


class Statement:
    """The SQL text of a write. It may hold values of rows, so nothing shows it by accident: who wants it asks for ``text``."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "Statement(…)"

    def __reduce__(self) -> tuple[type[Statement], tuple[str]]:
        return (Statement, ("",))  # a copy that leaves the process has no text


LineageKind = Literal["DIRECT", "INDIRECT"]
Transformation = Literal[
    "IDENTITY",
    "TRANSFORMATION",
    "AGGREGATION",
    "JOIN",
    "GROUP_BY",
    "FILTER",
    "SORT",
    "WINDOW",
    "CONDITIONAL",
]


@dataclass(frozen=True)
class ColumnInput:
    """A column that something was made from, as OpenLineage's column lineage facet tells it.

    Attributes:
        column: its name; a field of a struct as ``column.field``.
        masking: whether the value can't be told from the result (a hash, a mask).
        note: why this edge is wider than the truth (a Python function that takes it), else empty.
    """

    dataset: Dataset
    column: str
    kind: LineageKind
    transformation: Transformation
    masking: bool = False
    note: str = ""


@dataclass(frozen=True)
class ColumnLineage:
    """Where the columns of a write came from.

    Attributes:
        columns: written column to what it was made from. A column that is made from nothing (a literal) has an empty tuple.
        dataset: what decided on all rows at once (a filter, a join's condition, a sort), always INDIRECT.
        gaps: sentences that say what could not be traced, and why; never a value.
        degraded: why there are no columns at all (a plan over budget, an RDD), else None.
        read: what the plan says of the columns of each dataset that it reads; on its way to the write's inputs.
    """

    columns: Mapping[str, tuple[ColumnInput, ...]] = field(default_factory=dict)
    dataset: tuple[ColumnInput, ...] = ()
    gaps: tuple[str, ...] = ()
    degraded: str | None = None
    read: Mapping[Dataset, tuple[Column, ...]] = field(
        default_factory=dict, compare=False, repr=False, metadata={"leaves": False}
    )


@dataclass(frozen=True)
class Other:
    """Another dataset that a measure needs.

    Attributes:
        dataset: a path or URI, or a table's name; empty: the measured rows themselves.
        columns: those that are compared with the measure's own, in their order.
        alias: what a query calls it.
    """

    dataset: str = ""
    columns: tuple[str, ...] = ()
    alias: str = ""


@dataclass(frozen=True)
class Measure:
    """Something to know about the rows of a write; equal measures of several plugins are taken once.

    Make one with the class methods. In every engine a null is *not evaluated* by ``outside``, ``not_in`` and ``unmatched``
    (``nulls`` counts it), NaN is outside every range and in no set that does not name it, -0.0 equals 0.0, and a pattern
    must match the whole value.

    ``where`` is a condition in Spark's SQL on the rows that a measure counts: those for which it is not true are passed
    over. A condition is on one row: no query, no aggregate.

    A column may be a path: ``address.city`` is a field, ``items[].price`` stands for that field of every element. Counts
    of rows then count those in which an element fails; other measures are about all elements.

    Attributes:
        fraction: which quantile.
        others: datasets that the rows are compared with.
        dataset: the path or name of the dataset to measure; None: what was written.
        order: how ``unordered`` wants the values to go.
        function: for ``rejected`` and ``examined``.
        by_partition: of a ``sketch``, whether each partition that files were written to has its own as well.
        required: when this can't be computed the write is refused. Not part of the measure's identity.
        breaker: what a verdict on this may ask for, so that the write is prepared for it: ``audit`` tells when the data is
            visible, ``publish`` refuses a write that can't be held back, ``quarantine`` one whose rows can't be set
            aside. ``on`` holds back where the target allows it. Not part of the identity either.
        quarantine: the folder that rows are set aside in, as a path or URI; None for the one beside the target. Nor this.
    """

    kind: MeasureKind
    columns: tuple[str, ...] = ()
    minimum_value: Scalar | None = None
    maximum_value: Scalar | None = None
    values: tuple[Scalar, ...] = ()
    pattern: str | None = None
    condition: str | None = None
    where: str | None = None
    fraction: Decimal | None = None
    others: tuple[Other, ...] = ()
    dataset: str | None = None
    order: Order | None = None
    function: Callable[..., Any] | None = None
    by_partition: bool = False
    required: bool = field(default=False, compare=False)
    breaker: Breaker = field(default="on", compare=False)
    quarantine: str | None = field(default=None, compare=False)

    @classmethod
    def rows(cls, *, dataset: str | None = None, required: bool = False) -> Measure:
        """The number of rows. int."""
        return cls("rows", dataset=dataset, required=required)

    @classmethod
    def nulls(cls, column: str, *, where: str | None = None, required: bool = False) -> Measure:
        """The number of rows in which the column is null. int."""
        return cls("nulls", (column,), where=where, required=required)

    @classmethod
    def outside(
        cls,
        column: str,
        *,
        minimum: Scalar | None = None,
        maximum: Scalar | None = None,
        where: str | None = None,
        required: bool = False,
    ) -> Measure:
        """The number of non-null values below ``minimum`` or above ``maximum`` (both inclusive), NaN included. int."""
        if minimum is None and maximum is None:
            raise ValueError("a range needs a minimum, a maximum, or both")
        return cls("outside", (column,), minimum_value=minimum, maximum_value=maximum, where=where, required=required)

    @classmethod
    def not_in(
        cls, column: str, values: tuple[Scalar, ...], *, where: str | None = None, required: bool = False
    ) -> Measure:
        """The number of non-null values that are none of ``values``. int."""
        return cls("not_in", (column,), values=tuple(values), where=where, required=required)

    @classmethod
    def unmatched(cls, column: str, pattern: str, *, where: str | None = None, required: bool = False) -> Measure:
        """The number of non-null strings that the regular expression does not match from end to end. int.

        The syntax is java.util.regex's.
        """
        return cls("unmatched", (column,), pattern=pattern, where=where, required=required)

    @classmethod
    def violations(cls, condition: str, *, where: str | None = None, required: bool = False) -> Measure:
        """The number of rows for which a condition in Spark's SQL is false; null is not evaluated. int."""
        return cls("violations", condition=condition, where=where, required=required)

    @classmethod
    def matching(cls, condition: str, *, required: bool = False) -> Measure:
        """The number of rows for which a condition in Spark's SQL is true. int."""
        return cls("matching", condition=condition, required=required)

    @classmethod
    def duplicates(cls, *columns: str, where: str | None = None, required: bool = False) -> Measure:
        """The number of rows whose key stands in another row as well, all copies counted. int.

        A key with a null part is not evaluated. NaN equals NaN, and -0.0 equals 0.0.
        """
        if not columns:
            raise ValueError("duplicates needs at least one column")
        return cls("duplicates", tuple(columns), where=where, required=required)

    @classmethod
    def distinct(cls, *columns: str, where: str | None = None, required: bool = False) -> Measure:
        """The number of different keys. int. A key with a null part is not counted; NaN equals NaN, -0.0 equals 0.0."""
        if not columns:
            raise ValueError("distinct needs at least one column")
        return cls("distinct", tuple(columns), where=where, required=required)

    @classmethod
    def minimum(cls, column: str, *, required: bool = False) -> Measure:
        """The least non-null value; NaN is passed over. None when there is none."""
        return cls("minimum", (column,), required=required)

    @classmethod
    def maximum(cls, column: str, *, required: bool = False) -> Measure:
        """The greatest non-null value; NaN is passed over. None when there is none."""
        return cls("maximum", (column,), required=required)

    @classmethod
    def total(cls, column: str, *, dataset: str | None = None, required: bool = False) -> Measure:
        """The sum of the non-null values: int for integers, Decimal for decimals, float otherwise. None when empty."""
        return cls("total", (column,), dataset=dataset, required=required)

    @classmethod
    def variance(cls, column: str, *, required: bool = False) -> Measure:
        """The sample variance (n - 1) of the non-null values, in doubles; NaN when one is not finite. None below two."""
        return cls("variance", (column,), required=required)

    @classmethod
    def quantile(cls, column: str, fraction: Decimal | float, *, required: bool = False) -> Measure:
        """The value below which that share of the non-null values lies, exactly; NaN is passed over.

        Between two values it is interpolated in a straight line (``percentile`` in Spark, type 7 elsewhere). Decimal for
        integers and decimals, float for floats, a date or timestamp (rounded down) for these. None when there is none.
        """
        exact = fraction if isinstance(fraction, Decimal) else Decimal(repr(fraction))
        if not 0 <= exact <= 1:
            raise ValueError("a quantile lies between 0 and 1")
        return cls("quantile", (column,), fraction=exact.normalize(), required=required)

    @classmethod
    def correlation(cls, column: str, other: str, *, required: bool = False) -> Measure:
        """Pearson's coefficient of the rows in which neither is null, in doubles.

        NaN when a value is not finite, or a column is constant. None for fewer than two rows.
        """
        return cls("correlation", (column, other), required=required)

    @classmethod
    def entropy(cls, column: str, *, where: str | None = None, required: bool = False) -> Measure:
        """Shannon's entropy of the non-null values, in bits. float; None when there is no value."""
        return cls("entropy", (column,), where=where, required=required)

    @classmethod
    def about_distinct(cls, column: str, *, where: str | None = None, required: bool = False) -> Measure:
        """About how many different non-null values there are (HyperLogLog, off by some per cent at most). int.

        It differs between the ways, and can't tell whether values are unique: ``duplicates`` does.
        """
        return cls("about_distinct", (column,), where=where, required=required)

    @classmethod
    def orphans(cls, *columns: str, among: Other, where: str | None = None, required: bool = False) -> Measure:
        """The number of rows whose key is no key of another dataset. int. A key with a null part is not evaluated."""
        if not columns or len(columns) != len(among.columns):
            raise ValueError("orphans needs as many columns as it compares them with, and at least one")
        return cls("orphans", tuple(columns), others=(among,), where=where, required=required)

    @classmethod
    def unordered(
        cls,
        column: str,
        by: str,
        *,
        within: tuple[str, ...] = (),
        order: Order = "increasing",
        where: str | None = None,
        required: bool = False,
    ) -> Measure:
        """The number of rows whose value breaks the order. int.

        A value is compared with the values at the step before: the greatest of them (for a decreasing order the least)
        among the rows with the next smaller ``by``, and the same ``within``. A row in which one of these columns is null
        is not evaluated; NaN always fails, and is no step.
        """
        return cls("unordered", (column, by, *within), order=order, where=where, required=required)

    @classmethod
    def malformed(cls, column: str, form: str, *, where: str | None = None, required: bool = False) -> Measure:
        """The number of non-null texts that are not of a form: ``iban``, ``luhn``, ``date:dd.MM.yyyy``. int."""
        return cls("malformed", (column,), pattern=form, where=where, required=required)

    @classmethod
    def rejected(
        cls, function: Callable[..., Any], *columns: str, where: str | None = None, required: bool = False
    ) -> Measure:
        """The number of rows for which a function of pandas Series gives false; null is not evaluated. int."""
        return cls("rejected", tuple(columns), function=function, where=where, required=required)

    @classmethod
    def returned(cls, query: str, *, others: tuple[Other, ...] = (), required: bool = False) -> Measure:
        """The number of rows that a query in Spark's SQL returns. int.

        It reads the measured rows, each of ``others`` by its alias, and nothing else.
        """
        return cls("returned", condition=query, others=others, required=required)

    @classmethod
    def ranked(cls, column: str, fraction: Decimal | float, *, required: bool = False) -> Measure:
        """The value at rank ``ceil(fraction x n)`` of the n non-null values, in doubles, counted from 1; NaN is passed over.

        What ``approxQuantile`` gives in Spark when no error is allowed. Types as of ``quantile``.
        """
        return cls("ranked", (column,), fraction=cls.quantile(column, fraction).fraction, required=required)

    @classmethod
    def examined(cls, function: Callable[..., Any], wanted: str, *, required: bool = False) -> Measure:
        """What a function makes of all rows, as a DataFrame.

        It is called once for all measures that name it, on the driver, in a job of Spark's own: with the frame and a list
        of what each of them wants, in the order of which it returns their values.
        """
        return cls("examined", pattern=wanted, function=function, required=required)

    @classmethod
    def sketch(cls, column: str, *, by_partition: bool = False, required: bool = False) -> Measure:
        """What the column's values look like: counts, HyperLogLog, quantiles, frequent values. A mapping.

        ``core.fuse.sketches`` says what is in it, merges and reads it. It holds values of rows.
        """
        return cls("sketch", (column,), by_partition=by_partition, required=required)

    @classmethod
    def relations(cls, *columns: str, required: bool = False) -> Measure:
        """How these columns hang together in a sample: correlations, keys, what decides what. A mapping."""
        if not columns:
            raise ValueError("relations needs columns")
        return cls("relations", tuple(columns), required=required)

    @classmethod
    def columns_written(cls, *, required: bool = False) -> Measure:
        """The columns of the data, in their order. tuple of Column."""
        return cls("columns", required=required)

    def __str__(self) -> str:
        if self.kind == "examined":
            return f"examined({getattr(self.function, '__name__', 'function')})"
        about = self.condition or ", ".join(self.columns)
        if self.fraction is not None:
            about = f"{self.fraction}, {about}"
        if self.function is not None:
            about = f"{getattr(self.function, '__name__', 'function')}, {about}"
        where = f" where {self.where}" if self.where is not None else ""
        return f"{self.kind}({about}){where}" + (f" of {self.dataset}" if self.dataset is not None else "")


@dataclass(frozen=True)
class Measured:
    """A measure's result: a value and the way that gave it, or the reason why there is none (``way`` is then "none")."""

    value: Any = None
    way: Way = "none"
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a value (which may be None: the minimum of nothing)."""
        return self.error is None


@dataclass(frozen=True)
class SetAside:
    """The rows of a write that must not reach its target, and where they go in its place.

    Attributes:
        measure: the one that counts them, of one of ``ROW_KINDS``.
        keep_first: of the rows that share a key one stays, the first as they were written.
    """

    measure: Measure
    keep_first: bool = False


@dataclass(frozen=True)
class Verdict:
    """A judgement of one check on one write.

    Attributes:
        check: the check's name, unique within the dataset's checks.
        observed: what was measured, as text or number; an aggregate, never a row's value of a protected column.
        failing_rows: how many rows fail, when the check is about rows.
        expected: what was wanted, in words.
        required: a check that could not be evaluated refuses the write as a failed one would.
        plugin: filled in by the bus.
        sets_aside: of a failed check, the rows to keep out of the target. It then refuses only when that can't be done.
        suite: which rules these were, as a hash of them; empty when they have none.
        kind: the check's kind as a suite names it (``not_null``, ``distribution``); empty when it has none.
    """

    check: str
    severity: Severity
    status: VerdictStatus
    observed: str | int | float | None = None
    failing_rows: int | None = None
    expected: str = ""
    columns: tuple[str, ...] = ()
    way: Way = "none"
    required: bool = False
    message: str = ""
    plugin: str = ""
    sets_aside: SetAside | None = None
    suite: str = ""
    kind: str = ""

    @property
    def refuses(self) -> bool:
        """Whether this alone stops the write: a failed critical check, or a required one without an answer."""
        if self.status == "failed":
            return self.severity == "critical" and self.sets_aside is None
        return self.required and self.status in ("error", "skipped")


@dataclass(frozen=True)
class Denial:
    """What ``authorize_write`` returns to stop a write; None means no objection."""

    reason: str


@dataclass(frozen=True)
class Write:
    """A write, from the moment the job asks for it until its verdicts are known.

    Attributes:
        write_id: ``<run id>/<number within the run>``.
        intercepted: False when only the query listener saw it, after the fact.
        transformable: whether the data passes as a DataFrame, so that ``transform_write`` is called.
        inputs: what the data was read from, as far as the plan tells.
        opaque: why ``inputs`` may be incomplete (an RDD in between), else None.
        rows, bytes: what was written; None when not known.
        way: the costliest way that was needed to measure this write.
        published: whether readers can see the data.
        unstaged: where plugins judge, why readers could see the data before it was judged; else None.
        column_lineage: where its columns came from; None until that is known, which is at its end at the earliest.
        measured: what was measured for all plugins together; given to ``on_write_finished`` and ``on_write_failed``, not kept.
        statement: the SQL that asked for it, when it was SQL; not kept.
        rows_quarantined: how many of the job's rows were set aside; ``rows`` are those that reached the target. None when
            nobody asked for that.
        quarantine: the dataset that these rows went to.
        data_version: the version of the target's data that this write made (Delta's), where there is such a thing.
        target_columns: those that the target had before, where the rows go into them whatever theirs are called (an INSERT, a
            MERGE); None otherwise, and where no plugin decides on writes.
        partitions: those that its files went to, each as columns with their values; None when that is not known. Not kept.
        telemetry: what Spark spent on it; given to ``on_write_finished`` and ``on_write_failed`` when a plugin needs it.
    """

    write_id: str
    dataset: Dataset
    operation: Operation
    started_at: dt.datetime
    columns: tuple[Column, ...] = ()
    inputs: tuple[Read, ...] = ()
    partition_by: tuple[str, ...] = ()
    intercepted: bool = True
    transformable: bool = True
    opaque: str | None = None
    batch_id: int | None = None
    finished_at: dt.datetime | None = None
    duration_s: float | None = None
    overhead_s: float = 0.0
    rows: int | None = None
    bytes: int | None = None
    files: int | None = None
    way: Way = "none"
    verdicts: tuple[Verdict, ...] = ()
    published: bool = False
    unstaged: str | None = None
    column_lineage: ColumnLineage | None = None
    measured: tuple[tuple[Measure, Measured], ...] = field(default=(), repr=False, metadata=_STAYS)
    statement: Statement | None = field(default=None, repr=False, compare=False, metadata=_STAYS)
    rows_quarantined: int | None = None
    quarantine: Dataset | None = None
    data_version: str | None = None
    target_columns: tuple[Column, ...] | None = field(default=None, compare=False, metadata=_STAYS)
    partitions: tuple[Partition, ...] | None = field(default=None, repr=False, compare=False, metadata=_STAYS)
    error: ErrorInfo | None = None
    telemetry: Telemetry | None = field(default=None, repr=False, compare=False, metadata=_STAYS)

    @property
    def refused(self) -> bool:
        """Whether a gate stopped it."""
        return self.error is not None and self.error.is_refusal

    @property
    def status(self) -> Literal["finished", "failed", "refused"]:
        """How it ended."""
        return "refused" if self.refused else "failed" if self.error else "finished"

    def kept(self) -> Write:
        """The same without what is only for who is told of its end: values that may be rows', and SQL."""
        return dataclasses.replace(self, measured=(), statement=None, partitions=None)


@dataclass(frozen=True)
class Run:
    """One execution of one job.

    ``run_id`` is a UUID; ``engine`` is what does its work; ``user`` is who ran it, as the operating system names them.
    """

    run_id: str
    job: str
    started_at: dt.datetime
    environment: str | None = None
    parent_run_id: str | None = None
    parent_job: str | None = None
    engine: Engine = "spark"
    user: str | None = None

    @classmethod
    def begin(cls, job: str, *, environment: str | None = None, engine: Engine = "spark") -> Run:
        """A run that starts now."""
        return cls(
            run_id=str(uuid.uuid4()),
            job=job,
            started_at=utc_now(),
            environment=environment,
            engine=engine,
            user=user_of_process(),
        )


def user_of_process() -> str | None:
    """The user of the operating system that this process runs as; None when it has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have a number and no name
        return None


@dataclass(frozen=True)
class RunStarted:
    """A run began."""

    started_at: dt.datetime


@dataclass(frozen=True)
class PluginReport:
    """How a plugin fared: calls that failed, by hook, and the last failure's text without data.

    Attributes:
        writes_told: of a plugin that tells of every write somewhere, how many of the run's it has told of; else None.
    """

    name: str
    failures: int = 0
    by_hook: Mapping[str, int] = field(default_factory=dict)
    last_failure: str | None = None
    writes_told: int | None = None


@dataclass(frozen=True)
class RunEnded:
    """A run ended, well or not.

    Attributes:
        status: finished, failed, refused (a gate stopped a write) or abandoned (found dead by a later run).
        overhead_s: seconds of the job's own time that hookline took.
        writes: the latest ones; the store has them all.
        writes_total: how many there were.
        unseen_writes: how many of them only the listener saw.
        traced_writes: how many of them it is known of where their columns came from.
        notes: sentences that a person should read (a degraded store, an undelivered message …).
        telemetry: what the run took of Spark, when a plugin needs it.
    """

    status: RunStatus
    finished_at: dt.datetime
    duration_s: float
    overhead_s: float = 0.0
    reads: tuple[Read, ...] = ()
    writes: tuple[Write, ...] = ()
    plugins: tuple[PluginReport, ...] = ()
    writes_total: int = 0
    unseen_writes: int = 0
    traced_writes: int = 0
    exit_code: int | None = None
    error: ErrorInfo | None = None
    notes: tuple[str, ...] = ()
    telemetry: RunTelemetry | None = field(default=None, repr=False, compare=False, metadata=_STAYS)


def as_dict(event: Any) -> dict[str, Any]:
    """An event as JSON-ready values: times in ISO 8601 with offset, decimals as strings, tuples as lists.

    Without what must not leave the process (``Write.measured``, ``Write.statement``), and without telemetry.
    """
    plain = {f.name: getattr(event, f.name) for f in dataclasses.fields(event) if f.metadata.get("leaves", True)}
    return {name: jsonable(value) for name, value in plain.items()}


def jsonable(value: Any) -> Any:
    """A value as JSON can carry it; NaN and infinities become their names, since JSON has none."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if value == value and value not in (float("inf"), float("-inf")) else str(value)
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if dataclasses.is_dataclass(value):
        return as_dict(value)
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(v) for v in value]
    return str(value)


def content_id(*parts: Any) -> str:
    """A deterministic id (32 hexadecimal digits of SHA-256) of JSON-ready parts, for messages that may be sent twice."""
    text = json.dumps([jsonable(part) for part in parts], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
