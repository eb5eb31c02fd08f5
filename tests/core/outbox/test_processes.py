"""Other processes: killed between puts and in the middle of a delivery, two on one file, and forked ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

PUT_FOREVER = """
import sys
from pathlib import Path
from hookline.core.outbox import Outbox

outbox = Outbox(Path(sys.argv[1]))
number = 0
while True:
    outbox.put("s", {"text": "x" * 300}, id=str(number), order_key="k")
    print(number, flush=True)
    number += 1
"""

# A sink that appends to a file: one line a message, with the process that delivered it.
DELIVER = """
import os, sys, time
from pathlib import Path
from hookline.core.outbox import Outbox

class FileSink:
    batch_size = 5
    def deliver(self, messages):
        with open(sys.argv[2], "a") as file:
            for message in messages:
                file.write(f"{message.id}\\n")
                file.flush()
                time.sleep(float(sys.argv[3]))

outbox = Outbox(Path(sys.argv[1]), linger_s=0.0)
outbox.register("s", FileSink())
outbox.start()
for number in range(int(sys.argv[5])):
    outbox.put("s", {}, id=f"{sys.argv[4]}{number}", order_key=sys.argv[4])
print("put", flush=True)
while outbox.flush(0.5):
    pass
outbox.close(5)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.db"


@pytest.fixture
def start():
    """Run a script in a process of its own; what is left at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(script: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def wait_for_lines(file: Path, count: int) -> None:
    deadline = time.monotonic() + 30
    while not file.exists() or len(file.read_text().splitlines()) < count:
        assert time.monotonic() < deadline, "nothing was delivered"
        time.sleep(0.01)


def test_kill_between_puts_loses_nothing_that_was_put(make_outbox, scripted, path, start):
    process = start(PUT_FOREVER, path)
    put = -1
    for line in process.stdout:
        put = int(line)
        if put == 500:
            process.send_signal(signal.SIGKILL)
    process.wait()
    outbox, sink = make_outbox(path), scripted(batch_size=200)
    outbox.register("s", sink)
    assert outbox.replay(deadline_s=20) == 0
    # The last one may have been put without its number having been printed.
    assert sink.ids in ([str(n) for n in range(put + 1)], [str(n) for n in range(put + 2)])


def test_kill_in_the_middle_of_a_delivery_loses_nothing(make_outbox, scripted, path, start, tmp_path):
    delivered = tmp_path / "delivered"
    process = start(DELIVER, path, delivered, 0.02, "m", 60)
    assert process.stdout.readline() == "put\n"
    wait_for_lines(delivered, 12)
    process.kill()
    process.wait()
    before = delivered.read_text().split()
    outbox, sink = make_outbox(path), scripted()
    outbox.register("s", sink)
    assert outbox.replay(deadline_s=20) == 0  # the dead process's claims are free at once, not after their lease
    assert set(before) | set(sink.ids) == {f"m{n}" for n in range(60)}
    # Only what was on its way when the process died may come twice: at most one batch.
    assert len(set(before) & set(sink.ids)) <= 5
    assert sink.ids == sorted(sink.ids, key=lambda id: int(id[1:]))


def test_two_processes_on_one_file_deliver_everything_once_and_in_order(path, start, tmp_path):
    delivered = tmp_path / "delivered"
    both = [start(DELIVER, path, delivered, 0.0, name, 300) for name in ("a", "b")]
    for process in both:
        process.communicate(timeout=60)
        assert process.returncode == 0
    ids = delivered.read_text().split()
    assert Counter(ids) == Counter(f"{name}{n}" for name in "ab" for n in range(300))
    for name in "ab":
        own = [int(id[1:]) for id in ids if id[0] == name]
        assert own == list(range(300))


def test_a_living_process_keeps_its_claims(make_outbox, scripted, path, start, tmp_path):
    delivered = tmp_path / "delivered"
    start(DELIVER, path, delivered, 20, "m", 3)
    wait_for_lines(delivered, 1)
    outbox, sink = make_outbox(path), scripted()
    outbox.register("s", sink)
    outbox.put("s", {}, id="mine")
    assert outbox.replay(deadline_s=1) == 3
    assert sink.ids == ["mine"]


def test_a_forked_child_uses_a_connection_of_its_own(make_outbox, scripted, path):
    outbox, sink = make_outbox(path), scripted()
    outbox.register("s", sink)
    outbox.start()
    outbox.put("s", {}, id="before")
    child = os.fork()
    if child == 0:
        for number in range(50):
            outbox.put("s", {}, id=f"child{number}", order_key="child")
        os._exit(0 if not outbox.problems() or "not delivered" in outbox.problems()[0] else 1)
    for number in range(50):
        outbox.put("s", {}, id=f"parent{number}", order_key="parent")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert outbox.flush(20) == 0
    expected = ["before", *(f"{who}{n}" for who in ("child", "parent") for n in range(50))]
    assert Counter(sink.ids) == Counter(expected)


def test_a_child_that_outlives_its_parents_closing_loses_nothing(make_outbox, scripted, path):
    outbox = make_outbox(path)
    outbox.put("s", {}, id="parent")
    asked, ask = os.pipe()
    child = os.fork()
    if child == 0:
        outbox.put("s", {}, id="child1")
        os.read(asked, 1)
        outbox.put("s", {}, id="child2")
        os._exit(0)
    deadline = time.monotonic() + 20
    while not any(status.pending == 2 for status in outbox.status()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    outbox.close(0.1)  # were the child's locks not real, this would delete the log under it
    os.write(ask, b"x")
    os.waitpid(child, 0)
    os.close(asked)
    os.close(ask)
    later, sink = make_outbox(path), scripted()
    later.register("s", sink)
    assert later.replay(deadline_s=20) == 0
    assert sorted(sink.ids) == ["child1", "child2", "parent"]


def test_a_child_that_a_sink_forks_does_not_deliver_as_well(make_outbox, path, tmp_path):
    delivered = tmp_path / "delivered"

    class Forks:
        batch_size = 1

        def deliver(self, messages):
            child = os.fork()
            if child:
                os.waitpid(child, 0)
                with delivered.open("a") as file:
                    file.writelines(f"{message.id} {os.getpid()}\n" for message in messages)

    outbox = make_outbox(path)
    outbox.register("s", Forks())
    outbox.start()
    for number in range(3):
        outbox.put("s", {}, id=f"m{number}", order_key="o")
    assert outbox.flush(20) == 0
    assert delivered.read_text().splitlines() == [f"m{number} {os.getpid()}" for number in range(3)]
