"""``cloudwatch``: what happens becomes points and records in the outbox."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.observability.cloud.conftest import REFUSAL, Moody, a_write

from hookline.core.events import RunStarted
from hookline.core.labels import LabelsConfig
from hookline.core.plugin import PluginContext
from hookline.observability.metrics import METRICS
from hookline.plugins.cloudwatch import CloudWatchConfig, CloudwatchPlugin
from hookline.testing import BusUnderTest, PluginContract, RecordingSink, sample_run_ended, sample_write


@pytest.fixture(scope="module", autouse=True)
def _service() -> Iterator[None]:
    """A service that takes everything, where the contract's plugins send to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        server = Moody()
        server.mood = (200, {}, b"")
        own = {**TestContract.good_options, "endpoint_url": server.url}
        patch.setattr(TestContract, "good_options", own)
        patch.setattr(TestContractOfEmf, "good_options", own | {"metrics": "emf"})
        yield
        server.close()


class TestContract(PluginContract):
    plugin = CloudwatchPlugin
    good_options: ClassVar = {"region": "eu-west-1", "log_group": "/hookline/runs"}
    bad_options = (
        {"namespace": "AWS/EC2"},
        {"namespace": ""},
        {"metrics": "carbon"},
        {"log_group": "no spaces"},
        {"log_retention_days": 8},
        {"resolution_s": 30},
        {"alarm_actions": ["me@example.com"]},
        {"timeout_s": 0},
    )


class TestContractOfEmf(PluginContract):
    plugin = CloudwatchPlugin


@pytest.fixture
def bus(hookline_bus: BusUnderTest) -> BusUnderTest:
    for name in ("metrics", "logs"):
        hookline_bus.replace_sink(f"{NAME} {name}", RecordingSink())
    return hookline_bus


NAME = f"{CloudwatchPlugin.__module__}:{CloudwatchPlugin.__qualname__}"


def sent(bus: BusUnderTest, name: str) -> list[dict[str, Any]]:
    bus.outbox.flush(5)
    sink: Any = bus.outbox.doubles[f"{NAME} {name}"]
    return list(sink.payloads)


def test_a_run_is_points_of_the_catalogue_in_an_order_of_its_job(bus: BusUnderTest) -> None:
    bus.load(CloudwatchPlugin, {"region": "eu-west-1"})
    bus.whole_run(a_write())
    bus.failed_run()
    payloads = sent(bus, "metrics")
    points = [point for payload in payloads for point in payload["points"]]
    names = {point["metric"] for point in points}
    assert names <= set(METRICS)
    assert {"hookline.write.rows", "hookline.run.success", "hookline.outbox.pending"} <= names
    assert all(len(payload["points"]) <= 100 for payload in payloads)
    assert [point["value"] for point in points if point["metric"] == "hookline.run.success"] == [1]
    sink: Any = bus.outbox.doubles[f"{NAME} metrics"]
    assert len({message.order_key for message in sink.messages}) == 1


def test_what_was_told_is_not_told_again(bus: BusUnderTest) -> None:
    bus.load(CloudwatchPlugin, {"region": "eu-west-1"})
    write = sample_write()
    for _ in range(3):
        bus.write(write)
    assert len(sent(bus, "metrics")) == 1


def test_records_say_what_ran_and_hold_no_value(bus: BusUnderTest) -> None:
    bus.load(CloudwatchPlugin, {"region": "eu-west-1", "log_group": "/hookline/runs", "metrics": "off"})
    bus.bus.notify("on_run_started", RunStarted(bus.run.started_at), bus.run)
    bus.bus.notify("on_write_failed", a_write(published=False, error=REFUSAL), bus.run)
    bus.bus.notify("on_run_failed", sample_run_ended(status="refused"), bus.run)
    records = [json.loads(event["text"]) for payload in sent(bus, "logs") for event in payload["events"]]
    assert [record["event"] for record in records] == ["run.started", "write.refused", "run.refused"]
    assert {record["run_id"] for record in records} == {bus.run.run_id}
    assert records[1]["checks"] == {"failed": 2, "passed": 1}
    assert {one["check"]: one["failing_rows"] for one in records[1]["failed_checks"]} == {"ids": 3, "drift": 1}
    assert all("observed" not in one for one in records[1]["failed_checks"])
    assert records[-1]["level"] == "error"


def test_tags_with_too_many_values_are_told_of_once(bus: BusUnderTest, caplog: pytest.LogCaptureFixture) -> None:
    bus.load(CloudwatchPlugin, {"region": "eu-west-1", "max_tag_values": 1})
    for number in range(3):
        dataset = dataclasses.replace(sample_write().dataset, name=f"/t{number}")
        bus.whole_run(sample_write(dataset=dataset, write_id=f"r/{number}"))
    assert caplog.text.count("max_tag_values") == 1
    tags = {point["tags"].get("dataset") for payload in sent(bus, "metrics") for point in payload["points"]}
    assert tags == {None, "/t0", "(other)"}


def test_nothing_of_aws_is_loaded_before_something_is_sent(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import hookline.plugins.cloudwatch as own, hookline.plugins.datadog as other;"
        "from hookline.testing import BusUnderTest; bus = BusUnderTest(Path(sys.argv[1]));"
        "bus.outbox.start = lambda: None;"
        "bus.load(own.CloudwatchPlugin, {'region': 'x', 'log_group': '/x'}); bus.load(other.DatadogPlugin, {});"
        "print(sorted({'boto3', 'botocore', 'ddtrace', 'datadog', 'msgpack', 'jsonschema'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr


def test_labels_are_on_every_point(tmp_path: Path, hookline_bus: BusUnderTest) -> None:
    labels = LabelsConfig(owner="sales", tags={"cost_center": "4711"})
    sink = RecordingSink()
    hookline_bus.outbox.doubles["cw metrics"] = sink
    context = PluginContext("cw", "prod", tmp_path, tmp_path, hookline_bus.outbox, labels=labels)
    hookline_bus.use(CloudwatchPlugin(CloudWatchConfig(region="eu-west-1"), context))
    hookline_bus.whole_run()
    hookline_bus.outbox.flush(5)
    for payload in sink.payloads:
        assert {point["tags"]["cost_center"] for point in payload["points"]} == {"4711"}
