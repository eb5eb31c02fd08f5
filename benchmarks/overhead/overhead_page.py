"""The results of the overhead benchmark as a page to read."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Any

_JOBS = """
TPC-H lineitem, scale {scale:g}: read, three columns derived, written. Bare, and attached with every plugin and the 25
checks of `suite.yaml`. {rounds}, the two sides in turn, after one to warm up; medians, with least and most in brackets.
CPU is that of all processes. Measured {at} at {commit}, on {cores} cores, with {versions}.
`python benchmarks/overhead/run.py` makes these figures anew.

| target | side | wall, s | CPU, s | Spark jobs |
| --- | --- | --- | --- | --- |
{rows}

{notes}
"""
_EVENT = (
    "- An event with {plugins} plugins: {median_ms:.2f} ms of bus time (99 of 100: {p99_ms:.2f} ms), {events:,} events."
)
_ATTACH = (
    "- Attaching, in a process that has a session: {median_ms:.0f} ms, at most {most_ms:.0f} ms, {rounds} processes."
)
_TELEMETRY = (
    "- Asking Spark what a write of two stages spent: {median_ms:.0f} ms (99 of 100: {p99_ms:.0f} ms), beside the job; runs of "
    "{writes} such writes took {with_s:.2f} s with the plugin `metrics` and {without_s:.2f} s without, "
    "{ratio:.2f} times as long (medians of {rounds}, in turn)."
)
_LINES = (("event", _EVENT), ("attach", _ATTACH), ("telemetry", _TELEMETRY))
_WRITES = """
{writes:,} writes in one session, each of one small file with three checks, {per_write_ms:.0f} ms each; the driver after:

| writes | Python, MB | Java's heap after a collection, MB | threads | open files | the outbox's and the store's files, MB |
| --- | --- | --- | --- | --- | --- |
{rows}
"""
_OBSERVED = """
`python benchmarks/overhead/observed.py` measures the attached job without and with all observability plugins (`metrics`,
`cloudwatch`, `datadog`, `opentelemetry`, `prometheus`, `alerts`), each with a back end on this machine: {format}, scale
{scale:g}, in turn after one round to warm up; medians, with least and most in brackets. The back ends' CPU ({theirs:.1f} s a run)
is not counted, but they have the same cores, at the lowest priority. Measured {at} at {commit}.

| side | rounds | wall, s | CPU, s |
| --- | --- | --- | --- |
{rows}
| **observed ÷ attached** | | **{wall:.3f}** | **{cpu:.3f}** |
| by rounds: each beside the one of its round | | {walls} | {cpus} |
"""


def markdown(document: Mapping[str, Any]) -> str:
    """All parts that were measured."""
    parts = ["# What attaching costs\n"]
    if "formats" in document:
        parts.append(_jobs(document))
    bus = document.get("bus", {})
    if bus:
        parts.append("\n`python benchmarks/overhead/bus.py event|attach|telemetry|writes` measures the rest:\n\n")
        parts += [text.format(**bus[name]) + "\n" for name, text in _LINES if name in bus]
    if "observed" in document:
        parts.append(_observed(document["observed"]))
    if "writes" in bus:
        parts.append(_WRITES.format(**bus["writes"], rows="\n".join(_samples(bus["writes"]["samples"]))))
    return "".join(parts)


def _jobs(document: Mapping[str, Any]) -> str:
    formats = document["formats"]
    versions = ", ".join(f"{name} {number}" for name, number in document["versions"].items())
    return _JOBS.format(
        scale=document["scale"],
        rounds=" and ".join(f"{len(found['rounds']['bare'])} rounds for {form}" for form, found in formats.items()),
        at=document["at"],
        commit=document["commit"],
        cores=document["machine"]["cores"],
        versions=versions,
        rows="\n".join(line for form, found in formats.items() for line in _rows(form, found)),
        notes="\n".join(_note(form, found) for form, found in formats.items()),
    )


def _observed(found: Mapping[str, Any]) -> str:
    rows = [
        f"| {side} | {len(costs)} | "
        + " | ".join(_spread([cost[key] for cost in costs], found["medians"][side][key]) for key in ("wall_s", "cpu_s"))
        + " |"
        for side, costs in found["rounds"].items()
    ]
    ratio = found["ratio"]
    values = {key: found[key] for key in ("format", "scale", "at", "commit")}
    theirs = found["back_ends_cpu_s"]
    values |= {"walls": _by_rounds(found, "wall_s"), "cpus": _by_rounds(found, "cpu_s")}
    return _OBSERVED.format(**values, rows="\n".join(rows), wall=ratio["wall_s"], cpu=ratio["cpu_s"], theirs=theirs)


def _by_rounds(found: Mapping[str, Any], key: str) -> str:
    """What is not moved by a machine that gets faster or slower from round to round."""
    pairs = zip(found["rounds"]["observed"], found["rounds"]["attached"], strict=True)
    ratios = [observed[key] / attached[key] for observed, attached in pairs]
    return f"{statistics.median(ratios):.3f} [{min(ratios):.3f} to {max(ratios):.3f}]"


def _rows(form: str, found: Mapping[str, Any]) -> Iterator[str]:
    for side, costs in found["rounds"].items():
        cells = [_spread([cost[key] for cost in costs], found["medians"][side][key]) for key in ("wall_s", "cpu_s")]
        yield f"| {form} | {side} | {cells[0]} | {cells[1]} | {found['spark_jobs'][side]} |"
    ratio = found["ratio"]
    more = found["spark_jobs"]["attached"] - found["spark_jobs"]["bare"]
    yield f"| {form} | **attached ÷ bare** | **{ratio['wall_s']:.2f}** | **{ratio['cpu_s']:.2f}** | {more:+d} |"


def _spread(values: list[float], median: float) -> str:
    return f"{median:.1f} [{min(values):.1f} to {max(values):.1f}]"


def _note(form: str, found: Mapping[str, Any]) -> str:
    verdicts = ", ".join(f"{count} {status}" for status, count in sorted(found["verdicts"].items()))
    own = found["overhead_s"]
    return f"- {form}: verdicts {verdicts}; hookline's own account of its time in the last round: {own:.2f} s."


def _samples(samples: list[Mapping[str, float]]) -> Iterator[str]:
    for one in samples:
        yield (
            f"| {one['writes']:,.0f} | {one['python_mb']:.0f} | {one['java_heap_mb']:.0f} | {one['threads']:.0f} "
            f"| {one['open_files']:.0f} | {one['files_mb']:.1f} |"
        )
