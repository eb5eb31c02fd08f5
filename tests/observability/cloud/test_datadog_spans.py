"""Spans in Datadog's own test agent, and log records at an intake of the suite's."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest
from tests.observability.cloud.conftest import (
    ERROR,
    HOSTILE,
    REFUSAL,
    Agent,
    Moody,
    a_write,
    an_end,
    free_port,
    message,
)

from hookline.core.errors import SinkError
from hookline.core.events import Dataset, Read, Run, as_dict, content_id, utc_now
from hookline.core.labels import LabelsConfig
from hookline.core.outbox import Outbox
from hookline.core.store import LazyStore, StoreSink
from hookline.observability.datadog.intake import RecordSink, TraceSink
from hookline.observability.datadog.spans import SpanMaker, span_id, trace_id
from hookline.observability.datadog.telling import inputs_of, record_for
from hookline.observability.records import record_of_write
from hookline.testing import sample_run

pytestmark = pytest.mark.server
AT = utc_now() - dt.timedelta(minutes=5)
LABELS = LabelsConfig(owner="sales", tags={"cost_center": "4711"})
INPUT = Dataset("file", "/lake/silver/orders", "parquet")
Make = Callable[..., Moody]


@pytest.fixture
def run() -> Run:
    return sample_run(started_at=AT, environment="prod")


def of_write(run: Run, **changes: Any) -> dict[str, Any]:
    own = {"write_id": f"{run.run_id}/1", "started_at": AT, "inputs": (Read(INPUT),)}
    write = a_write(**(own | changes))
    spans = SpanMaker("prod", LABELS, "1.2").of_write(write, run, "etl")
    return {"spans": spans, "inputs": inputs_of(write), "run_id": run.run_id}


def of_run(run: Run, **changes: Any) -> dict[str, Any]:
    return {"spans": SpanMaker("prod", LABELS, "1.2").of_run(an_end(**changes), run, "etl", 1.25)}


def sink(url: str, store: LazyStore | None = None) -> TraceSink:
    return TraceSink(url, 0.5, store)


def test_a_run_is_a_trace_of_its_writes_inputs_and_stages(agent: Agent, run: Run) -> None:
    sink(agent.url).deliver([message(of_write(run), "spans"), message(of_run(run), "spans", "2")])
    spans = {span["name"]: span for span in agent.spans()}
    assert set(spans) == {"hookline.run", "hookline.write", "hookline.read", "spark.stage"}
    whole = trace_id(run.run_id)
    for span in spans.values():
        assert (int(span["meta"]["_dd.p.tid"], 16) << 64) + span["trace_id"] == whole
        assert span["meta"]["env"] == "prod"
        assert span["meta"]["version"] == "1.2"
        assert span["meta"]["hookline.run_id"] == run.run_id
        assert span["service"] == "etl"
        assert span["metrics"]["_sampling_priority_v1"] == 2
    top, write = spans["hookline.run"], spans["hookline.write"]
    assert (top["parent_id"], write["parent_id"]) == (0, top["span_id"])
    assert {spans["hookline.read"]["parent_id"], spans["spark.stage"]["parent_id"]} == {write["span_id"]}
    assert top["resource"] == "sample"
    assert write["resource"] == "/lake/gold/orders"
    assert write["metrics"]["hookline.rows"] == 3
    assert write["meta"]["cost_center"] == "4711"
    assert top["metrics"]["hookline.cost"] == 1.25


def test_spans_have_their_own_times(agent: Agent, run: Run) -> None:
    sink(agent.url).deliver([message(of_write(run), "spans"), message(of_run(run), "spans", "2")])
    spans = {span["name"]: span for span in agent.spans()}
    began = AT.timestamp()
    assert spans["hookline.write"]["start"] / 1e9 == pytest.approx(began, abs=1e-6)
    assert spans["hookline.write"]["duration"] == 500_000_000
    assert spans["spark.stage"]["start"] / 1e9 == pytest.approx(began + 0.1, abs=1e-6)
    assert spans["spark.stage"]["duration"] == 250_000_000
    assert spans["hookline.run"]["duration"] == 1_500_000_000


def test_the_service_map_has_jobs_around_their_data(agent: Agent, run: Run) -> None:
    sink(agent.url).deliver([message(of_write(run), "spans")])
    spans = {span["name"]: span["meta"] for span in agent.spans()}
    assert (spans["hookline.write"]["span.kind"], spans["hookline.write"]["peer.db.name"]) == (
        "producer",
        "/lake/gold/orders",
    )
    assert (spans["hookline.read"]["span.kind"], spans["hookline.read"]["peer.db.name"]) == (
        "client",
        "/lake/silver/orders",
    )


def test_an_input_links_to_the_write_that_made_it_in_another_job(agent: Agent, run: Run, tmp_path: Path) -> None:
    other = sample_run(job="earlier")
    made = a_write(write_id=f"{other.run_id}/7", dataset=INPUT, finished_at=AT - dt.timedelta(hours=1), telemetry=None)
    newer = a_write(write_id=f"{other.run_id}/8", dataset=INPUT, finished_at=AT + dt.timedelta(hours=1), telemetry=None)
    store = LazyStore(f"sqlite:///{tmp_path / 'store.db'}")
    facts = [("run_started", as_dict(other)), ("write", as_dict(made)), ("write", as_dict(newer))]
    kept = [
        message({"run_id": other.run_id, **fact}, kind, content_id(kind, str(n)))
        for n, (kind, fact) in enumerate(facts)
    ]
    StoreSink(store).deliver(kept)
    sink(agent.url, store).deliver([message(of_write(run), "spans")])
    store.close()
    (read,) = [span for span in agent.spans() if span["name"] == "hookline.read"]
    (link,) = read["span_links"]
    assert (link["trace_id_high"] << 64) + link["trace_id"] == trace_id(other.run_id)
    assert link["span_id"] == span_id(made.write_id)
    assert read["meta"]["hookline.made_by"] == "earlier"


def test_a_run_inside_another_links_to_it(agent: Agent) -> None:
    outer = sample_run()
    sink(agent.url).deliver([message(of_run(sample_run(started_at=AT, parent_run_id=outer.run_id)), "spans")])
    (span,) = agent.spans()
    assert span["span_links"][0]["span_id"] == span_id(outer.run_id)


@pytest.mark.parametrize("status", ["failed", "refused", "abandoned"])
def test_what_failed_is_an_error_without_the_errors_text(agent: Agent, run: Run, status: str) -> None:
    write = of_write(run, error=ERROR, published=False, verdicts=())
    sink(agent.url).deliver([message(of_run(run, status=status), "spans"), message(write, "spans", "2")])
    spans = {span["name"]: span for span in agent.spans()}
    assert spans["hookline.run"]["error"] == spans["hookline.write"]["error"] == 1
    assert spans["hookline.write"]["meta"]["error.type"] == "builtins.ValueError"
    assert spans["hookline.write"]["meta"]["hookline.status"] == "failed"


MOODS: dict[str, Any] = {
    "slow": 1.0,
    "cut off": "cut",
    "throttled": (429, {"Retry-After": "0"}, b""),
    "refused": (403, {}, b""),
    "broken": (503, {}, b"oh"),
    "a page": (200, {"Content-Type": "text/html"}, b"<html>log in</html>"),
    "nonsense": (200, {"Content-Type": "text/plain"}, b"\xff\xfe"),
}


@pytest.mark.parametrize("mood", MOODS, ids=str)
def test_an_agent_in_trouble_gets_the_spans_with_their_times_later(
    mood: str, moody: Make, agent: Agent, run: Run, outbox: Outbox
) -> None:
    between = moody(agent.url)
    between.mood = MOODS[mood]
    outbox.register("traces", sink(between.url))
    for number in (1, 2, 3):
        payload = of_write(run, write_id=f"{run.run_id}/{number}", inputs=(), telemetry=None)
        outbox.put("traces", payload, kind="spans", id=str(number), order_key="etl")
    deadline = time.monotonic() + 20
    while outbox.status()[0].failures < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert (outbox.status()[0].pending, outbox.status()[0].dead) == (3, 0)
    between.seen.clear()
    between.mood = "well"
    assert outbox.replay(deadline_s=20) == 0
    wanted = [span_id(f"{run.run_id}/{number}") for number in (1, 2, 3)]
    taken = between.seen[-3:]  # a request of before may still be on its way
    sent = [span["span_id"] for _, _, body in taken for trace in msgpack.unpackb(body) for span in trace]
    assert [id for at, id in enumerate(sent) if id not in sent[:at]] == wanted
    found = agent.spans()
    assert sorted(span["span_id"] for span in found) == sorted(wanted)
    assert {span["start"] for span in found} == {round(AT.timestamp() * 1e6) * 1000}


def test_a_dead_agent_keeps_the_spans(run: Run, outbox: Outbox) -> None:
    outbox.register("traces", sink(f"http://127.0.0.1:{free_port()}"))
    outbox.put("traces", of_run(run), kind="spans", id="1")
    assert outbox.flush(0.3) == 1
    assert outbox.status()[0].pending == 1


def test_spans_that_are_too_old_are_refused_with_the_reason(agent: Agent) -> None:
    old = sample_run(started_at=utc_now() - dt.timedelta(hours=19))
    with pytest.raises(SinkError, match="older than 18 hours") as told:
        sink(agent.url).deliver([message(of_run(old), "spans")])
    assert not told.value.retryable


@pytest.mark.parametrize("payload", [{}, {"spans": []}, {"spans": [1]}])
def test_a_payload_of_another_version_is_refused_for_good(payload: dict[str, Any], agent: Agent) -> None:
    for one in (sink(agent.url), RecordSink(agent.url, "k", 1.0)):
        with pytest.raises(SinkError) as told:
            one.deliver([message(payload, "spans")])
        assert not told.value.retryable


def test_hostile_names_are_taken_by_the_agent(agent: Agent) -> None:
    for number, name in enumerate(HOSTILE):
        run = sample_run(job=name, started_at=AT)
        spans = of_write(run, dataset=Dataset("file", name), inputs=(Read(Dataset(name, name)),))
        for span in spans["spans"]:
            span["service"] = span["service"] or "x"
        sink(agent.url).deliver([message(json.loads(json.dumps(spans)), "spans", str(number))])
    found = agent.spans()
    assert len(found) == 3 * len(HOSTILE)
    texts = [text for span in found for text in (span["resource"], span["service"], *span["meta"].values())]
    assert max(map(len, texts)) <= 300
    assert all(char.isprintable() for text in texts for char in text)


def test_records_carry_the_ids_of_their_trace(moody: Make, run: Run) -> None:
    intake = moody()
    write = a_write(write_id=f"{run.run_id}/1", error=REFUSAL)
    record = record_of_write(write, run, LABELS)
    told = record_for(record, run, "etl", "prod", write.write_id)
    RecordSink(intake.url, "the-key", 1.0).deliver([message(told, "record")])
    ((path, headers, body),) = intake.seen
    (sent,) = json.loads(body)
    assert path == "/api/v2/logs"
    assert {key.lower(): value for key, value in headers.items()}["dd-api-key"] == "the-key"
    assert sent["dd.trace_id"] == f"{trace_id(run.run_id):032x}"
    assert sent["dd.span_id"] == str(span_id(write.write_id))
    assert (sent["status"], sent["outcome"]) == ("error", "refused")
    assert sent["ddtags"] == "cost_center:4711,env:prod"
    assert sent["failed_checks"][0] == {
        "check": "ids",
        "severity": "critical",
        "status": "failed",
        "failing_rows": 3,
        "plugin": "quality",
    }
    assert "the-key" not in body.decode()


def test_records_that_are_refused_wait_and_the_key_is_in_no_error(moody: Make, run: Run) -> None:
    intake = moody()
    told = record_for(record_of_write(a_write(), run, LABELS), run, "etl", "prod")
    for mood, retryable in (((403, {}, b"the-key"), True), ((413, {}, b""), False), ((202, {}, b""), None)):
        intake.mood = mood
        one = RecordSink(intake.url, "the-key", 1.0)
        if retryable is None:
            one.deliver([message(told, "record")])
            continue
        with pytest.raises(SinkError) as error:
            one.deliver([message(told, "record")])
        assert error.value.retryable is retryable
        assert "the-key" not in f"{error.value}{one!r}{vars(one)!r}".replace("'_key': 'the-key'", "")


_PROFILED = """
import sys, time
from hookline.observability.datadog.options import DatadogOptions
from hookline.observability.datadog.profiling import Profiling

