"""A run history of a hundred thousand runs, and how long each page of `hookline ui` takes with it.

    python benchmarks/observability/pages.py [--runs 100000] [--store URL] [--keep FOLDER] [--times 15]

Makes up ninety days of two hundred jobs that write three hundred datasets with five checks each, with thirty days of telemetry
and cost, then asks a server of its own for each page and each path of the API. Prints one JSON object: milliseconds, the median
and the slowest of each. A folder that is kept is not filled again.
"""

from __future__ import annotations

import argparse
import datetime as dt
import http.client
import json
import random
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import uvicorn

from hookline.commands.ui import _picture
from hookline.core.config import Config
from hookline.core.events import content_id
from hookline.core.labels import LabelsConfig
from hookline.core.store import Store, Subject, schema
from hookline.core.store.packing import pack
from hookline.core.store.reader import StoreReader
from hookline.observability.ui.app import Sources, application

DAYS, JOBS, DATASETS, CHECKS, TELEMETRY_DAYS = 90, 200, 300, 5, 30
BATCHES = 20_000
LAYERS = ("bronze", "silver", "gold")
TOPICS = ("orders", "customers", "payments", "stock", "clicks", "returns", "prices", "stores", "coupons", "visits")
CHECK_NAMES = ("order_id is unique", "amount is positive", "row count", "customer_id is known", "status in set")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--store", help="of PostgreSQL: an empty database, or one that this made before")
    parser.add_argument("--keep", type=Path, help="make the history there, or take it from there")
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--serve", type=int, metavar="PORT", help="show the pages instead of measuring them")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(exist_ok=True)
        url = args.store or f"sqlite:///{folder.absolute() / 'store.db'}"
        made_s = fill(url, args.runs)
        config = Config(state_dir=folder, store=url)
        reader = StoreReader(url)
        app = application(Sources(reader, LabelsConfig(), folder / "outbox.db", _picture(config)))
        if args.serve is not None:
            uvicorn.run(app, port=args.serve, log_level="warning")
            return
        print(
            json.dumps({"runs": args.runs, "made_s": made_s, "pages_ms": measured(app, reader, args.times)}, indent=1)
        )


