"""What attaching costs: the same job bare and attached, in turn, medians.

    python benchmarks/overhead/run.py [--rounds 7] [--scale 1] [--format parquet] [--format delta] [--add]

Needs what scripts/test installs (start it with the environment that scripts/test made). The input is made once, in
.cache/tpch. Writes results.json and RESULTS.md beside this file. ``--add`` keeps the rounds that are there already, for a
machine that is free for some minutes only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from overhead_page import markdown
from processes import Cost, adopt_orphans, run
from results import compile_package, load, save, surroundings

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "tpch"
SIDES = ("bare", "attached")
CHECKS = 25


def main() -> None:
    """Measure, and write the results."""
    args = _parse_args()
    adopt_orphans()
    source = make_input(args.scale)
    work = CACHE / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    compile_package()
    before = load(args.out).get("formats", {}) if args.add else {}
    found = {form: _measure(form, source, work, args.rounds, before.get(form)) for form in args.format}
    page = save(args.out, {**surroundings(), "scale": args.scale, "formats": before | found}, markdown)
    sys.stdout.write(page)
    shutil.rmtree(work)


def make_input(scale: float, table: str = "lineitem") -> Path:
    """One of TPC-H's tables as Parquet, made once per scale."""
    folder = CACHE / f"scale-{scale:g}"
    file = folder / f"{table}.parquet"
    if not file.exists():
        scratch = CACHE / f"{folder.name}.new"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        tool = str(Path(sys.executable).parent / "tpchgen-cli")
        command = [tool, "parquet", "-s", f"{scale:g}", "--tables", table, "--output-dir", str(scratch)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        folder.mkdir(exist_ok=True)
        (scratch / file.name).rename(file)
        scratch.rmdir()
    return file


def _measure(form: str, source: Path, work: Path, rounds: int, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """One round to warm up, then the rounds; each begins with the other side."""
    earlier = before["rounds"] if before else {side: [] for side in SIDES}
    costs = {side: [Cost(**cost) for cost in earlier[side]] for side in SIDES}
    facts: dict[str, dict[str, Any]] = {}
    for number in range(rounds + 1):
        for side in SIDES if number % 2 else reversed(SIDES):
            config = HERE / "hookline.yaml" if side == "attached" else None
            cost, facts[side] = run_job(config, form, source, work)
            sys.stderr.write(f"{form} round {number} {side}: {cost.wall_s:.1f} s, {cost.cpu_s:.1f} CPU-s\n")
            if number:
                costs[side].append(cost)
        if facts["bare"]["fingerprint"] != facts["attached"]["fingerprint"]:
            raise RuntimeError("the attached job wrote other rows than the bare one")
    medians = {side: medians_of(costs[side]) for side in SIDES}
    return {
        "rounds": {side: [asdict(cost) for cost in costs[side]] for side in SIDES},
        "medians": medians,
        "ratio": {key: medians["attached"][key] / medians["bare"][key] for key in medians["bare"]},
        "spark_jobs": {side: facts[side]["spark_jobs"] for side in SIDES},
        "overhead_s": facts["attached"]["overhead_s"],
        "verdicts": facts["attached"]["verdicts"],
    }


def medians_of(costs: Sequence[Cost]) -> dict[str, float]:
    """Of each kind of cost."""
    return {key: statistics.median(getattr(cost, key) for cost in costs) for key in ("wall_s", "cpu_s")}


def run_job(
    config: Path | None,
    form: str,
    source: Path,
    work: Path,
    more: Mapping[str, str] | None = None,
    apart: Collection[int] = (),
) -> tuple[Cost, dict[str, Any]]:
    """The job once, bare or attached.

    Args:
        config: None when nothing is attached.
        more: variables of its environment, besides those of all sides.
        apart: see ``processes.run``.
    """
    target, events, summary = work / "lineitem-out", work / "events", work / "run.json"
    for folder in (target, events, work / "state"):
        shutil.rmtree(folder, ignore_errors=True)
    events.mkdir()
    job = [str(HERE / "job.py"), str(source), str(target), form]
    attached = ["-m", "hookline", "run", "--config", str(config), "--json", str(summary), "--"] if config else []
    log = work / f"{config.stem if config else 'bare'}-{form}.log"
    environ = {**environ_of(form, events, work), **(more or {})}
    cost = run([sys.executable, *attached, *job], environ, work, log, apart)
    facts = {"spark_jobs": count_jobs(events), "fingerprint": _fingerprint(target)}
    if config:
        facts |= _read_summary(summary)
    return cost, facts


def environ_of(form: str, events: Path, work: Path, jars: Sequence[Path] = ()) -> Mapping[str, str]:
    """The settings of all sides, where the job's own code can't tell that they are there."""
    conf = {
        "spark.master": "local[2]",
        "spark.driver.memory": "4g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.eventLog.rolling.enabled": "false",
    }
    if form == "delta":
        jars = [*jars, *sorted(_jars().glob("*.jar"))]
        conf["spark.sql.extensions"] = "io.delta.sql.DeltaSparkSessionExtension"
        conf["spark.sql.catalog.spark_catalog"] = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    if jars:
        conf["spark.jars"] = ",".join(map(str, jars))
    settings = work / f"conf-{form}"
    settings.mkdir(exist_ok=True)
    (settings / "spark-defaults.conf").write_text("".join(f"{key} {value}\n" for key, value in conf.items()), "utf-8")
    mine = {"SPARK_CONF_DIR": str(settings), "HOOKLINE_DIR": str(work / "state"), "PYSPARK_PYTHON": sys.executable}
    return {"SPARK_LOCAL_IP": "127.0.0.1", **os.environ, **mine}


def _jars() -> Path:
    return Path(os.environ.get("HOOKLINE_JARS", ROOT / ".cache" / "jars"))


def count_jobs(events: Path) -> int:
    logs = [path for path in events.rglob("*") if path.is_file()]
    return sum(line.startswith('{"Event":"SparkListenerJobStart"') for path in logs for line in path.open())


def _fingerprint(target: Path) -> tuple[Any, ...]:
    """Equal for equal rows in any order: their number, and the sum of their hashes."""
    import duckdb

    files = str(target / "*.parquet")
    row = duckdb.sql(f"select count(*), sum(hash(t)::hugeint) from read_parquet('{files}') t").fetchone()
    if row is None or row[0] == 0:
        raise RuntimeError("the job wrote nothing")
    return tuple(map(str, row))


def _read_summary(path: Path) -> dict[str, Any]:
    document = json.loads(path.read_text("utf-8"))
    (write,) = document["writes"]
    verdicts: dict[str, int] = {}
    for verdict in write["verdicts"]:
        verdicts[verdict["status"]] = verdicts.get(verdict["status"], 0) + 1
    if verdicts != {"passed": CHECKS}:
        raise RuntimeError(f"{CHECKS} checks should have passed: {verdicts}")
    return {"overhead_s": document["overhead_s"], "verdicts": verdicts}


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What attaching hookline costs.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1.0, help="TPC-H's scale factor; 1 has 6 million rows")
    parser.add_argument("--format", action="append", choices=["parquet", "delta"])
    parser.add_argument("--add", action="store_true", help="add to the rounds of results.json")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the results")
    args = parser.parse_args()
    args.format = args.format or ["parquet", "delta"]
    return args


if __name__ == "__main__":
    main()
