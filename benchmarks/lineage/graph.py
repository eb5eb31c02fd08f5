"""A graph of a million edges: how long it takes to load, how much memory, and how long to ask what a change reaches.

    python benchmarks/lineage/graph.py [--edges 1000000] [--from events|store] [--keep FOLDER]

Makes up a platform of layers: each dataset is written from three of the layer before, each column comes from five columns of
those. Prints one JSON object; run.py takes graph-events.json and graph-store.json beside it into RESULTS.md. The loading and the
questions are measured in a process of their own.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COLUMNS = 20
INPUTS = 3
WAYS = 5
LAYERS = 10
AT = "2026-03-01T12:00:00+00:00"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--from", dest="source", choices=("events", "store"), default="events")
    parser.add_argument("--keep", type=Path, help="make the history there, or take it from there")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measured(args.keep / name(args.source, args.edges))))
        return
    with tempfile.TemporaryDirectory() as folder:
        args.keep = args.keep or Path(folder)
        history = args.keep / name(args.source, args.edges)
        if not history.exists():
            (make_events if args.source == "events" else make_store)(history, args.edges)
        command = [sys.executable, __file__, "--measure", "--edges", str(args.edges), "--from", args.source]
        subprocess.run([*command, "--keep", str(args.keep)], check=True)


def name(source: str, edges: int) -> str:
    return f"lineage-{edges}.{'ndjson' if source == 'events' else 'db'}"


def measured(history: Path) -> dict[str, Any]:
    from hookline.core.store import Store
    from hookline.lineage.sources import load
    from hookline.lineage.walk import Impact
    from hookline.lineage.works import Period

    before = peak_bytes()
    began = time.perf_counter()
    source = Store(f"sqlite:///{history}") if history.suffix == ".db" else history
    graph = load(source, Period())
    load_s = time.perf_counter() - began
    chance = random.Random(1)
    columns = [number for number, node in enumerate(graph.nodes) if node.kind == "column"]
    graph.find(graph.nodes[columns[0]].id)  # the first question makes the index of names
    asked: dict[str, list[float]] = {"find": [], "up": [], "down": [], "table": []}
    largest = 0
    for number in [columns[0], *chance.sample(columns, 60)]:
        began = time.perf_counter()
        graph.find(graph.nodes[number].label)
        asked["find"].append(time.perf_counter() - began)
        for direction in ("up", "down"):
            began = time.perf_counter()
            impact = Impact(graph, number, direction)
            size = len(impact)
            asked[direction].append(time.perf_counter() - began)
            largest = max(largest, size)
            if size <= 1_000:
                began = time.perf_counter()
                impact.table()
                asked["table"].append(time.perf_counter() - began)
    return {
        "history_bytes": history.stat().st_size,
        "datasets": sum(1 for _ in graph.datasets()),
        "columns": len(columns),
        "edges": len(graph.edges),
        "load_s": round(load_s, 2),
        "peak_bytes": peak_bytes(),
        "peak_before_loading_bytes": before,
        "largest_impact": largest,
        **{f"{key}_max_ms": round(1000 * max(values), 1) for key, values in asked.items() if values},
        **{
            f"{key}_median_ms": round(1000 * sorted(values)[len(values) // 2], 1)
            for key, values in asked.items()
            if values
        },
    }


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def written(edges: int) -> Iterator[tuple[int, str, list[str], dict[str, list[tuple[str, str, str, str]]]]]:
    """(number, dataset, inputs, columns with what each came from: dataset, column, kind, transformation)"""
    chance = random.Random(7)
    datasets = edges // (COLUMNS * WAYS)
    size = datasets // LAYERS
    for number in range(datasets):
        layer = number // size
        own = f"/lake/layer_{layer}/table_{number}"
        first = (layer - 1) * size
        inputs = [f"/lake/layer_{layer - 1}/table_{first + chance.randrange(size)}" for _ in range(INPUTS)]
        if layer == 0:
            inputs = [f"/landing/source_{chance.randrange(datasets)}" for _ in range(INPUTS)]
        columns = {
            f"column_{place}": [
                (
                    chance.choice(inputs),
                    f"column_{chance.randrange(COLUMNS)}",
                    "DIRECT" if way < 3 else "INDIRECT",
                    ("IDENTITY", "TRANSFORMATION", "AGGREGATION", "JOIN", "CONDITIONAL")[way],
                )
                for way in range(WAYS)
            ]
            for place in range(COLUMNS)
        }
        yield number, own, sorted(set(inputs)), columns


def make_events(file: Path, edges: int) -> None:
    with file.open("w") as lines:
        for number, own, inputs, columns in written(edges):
            fields = {
                column: {
                    "inputFields": [
                        {
                            "namespace": "file",
                            "name": dataset,
                            "field": field,
                            "transformations": [{"type": kind, "subtype": how, "masking": False}],
                        }
                        for dataset, field, kind, how in sources
                    ]
                }
                for column, sources in columns.items()
            }
            event = {
                "eventType": "COMPLETE",
                "eventTime": AT,
                "run": {"runId": f"00000000-0000-4000-8000-{number:012}"},
                "job": {"namespace": "jobs", "name": f"job_{number % 997}"},
                "inputs": [{"namespace": "file", "name": name} for name in inputs],
                "outputs": [{"namespace": "file", "name": own, "facets": {"columnLineage": {"fields": fields}}}],
            }
            lines.write(json.dumps(event) + "\n")


def make_store(file: Path, edges: int) -> None:
    """By the store's own hand: facts, as a run tells them."""
    import datetime as dt

    from hookline.core.events import Column, ColumnInput, ColumnLineage, Dataset, Read, Run, Write, as_dict
    from hookline.core.store import Store
    from hookline.core.store.facts import APPLY

    at = dt.datetime.fromisoformat(AT)
    store = Store(f"sqlite:///{file}")
    with store.transaction() as connection:
        for number, own, inputs, columns in written(edges):
            run = Run(f"00000000-0000-4000-8000-{number:012}", f"job_{number % 997}", at)
            lineage = ColumnLineage(
                {
                    column: tuple(
                        ColumnInput(Dataset("file", one), field, kind, how) for one, field, kind, how in sources
                    )
                    for column, sources in columns.items()
                }
            )
            write = Write(
                f"{run.run_id}/1",
                Dataset("file", own),
                "append",
                at,
                columns=tuple(Column(column, "string") for column in columns),
                inputs=tuple(Read(Dataset("file", one)) for one in inputs),
                finished_at=at,
                published=True,
                column_lineage=lineage,
            )
            APPLY["run_started"](store, connection, as_dict(run))
            APPLY["write"](store, connection, {"run_id": run.run_id, **as_dict(write)})
    store.close()


if __name__ == "__main__":
    main()
