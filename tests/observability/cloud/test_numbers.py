"""One job of Spark's, in CloudWatch, in Datadog and in Spark's own event log: the same numbers."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.observability.cloud.conftest import Agent, Listener

from hookline.core.config_models import Config, PluginEntry
from hookline.core.config_tree import Location
from hookline.core.events import utc_now
from hookline.core.labels import LabelsConfig
from hookline.pipelines import attach

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from tests.observability.conftest import EventLog

pytestmark = [pytest.mark.spark, pytest.mark.server]
LINE = re.compile(r"^hookline\.([a-z0-9_.]+):([-0-9.e]+)\|[cg]\|#([^|]+)\|T\d+$")


def of_log(events: list[dict[str, Any]]) -> dict[str, float]:
    """The sums that Spark's event log has, by the names of metrics."""
    tasks = [event for event in events if event["Event"] == "SparkListenerTaskEnd"]
    metrics = [task["Task Metrics"] for task in tasks if task.get("Task Metrics")]
    reads = [one["Shuffle Read Metrics"] for one in metrics]
    return {
        "spark.jobs": sum(event["Event"] == "SparkListenerJobStart" for event in events),
        "spark.stages": sum(event["Event"] == "SparkListenerStageCompleted" for event in events),
        "spark.tasks": len(tasks),
        "spark.tasks_failed": sum(task["Task Info"]["Failed"] for task in tasks),
        "spark.executor_run_s": sum(one["Executor Run Time"] for one in metrics) / 1e3,
        "spark.executor_cpu_s": sum(one["Executor CPU Time"] for one in metrics) / 1e9,
        "spark.gc_s": sum(one["JVM GC Time"] for one in metrics) / 1e3,
        "spark.shuffle_write_bytes": sum(one["Shuffle Write Metrics"]["Shuffle Bytes Written"] for one in metrics),
        "spark.shuffle_read_bytes": sum(one["Remote Bytes Read"] + one["Local Bytes Read"] for one in reads),
        "spark.memory_spill_bytes": sum(one["Memory Bytes Spilled"] for one in metrics),
        "spark.disk_spill_bytes": sum(one["Disk Bytes Spilled"] for one in metrics),
        "spark.result_bytes": sum(one["Result Size"] for one in metrics),
        "write.rows": sum(one["Output Metrics"]["Records Written"] for one in metrics),
        "layer.rows": sum(one["Output Metrics"]["Records Written"] for one in metrics),
        "write.rows_read": sum(one["Input Metrics"]["Records Read"] for one in metrics),
    }


def of_cloudwatch(client: Any, names: Any) -> dict[str, float]:
    """Each metric's total over the environment."""
    now, hour = utc_now(), dt.timedelta(hours=1)
    environment = [{"Name": "env", "Value": "test"}]
    queries = []
    for number, name in enumerate(names):
        metric = {"Namespace": "Hookline", "MetricName": f"hookline.{name}", "Dimensions": environment}
        queries.append({"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": 86_400, "Stat": "Sum"}})
    answer = client.get_metric_data(StartTime=now - hour, EndTime=now + hour, MetricDataQueries=queries)
    found = {one["Id"]: float(sum(one["Values"])) for one in answer["MetricDataResults"]}
    return {name: found[f"m{number}"] for number, name in enumerate(names)}


def of_statsd(lines: list[str]) -> dict[str, float]:
    found: defaultdict[str, float] = defaultdict(float)
    for line in lines:
        if match := LINE.match(line):
            found[match[1]] += float(match[2])
    return found


def test_a_job_has_the_same_numbers_everywhere(
    spark: SparkSession, event_log: EventLog, tmp_path: Path, moto: Any, moto_url: str, agent: Agent, listener: Listener
) -> None:
    here = Location("test")
    cloudwatch = {"region": "eu-west-1", "endpoint_url": moto_url, "log_group": "/hookline/runs"}
    datadog = {"trace_url": agent.url, "statsd_url": listener.url}
    config = Config(
        state_dir=tmp_path / "state",
        environment="test",
        labels=LabelsConfig(owner="sales"),
        plugins=(PluginEntry("cloudwatch", cloudwatch, here), PluginEntry("datadog", datadog, here)),
    )
    place = tmp_path / "silver" / "orders"
    attachment = attach.attach(spark, config, job="numbers")
    try:
        with event_log() as events:
            rows = spark.range(0, 20_000, 1, 2).selectExpr("id % 7 AS part", "id AS value")
            rows.groupBy("part").agg({"value": "sum"}).toDF("part", "total").write.parquet(str(place))
    finally:
        attachment.detach()
    expected = of_log(events)
    assert expected["write.rows"] == 7
    assert expected["spark.shuffle_write_bytes"] > 0

    assert of_cloudwatch(moto("cloudwatch"), expected) == pytest.approx(expected)
    assert {key: value for key, value in of_statsd(listener.lines).items() if key in expected} == pytest.approx(
        expected
    )

    spans = defaultdict(list)
    for span in agent.spans():
        spans[span["name"]].append(span)
    (write,), (run,) = spans["hookline.write"], spans["hookline.run"]
    assert write["metrics"]["hookline.rows"] == 7
    assert run["start"] <= write["start"]
    stages = [event["Stage Info"] for event in events if event["Event"] == "SparkListenerStageCompleted"]
    assert {float(span["meta"]["hookline.stage"]) for span in spans["spark.stage"]} == {
        one["Stage ID"] for one in stages
    }
    tasks = sum(span["metrics"]["spark.tasks"] for span in spans["spark.stage"])
    assert tasks == sum(one["Number of Tasks"] for one in stages) == expected["spark.tasks"]
    cpu_s = sum(span["metrics"]["spark.executor_cpu_s"] for span in spans["spark.stage"])
    assert cpu_s == pytest.approx(expected["spark.executor_cpu_s"])
    starts = {one["Stage ID"]: one["Submission Time"] for one in stages}
    for span in spans["spark.stage"]:
        assert abs(span["start"] / 1e6 - starts[int(span["meta"]["hookline.stage"])]) < 1_000

    logged = moto("logs").filter_log_events(logGroupName="/hookline/runs")["events"]
    records = [json.loads(event["message"]) for event in logged]
    assert [record["event"] for record in records] == ["run.started", "write.finished", "run.finished"]
    assert records[1]["rows"] == 7
    assert records[1]["layer"] == "silver"
