"""The log on disk: what is appended stays, by whomever and however a process ends."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hookline.core.errors import AuditError
from hookline.core.safekeeping import AuditConfig
from hookline.governance.audit import AuditLog, Entry, open_log, verify
from hookline.governance.audit.records import START, canonical, parse

APPENDS = """
import sys
from pathlib import Path
from hookline.governance.audit import AuditLog, Entry
log = AuditLog(Path(sys.argv[1]))
number = 0
while True:
    log.append(Entry("test.deed", {"number": number, "text": "x" * 3000}))
    number += 1
    print(number, flush=True)
"""


def intact(log: AuditLog) -> bool:
    return not verify(log.path, [log.signing_key.with_suffix(".pub")]).findings


def test_records_follow_on_each_other(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.log")
    log.append(Entry("protect.write", {"dataset": "lake/customers", "rows": 3, "none": None, "list": [1, "ä"]}, "etl"))
    head = log.append(Entry("keys.rotate"), Entry("keys.destroy"))
    records = list(log.records())
    assert [record.entry.action for record in records] == [
        "audit.opened",
        "protect.write",
        "keys.rotate",
        "keys.destroy",
    ]
    assert [record.seq for record in records] == [1, 2, 3, 4]
    assert [record.prev for record in records] == [START, *(record.hash for record in records[:-1])]
    assert records[1].entry.what == {"dataset": "lake/customers", "rows": 3, "none": None, "list": [1, "ä"]}
    assert records[1].entry.actor == "etl"
    assert (head.seq, head.hash, head.log) == (4, records[-1].hash, records[0].entry.what["log"])
    assert log.head() == head
    assert intact(log)


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.log")
    log.append(Entry("a"))
    assert log.path.stat().st_mode & 0o777 == 0o600
    assert log.signing_key.stat().st_mode & 0o777 == 0o600


def test_what_could_be_written_in_two_ways_is_text(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.log")
    log.append(Entry("a", {"float": 0.1, "path": Path("/x"), "long": "y" * 5_000, "bool": True}))
    what = list(log.records())[-1].entry.what
    assert what == {"float": "0.1", "path": "/x", "long": "y" * 2_000, "bool": True}


def test_hostile_text_stays_on_its_line(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.log")
    text = 'a\n{"seq":1}\r\u2028\x00"</script>\ud800'
    log.append(Entry("a", {text: text}, text))
    assert log.path.read_bytes().count(b"\n") == 2
    assert list(log.records())[-1].entry.what == {text: text}
    assert intact(log)


def test_processes_take_turns(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append_some, args=(tmp_path / "audit.log", worker)) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    log = AuditLog(tmp_path / "audit.log")
    numbers = [tuple(record.entry.what.values()) for record in log.records()][1:]
    assert sorted(numbers) == [(number, worker) for number in range(25) for worker in range(4)]
    assert intact(log)


def _append_some(path: Path, worker: int) -> None:
    for number in range(25):
        AuditLog(path).append(Entry("a", {"number": number, "worker": worker}))


def test_a_process_that_is_killed_leaves_what_it_was_told_of(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", APPENDS, str(path)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            told = [process.stdout.readline() for _ in range(5)]
            time.sleep(0.01)
            os.kill(process.pid, signal.SIGKILL)
            told += process.stdout.readlines()
        log = AuditLog(path)
        before = [record.entry.what.get("number") for record in log.records()]
        assert int(told[-1]) - 1 in before
        log.append(Entry("after"))
        assert list(log.records())[-1].entry.action == "after"
        assert intact(log)


def test_half_a_line_is_cut_off_and_told_of(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.log")
    log.append(Entry("a"))
    with log.path.open("ab") as file:
        file.write(b'{"action":"half')
    assert [record.entry.action for record in log.records()] == ["audit.opened", "a"]
    log.append(Entry("b"))
    actions = [record.entry.action for record in log.records()]
    assert actions == ["audit.opened", "a", "audit.torn", "b"]
    assert intact(log)


def test_a_log_that_was_changed_takes_nothing_more(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.log")
    log.append(Entry("a", {"dataset": "x"}))
    log.path.write_bytes(log.path.read_bytes().replace(b'"dataset":"x"', b'"dataset":"y"'))
    content = log.path.read_bytes()
    with pytest.raises(AuditError, match="its hash is not its content's"):
        log.append(Entry("b"))
    assert log.path.read_bytes() == content


@pytest.mark.parametrize("content", [b"\n", b"hello\n", b"{}\n", b"[1]\n", b"\xff\xfe\n"])
def test_a_file_that_is_no_log_takes_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(content)
    with pytest.raises(AuditError):
        AuditLog(path).append(Entry("a"))
    assert path.read_bytes() == content


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "audit.log").mkdir()
    with pytest.raises(AuditError, match="can't be written: Is a directory"):
        AuditLog(tmp_path / "audit.log").append(Entry("a"))


def test_a_signing_key_that_others_can_read_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.log")
    log.append(Entry("a"))
    log.signing_key.chmod(0o644)
    content = log.path.read_bytes()
    with pytest.raises(AuditError, match="chmod 600"):
        AuditLog(log.path).append(Entry("b"))
    assert log.path.read_bytes() == content


@pytest.mark.parametrize("pem", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_signing_key_that_is_none(tmp_path: Path, pem: bytes) -> None:
    key = tmp_path / "sign.pem"
    key.write_bytes(pem)
    key.chmod(0o600)
    with pytest.raises(AuditError, match="not an Ed25519 private key"):
        AuditLog(tmp_path / "audit.log", key).append(Entry("a"))


def test_where_the_configuration_has_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert open_log(AuditConfig(), tmp_path, state).path == state / "audit.log"
    other = open_log(AuditConfig(path="logs/a.log", signing_key="/keys/a.pem"), tmp_path, state)
    assert (other.path, other.signing_key) == (tmp_path / "logs" / "a.log", Path("/keys/a.pem"))


def test_one_form_only() -> None:
    assert canonical({"b": [1, True, None], "a": "ä\n"}) == b'{"a":"\\u00e4\\n","b":[1,true,null]}'


def test_a_record_is_found_again_from_its_line(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.log")
    log.append(Entry("a", {"x": 1}))
    for line in log.path.read_bytes().splitlines():
        assert parse(line).line() == line + b"\n"
        assert json.loads(line)["v"] == 1
