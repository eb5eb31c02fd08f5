"""``datadog``: what happens becomes points, spans, events, checks and records in the outbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from tests.observability.cloud.conftest import REFUSAL, Listener, Moody, a_write

from hookline.core.errors import ConfigError
from hookline.plugins.datadog import DatadogConfig, DatadogPlugin
from hookline.testing import BusUnderTest, PluginContract, RecordingSink, sample_run_ended

NAME = f"{DatadogPlugin.__module__}:{DatadogPlugin.__qualname__}"


@pytest.fixture(scope="module", autouse=True)
def _agent() -> Iterator[None]:
    """An agent that takes everything, where the contract's plugin sends to."""
    with pytest.MonkeyPatch.context() as patch:
        server, listener = Moody(), Listener()
        own = {
            "trace_url": server.url,
            "logs_url": server.url,
            "statsd_url": listener.url,
            "logs": True,
            "api_key": "k",
        }
        patch.setattr(TestContract, "good_options", own)
        yield
        server.close()
        listener.close()


class TestContract(PluginContract):
    plugin = DatadogPlugin
    good_options: ClassVar = {}
    bad_options = (
        {"statsd_url": "tcp://x:1"},
        {"trace_url": "localhost:8126"},
        {"site": "no site"},
        {"max_tag_values": 0},
        {"logs": True},
        {"api_key": 5},
    )


@pytest.fixture
def bus(hookline_bus: BusUnderTest, monkeypatch: pytest.MonkeyPatch) -> BusUnderTest:
    monkeypatch.delenv("DD_API_KEY", raising=False)
    for name in ("statsd", "traces", "logs"):
        hookline_bus.replace_sink(f"{NAME} {name}", RecordingSink())
    return hookline_bus


def sent(bus: BusUnderTest, name: str) -> list[tuple[str, dict[str, Any]]]:
    bus.outbox.flush(5)
    sink: Any = bus.outbox.doubles[f"{NAME} {name}"]
    return [(message.kind, dict(message.payload)) for message in sink.messages]


def test_a_run_is_points_spans_a_check_and_records(bus: BusUnderTest) -> None:
    bus.load(DatadogPlugin, {"logs": True, "api_key": "the-key"})
    bus.whole_run()
    assert [kind for kind, _ in sent(bus, "statsd")] == ["points", "points", "points", "check"]
    spans = [span["name"] for _, payload in sent(bus, "traces") for span in payload["spans"]]
    assert spans == ["hookline.write", "hookline.read", "hookline.run"]
    records = [payload for _, payload in sent(bus, "logs")]
    assert [record["event"] for record in records] == ["run.started", "write.finished", "run.finished"]
    ids = {record["dd.trace_id"] for record in records}
    assert ids == {bus.run.run_id.replace("-", "")}
    assert "the-key" not in json.dumps(records)


def test_failures_and_refused_writes_are_events(bus: BusUnderTest) -> None:
    bus.load(DatadogPlugin, {})
    bus.bus.notify("on_write_failed", a_write(write_id="w/2", published=False, error=REFUSAL), bus.run)
    bus.bus.notify("on_run_finished", sample_run_ended(), bus.run)
    bus.failed_run()
    titles = [payload["title"] for kind, payload in sent(bus, "statsd") if kind == "event"]
    assert titles == ["sample: write refused", "sample: write failed", "sample: run failed"]
    assert [payload["status"] for kind, payload in sent(bus, "statsd") if kind == "check"] == [0]


def test_what_is_switched_off_is_not_sent(bus: BusUnderTest) -> None:
    bus.load(DatadogPlugin, {"metrics": False, "traces": False, "events": False, "service_checks": False})
    bus.whole_run()
    bus.failed_run()
    assert sent(bus, "statsd") == sent(bus, "traces") == sent(bus, "logs") == []


def test_records_need_a_key_which_nothing_shows(bus: BusUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="api_key"):
        bus.load(DatadogPlugin, {"logs": True})
    assert "the-key" not in repr(DatadogConfig(api_key="the-key", app_key="the-key"))  # type: ignore[arg-type]
    monkeypatch.setenv("DD_API_KEY", "the-key")
    bus.load(DatadogPlugin, {"logs": True})


def test_the_service_is_the_job_unless_it_is_named(bus: BusUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DD_SERVICE", raising=False)
    assert DatadogConfig().service_of("job") == "job"
    monkeypatch.setenv("DD_SERVICE", "env")
    assert DatadogConfig().service_of("job") == "env"
    assert DatadogConfig(service="own").service_of("job") == "own"
