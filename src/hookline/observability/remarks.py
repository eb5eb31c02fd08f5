"""What a person should read of a run's end besides the table: refusals, failed checks, failures, notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hookline.core.events import ErrorInfo, PluginReport, Run, RunEnded, Verdict, Write
from hookline.core.text import printable, shorten, shorten_path
from hookline.observability.style import Tone

if TYPE_CHECKING:
    from hookline.observability.advice import Advice

Shown = Literal["failed", "all"]
_MOST_VERDICTS, _MOST_FAILURES = 20, 10


@dataclass
class Target:
    """All writes to one dataset by one operation: a stream's hundred batches are one line."""

    name: str
    operation: str
    writes: list[Write] = field(default_factory=list)

    @property
    def verdicts(self) -> list[Verdict]:
        """Those of all writes."""
        return [verdict for write in self.writes for verdict in write.verdicts]

    @property
    def failed(self) -> bool:
        """Whether a write failed or was refused."""
        return any(write.error for write in self.writes)

    @property
    def troubled(self) -> bool:
        """Whether there is anything to say beyond numbers."""
        return self.failed or any(verdict.status != "passed" for verdict in self.verdicts)


@dataclass(frozen=True)
class Remark:
    """A sentence behind a sign, with details as (label, text)."""

    sign: str
    text: str
    tone: Tone = "plain"
    details: tuple[tuple[str, str], ...] = ()


def remarks(run: Run, ended: RunEnded, targets: Sequence[Target], *, shown: Shown, width: int) -> Iterator[Remark]:
    """Everything that is worth a sentence, the worst first."""
    yield from _failures(ended, targets, width)
    yield from _verdicts(run, targets, shown, width)
    for report in ended.plugins:
        if report.failures:
            yield Remark("warning", _plugin_failures(report), "warn")
    if ended.unseen_writes:
        total = max(ended.writes_total, len(ended.writes))
        text = (
            f"{ended.unseen_writes} of {total} writes only the listener saw, when they were done: no check stopped them"
        )
        yield Remark("unseen", text, "warn")
    for note in ended.notes:
        yield Remark("note", note)


def _failures(ended: RunEnded, targets: Sequence[Target], width: int) -> Iterator[Remark]:
    if ended.error and not ended.error.is_refusal:
        yield Remark("failed", f"the job raised {_error(ended.error)}", "bad")
    failed = [(target, write) for target in targets for write in target.writes if write.error]
    for target, write in failed[:_MOST_FAILURES]:
        outcome = _outcome(write)
        name = shorten_path(target.name, max(20, width - len(outcome) - 5))
        yield Remark("failed", f"{name}: {outcome}", "bad")
    if len(failed) > _MOST_FAILURES:
        yield Remark("failed", f"{len(failed) - _MOST_FAILURES} more writes failed or were refused", "bad")


def _verdicts(run: Run, targets: Sequence[Target], shown: Shown, width: int) -> Iterator[Remark]:
    told = [(target, v) for target in targets for v in target.verdicts if shown == "all" or v.status != "passed"]
    told.sort(key=lambda pair: (pair[1].status == "passed", not pair[1].refuses))
    for target, verdict in told[:_MOST_VERDICTS]:
        yield _verdict(target, verdict, width)
    if len(told) > _MOST_VERDICTS:
        yield Remark("note", f"{len(told) - _MOST_VERDICTS} more checks: {where_all_is(run)}")


def advised(advice: Advice) -> Remark:
    """A piece of advice, with what to change."""
    where = f"{advice.dataset}: " if advice.dataset else ""
    times = f" (in {advice.times} writes)" if advice.times > 1 else ""
    details = tuple(
        ("change", f"{setting.name}{f' (now {setting.now})' if setting.now else ''}: {setting.change}")
        for setting in advice.settings
    )
    return Remark("note", f"{where}{advice.sentence}{times}", details=details)


def where_all_is(run: Run) -> str:
    """Where a person finds what a summary has no room for."""
    return f"hookline runs {printable(run.run_id)[:8]} --json shows all"


def _verdict(target: Target, verdict: Verdict, width: int) -> Remark:
    effects = [
        "" if verdict.status == "passed" else verdict.severity,
        {"error": "no answer", "skipped": "skipped"}.get(verdict.status, ""),
    ]
    effects += ["refuses the write"] if verdict.refuses else []
    effect = f" ({', '.join(filter(None, effects))})" if any(effects) else ""
    check = shorten(printable(verdict.check), 60)
    name = shorten_path(target.name, max(20, width - len(check) - len(effect) - 14))
    tone: Tone = "good" if verdict.status == "passed" else "bad" if verdict.status == "failed" else "warn"
    return Remark(verdict.status, f"{check} on {name}{effect}", tone, tuple(_details(verdict)))


def _details(verdict: Verdict) -> Iterator[tuple[str, str]]:
    if verdict.expected:
        yield "expected", verdict.expected
    observed = []
    if verdict.observed is not None and verdict.observed != verdict.failing_rows:
        observed.append(shorten(printable(str(verdict.observed)), 120))
    if verdict.failing_rows is not None and verdict.status == "failed":
        observed.append(f"{verdict.failing_rows:,} {'row fails' if verdict.failing_rows == 1 else 'rows fail'}")
    if observed:
        yield "observed", ", ".join(observed)
    if verdict.message and verdict.status != "passed":
        yield "because", verdict.message


def _error(error: ErrorInfo) -> str:
    return f"{error.type} [{error.condition}]" if error.condition else error.type


def _outcome(write: Write) -> str:
    visible = "the data is visible to readers" if write.published else "nothing was published"
    if write.error is None or write.error.is_refusal:
        return f"refused, {visible}"
    return f"failed with {_error(write.error)}, {visible}"


def _plugin_failures(report: PluginReport) -> str:
    times = "once" if report.failures == 1 else f"{report.failures:,} times"
    last = f"; last: {report.last_failure}" if report.last_failure else ""
    return f"plugin {report.name} failed {times}{last}"
