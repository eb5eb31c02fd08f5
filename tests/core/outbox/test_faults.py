"""The file is locked, damaged, deleted, read-only, on a full disk: puts go on, and nothing is lost without a word."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import pytest

from hookline.core.errors import SinkError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "outbox.db"


@pytest.fixture
def locked(path):
    """Another connection that holds the file's write lock."""
    path.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")

    class Lock:
        def take(self) -> None:
            connection.execute("BEGIN EXCLUSIVE")

        def give(self) -> None:
            connection.execute("ROLLBACK")

    yield Lock()
    connection.close()


def ids_on_disk(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    found = [id for (id,) in connection.execute("SELECT id FROM messages WHERE state = 0 ORDER BY seq")]
    connection.close()
    return found


def refuse_all(message):
    raise SinkError("dead")


@pytest.mark.parametrize("from_the_start", [True, False])
def test_a_locked_file_costs_one_short_wait_and_messages_are_delivered_from_memory(
    make_outbox, scripted, path, locked, from_the_start
):
    outbox, sink = make_outbox(wait_s=0.05), scripted()
    outbox.register("s", sink)
    if not from_the_start:
        outbox.put("s", {}, id="before")
    locked.take()
    outbox.start()
    for number in range(200):
        outbox.put("s", {}, id=str(number), order_key="k")
    before = 0 if from_the_start else 1
    end = time.monotonic() + 20
    while len(sink.ids) < 200 and time.monotonic() < end:
        time.sleep(0.01)
    assert outbox.flush(0.2) == before  # what is on disk can't be claimed
    assert sink.ids == [str(number) for number in range(200)]
    assert any("another process keeps it locked" in sentence for sentence in outbox.problems())
    locked.give()
    outbox.put("s", {}, id="5")  # delivered already: known, though it was never on disk before
    assert outbox.flush(10) == 0
    assert sorted(sink.ids) == sorted([*map(str, range(200)), *["before"] * before])
    assert outbox.problems() == ()


def test_memory_does_not_overtake_what_is_on_disk(make_outbox, scripted, path, locked):
    outbox, sink = make_outbox(wait_s=0.05), scripted()
    outbox.put("s", {}, id="1", order_key="k")
    locked.take()
    outbox.put("s", {}, id="2", order_key="k")
    outbox.put("s", {}, id="free")
    outbox.register("s", sink)
    outbox.start()
    assert outbox.flush(1) == 2
    assert sink.ids == ["free"]
    locked.give()
    assert outbox.flush(10) == 0
    assert sink.ids == ["free", "1", "2"]


def test_what_waited_in_memory_is_written_down_when_the_lock_is_gone(make_outbox, scripted, path, locked):
    outbox = make_outbox(wait_s=0.05)
    outbox.register("s", scripted(refuse_all))
    outbox.start()
    locked.take()
    for number in range(20):
        outbox.put("s", {}, id=str(number))
    assert outbox.status()[0].in_memory == 20
    locked.give()
    assert outbox.durable_sync()
    assert outbox.status()[0].in_memory == 0
    assert sorted(ids_on_disk(path), key=int) == [str(number) for number in range(20)]


def test_memory_is_bounded_and_says_what_it_refused(make_outbox, path, locked):
    outbox = make_outbox(wait_s=0.05, memory_messages=100)
    locked.take()
    for number in range(150):
        outbox.put("s", {}, id=str(number))
    (status,) = outbox.status()
    assert (status.in_memory, status.refused) == (100, 50)
    assert any("50 messages for 's' refused" in sentence for sentence in outbox.problems())
    outbox.close(0.1)
    assert any("100 messages lost" in sentence for sentence in outbox.problems())
    locked.give()


def test_a_long_outage_with_a_live_sink_does_not_fill_memory(make_outbox, scripted, path, locked):
    outbox, sink = make_outbox(wait_s=0.05, memory_messages=100), scripted()
    outbox.register("s", sink)
    outbox.start()
    locked.take()
    for number in range(10):
        for place in range(30):
            outbox.put("s", {}, id=f"{number}/{place}")
        assert outbox.flush(10) == 0
    assert len(sink.ids) == 300
    assert outbox.status()[0].refused == 0
    locked.give()


def _reopened(make_outbox, scripted, *also: str):
    """Another process's look at the file: what it delivers, and the outbox that did."""
    outbox, sink = make_outbox(), scripted()
    outbox.register("s", sink)
    for id in also:
        outbox.put("s", {}, id=id)
    outbox.start()
    assert outbox.flush(10) == 0
    return outbox, sink


def _fill(make_outbox, count: int) -> None:
    outbox = make_outbox()
    for number in range(count):
        outbox.put("s", {"text": "x" * 200}, id=str(number))
    outbox.close(0)


@pytest.mark.parametrize("offset", [0, 18, 24, 100, 4096, 4096 * 3 + 7, 4096 * 10, 4096 * 20 + 50])
def test_random_bytes_in_the_file_lead_to_a_new_one(make_outbox, scripted, path, offset):
    _fill(make_outbox, 300)
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(os.urandom(2000))
    outbox, sink = _reopened(make_outbox, scripted, "new")
    assert "new" in sink.ids
    assert set(sink.ids) <= {"new", *map(str, range(300))}
    assert len(set(sink.ids)) == len(sink.ids)
    aside = [file for file in path.parent.iterdir() if ".corrupt-" in file.name]
    if len(sink.ids) < 301:
        assert aside
        assert any("was damaged; it was set aside as" in sentence for sentence in outbox.problems())


def test_what_is_readable_in_a_damaged_file_is_carried_over(make_outbox, scripted, path):
    _fill(make_outbox, 1000)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(4096))
    _, sink = _reopened(make_outbox, scripted)
    assert len(sink.ids) > 900


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_a_truncated_file_leads_to_a_new_one(make_outbox, scripted, path, share):
    _fill(make_outbox, 300)
    os.truncate(path, int(path.stat().st_size * share))
    _, sink = _reopened(make_outbox, scripted, "new")
    assert "new" in sink.ids


