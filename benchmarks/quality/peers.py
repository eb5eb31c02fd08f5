"""What checks of a write cost: the bare job, ours with 25 checks, ours with heavy ones too, and peers with the 25.

    python benchmarks/quality/peers.py [--scale 1] [--rounds 3] [--format parquet] [--side bare --side ours …] [--add]

The job is benchmarks/overhead/job.py on TPC-H's lineitem, each time a process of its own; sides take turns, every other round
from the last to the first. Peers run in environments of theirs (places.py makes them the first time), after the write, in the
job's session. Deequ needs Spark 3.5, so the bare job runs there too. Peers check Parquet, ours Delta as well. ``--add`` keeps
the rounds that results.json has, for a machine that is free for some minutes only.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "overhead"))

import places  # noqa: E402
from lineitem_checks import suite  # noqa: E402
from processes import adopt_orphans, run  # noqa: E402
from quality_page import markdown  # noqa: E402
from results import compile_package, load, save, surroundings  # noqa: E402
from run import CACHE, count_jobs, environ_of, make_input  # noqa: E402

OURS = ("ours", "ours_heavy")
SIDES = {
    "bare": places.own,
    "ours": places.own,
    "ours_heavy": places.own,
    "cuallee": places.with_peers,
    "pandera": places.with_peers,
    "deequ_bare": places.with_deequ,
    "deequ": places.with_deequ,
    "great_expectations": places.with_peers,
}
JOB = HERE.parent / "overhead" / "job.py"


def main() -> None:
    """Measure, keep, and print."""
    args = _parse_args()
    adopt_orphans()
    compile_package()
    work = CACHE / "quality-work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    sources = {table: make_input(args.scale, table) for table in ("lineitem", "orders")}
    ready = {side: SIDES[side]() for side in args.side}
    formats: dict[str, Any] = load(args.out).get("peers", {}).get("formats", {}) if args.add else {}
    for form in args.format:
        sides = [side for side in args.side if form == "parquet" or side in ("bare", *OURS)]
        # One side more, and it is kept: a machine that is needed elsewhere takes no more than that.
        for found in _measure(form, sides, ready, sources, work, args.rounds, formats.get(form, {})):
            formats |= {form: found}
            page = save(args.out, {"peers": {**surroundings(), "scale": args.scale, "formats": formats}}, markdown)
    sys.stdout.write(page)
    shutil.rmtree(work)


def _measure(
    form: str,
    sides: list[str],
    ready: Mapping[str, places.Place],
    sources: Mapping[str, Path],
    work: Path,
    rounds: int,
    before: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """All that is known after each side of each round; before them, one run of the bare job to warm up."""
    found: dict[str, Any] = dict(before)
    _run_side("bare", form, places.own(), sources, work)
    first = len(found.get("bare", {}).get("rounds", []))
    for number in range(first, first + rounds):
        for side in sides if number % 2 == 0 else reversed(sides):
            cost, facts = _run_side(side, form, ready[side], sources, work)
            sys.stderr.write(f"{form} round {number} {side}: {cost.wall_s:.1f} s, {cost.cpu_s:.1f} CPU-s, {facts}\n")
            earlier = found.get(side, {}).get("rounds", [])
            found[side] = {**facts, "rounds": [*earlier, asdict(cost)]}
            yield found


def _run_side(
    side: str, form: str, place: places.Place, sources: Mapping[str, Path], work: Path
) -> tuple[Any, dict[str, Any]]:
    target, events = work / "out", work / "events"
    for folder in (target, events, work / "state"):
        shutil.rmtree(folder, ignore_errors=True)
    events.mkdir()
    environ = {**environ_of(form, events, work, place.jars), "PYSPARK_PYTHON": str(place.python)}
    environ["PYSPARK_DRIVER_PYTHON"] = str(place.python)
    arguments = [str(sources["lineitem"]), str(target)]
    if side in OURS:
        command = [*_attached(side, sources, work), str(JOB), *arguments, form]
    elif side in ("bare", "deequ_bare"):
        command = [str(JOB), *arguments, form]
    else:
        command = [str(HERE / "peer_job.py"), side, *arguments]
    log = work / f"{side}-{form}.log"
    cost = run([str(place.python), *command], environ, work, log)
    return cost, {"spark_jobs": count_jobs(events), "checks": _checks(side, log, work)}


def _attached(side: str, sources: Mapping[str, Path], work: Path) -> list[str]:
    orders = str(sources["orders"]) if side == "ours_heavy" else None
    (work / "suite.yaml").write_text(yaml.safe_dump(suite(orders)), "utf-8")
    (work / "hookline.yaml").write_text("plugins:\n  quality:\n    suites: [suite.yaml]\n", "utf-8")
    return ["-m", "hookline", "run", "--config", str(work / "hookline.yaml"), "--json", str(work / "run.json"), "--"]


def _checks(side: str, log: Path, work: Path) -> int | None:
    """How many checks were judged; all of them have to have passed."""
    if side in OURS:
        (write,) = json.loads((work / "run.json").read_text("utf-8"))["writes"]
        if other := [verdict["check"] for verdict in write["verdicts"] if verdict["status"] != "passed"]:
            raise RuntimeError(f"all checks should have passed: {other}")
        return len(write["verdicts"])
    told = re.search(r"checks: (\d+)", log.read_text("utf-8", "replace"))
    return int(told[1]) if told else None


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--format", action="append", choices=["parquet", "delta"])
    parser.add_argument("--side", action="append", choices=list(SIDES))
    parser.add_argument("--add", action="store_true", help="add to the rounds of results.json")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the results")
    args = parser.parse_args()
    args.format = args.format or ["parquet", "delta"]
    args.side = args.side or list(SIDES)
    return args


if __name__ == "__main__":
    main()
