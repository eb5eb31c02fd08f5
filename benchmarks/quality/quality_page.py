"""The results of the quality benchmarks as a page to read."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_PEERS = """
## A write's checks

TPC-H lineitem, scale {scale:g}: read, three columns derived, written, and checked. `bare` has no checks; `ours` the 25 of
`lineitem_checks.py`; `ours_heavy` also an exact composite key, references to `orders` and three exact quantiles; the peers
the 25 as far as they have them, after the write and in its session. Deequ runs on Spark 3.5 (Spark 4 lacks the
`scala.Serializable` that its jar needs), beside the bare job there. Sides in turn; medians, with least and most in
brackets. CPU is that of all processes. {surroundings}

| target | side | checks | rounds | wall, s | CPU, s | wall ÷ bare | CPU ÷ bare | CPU beyond bare, s | Spark jobs beyond bare |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

{notes}

`python benchmarks/quality/peers.py` makes these figures anew.
"""
_QUARANTINE = """
## A quarantine

Lineitem at scale {scale:g} with one row in a thousand spoiled, evenly, so that every file holds some: bare, and attached
with the 25 checks of `benchmarks/overhead` and `breaker: quarantine`. {surroundings}

| target | side | rounds | wall, s | CPU, s |
| --- | --- | --- | --- | --- |
{rows}

{notes}

`python benchmarks/quality/quarantine.py` makes these figures anew.
"""
_SCALE = """
## Many checks on many columns

{checks} checks over {columns} columns, {rows:,} rows of Parquet, in a warm session. {surroundings}

| step | s | Spark jobs |
| --- | --- | --- |
{steps}

{told}

`python benchmarks/quality/scale.py` makes these figures anew{cliff}
"""
_CLIFF = """; with `--cliff`, those of Spark alone with so many
measures in one aggregate, where the step is that at which whole-stage code generation gives up (the product splits before):

| measures in one aggregate | s | ms each |
| --- | --- | --- |
{rows}
"""
_PROFILE = """
## A profile

All that `hookline profile` tells of {rows:,} rows by {columns} columns, beside a bare `count` and `sum` of all columns by
Spark, in one warm session, in turn. {surroundings}

| side | rounds | wall, s | CPU, s |
| --- | --- | --- | --- |
{lines}