def test_a_file_damaged_while_it_is_open_is_replaced(make_outbox, scripted, path):
    outbox, sink = make_outbox(), scripted()
    for number in range(300):
        outbox.put("s", {"text": "x" * 200}, id=str(number))
    outbox.durable_sync()
    with path.open("r+b") as file:
        file.write(os.urandom(8192))
    outbox.register("s", sink)
    outbox.start()
    outbox.put("s", {}, id="new")
    assert outbox.flush(10) == 0
    assert "new" in sink.ids


def test_a_file_that_is_no_database_is_set_aside_with_its_content(make_outbox, scripted, path):
    path.parent.mkdir()
    path.write_bytes(b"my shopping list" * 100)
    outbox, sink = make_outbox(), scripted()
    outbox.register("s", sink)
    outbox.put("s", {}, id="new")
    outbox.start()
    assert outbox.flush(10) == 0
    assert sink.ids == ["new"]
    (aside,) = [file for file in path.parent.iterdir() if file.name.startswith("outbox.db.corrupt-")]
    assert aside.read_bytes().startswith(b"my shopping list")


@pytest.mark.parametrize("what", ["file", "files", "folder", "replaced"])
def test_a_file_that_is_deleted_underneath_loses_nothing(make_outbox, scripted, path, what):
    outbox, sink = make_outbox(), scripted()
    for number in range(20):
        outbox.put("s", {}, id=str(number))
    if what == "folder":
        shutil.rmtree(path.parent)
    else:
        for file in [path] if what == "file" else list(path.parent.iterdir()):
            file.unlink()
    if what == "replaced":
        other = make_outbox()
        other.put("s", {}, id="other")
        other.close(0)
    outbox.put("s", {}, id="new")
    outbox.register("s", sink)
    outbox.start()
    assert outbox.flush(10) == 0
    assert sorted(sink.ids) == sorted([*map(str, range(20)), "new", *(["other"] if what == "replaced" else [])])
    assert any("was removed or replaced" in sentence for sentence in outbox.problems())


def test_a_newer_layout_is_left_alone(make_outbox, scripted, path):
    _fill(make_outbox, 3)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    outbox, sink = make_outbox(), scripted()
    outbox.register("s", sink)
    outbox.put("s", {}, id="new")
    outbox.start()
    assert outbox.flush(10) == 0
    assert sink.ids == ["new"]
    assert any("upgrade hookline" in sentence for sentence in outbox.problems())
    assert ids_on_disk(path) == ["0", "1", "2"]


def test_a_folder_whose_parent_is_missing_is_not_made(make_outbox, scripted, tmp_path):
    outbox, sink = make_outbox(tmp_path / "no" / "such" / "outbox.db"), scripted()
    outbox.register("s", sink)
    outbox.put("s", {}, id="1")
    outbox.start()
    assert outbox.flush(10) == 0
    assert sink.ids == ["1"]
    assert not (tmp_path / "no").exists()
    assert outbox.problems()


@pytest.fixture
def mount(tmp_path):
    """Mount a small file system; root only."""
    if os.geteuid() != 0:
        pytest.skip("mounting a file system takes root")
    folder = tmp_path / "mounted"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"tmpfs can't be mounted here: {done.stderr.decode()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_loses_nothing(make_outbox, scripted, mount):
    outbox, sink = make_outbox(mount / "outbox.db"), scripted()
    broken = threading.Event()
    broken.set()

    def refuse(message):
        if broken.is_set():
            raise SinkError("dead")

    sink.refuse = refuse
    outbox.register("s", sink)
    outbox.start()
    for number in range(2000):
        outbox.put("s", {"text": "x" * 400}, id=str(number), order_key=str(number % 3))
    assert any("the disk is full" in sentence for sentence in outbox.problems())
    assert outbox.status()[0].in_memory > 0
    broken.clear()
    subprocess.run(["mount", "-o", "remount,size=20m", str(mount)], check=True)
    assert outbox.flush(20) == 0
    assert sorted(sink.ids, key=int) == [str(number) for number in range(2000)]
    for key in range(3):
        own = [int(id) for id in sink.ids if int(id) % 3 == key]
        assert own == sorted(own)


@pytest.mark.parametrize("existing", [True, False])
def test_a_read_only_file_system_is_served_from_memory(make_outbox, scripted, mount, existing):
    file = mount / "outbox.db"
    if existing:
        first = make_outbox(file)
        first.put("s", {}, id="old")
        first.close(0)
    subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
    outbox, sink = make_outbox(file), scripted()
    outbox.register("s", sink)
    outbox.put("s", {}, id="1")
    outbox.start()
    assert outbox.flush(5) == 0
    assert sink.ids == ["1"]
    assert any("can't be used" in sentence for sentence in outbox.problems())
    subprocess.run(["mount", "-o", "remount,rw", str(mount)], check=True)
    assert outbox.replay(deadline_s=10) == 0
    assert sink.ids == (["1", "old"] if existing else ["1"])
    assert not [name for name in os.listdir(mount) if "corrupt" in name]
