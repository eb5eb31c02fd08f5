"""Rows that were set aside in log records: only where somebody asked for them, and of every value its shape alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.observability.cloud.conftest import Moody, a_write, message

from hookline.core.events import Dataset
from hookline.observability.cloudwatch.options import CloudWatchOptions
from hookline.observability.cloudwatch.sinks import LogsSink
from hookline.observability.datadog.intake import RecordSink
from hookline.observability.records import sample_wanted
from hookline.pipelines.quarantine.sampling import fields_of
from hookline.plugins.cloudwatch import CloudwatchPlugin
from hookline.testing import BusUnderTest, RecordingSink

SECRET = "alice.smith@example.com"


@pytest.fixture
def quarantine(tmp_path: Path) -> Dataset:
    """A quarantine with two rows of one write and one of another."""
    folder = tmp_path / "orders.quarantine" / "run_date=2026-05-04"
    folder.mkdir(parents=True)
    own = {
        "run_id": "r",
        "job": "etl",
        "dataset": "/orders",
        "target_format": "parquet",
        "reasons": ["mail is <valid>"],
    }
    rows = [
        {
            **own,
            "quarantine_id": f"q{number}",
            "write_id": f"w/{write}",
            "row": {"mail": SECRET, "age": 42, "none": None},
        }
        for number, write in enumerate((1, 1, 2))
    ]
    parquet.write_table(pa.Table.from_pylist(rows), folder / "part-0.parquet")
    return Dataset("file", str(folder.parent), "parquet")


def wanted(quarantine: Dataset, most: int) -> Any:
    return sample_wanted(a_write(write_id="w/1", quarantine=quarantine, published=True), most)


def test_nothing_of_a_row_is_told_unless_it_was_asked_for(quarantine: Dataset) -> None:
    assert wanted(quarantine, 0) is None
    assert sample_wanted(a_write(quarantine=None), 3) is None
    assert sample_wanted(a_write(quarantine=quarantine, rows_quarantined=0), 3) is None


def test_a_sample_is_the_shape_of_the_values(quarantine: Dataset) -> None:
    assert fields_of(wanted(quarantine, 1)) == {
        "masked_samples": [{"reasons": "mail is <valid>", "row": "mail=xxxxx.xxxxx@xxxxxxx.xxx; age=99; none=null"}]
    }
    assert len(fields_of(wanted(quarantine, 5))["masked_samples"]) == 2


def test_a_quarantine_that_is_gone_leaves_the_record(tmp_path: Path) -> None:
    assert fields_of(wanted(Dataset("file", str(tmp_path / "gone")), 3)) == {}
    assert fields_of({}) == {}


def test_the_record_in_both_back_ends_has_the_masked_rows(
    quarantine: Dataset, moody: Callable[..., Moody], hookline_bus: BusUnderTest
) -> None:
    double = RecordingSink()
    name = f"{CloudwatchPlugin.__module__}:{CloudwatchPlugin.__qualname__} logs"
    hookline_bus.replace_sink(name, double)
    hookline_bus.load(CloudwatchPlugin, {"region": "x", "metrics": "off", "log_group": "/x", "masked_samples": 2})
    write = a_write(write_id="w/1", quarantine=quarantine, published=True, verdicts=())
    hookline_bus.bus.notify("on_write_finished", write, hookline_bus.run)
    hookline_bus.outbox.flush(5)
    server = moody()
    options = CloudWatchOptions(region="eu-west-1", endpoint_url=server.url)
    (told,) = double.messages
    assert SECRET not in json.dumps(told.payload)
    LogsSink(options, "/x", fields_of).deliver([told])
    record = {**told.payload["record"], "sample": told.payload["sample"]}
    RecordSink(server.url, "k", 1.0, fields_of).deliver([message(record, "record")])
    (_, _, first), (_, _, second) = server.seen
    in_cloudwatch = json.loads(json.loads(first)["logEvents"][0]["message"])
    (in_datadog,) = json.loads(second)
    assert in_cloudwatch["masked_samples"] == in_datadog["masked_samples"]
    assert len(in_datadog["masked_samples"]) == 2
    assert "sample" not in in_datadog
    assert SECRET not in first.decode() + second.decode()
