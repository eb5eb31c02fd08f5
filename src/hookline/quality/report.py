"""What a suite says of data at rest, for people, programs and exit codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hookline.core.errors import ConfigError
from hookline.core.events import Dataset, Measure, Verdict, as_dict
from hookline.quality.checks.base import Results
from hookline.quality.history import History
from hookline.quality.judging import AnyCheck, judge, measures_of, with_unique_names
from hookline.quality.suite import Suite, checks_for

HEAD = ("CHECK", "SEVERITY", "STATUS", "OBSERVED", "FAILING ROWS", "EXPECTED")


@dataclass(frozen=True)
class Report:
    """Verdicts on a dataset. ``rows`` is None when they could not be counted."""

    dataset: Dataset
    rows: int | None
    verdicts: tuple[Verdict, ...]

    @property
    def refuses(self) -> bool:
        """Whether a breaker would have refused this data."""
        return any(verdict.refuses for verdict in self.verdicts)

    def as_json(self) -> dict[str, Any]:
        """JSON-ready values, without the version of the shape."""
        verdicts = [as_dict(verdict) for verdict in self.verdicts]
        for verdict in verdicts:
            for name in ("plugin", "sets_aside", "suite"):
                del verdict[name]
        return {
            "dataset": str(self.dataset),
            "namespace": self.dataset.namespace,
            "name": self.dataset.name,
            "rows": self.rows,
            "verdicts": verdicts,
        }

    def as_rows(self) -> Iterator[tuple[str, ...]]:
        """Lines of a table under ``HEAD``; a check without an answer says why in place of what was expected."""
        for verdict in self.verdicts:
            yield (
                verdict.check,
                verdict.severity,
                verdict.status,
                _cell(verdict.observed),
                _cell(verdict.failing_rows),
                verdict.message or verdict.expected,
            )


def choose_checks(suites: Sequence[Suite], dataset: Dataset) -> tuple[AnyCheck, ...]:
    """The checks for a dataset that was named explicitly: a single suite is meant for it whatever its pattern says.

    Raises:
        ConfigError: when there are several suites and none matches.
    """
    if len(suites) == 1:
        return with_unique_names(suites[0].checks)
    checks = checks_for(dataset, suites)
    if not checks:
        tried = "; ".join(f"{suite.where}: {' or '.join(suite.datasets)}" for suite in suites)
        raise ConfigError(f"none of {len(suites)} suites is for {dataset} ({tried}); change one's dataset")
    return checks


def measures_for(checks: Sequence[AnyCheck]) -> list[Measure]:
    """What the checks need, and the number of rows."""
    measures = measures_of(checks)
    return measures if Measure.rows() in measures else [*measures, Measure.rows()]


def judge_at_rest(
    dataset: Dataset, checks: Sequence[AnyCheck], results: Results, history: History | None = None
) -> Report:
    """The report on what was measured."""
    rows = results.get(Measure.rows())
    return Report(dataset, rows.value if rows is not None and rows.ok else None, tuple(judge(checks, results, history)))


def _cell(value: str | int | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
