"""What 25 checks of a write cost: the bare job, ours, ours with keys, references and quantiles, and peers with the same 25.

    python benchmarks/quality/peers.py [--scale 1] [--rounds 3] [--side bare --side ours …] [--add] [--peers-python P]

The job is benchmarks/overhead/job.py on TPC-H's lineitem, each time a process of its own; sides take turns. Peers run in an
environment of theirs (made in .cache/peers the first time), after the write, in the job's session. ``--add`` keeps the rounds
that quality.json has, for a machine that is free for some minutes only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "benchmarks" / "overhead"))

from lineitem_checks import suite  # noqa: E402
from processes import adopt_orphans, run  # noqa: E402

CACHE = ROOT / ".cache"
PEERS = ("cuallee", "pandera", "great_expectations")
SIDES = ("bare", "ours", "ours_heavy", *PEERS)
PACKAGES = ("cuallee", "pandera[pyspark]", "great_expectations>=1.10,<2", "pyspark==4.2.0", "pandas<3", "pyarrow>=18")


def main() -> None:
    """Measure, keep, and print."""
    args = _parse_args()
    adopt_orphans()
    source = make_input(args.scale)
    python = _peers_python(args)
    work = CACHE / "quality" / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    results = HERE / "quality.json"
    known = json.loads(results.read_text("utf-8")) if args.add and results.exists() else {}
    costs: dict[str, list[list[float]]] = known.get("costs", {})
    facts: dict[str, int | None] = known.get("checks", {})
    for number in range(args.rounds):
        for side in args.side if number % 2 == 0 else reversed(args.side):
            try:
                cost = _run(side, source, work, python)
            except RuntimeError as error:
                sys.stderr.write(f"{side}: {error}\n")
                continue
            facts[side] = _checks(side, work)
            costs.setdefault(side, []).append([cost.wall_s, cost.cpu_s])
            sys.stderr.write(f"round {number} {side}: {cost.wall_s:.1f} s, {cost.cpu_s:.1f} CPU-s\n")
    results.write_text(
        json.dumps({"version": 1, "scale": args.scale, "costs": costs, "checks": facts}, indent=1) + "\n"
    )
    sys.stdout.write(page(costs, facts, args.scale))
    shutil.rmtree(work)


def make_input(scale: float) -> Path:
    """TPC-H's lineitem and orders as Parquet, made once per scale."""
    folder = CACHE / "quality" / f"scale-{scale:g}"
    if not (folder / "orders.parquet").exists():
        scratch = folder.with_suffix(".new")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        tool = str(Path(sys.executable).parent / "tpchgen-cli")
        command = [tool, "parquet", "-s", f"{scale:g}", "--tables", "lineitem,orders", "--output-dir", str(scratch)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        scratch.rename(folder)
    return folder


def page(costs: dict[str, list[list[float]]], checks: dict[str, Any], scale: float) -> str:
    """The results as a table: medians, spread, what came on top of the bare write, and how often that is."""
    lines = [
        f"Lineitem at scale {scale:g}, Parquet; medians (from, to).",
        "",
        "| | checks | rounds | wall s | CPU-s | wall, of bare | CPU, of bare | CPU on top |",
        "|---|---|---|---|---|---|---|---|",
    ]
    bare = [statistics.median(cost[place] for cost in costs["bare"]) for place in (0, 1)] if "bare" in costs else None
    for side in (side for side in SIDES if side in costs):
        cells = [side, str(checks.get(side) or "-"), str(len(costs[side]))]
        middle = []
        for place in (0, 1):
            numbers = sorted(cost[place] for cost in costs[side])
            middle.append(statistics.median(numbers))
            cells.append(f"{middle[-1]:.1f} ({numbers[0]:.1f}, {numbers[-1]:.1f})")
        if bare is not None:
            cells += [f"{middle[place] / bare[place]:.2f}" for place in (0, 1)] + [f"{middle[1] - bare[1]:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _run(side: str, source: Path, work: Path, python: Path) -> Any:
    target = work / "out"
    for folder in (target, work / "state"):
        shutil.rmtree(folder, ignore_errors=True)
    job = [str(ROOT / "benchmarks" / "overhead" / "job.py"), str(source / "lineitem.parquet"), str(target)]
    environ = _environ(work)
    if side in PEERS:
        environ["PYSPARK_PYTHON"] = environ["PYSPARK_DRIVER_PYTHON"] = str(python)
        command = [str(python), str(HERE / "peer_job.py"), side, *job[1:]]
    elif side == "bare":
        command = [sys.executable, *job]
    else:
        orders = str(source / "orders.parquet") if side == "ours_heavy" else None
        (work / "suite.yaml").write_text(yaml.safe_dump(suite(orders)), "utf-8")
        (work / "hookline.yaml").write_text("plugins:\n  quality:\n    suites: [suite.yaml]\n", "utf-8")
        attached = ["-m", "hookline", "run", "--config", str(work / "hookline.yaml"), "--json", str(work / "run.json")]
        command = [sys.executable, *attached, "--", *job]
    return run(command, environ, work, work / f"{side}.log")


def _environ(work: Path) -> dict[str, str]:
    conf = {
        "spark.master": "local[2]",
        "spark.driver.memory": "4g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    settings = work / "conf"
    settings.mkdir(exist_ok=True)
    (settings / "spark-defaults.conf").write_text("".join(f"{key} {value}\n" for key, value in conf.items()), "utf-8")
    mine = {"SPARK_CONF_DIR": str(settings), "HOOKLINE_DIR": str(work / "state"), "PYSPARK_PYTHON": sys.executable}
    return {"SPARK_LOCAL_IP": "127.0.0.1", **os.environ, **mine}


def _checks(side: str, work: Path) -> int | None:
    """How many checks were judged; all of them have to have passed."""
    if side == "bare":
        return None
    if side in PEERS:
        found = re.search(r"checks: (\d+)", (work / f"{side}.log").read_text("utf-8", "replace"))
        return int(found[1]) if found else None
    (write,) = json.loads((work / "run.json").read_text("utf-8"))["writes"]
    if other := [verdict["check"] for verdict in write["verdicts"] if verdict["status"] != "passed"]:
        raise RuntimeError(f"all checks should have passed: {other}")
    return len(write["verdicts"])


def _peers_python(args: argparse.Namespace) -> Path:
    """The peers' own environment."""
    if args.peers_python is not None or not set(args.side) & set(PEERS):
        return args.peers_python or Path(sys.executable)
    folder = CACHE / "peers"
    if not (folder / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "pip"), "install", "-q", *PACKAGES], check=True)
    return folder / "bin" / "python"


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", action="append", choices=SIDES)
    parser.add_argument("--add", action="store_true")
    parser.add_argument("--peers-python", type=Path)
    args = parser.parse_args()
    args.side = args.side or list(SIDES)
    return args


if __name__ == "__main__":
    main()
