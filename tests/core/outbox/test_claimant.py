"""Telling a dead process from a living one."""

from __future__ import annotations

import os
import subprocess
import sys

from hookline.core.outbox.claimant import claimant, is_dead


def name_of(*, pid: int | None = None, start: str | None = None, machine: str | None = None) -> str:
    own = claimant().split("|")
    return "|".join((machine or own[0], own[1], str(pid or own[2]), own[3] if start is None else start, "x"))


def test_this_process_is_alive():
    assert not is_dead(claimant())
    assert not is_dead(name_of(start=""))


def test_names_of_one_process_differ():
    assert claimant() != claimant()


def test_a_process_that_ended_is_dead_also_while_it_is_a_zombie():
    process = subprocess.Popen(
        [sys.executable, "-c", "from hookline.core.outbox.claimant import claimant; print(claimant())"],
        stdout=subprocess.PIPE,
        text=True,
    )
    name = process.stdout.read().strip()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(name)
    process.communicate()
    assert is_dead(name)


def test_a_later_process_with_the_same_number_is_another_one():
    assert is_dead(name_of(start="1"))


def test_nothing_is_known_of_another_machine():
    assert not is_dead(name_of(pid=2**22 + 1, machine="elsewhere"))
