"""Runs a command and counts the CPU of every process it started, also of those that outlived their parent."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds on the clock, and of CPU in all its processes."""

    wall_s: float
    cpu_s: float


def adopt_orphans() -> None:
    """Become the parent of processes that lose theirs (Linux), so that their CPU is counted when they end."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this kernel does not let a process adopt orphans")


def run(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, log: Path, apart: Collection[int] = ()
) -> Cost:
    """Run a command to the end of its last process.

    Args:
        apart: children that are none of its own, such as servers, by their process ids; they go on.

    Raises:
        RuntimeError: it failed; its output is in ``log``.
    """
    before = _cpu_of_children_s()
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environ, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        code = process.wait()
    wall_s = time.perf_counter() - began
    _wait_for_orphans(apart)
    if code != 0:
        raise RuntimeError(f"exit code {code}: {' '.join(command)}; its output is in {log}")
    return Cost(wall_s, _cpu_of_children_s() - before)


def _wait_for_orphans(apart: Collection[int]) -> None:
    while orphans := _children() - set(apart):
        for orphan in orphans:
            os.waitpid(orphan, 0)


def _children() -> set[int]:
    threads = Path("/proc/self/task").iterdir()
    return {int(child) for thread in threads for child in (thread / "children").read_text().split()}


def _cpu_of_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
