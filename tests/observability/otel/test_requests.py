"""Spans, metrics and logs as OpenTelemetry's own classes read them, and the same bytes for the same events."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import uuid
from typing import Any

import pytest

pytest.importorskip("opentelemetry.proto")

from hookline.core.events import Dataset, ErrorInfo, Run, Verdict
from hookline.core.labels import LabelsConfig
from hookline.core.telemetry import RunTelemetry, StageTelemetry, Telemetry
from hookline.observability.metrics import METRICS, Point, metric
from hookline.observability.otel import requests
from hookline.observability.otel.encoding import attributes, resource
from hookline.observability.otel.spans import Place, place_of, run_span, run_span_id, trace_id_of, write_spans
from hookline.observability.records import record_of_write
from hookline.testing import sample_run_ended, sample_write

AT = dt.datetime(2026, 3, 2, 12, 0, 0, 123_456, tzinfo=dt.timezone.utc)
RUN = Run("0d3c1b2a-5f6e-4d7c-8b9a-0a1b2c3d4e5f", "nightly", AT, environment="prod")
PLACE = Place(trace_id_of(RUN.run_id))
HOSTILE = "<b>\n\r\x00\x1b[31m\u202e\ud800\"'" + "n" * 10_000


def parsed(signal: Any, request: Any) -> Any:
    """Through the outbox's JSON, to bytes, and back."""
    body = requests.serialised(signal, json.loads(json.dumps(request)))
    return requests._message_class(signal, "Request").FromString(body)


def stage(**changes: Any) -> StageTelemetry:
    numbers = {field.name: 0 for field in dataclasses.fields(StageTelemetry) if field.default is dataclasses.MISSING}
    told = {"stage_id": 7, "job_ids": (1,), "name": "save at Job.scala:12", "status": "complete"}
    return StageTelemetry(**{**numbers, **told, "started_at_s": 0.5, "duration_s": 1.25, "tasks": 8, **changes})


def write(**changes: Any) -> Any:
    told = Telemetry("tag", jobs=1, stages=(stage(), stage(attempt=1, status="failed"), stage(started_at_s=None)))
    times = {"started_at": AT, "finished_at": AT + dt.timedelta(seconds=2)}
    return sample_write(write_id=f"{RUN.run_id}/1", telemetry=told, **{**times, **changes})


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


def facts(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


def test_a_write_and_its_stages_are_below_their_run() -> None:
    ended = sample_run_ended(
        finished_at=AT + dt.timedelta(seconds=9), telemetry=RunTelemetry("app-1", "4.1.1", known=True, cores=8)
    )
    made = [*write_spans(write(), RUN, PLACE, LabelsConfig()), run_span(ended, RUN, PLACE, LabelsConfig())]
    request = parsed("traces", requests.traces(resource("shop", RUN, {"team": "a"}), made))
    (told,) = request.resource_spans
    assert facts(told.resource)["service.name"] == "shop"
    assert facts(told.resource)["deployment.environment.name"] == "prod"
    assert facts(told.resource)["team"] == "a"
    written, first, second, run = told.scope_spans[0].spans
    assert {span.trace_id.hex() for span in told.scope_spans[0].spans} == {uuid.UUID(RUN.run_id).hex}
    assert (run.parent_span_id, run.span_id.hex()) == (b"", run_span_id(RUN.run_id))
    assert written.parent_span_id == run.span_id
    assert first.parent_span_id == second.parent_span_id == written.span_id
    assert len({first.span_id, second.span_id, written.span_id, run.span_id}) == 4
    begin = 1_772_452_800_123_456_000
    assert (written.start_time_unix_nano, written.end_time_unix_nano) == (begin, begin + 2_000_000_000)
    assert (first.start_time_unix_nano, first.end_time_unix_nano) == (begin + 500_000_000, begin + 1_750_000_000)
    assert [span.status.code for span in (written, first, second, run)] == [1, 1, 2, 1]
    assert facts(written)["db.collection.name"] == "/data/orders"
    assert facts(written)["hookline.rows"] == 3
    assert facts(first)["spark.stage.id"] == 7
    assert facts(run)["spark.app.id"] == "app-1"


def test_a_failure_has_its_type_and_no_text() -> None:
    (span, *_) = write_spans(write(error=ErrorInfo("java.io.IOException", "DISK")), RUN, PLACE, LabelsConfig())
    ended = sample_run_ended(status="abandoned", finished_at=AT)
    made = [span, run_span(ended, RUN, PLACE, LabelsConfig())]
    failed, dead = (
        parsed("traces", requests.traces(resource("x", RUN, {}), made)).resource_spans[0].scope_spans[0].spans
    )
    assert (failed.status.code, failed.status.message) == (2, "java.io.IOException")
    assert facts(failed)["error.type"] == "java.io.IOException"
    assert (failed.events[0].name, facts(failed.events[0])["spark.error.condition"]) == ("exception", "DISK")
    assert (dead.status.code, facts(dead)["error.type"], len(dead.events)) == (2, "abandoned", 0)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, Place(uuid.UUID(RUN.run_id).hex)),
        ({"TRACEPARENT": f"00-{'a' * 32}-{'b' * 16}-01"}, Place("a" * 32, "b" * 16)),
        ({"TRACEPARENT": f"00-{'0' * 32}-{'b' * 16}-01"}, Place(uuid.UUID(RUN.run_id).hex)),
        ({"TRACEPARENT": "nonsense"}, Place(uuid.UUID(RUN.run_id).hex)),
    ],
)
def test_the_surroundings_say_what_a_run_is_below(environment: dict[str, str], wanted: Place) -> None:
    assert place_of(RUN, {}, environment) == wanted


