"""The file of events: whole lines, each event once, whatever dies or appends at the same time."""

from __future__ import annotations

import datetime as dt
import json
import os
import resource
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from hookline.core.errors import SinkError
from hookline.core.events import Run, RunStarted
from hookline.core.outbox import Message
from hookline.lineage.openlineage import EventBuilder, event_id
from hookline.lineage.sink import NdjsonSink

AT = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
BUILDER = EventBuilder("jobs", "urn:test")


def message(number: int, job: str = "job") -> Message:
    event = BUILDER.run_started(RunStarted(AT), Run(str(uuid.UUID(int=number)), job, AT))
    return Message(event_id(event), "lineage", "openlineage", event, "", AT, 0)


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def numbers(path: Path) -> list[int]:
    return [uuid.UUID(event["run"]["runId"]).int for event in events(path)]


def test_events_are_lines_in_order(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "lineage.ndjson"
    sink = NdjsonSink(path)
    sink.deliver([message(1), message(2)])
    sink.deliver([message(3)])
    assert events(path) == [message(number).payload for number in (1, 2, 3)]
    assert path.read_bytes().endswith(b"\n")


def test_a_batch_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: sizes.append(len(data)) or real(file, data))
    NdjsonSink(tmp_path / "f").deliver([message(number) for number in range(50)])
    assert sizes == [(tmp_path / "f").stat().st_size]


def test_events_that_are_there_but_perhaps_not_on_disk_are_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, []

    def fsync(file: int) -> None:
        calls.append(file)
        if len(calls) == 1:
            raise OSError(5, "Input/output error")
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    sink = NdjsonSink(tmp_path / "f")
    with pytest.raises(SinkError, match="Input/output error"):
        sink.deliver([message(1)])
    sink.deliver([message(1)])
    assert len(calls) == 2
    assert numbers(tmp_path / "f") == [1]


def test_hostile_names_stay_on_one_line(tmp_path: Path) -> None:
    job = "a\nb\u2028c\x1b[31m\ud800\x00" + "x" * 10_000
    NdjsonSink(tmp_path / "f").deliver([message(1, job), message(2)])
    lines = (tmp_path / "f").read_bytes().split(b"\n")
    assert len(lines) == 3
    assert json.loads(lines[0])["job"]["name"] == job


def test_a_replay_adds_nothing(tmp_path: Path) -> None:
    sink = NdjsonSink(tmp_path / "f")
    sink.deliver([message(1), message(2), message(1)])
    sink.deliver([message(2), message(3)])
    NdjsonSink(tmp_path / "f").deliver([message(1), message(3), message(4)])
    assert numbers(tmp_path / "f") == [1, 2, 3, 4]


def test_what_another_process_appended_is_known(tmp_path: Path) -> None:
    one, other = NdjsonSink(tmp_path / "f"), NdjsonSink(tmp_path / "f")
    one.deliver([message(1)])
    other.deliver([message(2)])
    one.deliver([message(2), message(3)])
    assert numbers(tmp_path / "f") == [1, 2, 3]


@pytest.mark.parametrize("size", [10, 70_000])
def test_half_a_line_is_removed(tmp_path: Path, size: int) -> None:
    path = tmp_path / "f"
    NdjsonSink(path).deliver([message(1)])
    whole = json.dumps(message(2, "x" * 100_000).payload).encode()
    with path.open("ab") as file:
        file.write(whole[:size])
    NdjsonSink(path).deliver([message(2)])
    assert numbers(path) == [1, 2]


def test_half_a_first_line_is_removed(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b'{"eventType": "STA')
    NdjsonSink(tmp_path / "f").deliver([message(1)])
    assert numbers(tmp_path / "f") == [1]


def test_a_whole_event_without_its_newline_is_kept(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(json.dumps(message(1).payload))
    NdjsonSink(tmp_path / "f").deliver([message(1), message(2)])
    assert numbers(tmp_path / "f") == [1, 2]


def test_lines_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "f").write_text('not json\n{"foreign": true}\n[1]\n')
    NdjsonSink(tmp_path / "f").deliver([message(1)])
    assert (tmp_path / "f").read_text().splitlines()[:3] == ["not json", '{"foreign": true}', "[1]"]
    assert len((tmp_path / "f").read_text().splitlines()) == 4


