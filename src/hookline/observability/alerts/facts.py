"""What is worth telling somebody of a write or a run, and what says that it is over. Numbers and names, never a row's value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hookline.core.events import Dataset, ErrorInfo, Run, RunEnded, Severity, Verdict, Write, content_id
from hookline.core.labels import LabelsConfig
from hookline.core.text import printable, shorten

Kind = Literal[
    "run_failed",
    "run_abandoned",
    "write_refused",
    "write_failed",
    "check_failed",
    "check_unanswered",
    "rows_quarantined",
    "plugin_failed",
    "anomaly",
    "budget",
]
SEVERITIES: tuple[Severity, ...] = ("info", "warn", "error", "critical")
# How bad it is where nothing says so itself.
DEFAULT_SEVERITIES: Mapping[Kind, Severity] = {
    "run_failed": "error",
    "run_abandoned": "error",
    "write_refused": "critical",
    "write_failed": "error",
    "check_failed": "error",
    "check_unanswered": "warn",
    "rows_quarantined": "warn",
    "plugin_failed": "warn",
    "anomaly": "warn",
    "budget": "warn",
}
_NAME_WIDTH = 200
_TITLE_WIDTH = 600


def rank(severity: str) -> int:
    """How bad a severity is: 0 for info."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0


def shown(name: str, width: int = _NAME_WIDTH) -> str:
    """A name as a message may have it: one line of bounded length without control or direction characters."""
    return shorten(printable(name), width)


@dataclass(frozen=True)
class Fact:
    """Something that went wrong, or, with no severity, something that is well again.

    Attributes:
        key: what makes it the same from run to run.
        dataset: what it is about; None for a run.
        owner: whose it is.
    """

    key: str
    kind: Kind
    severity: Severity | None = None
    title: str = ""
    dataset: Dataset | None = None
    owner: str | None = None
    job: str = ""
    environment: str | None = None
    check: str | None = None
    failing_rows: int | None = None

    @property
    def well(self) -> bool:
        """Whether it says that nothing is wrong."""
        return self.severity is None

    def document(self) -> dict[str, Any]:
        """As a message carries it."""
        if self.well:
            return {"key": self.key, "well": True}
        return {
            "key": self.key,
            "kind": self.kind,
            "severity": self.severity,
            "title": shown(self.title, _TITLE_WIDTH),
            "dataset": None if self.dataset is None else shown(str(self.dataset), 300),
            "owner": None if self.owner is None else shown(self.owner),
            "job": shown(self.job),
            "environment": self.environment,
            "check": None if self.check is None else shown(self.check),
            "failing_rows": self.failing_rows,
        }


class FactFinder:
    """Finds the facts in events.

    Args:
        severities: of kinds that do not say it themselves, in place of the usual ones.
    """

    def __init__(self, labels: LabelsConfig, severities: Mapping[Kind, Severity] | None = None) -> None:
        self._labels = labels
        self._severities = {**DEFAULT_SEVERITIES, **(severities or {})}
        self._chosen = frozenset(severities or {})

    def of_write(self, write: Write, run: Run) -> Iterator[Fact]:
        """What a write that ended says, well or not."""
        make = _Maker(run, write.dataset, self._labels.of(write.dataset).owner)
        name = shown(str(write.dataset))
        if write.refused:
            state = "readers can see the data" if write.published else "nothing was published"
            yield make("write", "write_refused", self._severities, f"Write to {name} refused ({state})")
        elif write.error is not None:
            yield make("write", "write_failed", self._severities, f"Write to {name} failed ({_cause(write.error)})")
        else:
            yield make.well("write", "write_failed")
        for verdict in write.verdicts:
            yield from self._of_verdict(verdict, write, make)
        if write.rows_quarantined:
            rows = _rows(write.rows_quarantined)
            yield make("quarantine", "rows_quarantined", self._severities, f"{rows} of {name} set aside")
        elif write.error is None:
            yield make.well("quarantine", "rows_quarantined")

    def of_run(self, ended: RunEnded, run: Run) -> Iterator[Fact]:
        """What a run that ended says, well or not."""
        make = _Maker(run, None, self._labels.owner)
        name = shown(run.job)
        if ended.status == "abandoned":
            title = f"A run of {name} was found dead: its process ended without a word"
            yield make("run", "run_abandoned", self._severities, title)
        elif ended.status in ("failed", "refused"):
            cause = f" ({_cause(ended.error)})" if ended.error else ""
            code = f" with exit code {ended.exit_code}" if ended.exit_code else ""
            yield make("run", "run_failed", self._severities, f"Run of {name} {ended.status}{code}{cause}")
        else:
            yield make.well("run", "run_failed")
        for report in ended.plugins:
            if report.failures:
                times = "once" if report.failures == 1 else f"{report.failures} times"
                title = f"Plugin {shown(report.name)} failed {times} in a run of {name}"
                yield make("plugin", "plugin_failed", self._severities, title, report.name)
            elif ended.status != "abandoned":
                yield make.well("plugin", "plugin_failed", report.name)

    def _of_verdict(self, verdict: Verdict, write: Write, make: _Maker) -> Iterator[Fact]:
        where = f"{shown(verdict.check)} on {shown(str(write.dataset))}"
        if verdict.status == "failed":
            among = f" of {write.rows:,}" if write.rows is not None and write.rows_quarantined is None else ""
            rows = "" if verdict.failing_rows is None else f": {verdict.failing_rows:,}{among} rows"
            title = f"Check {where} failed{rows}"
            yield make(
                "check", "check_failed", {"check_failed": verdict.severity}, title, verdict.check, verdict.failing_rows
            )
        elif verdict.status == "error":
            severities = self._severities
            if "check_unanswered" not in self._chosen and verdict.required:
                severities = {**severities, "check_unanswered": verdict.severity}
            yield make("check", "check_unanswered", severities, f"Check {where} has no answer", verdict.check)
        elif verdict.status == "passed":
            yield make.well("check", "check_failed", verdict.check)


@dataclass(frozen=True)
class _Maker:
    """Makes the facts of one event."""

    run: Run
    dataset: Dataset | None
    owner: str | None

    def __call__(
        self,
        about: str,
        kind: Kind,
        severities: Mapping[Any, Severity],
        title: str,
        name: str = "",
        failing_rows: int | None = None,
    ) -> Fact:
        return Fact(
            self._key(about, name),
            kind,
            severities[kind],
            title,
            self.dataset,
            self.owner,
            self.run.job,
            self.run.environment,
            name if about == "check" else None,
            failing_rows,
        )

    def well(self, about: str, kind: Kind, name: str = "") -> Fact:
        """That nothing is wrong with it."""
        return Fact(self._key(about, name), kind)

    def _key(self, about: str, name: str) -> str:
        place = (self.dataset.namespace, self.dataset.name) if self.dataset is not None else ("", self.run.job)
        return content_id("alert", about, self.run.environment, *place, name)


def _cause(error: ErrorInfo) -> str:
    return shown(error.type.rpartition(".")[2] + (f", {error.condition}" if error.condition else ""))


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
