"""Which charts belong to which document."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from hookline.core.text import in_units, in_words, printable, shorten
from hookline.observability.ui.charts import Chart, bars, gantt, line, squares, stacked
from hookline.observability.ui.charts.plot import Datum
from hookline.observability.ui.documents import CheckHistory, CostDay, HistoryPoint, Overview, Span, WritePoint

_STATUSES = ("finished", "running", "abandoned", "refused", "failed")


def runs_by_time(overview: Overview) -> Chart:
    """How many runs ended how."""
    labels = [one.at.replace("T", " ") + (":00" if overview.hourly else "") for one in overview.by_time]
    series = {status: [getattr(one, status) for one in overview.by_time] for status in _STATUSES}
    kinds = {status: f"s-{status}" for status in _STATUSES}
    return stacked("Runs by status", labels, series, kinds, unit="Hour (UTC)" if overview.hourly else "Day (UTC)")


def cost_by_day(days: Sequence[CostDay], currency: str) -> Chart:
    """What was spent."""
    data = [Datum(one.day, one.amount, note=f"{one.runs:,} run" + ("" if one.runs == 1 else "s")) for one in days]
    return bars("Cost by day", data, lambda value: f"{value:,.4g} {currency}", unit=f"Amount ({currency})")


def durations(history: Sequence[HistoryPoint], own: str = "") -> Chart:
    """How long the runs of a job took."""
    data = [
        Datum(
            _short(one.started_at),
            one.duration_s,
            f"s-{one.status}",
            one.status + (" (this run)" if one.run_id == own else ""),
        )
        for one in history
    ]
    return bars("Duration of the job's runs", data, in_words, unit="Duration")


def rows_of_writes(writes: Sequence[WritePoint]) -> Chart:
    """How many rows reached the dataset."""
    data = [Datum(_short(one.started_at), one.rows, _kind(one), _note(one)) for one in writes]
    return bars("Rows by write", data, lambda value: f"{value:,.0f}", unit="Rows")


def bytes_of_writes(writes: Sequence[WritePoint]) -> Chart:
    """How large the writes were."""
    data = [Datum(_short(one.started_at), one.bytes, _kind(one), _note(one)) for one in writes]
    return bars("Size by write", data, in_units, unit="Size")


def duration_of_writes(writes: Sequence[WritePoint]) -> Chart:
    """How long the writes took."""
    data = [Datum(_short(one.started_at), one.duration_s, _kind(one), _note(one)) for one in writes]
    return line("Duration by write", data, in_words, unit="Duration")


def quality_of_writes(writes: Sequence[WritePoint]) -> Chart:
    """Which share of the checks passed."""
    data = []
    for one in writes:
        answered = one.checks.passed + one.checks.failed
        rate = one.checks.passed / answered if answered else None
        kind = "s-finished" if rate == 1 else "s-failed"
        data.append(Datum(_short(one.started_at), rate, kind, f"{one.checks.passed} of {answered} checks passed"))
    return line("Checks passed by write", data, lambda value: f"{100 * value:.0f} %", unit="Passed", top=1.0)


def _short(at: str) -> str:
    return at[:16].replace("T", " ")


def _kind(one: WritePoint) -> str:
    return "s-failed" if one.error else "s-main" if one.published else "s-abandoned"


def _note(one: WritePoint) -> str:
    return one.operation + (f", {one.error}" if one.error else "" if one.published else ", not published")


def history_of(one: CheckHistory, writes: Sequence[WritePoint]) -> Markup:
    """What a check said of each write, a square each."""
    kinds = {"passed": "s-finished", "failed": "s-failed", "error": "s-error", "skipped": "s-skipped"}
    told = [
        (
            kinds.get(status or "", "s-none"),
            f"{_short(write.started_at)}: {status or 'not evaluated'}{_found(observed)}",
        )
        for status, observed, write in zip(one.statuses, one.observed, writes, strict=True)
    ]
    said = [status for status in one.statuses if status is not None]
    return squares(told, f"{said.count('passed')} of the last {len(said)} passed")


def _found(observed: str | None) -> str:
    return "" if observed is None else f", found {shorten(printable(observed), 60)}"


def bar_of(span: Span, whole: float) -> Markup:
    """A bar of the timeline."""
    failed = span.status.lower() in ("failed", "refused")
    kind = "s-failed" if failed else "s-main" if span.kind == "write" else "s-stage"
    return gantt(
        span.start_s, span.duration_s, whole, kind, f"from {in_words(span.start_s)} on for {in_words(span.duration_s)}"
    )


chart_of = {
    "runs_by_time": runs_by_time,
    "cost_by_day": cost_by_day,
    "durations": durations,
    "rows": rows_of_writes,
    "bytes": bytes_of_writes,
    "duration": duration_of_writes,
    "quality": quality_of_writes,
}