profiling = Profiling(DatadogOptions(trace_url=sys.argv[1], service="profiled"), "prod")
began = time.perf_counter()
profiling.start("job")
assert time.perf_counter() - began < 0.5, "the job waits for ddtrace"
profiling._thread.join()
assert profiling._profiler is not None
sum(n * n for n in range(300_000))
profiling.stop()
"""
_TRACED = """
from ddtrace.trace import tracer

with tracer.trace("peer.span", service="peer", resource="r"):
    pass
tracer.flush()
"""


def ddtrace(code: str, url: str, **environ: str) -> None:
    """Run code that loads ddtrace in a process of its own: it changes the one that it is in."""
    quiet = {"DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false", "DD_REMOTE_CONFIGURATION_ENABLED": "false"}
    command = [sys.executable, "-c", code, url]
    done = subprocess.run(command, env={**os.environ, **quiet, **environ}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_profile_of_the_driver_is_uploaded_to_the_agent_that_is_configured(agent: Agent) -> None:
    ddtrace(_PROFILED, agent.url)
    requests = [one["url"] for one in agent.get("/test/session/requests")]
    assert any("/profiling/v1/input" in url for url in requests), requests


def test_the_agent_reads_our_spans_as_it_reads_ddtraces_own(agent: Agent, run: Run) -> None:
    ddtrace(_TRACED, agent.url, DD_TRACE_AGENT_URL=agent.url)
    sink(agent.url).deliver([message(of_run(run), "spans")])
    spans = {span["name"]: span for span in agent.spans()}
    theirs, ours = spans["peer.span"], spans["hookline.run"]
    assert {key: type(value) for key, value in theirs.items() if key in ours and value is not None} == {
        key: type(value) for key, value in ours.items() if key in theirs and theirs[key] is not None
    }
    assert len(theirs["meta"]["_dd.p.tid"]) == len(ours["meta"]["_dd.p.tid"]) == 16
    assert "_sampling_priority_v1" in theirs["metrics"]
