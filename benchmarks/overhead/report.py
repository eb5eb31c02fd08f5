"""The results of the overhead benchmark as a page to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_PAGE = """# What attaching costs

TPC-H lineitem, scale {scale}: read, three columns derived, written. Bare, and attached with every plugin and the 25
checks of `suite.yaml`. {rounds} rounds, the two sides in turn, after one to warm up; medians, with least and most in
brackets. CPU is that of all processes. Measured {at} on {cores} cores.
`python benchmarks/overhead/run.py` makes this page anew.

| target | side | wall, s | CPU, s | Spark jobs |
| --- | --- | --- | --- | --- |
{rows}

{notes}
"""


def markdown(document: Mapping[str, Any]) -> str:
    """A table per format, with the spread beside every median."""
    rows = "\n".join(line for form, found in document["formats"].items() for line in _rows(form, found))
    notes = "\n".join(_note(form, found) for form, found in document["formats"].items())
    return _PAGE.format(
        scale=f"{document['scale']:g}",
        rounds=document["rounds"],
        at=document["at"],
        cores=document["machine"]["cores"],
        rows=rows,
        notes=notes,
    )


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
