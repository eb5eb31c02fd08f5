"""One real write by Spark, and what each plugin tells of it: the same numbers, each in its own form."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.core.config_models import Config, PluginEntry
from hookline.pipelines import attach, watch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
SECRET = "somebody@example.com"


@pytest.fixture
def server() -> Any:
    """Takes everything; ``taken`` has path and body of each request."""
    taken: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing: the tests' output is theirs."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.taken = taken  # type: ignore[attr-defined]
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def test_a_write_is_told_alike_everywhere(spark: SparkSession, tmp_path: Path, server: Any) -> None:
    requests = pytest.importorskip("hookline.observability.otel.requests")
    pytest.importorskip("opentelemetry.proto")
    url = f"http://127.0.0.1:{server.server_address[1]}"
    (tmp_path / "suite.yaml").write_text("dataset: '*/silver/people'\nchecks:\n  - unique: mail\n    severity: error\n")
    plugins = (
        PluginEntry("quality", {"suites": [str(tmp_path / "suite.yaml")]}),
        PluginEntry("opentelemetry", {"endpoint": url, "compression": "none"}),
        PluginEntry("prometheus", {"textfile_dir": str(tmp_path / "metrics")}),
        PluginEntry("alerts", {"channels": {"bot": {"type": "webhook", "webhook_url": f"{url}/alerts"}}}),
    )
    attachment = attach.attach(spark, Config(state_dir=tmp_path / "state", plugins=plugins), job="people")
    frame = spark.range(1_000).selectExpr("id", f"if(id < 10, '{SECRET}', concat(id, '@x')) AS mail")
    frame.repartition(3).write.parquet(str(tmp_path / "silver" / "people"))
    watch.drain()
    attachment.detach()
    bodies = {path: [body for taken, body in server.taken if taken == path] for path, _ in server.taken}
    assert {*bodies} == {"/v1/traces", "/v1/metrics", "/v1/logs", "/alerts"}
    assert SECRET.encode() not in b"".join(body for _, body in server.taken)

    spans = [
        span
        for body in bodies["/v1/traces"]
        for span in requests._message_class("traces", "Request").FromString(body).resource_spans[0].scope_spans[0].spans
    ]
    (run,) = [span for span in spans if span.name == "run people"]
    (write,) = [span for span in spans if span.parent_span_id == run.span_id]
    stages = [span for span in spans if span.parent_span_id == write.span_id]
    assert {span.name for span in stages} == {"spark stage"}
    assert len(stages) >= 2, "a shuffle lies between reading and writing"
    assert len(spans) == 2 + len(stages)
    assert all(run.start_time_unix_nano <= span.start_time_unix_nano <= run.end_time_unix_nano for span in spans)
    facts = {one.key: one.value.int_value for one in write.attributes}
    assert facts["hookline.rows"] == 1_000
    assert facts["hookline.checks_failed"] == 1

    (file,) = (tmp_path / "metrics").iterdir()
    lines = dict(line.rpartition(" ")[::2] for line in file.read_text().splitlines() if not line.startswith("#"))
    told = {name.partition("{")[0]: float(value) for name, value in lines.items() if 'layer="silver"' in name}
    assert told["hookline_write_rows_total"] == 1_000
    assert told["hookline_write_bytes_total"] == facts["hookline.bytes"]
    assert told["hookline_spark_tasks_total"] == facts["spark.tasks"] > 0
    assert told["hookline_quality_failing_rows_total"] == 10

    (alert,) = (json.loads(body) for body in bodies["/alerts"])
    (item,) = alert["items"]
    assert (item["kind"], item["failing_rows"], item["severity"]) == ("check_failed", 10, "error")
    assert item["title"].endswith("failed: 10 of 1,000 rows")
