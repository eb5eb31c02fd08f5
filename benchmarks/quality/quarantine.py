"""What it costs to set one row in a thousand aside: the same job bare, and attached with 25 checks and a quarantine.

    python benchmarks/quality/quarantine.py [--rounds 3] [--scale 1] [--format parquet] [--format delta] [--add]

Bad rows are spread evenly, so that every file holds some: the dearest case. Needs what scripts/test installs. Writes its part
of results.json and RESULTS.md beside this file; ``--add`` keeps the rounds that are there.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "overhead"))

from processes import Cost, adopt_orphans, run  # noqa: E402
from quality_page import markdown  # noqa: E402
from results import compile_package, load, save, surroundings  # noqa: E402
from run import CACHE, environ_of, make_input  # noqa: E402

SIDES = ("bare", "attached")


def main() -> None:
    """Measure, and write the results."""
    args = _parse_args()
    adopt_orphans()
    compile_package()
    source = args.input or make_input(args.scale)
    work = CACHE / "quarantine-work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    before = load(args.out).get("quarantine", {}).get("formats", {}) if args.add else {}
    for form in args.format:
        before = before | {form: _measure(form, source, work, args.rounds, before.get(form, {}).get("rounds", {}))}
    page = save(args.out, {"quarantine": {**surroundings(), "scale": args.scale, "formats": before}}, markdown)
    sys.stdout.write(page)
    shutil.rmtree(work)


def _measure(form: str, source: Path, work: Path, rounds: int, before: Mapping[str, Any]) -> dict[str, Any]:
    """The rounds, after one of the bare job to warm up."""
    costs = {side: [Cost(**cost) for cost in before.get(side, ())] for side in SIDES}
    facts: dict[str, Any] = {}
    _run_side("bare", form, source, work)
    for number in range(rounds):
        for side in SIDES if number % 2 else reversed(SIDES):
            cost, found = _run_side(side, form, source, work)
            facts |= found
            sys.stderr.write(f"{form} round {number} {side}: {cost.wall_s:.1f} s, {cost.cpu_s:.1f} CPU-s\n")
            costs[side].append(cost)
    medians = {
        side: {key: statistics.median(getattr(cost, key) for cost in costs[side]) for key in ("wall_s", "cpu_s")}
        for side in SIDES
    }
    ratio = {key: round(medians["attached"][key] / medians["bare"][key], 2) for key in medians["bare"]}
    return {"rounds": {side: [asdict(cost) for cost in costs[side]] for side in SIDES}, "ratio": ratio, **facts}


def _run_side(side: str, form: str, source: Path, work: Path) -> tuple[Cost, dict[str, Any]]:
    target, events, summary = work / "lineitem-out", work / "events", work / "run.json"
    for folder in (target, events, work / "state", Path(f"{target}_quarantine")):
        shutil.rmtree(folder, ignore_errors=True)
    events.mkdir()
    job = [str(HERE / "spoiled_job.py"), str(source), str(target), form]
    attached = ["-m", "hookline", "run", "--config", str(HERE / "quarantine.yaml"), "--json", str(summary), "--"]
    command = [sys.executable, *(attached if side == "attached" else []), *job]
    environ: Mapping[str, str] = environ_of(form, events, work)
    cost = run(command, environ, work, work / f"{side}-{form}.log")
    return cost, {} if side == "bare" else _proved(summary, target)


def _proved(summary: Path, target: Path) -> dict[str, Any]:
    """That what was to be done was done.

    Raises:
        RuntimeError: a bad row is in the target, or one is missing.
    """
    import duckdb

    (write,) = json.loads(summary.read_text("utf-8"))["writes"]
    aside = f"{target}_quarantine/*/*.parquet"
    bad = duckdb.sql(f"SELECT count(*), count(*) FILTER (row.l_quantity < 0) FROM read_parquet('{aside}')").fetchone()
    files = sorted(map(str, target.glob("*.parquet")))
    if target.joinpath("_delta_log").exists():
        log = [json.loads(line) for path in target.glob("_delta_log/*.json") for line in path.read_text().splitlines()]
        files = [str(target / action["add"]["path"]) for action in log if "add" in action]
    good = duckdb.execute(
        "SELECT count(*), count(*) FILTER (l_quantity < 0) FROM read_parquet($f)", {"f": files}
    ).fetchone()
    if not bad or not good or bad[0] != bad[1] or not bad[0] or good[1]:
        raise RuntimeError(f"rows are not where they belong: {bad} aside, {good} in the target")
    if (write["rows"], write["rows_quarantined"]) != (good[0], bad[0]):
        raise RuntimeError(f"the summary tells other numbers: {write['rows']}, {write['rows_quarantined']}")
    return {"rows": good[0] + bad[0], "aside": bad[0]}


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a quarantine costs.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="TPC-H's scale factor; 1 has 6 million rows")
    parser.add_argument("--input", type=Path, help="lineitem as Parquet, in place of making it")
    parser.add_argument("--format", action="append", choices=["parquet", "delta"])
    parser.add_argument("--add", action="store_true", help="add to the rounds of results.json")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the results")
    args = parser.parse_args()
    args.format = args.format or ["parquet", "delta"]
    return args


if __name__ == "__main__":
    main()
