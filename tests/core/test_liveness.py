"""Runs whose process died are found once, and living ones never."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from hookline.core.events import Run
from hookline.core.liveness import RunLock, claim_dead_runs

HOLD = """
import os, sys, time
from pathlib import Path
from hookline.core.events import Run
from hookline.core.liveness import RunLock

lock = RunLock.take(Path(sys.argv[1]), Run.begin("job"))
# In one piece: without a buffer, print writes the end of the line by itself, and two processes share the pipe.
if sys.argv[2] == "fork" and os.fork() == 0:
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(60)
    os._exit(0)
os.write(1, b"held\\n")
time.sleep(60)
"""
CLAIM = """
import sys, time
from pathlib import Path
from hookline.core.liveness import claim_dead_runs

sys.stdin.readline()
for run, lock in claim_dead_runs(Path(sys.argv[1])):
    print(run.run_id, flush=True)
    time.sleep(0.01)
    lock.release()
"""


def start(script, *arguments):
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_killed_run_is_found_and_a_living_one_is_not(tmp_path):
    with start(HOLD, tmp_path, "") as process:
        process.stdout.readline()
        assert list(claim_dead_runs(tmp_path)) == []
        process.kill()
    ((run, lock),) = claim_dead_runs(tmp_path)
    assert run.job == "job"
    lock.release()
    assert list(claim_dead_runs(tmp_path)) == []


def test_a_forked_child_that_survives_does_not_make_the_run_look_alive(tmp_path):
    with start(HOLD, tmp_path, "fork") as process:
        lines = {process.stdout.readline().strip(), process.stdout.readline().strip()}
        (child,) = lines - {"held"}
        process.kill()
        process.wait()
        try:
            assert len(list(claim_dead_runs(tmp_path))) == 1
        finally:
            os.kill(int(child), signal.SIGKILL)


def test_two_processes_that_look_at_once_get_each_run_once(tmp_path):
    killed = []
    for _ in range(3):
        with start(HOLD, tmp_path, "") as process:
            process.stdout.readline()
            process.kill()
    for number in range(60):  # more of them, without a process each
        run = Run.begin(f"job{number}")
        lock = RunLock.take(tmp_path, run)
        os.close(lock._descriptor)
        lock._descriptor = None
        killed.append(run.run_id)
    both = [start(CLAIM, tmp_path) for _ in range(2)]
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    found = [line for process in both for line in process.communicate(timeout=60)[0].split()]
    assert len(found) == len(set(found)) == 63
    assert set(killed) <= set(found)


def test_a_run_that_ended_leaves_nothing(tmp_path):
    RunLock.take(tmp_path, Run.begin("job")).release()
    assert list((tmp_path / "live").iterdir()) == []


def test_a_claim_that_is_not_carried_out_can_be_made_again(tmp_path):
    with start(HOLD, tmp_path, "") as process:
        process.stdout.readline()
        process.kill()
    ((run, lock),) = claim_dead_runs(tmp_path)
    os.close(lock._descriptor)  # as the claimant's own death would
    lock._descriptor = None
    ((again, lock),) = claim_dead_runs(tmp_path)
    assert again == run
    lock.release()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", bytes(range(255, 155, -1))])
def test_a_file_that_tells_nothing_is_removed(tmp_path, content):
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "x.lock").write_bytes(content)
    assert list(claim_dead_runs(tmp_path)) == []
    assert list((tmp_path / "live").iterdir()) == []
