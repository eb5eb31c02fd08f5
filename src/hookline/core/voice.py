"""Where hookline itself speaks: standard error, even where a launcher mixes a job's streams.

``spark-submit`` runs Python as a child of the JVM, and passes on what it says on either stream as its own standard output.
What hookline says would then be among the job's output. So whoever starts ``spark-submit`` leaves a small process behind that
holds the real standard error, and the child writes to that.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from typing import TextIO

_VARIABLE = "HOOKLINE_STDERR"
_LOOK_EVERY_MS = 100
_FILES = 1_024
_stream: TextIO | None = None


def stream() -> TextIO:
    """What to write to; taken once by whoever speaks, since a job may replace ``sys.stderr`` to catch its own output."""
    return sys.stderr if _stream is None else _stream


def leave_behind() -> None:
    """Fork the process that holds standard error, before this one becomes another program."""
    try:
        folder = tempfile.mkdtemp(prefix="hookline-")
        path = os.path.join(folder, "stderr")
        os.mkfifo(path, 0o600)
        pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # held open for writing too, so that it never ends by itself
    except OSError:
        return  # then standard error it is, wherever that goes
    launcher = os.getpid()
    if os.fork() == 0:
        try:
            _hold(pipe, launcher)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os._exit(0)
    os.close(pipe)
    os.environ[_VARIABLE] = path


def take() -> None:
    """In the child: speak to the process that was left behind, when there is one."""
    global _stream
    path = os.environ.pop(_VARIABLE, None)
    if path is None:
        return
    with suppress(OSError):  # it is gone, and nobody reads
        pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(pipe, True)
        _stream = os.fdopen(pipe, "w", buffering=1, encoding="utf-8", errors="backslashreplace")


def _hold(pipe: int, launcher: int) -> None:
    """Pass on what comes, until the launcher is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.closerange(3, pipe)
    os.closerange(pipe + 1, _FILES)
    os.chdir("/")
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    while poll.poll(_LOOK_EVERY_MS) or os.getppid() == launcher:
        with suppress(BlockingIOError):
            while data := os.read(pipe, 65_536):
                _pass_on(data)


def _pass_on(data: bytes) -> None:
    with suppress(OSError):
        while data:
            data = data[os.write(2, data) :]