def measured(app: Any, reader: StoreReader, times: int) -> dict[str, dict[str, float]]:
    """By path, the median and the greatest of so many requests, one after the other, each over a connection of its own."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    found = {}
    for path in paths(reader):
        taken = [asked(port, path) for _ in range(times)]
        found[path] = {"median": round(median(taken), 1), "greatest": round(max(taken), 1), "first": round(taken[0], 1)}
    server.should_exit = True
    thread.join()
    return found


def asked(port: int, path: str) -> float:
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200, (path, answer.status)
    return 1000 * (time.perf_counter() - began)


def paths(reader: StoreReader) -> Iterator[str]:
    with reader.reading() as connection:
        writes = schema.writes
        first = (
            connection.execute(schema.runs.select().order_by(schema.runs.c.started_at.desc()).limit(1)).mappings().one()
        )
        streamed = (
            connection.execute(schema.runs.select().where(schema.runs.c.job == "clicks stream")).mappings().first()
        )
        dataset = connection.execute(writes.select().where(writes.c.run_id == first["run_id"])).mappings().first()
    middle = (dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=DAYS / 2)).isoformat()
    yield from (f"/?days={days}" for days in (1, 7, 30, 90))
    yield "/runs"
    yield f"/runs?before={middle.replace('+', '%2B')}~z"
    yield "/runs?status=failed&status=refused"
    yield "/runs?named=orders"
    yield "/runs?named=no+such+job"
    yield "/runs?job=load+orders+0"
    yield f"/runs?since={middle[:10]}&until={middle[:10]}"
    yield f"/runs/{first['run_id']}"
    yield f"/runs/{streamed['run_id']}"
    yield from ("/datasets", "/datasets?skip=250", "/datasets?layer=gold", "/datasets?named=orders")
    yield f"/datasets/{dataset['dataset_id']}"
    yield from ("/lineage", "/lineage/picture", "/health", "/search?q=orders", "/search?q=customer_id")
    yield f"/search?q={first['run_id'][:8]}"
    yield from (
        "/api/v1/overview",
        "/api/v1/runs?limit=200",
        "/api/v1/datasets?limit=200",
        "/api/v1/lineage",
        "/api/openapi.json",
    )


# -- a history ---------------------------------------------------------------------------------------------------------


def fill(url: str, count: int) -> float:
    """Seconds that it took; 0 when the runs are there."""
    store = Store(url)
    try:
        if store.runs(1):
            return 0.0
        began = time.monotonic()
        for table, rows in Maker(count).batches():
            with store.transaction() as connection:
                connection.execute(table.insert(), rows)
        if url.startswith("postgresql"):
            with store.transaction() as connection:
                connection.exec_driver_sql("ANALYZE")
        return round(time.monotonic() - began, 1)
    finally:
        store.close()


class Maker:
    """Rows of all tables, made up, the same every time but for the ids and the times."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.random = random.Random(7)
        self.now = dt.datetime.now(dt.timezone.utc)
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in schema.metadata.tables}
        self.usual = [self.random.lognormvariate(4.2, 0.9) for _ in range(JOBS)]

    def batches(self) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
        self.rows["hookline_subjects"] += [
            {"subject_id": Subject(self.job(number), "prod").id, "job": self.job(number), "environment": "prod"}
            for number in range(JOBS)
        ]
        for number in range(DATASETS):
            self.schemas(number)
        for number in range(self.count):
            self.run(number)
            if number % 4_000 == 3_999:
                yield from self.taken()
        yield from self.taken()
        self.stream()
        yield from self.taken()

    def taken(self) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
        for name, rows in self.rows.items():
            if rows:
                yield schema.metadata.tables[name], rows
                self.rows[name] = []

    def job(self, number: int) -> str:
        return f"{('load', 'clean', 'mart')[number % 3]} {TOPICS[number % len(TOPICS)]} {number // len(TOPICS)}"

    def dataset(self, number: int) -> tuple[str, str]:
        topic = TOPICS[number // 3 % len(TOPICS)]
        return "s3://lake", f"{LAYERS[number % 3]}/{topic}_{number // 30}"

    def run(self, number: int) -> None:
        job = self.random.randrange(JOBS) if number < self.count - JOBS else number - (self.count - JOBS)
        started = self.now - dt.timedelta(days=DAYS) * (1 - (number + 1) / (self.count + 1))
        status = self.random.choices(("finished", "failed", "refused", "abandoned"), (94, 3.2, 2.2, 0.6))[0]
        took = self.usual[job] * self.random.lognormvariate(0, 0.12)
        if number >= self.count - 4:
            took *= 3.5
            status = "finished"
        if number >= self.count - 12 and number < self.count - 8:
            status = ("failed", "refused", "running", "abandoned")[number % 4]
        run_id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        error = {"failed": "pyspark.errors.AnalysisException", "refused": "hookline.core.errors.WriteRefusedError"}.get(
            status
        )
        text = (
            None
            if error is None
            else json.dumps({"type": error, "condition": "TABLE_OR_VIEW_NOT_FOUND" if "py" in error else None})
        )
        ended = None if status == "running" else (started + dt.timedelta(seconds=took)).isoformat()
        self.rows["hookline_runs"].append(
            {
                "run_id": run_id,
                "job": self.job(job),
                "job_key": self.job(job),
                "environment": "prod",
                "started_at": started.isoformat(),
                "status": status,
                "finished_at": ended,
                "duration_s": took if ended else None,
                "overhead_s": took * 0.02,
                "exit_code": 0 if status == "finished" else 1,
                "error": text,
                "writes_total": 2,
                "unseen_writes": 0,
                "notes": "[]",
                "plugins": '[{"name": "console", "failures": 0}, {"name": "quality", "failures": 0}]',
                "run_by": "etl",
            }
        )
        for place in (1, 2):
            self.write(
                run_id,
                place,
                job,
                number,
                started + dt.timedelta(seconds=took * (0.1 + 0.4 * (place - 1))),
                took,
                status,
            )
        if (self.now - started).days < TELEMETRY_DAYS and ended:
            self.measure_run(run_id, job, ended, took, status)

    def write(
        self, run_id: str, place: int, job: int, number: int, started: dt.datetime, took: float, status: str
    ) -> None:
        target = (job * 3 + place * 7 + (number % 2) * 150) % DATASETS
        namespace, name = self.dataset(target)
        bad = status == "refused" and place == 2
        rows = int(1_000_000 * (1 + target % 7) * self.random.lognormvariate(0, 0.05))
        write_id, taken = f"{run_id}/{place}", took * 0.35
        error = '{"type": "hookline.core.errors.WriteRefusedError", "condition": null}' if bad else None
        own = {
            "write_id": write_id,
            "run_id": run_id,
            "namespace": namespace,
            "name": name,
            "dataset_id": content_id(namespace, name),
        }
        self.rows["hookline_writes"].append(
            {
                **own,
                "format": "delta",
                "operation": ("append", "overwrite", "merge")[target % 3],
                "rows": rows,
                "bytes": rows * 74,
                "files": 8 + target % 9,
                "way": "vectorised",
                "intercepted": True,
                "published": not bad,
                "started_at": started.isoformat(),
                "finished_at": (started + dt.timedelta(seconds=taken)).isoformat(),
                "duration_s": taken,
                "overhead_s": taken * 0.02,
                "columns": "[]",
                "error": error,
            }
        )
        for position in range(CHECKS):
            wrong = (bad and position == 0) or self.random.random() < 0.004
            self.rows["hookline_verdicts"].append(
                {
                    "write_id": write_id,
                    "position": position,
                    "check_name": CHECK_NAMES[position],
                    "severity": ("critical", "error", "warn", "error", "info")[position],
                    "status": "failed" if wrong else "passed",
                    "observed": str(self.random.randrange(1, 900) if wrong else 0),
                    "observed_type": "int",
                    "failing_rows": self.random.randrange(1, 900) if wrong else 0,
                    "expected": "0 rows that fail",
                    "columns": "[]",
                    "way": "vectorised",
                    "required": False,
                    "message": "",
                    "plugin": "quality",
                    "suite": "0123456789abcdef",
                }
            )
        source = self.dataset((target - 1) % DATASETS if target % 3 else (target + 3) % DATASETS)
        self.rows["hookline_edges"].append(
            {
                "write_id": write_id,
                "source_namespace": source[0],
                "source_name": source[1],
                "target_namespace": namespace,
                "target_name": name,
            }
        )
        if (self.now - started).days < TELEMETRY_DAYS:
            self.measure_write(write_id, run_id, job, (namespace, name), started, taken, rows)

    def schemas(self, number: int) -> None:
        namespace, name = self.dataset(number)
        columns = [
            {"name": one, "type": kind, "nullable": True}
            for one, kind in (
                ("order_id", "bigint"),
                ("customer_id", "bigint"),
                ("amount", "decimal(12,2)"),
                (f"note_{number}", "string"),
            )
        ]
        at = (self.now - dt.timedelta(days=DAYS)).isoformat()
        self.rows["hookline_schemas"].append(
            {
                "dataset_id": content_id(namespace, name),
                "version": 1,
                "namespace": namespace,
                "name": name,
                "columns": json.dumps(columns),
                "run_id": "",
                "write_id": "",
                "first_seen_at": at,
                "last_seen_at": self.now.isoformat(),
            }
        )

    def measure_run(self, run_id: str, job: int, at: str, took: float, status: str) -> None:
        amount = took * 0.0042
        subject = Subject(self.job(job), "prod").id
        points = {
            "hookline.run.duration_s": took,
            "hookline.run.core_s": took * 16,
            "hookline.run.executor_run_s": took * 9,
            "hookline.run.gc_s": took * 0.3,
            "hookline.run.busy_share": 0.56,
            "hookline.run.tasks": 412,
            "hookline.run.tasks_failed": 0,
            "hookline.run.peak_heap_bytes": 3_300_000_000,
            "hookline.cost.run_dollars": amount,
        }
        advice = [skewed(took, self.dataset(job)[1])] if job % 9 == 0 else []
        cost = {
            "total": amount,
            "currency": "USD",
            "price": "emr_serverless us-east-1, 2026-11-01",
            "formula": f"{took * 16 / 3600:.4g} vCPU h * 0.052624 + 3.1 GiB h * 0.0057785",
        }
        document = {
            "points": points,
            "advice": advice,
            "cost": {**cost, "by_dataset": [], "tags": {}},
            "telemetry": {"known": True, "missing": []},
        }
        self.rows["hookline_measurements"].append(
            {
                "event_id": run_id,
                "run_id": run_id,
                "subject_id": subject,
                "at": at,
                "good": status == "finished",
                "document": pack(document),
            }
        )
        whole = {"run_id": run_id, "subject_id": subject, "at": at, "currency": "USD"}
        self.rows["hookline_costs"].append({**whole, "dataset_id": "", "amount": amount})
        for place in (1, 2):
            own = content_id(*self.dataset((job * 3 + place * 7) % DATASETS))
            self.rows["hookline_costs"].append({**whole, "dataset_id": own, "amount": amount * 0.4})

    def measure_write(
        self, write_id: str, run_id: str, job: int, dataset: tuple[str, str], at: dt.datetime, took: float, rows: int
    ) -> None:
        stages = [stage(number, took) for number in range(3)]
        told = {"attribution": "tag", "stages": stages, "executor_run_s": took * 8, "shuffle_read_bytes": rows * 20}
        told |= {
            "shuffle_write_bytes": rows * 20,
            "disk_spill_bytes": rows * 3 if job % 9 == 0 else 0,
            "skew": 6.2 if job % 9 == 0 else 1.4,
            "missing": [],
        }
        document = {"points": {"hookline.write.rows": rows, "hookline.write.duration_s": took}, "telemetry": told}
        subject = Subject(self.job(job), "prod").id
        self.rows["hookline_measurements"].append(
            {
                "event_id": write_id,
                "run_id": run_id,
                "subject_id": subject,
                "at": at.isoformat(),
                "good": True,
                "document": pack(document),
            }
        )

    def stream(self) -> None:
        """One run that goes on, with very many batches."""
        run_id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        started = self.now - dt.timedelta(hours=30)
        self.rows["hookline_runs"].append(
            {
                "run_id": run_id,
                "job": "clicks stream",
                "job_key": "clicks stream",
                "environment": "prod",
                "started_at": started.isoformat(),
                "status": "running",
            }
        )
        namespace, name = "s3://lake", "bronze/clicks_live"
        own = {
            "run_id": run_id,
            "namespace": namespace,
            "name": name,
            "dataset_id": content_id(namespace, name),
            "format": "delta",
        }
        for number in range(1, min(BATCHES, self.count) + 1):
            at = started + dt.timedelta(seconds=5 * number)
            self.rows["hookline_writes"].append(
                {
                    **own,
                    "write_id": f"{run_id}/{number}",
                    "operation": "append",
                    "rows": 4_000 + number % 700,
                    "bytes": 300_000,
                    "way": "proof",
                    "intercepted": True,
                    "published": True,
                    "batch_id": number,
                    "started_at": at.isoformat(),
                    "duration_s": 2.1 + number % 5 / 10,
                    "overhead_s": 0.02,
                    "columns": "[]",
                }
            )


def stage(number: int, took: float) -> dict[str, Any]:
    return {
        "stage_id": number,
        "attempt": 0,
        "name": ("parquet at NativeMethodAccessorImpl.java:0", "save at NativeMethodAccessorImpl.java:0")[number % 2],
        "status": "complete",
        "started_at_s": took * number * 0.3,
        "duration_s": took * 0.28,
        "tasks": 200,
        "tasks_done": 200,
        "executor_run_s": took * 3,
        "disk_spill_bytes": 0,
        "task_run_s": {"minimum": 0.1, "q25": 0.4, "median": 0.5, "q75": 0.7, "maximum": 0.6 + number},
    }


def skewed(took: float, dataset: str) -> dict[str, Any]:
    return {
        "rule": "skew",
        "sentence": f"one task of stage 2 ran {took / 2:.1f} s, the middle one of 200 0.50 s: a few keys have most of the rows",
        "evidence": {"longest_task_s": took / 2, "median_task_s": 0.5, "tasks": 200},
        "settings": [
            {
                "name": "spark.sql.adaptive.skewJoin.enabled",
                "change": "true splits skewed partitions of joins",
                "now": "false",
            }
        ],
        "dataset": dataset,
        "worth_s": took / 2,
        "times": 1,
    }


if __name__ == "__main__":
    main()
