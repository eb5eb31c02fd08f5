"""Spark's own event log, written by a shared session for as long as a test wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EventLog = Callable[[], AbstractContextManager[list[dict[str, Any]]]]


@pytest.fixture
def event_log(spark: SparkSession, tmp_path: Path) -> EventLog:
    """The events of the enclosed code, filled in when it is left; by Spark's own writer of event logs."""

    @contextmanager
    def logged() -> Iterator[list[dict[str, Any]]]:
        folder = tmp_path / "event log"
        folder.mkdir()
        context = spark.sparkContext
        java, jvm = context._jsc.sc(), context._jvm
        conf = (
            java.conf().clone().set("spark.eventLog.rolling.enabled", "false").set("spark.eventLog.compress", "false")
        )
        none = getattr(getattr(jvm.scala, "None$"), "MODULE$")
        listener = jvm.org.apache.spark.scheduler.EventLoggingListener(
            java.applicationId(), none, jvm.java.net.URI(folder.as_uri()), conf, java.hadoopConfiguration()
        )
        listener.start()
        java.addSparkListener(listener)
        events: list[dict[str, Any]] = []
        try:
            yield events
        finally:
            java.listenerBus().waitUntilEmpty(10_000)
            java.removeSparkListener(listener)
            listener.stop()
            for file in folder.iterdir():
                if not file.name.endswith(".crc"):
                    events += map(json.loads, file.read_text().splitlines())

    return logged