`python benchmarks/quality/profiles.py` makes these figures anew.
"""


ORDER = ("bare", "ours", "ours_heavy", "cuallee", "pandera", "great_expectations", "deequ_bare", "deequ")


def markdown(document: Mapping[str, Any]) -> str:
    """All parts that were measured."""
    makers = {"peers": _peers, "quarantine": _quarantine, "scale": _scale, "profile": _profile}
    return "# What data quality costs\n" + "".join(
        make(document[name]) for name, make in makers.items() if name in document
    )


def _surroundings(part: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in part["versions"].items())
    return f"Measured {part['at']} at {part['commit']}, on {part['machine']['cores']} cores, with {versions}."


def _spread(values: Sequence[float], digits: int = 1) -> str:
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f} to {max(values):.{digits}f}]"


def _median(side: Mapping[str, Any], key: str) -> float:
    return float(statistics.median(cost[key] for cost in side["rounds"]))


def bare_of(side: str) -> str:
    """The side that a side is held against."""
    return "deequ_bare" if side.startswith("deequ") else "bare"


def _peers(part: Mapping[str, Any]) -> str:
    formats = part["formats"]
    rows = "\n".join(line for form, sides in formats.items() for line in _sides(form, sides))
    notes = "\n".join(note for form, sides in formats.items() for note in _compared(form, sides))
    return _PEERS.format(scale=part["scale"], surroundings=_surroundings(part), rows=rows, notes=notes)


def _sides(form: str, sides: Mapping[str, Any]) -> Iterator[str]:
    for name, side in sorted(sides.items(), key=lambda pair: ORDER.index(pair[0])):
        costs = [_spread([cost[key] for cost in side["rounds"]]) for key in ("wall_s", "cpu_s")]
        cells = [form, name, str(side["checks"] or "-"), str(len(side["rounds"])), *costs]
        bare = sides.get(bare_of(name))
        if bare is None or bare is side:
            cells += ["", "", "", ""]
        else:
            cells += [f"{_median(side, key) / _median(bare, key):.2f}" for key in ("wall_s", "cpu_s")]
            cells.append(f"{_median(side, 'cpu_s') - _median(bare, 'cpu_s'):.1f}")
            cells.append(f"{side['spark_jobs'] - bare['spark_jobs']:+d}")
        yield f"| {' | '.join(cells)} |"


def _compared(form: str, sides: Mapping[str, Any]) -> Iterator[str]:
    """How many times less ours takes beyond the bare write than each peer."""
    if "ours" not in sides or "bare" not in sides:
        return
    beyond = {
        name: _median(side, "cpu_s") - _median(sides[bare_of(name)], "cpu_s")
        for name, side in sides.items()
        if bare_of(name) in sides
    }
    peers = {name: cost for name, cost in beyond.items() if not name.startswith(("bare", "ours", "deequ_bare"))}
    if peers and beyond["ours"] > 0:
        told = ", ".join(
            f"{name} {cost / beyond['ours']:.0f}" for name, cost in sorted(peers.items(), key=lambda p: p[1])
        )
        yield f"- {form}: CPU beyond the bare write, as a multiple of ours: {told}."


def _quarantine(part: Mapping[str, Any]) -> str:
    rows, notes = [], []
    for form, found in part["formats"].items():
        for side, costs in found["rounds"].items():
            cells = [_spread([cost[key] for cost in costs]) for key in ("wall_s", "cpu_s")]
            rows.append(f"| {form} | {side} | {len(costs)} | {cells[0]} | {cells[1]} |")
        ratio = found["ratio"]
        rows.append(f"| {form} | **attached ÷ bare** | | **{ratio['wall_s']:.2f}** | **{ratio['cpu_s']:.2f}** |")
        notes.append(f"- {form}: {found['aside']:,} of {found['rows']:,} rows set aside, all of them and no other.")
    text = {"rows": "\n".join(rows), "notes": "\n".join(notes)}
    return _QUARANTINE.format(scale=part["scale"], surroundings=_surroundings(part), **text)


def _scale(part: Mapping[str, Any]) -> str:
    steps = "\n".join(f"| {step['step']} | {step['took_s']:.2f} | {step.get('jobs', '')} |" for step in part["steps"])
    cliff = "."
    if "cliff" in part:
        rows = (f"| {one['measures']} | {one['took_s']:.2f} | {one['each_ms']:.1f} |" for one in part["cliff"])
        cliff = _CLIFF.format(rows="\n".join(rows)).rstrip()
    return _SCALE.format(
        surroundings=_surroundings(part),
        steps=steps,
        cliff=cliff,
        **{name: part[name] for name in ("checks", "columns", "rows", "told")},
    )


def _profile(part: Mapping[str, Any]) -> str:
    lines = []
    for side, costs in part["rounds"].items():
        cells = [_spread([cost[key] for cost in costs], 2) for key in ("wall_s", "cpu_s")]
        lines.append(f"| {side} | {len(costs)} | {cells[0]} | {cells[1]} |")
    ratios = [
        statistics.median(cost[key] for cost in part["rounds"]["profile"])
        / statistics.median(cost[key] for cost in part["rounds"]["bare"])
        for key in ("wall_s", "cpu_s")
    ]
    lines.append(f"| **profile ÷ bare** | | **{ratios[0]:.2f}** | **{ratios[1]:.2f}** |")
    return _PROFILE.format(
        surroundings=_surroundings(part), rows=part["rows"], columns=part["columns"], lines="\n".join(lines)
    )
