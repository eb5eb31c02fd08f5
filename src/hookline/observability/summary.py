"""The summary at the end of a run, as text: what was read and written, what the checks said, what hookline cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hookline.core.events import Run, RunEnded, RunStatus, VerdictStatus
from hookline.core.text import display_width, in_units, in_words, printable, shorten, shorten_path, wrap
from hookline.observability.remarks import Remark, Shown, Target, advised, remarks, where_all_is
from hookline.observability.style import Style, Tone
from hookline.observability.table import Cell, Column, layout

if TYPE_CHECKING:
    from hookline.observability.advice import Advice
    from hookline.observability.metrics.points import RunCost

_LEAST_WIDTH = 40
_MOST_READS, _MOST_TARGETS = 8, 30
_MOST_ADVICE = 3
_LABEL = 6
_TONES: Mapping[RunStatus, Tone] = {"finished": "good", "refused": "bad", "failed": "bad", "abandoned": "warn"}
_COLUMNS = (
    Column("wrote"),
    Column("operation", rank=3),
    Column("rows", right=True),
    Column("size", right=True, rank=2),
    Column("way", rank=4),
    Column("checks", rank=1),
)
_COSTLIEST_FIRST = ("spark", "observe", "vectorised", "proof", "none")
_WORST_FIRST: tuple[VerdictStatus, ...] = ("failed", "error", "skipped", "passed")


def render(
    run: Run,
    ended: RunEnded,
    *,
    width: int = 80,
    style: Style | None = None,
    verdicts: Shown = "failed",
    advice: Sequence[Advice] = (),
    cost: RunCost | None = None,
) -> str:
    """The summary.

    Args:
        width: cells of a line; below 40 it is made for 40.
        verdicts: which checks are spelt out below the table.
        advice: what the run would be better off without, the most worthwhile first; a few are told.
        cost: what it cost, where that is known.
    """
    summary = _Summary(run, ended, max(width, _LEAST_WIDTH), style or Style(), verdicts)
    summary.advice, summary.cost = advice[:_MOST_ADVICE], cost
    return "\n".join(summary.lines()) + "\n"


def render_abandoned(run: Run, *, width: int = 80, style: Style | None = None) -> str:
    """A sentence about an earlier run that was found dead."""
    name = shorten(printable(run.job), max(16, width // 3))
    text = f"hookline: an earlier run of {name}, started {run.started_at:%Y-%m-%d %H:%M:%S} UTC, died: now abandoned"
    return "\n".join((style or Style()).paint(line, "warn") for line in wrap(text, max(width, _LEAST_WIDTH))) + "\n"


class _Summary:
    def __init__(self, run: Run, ended: RunEnded, width: int, style: Style, shown: Shown) -> None:
        self.run = run
        self.ended = ended
        self.width = width
        self.style = style
        self.shown = shown
        self.targets = _targets(ended)
        self.advice: Sequence[Advice] = ()
        self.cost: RunCost | None = None

    def lines(self) -> Iterator[str]:
        yield self._heading()
        yield from self._labelled("run", self._identity())
        yield from self._labelled("took", self._cost())
        if self.cost is not None:
            yield from self._labelled("cost", f"{self.cost.total:,.4f} {self.cost.currency} ({self.cost.formula})")
        yield from self._reads()
        yield ""
        yield from self._writes()
        told = [*remarks(self.run, self.ended, self.targets, shown=self.shown, width=self.width)]
        told += map(advised, self.advice)
        yield from [""] if told else []
        for remark in told:
            yield from self._told(remark)
        yield self.style.paint(self.style.sign("rule") * self.width, "dim")

    def _heading(self) -> str:
        rule, status, paint = self.style.sign("rule"), self.ended.status, self.style.paint
        name = "note" if status == "running" else "passed" if status == "finished" else "failed"
        sign = f"{self.style.sign(name)} " if self.style.unicode else ""
        left, right = f"{rule * 2} hookline {rule} ", f" {sign}{status} "
        job = shorten(printable(self.run.job), self.width - len(left) - len(right) - 5)
        fill = f" {rule * (self.width - len(left) - display_width(job) - len(right) - 3)}"
        words = paint(job, "strong") + paint(fill, "dim") + paint(right, _TONES.get(status, "warn"))
        return paint(left, "dim") + words + paint(rule * 2, "dim")

    def _identity(self) -> str:
        environment = f" ({printable(self.run.environment, 40)})" if self.run.environment else ""
        return f"{printable(self.run.run_id)}{environment}"

    def _cost(self) -> str:
        ended = self.ended
        share = f" ({100 * ended.overhead_s / ended.duration_s:.1f} %)" if ended.duration_s > 0 else ""
        code = f", exit code {ended.exit_code}" if ended.exit_code else ""
        return f"{in_words(ended.duration_s)}, of it hookline {in_words(ended.overhead_s)}{share}{code}"

    def _labelled(self, label: str, text: str) -> Iterator[str]:
        for at, line in enumerate(wrap(text, self.width - _LABEL)):
            yield self.style.paint(f"{'' if at else label:<{_LABEL}}", "dim") + line

    def _reads(self) -> Iterator[str]:
        names = [printable(str(read.dataset)) for read in self.ended.reads]
        for at, name in enumerate(names[:_MOST_READS]):
            yield self.style.paint(f"{'' if at else 'read':<{_LABEL}}", "dim") + shorten_path(name, self.width - _LABEL)
        if len(names) > _MOST_READS:
            yield from self._labelled("", f"… and {len(names) - _MOST_READS} more")

    def _writes(self) -> Iterator[str]:
        if not self.targets:
            yield "nothing was written"
            return
        troubled_first = sorted(range(len(self.targets)), key=lambda at: not self.targets[at].troubled)
        rows = [self._row(self.targets[at]) for at in sorted(troubled_first[:_MOST_TARGETS])]
        yield from layout(_COLUMNS, rows, self.width, self.style)
        older = self.ended.writes_total - len(self.ended.writes)
        if len(self.targets) > _MOST_TARGETS:
            yield f"… and {len(self.targets) - _MOST_TARGETS:,} more"
        if older > 0:
            yield f"… and {older:,} earlier writes: {where_all_is(self.run)}"

    def _row(self, target: Target) -> list[Cell]:
        writes = target.writes
        times = f" {self.style.sign('times')}{len(writes)}" if len(writes) > 1 else ""
        unseen = "" if all(write.intercepted for write in writes) else f" {self.style.sign('unseen')}"
        way = next(way for way in _COSTLIEST_FIRST if any(write.way == way for write in writes))
        unknown = self.style.sign("unknown")
        return [
            (target.name + times + unseen, "bad" if target.failed else "plain"),
            (target.operation, "plain"),
            (_total([write.rows for write in writes], "{:,}".format, unknown), "plain"),
            (_total([write.bytes for write in writes], in_units, unknown), "plain"),
            (unknown if way == "none" else way, "dim" if way == "none" else "plain"),
            self._checks(target),
        ]

    def _checks(self, target: Target) -> Cell:
        counts = Counter(verdict.status for verdict in target.verdicts)
        if not counts:
            return self.style.sign("unknown"), "dim"
        texts = [self.style.count(status, counts[status]) for status in _WORST_FIRST if counts[status]]
        return "  ".join(texts), "bad" if counts["failed"] else "good" if len(counts) == 1 and counts[
            "passed"
        ] else "warn"

    def _told(self, remark: Remark) -> Iterator[str]:
        lead = f"{self.style.sign(remark.sign)} "
        for line in wrap(printable(remark.text), self.width, first=lead, further=" " * len(lead)):
            yield self.style.paint(line, remark.tone)
        for label, text in remark.details:
            yield from wrap(printable(text), self.width, first=f"    {label:<9}", further=" " * 13)


def _targets(ended: RunEnded) -> list[Target]:
    found: dict[tuple[str, str], Target] = {}
    for write in ended.writes:
        name = printable(str(write.dataset))
        found.setdefault((name, write.operation), Target(name, write.operation)).writes.append(write)
    return list(found.values())


def _total(values: list[int | None], words: Callable[[int], str], unknown: str) -> str:
    """A sum; one with a ``+`` when not all parts are known."""
    known = [value for value in values if value is not None]
    return f"{words(sum(known))}{'+' if len(known) < len(values) else ''}" if known else unknown