def test_a_run_inside_another_is_in_its_trace() -> None:
    inner = dataclasses.replace(RUN, run_id=str(uuid.uuid4()), parent_run_id=RUN.run_id)
    outer = Place("a" * 32, "b" * 16)
    assert place_of(inner, {RUN.run_id: outer}, {}) == Place("a" * 32, run_span_id(RUN.run_id))


def test_points_are_gauges_differences_and_histograms() -> None:
    points = [
        Point(metric("hookline.write.rows"), 3, AT, {"dataset": "a"}),
        Point(metric("hookline.write.rows"), 4, AT, {"dataset": "b"}),
        Point(metric("hookline.spark.executor_run_s"), 0.25, AT),
        Point(metric("hookline.quality.pass_rate"), 0.5, AT),
        Point(metric("hookline.run.duration_s"), 42.0, AT),
    ]
    since = AT - dt.timedelta(seconds=5)
    request = parsed("metrics", requests.metrics(resource("x", RUN, {}), points, since))
    rows, busy, share, duration = request.resource_metrics[0].scope_metrics[0].metrics
    assert (rows.name, rows.unit) == ("hookline.write.rows", "1")
    assert rows.sum.is_monotonic
    assert rows.sum.aggregation_temporality == 1
    assert [(point.as_int, facts(point)["dataset"]) for point in rows.sum.data_points] == [(3, "a"), (4, "b")]
    (one,) = busy.sum.data_points
    assert (busy.unit, one.as_double) == ("s", 0.25)
    assert one.time_unix_nano - one.start_time_unix_nano == 5_000_000_000
    assert share.gauge.data_points[0].as_double == 0.5
    (bin_,) = duration.histogram.data_points
    assert (bin_.count, bin_.sum, bin_.min, bin_.max) == (1, 42.0, 42.0, 42.0)
    place = list(bin_.bucket_counts).index(1)
    assert bin_.explicit_bounds[place - 1] < 42.0 <= bin_.explicit_bounds[place]
    assert sum(bin_.bucket_counts) == 1
    assert len(bin_.bucket_counts) == len(bin_.explicit_bounds) + 1


def test_every_metric_can_be_sent() -> None:
    points = [Point(one, 1.0, AT, dict.fromkeys(one.tags, "x")) for one in METRICS.values()]
    request = parsed("metrics", requests.metrics(resource("x", RUN, {}), points, AT))
    assert [one.name for one in request.resource_metrics[0].scope_metrics[0].metrics] == list(METRICS)


def test_a_log_record_has_the_trace_and_the_span() -> None:
    verdicts = (Verdict("unique(id)", "error", "failed", observed="SECRET", failing_rows=3),)
    record = record_of_write(write(verdicts=verdicts), RUN, LabelsConfig())
    request = parsed("logs", requests.logs(resource("x", RUN, {}), [record], PLACE, run_span_id(RUN.run_id)))
    (told,) = request.resource_logs[0].scope_logs[0].log_records
    assert told.trace_id == uuid.UUID(RUN.run_id).bytes
    assert told.span_id.hex() == run_span_id(RUN.run_id)
    assert (told.severity_number, told.severity_text) == (13, "WARN")
    assert told.body.string_value == "write to /data/orders finished"
    by_key = {one.key: one.value for one in told.attributes}
    (check,) = by_key["hookline.failed_checks"].array_value.values
    assert {pair.key for pair in check.kvlist_value.values} >= {"check", "failing_rows"}
    assert b"SECRET" not in request.SerializeToString()


def test_hostile_names_are_short_and_plain() -> None:
    run = dataclasses.replace(RUN, job=HOSTILE)
    hostile = write(dataset=Dataset(HOSTILE, HOSTILE), error=ErrorInfo(HOSTILE, HOSTILE))
    made = requests.traces(resource(HOSTILE, run, {HOSTILE: HOSTILE}), write_spans(hostile, run, PLACE, LabelsConfig()))
    body = parsed("traces", made).SerializeToString()
    assert len(body) < 20_000
    assert not set("\x1b\u202e\r\n\x00\ud800") & set("".join(_strings(made)))
    record = record_of_write(hostile, run, LabelsConfig())
    assert (
        len(parsed("logs", requests.logs(resource("x", run, {}), [record], PLACE, "1" * 16)).SerializeToString())
        < 20_000
    )


def test_the_same_event_is_the_same_bytes() -> None:
    bodies = {
        requests.serialised(
            "traces", requests.traces(resource("x", RUN, {}), write_spans(write(), RUN, PLACE, LabelsConfig()))
        )
        for _ in range(3)
    }
    assert len(bodies) == 1


def test_numbers_that_json_lacks() -> None:
    values = {"a": float("nan"), "b": float("inf"), "c": 2**70, "d": True, "e": None, "f": [1, {"x": 2.5}]}
    told = {one["key"]: one["value"] for one in attributes(values)}
    assert told["a"] == {"stringValue": "nan"}
    assert told["c"] == {"doubleValue": float(2**70)}
    assert told["d"] == {"boolValue": True}
    assert "e" not in told
    json.dumps(told, allow_nan=False)


@pytest.mark.parametrize("request_", [{"resourceSpans": 3}, {"nonsense": []}, {"resourceSpans": [{"scopeSpans": "x"}]}])
def test_what_is_no_request_is_not_sent(request_: Any) -> None:
    with pytest.raises(ValueError, match="no request of traces"):
        requests.serialised("traces", request_)
