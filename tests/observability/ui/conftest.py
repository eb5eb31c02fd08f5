"""A small history in which everything happened, and the page on a free port."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvicorn
from starlette.types import ASGIApp

from hookline.commands.ui import _picture
from hookline.core.config import Config
from hookline.core.events import Column, Dataset, ErrorInfo, Read, Verdict, as_dict
from hookline.core.labels import LabelsConfig
from hookline.core.store import Store
from hookline.core.store.facts import APPLY
from hookline.core.store.reader import StoreReader
from hookline.observability.ui.app import Sources, application
from hookline.testing import sample_write

HOSTILE = (
    "</script><script>document.title='owned'</script>\"'><img src=x onerror=alert(1)>\n\u202egnp\x1b[31m" + "x" * 10_000
)
NOW = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)


class Answer(NamedTuple):
    status: int
    headers: Any
    text: str


class Site:
    """The page, asked over a socket."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.address = f"http://127.0.0.1:{port}"

    def get(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, told)
        answer = connection.getresponse()
        found = Answer(answer.status, answer.headers, answer.read().decode())
        connection.close()
        return found

    def json(self, path: str) -> Any:
        answer = self.get(path)
        assert answer.status == 200, answer.text
        return json.loads(answer.text)


class History:
    """Facts, as plugins would put them."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def apply(self, kind: str, payload: dict[str, Any]) -> None:
        with self.store.transaction() as connection:
            APPLY[kind](self.store, connection, json.loads(json.dumps(payload)))

    def run(
        self,
        job: str,
        *,
        ago_s: float,
        status: str = "finished",
        duration_s: float = 10.0,
        writes: tuple[Any, ...] = (),
        error: ErrorInfo | None = None,
        document: dict[str, Any] | None = None,
        plugins: tuple[dict[str, Any], ...] = (),
        notes: tuple[str, ...] = (),
    ) -> str:
        run_id, started = str(uuid.uuid4()), NOW - dt.timedelta(seconds=ago_s)
        begun = {"run_id": run_id, "job": job, "environment": "prod", "started_at": started.isoformat(), "user": "etl"}
        self.apply("run_started", begun)
        for number, write in enumerate(writes, 1):
            own = sample_write(
                **write,
                write_id=f"{run_id}/{number}",
                started_at=started + dt.timedelta(seconds=number),
                finished_at=started + dt.timedelta(seconds=number + 1),
            )
            self.apply("write", as_dict(own) | {"run_id": run_id})
            for read in own.inputs:
                self.apply("read", {"run_id": run_id, "dataset": as_dict(read.dataset)})
        if status == "running":
            return run_id
        ended = started + dt.timedelta(seconds=duration_s)
        told = {"run_id": run_id, "status": status, "finished_at": ended.isoformat(), "duration_s": duration_s}
        told |= {
            "overhead_s": 0.2,
            "exit_code": int(status != "finished"),
            "writes_total": len(writes),
            "unseen_writes": 0,
        }
        told |= {"error": None if error is None else as_dict(error), "notes": [*notes], "plugins": [*plugins]}
        self.apply("run_ended", told)
        if document is not None:
            measured = {
                "event_id": run_id,
                "run_id": run_id,
                "subject": [job, "prod", None, None],
                "at": ended.isoformat(),
            }
            self.apply("measurement", measured | {"good": status == "finished", "document": document})
        return run_id


LAKE = Dataset("s3://lake", "silver/orders", "delta")
RAW = Dataset("s3://lake", "bronze/orders", "parquet")
COLUMNS = (Column("order_id", "bigint"), Column("customer_email", "string"))


def passed(status: Any = "passed", severity: Any = "error", failing: int = 0) -> tuple[Verdict, ...]:
    own = Verdict("order_id is unique", severity, status, failing, failing, "0 duplicates", ("order_id",), "vectorised")
    return (own, Verdict("rows", "info", "passed", 1_000, expected="some rows"))


def document() -> dict[str, Any]:
    advice = {
        "rule": "skew",
        "sentence": "one task of stage 2 ran 9.0 s",
        "evidence": {"longest_task_s": 9.0},
        "settings": [{"name": "spark.sql.adaptive.skewJoin.enabled", "change": "true splits", "now": "false"}],
        "dataset": "s3://lake/silver/orders",
        "worth_s": 8.5,
        "times": 1,
    }
    cost = {"total": 1.25, "currency": "USD", "price": "glue us-east-1", "formula": "2.8 DPU h * 0.44", "tags": {}}
    points = {"hookline.run.duration_s": 10.0, "hookline.run.peak_heap_bytes": 1024.0, "hookline.run.tasks": 7}
    return {"points": points, "advice": [advice], "cost": {**cost, "by_dataset": [["s3://lake", "silver/orders", 0.5]]}}


def stages() -> dict[str, Any]:
    one = {"stage_id": 4, "attempt": 0, "name": "save at Job.scala:12", "status": "complete", "started_at_s": 0.1}
    one |= {"duration_s": 0.8, "tasks": 8, "tasks_done": 8, "executor_run_s": 3.0, "disk_spill_bytes": 0}
    one["task_run_s"] = {"minimum": 0.1, "q25": 0.1, "median": 0.1, "q75": 0.2, "maximum": 0.9}
    told = {"attribution": "tag", "stages": [one], "executor_run_s": 3.0, "disk_spill_bytes": 5 << 20, "skew": 9.0}
    return {"points": {}, "telemetry": told | {"shuffle_read_bytes": 7, "shuffle_write_bytes": 9, "missing": []}}


@pytest.fixture(scope="session")
def ids(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Makes the history once; the ids of some of its runs, and its folder."""
    folder = tmp_path_factory.mktemp("page")
    store = Store(f"sqlite:///{folder / 'store.db'}")
    history = History(store)
    found = {"folder": str(folder)}
    own = {"dataset": LAKE, "inputs": (Read(RAW),), "columns": COLUMNS, "rows": 1_000, "bytes": 74_000}
    for number in range(20):
        found["usual"] = history.run(
            "load orders", ago_s=90_000 - 3_600 * number, writes=({**own, "verdicts": passed()},)
        )
    found["slow"] = history.run(
        "load orders", ago_s=3_600, duration_s=60.0, writes=({**own, "verdicts": passed()},), document=document(),
        plugins=({"name": "metrics", "failures": 2, "by_hook": {}, "last_failure": "SinkError"},), notes=("a note",),
    )  # fmt: skip
    measured = {"event_id": f"{found['slow']}/1", "run_id": found["slow"], "at": NOW.isoformat(), "good": True}
    history.apply("measurement", measured | {"subject": ["load orders", "prod", *LAKE.symlinks, "s3://lake", "silver/orders"],
                                             "document": stages()})  # fmt: skip
    refusal = ErrorInfo("hookline.core.errors.WriteRefusedError")
    bad = {**own, "verdicts": passed("failed", "critical", 17), "published": False, "error": refusal}
    found["refused"] = history.run("load orders", ago_s=1_800, status="refused", writes=(bad,), error=refusal)
    found["failed"] = history.run("nightly", ago_s=900, status="failed", error=ErrorInfo("Boom", "NO_SUCH_TABLE"))
    found["running"] = history.run("stream", ago_s=600, status="running")
    nasty = {"dataset": Dataset("s3://lake", HOSTILE), "columns": (Column(HOSTILE[:300], "string"),)}
    nasty["verdicts"] = (
        Verdict(HOSTILE[:300], "warn", "failed", HOSTILE[:100], 1, HOSTILE[:200], message=HOSTILE[:200]),
    )
    found["hostile"] = history.run(
        HOSTILE, ago_s=300, status="failed", error=ErrorInfo(HOSTILE[:200]), writes=(nasty,), notes=(HOSTILE,),
        document=document() | {"advice": [document()["advice"][0] | {"sentence": HOSTILE, "dataset": HOSTILE, "rule": HOSTILE}]},
    )  # fmt: skip
    store.close()
    return found


@pytest.fixture(scope="session")
def sources(ids: dict[str, str]) -> Sources:
    folder = Path(ids["folder"])
    config = Config(state_dir=folder)
    labels = LabelsConfig.model_validate(
        {"datasets": [{"match": "*orders", "owner": "team orders", "tags": {"cost_center": "7"}}]}
    )
    return Sources(StoreReader(config.store_url()), labels, folder / "outbox.db", _picture(config))


@pytest.fixture(scope="session")
def serving() -> Iterator[Callable[[ASGIApp], Site]]:
    """Serves applications until the tests are over."""
    started = []

    def serve(app: ASGIApp) -> Site:
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run)
        thread.start()
        started.append((server, thread))
        while not server.started:
            time.sleep(0.005)
        return Site(server.servers[0].sockets[0].getsockname()[1])

    yield serve
    for server, thread in started:
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="session")
def site(sources: Sources, serving: Callable[[ASGIApp], Site]) -> Site:
    return serving(application(sources))
