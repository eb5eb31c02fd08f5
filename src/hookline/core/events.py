"""What happened, as frozen dataclasses: the only things that hooks are handed.

Times are UTC, durations seconds (``_s``), sizes bytes (``_bytes`` or ``bytes``). Dataset names follow OpenLineage's naming
(https://openlineage.io/docs/spec/naming). No event carries a row value, a key or a credential; an error is its type and,
where Spark gives one, its error condition, never its text.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

Severity = Literal["info", "warn", "error", "critical"]
VerdictStatus = Literal["passed", "failed", "error", "skipped"]
RunStatus = Literal["running", "finished", "failed", "refused", "abandoned"]
Way = Literal["proof", "vectorised", "observe", "spark", "none"]
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
MeasureKind = Literal["rows", "nulls", "outside", "not_in", "unmatched", "duplicates", "minimum", "maximum", "total"]
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


@dataclass(frozen=True)
class Column:
    """A top-level column: its name, Spark's simple type string (``decimal(10,2)``), and whether it may be null."""

    name: str
    type: str
    nullable: bool = True


@dataclass(frozen=True)
class ErrorInfo:
    """An error without its text, which may quote data: the class, and Spark's error condition where there is one."""

    type: str
    condition: str | None = None


@dataclass(frozen=True)
class Read:
    """A dataset that a query or a write takes data from."""

    dataset: Dataset
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Measure:
    """Something to know about the rows of a write; equal measures of several plugins are taken once.

    Make one with the class methods. In every engine a null is *not evaluated* by ``outside``, ``not_in`` and ``unmatched``
    (``nulls`` counts it), NaN is outside every range and in no set that does not name it, -0.0 equals 0.0, and a pattern
    must match the whole value.

    Attributes:
        required: when this can't be computed the write is refused. Not part of the measure's identity.
    """

    kind: MeasureKind
    columns: tuple[str, ...] = ()
    minimum_value: Scalar | None = None
    maximum_value: Scalar | None = None
    values: tuple[Scalar, ...] = ()
    pattern: str | None = None
    required: bool = field(default=False, compare=False)

    @classmethod
    def rows(cls, *, required: bool = False) -> Measure:
        """The number of rows. int."""
        return cls("rows", required=required)

    @classmethod
    def nulls(cls, column: str, *, required: bool = False) -> Measure:
        """The number of rows in which the column is null. int."""
        return cls("nulls", (column,), required=required)

    @classmethod
    def outside(
        cls, column: str, *, minimum: Scalar | None = None, maximum: Scalar | None = None, required: bool = False
    ) -> Measure:
        """The number of non-null values below ``minimum`` or above ``maximum`` (both inclusive), NaN included. int."""
        if minimum is None and maximum is None:
            raise ValueError("a range needs a minimum, a maximum, or both")
        return cls("outside", (column,), minimum_value=minimum, maximum_value=maximum, required=required)

    @classmethod
    def not_in(cls, column: str, values: tuple[Scalar, ...], *, required: bool = False) -> Measure:
        """The number of non-null values that are none of ``values``. int."""
        return cls("not_in", (column,), values=tuple(values), required=required)

    @classmethod
    def unmatched(cls, column: str, pattern: str, *, required: bool = False) -> Measure:
        """The number of non-null strings that the regular expression does not match from end to end. int.

        The syntax is java.util.regex's.
        """
        return cls("unmatched", (column,), pattern=pattern, required=required)

    @classmethod
    def duplicates(cls, *columns: str, required: bool = False) -> Measure:
        """The number of rows whose key stands in another row as well, all copies counted. int.

        A key with a null part is not evaluated. NaN equals NaN, and -0.0 equals 0.0.
        """
        if not columns:
            raise ValueError("duplicates needs at least one column")
        return cls("duplicates", tuple(columns), required=required)

    @classmethod
    def minimum(cls, column: str, *, required: bool = False) -> Measure:
        """The least non-null value; NaN is passed over. None when there is none."""
        return cls("minimum", (column,), required=required)

    @classmethod
    def maximum(cls, column: str, *, required: bool = False) -> Measure:
        """The greatest non-null value; NaN is passed over. None when there is none."""
        return cls("maximum", (column,), required=required)

    @classmethod
    def total(cls, column: str, *, required: bool = False) -> Measure:
        """The sum of the non-null values: int for integers, Decimal for decimals, float otherwise. None when empty."""
        return cls("total", (column,), required=required)

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(self.columns)})"


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
class Verdict:
    """A judgement of one check on one write.

    Attributes:
        check: the check's name, unique within the dataset's checks.
        observed: what was measured, as text or number; an aggregate, never a row's value of a protected column.
        failing_rows: how many rows fail, when the check is about rows.
        expected: what was wanted, in words.
        required: a check that could not be evaluated refuses the write as a failed one would.
        plugin: filled in by the bus.
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

    @property
    def refuses(self) -> bool:
        """Whether this alone stops the write: a failed critical check, or a required one without an answer."""
        if self.status == "failed":
            return self.severity == "critical"
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
    error: ErrorInfo | None = None


@dataclass(frozen=True)
class Run:
    """One execution of one job. ``run_id`` is a UUID."""

    run_id: str
    job: str
    started_at: dt.datetime
    environment: str | None = None
    parent_run_id: str | None = None
    parent_job: str | None = None

    @classmethod
    def begin(cls, job: str, *, environment: str | None = None) -> Run:
        """A run that starts now."""
        return cls(run_id=str(uuid.uuid4()), job=job, started_at=utc_now(), environment=environment)


@dataclass(frozen=True)
class RunStarted:
    """A run began."""

    started_at: dt.datetime


@dataclass(frozen=True)
class PluginReport:
    """How a plugin fared: calls that failed, by hook, and the last failure's text without data."""

    name: str
    failures: int = 0
    by_hook: Mapping[str, int] = field(default_factory=dict)
    last_failure: str | None = None


@dataclass(frozen=True)
class RunEnded:
    """A run ended, well or not.

    Attributes:
        status: finished, failed, refused (a gate stopped a write) or abandoned (found dead by a later run).
        overhead_s: seconds of the job's own time that hookline took.
        writes: the latest ones; the store has them all.
        writes_total: how many there were.
        unseen_writes: how many of them only the listener saw.
        notes: sentences that a person should read (a degraded store, an undelivered message …).
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
    exit_code: int | None = None
    error: ErrorInfo | None = None
    notes: tuple[str, ...] = ()


def as_dict(event: Any) -> dict[str, Any]:
    """An event as JSON-ready values: times in ISO 8601 with offset, decimals as strings, tuples as lists."""
    plain = {f.name: getattr(event, f.name) for f in dataclasses.fields(event)}
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
