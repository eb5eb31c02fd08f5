"""What a dashboard shows and what is watched, without a back end's words for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hookline.observability.metrics import Metric, metric

Statistic = Literal["sum", "average", "maximum", "minimum"]
Kind = Literal["lines", "stacked", "bars", "number", "table"]
Comparison = Literal["above", "below", "anomaly"]


@dataclass(frozen=True)
class Shown:
    """A metric of the catalogue on a chart.

    Attributes:
        name: without ``hookline.``.
        by: the tags by which there is a line each; () for all jobs of the environment together, ("job",) for each job.
        where: only points with these tags.
        values: all values that the one tag of ``by`` can have: then there is exactly one line for each.
        formula: an arithmetic expression in which ``{}`` stands for the metric, such as ``100 * (1 - {})``.
    """

    name: str
    statistic: Statistic
    label: str
    by: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    values: tuple[str, ...] = ()
    formula: str | None = None

    @property
    def metric(self) -> Metric:
        """The catalogue's entry.

        Raises:
            KeyError: nothing emits such a metric.
        """
        return metric(f"hookline.{self.name}")

    @property
    def whole(self) -> bool:
        """Whether the environment's or the job's own total says it: no search among series is needed."""
        return not self.where and self.by in ((), ("job",))


@dataclass(frozen=True)
class FromAws:
    """A metric that a service of AWS emits by itself, on CloudWatch's dashboards only.

    Attributes:
        dimensions: their names; there is a line for each combination of their values.
        where: values of dimensions, of which one must hold.
    """

    namespace: str
    name: str
    statistic: Statistic
    label: str
    dimensions: tuple[str, ...]
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Records:
    """Log records, as a table.

    Attributes:
        query: in the language of CloudWatch Logs Insights.
        search: in Datadog's.
        columns: the fields that are shown.
    """

    query: str
    search: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Chart:
    """One widget.

    Attributes:
        note: what a reader should know, below the title.
        width: in twenty-fourths of the page.
        period_s: the step of time.
    """

    title: str
    shows: tuple[Shown | FromAws, ...] = ()
    kind: Kind = "lines"
    unit: str = ""
    width: int = 12
    height: int = 6
    period_s: int = 300
    note: str = ""
    records: Records | None = None


@dataclass(frozen=True)
class Board:
    """A dashboard."""

    name: str
    title: str
    about: str
    charts: tuple[Chart, ...]


@dataclass(frozen=True)
class Watch:
    """Something that is worth telling a person: an alarm, a monitor.

    Attributes:
        name: the metric's, without ``hookline.``.
        by: as of ``Shown``; with ("job",) there is one for each job that the command is told of.
        threshold: what it is above or below of; of an anomaly, how many deviations wide the band is.
        period_s, periods: the step of time, and how many of them in a row must be so.
        missing: what silence means.
    """

    id: str
    title: str
    name: str
    statistic: Statistic
    comparison: Comparison
    threshold: float
    about: str
    by: tuple[str, ...] = ()
    period_s: int = 300
    periods: int = 1
    severity: Literal["warn", "error", "critical"] = "error"
    missing: Literal["good", "bad", "ignored"] = "good"

    @property
    def metric(self) -> Metric:
        """The catalogue's entry."""
        return metric(f"hookline.{self.name}")
