"""Column lineage on TPC-H's 22 queries: which edges are right, and what finding them costs. Ours beside openlineage-spark's.

    python benchmarks/lineage/run.py [--rounds 3] [--turns 3] [--scale 0.1] [--peer-jar openlineage-spark_2.13-1.53.0.jar]
    python benchmarks/lineage/run.py --rounds 1 --add …            one more round, to those that are there
    python benchmarks/lineage/run.py --rounds 1 --add --sides bare …    one more of a side
    python benchmarks/lineage/run.py --rounds 0 --add --spans …    what one write's lineage takes


Needs what scripts/test installs, and the peer's jar (Maven: io.openlineage:openlineage-spark_2.13). The truth is
tests/lineage/truth/tpch.yaml. Every round runs the three sides in turn, each in a process of its own. Writes results.json
and RESULTS.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from report import markdown
from score import our_edges, peer_edges, score, small_cases, truth
from spans import measure

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "tpch"
SIDES = ("bare", "hookline", "openlineage-spark")


def main() -> None:
    """Measure, and write the results."""
    args = _parse_args()
    source, work = make_input(args.scale), CACHE / "lineage"
    results = args.out / "results.json"
    before: dict[str, Any] = json.loads(results.read_text()) if args.add and results.exists() else {}
    work.mkdir(parents=True, exist_ok=True)
    queries = work / "queries.json"
    queries.write_text(json.dumps(_queries()))
    sides = [side for side in args.sides or SIDES if side != "openlineage-spark" or args.peer_jar]
    took: dict[str, list[dict[str, float]]] = before.get("took", {})
    edges: dict[str, Any] = before.get("edges", {})
    for number in range(args.rounds):
        for place in range(len(sides)):
            side = sides[(number + place) % len(sides)]
            took.setdefault(side, []).append(_run(side, source, queries, work, args))
            sys.stderr.write(f"round {len(took[side])} {side}: {sum(took[side][-1].values()):.1f} s\n")
            edges |= {side: _scores(side, work)} if side != "bare" else {}
    document = {
        "version": 1,
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "scale": args.scale,
        "rounds": max(map(len, took.values())),
        "took": took,
        "seconds": {side: _seconds(took[side]) for side in SIDES if side in took},
        "cases": small_cases(),
        "spans_ms": measure(source, _queries()) if args.spans else before.get("spans_ms"),
        "edges": edges,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(document, indent=2) + "\n")
    files = {side: args.out / f"graph-{side}.json" for side in ("events", "store")}
    graphs = {side: json.loads(file.read_text()) for side, file in files.items() if file.exists()}
    page = markdown(document, graphs)
    (args.out / "RESULTS.md").write_text(page)
    sys.stdout.write(page)


def make_input(scale: float) -> Path:
    """TPC-H's tables as Parquet, made once per scale."""
    folder = CACHE / f"all-{scale:g}"
    if not folder.exists():
        scratch = CACHE / f"{folder.name}.new"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        tool = str(Path(sys.executable).parent / "tpchgen-cli")
        command = [tool, "parquet", "-s", f"{scale:g}", "--output-dir", str(scratch)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        scratch.rename(folder)
    return folder


def _queries() -> dict[int, str]:
    import duckdb
    import duckdb_extension_tpch as extension

    connection = duckdb.connect()
    connection.load_extension(str(next(Path(extension.__file__).parent.rglob("tpch.duckdb_extension"))))
    found = connection.sql("FROM tpch_queries()").fetchall()
    return {number: text.rstrip().rstrip(";") for number, text in found}


def _run(side: str, source: Path, queries: Path, work: Path, args: argparse.Namespace) -> dict[str, float]:
    """Seconds by query; the first of the turns in a process warms up and is left out."""
    state = work / side
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir()
    conf = {
        "spark.master": "local[2]",
        "spark.driver.memory": "3g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
    }
    if side == "openlineage-spark":
        conf |= {
            "spark.jars": str(args.peer_jar.resolve()),
            "spark.extraListeners": "io.openlineage.spark.agent.OpenLineageSparkListener",
            "spark.openlineage.transport.type": "file",
            "spark.openlineage.transport.location": str(state / "events.ndjson"),
            "spark.openlineage.columnLineage.datasetLineageEnabled": "true",
        }
    settings = state / "conf"
    settings.mkdir()
    (settings / "spark-defaults.conf").write_text("".join(f"{key} {value}\n" for key, value in conf.items()))
    (settings / "log4j2.properties").write_text("rootLogger.level = off\n")
    job = [str(HERE / "job.py"), str(source), str(state / "out"), str(queries), str(args.turns + 1)]
    attached = ["-m", "hookline", "run", "--config", str(HERE / "hookline.yaml"), "--"] if side == "hookline" else []
    mine = {"SPARK_CONF_DIR": str(settings), "HOOKLINE_DIR": str(state / "state"), "PYSPARK_PYTHON": sys.executable}
    log = state / "log"
    with log.open("wb") as output:
        environ = {"SPARK_LOCAL_IP": "127.0.0.1", **os.environ, **mine}
        command = [sys.executable, *attached, *job]
        subprocess.run(command, env=environ, stdout=output, stderr=output, cwd=state, check=True)
    seconds: dict[str, list[float]] = {}
    for line in log.read_text().splitlines():
        if line.startswith("TOOK "):
            _, turn, number, took = line.split()
            if turn != "0":
                seconds.setdefault(number, []).append(float(took))
    return {number: min(several) for number, several in seconds.items()}


def _seconds(rounds: list[dict[str, float]]) -> dict[str, Any]:
    """The least that each query took over all rounds, and the sums of the rounds."""
    least = {number: min(one[number] for one in rounds) for number in rounds[0]}
    return {"sum_of_least": sum(least.values()), "sums": [sum(one.values()) for one in rounds], "least": least}


def _scores(side: str, work: Path) -> dict[str, Any]:
    found = our_edges(work / "hookline" / "state") if side == "hookline" else peer_edges(work / side / "events.ndjson")
    expected = truth()
    scores = {kind: score(expected, found, kind) for kind in ("DIRECT", "INDIRECT")}
    return {kind: {**vars(one), "precision": one.precision, "recall": one.recall} for kind, one in scores.items()}


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Column lineage beside openlineage-spark.")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each side")
    parser.add_argument(
        "--turns", type=int, default=3, help="times that a process runs the queries, after one to warm up"
    )
    parser.add_argument("--sides", nargs="*", choices=SIDES, help="only these, in this order")
    parser.add_argument("--add", action="store_true", help="add the rounds to those of the results that are there")
    parser.add_argument("--spans", action="store_true", help="measure what one write's lineage takes")
    parser.add_argument("--scale", type=float, default=0.1, help="TPC-H's scale factor")
    parser.add_argument("--peer-jar", type=Path, help="openlineage-spark's jar; without it ours stands alone")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
