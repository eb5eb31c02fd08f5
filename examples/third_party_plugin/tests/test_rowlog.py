"""What the plugin does, on a real bus with a real outbox."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hookline import Message, SinkError
from hookline.testing import BusUnderTest, sample_write

from hookline_rowlog import RowlogPlugin
from hookline_rowlog.plugin import FileSink


def lines(path: Path) -> list[dict[str, Any]]:
    """What stands in the file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_write_that_is_large_enough_becomes_a_line(hookline_bus: BusUnderTest) -> None:
    hookline_bus.load(RowlogPlugin, {"path": "logs/rows.jsonl", "minimum_rows": 3})
    small, large = sample_write(write_id="r/1", rows=2), sample_write(write_id="r/2", rows=3)
    hookline_bus.whole_run(small, large)
    hookline_bus.close()
    assert lines(hookline_bus.folder / "logs" / "rows.jsonl") == [
        {
            "id": "r/2",
            "at": large.finished_at.isoformat() if large.finished_at else None,
            "job": "sample",
            "environment": None,
            "dataset": "/data/orders",
            "rows": 3,
        }
    ]


def test_lines_wait_while_the_file_can_not_be_written(hookline_bus: BusUnderTest) -> None:
    path = hookline_bus.folder / "rowlog.jsonl"
    path.mkdir()
    hookline_bus.load(RowlogPlugin)
    hookline_bus.whole_run(sample_write(write_id="r/1"))
    assert hookline_bus.failures == 0
    path.rmdir()
    hookline_bus.outbox.replay()
    assert [line["id"] for line in lines(path)] == ["r/1"]


def test_a_full_disk_is_told_without_the_line() -> None:
    utc_now = dt.datetime.now(dt.timezone.utc)
    with pytest.raises(SinkError, match=r"^/dev/full: No space left on device$") as caught:
        FileSink(Path("/dev/full")).deliver([Message("r/1", "rowlog", "write", {"rows": 1}, "r", utc_now, 0)])
    assert caught.value.retryable
