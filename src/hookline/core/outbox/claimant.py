"""Who holds a message: a process on a machine, told apart from a later process with the same number."""

from __future__ import annotations

import os
import platform
import uuid
from pathlib import Path


def claimant() -> str:
    """A name for one outbox of this process, new at each call."""
    pid = os.getpid()
    return "|".join((_machine(), _boot(), str(pid), _start_of(pid) or "", uuid.uuid4().hex[:8]))


def is_dead(name: str) -> bool:
    """Whether the process that a claimant names is certainly gone; False for one that can't be looked at from here."""
    machine, boot, pid, start, _ = name.split("|")
    if machine != _machine():
        return False
    if boot != _boot():
        return True
    return _is_gone(int(pid), start)


def _is_gone(pid: int, start: str) -> bool:
    if start:
        return _start_of(pid) != start
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _machine() -> str:
    # Process numbers mean something only within one namespace, and containers may share a volume.
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    identity = _first_line("/etc/machine-id") or platform.node()
    return f"{identity}{namespace}".replace("|", "")


def _boot() -> str:
    return _first_line("/proc/sys/kernel/random/boot_id")


def _start_of(pid: int) -> str | None:
    """When a process started, in clock ticks since boot; None when there is no such process or no /proc.

    A zombie counts as gone: it delivers nothing any more.
    """
    line = _first_line(f"/proc/{pid}/stat")
    if not line:
        return None
    # The command's name, in parentheses, may contain anything, parentheses and blanks included.
    fields = line.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
