"""The report as one HTML file: no script, nothing loaded from anywhere, and every name escaped."""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hookline.core.events import Verdict, Write
from hookline.core.store import JudgedWrite
from hookline.core.text import in_words, printable
from hookline.quality.audit.comparison import Change
from hookline.quality.audit.matter import Matter, Sample, judged, outcome_of_run, outcome_of_write
from hookline.quality.audit.style import STYLE
from hookline.quality.audit.trend import bars, squares

# A stream's run has a write per batch: so many are told in full, the others in a line each.
_IN_FULL = 20
_WORDS = {
    "passed": "all checks passed",
    "failed": "checks failed",
    "refused": "refused",
    "unanswered": "checks without an answer",
    "unchecked": "nothing was checked",
}


def page(matter: Matter, *, version: str) -> str:
    """The whole file.

    Args:
        version: hookline's.
    """
    outcome = outcome_of_run(matter.ended)
    title = f"{matter.run.job}: {_WORDS[outcome]}"
    parts = [
        f'<header class="{outcome}"><p class="kicker">Data quality report</p><h1>{_text(matter.run.job)}</h1>',
        f'<p class="verdict"><span class="badge {outcome}">{outcome}</span> {_text(_summary(matter))}</p></header>',
        _facts(_about(matter)),
        *_notes(matter.ended.notes),
        *_comparison(matter),
        *_writes(matter),
        f"<footer>Made by hookline {_text(version)}. Values are aggregates; rows are shown only where the configuration "
        "allows it, and masked.</footer>",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{_text(title)}</title><style>{STYLE}</style></head><body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )


def _summary(matter: Matter) -> str:
    writes = judged(matter.ended.writes)
    verdicts = [verdict for write in writes for verdict in write.verdicts]
    passed = sum(verdict.status == "passed" for verdict in verdicts)
    aside = sum(write.rows_quarantined or 0 for write in matter.ended.writes)
    said = f"{passed} of {_count(len(verdicts), 'check')} passed in {_count(len(writes), 'write')}"
    return f"{said}; {_count(aside, 'row')} set aside" if aside else said


def _about(matter: Matter) -> Iterator[tuple[str, str]]:
    run, ended = matter.run, matter.ended
    yield "Run", run.run_id
    yield "Status", ended.status
    yield "Started (UTC)", f"{run.started_at:%Y-%m-%d %H:%M:%S}"
    if ended.status != "running":
        yield "Finished (UTC)", f"{ended.finished_at:%Y-%m-%d %H:%M:%S}"
    yield "Duration", in_words(ended.duration_s)
    yield "Run by", run.user or "not known"
    yield "Environment", run.environment or "-"
    suites = {verdict.suite for write in ended.writes for verdict in write.verdicts if verdict.suite}
    yield "Suite versions", ", ".join(sorted(suites)) or "-"


def _writes(matter: Matter) -> Iterator[str]:
    """The writes of each dataset; of many, the last ones and those with trouble in full."""
    by_dataset: dict[tuple[str, str], list[Write]] = defaultdict(list)
    for write in judged(matter.ended.writes):
        by_dataset[(write.dataset.namespace, write.dataset.name)].append(write)
    for key, writes in by_dataset.items():
        yield f"<section><h2>{_text(str(writes[0].dataset))}</h2>"
        former = matter.former.get(key, ())
        if len(writes) > 1:
            yield _batches(writes)
        for write in _in_full(writes):
            yield _write(write, former, matter.samples.get(write.write_id))
        yield "</section>"


def _in_full(writes: list[Write]) -> list[Write]:
    if len(writes) <= _IN_FULL:
        return writes
    trouble = [write for write in writes if outcome_of_write(write) != "passed"][-_IN_FULL + 1 :]
    return [*trouble, *([] if writes[-1] in trouble else [writes[-1]])]


def _batches(writes: Iterable[Write]) -> str:
    head = ("Write", "Batch", "Started (UTC)", "Rows", "Set aside", "Checks failed", "Outcome")
    rows = [
        (
            _text(write.write_id.rpartition("/")[2]),
            _number(write.batch_id),
            f"{write.started_at:%Y-%m-%d %H:%M:%S}",
            _number(write.rows),
            _number(write.rows_quarantined),
            _number(sum(verdict.status == "failed" for verdict in write.verdicts)),
            _badge(outcome_of_write(write)),
        )
        for write in writes
    ]
    return _table(head, rows, "Each write of this run")


