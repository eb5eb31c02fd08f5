"""What a stored run spent, as text and as JSON: telemetry by write, advice, cost, what is unusual."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hookline.core.text import in_units, in_words, printable, wrap
from hookline.observability.advice import Advice, from_document
from hookline.observability.history import Anomaly, Regression
from hookline.observability.remarks import advised
from hookline.observability.style import Style
from hookline.observability.table import Cell, Column, layout

if TYPE_CHECKING:
    from hookline.core.store import Measurement, Store

_COLUMNS = (
    Column("spent on"),
    Column("tasks", right=True),
    Column("executors", right=True),
    Column("shuffled", right=True, rank=2),
    Column("spilled", right=True, rank=1),
    Column("GC", right=True, rank=4),
    Column("skew", right=True, rank=3),
)
_MOST_WRITES = 30


def spent_document(store: Store, run_id: str) -> dict[str, Any]:
    """What the store knows of a run's spending; empty where nothing was measured.

    Raises:
        StoreError: the store can't be read.
    """
    measured = store.measurements(run_id)
    if not measured:
        return {}
    of_run = next((one for one in measured if one.event_id == run_id), None)
    unusual, worse = _judged(store, measured)
    document: dict[str, Any] = {
        "metrics": None if of_run is None else of_run.document["points"],
        "telemetry": None if of_run is None else of_run.document.get("telemetry"),
        "advice": [] if of_run is None else of_run.document.get("advice", []),
        "cost": None if of_run is None else of_run.document.get("cost"),
        "anomalies": [_anomaly(one) for one in unusual],
        "regressions": [_regression(one) for one in worse],
        "spent": [
            {
                "write_id": one.event_id,
                "namespace": one.subject.namespace,
                "name": one.subject.name,
                "metrics": one.document["points"],
                "telemetry": one.document.get("telemetry"),
            }
            for one in measured
            if one.event_id != run_id and one.subject.job
        ],
    }
    return document


def render_spent(store: Store, run_id: str, *, width: int = 80, style: Style | None = None) -> str:
    """The same for a person; empty where nothing was measured.

    Raises:
        StoreError: the store can't be read.
    """
    measured = store.measurements(run_id)
    style = style or Style()
    return "".join(f"{line}\n" for line in _lines(store, run_id, measured, width, style)) if measured else ""


def _lines(store: Store, run_id: str, measured: Sequence[Measurement], width: int, style: Style) -> Iterator[str]:
    writes = [one for one in measured if one.event_id != run_id and one.document.get("telemetry")]
    if writes:
        yield from layout(_COLUMNS, [_row(one, style) for one in writes[:_MOST_WRITES]], width, style)
        if len(writes) > _MOST_WRITES:
            yield f"… and {len(writes) - _MOST_WRITES:,} more"
    of_run = next((one.document for one in measured if one.event_id == run_id), {})
    cost = of_run.get("cost")
    if cost is not None:
        text = f"cost {cost['total']:,.4f} {printable(cost['currency'])} ({printable(cost['formula'])}; {printable(cost['price'])})"
        yield from wrap(text, width, further="     ")
    yield from _told([from_document(one) for one in of_run.get("advice", [])], width, style)
    unusual, worse = _judged(store, measured)
    for anomaly in unusual:
        yield from wrap(f"unusual: {_of(anomaly.subject.name)}{anomaly.sentence}", width, further="    ")
    for one in worse:
        short = one.metric.removeprefix("hookline.")
        text = f"worse: {_of(one.subject.name)}{short} is {one.now:,.6g}, it was {one.before:,.6g} in run {one.run_before[:8]}"
        yield from wrap(text, width, further="    ")
    missing = [sentence for one in measured for sentence in (one.document.get("telemetry") or {}).get("missing", ())]
    for sentence in dict.fromkeys(missing):
        yield from wrap(f"missing: {printable(sentence)}", width, further="    ")


def _told(advice: Sequence[Advice], width: int, style: Style) -> Iterator[str]:
    for one in advice:
        remark = advised(one)
        lead = f"{style.sign(remark.sign)} "
        yield from wrap(printable(remark.text), width, first=lead, further=" " * len(lead))
        for label, text in remark.details:
            yield from wrap(printable(text), width, first=f"    {label:<9}", further=" " * 13)


def _row(one: Measurement, style: Style) -> list[Cell]:
    told: Mapping[str, Any] = one.document["telemetry"]
    skew = told["skew"]
    cells = (
        printable(f"{one.subject.name}"),
        f"{told['tasks']:,}",
        in_words(told["executor_run_s"]),
        in_units(told["shuffle_write_bytes"]),
        in_units(told["disk_spill_bytes"]),
        in_words(told["gc_s"]),
        style.sign("unknown") if skew is None else f"{skew:.1f}",
    )
    return [(text, "plain") for text in cells]


def _judged(store: Store, measured: Sequence[Measurement]) -> tuple[list[Anomaly], list[Regression]]:
    """Against what the store knew before. Of a stream's many batches the last few are looked at."""
    import datetime as dt

    from hookline.observability.history import anomalies_of, regressions

    unusual: list[Anomaly] = []
    worse: list[Regression] = []
    for one in measured[-_MOST_WRITES:]:
        at, points = dt.datetime.fromisoformat(one.at), one.document["points"]
        unusual += anomalies_of(store, one.subject, points, at)
        worse += regressions(store, one.subject, points, at)
    return unusual, worse


def _anomaly(one: Anomaly) -> dict[str, Any]:
    score = one.score if abs(one.score) < float("inf") else None
    known = {"metric": one.metric, "value": one.value, "lowest": one.lowest, "highest": one.highest, "score": score}
    return {"namespace": one.subject.namespace, "name": one.subject.name, **known, "baseline": asdict(one.baseline)}


def _regression(one: Regression) -> dict[str, Any]:
    known = {"metric": one.metric, "before": one.before, "now": one.now, "run_before": one.run_before}
    return {"namespace": one.subject.namespace, "name": one.subject.name, **known}


def _of(name: str | None) -> str:
    return f"{printable(name, 200)}: " if name else ""
