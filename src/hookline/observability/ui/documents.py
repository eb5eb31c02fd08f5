"""What pages show and the API answers with: each page is drawn from the document that its API path returns.

Times are ISO 8601 in UTC, durations in seconds, sizes in bytes; null is what is not known. More keys may come; these stay.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hookline.core.events import RunStatus, Severity, VerdictStatus

Percent = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    """A part of a document."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(Part):
    """A whole answer."""

    version: Literal[1] = Field(1, description="The version of the answer's shape.")


class Money(Part):
    """An amount by the price book."""

    amount: float
    currency: str = Field(description="ISO 4217.")


class Checks(Part):
    """How many checks came to what."""

    passed: int = 0
    failed: int = 0
    error: int = Field(0, description="Checks that could not be evaluated.")
    skipped: int = 0
    whole: bool = Field(True, description="False where there are more, which were not counted.")

    @property
    def total(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.error + self.skipped


class RunRow(Part):
    """A run in a list."""

    run_id: str
    job: str
    status: RunStatus
    environment: str | None
    started_at: str
    finished_at: str | None
    duration_s: float | None
    overhead_s: float | None
    exit_code: int | None
    writes: int | None
    rows: int | None = Field(description="Rows that its writes brought to their targets, as far as they were counted.")
    checks: Checks
    error: str | None = Field(description="The error's class.")
    cost: Money | None


class Runs(Document):
    """A page of runs, latest first."""

    runs: list[RunRow]
    next: str | None = Field(description="`before` of the next page; null on the last one.")


class StatusCount(Part):
    """How many runs ended how in a day or an hour."""

    at: str
    finished: int = 0
    failed: int = 0
    refused: int = 0
    abandoned: int = 0
    running: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.finished + self.failed + self.refused + self.abandoned + self.running


class Slower(Part):
    """A job whose last finished run took longer than is usual for it."""

    job: str
    run_id: str
    started_at: str
    duration_s: float
    usual_s: float = Field(description="The median of its earlier runs.")
    highest_usual_s: float
    runs: int = Field(description="How many earlier runs were compared.")


class FailingCheck(Part):
    """A check that did not pass lately."""

    dataset_id: str
    namespace: str
    name: str
    check: str
    severity: Severity
    status: VerdictStatus
    failing_rows: int | None
    run_id: str
    at: str


class SettingHint(Part):
    """A setting of Spark's, or a call."""

    name: str
    change: str
    now: str | None = None


class AdviceRow(Part):
    """What a run would be better off without."""

    rule: str
    sentence: str
    evidence: dict[str, float]
    settings: list[SettingHint]
    dataset: str
    worth_s: float = Field(description="About how many seconds of executors are at stake.")
    times: int
    run_id: str
    job: str


class CostDay(Part):
    """What was spent on a day."""

    day: str
    amount: float
    runs: int


class JobCost(Part):
    """What a job cost in the period."""

    job: str
    amount: float
    runs: int


class Costs(Part):
    """What was spent in the period, in the currency of most of it."""

    currency: str
    total: float
    days: list[CostDay]
    jobs: list[JobCost]


class Overview(Document):
    """What ran, failed, got slower, what it cost, and what to look at first."""

    since: str
    days: int
    hourly: bool
    runs: int
    success_rate: Percent | None = Field(description="Finished among ended runs; null when none ended.")
    counts: StatusCount
    by_time: list[StatusCount]
    failures: list[RunRow] = Field(description="The latest failed and abandoned runs.")
    refusals: list[RunRow] = Field(description="The latest runs whose write a gate refused.")
    slower: list[Slower]
    failing_checks: list[FailingCheck]
    advice: list[AdviceRow]
    costs: Costs | None = Field(description="Null where no cost is known.")


class Named(Part):
    """A dataset's name."""

    namespace: str
    name: str
    dataset_id: str


class VerdictRow(Part):
    """What a check said of a write."""

    check: str
    severity: Severity
    status: VerdictStatus
    observed: str | int | float | None
    failing_rows: int | None
    expected: str
    message: str


class WriteRow(Part):
    """A write of a run."""

    write_id: str
    dataset: Named
    operation: str
    started_at: str
    duration_s: float | None
    overhead_s: float
    rows: int | None
    bytes: int | None
    files: int | None
    rows_quarantined: int | None
    way: str
    intercepted: bool
    published: bool
    batch_id: int | None
    error: str | None
    verdicts: list[VerdictRow]
    executor_run_s: float | None
    shuffle_bytes: int | None
    spill_bytes: int | None
    skew: float | None


class Span(Part):
    """A bar of the timeline: a write, or a stage of it."""

    kind: Literal["write", "stage"]
    name: str
    status: str
    start_s: float = Field(description="Seconds since the run began.")
    duration_s: float
    tasks: int | None = None
    executor_run_s: float | None = None
    skew: float | None = None
    spill_bytes: int | None = None
    write_id: str | None = None


class Fact(Part):
    """A number of the run by its metric."""

    metric: str
    value: float


class PluginRow(Part):
    """How a plugin fared in a run."""

    name: str
    failures: int
    last_failure: str | None


class RunCostRow(Part):
    """What a run cost, and how that was reckoned."""

    amount: float
    currency: str
    price: str
    formula: str
    datasets: list[tuple[str, str, float]] = Field(description="Namespace, name and share of each dataset.")


class HistoryPoint(Part):
    """An earlier or later run of the same job."""

    run_id: str
    started_at: str
    status: RunStatus
    duration_s: float | None


class RunDetail(Document):
    """A run with what it read and wrote."""

    run_id: str
    job: str
    status: RunStatus
    environment: str | None
    user: str | None
    parent_job: str | None
    parent_run_id: str | None
    started_at: str
    finished_at: str | None
    duration_s: float
    overhead_s: float
    exit_code: int | None
    error: str | None
    notes: list[str]
    reads: list[Named]
    writes: list[WriteRow]
    writes_total: int
    writes_skipped: int = Field(description="How many later writes are left out by `skip`.")
    plugins: list[PluginRow]
    advice: list[AdviceRow]
    cost: RunCostRow | None
    facts: list[Fact] = Field(description="What the run took of Spark; empty where that was not kept.")
    missing: list[str] = Field(description="Why numbers are not there.")
    timeline: list[Span]
    history: list[HistoryPoint] = Field(description="Runs of the same job up to this one, oldest first.")


class DatasetRow(Part):
    """A dataset in a list."""

    dataset_id: str
    namespace: str
    name: str
    format: str | None
    layer: str | None
    owner: str | None
    last_write_at: str
    last_published_at: str | None
    last_run_id: str
    last_status: Literal["published", "refused", "failed", "unpublished"]
    every_s: float | None = Field(description="The usual time between two published writes.")
    late: bool = Field(description="Whether nothing was published for more than three times that.")
    rows: int | None
    bytes: int | None
    rows_trend: list[int | None] = Field(description="Rows of the last writes, oldest first.")
    quality_trend: list[Percent | None] = Field(description="The share of checks that passed, of the same writes.")
    cost: Money | None


class Datasets(Document):
    """A page of datasets, the one that was written last first."""

    datasets: list[DatasetRow]
    total: int
    next: int | None = Field(description="`skip` of the next page; null on the last one.")


class WritePoint(Part):
    """A write of a dataset."""

    write_id: str
    run_id: str
    started_at: str
    duration_s: float | None
    rows: int | None
    bytes: int | None
    rows_quarantined: int | None
    operation: str
    published: bool
    error: str | None
    checks: Checks


class CheckHistory(Part):
    """What a check said of the dataset's writes, in their order; null where it said nothing."""

    check: str
    severity: Severity
    expected: str
    statuses: list[VerdictStatus | None]
    observed: list[str | None]


class ColumnRow(Part):
    """A column."""

    name: str
    type: str
    nullable: bool


class SchemaRow(Part):
    """A version of a schema."""

    version: int
    first_seen_at: str
    last_seen_at: str
    run_id: str
    columns: list[ColumnRow]
    added: list[str]
    removed: list[str]
    changed: list[str]


class DatasetDetail(Document):
    """A dataset with its latest writes."""

    dataset: DatasetRow
    other_names: list[tuple[str, str]]
    tags: dict[str, str]
    writes: list[WritePoint]
    earlier: str | None = Field(description="`before` of the writes before these; null when there are none.")
    checks: list[CheckHistory]
    schemas: list[SchemaRow] = Field(description="Newest first.")
    made_from: list[Named]
    datasets_downstream: list[Named]
    jobs_downstream: list[str]
    cost_days: list[CostDay]
    currency: str | None


class LineageLink(Part):
    """A dataset was made from another one."""

    source: Named
    target: Named
    jobs: list[str]


class LineageDocument(Document):
    """What is made from what, by the last work of each job."""

    datasets: list[Named]
    links: list[LineageLink]
    as_of: str


class SinkRow(Part):
    """A back end and what waits for it."""

    name: str
    pending: int
    dead: int
    oldest_pending_s: float | None
    last_error: str | None


class PluginHealth(Part):
    """How a plugin fared in the last run that ended with it."""

    name: str
    failures: int
    last_failure: str | None
    run_id: str
    job: str
    at: str | None


class Health(Document):
    """Deliveries that wait, and plugins that fail."""

    outbox: str | None = Field(description="The file; null where there is none yet.")
    trouble: str | None = Field(description="Why the outbox can't be read.")
    sinks: list[SinkRow]
    plugins: list[PluginHealth]


class FoundColumn(Part):
    """A column that was found."""

    dataset: Named
    column: str
    type: str


class Found(Document):
    """What a text was found in."""

    query: str
    runs: list[RunRow]
    jobs: list[str]
    datasets: list[Named]
    columns: list[FoundColumn]


class Problem(Document):
    """What went wrong, and what to do."""

    problem: str
    what: str
    cure: str