def _write(write: Write, former: Sequence[JudgedWrite], sample: Sample | None) -> str:
    facts = [
        ("Outcome", outcome_of_write(write)),
        ("Write", write.write_id),
        ("Operation", write.operation + ("" if write.batch_id is None else f", batch {write.batch_id}")),
        ("Rows", _number(write.rows)),
        ("Rows set aside", _number(write.rows_quarantined)),
        ("Quarantine", str(write.quarantine) if write.quarantine else "-"),
        ("Data version", write.data_version or "-"),
        ("Visible to readers", "yes" if write.published else "no"),
        ("Measured by", write.way),
    ]
    rows = [_check(verdict, former) for verdict in write.verdicts]
    head = ("Check", "Severity", "Status", "Expected", "Found", "Failing rows", "Suite", "Before")
    return "".join(
        (
            f'<article class="{outcome_of_write(write)}"><h3>{_badge(outcome_of_write(write))} '
            f"write {_text(write.write_id.rpartition('/')[2])}</h3>",
            _facts(facts),
            bars(former, write),
            _table(head, rows, "What was expected, and what was found"),
            "" if sample is None else _sample(sample),
            "</article>",
        )
    )


def _check(verdict: Verdict, former: Sequence[JudgedWrite]) -> tuple[str, ...]:
    told = verdict.message or ""
    found = _value(verdict.observed)
    return (
        _text(verdict.check),
        _text(verdict.severity),
        _badge(verdict.status),
        _text(verdict.expected),
        found + (f'<br><span class="quiet">{_text(told)}</span>' if told else ""),
        _number(verdict.failing_rows),
        f"<code>{_text(verdict.suite)}</code>",
        squares([(write.verdicts.get(verdict.check), write.started_at) for write in former]),
    )


def _sample(sample: Sample) -> str:
    head = ("Reasons", *(_text(column) for column in sample.columns))
    rows = [
        (_text(reasons), *(f"<code>{_text(value)}</code>" for value in row))
        for reasons, row in zip(sample.reasons, sample.rows, strict=True)
    ]
    return _table(head, rows, "Some rows that were set aside: each value by its shape alone", safe_head=True)


def _comparison(matter: Matter) -> Iterator[str]:
    if matter.against is None:
        return
    other, changes = matter.against
    told = [change for change in changes if change.kind != "same"]
    when = f"{other.started_at:%Y-%m-%d %H:%M:%S}"
    yield f"<section><h2>Against run {_text(other.run_id[:8])} of {_text(when)} UTC</h2>"
    same = len(changes) - len(told)
    if told:
        rows = [_change(change) for change in told]
        yield _table(("Dataset", "Check", "Change", "Before", "Now"), rows, f"{_count(same, 'thing')} did not change")
    else:
        yield f"<p>Nothing changed: {_count(same, 'thing')} compared.</p>"
    yield "</section>"


def _change(change: Change) -> tuple[str, ...]:
    def side(status: str | None, observed: Any) -> str:
        return "-" if status is None else f"{_text(status)} ({_value(observed)})"

    return (
        _text(change.dataset),
        _text(change.check or "rows"),
        _badge(change.kind),
        side(change.before, change.observed_before),
        side(change.now, change.observed_now),
    )


def _notes(notes: Sequence[str]) -> Iterator[str]:
    if notes:
        items = "".join(f"<li>{_text(note)}</li>" for note in notes)
        yield f'<section class="notes"><h2>Notes</h2><ul>{items}</ul></section>'


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    items = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in pairs)
    return f'<dl class="facts">{items}</dl>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str, *, safe_head: bool = False) -> str:
    """Cells are HTML already; so is the head where it says so."""
    top = "".join(f"<th scope=col>{cell if safe_head else _text(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="wide"><table><caption>{_text(caption)}</caption><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _badge(word: str) -> str:
    return f'<span class="badge {_text(word)}">{_text(word)}</span>'


def _value(value: str | int | float | None) -> str:
    if value is None:
        return "-"
    return _text(f"{value:.6g}" if isinstance(value, float) else str(value))


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def _text(text: str) -> str:
    """A name as it can't do harm: neither as HTML, nor by turning the direction of what follows."""
    return html.escape(printable(text, 500))