def test_a_rotated_file_begins_anew(tmp_path: Path) -> None:
    sink = NdjsonSink(tmp_path / "f")
    sink.deliver([message(1)])
    (tmp_path / "f").rename(tmp_path / "f.1")
    sink.deliver([message(2)])
    assert (numbers(tmp_path / "f.1"), numbers(tmp_path / "f")) == ([1], [2])


def test_memory_is_bounded(tmp_path: Path) -> None:
    sink = NdjsonSink(tmp_path / "f", tail_bytes=256 * 10)
    for start in range(0, 500, 50):
        sink.deliver([message(number) for number in range(start, start + 50)])
    assert len(sink._seen) <= 10
    assert numbers(tmp_path / "f") == list(range(500))


def test_only_the_tail_of_a_long_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    NdjsonSink(tmp_path / "f").deliver([message(number) for number in range(2_000)])
    read: list[int] = []
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda file, size, at: read.append(size) or real(file, size, at))
    sink = NdjsonSink(tmp_path / "f", tail_bytes=10_000)
    sink.deliver([message(1_999), message(2_000)])
    assert sum(read) < 20_000
    assert numbers(tmp_path / "f")[-2:] == [1_999, 2_000]


def test_a_path_that_is_no_file_is_a_retryable_error(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"can't be appended to .*Is a directory") as caught:
        NdjsonSink(tmp_path).deliver([message(1)])
    assert caught.value.retryable


def test_a_message_that_is_no_event_is_refused_for_good(tmp_path: Path) -> None:
    alien = Message("x", "lineage", "", {"secret": "value"}, "", AT, 0)
    with pytest.raises(SinkError, match="no OpenLineage run event") as caught:
        NdjsonSink(tmp_path / "f").deliver([alien])
    assert not caught.value.retryable
    assert "value" not in str(caught.value)


_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_sink import NdjsonSink, SinkError, message
path = Path({path!r})
sink = NdjsonSink(path)
sink.deliver([message(1)])
size = path.stat().st_size
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
for _ in range(2):
    try:
        sink.deliver([message(2)])
    except SinkError as error:
        assert error.retryable
    else:
        raise SystemExit("it should not have fitted")
    assert path.stat().st_size == size, "no half line is left"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
sink.deliver([message(2)])
"""


def run_python(code: str, **values: str) -> subprocess.Popen[bytes]:
    filled = code.format(tests=str(Path(__file__).parent), **values)
    return subprocess.Popen([sys.executable, "-c", filled], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    assert resource.RLIMIT_FSIZE is not None
    assert run_python(_FULL_DISK, path=str(tmp_path / "f")).wait(60) == 0
    assert numbers(tmp_path / "f") == [1, 2]


_APPEND = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_sink import NdjsonSink, message
sink = NdjsonSink(Path({path!r}))
for batch in range(40):
    sink.deliver([message({base} + 5 * batch + at, "j" * 3000) for at in range(5)])
    sink.deliver([message({base} + 5 * batch)])
"""


def test_two_processes_append_at_once(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b'{"half')
    processes = [run_python(_APPEND, path=str(path), base=str(base)) for base in (1_000, 2_000)]
    assert [process.wait(120) for process in processes] == [0, 0]
    found = numbers(path)
    assert sorted(found) == [*range(1_000, 1_200), *range(2_000, 2_200)]
    assert [number for number in found if number < 2_000] == list(range(1_000, 1_200))


_KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_sink import NdjsonSink, message
real = os.write
def half(file, data):
    real(file, data[: len(data) // 2])
    os.kill(os.getpid(), 9)
os.write = half
NdjsonSink(Path({path!r})).deliver([message(1), message(2), message(3)])
"""


def test_a_process_killed_in_the_middle_of_an_append(tmp_path: Path) -> None:
    assert run_python(_KILLED, path=str(tmp_path / "f")).wait(60) == -9
    NdjsonSink(tmp_path / "f").deliver([message(1), message(2), message(3), message(4)])
    assert numbers(tmp_path / "f") == [1, 2, 3, 4]
